//! The wire: what bytes mean, and which signatures make them believable.
//!
//! | file | story |
//! |---|---|
//! | [`route`] | which endpoint a path names |
//! | [`json`], [`frame`] | bytes to types, or to the refusal that 1.1.1 expects |
//! | [`canonical`], [`seal`], [`sealed_body`] | what is signed, and what only the recipient reads |
//! | [`verify`] | which frames are believed |
//! | [`time`], [`replay`] | fresh, and not seen before |
//! | [`receipt`] | what became of a message, signed |
//! | [`envelope`] | who wrote a message, and the limits that travel with it |
//! | [`prekeys`], [`mail`] | messages that others keep, and the keys that are destroyed after them |
//! | [`limiter`], [`limits`] | how much, how often |
//! | [`url`] | where peers are, and what kind of place that is |

mod address;
mod answer;
pub mod canonical;
pub mod envelope;
pub mod frame;
pub mod json;
pub mod legacy_e2e;
pub mod limiter;
pub mod limits;
pub mod mail;
pub mod place;
pub mod prekeys;
pub mod receipt;
pub mod replay;
pub mod route;
pub mod seal;
pub mod sealed_body;
pub mod time;
pub mod url;
pub mod verify;

pub use address::{AddressClass, NetworkTier};
pub use answer::{Answer, Body};
pub use replay::ReplayWindow;
pub use route::{Access, Endpoint, Method, Route, RouteError};
pub use seal::Sealed;
pub use url::PeerUrl;
