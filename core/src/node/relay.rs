//! A message of ours through the mesh, when its target cannot be reached and was looked for in vain (15.4).
//!
//! The envelope goes to at most three peers, one after another, until one says what the target said. Only the target's own
//! words make a message accepted: a peer of 1.1.1 that hands an envelope over says `delivered` and not what it heard, and
//! one that passes it on cannot know. Then the message may have arrived, so it is not sent around again, and it stays in
//! the outbox until the target can be asked itself.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use serde_json::{Map, Value};

use super::inner::Inner;
use crate::{
    error::Code,
    identity::AgentId,
    peers::Connection,
    trust::chain,
    wire::{
        frame::{RouteHop, RouteType, RoutedEnvelope},
        json as strict,
        limiter::SourceKey,
        route::{Endpoint, MESH_PREFIX},
    },
};

/// The way that a receipt names.
pub(super) const VIA: &str = "mesh_route";
/// How many peers are tried with one message.
const RELAYS: usize = 3;
/// How often an envelope of ours may be passed on, as in 1.1.1.
const HOPS: u32 = 5;
/// How long a relay may take: it asks the target, or the next hop, first.
const RELAY_TIMEOUT: Duration = Duration::from_secs(10);
/// How many messages of unknown fate are remembered.
const MOST_UNKNOWN: usize = 1_024;

/// What became of a message in an envelope.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// The target has it.
    Taken,
    /// The target refused it, in its words.
    Refused(String),
    /// It may have arrived.
    Unknown,
    /// This way it did not arrive.
    Lost,
}

/// Messages that went around and may have arrived. They do not go around again.
#[derive(Debug, Default)]
pub(crate) struct Adrift(VecDeque<(AgentId, String)>);

impl Adrift {
    fn contains(&self, to: &AgentId, message_id: &str) -> bool {
        self.0.iter().any(|(agent, id)| agent == to && id == message_id)
    }

    fn insert(&mut self, to: AgentId, message_id: &str) {
        if self.0.len() >= MOST_UNKNOWN {
            self.0.pop_front();
        }
        self.0.push_back((to, message_id.to_owned()));
    }
}

/// What a relay's answer says about the message.
fn read(answer: &Map<String, Value>) -> Fate {
    let text = |object: &Map<String, Value>, name: &str| {
        object.get(name).and_then(Value::as_str).map(|text| text.chars().take(200).collect::<String>())
    };
    if let Some(Value::Object(delivery)) = answer.get("delivery") {
        return match (text(delivery, "error"), text(delivery, "status")) {
            // Our ids are random: it has our message from an earlier attempt.
            (Some(_), _) if text(delivery, "code").as_deref() == Some(Code::Replay.name()) => Fate::Taken,
            (Some(error), _) => Fate::Refused(error),
            (None, Some(_)) => Fate::Taken,
            (None, None) => Fate::Unknown,
        };
    }
    match text(answer, "status").as_deref() {
        Some("delivered" | "forwarded" | "forwarded_direct") => Fate::Unknown,
        _ => Fate::Lost,
    }
}

impl Inner {
    /// Whether a message for `to` may go around: it is lost, was looked for, and this message did not go around before.
    pub(super) fn may_go_around(&self, to: &AgentId, message_id: &str) -> bool {
        let state = self.state.lock();
        state.peers.health(to).was_looked_for() && !state.adrift.contains(to, message_id)
    }

    /// Sends a message that could not be handed to `to` itself through those who may reach it.
    pub(super) async fn send_around(
        self: &Arc<Self>,
        to: &AgentId,
        message_id: &str,
        payload: Map<String, Value>,
    ) -> Fate {
        let mut best = Fate::Lost;
        for (relay, trust_to_next) in self.relays(to) {
            let envelope = RoutedEnvelope {
                route_id: self.id("relay-", 6),
                route_type: RouteType::Message,
                target: *to,
                source: self.me(),
                hops_remaining: HOPS,
                visited: vec![self.me().to_string()],
                trust_chain: vec![RouteHop { agent: self.me().to_string(), trust_to_next }],
                payload: payload.clone(),
                original_path: Some(format!("{MESH_PREFIX}{}", Endpoint::Message.name())),
                original_route_id: None,
                response_signature: None,
            };
            let sent =
                self.post_to_peer(&relay, Endpoint::MeshRoute.name(), envelope.encode(), RELAY_TIMEOUT);
            let fate = match sent.await {
                Ok(sent) if sent.reply.status < 300 => {
                    strict::parse_object(&sent.reply.body).map_or(Fate::Lost, |answer| read(&answer))
                }
                Ok(_) => Fate::Lost,
                // It may have passed it on before it fell silent.
                Err(error) if error.code() == Code::Timeout => Fate::Unknown,
                Err(_) => Fate::Lost,
            };
            match fate {
                Fate::Lost => {}
                Fate::Refused(_) => best = fate,
                Fate::Taken => return fate,
                Fate::Unknown => {
                    self.state.lock().adrift.insert(*to, message_id);
                    return fate;
                }
            }
        }
        best
    }

    /// Peers that may bring something to `to`, best trusted first, with what we say of them. Each has what a relay of 1.1.1
    /// or ours takes from one source in a minute, and not more.
    pub(super) fn relays(&self, to: &AgentId) -> Vec<(Connection, f64)> {
        let now = self.steady();
        let mut state = self.state.lock();
        let reachable = state
            .peers
            .iter()
            .map(|peer| peer.agent_id)
            .filter(|agent| agent != to && state.peers.health(agent).failures == 0);
        let mut relays = Vec::new();
        for agent in state.trust.ranking(reachable) {
            let link = chain::link_to(state.trust.score(&agent));
            if relays.len() < RELAYS
                && chain::passes(link)
                && state.routes.allows(SourceKey::Process(agent.to_string()), self.me(), now)
                && let Some(relay) = state.peers.get(&agent)
            {
                relays.push((relay.clone(), link));
            }
        }
        relays
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_the_words_of_the_target_make_a_message_taken() {
        for (answer, fate) in [
            (json!({"status": "delivered", "delivery": {"status": "received"}}), Fate::Taken),
            (json!({"status": "forwarded", "delivery": {"status": "received"}}), Fate::Taken),
            (json!({"status": "refused", "delivery": {"error": "seen", "code": "replay"}}), Fate::Taken),
            (json!({"status": "refused", "delivery": {"error": "full"}}), Fate::Refused("full".into())),
            // 1.1.1 says so though the target refused.
            (json!({"status": "delivered", "delivery": {"error": "bad"}}), Fate::Refused("bad".into())),
            (json!({"status": "delivered", "delivery": {}}), Fate::Unknown),
            (json!({"status": "delivered"}), Fate::Unknown),
            (json!({"status": "forwarded", "via": "0123"}), Fate::Unknown),
            (json!({"status": "dead_end"}), Fate::Lost),
            (json!({"status": "rate_limited"}), Fate::Lost),
            (json!({"error": "no"}), Fate::Lost),
        ] {
            assert_eq!(read(answer.as_object().unwrap()), fate, "{answer}");
        }
    }

    #[test]
    fn what_is_adrift_is_remembered_within_bounds() {
        let (mut adrift, to) = (Adrift::default(), AgentId::from_bytes([1; 32]));
        for number in 0..MOST_UNKNOWN + 5 {
            adrift.insert(to, &number.to_string());
        }
        assert_eq!(adrift.0.len(), MOST_UNKNOWN);
        assert!(!adrift.contains(&to, "4") && adrift.contains(&to, "5"));
        assert!(!adrift.contains(&AgentId::from_bytes([2; 32]), "5"));
    }
}
