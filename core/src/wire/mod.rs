//! The wire: what bytes mean, and which signatures make them believable.

mod answer;
pub mod frame;
pub mod route;
pub mod sealed_body;
pub mod verify;
pub mod limiter;
pub mod limits;

pub use answer::{Answer, Body};
pub use route::{Method, Route, Endpoint, Access, RouteError};
