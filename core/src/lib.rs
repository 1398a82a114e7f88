//! dmagent: an agent mesh that you link.

#![forbid(unsafe_code)]

pub mod error;
pub mod env;
pub mod identity;
pub mod wire;
pub mod store;
pub mod transport;
pub mod discovery;
pub mod trust;
pub mod peers;
pub mod messaging;
pub mod node;
