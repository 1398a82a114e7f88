//! HTTP/1.1 between nodes: what dmagent 1.1.1 speaks, and the reference for every other transport.
//!
//! | file | story |
//! |---|---|
//! | `server` | connections: how many, how patient, how they end |
//! | `house` | agents of one process that listen at the same port |
//! | `tenants` | which of them a request is for |
//! | `exchange` | one request becomes an arrival, its answer a response |
//! | `crowd` | how many connections one source may hold |
//! | `turnaway` | what those beyond that hear |
//! | `forwarded` | who asks, behind a proxy |
//! | `rebinding` | who asks, when a web page lies on a name that leads here |
//! | `stall` | readers that stop reading |
//! | `unsent` | which answers have left the node |
//! | `client` | requests out, answers bounded |
//! | `policy`, `address`, `resolve` | which URLs the node may be made to ask |
//! | `tls` | certificates |

mod client;
mod crowd;
mod exchange;
mod forwarded;
mod house;
mod policy;
mod rebinding;
mod resolve;
mod server;
mod stall;
mod tenants;
#[cfg(test)]
mod tests;
mod tls;
mod turnaway;
mod unsent;

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use async_trait::async_trait;
use parking_lot::Mutex;
use tokio::{net::TcpListener, runtime::Handle};
use tokio_util::sync::CancellationToken;

use self::{client::Dialer, house::Seat, server::Server, tenants::Tenant};
pub use self::{
    forwarded::TrustedProxies,
    policy::{Origin, Policy, Target},
    resolve::{Lookup, SystemLookup},
};
use super::{CLOSING_PATIENCE, Receiver, Reply, Request, Transport};
use crate::{
    env::Tasks,
    error::{Code, Error, Result},
    identity::AgentId,
    wire::NetworkTier,
};

/// Where and how an [`HttpTransport`] listens, and where it may send.
#[derive(Clone)]
#[non_exhaustive]
pub struct HttpConfig {
    /// The address to listen at. Port 0 takes a free one.
    pub bind: SocketAddr,
    /// The proxies whose `X-Forwarded-For` is believed; none by default.
    pub trusted_proxies: TrustedProxies,
    /// Host names under which the node is known. A request from this machine to any other name than these and
    /// `localhost` has an unknown source.
    pub names: Vec<String>,
    /// Shares the listener, as this agent, with the others of this process that name the same address and do so too;
    /// nobody by default. What names no agent then goes to the one that has listened longest.
    pub share_as: Option<AgentId>,
    /// How far requests may go.
    pub tier: NetworkTier,
    /// Most connections open at once; 1024 by default.
    pub connections: usize,
    /// Most connections of one source at once; 128 by default. One more is answered 429 and ended. Proxies are exempt.
    pub connections_per_source: usize,
    /// Whether sources on this machine may hold any number of connections; they may not by default.
    pub exempt_loopback: bool,
    /// How long a connection may take to send the head of a request, idle time included; 15 s by default.
    pub head_timeout: Duration,
    /// How long a body may take to arrive; 30 s by default.
    pub body_timeout: Duration,
    /// How long a caller may stop reading its answer; 30 s by default.
    pub write_timeout: Duration,
    /// How long [`Transport::close`] lets open exchanges finish; [`CLOSING_PATIENCE`] by default.
    pub close_timeout: Duration,
    /// Who turns names into addresses; the system by default.
    pub lookup: Arc<dyn Lookup>,
}

impl HttpConfig {
    /// Listens at `bind`, otherwise with the defaults.
    pub fn new(bind: SocketAddr) -> Self {
        Self {
            bind,
            trusted_proxies: TrustedProxies::default(),
            names: Vec::new(),
            share_as: None,
            tier: NetworkTier::default(),
            connections: 1024,
            connections_per_source: 128,
            exempt_loopback: false,
            head_timeout: Duration::from_secs(15),
            body_timeout: Duration::from_secs(30),
            write_timeout: Duration::from_secs(30),
            close_timeout: CLOSING_PATIENCE,
            lookup: Arc::new(SystemLookup),
        }
    }
}

/// Carries requests over HTTP.
pub struct HttpTransport {
    config: HttpConfig,
    address: SocketAddr,
    listener: Mutex<Option<TcpListener>>,
    server: Arc<Server>,
    /// Who we are to the server, once we listen.
    tenant: Mutex<Option<Arc<Tenant>>>,
    /// Among those that share the listener.
    seat: Option<Seat>,
    // Gone once closed; its idle connections end with it.
    dialer: Mutex<Option<Arc<Dialer>>>,
    tasks: Tasks,
    closing: CancellationToken,
}

impl HttpTransport {
    /// Takes the port, or a seat at one that is shared. Connections wait in the backlog until [`Transport::listen`].
    pub async fn bind(config: HttpConfig) -> Result<Self> {
        let failed = |error| {
            let sentence =
                "cannot listen at this address; stop the process that uses it, or set another port";
            Error::new(Code::BindFailed, sentence).with("address", config.bind).because(error)
        };
        let dialer = Dialer::new(Policy { tier: config.tier }, &config.lookup)?;
        let (tasks, closing) = (Tasks::new(), CancellationToken::new());
        let seat = config.share_as.map(|agent| Seat::take(&config, agent)).transpose()?;
        let (listener, server) = match &seat {
            Some(seat) => (seat.listener().map_err(failed)?, Arc::clone(&seat.house().server)),
            None => {
                let listener = TcpListener::bind(config.bind).await.map_err(failed)?;
                (listener, Server::new(&config, tasks.clone(), closing.clone()))
            }
        };
        let address = match &seat {
            Some(seat) => seat.address(),
            None => listener.local_addr().map_err(failed)?,
        };
        Ok(Self {
            config,
            address,
            listener: Mutex::new(Some(listener)),
            server,
            tenant: Mutex::new(None),
            seat,
            dialer: Mutex::new(Some(Arc::new(dialer))),
            tasks,
            closing,
        })
    }

    /// The address it listens at, with the port that was taken.
    pub fn local_addr(&self) -> SocketAddr {
        self.address
    }

    fn closed() -> Error {
        Error::new(Code::Closed, "the HTTP transport is closed")
    }
}

#[async_trait]
impl Transport for HttpTransport {
    fn name(&self) -> &'static str {
        "http"
    }

    fn priority(&self) -> u8 {
        50
    }

    fn can_reach(&self, base: &str) -> bool {
        let scheme = base.split_once("://").map_or("", |(scheme, _)| scheme);
        scheme.eq_ignore_ascii_case("http") || scheme.eq_ignore_ascii_case("https")
    }

    /// The base URL of a node that listens at every address of the machine is its loopback one; how
    /// others reach it is not known here.
    async fn listen(&self, receiver: Arc<dyn Receiver>) -> Result<Vec<String>> {
        if self.closing.is_cancelled() {
            return Err(Self::closed());
        }
        let Some(listener) = self.listener.lock().take() else {
            return Err(Error::new(Code::InvalidArgument, "the HTTP transport listens already"));
        };
        let sharing = self.config.share_as.map(|agent| (agent, Handle::current()));
        let tenant = Tenant::new(receiver, self.config.names.clone(), self.tasks.clone(), sharing);
        *self.tenant.lock() = Some(Arc::clone(&tenant));
        self.server.desk.tenants.enter(tenant);
        match &self.seat {
            Some(seat) => {
                let turns = seat.house().serve_in_turn(listener, self.closing.clone());
                self.tasks.spawn("http listener", turns);
            }
            None => self.tasks.spawn("http listener", Arc::clone(&self.server).run(listener)),
        }
        let address = match self.address.ip() {
            IpAddr::V4(Ipv4Addr::UNSPECIFIED) => (Ipv4Addr::LOCALHOST, self.address.port()).into(),
            IpAddr::V6(Ipv6Addr::UNSPECIFIED) => (Ipv6Addr::LOCALHOST, self.address.port()).into(),
            _ => self.address,
        };
        Ok(vec![format!("http://{address}")])
    }

    /// Fails with `UrlInvalid` or `AddressForbidden` when the outbound policy says no, `Unreachable`,
    /// `Timeout`, `BadAnswer` or `Closed`. Redirects are replies, never followed.
    async fn send(&self, base: &str, request: Request) -> Result<Reply> {
        let dialer = self.dialer.lock().clone().ok_or_else(Self::closed)?;
        tokio::select! {
            biased;
            () = self.tasks.stopped() => Err(Self::closed()),
            reply = dialer.send(base, request) => reply,
        }
    }

    /// Stops accepting, lets open exchanges finish for a moment, then drops them.
    async fn close(&self) {
        self.closing.cancel();
        drop(self.listener.lock().take());
        drop(self.dialer.lock().take());
        let is_last = self.leave();
        self.tasks.finish(self.config.close_timeout).await;
        // The others go on. After the last one nobody does.
        if is_last {
            self.server.tasks.finish(self.config.close_timeout).await;
        }
    }
}

impl HttpTransport {
    /// Leaves those that share the listener; true when nobody is left there.
    fn leave(&self) -> bool {
        let Some(seat) = &self.seat else { return false };
        if let Some(tenant) = self.tenant.lock().take() {
            self.server.desk.tenants.leave(&tenant);
        }
        let is_last = seat.leave();
        if is_last {
            self.server.closing.cancel();
        }
        is_last
    }
}

impl Drop for HttpTransport {
    fn drop(&mut self) {
        if self.leave() {
            self.server.tasks.stop();
        }
        self.tasks.stop();
    }
}
