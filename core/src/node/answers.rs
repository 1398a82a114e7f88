//! Answers to questions and pings: nothing is changed, nothing is stored.

use std::sync::{Arc, atomic::Ordering};

use super::inner::Inner;
use crate::{
    env::Timestamp,
    identity::AgentId,
    peers::documents,
    transport::Source,
    wire::{Answer, frame::Query},
};

impl Inner {
    pub(super) async fn answer_query(self: &Arc<Self>, query: &Query, source: &Source) -> Answer {
        if let Query::PeerLookup(lookup) = query {
            return self.answer_lookup(*lookup, source).await;
        }
        let state = self.state.lock();
        let me = self.describe(&state);
        let accepting = state.accepts_connections(&self.config);
        match query {
            Query::WellKnown => me.well_known(accepting),
            Query::Status => {
                let is_waiting = self.waiting.load(Ordering::Relaxed) > 0;
                me.status_document(&state.peers, accepting, is_waiting)
            }
            Query::LocalAgents => {
                me.local_agents(&state.peers, self.told_port(), self.config.network_tier.name())
            }
            Query::NetworkInfo => me.network_info(&state.peers, accepting),
            Query::Impression(agent) => self.answer_impression(&state, agent),
            // Answered above.
            Query::PeerLookup(lookup) => documents::lookup_document(&state.peers, &lookup.agent),
            Query::GetPeers(n) => me.peers_document(&state.peers, &state.trust, *n),
        }
    }

    /// A ping is unsigned: it shows an address to its sender and decides nothing (S11).
    pub(super) fn answer_ping(
        self: &Arc<Self>,
        from: Option<AgentId>,
        source: &Source,
        now: Timestamp,
    ) -> Answer {
        let mut state = self.state.lock();
        // A claimed sign of life is reason enough to try what waits for that peer, not more.
        if let Some(agent) = from {
            self.wake(&mut state, &agent);
            if state.peers.stir(&agent, self.steady()) {
                self.upkeep_bell.notify_one();
            }
            if let Some(url) = state.peers.ask_again(&agent, now) {
                self.ask_again(agent, url);
            }
        }
        drop(state);
        let address = match source {
            Source::Socket(address) => address.ip().to_string(),
            Source::Process(label) => label.clone(),
            // The word that 1.1.1 passes over.
            Source::Unknown => "unknown".into(),
        };
        Answer::ok(serde_json::json!({
            "your_ip": address,
            "agent_id": self.me(),
            "timestamp": now.to_wire(),
        }))
    }
}
