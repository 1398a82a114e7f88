//! Messages: what happens to one that arrives, and what is remembered of it.
//!
//! The pure parts are here: [`rules`] decides whether a message stays, is sent on or is dropped; [`log`]
//! keeps the newest entries of the conversation; [`context`] turns new entries into the short text that a
//! session is shown beside its results.

pub mod context;
pub mod log;
pub mod rules;
