//! What discovery and others need to know about where we are.

use std::{
    net::{IpAddr, SocketAddr},
    sync::Weak,
};

use super::inner::Inner;
use crate::{
    discovery::{Announcement, Presence},
    identity::AgentId,
    wire::{AddressClass, NetworkTier, url},
};

/// The node, as discovery sees it; it does not keep the node alive.
pub(crate) struct NodePresence {
    inner: Weak<Inner>,
    agent: AgentId,
    listens_at: SocketAddr,
}

impl NodePresence {
    pub(crate) fn new(inner: Weak<Inner>, listens_at: SocketAddr) -> Self {
        let agent = inner.upgrade().map_or(AgentId::from_bytes([0; 32]), |inner| inner.me());
        Self { inner, agent, listens_at }
    }
}

impl Presence for NodePresence {
    fn agent_id(&self) -> AgentId {
        self.agent
    }

    fn announcement(&self) -> Option<Announcement> {
        let inner = self.inner.upgrade()?;
        // Others could not reach a node that listens on loopback only, but those of this machine hear it, too,
        // and learn the loopback address from the scan.
        if self.listens_at.ip().is_loopback() {
            return None;
        }
        let state = inner.state.lock();
        Some(Announcement {
            agent_id: self.agent,
            display_name: state.profile.display_name.clone(),
            bio: state.profile.bio.clone(),
            port: self.listens_at.port(),
            shares_port: inner.config.shared_port,
            active: state.profile.active,
            accepting: state.accepts_connections(&inner.config),
        })
    }

    fn sign(&self, bytes: &[u8]) -> [u8; 64] {
        self.inner.upgrade().map_or([0; 64], |inner| inner.passport.sign(bytes).0)
    }

    fn is_connected_at(&self, base: &str) -> bool {
        let Some(inner) = self.inner.upgrade() else { return false };
        let state = inner.state.lock();
        state
            .peers
            .iter()
            .any(|peer| url::base(&peer.url) == base && !state.peers.health(&peer.agent_id).is_unreachable())
    }
}

/// An address of this machine that others can reach: the first private one, else the first on the internet.
/// Nothing is sent to find it out.
pub(crate) fn lan_address(tier: NetworkTier) -> Option<IpAddr> {
    let interfaces = if_addrs::get_if_addrs().ok()?;
    let reachable = |wanted: AddressClass| {
        interfaces
            .iter()
            .map(|interface| interface.ip())
            .find(|ip| ip.is_ipv4() && AddressClass::of(*ip) == wanted)
    };
    match tier {
        NetworkTier::Local => None,
        NetworkTier::Lan => reachable(AddressClass::Private),
        NetworkTier::Global => reachable(AddressClass::Private).or_else(|| reachable(AddressClass::Global)),
    }
}
