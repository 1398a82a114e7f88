//! Discovery: finding other agents without being told where they are.
//!
//! | who | how | mode |
//! |---|---|---|
//! | agents of this machine | [`scan`] of a range of loopback ports | lan, on |
//! | agents of the local network | signed beacons by [`multicast`], [`scan`] of private networks | lan, on |
//! | the mesh | [`bootstrap`] peers from the settings | on |
//!
//! [`Mode`] is the one setting. Below [`Mode::On`] nothing beyond this machine and its private networks is
//! contacted: a scan target is made of a [`interfaces::Neighbour`], which no other address can become, and
//! beacons go to the group alone.
//!
//! A beacon is signed, so it proves who sends it; a scan result is a claim until the agent answers a
//! challenge. [`table`] keeps both apart. What is found is told once when it is new or has moved; who is
//! listed now can always be asked. This part only finds: asking for a connection is the node's decision.

pub mod beacon;
pub mod bootstrap;
pub mod budget;
pub mod interfaces;
pub mod multicast;
pub mod scan;
mod service;
pub mod table;
mod types;

pub use service::{Discovery, Presence};
pub use types::{Announcement, Discovered, Finding, FoundBy, Mode, Settings};
