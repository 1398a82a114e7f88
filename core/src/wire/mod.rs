//! The wire: what bytes mean, and which signatures make them believable.

mod address;
mod answer;
pub mod canonical;
pub mod json;
pub mod legacy_e2e;
pub mod limits;
pub mod replay;
pub mod seal;
pub mod time;
pub mod url;

pub use address::{AddressClass, NetworkTier};
pub use answer::{Answer, Body};
pub use replay::ReplayWindow;
pub use seal::Sealed;
pub use url::PeerUrl;
