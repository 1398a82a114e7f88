//! Prose: how it works, what differs from 1.1.1, and why. The examples in it are compiled and run.
//!
//! | page | tells |
//! |---|---|
//! | [`message`] | what happens to a message, from socket to host and from host to peer, with the states of each |
//! | [`configuration`] | every setting and every variable |
//! | [`healing`] | how peers that moved or slept are found again |
//! | [`wire`] | what we add to the wire of 1.1.1, byte for byte |
//! | [`hosting`] | several agents at one port of one process |
//! | [`outbound`] | where requests may go, and the test of each line |
//! | [`differences`] | where we differ from 1.1.1 |
//! | [`threat_model`] | what is protected, against whom, and what is not |
//! | [`platforms`] | what runs where, and what was verified |
//! | [`decisions`] | choices that cost thought |

#[doc = include_str!("configuration.md")]
pub mod configuration {}
#[doc = include_str!("differences.md")]
pub mod differences {}
#[doc = include_str!("healing.md")]
pub mod healing {}
#[doc = include_str!("hosting.md")]
pub mod hosting {}
#[doc = include_str!("message.md")]
pub mod message {}
#[doc = include_str!("outbound.md")]
pub mod outbound {}
#[doc = include_str!("platforms.md")]
pub mod platforms {}
#[doc = include_str!("threat_model.md")]
pub mod threat_model {}
#[doc = include_str!("wire.md")]
pub mod wire {}

/// Choices that cost thought, one page each.
pub mod decisions {
    #[doc = include_str!("decisions/at_least_once.md")]
    pub mod at_least_once {}
    #[doc = include_str!("decisions/one_lock.md")]
    pub mod one_lock {}
    #[doc = include_str!("decisions/plain_hyper.md")]
    pub mod plain_hyper {}
    #[doc = include_str!("decisions/second_signature.md")]
    pub mod second_signature {}
    #[doc = include_str!("decisions/sqlite.md")]
    pub mod sqlite {}
}

/// The examples of the README compile.
#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
mod readme {}
