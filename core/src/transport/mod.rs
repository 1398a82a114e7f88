//! Transports carry bytes in and answers out; they decide nothing.
//!
//! An incoming request of any transport becomes an [`Arrival`], the node's one [`Receiver`] turns it into
//! an [`Answer`], and the transport carries that back. Outgoing, the `Switchboard` tries transports by
//! priority (lower first), falls back, and says which way a request went.
//!
//! | transport | priority | for |
//! |---|---|---|
//! | `memory` | 0 | tests and many nodes in one process; latency, loss and partition can be set |
//! | `http` | 50 | everyone; the reference for behaviour |

mod caller;
pub mod http;
pub mod memory;
mod outcome;
mod roster;
#[cfg(test)]
mod suite;
mod switchboard;

use std::{
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use async_trait::async_trait;
use bytes::Bytes;

use crate::{
    error::{Code, Result},
    identity::AgentId,
    wire::{AddressClass, Answer, Endpoint, limits},
};

pub use self::{
    caller::Caller,
    outcome::Outcome,
    roster::{Neighbour, Roster},
    switchboard::{Sent, Switchboard},
};
pub use crate::wire::Method;

/// Longest body of an answer; a longer one is cut off and fails the request.
pub const ANSWER_BYTES: usize = 1024 * 1024;
/// How long a closing transport lets open exchanges finish.
pub const CLOSING_PATIENCE: Duration = Duration::from_secs(2);
/// The patience of [`Request::get`] and [`Request::post`].
pub const DEFAULT_TIMEOUT: Duration = Duration::from_secs(5);

/// Where an arrival came from, as far as the transport itself can tell. Never taken from a header that
/// the other side writes, except behind a configured proxy.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Source {
    /// A socket.
    Socket(SocketAddr),
    /// Another node of this process, by its label.
    Process(String),
    /// Nobody can say, so no right comes from it.
    Unknown,
}

/// Bytes that came in.
#[derive(Clone, Debug)]
pub struct Arrival {
    /// GET or POST.
    pub method: Method,
    /// The path, starting with `/`, percent-decoded by nobody.
    pub path: String,
    /// The query without `?`; empty when there is none.
    pub query: String,
    /// The body.
    pub body: Bytes,
    /// Who sent it, by address.
    pub source: Source,
    /// The value of `Authorization: Bearer …`, for the local API.
    pub bearer: Option<String>,
    /// The authority the caller used (`Host`), only ever echoed in documents that ask for it.
    pub authority: Option<String>,
    /// Who waits for the answer.
    pub caller: Caller,
    /// Everybody who listens where this came in, when several agents may do so.
    pub roster: Option<Arc<Roster>>,
}

/// What a transport hands its arrivals to.
#[async_trait]
pub trait Receiver: Send + Sync + 'static {
    /// Handles one arrival. Never fails: a refusal is an answer. Once begun it runs to its end even when
    /// the other side hangs up, so that what is committed is also published; only closing drops it. What would
    /// only wait for the caller's sake ends when [`Caller::gone`] says so: until the end the caller counts as
    /// connected.
    async fn receive(&self, arrival: Arrival) -> Answer;

    /// Whether it has ended, and only waits to be dropped.
    fn is_gone(&self) -> bool {
        false
    }

    /// How it presents itself among the agents that listen at one place, in the document of `endpoint`.
    fn presented(&self, _endpoint: Endpoint) -> Option<serde_json::Value> {
        None
    }

    /// Whether `agent` is a connected peer of it.
    fn is_peer(&self, _agent: &AgentId) -> bool {
        false
    }
}

/// Why the node itself vouches for the origin (scheme, host and port) of a request.
///
/// A URL may come from a stranger's frame. Without a grant such a URL cannot make this node talk to its
/// own machine or its local network; with one, the outbound policy of the HTTP transport lets it. What a name
/// stands for is its owner's to change, so a grant says how near it may lead.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Grant {
    /// Nobody vouches: the URL is only text that arrived.
    #[default]
    None,
    /// The user of this node gave the URL; it may lead anywhere that the tier allows.
    User,
    /// The origin of a peer. It may lead to addresses of this class, and to none that is nearer to us.
    Peer(AddressClass),
    /// The URL was told from this address of our network, and nobody here looked at it. It may lead back there. A node
    /// of tier `global` goes nowhere else on its network for it; one that keeps to its network does, as for every URL.
    At(IpAddr),
}

/// A request to another node.
#[derive(Clone, Debug)]
pub struct Request {
    /// GET or POST.
    pub method: Method,
    /// Path with query, starting with `/`.
    pub path: String,
    /// The body of a POST.
    pub body: Bytes,
    /// How long the whole exchange may take.
    pub timeout: Duration,
    /// Whether the node vouches for the base URL it sends this to.
    pub grant: Grant,
}

impl Request {
    /// A question, with [`DEFAULT_TIMEOUT`] and no grant.
    pub fn get(path: impl Into<String>) -> Self {
        Self {
            method: Method::Get,
            path: path.into(),
            body: Bytes::new(),
            timeout: DEFAULT_TIMEOUT,
            grant: Grant::None,
        }
    }

    /// A frame, with [`DEFAULT_TIMEOUT`] and no grant.
    pub fn post(path: impl Into<String>, body: impl Into<Bytes>) -> Self {
        Self { method: Method::Post, body: body.into(), ..Self::get(path) }
    }

    /// Sets how long the whole exchange may take.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Sets who vouches for the base URL.
    #[must_use]
    pub fn grant(mut self, grant: Grant) -> Self {
        self.grant = grant;
        self
    }
}

/// The answer of another node, not yet believed.
#[derive(Clone, Debug)]
pub struct Reply {
    /// HTTP status.
    pub status: u16,
    /// The body, bounded by the transport.
    pub body: Bytes,
    /// `Retry-After`, in seconds, when the other side gave one.
    pub retry_after: Option<Duration>,
}

/// One way to carry requests.
#[async_trait]
pub trait Transport: Send + Sync + 'static {
    /// The name reported in receipts and logs.
    fn name(&self) -> &'static str;

    /// Lower is tried first.
    fn priority(&self) -> u8;

    /// Whether this transport can dial `base`, a base URL.
    fn can_reach(&self, base: &str) -> bool;

    /// Starts handing arrivals to `receiver`; returns the base URLs it listens at. Keeps `receiver` until
    /// it is closed, so a receiver must not own the transport. Fails when it listens already.
    async fn listen(&self, receiver: Arc<dyn Receiver>) -> Result<Vec<String>>;

    /// Sends `request` to the node at `base`. Any status the other side gave is a [`Reply`]; an error
    /// means that no answer came, and whether the request arrived is unknown.
    async fn send(&self, base: &str, request: Request) -> Result<Reply>;

    /// Stops listening and ends open exchanges.
    async fn close(&self);
}

/// The answer to a frame that is longer than [`limits::FRAME_BYTES`].
fn too_large() -> Answer {
    Answer::refuse(413, Code::WireTooLarge, format!("a frame has at most {} bytes", limits::FRAME_BYTES))
}

/// The answer when a receiver panicked.
fn failed() -> Answer {
    Answer::refuse(500, Code::Internal, "the node failed to handle the request")
}

/// The value of `Retry-After`: whole seconds, rounded up, so that nobody comes back too early.
fn retry_after_seconds(wait: Duration) -> u64 {
    wait.as_secs().saturating_add(u64::from(wait.subsec_nanos() > 0)).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retry_after_never_invites_an_early_return() {
        for (millis, seconds) in [(0, 1), (1, 1), (1000, 1), (1001, 2), (59_999, 60)] {
            assert_eq!(retry_after_seconds(Duration::from_millis(millis)), seconds);
        }
        assert_eq!(retry_after_seconds(Duration::MAX), u64::MAX);
    }
}
