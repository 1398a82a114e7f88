//! Looking for peers that are lost: where they were, nobody answers.
//!
//! ```text
//! 2 failures ─► ask up to 12 reachable peers: peer_lookup ─┬─ the peer's own signed words ─► moved, pinged, told
//!                                                          └─ what most say ─► ask there for a signed answer
//!                                                                               └─ it is the peer ─► moved
//! ```
//!
//! Nobody is moved by what others say (`peers::search` decides what counts). When and how often a peer is looked for
//! stands in `peers::health`. Every request obeys the URL policy: a place that was told leads no nearer to us than whoever
//! told it.

use std::{sync::Arc, time::Duration};

use futures_util::{StreamExt as _, stream};

use super::{inner::Inner, lookups};
use crate::{
    env::{Moment, Timestamp},
    error::Result,
    identity::AgentId,
    peers::{
        Connection, LocationRecord, PeerEvent, Peers, admission,
        search::{self, Bounds, Finding, Told},
    },
    store::Batch,
    transport::{Grant, Method},
    wire::{
        AddressClass,
        frame::{ConnectionReply, Lookup},
        json as strict,
        route::MESH_PREFIX,
        url,
        verify::Proof,
    },
};

/// How many lost peers are looked for at the same time.
pub(super) const AT_ONCE: usize = 4;
/// How many peers are asked about a lost one: the most trusted ones,
const MOST_TRUSTED: usize = 8;
/// and some that chance picks, who may know what the trusted ones do not.
const PICKED: usize = 4;
/// How many of them are asked at the same time.
const ASKED_AT_ONCE: usize = 4;
/// How long an answer may take, as in 1.1.1.
const LOOKUP_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a proof may take.
const PROOF_TIMEOUT: Duration = Duration::from_secs(10);

impl Inner {
    /// Notes that `agent` answered, or did not, and tells when that changes something.
    pub(super) fn note_reached(self: &Arc<Self>, agent: &AgentId, reached: bool) {
        let changed = self.state.lock().peers.note_reached(agent, reached, self.both());
        if changed {
            self.publish([PeerEvent::PeerReachability { agent_id: *agent, reachable: reached }]);
        }
        if !reached {
            // It is tried again, or looked for, before its time.
            self.upkeep_bell.notify_one();
        }
    }

    /// Looks for the lost peers that are due; returns when the next one is.
    pub(super) fn search_due(self: &Arc<Self>, now: Moment) -> Option<Moment> {
        let free = self.searches.available_permits();
        let (due, next) = self.state.lock().peers.searches_due(now, free, &*self.env.random);
        for lost in due {
            let Ok(place) = Arc::clone(&self.searches).try_acquire_owned() else { break };
            let inner = Arc::clone(self);
            self.env.tasks.spawn("search", async move {
                if let Err(error) = inner.search(lost).await {
                    tracing::warn!(%error, peer = lost.short(), "what was found of a lost peer was not stored");
                }
                drop(place);
            });
        }
        next
    }

    async fn search(self: &Arc<Self>, lost: AgentId) -> Result<()> {
        let Some(question) = self.search_question(lost) else { return Ok(()) };
        let told: Vec<Told> = stream::iter(self.informants(&lost))
            .map(|peer| async move { self.ask_where(&peer, question).await })
            .buffer_unordered(ASKED_AT_ONCE)
            .filter_map(std::future::ready)
            .collect()
            .await;
        let Some(known) = self.still_lost(&lost) else { return Ok(()) };
        let own_url = self.own_url();
        let bounds = Bounds { own_url: &own_url, tier: self.config.network_tier, now: self.now() };
        match search::conclude(&known, told, bounds) {
            Finding::Nothing => Ok(()),
            Finding::Signed { record, class } => {
                self.moved(lost, |peers, now| peers.on_location(&lost, &record, class, now)).await
            }
            Finding::Likely { url, class } => {
                let record = if known.signs_v2() {
                    self.proof_of_place(&lost, &url, class).await
                } else {
                    let grant = Grant::Peer(admission::reach(&url, class));
                    self.answers_at(lost, &url, grant).await.then_some(None)
                };
                let Some(record) = record else { return Ok(()) };
                if self.still_lost(&lost).is_none() {
                    return Ok(());
                }
                self.moved(lost, |peers, now| peers.on_proven_place(&lost, (url, class), record, now)).await
            }
        }
    }

    fn still_lost(&self, agent: &AgentId) -> Option<Connection> {
        let state = self.state.lock();
        state.peers.get(agent).filter(|_| state.peers.health(agent).is_unreachable()).cloned()
    }

    /// Whom to ask about `lost`: peers that answer.
    fn informants(&self, lost: &AgentId) -> Vec<Connection> {
        let state = self.state.lock();
        let reachable = state
            .peers
            .iter()
            .map(|peer| peer.agent_id)
            .filter(|agent| agent != lost && state.peers.health(agent).failures == 0);
        let mut asked = state.trust.ranking(reachable);
        let mut others = asked.split_off(asked.len().min(MOST_TRUSTED));
        for _ in 0..PICKED.min(others.len()) {
            asked.push(others.swap_remove(self.env.random.below(others.len() as u64) as usize));
        }
        asked.iter().filter_map(|agent| state.peers.get(agent).cloned()).collect()
    }

    /// What is asked about `lost` this time: the further, the more often it was in vain.
    fn search_question(&self, lost: AgentId) -> Option<Lookup> {
        let mut state = self.state.lock();
        let after = state.peers.get(&lost)?.placed_at();
        let hops = state.peers.health(&lost).ring();
        if hops > 0 {
            // The question may come back to us: it goes no further then.
            state.lookups.pass(&lost, None, self.steady());
        }
        Some(Lookup { agent: lost, hops, after })
    }

    async fn ask_where(&self, peer: &Connection, question: Lookup) -> Option<Told> {
        // 1.1.1 passes no questions on.
        let question = if peer.signs_v2() { question } else { Lookup { hops: 0, ..question } };
        let patience = lookups::patience(&question).max(LOOKUP_TIMEOUT);
        let answer = self.ask_peer(peer, &question.path(), patience).await?;
        let score = self.state.lock().trust.score(&peer.agent_id);
        Told::read(&answer, &question.agent, peer.reach(), score)
    }

    /// Asks whoever listens at `place` for an answer that `lost` alone can sign, for this question alone, and that names
    /// this place: one that was fetched from the peer elsewhere names another. The inner option is the record in it.
    async fn proof_of_place(
        &self,
        lost: &AgentId,
        place: &str,
        class: AddressClass,
    ) -> Option<Option<LocationRecord>> {
        let nonce = self.id("", 16);
        let body = {
            let me = self.describe(&self.state.lock());
            self.handshake(&me, self.now()).request(Some(lost), &nonce, false).ok()?
        };
        let path = format!("{MESH_PREFIX}{lost}/connection_request");
        let grant = Grant::Peer(admission::reach(place, class));
        let base = url::base(place);
        let sent = self.request(base, Method::Post, path, Some(body), PROOF_TIMEOUT, grant).await.ok()?;
        if sent.reply.status != 200 {
            return None;
        }
        let reply = ConnectionReply::decode(strict::parse_object(&sent.reply.body).ok()?).ok()?;
        let ConnectionReply::Accepted(accepted) = reply else { return None };
        let believed = self.believe_reply(*accepted).ok()?;
        let accepted = believed.frame();
        let echoed = accepted.signed.as_ref().and_then(|signed| signed.nonce.as_deref());
        let is_it = believed.proof() != Proof::None
            && accepted.from == *lost
            && echoed == Some(&nonce)
            && url::normal(url::base(&accepted.url)) == url::normal(base);
        is_it.then(|| LocationRecord::of_handshake(accepted.signed.as_ref()))
    }

    /// Stores what moved a peer; then it is told where we are and pinged, which brings what waits for it on its way.
    async fn moved(
        self: &Arc<Self>,
        agent: AgentId,
        decide: impl FnOnce(&mut Peers, Timestamp) -> Result<(Batch, Vec<PeerEvent>)>,
    ) -> Result<()> {
        self.transact(
            |state, now| decide(&mut state.peers, now),
            move |inner, result, events| {
                if result.is_ok() && !events.is_empty() {
                    inner.publish(events);
                    inner.announce_missed(&agent);
                    inner.upkeep_bell.notify_one();
                }
                result
            },
        )
        .await?
    }
}
