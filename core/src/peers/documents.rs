//! What a node answers to questions (§6.1, 6.11 to 6.16). Public documents name no process and no folder (S9).

use serde_json::{Map, Value, json};

use super::{location, table::Peers, types::SelfDescription};
use crate::{
    error::Code,
    identity::AgentId,
    trust::{Trust, sharing::Shared},
    wire::{Answer, route::MESH_PREFIX},
};

/// The version of the mesh protocol that 1.1.1 and we speak.
pub const PROTOCOL_VERSION: &str = "0.2";

impl SelfDescription {
    fn status(&self) -> &'static str {
        if self.active { "active" } else { "inactive" }
    }

    /// Who the agent is, as it says to everybody, and what one document adds to that.
    fn presented<const N: usize>(&self, accepting: bool, more: [(&str, Value); N]) -> Value {
        let mut members = Map::from_iter([
            (String::from("agent_id"), json!(self.agent_id)),
            (String::from("display_name"), json!(self.display_name)),
            (String::from("public_key_hex"), json!(self.agent_id)),
            (String::from("bio"), json!(self.bio)),
            (String::from("status"), json!(self.status())),
            (String::from("accepting_connections"), json!(accepting)),
        ]);
        members.extend(more.map(|(name, value)| (name.to_owned(), value)));
        Value::Object(members)
    }

    /// The document that introduces the node.
    pub fn well_known(&self, accepting: bool) -> Answer {
        let base = crate::wire::url::base(&self.url);
        Answer::ok(self.presented(
            accepting,
            [
                ("darkmatter", json!(true)),
                ("protocol_version", json!(PROTOCOL_VERSION)),
                ("mesh_url", json!(format!("{base}{}", MESH_PREFIX.trim_end_matches('/')))),
                ("webrtc_enabled", json!(false)),
                ("capabilities", json!(self.capabilities)),
                ("agents", json!([self.well_known_entry(accepting)])),
            ],
        ))
    }

    /// The agent among those that the document lists.
    pub fn well_known_entry(&self, accepting: bool) -> Value {
        let base = crate::wire::url::base(&self.url);
        let mesh_url = format!("{base}{MESH_PREFIX}{}", self.agent_id);
        self.presented(accepting, [("mesh_url", json!(mesh_url)), ("active_sessions", json!([]))])
    }

    /// The short self-description.
    pub fn status_document(&self, peers: &Peers, accepting: bool, is_waiting: bool) -> Answer {
        let more = [("num_connections", json!(peers.len())), ("is_waiting", json!(is_waiting))];
        Answer::ok(self.presented(accepting, more))
    }

    /// The agents of this host, without processes and folders (S9).
    pub fn local_agents(&self, peers: &Peers, port: u16, tier: &str) -> Answer {
        Answer::ok(json!({"agents": [self.local_entry(peers, port, tier)], "count": 1}))
    }

    /// The agent among those of this host.
    pub fn local_entry(&self, peers: &Peers, port: u16, tier: &str) -> Value {
        json!({
            "agent_id": self.agent_id,
            "display_name": self.display_name,
            "bio": self.bio,
            "status": self.status(),
            "port": port,
            "network_tier": tier,
            "num_connections": peers.len(),
            "active_sessions": [],
        })
    }

    /// Who the node is and whom it knows.
    pub fn network_info(&self, peers: &Peers, accepting: bool) -> Answer {
        let known: Vec<Value> = peers
            .iter()
            .map(|peer| {
                json!({
                    "agent_id": peer.agent_id,
                    "agent_url": peer.url,
                    "agent_bio": peer.bio,
                    "display_name": peer.display_name,
                    "bio": peer.bio,
                })
            })
            .collect();
        Answer::ok(json!({
            "agent_id": self.agent_id,
            "display_name": self.display_name,
            "public_key_hex": self.agent_id,
            "agent_url": self.url,
            "bio": self.bio,
            "accepting_connections": accepting,
            "wallets": {},
            "peers": known,
            "connections": known,
        }))
    }

    /// The `n` peers we trust most. No URLs: reaching them goes through the mesh.
    pub fn peers_document(&self, peers: &Peers, trust: &Trust, n: usize) -> Answer {
        let mut ranked: Vec<_> = peers.iter().collect();
        let score = |agent: &AgentId| trust.get(agent).map_or(0.0, |impression| impression.score);
        ranked.sort_by(|a, b| score(&b.agent_id).total_cmp(&score(&a.agent_id)));
        let listed: Vec<_> = ranked
            .iter()
            .take(n)
            .map(|peer| {
                json!({
                    "agent_id": peer.agent_id,
                    "display_name": peer.display_name.clone().unwrap_or_default(),
                    "bio": peer.bio,
                    "connectivity_level": 0,
                    "connectivity_method": "",
                })
            })
            .collect();
        Answer::ok(json!({
            "agent_id": self.agent_id,
            "display_name": self.display_name,
            "peer_count": peers.len(),
            "peers": listed,
        }))
    }
}

/// What we think of an agent, as 1.1.1 asks it.
pub fn impression_document(agent: &AgentId, shared: Option<Shared<'_>>) -> Answer {
    Answer::ok(match shared {
        None => json!({"agent_id": agent, "has_impression": false}),
        Some(Shared { score, note }) => {
            json!({"agent_id": agent, "has_impression": true, "score": score, "note": note})
        }
    })
}

/// Where a peer of ours can be reached, as 1.1.1 says it, and in the peer's own signed words when we have them.
pub fn lookup_document(peers: &Peers, agent: &AgentId) -> Answer {
    match peers.get(agent) {
        None => Answer::refuse(404, Code::PeerNotConnected, "Not connected to that agent"),
        Some(peer) => {
            let mut addresses = peer.addresses.clone();
            // As in 1.1.1, the URL is the address of a peer that told no others.
            if addresses.is_empty() {
                addresses.insert("http".into(), json!(peer.url));
            }
            let mut answer = Map::from_iter([
                (String::from("agent_id"), json!(agent)),
                (String::from("url"), json!(peer.url)),
                (String::from("addresses"), Value::Object(addresses)),
                (String::from("status"), json!("connected")),
            ]);
            // Nobody needs to take our word for it.
            if let Some(record) = &peer.location {
                answer.insert(location::MEMBER.into(), json!(record));
            }
            Answer::ok(Value::Object(answer))
        }
    }
}
