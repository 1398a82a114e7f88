//! The wire: what bytes mean, and which signatures make them believable.

mod answer;
pub mod canonical;
pub mod json;
pub mod limits;
pub mod time;

pub use answer::{Answer, Body};
