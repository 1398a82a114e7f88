//! Prose: what differs from 1.1.1 and why.

#[doc = include_str!("differences.md")]
pub mod differences {}
