//! dmagent: an agent mesh that you link.

#![forbid(unsafe_code)]

pub mod discovery;
pub mod env;
pub mod error;
pub mod identity;
pub mod messaging;
pub mod store;
pub mod transport;
pub mod trust;
pub mod wire;
