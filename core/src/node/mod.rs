//! The node: an agent's place on the mesh, inside a process.
//!
//! | file | story |
//! |---|---|
//! | [`config`] | every setting, its default, the environment |
//! | `compose` | how a node is put together |
//! | `state`, `inner` | what it knows, and how knowledge changes and is stored together |
//! | `inbound`, `gate`, `settle`, `answers` | one request, from the transport to its answer |
//! | `outbound`, `attempt` | one message, from the host to a peer's disk |
//! | `receipts` | what became of messages: told and heard |
//! | `mail` | messages that others keep for those who are away |
//! | `connect`, `part`, `block` | connecting, disconnecting, and having nothing to do with somebody |
//! | `inboxes` | taking messages out |
//! | `announce`, `opinions` | telling peers who and where we are, and what we think of others |
//! | `neighbours` | other agents at our port |
//! | `whereabouts` | our own address, and when it changes |
//! | `routing` | envelopes on their way through the mesh |
//! | `relay`, `routed` | messages and requests of ours that go around |
//! | `healing` | looking for peers that are lost |
//! | `upkeep` | what happens unasked |
//! | `local` | the API for programs that hold the data folder's token |
//! | `calls` | verbs over that API |
//! | [`host`] | what the host may decide |
//! | [`events`] | what the host can watch |
//!
//! A [`Node`] is a handle: cheap to clone, shared by all. `close` is graceful; dropping the last handle ends
//! everything at once.

mod actions;
mod announce;
mod answers;
mod attempt;
mod block;
mod calls;
mod cancels;
mod compose;
pub mod config;
mod connect;
pub mod events;
mod forwarding;
mod gate;
mod healing;
pub mod host;
mod inbound;
mod inboxes;
mod inner;
mod lifecycle;
mod local;
mod lookups;
mod mail;
mod names;
mod neighbours;
mod opinions;
mod origins;
mod outbound;
mod outgoing;
mod part;
mod portmap;
mod presence;
mod private;
mod readiness;
mod receipts;
mod relay;
mod routed;
mod routing;
mod settle;
mod sources;
mod state;
mod streams;
mod token;
mod upkeep;
mod vouch;
mod whereabouts;

pub(crate) use calls::LocalVerbs;
pub use compose::Parts;
pub(crate) use forwarding::Wish;
pub(crate) use inner::Inner;
pub use lifecycle::Node;
pub(crate) use outgoing::{Outgoing, check_metadata};
