//! Who speaks for a URL near us that was only told: our own words, a proven peer that we dialled, a signed beacon.
//!
//! A node that reaches the internet asks on its own network only where somebody here sent it (S10). A claim in a frame
//! sends it nowhere but back; this looks whether the origin is one that the node talks to anyway.

use super::inner::Inner;
use crate::{
    discovery::{Discovered, Discovery},
    peers::{Connection, admission},
    transport::Grant,
    wire::{NetworkTier, url},
};

impl Inner {
    /// `grant`, or what else speaks for `base`.
    pub(super) fn vouched(&self, base: &str, grant: Grant) -> Grant {
        if !matches!(grant, Grant::None | Grant::At(_)) || self.config.network_tier != NetworkTier::Global {
            return grant;
        }
        let seen = self.discovery.read().as_ref().map(Discovery::list).unwrap_or_default();
        let own = self.own_url();
        spoken_for(base, &own, self.state.lock().peers.iter(), &seen).unwrap_or(grant)
    }
}

/// What speaks for `base` besides whoever told it.
fn spoken_for<'a>(
    base: &str,
    own: &str,
    mut peers: impl Iterator<Item = &'a Connection>,
    seen: &[Discovered],
) -> Option<Grant> {
    if url::base(own) == base {
        return Some(Grant::User);
    }
    let looked_at =
        |peer: &&Connection| peer.identity_verified && peer.told_by.is_none() && url::base(&peer.url) == base;
    if let Some(peer) = peers.find(looked_at) {
        return Some(peer.grant());
    }
    // The address of a beacon is that of its packet, so it needs no name to be looked up.
    let announced = |found: &&Discovered| found.signed && url::base(&found.url) == base;
    seen.iter().find(announced).map(|found| Grant::Peer(admission::url_class(&found.url)))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{discovery::FoundBy, env::Timestamp, identity::AgentId, wire::AddressClass};

    const BASE: &str = "http://192.168.1.9:8100";

    fn peer(url: &str, verified: bool, told_by: Option<&str>) -> Connection {
        serde_json::from_value(json!({
            "agent_id": AgentId::from_bytes([1; 32]), "url": url, "told_from": "private", "told_by": told_by,
            "connected_at": Timestamp::from_seconds(1), "identity_verified": verified,
        }))
        .unwrap()
    }

    fn found(url: &str, signed: bool) -> Discovered {
        Discovered {
            agent_id: AgentId::from_bytes([2; 32]),
            url: url.into(),
            display_name: String::new(),
            bio: String::new(),
            accepting: true,
            source: FoundBy::Multicast,
            signed,
            seen_at: Timestamp::from_seconds(1),
        }
    }

    #[test]
    fn the_node_itself_a_dialled_and_proven_peer_and_a_signed_beacon_speak_for_an_origin() {
        let near = Some(Grant::Peer(AddressClass::Private));
        let elsewhere = "http://192.168.1.9:8101";
        let scoped = format!("{BASE}/__darkmatter__/{}", AgentId::from_bytes([1; 32]));
        for (own, peers, seen, expected) in [
            (BASE, vec![], vec![], Some(Grant::User)),
            (elsewhere, vec![peer(BASE, true, None)], vec![], near),
            (elsewhere, vec![peer(&scoped, true, None)], vec![], near),
            (elsewhere, vec![peer(BASE, false, None)], vec![], None),
            (elsewhere, vec![peer(BASE, true, Some("192.168.1.7"))], vec![], None),
            (elsewhere, vec![peer(elsewhere, true, None)], vec![], None),
            (elsewhere, vec![], vec![found(BASE, true)], near),
            (elsewhere, vec![], vec![found(BASE, false)], None),
            (elsewhere, vec![], vec![found(elsewhere, true)], None),
        ] {
            assert_eq!(spoken_for(BASE, own, peers.iter(), &seen), expected, "{own} {peers:?} {seen:?}");
        }
    }
}
