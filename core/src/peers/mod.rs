//! Peers: who the node is connected to, who asks, and whom it asked.
//!
//! [`Peers`] is a table in memory with the rows that keep it. Its methods decide and return an
//! [`Outcome`](crate::transport::Outcome); they do no I/O. The story of a handshake is in [`handshake`], the
//! question who is let in in [`admission`] and `blocks`, requests of ours in `outstanding`, address changes in `update`,
//! answers to questions in [`documents`].

pub mod admission;
pub(crate) mod blocks;
pub mod documents;
pub mod handshake;
mod outstanding;
mod table;
mod types;
mod update;

pub use admission::Verdict;
pub use blocks::{BLOCKED_LIMIT, BlockedAgent, Blocks};
pub use handshake::{PeerAction, PeerOutcome};
pub use outstanding::OUTSTANDING_LIMIT;
pub(crate) use table::not_connected;
pub use table::{Health, PENDING_LIMIT, Peers};
pub use types::{
    AutoAccept, CAPABILITY_OPINION, CAPABILITY_SEAL, CAPABILITY_SIGNATURE, Connection, Outstanding, Peer,
    PeerEvent, PeerState, PendingRequest, SelfDescription,
};
pub(crate) use update::known_update;
