//! The forms of 1.1.1: fields joined by one line feed, nothing escaped, none at the end.

use crate::identity::{AgentId, challenge as identity_challenge};

/// A message or a status broadcast. It has no domain line; `timestamp` is the text that is sent.
pub fn message(from: &AgentId, id: &str, timestamp: &str, content: &str) -> Vec<u8> {
    joined(&[&from.to_string(), id, timestamp, content])
}

/// A change of address.
pub fn peer_update(agent: &AgentId, new_url: &str, timestamp: &str) -> Vec<u8> {
    joined(&["peer_update", &agent.to_string(), new_url, timestamp])
}

/// A WebRTC session description.
pub fn sdp(agent: &AgentId, sdp: &str) -> Vec<u8> {
    joined(&["darkmatter.sdp.v1", &agent.to_string(), sdp])
}

/// A beacon on the local network. `ts` is in whole seconds since 1970.
pub fn lan_beacon(agent: &AgentId, port: u16, ts: i64) -> Vec<u8> {
    joined(&["darkmatter.lan_beacon.v1", &agent.to_string(), &port.to_string(), &ts.to_string()])
}

/// The proof that answers a challenge. `challenge_hex` is the text that was received.
pub fn challenge(challenge_hex: &str) -> Vec<u8> {
    identity_challenge::signed_bytes(challenge_hex)
}

/// The answer to a routed connection request: `source` answers `target`. `payload_agent_id` is the
/// member `agent_id` of the payload, empty when it has none.
pub fn route_response(route_id: &str, source: &AgentId, target: &AgentId, payload_agent_id: &str) -> Vec<u8> {
    joined(&["mesh_route_response", route_id, &source.to_string(), &target.to_string(), payload_agent_id])
}

/// A poll at a relay. 1.1.1 defines it and never sends it.
pub fn relay_poll(agent: &AgentId, timestamp: &str) -> Vec<u8> {
    joined(&["relay_poll", &agent.to_string(), timestamp])
}

fn joined(fields: &[&str]) -> Vec<u8> {
    fields.join("\n").into_bytes()
}
