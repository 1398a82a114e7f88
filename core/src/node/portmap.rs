//! A port mapping on the router at home (UPnP), when the settings ask for one (§14.2).
//!
//! Off by default. It is asked for only by a node of the tier `global` that has no public URL and listens
//! beyond loopback. The mapping is renewed while the node is open and removed when it closes.

use std::{
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use igd_next::{PortMappingProtocol, SearchOptions, aio::tokio as igd};

use super::inner::Inner;
use crate::wire::{AddressClass, NetworkTier};

/// How long the router may take to show itself.
const SEARCH: Duration = Duration::from_secs(10);
/// How long a mapping lasts unless renewed; 1.1.1 asks for one without end and leaves it when it crashes.
const LEASE: Duration = Duration::from_secs(3600);
/// External ports, as in 1.1.1.
const PORTS: std::ops::Range<u64> = 30_000..60_000;
/// How many of them are tried.
const TRIES: usize = 5;

type Gateway = igd_next::aio::Gateway<igd::Tokio>;

/// Starts the task that keeps the mapping, if one is wanted.
pub(crate) fn start(inner: &Arc<Inner>, listens_at: SocketAddr) {
    let config = &inner.config;
    let wanted = config.upnp
        && config.network_tier == NetworkTier::Global
        && config.public_url.is_none()
        && !listens_at.ip().is_loopback();
    if !wanted {
        return;
    }
    let Some(local) = super::presence::lan_address(config.network_tier) else { return };
    if AddressClass::of(local) == AddressClass::Global {
        // Reachable as it is.
        return;
    }
    let weak = Arc::downgrade(inner);
    let tasks = inner.env.tasks.clone();
    inner.env.tasks.spawn("port mapping", async move {
        let Some((gateway, port)) = map(&weak, SocketAddr::new(local, listens_at.port())).await else {
            return;
        };
        loop {
            tokio::select! {
                () = tokio::time::sleep(LEASE / 2) => {}
                () = tasks.stopped() => return,
            }
            if let Err(error) = add(&gateway, port, SocketAddr::new(local, listens_at.port())).await {
                tracing::warn!(%error, "the port mapping could not be renewed");
            }
        }
    });
}

async fn map(inner: &std::sync::Weak<Inner>, local: SocketAddr) -> Option<(Gateway, u16)> {
    let mut options = SearchOptions::default();
    options.timeout = Some(SEARCH);
    let gateway = igd::search_gateway(options)
        .await
        .inspect_err(|error| tracing::info!(%error, "no router offers a port mapping"))
        .ok()?;
    let external = gateway.get_external_ip().await.ok()?;
    for _ in 0..TRIES {
        let inner = inner.upgrade()?;
        let port = u16::try_from(PORTS.start + inner.env.random.below(PORTS.end - PORTS.start)).ok()?;
        match add(&gateway, port, local).await {
            Ok(()) => {
                *inner.public_url.write() =
                    Some(inner.placed(&format!("http://{}", SocketAddr::new(external, port))));
                *inner.port_mapping.lock() = Some(PortMapping { gateway: gateway.clone(), port });
                inner.announce_self().await;
                return Some((gateway, port));
            }
            Err(error) => tracing::debug!(%error, port, "the router refused a port"),
        }
    }
    tracing::info!(router = %external_class(external), "the router refused every port mapping");
    None
}

fn external_class(address: IpAddr) -> &'static str {
    match AddressClass::of(address) {
        AddressClass::Global => "with a public address",
        _ => "behind another router",
    }
}

async fn add(gateway: &Gateway, port: u16, local: SocketAddr) -> Result<(), igd_next::AddPortError> {
    let lease = u32::try_from(LEASE.as_secs()).unwrap_or(u32::MAX);
    gateway.add_port(PortMappingProtocol::TCP, port, local, lease, "DarkMatter mesh").await
}

/// A mapping that exists.
pub(crate) struct PortMapping {
    gateway: Gateway,
    port: u16,
}

impl PortMapping {
    /// Removes it; its lease ends it in any case.
    pub(crate) async fn remove(self) {
        let removal = self.gateway.remove_port(PortMappingProtocol::TCP, self.port);
        if let Ok(Err(error)) = tokio::time::timeout(Duration::from_secs(2), removal).await {
            tracing::debug!(%error, "the port mapping could not be removed");
        }
    }
}
