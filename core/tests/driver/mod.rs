//! Plays the scenarios of `tests/scenarios` with hosts in any language.
//!
//! ```text
//! scenario.rs    the format of a file          host.rs       a process that carries one node
//! variables.rs   ${bob.id}                     languages.rs  which languages there are, and free hosts
//! matching.rs    what came, what was expected  words.rs      commands for hosts without a reader of JSON
//! play.rs        goes through the steps        results.rs    what bindings hand back, as the schema says
//! outside.rs     requests, frames, files       coverage.rs   whether the scenarios use everything there is
//! trial.rs       whether the driver itself finds what is wrong
//! ```

pub(crate) mod coverage;
pub(crate) mod host;
pub(crate) mod languages;
pub(crate) mod matching;
pub(crate) mod outside;
pub(crate) mod play;
pub(crate) mod results;
pub(crate) mod scenario;
pub(crate) mod trial;
pub(crate) mod variables;
pub(crate) mod words;

/// What can go wrong is told to a person.
pub(crate) type Result<T = ()> = std::result::Result<T, String>;
