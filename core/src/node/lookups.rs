//! Answering where an agent is, also when only a peer of a peer knows.
//!
//! ```text
//! lookup ─┬─ we know better than the asker, or may not ask on ─► what we know, or 404
//!         ├─ somebody asked lately, and it was found ──────────► the agent's signed words
//!         └─ otherwise: up to 3 peers, one hop less ───────────► the first signed words that are news
//! ```
//!
//! Only what the agent signed itself is passed on. What `peers::lookups` lets through is asked, and nothing else.

use std::{sync::Arc, time::Duration};

use futures_util::{StreamExt as _, stream};
use serde_json::json;

use super::{inbound::source_key, inner::Inner};
use crate::{
    peers::{Connection, LocationRecord, documents},
    transport::{Method, Source},
    wire::{Answer, frame::Lookup, json as strict, route::MESH_PREFIX, url},
};

/// How many peers are asked at each hop.
const WIDTH: usize = 3;
/// How long a question may take for each time that it may be passed on, and once more.
const PER_HOP: Duration = Duration::from_secs(2);

/// How long the answer to a question may take.
pub(super) fn patience(lookup: &Lookup) -> Duration {
    PER_HOP * (u32::from(lookup.hops) + 1)
}

impl Inner {
    pub(super) async fn answer_lookup(self: &Arc<Self>, lookup: Lookup, source: &Source) -> Answer {
        let onward = {
            let now = self.steady();
            let mut state = self.state.lock();
            let known = state.peers.get(&lookup.agent);
            let is_reached = known.is_some() && !state.peers.health(&lookup.agent).is_unreachable();
            let is_news = known.is_some_and(|known| {
                known.location.as_ref().is_some_and(|record| record.signed_at() > lookup.after)
            });
            let direct = documents::lookup_document(&state.peers, &lookup.agent);
            if lookup.hops == 0 || is_reached || is_news {
                return direct;
            }
            if let Some(record) = state.lookups.found(&lookup.agent, lookup.after, now) {
                return found(&record);
            }
            if !state.lookups.pass(&lookup.agent, Some(&source_key(source)), now) {
                return direct;
            }
            drop(state);
            (self.witnesses(&lookup), direct)
        };
        let (witnesses, direct) = onward;
        let question = Lookup { hops: lookup.hops - 1, ..lookup };
        let asked = stream::iter(witnesses).map(|peer| self.ask_witness(peer, question));
        let mut told = Box::pin(asked.buffer_unordered(WIDTH).filter_map(std::future::ready));
        match told.next().await {
            Some(record) => {
                self.state.lock().lookups.note(&record);
                found(&record)
            }
            None => direct,
        }
    }

    /// Peers that answer, and can bring signed words: those of our kind.
    fn witnesses(&self, lookup: &Lookup) -> Vec<Connection> {
        let state = self.state.lock();
        let mut peers: Vec<&Connection> = state
            .peers
            .iter()
            .filter(|peer| peer.agent_id != lookup.agent && peer.signs_v2())
            .filter(|peer| state.peers.health(&peer.agent_id).failures == 0)
            .collect();
        let mut picked = Vec::with_capacity(WIDTH);
        while picked.len() < WIDTH && !peers.is_empty() {
            let place = self.env.random.below(peers.len() as u64) as usize;
            picked.push(peers.swap_remove(place).clone());
        }
        picked
    }

    async fn ask_witness(&self, peer: Connection, question: Lookup) -> Option<LocationRecord> {
        let path = format!("{MESH_PREFIX}{}/{}", peer.agent_id, question.path());
        let base = url::base(&peer.url);
        let sent =
            self.request(base, Method::Get, path, None, patience(&question), peer.grant()).await.ok()?;
        if sent.reply.status != 200 {
            return None;
        }
        let answer = strict::parse_object(&sent.reply.body).ok()?;
        let record = LocationRecord::of_lookup(&answer)?;
        let signed_at = record.check(&question.agent, self.now()).ok()?;
        (Some(signed_at) > question.after).then_some(record)
    }
}

/// Words of the agent alone: whoever passes them on has no connection to speak of.
fn found(record: &LocationRecord) -> Answer {
    Answer::ok(json!({"agent_id": record.agent_id, "status": "found", "location": record}))
}
