//! Scans: asking the ports of this machine and the hosts of private networks whether an agent is there.
//!
//! Whatever answers is a stranger. Its document is read strictly and only for names: of the URLs in it
//! only the scope is taken, and the address is the one that was dialled, so a document cannot direct us
//! elsewhere. Every listed agent keeps its scope; 1.1.1 dropped it, and so reached the wrong agent (B14).

use std::{collections::BTreeSet, net::Ipv4Addr, sync::Arc, time::Duration};

use futures_util::{StreamExt as _, stream};
use serde::Deserialize;

use crate::{
    env::Timestamp,
    identity::AgentId,
    transport::{Grant, Request, Transport},
    wire::{
        limits::{BIO_CHARS, DISPLAY_NAME_CHARS},
        place,
    },
};

use super::{
    Discovered, FoundBy,
    beacon::cut,
    interfaces::{Interface, Neighbour},
};

/// Where an agent describes itself.
pub const DOCUMENT: &str = "/.well-known/darkmatter.json";
/// Longest document that is read, in bytes.
pub const DOCUMENT_BYTES: usize = 256 * 1024;
/// Most agents taken from one document.
pub const AGENTS: usize = 64;
/// Most ports tried on each host of the local network.
pub const LAN_PORTS: usize = 22;
/// Most networks that are scanned.
pub const NETWORKS: usize = 4;

const TIMEOUT: Duration = Duration::from_millis(500);
const AT_ONCE: usize = 20;

/// One door to knock at. Only neighbours have one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Target {
    /// The host.
    pub host: Neighbour,
    /// The port.
    pub port: u16,
}

impl Target {
    /// Its base URL.
    pub fn base(self) -> String {
        format!("http://{}:{}", self.host.address(), self.port)
    }
}

/// The ports of this machine, without our own.
pub fn localhost_targets(first: u16, last: u16, own: Option<u16>) -> Vec<Target> {
    let ports = (first.max(1)..=last).filter(|port| Some(*port) != own);
    ports.map(|port| Target { host: Neighbour::LOCALHOST, port }).collect()
}

/// The hosts of our private networks, on the usual ports and those in `seen`, [`LAN_PORTS`] at most.
pub fn lan_targets(interfaces: &[Interface], seen: &BTreeSet<u16>) -> Vec<Target> {
    let mut ports = vec![8100, 8101];
    ports.extend(seen.iter().copied().filter(|port| *port > 0 && !matches!(port, 8100 | 8101)));
    ports.truncate(LAN_PORTS);
    let networks = interfaces.iter().map(Interface::scan_hosts).filter(|hosts| !hosts.is_empty());
    let hosts: BTreeSet<_> = networks.take(NETWORKS).flatten().collect();
    let ours: Vec<Ipv4Addr> = interfaces.iter().map(|interface| interface.address).collect();
    hosts
        .into_iter()
        .filter(|host| !ours.contains(&host.address()))
        .flat_map(|host| ports.iter().map(move |port| Target { host, port: *port }))
        .collect()
}

/// Asks every target, a few at a time, and returns the agents that answered. Cancel-safe.
pub async fn scan(
    transport: &Arc<dyn Transport>,
    targets: Vec<Target>,
    source: FoundBy,
    now: impl Fn() -> Timestamp,
) -> Vec<Discovered> {
    let asked = targets.into_iter().map(|target| {
        let transport = Arc::clone(transport);
        async move {
            let base = target.base();
            let request =
                // Neighbours are chosen by this node itself.
                Request::get(DOCUMENT).timeout(TIMEOUT).grant(Grant::User);
            // No answer is the usual case and needs no word in any log.
            let reply = transport.send(&base, request).await.ok()?;
            (reply.status == 200).then_some((base, reply.body))
        }
    });
    let mut answers = stream::iter(asked).buffer_unordered(AT_ONCE);
    let mut found = Vec::new();
    while let Some(answer) = answers.next().await {
        if let Some((base, body)) = answer {
            found.extend(agents(&body, &base, source, now()));
        }
    }
    found
}

#[derive(Deserialize)]
struct Document {
    darkmatter: bool,
    #[serde(default)]
    agents: Vec<serde_json::Value>,
    #[serde(flatten)]
    first: serde_json::Map<String, serde_json::Value>,
}

#[derive(Deserialize)]
struct Listed {
    agent_id: AgentId,
    #[serde(default)]
    display_name: Option<String>,
    #[serde(default)]
    public_key_hex: Option<String>,
    #[serde(default)]
    bio: Option<String>,
    #[serde(default)]
    status: Option<String>,
    #[serde(default)]
    accepting_connections: bool,
    #[serde(default)]
    mesh_url: Option<String>,
}

/// The agents in the document at `base`. An entry that is not sound (an id that is none, a key that is not
/// the id) is left out; a document without a list describes one agent.
pub fn agents(document: &[u8], base: &str, source: FoundBy, now: Timestamp) -> Vec<Discovered> {
    if document.len() > DOCUMENT_BYTES {
        return Vec::new();
    }
    let Ok(Document { darkmatter: true, agents, first }) = serde_json::from_slice(document) else {
        return Vec::new();
    };
    let entries = if agents.is_empty() { vec![first.into()] } else { agents };
    let listed =
        entries.into_iter().take(AGENTS).filter_map(|entry| serde_json::from_value::<Listed>(entry).ok());
    listed
        .filter(|one| one.public_key_hex.as_ref().is_none_or(|key| *key == one.agent_id.to_string()))
        .map(|one| Discovered {
            agent_id: one.agent_id,
            url: url(base, &one),
            display_name: cut(one.display_name.as_deref().unwrap_or_default(), DISPLAY_NAME_CHARS).to_owned(),
            bio: cut(one.bio.as_deref().unwrap_or_default(), BIO_CHARS).to_owned(),
            accepting: one.accepting_connections && one.status.as_deref().is_none_or(|it| it == "active"),
            source,
            signed: false,
            seen_at: now,
        })
        .collect()
}

/// `base`, with the agent's place or scope if its own URL has one.
fn url(base: &str, one: &Listed) -> String {
    let (place, scope) = (place::path(&one.agent_id), format!("/__darkmatter__/{}", one.agent_id));
    match one.mesh_url.as_deref().map(|url| url.trim_end_matches('/')) {
        Some(url) if url.ends_with(&format!("{place}{scope}")) => format!("{base}{place}"),
        Some(url) if url.ends_with(&scope) => format!("{base}{scope}"),
        _ => base.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    const NOW: Timestamp = Timestamp::from_seconds(1_795_204_665);
    const BASE: &str = "http://127.0.0.1:8101";

    fn id(byte: u8) -> AgentId {
        AgentId::from_bytes([byte; 32])
    }

    fn listed(byte: u8, mesh_url: &str) -> serde_json::Value {
        json!({"agent_id": id(byte), "display_name": "n", "public_key_hex": id(byte), "bio": "b",
            "status": "active", "accepting_connections": true, "mesh_url": mesh_url, "active_sessions": []})
    }

    fn read(document: serde_json::Value) -> Vec<Discovered> {
        agents(document.to_string().as_bytes(), BASE, FoundBy::Localhost, NOW)
    }

    #[test]
    fn every_listed_agent_keeps_its_scope_at_the_address_that_was_dialled() {
        let scoped = |byte| format!("http://evil.example/__darkmatter__/{}", id(byte));
        let found = read(json!({"darkmatter": true, "agent_id": id(1),
            "agents": [listed(1, &scoped(1)), listed(2, &scoped(2)), listed(3, "http://evil.example")]}));
        let urls: Vec<_> = found.iter().map(|agent| agent.url.as_str()).collect();
        assert_eq!(urls[0], format!("{BASE}/__darkmatter__/{}", id(1)));
        assert_eq!(urls[1], format!("{BASE}/__darkmatter__/{}", id(2)));
        assert_eq!(urls[2], BASE);
        let placed = format!("http://evil.example/agents/{0}/__darkmatter__/{0}", id(4));
        let found_there =
            read(json!({"darkmatter": true, "agents": [listed(4, &placed), listed(5, &placed)]}));
        assert_eq!(found_there[0].url, format!("{BASE}/agents/{}", id(4)));
        assert_eq!(found_there[1].url, BASE, "the place of another");
        assert!(found.iter().all(|agent| agent.accepting && !agent.signed));
    }

    #[test]
    fn a_document_without_a_list_describes_one_agent() {
        let mut document = listed(1, "http://x/__darkmatter__");
        document["darkmatter"] = json!(true);
        let found = read(document);
        assert_eq!((found.len(), found[0].agent_id, found[0].url.as_str()), (1, id(1), BASE));
    }

    #[test]
    fn unsound_documents_and_entries_are_left_out() {
        let sound = listed(1, "");
        let mut wrong_key = listed(2, "");
        wrong_key["public_key_hex"] = json!(id(9));
        let mut wrong_id = listed(3, "");
        wrong_id["agent_id"] = json!("someone");
        let document = json!({"darkmatter": true, "agents": [wrong_key, 5, wrong_id, sound]});
        assert_eq!(read(document).iter().map(|agent| agent.agent_id).collect::<Vec<_>>(), [id(1)]);

        assert!(read(json!({"darkmatter": false, "agents": [listed(1, "")]})).is_empty());
        assert!(read(json!({"agents": [listed(1, "")]})).is_empty());
        assert!(read(json!([])).is_empty());
        assert!(read(json!({"darkmatter": true, "pad": "x".repeat(DOCUMENT_BYTES)})).is_empty());
    }

    #[test]
    fn one_document_brings_a_bounded_number_of_agents() {
        let many: Vec<_> = (0..200).map(|byte| listed(byte, "")).collect();
        assert_eq!(read(json!({"darkmatter": true, "agents": many})).len(), AGENTS);
    }

    #[test]
    fn an_inactive_agent_accepts_nothing() {
        let mut sleeping = listed(1, "");
        sleeping["status"] = json!("inactive");
        assert!(!read(json!({"darkmatter": true, "agents": [sleeping]}))[0].accepting);
    }

    #[test]
    fn our_own_port_and_addresses_are_not_asked() {
        let here = localhost_targets(8100, 8102, Some(8101));
        assert_eq!(here.iter().map(|target| target.port).collect::<Vec<_>>(), [8100, 8102]);
        assert_eq!(localhost_targets(65_530, u16::MAX, None).len(), 6);

        let ours = Interface { address: Ipv4Addr::new(192, 168, 1, 5), prefix: 29 };
        let also = Interface { address: Ipv4Addr::new(192, 168, 1, 6), prefix: 29 };
        let lan = lan_targets(&[Interface::LOOPBACK, ours, also], &BTreeSet::from([9000, 8100]));
        assert_eq!(lan.len(), 4 * 3, "hosts .1 to .4 on three ports");
    }

    proptest! {
        #[test]
        fn every_target_is_on_this_machine_or_in_a_private_network(
            addresses in prop::collection::vec((any::<u32>(), 0u8..=32), 0..6),
            ports in prop::collection::btree_set(any::<u16>(), 0..40),
        ) {
            let interfaces: Vec<_> = addresses
                .into_iter()
                .map(|(bits, prefix)| Interface { address: Ipv4Addr::from_bits(bits), prefix })
                .collect();
            let targets = lan_targets(&interfaces, &ports);
            prop_assert!(targets.len() <= NETWORKS * 254 * LAN_PORTS);
            for target in targets {
                let address = target.host.address();
                prop_assert!(address.is_private() && target.port > 0);
            }
        }

        #[test]
        fn any_document_is_answered_without_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            prop_assert!(agents(&bytes, BASE, FoundBy::Lan, NOW).is_empty());
        }
    }
}
