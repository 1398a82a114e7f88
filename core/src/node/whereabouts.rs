//! Finding out that we are somewhere else, and which of our addresses is for whom.
//!
//! A node that listens on all interfaces looks once a minute whether its address in the local network is another one. One
//! of the tier `global` that was told no public address also hears it from its peers, by majority
//! (`peers::own_address`). Whatever changes is told to all peers, signed.

use std::{net::IpAddr, sync::Arc};

use super::{inner::Inner, presence};
use crate::{
    peers::Connection,
    wire::{NetworkTier, url},
};

/// The URL with another host.
fn with_host(base: &str, host: IpAddr) -> Option<String> {
    let mut url = ::url::Url::parse(base).ok()?;
    url.set_ip_host(host).ok()?;
    Some(url::normal(url::base(url.as_str())))
}

impl Inner {
    /// Whether peers are believed about our address: nobody who knows better has said it.
    fn learns_address(&self) -> bool {
        let config = &self.config;
        config.network_tier == NetworkTier::Global
            && config.public_url.is_none()
            && config.http
            && !config.host.is_loopback()
            && self.port_mapping.lock().is_none()
    }

    /// Takes what a peer said about where our ping came from.
    pub(super) fn note_sighting(self: &Arc<Self>, peer: &Connection, told: Option<&str>) {
        let Some(told) = told.and_then(|text| text.parse().ok()) else { return };
        if !self.learns_address() {
            return;
        }
        let Some(seen) = self.state.lock().sightings.note(peer, told, self.steady()) else { return };
        let Some(local) = self.addresses.read().first().cloned() else { return };
        let Some(public) = with_host(&local, seen) else { return };
        let public = (public != local).then_some(public);
        if std::mem::replace(&mut *self.public_url.write(), public.clone()) != public {
            tracing::info!(address = %seen, "peers see this node at another address");
            self.announce_soon();
        }
    }

    /// Looks whether the machine has another address in its network, as after a change of the network.
    pub(super) fn look_at_interfaces(self: &Arc<Self>) {
        if !self.config.http || !self.config.host.is_unspecified() {
            return;
        }
        // Without any network it stays where it was.
        let Some(address) = presence::lan_address(self.config.network_tier) else { return };
        let is_other = {
            let mut addresses = self.addresses.write();
            let other = addresses.first().and_then(|local| with_host(local, address));
            let other = other.filter(|other| Some(other) != addresses.first());
            if let (Some(other), Some(local)) = (&other, addresses.first_mut()) {
                local.clone_from(other);
            }
            other.is_some()
        };
        if is_other {
            self.announce_soon();
        }
    }

    /// The port we listen at.
    pub(crate) fn port(&self) -> Option<u16> {
        let addresses = self.addresses.read();
        addresses.iter().find_map(|address| ::url::Url::parse(address).ok()?.port_or_known_default())
    }

    fn announce_soon(self: &Arc<Self>) {
        let inner = Arc::clone(self);
        self.env.tasks.spawn("announce", async move { inner.announce_self().await });
    }

    /// The URL at which `peer` reaches us: who is in our network need not go around through the router, and often
    /// cannot. What the settings say is for all.
    pub(super) fn url_for(&self, peer: &Connection) -> String {
        let local = self.addresses.read().first().cloned();
        match local {
            Some(local) if self.config.public_url.is_none() && peer.reach().is_local() => local,
            _ => self.own_url(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Node, NodeConfig, wire::canonical};
    use std::net::Ipv4Addr;

    #[test]
    fn the_port_and_the_scheme_stay() {
        let host = |text: &str| text.parse::<IpAddr>().unwrap();
        assert_eq!(
            with_host("http://10.0.0.1:8100", host("9.9.9.9")).as_deref(),
            Some("http://9.9.9.9:8100")
        );
        assert_eq!(
            with_host("http://10.0.0.1:8100", host("2a00::1")).as_deref(),
            Some("http://[2a00::1]:8100")
        );
        let place = crate::wire::place::path(&crate::identity::AgentId::from_bytes([7; 32]));
        assert_eq!(
            with_host(&format!("http://10.0.0.1:8100{place}"), host("9.9.9.9")),
            Some(format!("http://9.9.9.9:8100{place}"))
        );
        assert_eq!(with_host("nonsense", host("9.9.9.9")), None);
    }

    fn peer(url: &str) -> Connection {
        crate::peers::peer_at(url)
    }

    /// What a node with these settings says where it is, after two distant peers have seen it at 9.9.9.9.
    async fn seen(change: impl FnOnce(&mut NodeConfig)) -> (Node, String, String) {
        let mut config = NodeConfig::ephemeral();
        (config.http, config.host, config.network_tier) =
            (true, Ipv4Addr::UNSPECIFIED.into(), NetworkTier::Global);
        change(&mut config);
        let node = Node::open(config).await.unwrap();
        let before = node.info().url;
        for host in ["8.8.8.1", "8.8.8.2"] {
            node.inner().note_sighting(&peer(&format!("http://{host}:8100")), Some("9.9.9.9"));
            node.inner().note_sighting(&peer(&format!("http://{host}:8100")), Some("unknown"));
            node.inner().note_sighting(&peer(&format!("http://{host}:8100")), None);
        }
        let after = node.info().url;
        (node, before, after)
    }

    #[tokio::test]
    async fn what_peers_agree_on_is_told_signed_to_those_who_are_far_away() {
        let (node, before, after) = seen(|_| {}).await;
        let port = before.rsplit_once(':').unwrap().1.to_owned();
        assert_eq!(after, format!("http://9.9.9.9:{port}"));
        for (to, url) in [("http://8.8.8.3:1", &after), ("http://192.168.1.2:1", &before)] {
            let body = node.inner().update_body(&peer(to)).unwrap();
            assert_eq!(body["new_url"], **url, "to {to}");
            let signature = body["signature"].as_str().and_then(crate::identity::Signature::parse_lenient);
            let bytes = canonical::peer_update(&node.agent_id(), url, body["timestamp"].as_str().unwrap());
            assert!(node.agent_id().verify(&bytes, &signature.unwrap()));
        }
        node.close().await.unwrap();
    }

    #[tokio::test]
    async fn nobody_talks_a_node_out_of_what_its_settings_say() {
        let settings: [fn(&mut NodeConfig); 3] = [
            |config| config.public_url = Some("http://7.7.7.7:7".into()),
            |config| config.network_tier = NetworkTier::Lan,
            |config| config.host = Ipv4Addr::LOCALHOST.into(),
        ];
        for change in settings {
            let (node, before, after) = seen(change).await;
            assert_eq!(before, after);
            node.close().await.unwrap();
        }
    }
}
