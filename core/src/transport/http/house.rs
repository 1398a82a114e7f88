//! Agents of one process that listen at the same port.
//!
//! The first one opens the listener; others that name the same address, and say that they share it, join. Each holds a
//! handle of the socket and waits for its turn to accept: one accepts for all, and when that one ends, however it ends, the
//! next goes on. So the port lives as long as somebody listens there, and no runtime has to outlive its owner.

use std::{
    io,
    net::SocketAddr,
    sync::{
        Arc, Weak,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use parking_lot::{Mutex, MutexGuard};
use tokio::net::{TcpListener, TcpSocket};
use tokio_util::sync::CancellationToken;

use super::{HttpConfig, TrustedProxies, server::Server};
use crate::{
    env::Tasks,
    error::{Code, Error, Result},
    identity::AgentId,
    wire::NetworkTier,
};

/// How many connections may wait for being accepted.
const BACKLOG: u32 = 1024;

/// The shared listeners of this process.
static HOUSES: Mutex<Vec<Entry>> = Mutex::new(Vec::new());
/// Nobody holds [`HOUSES`] that long, except a thread that a fork left behind.
const PATIENCE: Duration = Duration::from_millis(500);

struct Entry {
    /// A forked child inherits the list, but serves nothing of it.
    pid: u32,
    house: Weak<House>,
    /// Who has a seat; nobody joins a house that its last one has left.
    seated: Vec<AgentId>,
}

/// What belongs to the listener, so that those who share it must agree on it.
#[derive(Clone, PartialEq, Eq)]
struct Terms {
    trusted_proxies: TrustedProxies,
    network_tier: NetworkTier,
    connections: usize,
    connections_per_source: usize,
    exempt_loopback: bool,
    patience: [Duration; 3],
}

impl Terms {
    fn of(config: &HttpConfig) -> Self {
        Self {
            trusted_proxies: config.trusted_proxies.clone(),
            network_tier: config.tier,
            connections: config.connections,
            connections_per_source: config.connections_per_source,
            exempt_loopback: config.exempt_loopback,
            patience: [config.head_timeout, config.body_timeout, config.write_timeout],
        }
    }

    /// The setting in which they differ.
    fn difference(&self, other: &Self) -> Option<&'static str> {
        [
            ("trusted_proxies", self.trusted_proxies != other.trusted_proxies),
            ("network_tier", self.network_tier != other.network_tier),
            ("limits.connections_per_source", self.connections_per_source != other.connections_per_source),
            ("limits.loopback", self.exempt_loopback != other.exempt_loopback),
            ("connections", self.connections != other.connections),
            ("the timeouts", self.patience != other.patience),
        ]
        .into_iter()
        .find_map(|(setting, differs)| differs.then_some(setting))
    }
}

/// A shared listener.
pub(super) struct House {
    address: SocketAddr,
    terms: Terms,
    /// Until the last one has left.
    socket: Mutex<Option<std::net::TcpListener>>,
    pub(super) server: Arc<Server>,
    /// Whoever has it accepts.
    turn: tokio::sync::Mutex<()>,
}

impl House {
    /// Accepts connections, once those before have ended, until `leaving`.
    pub(super) async fn serve_in_turn(self: Arc<Self>, listener: TcpListener, leaving: CancellationToken) {
        let serving = async {
            let _turn = self.turn.lock().await;
            Arc::clone(&self.server).run(listener).await;
        };
        tokio::select! {
            biased;
            () = leaving.cancelled() => {}
            () = serving => {}
        }
    }
}

/// The right of one agent to listen in a house; given back when it is dropped.
pub(super) struct Seat {
    house: Arc<House>,
    agent: AgentId,
    is_left: AtomicBool,
}

impl Drop for Seat {
    fn drop(&mut self) {
        if self.leave() {
            self.house.server.closing.cancel();
            self.house.server.tasks.stop();
        }
    }
}

impl Seat {
    /// Takes a seat for `agent` at the address of `config`, in the house that is there or in a new one.
    pub(super) fn take(config: &HttpConfig, agent: AgentId) -> Result<Self> {
        let locked = || {
            houses().ok_or_else(|| {
                Error::new(
                    Code::Forked,
                    "the shared ports of this process were being used when it forked; spawn a fresh process instead",
                )
            })
        };
        // Looked at without the lock: whoever has ended may go for good meanwhile, and gives its seat back.
        let known = find(&mut locked()?, config).map(|(house, _)| house);
        let is_gone = known.is_some_and(|house| house.server.desk.tenants.is_gone(&agent));
        let mut houses = locked()?;
        houses.retain(|entry| entry.house.strong_count() > 0);
        if let Some((house, seated)) = find(&mut houses, config) {
            house.admit(config, !is_gone && seated.contains(&agent))?;
            seated.push(agent);
            return Ok(Self::of(house, agent));
        }
        let house = House::open(config)?;
        houses.push(Entry { pid: std::process::id(), house: Arc::downgrade(&house), seated: vec![agent] });
        Ok(Self::of(house, agent))
    }

    fn of(house: Arc<House>, agent: AgentId) -> Self {
        Self { house, agent, is_left: AtomicBool::new(false) }
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.house.address
    }

    pub(super) fn house(&self) -> Arc<House> {
        Arc::clone(&self.house)
    }

    /// A listener of our own for the socket of all.
    pub(super) fn listener(&self) -> io::Result<TcpListener> {
        let socket = self.house.socket.lock();
        let socket = socket.as_ref().ok_or(io::ErrorKind::NotConnected)?;
        TcpListener::from_std(socket.try_clone()?)
    }

    /// Gives the seat back. True when it was the last one: then nobody joins any more, and the house is to be closed.
    pub(super) fn leave(&self) -> bool {
        if self.is_left.swap(true, Ordering::AcqRel) {
            return false;
        }
        let Some(mut houses) = houses() else { return false };
        let own = houses.iter_mut().find(|entry| entry.house.as_ptr() == Arc::as_ptr(&self.house));
        let Some(entry) = own else { return false };
        if let Some(seat) = entry.seated.iter().position(|agent| *agent == self.agent) {
            entry.seated.remove(seat);
        }
        let is_last = entry.seated.is_empty();
        if is_last {
            drop(self.house.socket.lock().take());
        }
        is_last
    }
}

impl House {
    fn open(config: &HttpConfig) -> Result<Arc<Self>> {
        let bound = listen_at(config.bind).and_then(|socket| Ok((socket.local_addr()?, socket)));
        let (address, socket) = bound.map_err(|error| {
            let sentence = "cannot listen at this address; stop the process that uses it, set another port, or set \
                            shared_port and the same host in the node of this process that listens there";
            Error::new(Code::BindFailed, sentence).with("address", config.bind).because(error)
        })?;
        let (server, terms) =
            (Server::new(config, Tasks::new(), CancellationToken::new()), Terms::of(config));
        Ok(Arc::new(Self {
            address,
            terms,
            socket: Mutex::new(Some(socket)),
            server,
            turn: tokio::sync::Mutex::new(()),
        }))
    }

    fn admit(&self, config: &HttpConfig, is_here: bool) -> Result<()> {
        if let Some(setting) = self.terms.difference(&Terms::of(config)) {
            return Err(Error::new(
                Code::ConfigInvalid,
                format!(
                    "{setting} must be as in the other nodes that share this port: it belongs to the listener"
                ),
            )
            .with("address", self.address));
        }
        if is_here {
            let sentence = "this agent listens at this port already; close that node first";
            return Err(Error::new(Code::BindFailed, sentence).with("address", self.address));
        }
        Ok(())
    }
}

/// The house at the address of `config`, and who has a seat there.
fn find<'a>(houses: &'a mut [Entry], config: &HttpConfig) -> Option<(Arc<House>, &'a mut Vec<AgentId>)> {
    let pid = std::process::id();
    let open = houses.iter_mut().filter(|entry| entry.pid == pid && !entry.seated.is_empty());
    let mut open = open.filter_map(|entry| Some((entry.house.upgrade()?, &mut entry.seated)));
    open.find(|(house, _)| house.address == config.bind)
}

fn houses() -> Option<MutexGuard<'static, Vec<Entry>>> {
    HOUSES.try_lock_for(PATIENCE)
}

/// As [`TcpListener::bind`] does, without awaiting: the list of houses is locked meanwhile.
fn listen_at(address: SocketAddr) -> io::Result<std::net::TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    #[cfg(unix)]
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)?.into_std()
}

#[cfg(test)]
mod tests;
