//! Mail: messages that others keep for those who are away.
//!
//! ```text
//! recipient ── publish: pre-keys ──► keeper                            `recipient`
//! sender ── keys_of recipient, put: sealed and signed ──► keeper       `sender`
//! keeper ── kept_message ──► recipient, when it is back                `keeper`
//! keeper ── what the recipient signed about it ──► sender              `keeper`
//! ```
//!
//! The outbox of the sender goes on trying the recipient itself, with the same message id. Whichever copy comes first is
//! taken, the others are known; the receipt of the recipient ends both ways.

mod keeper;
mod recipient;
mod sender;

use std::{
    collections::{BTreeSet, HashMap, HashSet},
    sync::Arc,
    time::Duration,
};

use serde_json::{Map, Value, json};

use super::{inner::Inner, state::State};
use crate::{
    env::{Moment, Timestamp},
    error::Result,
    identity::AgentId,
    messaging::compose,
    peers::Connection,
    store::Batch,
    transport::Sent,
    wire::{canonical::Domain, json as strict, prekeys::KeyName, route::Endpoint},
};

/// How often mail is looked at when nothing rings.
const ROUND: Duration = Duration::from_secs(60);
/// How long one request about mail may take.
const TIMEOUT: Duration = Duration::from_secs(5);

/// What is under way. Nothing of it is stored: a restart asks afresh.
#[derive(Default)]
pub(crate) struct Desk {
    /// To whom mail is being handed over.
    handing: HashSet<AgentId>,
    /// Mail that its recipient refused without saying that it may be deleted, and until when it rests.
    resting: HashMap<u64, Moment>,
    /// Whose mail is being put with keepers.
    putting: HashSet<AgentId>,
    /// When our keys were left with each keeper, and among which mailboxes.
    published: HashMap<AgentId, Published>,
    /// Keepers that keep nothing for an agent, and until when they are not asked again.
    declined: HashMap<(AgentId, AgentId), Moment>,
    /// One-time keys of copies that came too late: to be destroyed.
    spent: BTreeSet<KeyName>,
    /// Mail that came before the message it follows, since when.
    early: HashMap<(AgentId, String), Moment>,
}

#[derive(Clone, Debug, PartialEq)]
struct Published {
    at: Timestamp,
    mailboxes: Vec<AgentId>,
    /// How many of its one-time keys came back with mail since.
    used: usize,
}

/// Somebody is no peer any more: its mail and its keys leave.
pub(super) fn part(state: &mut State, agent: &AgentId) -> Result<Batch> {
    state.mail.published.remove(agent);
    let mut rows = state.mailbox.part(agent);
    rows.append(state.bundles.part(agent)?);
    Ok(rows)
}

impl Inner {
    /// Whether this node lets others keep mail, and has somebody for it.
    fn uses_mailboxes(&self) -> bool {
        self.config.use_mailboxes
            && self.config.seal
            && self.state.lock().peers.iter().any(Connection::keeps_mail)
    }

    /// Whether there is something to hand over to `agent`, which showed itself.
    pub(super) fn may_have_mail(&self, state: &State, agent: &AgentId) -> bool {
        self.config.mailbox && state.mailbox.next_for(agent, None).is_some()
    }

    /// The peers that keep mail, in the order of their ids.
    fn keepers(&self, state: &State) -> Vec<Connection> {
        let keeps = |peer: &&Connection| peer.keeps_mail() && !state.blocks.contains(&peer.agent_id);
        let mut keepers: Vec<_> = state.peers.iter().filter(keeps).cloned().collect();
        keepers.sort_by_key(|peer| peer.agent_id);
        keepers
    }

    /// Looks after mail until the node closes.
    pub(super) async fn run_mail(self: &Arc<Self>) {
        let mut next_round = self.steady();
        loop {
            if self.ready().is_ok() {
                if self.steady() >= next_round {
                    next_round = self.steady() + ROUND;
                    if let Err(error) = self.tidy_mail().await {
                        tracing::warn!(%error, "mail that is over was not removed");
                    }
                }
                let spent = std::mem::take(&mut self.state.lock().mail.spent);
                if !spent.is_empty() {
                    self.destroy_keys(spent.into_iter().collect()).await;
                }
                self.hand_over_all();
                if self.uses_mailboxes() {
                    self.publish_keys().await;
                    self.put_mail();
                }
            }
            tokio::select! {
                biased;
                () = tokio::time::sleep(ROUND) => {}
                () = self.mail_bell.notified() => {}
            }
        }
    }

    /// Removes what is over: mail, keys of others, and our own secrets.
    async fn tidy_mail(self: &Arc<Self>) -> Result<()> {
        self.write(|state, now| {
            let steady = self.steady();
            state.mail.declined.retain(|_, until| steady < *until);
            state.mail.resting.retain(|_, until| steady < *until);
            let mut rows = state.mailbox.tidy(now);
            rows.append(state.bundles.tidy(now));
            rows.append(state.prekeys.tidy(now));
            Ok(rows)
        })
        .await
    }

    /// Asks a keeper something, signed.
    async fn ask_keeper(&self, keeper: &Connection, ask: (&str, Value)) -> Result<Sent> {
        let mut body = Map::new();
        body.insert("from_agent_id".into(), json!(self.me()));
        body.insert("nonce".into(), json!(self.id("", 16)));
        body.insert("timestamp".into(), json!(self.signing_time().to_wire()));
        body.insert(ask.0.to_owned(), ask.1);
        compose::sign_object(Domain::Mailbox, &keeper.agent_id, &self.passport, &mut body)?;
        self.post_to_peer(keeper, Endpoint::Mailbox.name(), body, TIMEOUT).await
    }
}

/// The members of an answer with status 200.
fn members(sent: &Sent) -> Option<Map<String, Value>> {
    (sent.reply.status == 200).then(|| strict::parse_object(&sent.reply.body).ok()).flatten()
}

/// A member of an answer, in its type.
fn member<T: serde::de::DeserializeOwned>(answer: &Map<String, Value>, name: &str) -> Option<T> {
    answer.get(name).cloned().and_then(|value| serde_json::from_value(value).ok())
}
