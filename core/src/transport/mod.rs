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

use std::{net::SocketAddr, sync::Arc, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;

pub use crate::wire::Method;
use crate::{error::Result, wire::Answer};

mod outcome;

pub use outcome::Outcome;

/// Where an arrival came from, as far as the transport itself can tell. Never taken from a header that
/// the other side writes, except behind a configured proxy.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Source {
    /// A socket.
    Socket(SocketAddr),
    /// Another node of this process, by its label.
    Process(String),
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
}

/// What a transport hands its arrivals to.
#[async_trait]
pub trait Receiver: Send + Sync + 'static {
    /// Handles one arrival. Never fails: a refusal is an answer.
    async fn receive(&self, arrival: Arrival) -> Answer;
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

    /// Starts handing arrivals to `receiver`; returns the base URLs it listens at.
    async fn listen(&self, receiver: Arc<dyn Receiver>) -> Result<Vec<String>>;

    /// Sends `request` to the node at `base`. Any status the other side gave is a [`Reply`]; an error
    /// means that no answer came, and whether the request arrived is unknown.
    async fn send(&self, base: &str, request: Request) -> Result<Reply>;

    /// Stops listening and ends open exchanges.
    async fn close(&self);
}
