//! Peers: who the node is connected to, who asks, and whom it asked.
//!
//! [`Peers`] is a table in memory with the rows that keep it. Its methods decide and return an
//! [`Outcome`](crate::transport::Outcome); they do no I/O. The story of a handshake is in [`handshake`], the
//! question who is let in in [`admission`] and `blocks`, requests of ours in `outstanding`, address changes in `update`,
//! records of addresses that can be passed on in `location`, who is lost in `health` and where it may be in
//! `search`, questions about lost agents of others in `lookups`, our own address as peers see it in `own_address`, answers to questions in [`documents`].

pub mod admission;
pub(crate) mod blocks;
pub mod documents;
pub mod handshake;
mod health;
mod location;
mod lookups;
mod outstanding;
mod own_address;
pub mod search;
mod table;
mod types;
mod update;

pub use admission::Verdict;
pub use blocks::{BLOCKED_LIMIT, BlockedAgent, Blocks};
pub use handshake::{PeerAction, PeerOutcome};
pub use health::{Health, PeerHealth};
pub(crate) use location::may_be_asked;
pub use location::{Flaw, LocationRecord};
pub use lookups::Lookups;
pub use outstanding::OUTSTANDING_LIMIT;
pub use own_address::Sightings;
pub(crate) use table::not_connected;
#[cfg(test)]
pub(crate) use table::tests::peer_at;
pub use table::{PENDING_LIMIT, Peers};
pub use types::{
    AutoAccept, CAPABILITY_CANCEL, CAPABILITY_MAILBOX, CAPABILITY_OPINION, CAPABILITY_RECEIPTS,
    CAPABILITY_SEAL, CAPABILITY_SIGNATURE, CAPABILITY_STREAMS, Connection, Outstanding, Peer, PeerEvent,
    PeerState, PendingRequest, SelfDescription,
};
pub(crate) use update::known_update;
