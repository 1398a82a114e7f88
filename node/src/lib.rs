//! The native half of the npm package `dmagent`: everything here converts, calls the core, and converts back.
//!
//! | file | story |
//! |---|---|
//! | `call` | the one way in: a call that is started, taken or cancelled |
//! | `bell` | how threads of the library tell JavaScript that there is something to take |
//! | `runtime` | the threads of this process |
//! | `failure` | an error of the core as an object |
//! | `node`, `events`, `lease` | the handles |
//! | `policy` | a JavaScript object that the core asks |
//! | `log` | the library's log in a JavaScript function |
//!
//! The module is private: `lib/` beside it is the package that people import. Nothing here keeps an event loop alive;
//! `lib/run.cjs` does while somebody waits.

pub mod bell;
pub mod call;
pub mod events;
pub mod failure;
pub mod lease;
pub mod log;
pub mod node;
pub mod policy;
mod runtime;
