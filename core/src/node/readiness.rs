//! Who would take a message now: the question to several peers at once, before one of them gets it.

use std::{sync::Arc, time::Duration};

use futures_util::{StreamExt as _, stream};
use serde_json::Value;

use super::inner::Inner;
use crate::{identity::AgentId, peers::Connection};

/// How long a peer may think about it.
const PATIENCE: Duration = Duration::from_secs(3);
/// How many are asked at the same time.
const AT_ONCE: usize = 16;

impl Inner {
    /// Those of `agents` that answer and are active, best first: those whose agent waits for a message at this moment,
    /// then the most trusted.
    pub(crate) async fn ready_first(
        self: &Arc<Self>,
        agents: impl IntoIterator<Item = AgentId>,
    ) -> Vec<AgentId> {
        let ranked: Vec<Connection> = {
            let state = self.state.lock();
            let ranked = state.trust.ranking(agents);
            ranked.iter().filter_map(|agent| state.peers.get(agent).cloned()).collect()
        };
        let asked = stream::iter(ranked).map(|peer| async move {
            let waits = self.waits_for_messages(&peer).await?;
            Some((peer.agent_id, waits))
        });
        let ready: Vec<(AgentId, bool)> =
            asked.buffered(AT_ONCE).filter_map(std::future::ready).collect().await;
        let (waiting, busy): (Vec<_>, Vec<_>) = ready.into_iter().partition(|(_, waits)| *waits);
        waiting.into_iter().chain(busy).map(|(agent, _)| agent).collect()
    }

    /// Whether its agent waits for a message; nothing when it does not answer, or is inactive.
    async fn waits_for_messages(&self, peer: &Connection) -> Option<bool> {
        let status = self.ask_peer(peer, "status", PATIENCE).await?;
        let is = |name: &str, value: &str| status.get(name).and_then(Value::as_str) == Some(value);
        let answers = is("agent_id", &peer.agent_id.to_string()) && is("status", "active");
        answers.then(|| status.get("is_waiting").and_then(Value::as_bool).unwrap_or_default())
    }
}
