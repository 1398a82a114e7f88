//! The wire: what bytes mean, and which signatures make them believable.

mod answer;
pub mod limiter;
pub mod limits;

pub use answer::{Answer, Body};
