//! Who an agent is.

mod id;

pub use id::AgentId;
