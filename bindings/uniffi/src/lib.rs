//! dmagent for Kotlin, Swift and Ruby, by way of uniffi: everything here converts, calls the core, and converts back.
//!
//! | file | story |
//! |---|---|
//! | `runtime` | the threads of this process, and how a call runs on them |
//! | `caller` | a node that may be opened, and verbs by name |
//! | `node` | the node as an object |
//! | `handout`, `message`, `inbox` | waiting for a message, and having one |
//! | `events` | everything observable, one after another |
//! | `listener`, `policy`, `log` | what the host's own code hears and decides |
//! | `cancel` | how a call is given up |
//! | `failure`, `plain` | errors, and values that are text or numbers |
//! | `made` | written from the schema: records, arguments, settings, events, codes, and the nouns with their verbs |
//!
//! **Nothing gets lost.** What an asynchronous method returns is lost when its caller is cancelled at the moment it
//! arrives: uniffi then throws it away unseen. So whatever must not be lost is waited for by a method that returns nothing
//! of weight, and taken by a second that does not wait: `open` opens a node that is there already, a
//! [`Handout`](handout::Handout) and the [`Events`](events::Events) have `wait` and `take`.

pub mod caller;
pub mod cancel;
pub mod events;
pub mod failure;
pub mod handout;
pub mod inbox;
pub mod listener;
pub mod log;
pub mod made;
pub mod message;
pub mod node;
pub mod plain;
pub mod policy;
pub mod runtime;

uniffi::setup_scaffolding!("dmagent");
