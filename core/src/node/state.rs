//! What a node knows, in memory: the tables of every system behind one short lock.
//!
//! The state is what the store says plus what is under way. Rows are built and queued while the lock is held,
//! so the disk sees changes in the order in which they were made; nobody holds the lock across an `.await`.

use crate::{
    env::{Env, Timestamp},
    error::{Code, Error, Result},
    identity::AgentId,
    messaging::{
        Bundles, Given, Inbox, Mailbox, Outbox, PreKeys, Sent,
        cancels::{Ahead, Recalls},
        context::ContextFeed,
        groups::{GROUPS, Groups},
        idempotency::Keys,
        inbound::Tables,
        inbox::NUMBERS,
        log::ConversationLog,
        receipts::sent::Departure,
        rule_book::{ROUTING_RULES, RuleBook},
        streams::{Answering, Asking},
    },
    peers::{Blocks, Connection, Lookups, Peers, Sightings},
    store::{Batch, Range, Row, Store, Table},
    trust::Trust,
    wire::{limiter::Limiter, replay::ReplayWindow},
};

use super::{config::NodeConfig, names, sources::ProvenSources};

/// Facts about the node itself, one row each in the `meta` table.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Profile {
    pub(crate) created_at: Timestamp,
    pub(crate) display_name: String,
    pub(crate) bio: String,
    pub(crate) active: bool,
}

/// Keys of the `meta` table.
const AGENT_ID: &str = "agent_id";
const CREATED_AT: &str = "created_at";
const DISPLAY_NAME: &str = "display_name";
const BIO: &str = "bio";

/// The bio of an agent that was given none.
const DEFAULT_BIO: &str = "A DarkMatter mesh agent.";

impl Profile {
    /// The rows that keep it. Whether the node is active is not kept: it starts active, as in 1.1.1.
    pub(crate) fn rows(&self) -> Result<Batch> {
        let mut rows = Batch::new();
        rows.put(Table::Meta, CREATED_AT, &self.created_at)?;
        rows.put(Table::Meta, DISPLAY_NAME, &self.display_name)?;
        rows.put(Table::Meta, BIO, &self.bio)?;
        Ok(rows)
    }

    fn load(stored: &[Row], config: &NodeConfig, env: &Env, me: AgentId) -> Result<Self> {
        let find = |key: &str| stored.iter().find(|row| row.key == key);
        let text = |key: &str| find(key).map(|row| row.parse::<String>(Table::Meta)).transpose();
        // Peers, messages and trust are those of one agent; another key must not speak for it.
        if let Some(row) = find(AGENT_ID)
            && row.parse::<AgentId>(Table::Meta)? != me
        {
            return Err(Error::new(
                Code::PassportMismatch,
                "the database belongs to another passport; bring that passport back, or move the database away",
            )
            .with("passport", me.short()));
        }
        let created_at = match find(CREATED_AT) {
            Some(row) => row.parse(Table::Meta)?,
            None => env.now(),
        };
        let stored_name = text(DISPLAY_NAME)?;
        let stored_bio = text(BIO)?;
        Ok(Self {
            created_at,
            display_name: config
                .display_name
                .clone()
                .or(stored_name)
                .unwrap_or_else(|| names::random_name(&*env.random)),
            bio: config.bio.clone().or(stored_bio).unwrap_or_else(|| DEFAULT_BIO.to_owned()),
            active: true,
        })
    }
}

/// Everything behind the lock.
pub(crate) struct State {
    pub(crate) profile: Profile,
    pub(crate) peers: Peers,
    pub(crate) blocks: Blocks,
    pub(crate) rules: RuleBook,
    pub(crate) groups: Groups,
    pub(crate) trust: Trust,
    pub(crate) inbox: Inbox,
    pub(crate) outbox: Outbox,
    pub(crate) sent: Sent,
    pub(crate) keys: Keys,
    pub(crate) given: Given,
    pub(crate) prekeys: PreKeys,
    pub(crate) bundles: Bundles,
    pub(crate) mailbox: Mailbox,
    pub(crate) mail: super::mail::Desk,
    pub(crate) recalls: Recalls,
    pub(crate) ahead: Ahead,
    pub(crate) asking: Asking,
    pub(crate) answering: Answering,
    pub(crate) log: ConversationLog,
    pub(crate) feed: ContextFeed,
    pub(crate) limiter: Limiter,
    pub(crate) proven: ProvenSources,
    pub(crate) replay: ReplayWindow,
    pub(crate) routes: super::routing::Routes,
    pub(crate) sightings: Sightings,
    pub(crate) lookups: Lookups,
    pub(crate) adrift: super::relay::Adrift,
    pub(crate) asked: super::routed::Asked,
}

impl State {
    /// Reads everything that was committed. The first start writes the profile, a later one only what changed in it,
    /// so that a node opens on a full disk.
    pub(crate) async fn load(store: &dyn Store, config: &NodeConfig, env: &Env, me: AgentId) -> Result<Self> {
        let scan = |table| store.scan(table, Range::all());
        let meta = scan(Table::Meta).await?;
        let profile = Profile::load(&meta, config, env, me)?;
        let mut rows = profile.rows()?;
        rows.put(Table::Meta, AGENT_ID, &me)?;
        rows.omit_known(Table::Meta, &meta);
        if !rows.is_empty() {
            store.commit(rows).await?;
        }
        let mut state = Self {
            profile,
            peers: Peers::load(
                &scan(Table::Peers).await?,
                &scan(Table::Pending).await?,
                &scan(Table::Outstanding).await?,
            )?,
            groups: Groups::load(meta.iter().find(|row| row.key == GROUPS))?,
            rules: RuleBook::load(meta.iter().find(|row| row.key == ROUTING_RULES), &config.routing_rules)?,
            blocks: Blocks::load(&scan(Table::Blocked).await?)?,
            trust: Trust::load(&scan(Table::Impressions).await?)?,
            inbox: Inbox::load(&scan(Table::Inbox).await?, meta.iter().find(|row| row.key == NUMBERS))?,
            outbox: Outbox::load(&scan(Table::Outbox).await?, env.both())?,
            sent: Sent::load(&scan(Table::Sent).await?)?,
            keys: Keys::load(&scan(Table::Keys).await?)?,
            recalls: Recalls::default(),
            ahead: Ahead::default(),
            asking: Asking::default(),
            answering: Answering::default(),
            given: Given::load(&scan(Table::Given).await?, env.steady())?,
            prekeys: PreKeys::load(&scan(Table::PreKeys).await?)?,
            bundles: Bundles::load(&scan(Table::Bundles).await?)?,
            mailbox: Mailbox::load(&scan(Table::Mailbox).await?)?,
            mail: super::mail::Desk::default(),
            log: ConversationLog::load(&scan(Table::Log).await?)?,
            feed: ContextFeed::new(),
            limiter: Limiter::new(config.limits),
            proven: ProvenSources::default(),
            replay: ReplayWindow::default(),
            routes: super::routing::Routes::default(),
            sightings: Sightings::default(),
            lookups: Lookups::default(),
            adrift: super::relay::Adrift::default(),
            asked: super::routed::Asked::default(),
        };
        state.expect_waiting()?;
        state.recalls = Recalls::load(&state.sent, env.steady());
        Ok(state)
    }

    /// What waits in the outbox is on its way: its fate will be known.
    fn expect_waiting(&mut self) -> Result<()> {
        for item in self.outbox.list() {
            let digest = item.digest()?;
            let gives_receipts = self.peers.get(&item.to).is_some_and(Connection::gives_receipts);
            self.sent.begin(Departure {
                message_id: &item.message_id,
                to: item.to,
                digest: &digest,
                gives_receipts,
            });
        }
        Ok(())
    }

    /// The tables that a message touches.
    pub(crate) fn tables(&mut self) -> Tables<'_> {
        Tables { inbox: &mut self.inbox, log: &mut self.log, peers: &mut self.peers, trust: &mut self.trust }
    }

    /// Lets go of what became of the oldest messages beyond `limit`.
    pub(crate) fn trim_sent(&mut self, limit: usize) -> Result<Batch> {
        let (keys, mut keyed) = (&self.keys, Vec::new());
        let mut rows = self.sent.trim(limit, |message_id, fate| {
            if keys.knows(message_id) {
                keyed.push((message_id.to_owned(), fate));
            }
        });
        for (message_id, fate) in keyed {
            rows.append(self.keys.remember(&message_id, fate)?);
        }
        Ok(rows)
    }

    /// The rows of what was only counted in memory so far.
    pub(crate) fn save_counters(&mut self) -> Result<Batch> {
        let mut rows = self.peers.save_counters()?;
        rows.append(self.trust.save_counters()?);
        rows.append(self.given.save()?);
        Ok(rows)
    }

    /// Whether another connection fits.
    pub(crate) fn accepts_connections(&self, config: &NodeConfig) -> bool {
        self.profile.active && self.peers.len() < config.max_connections
    }
}
