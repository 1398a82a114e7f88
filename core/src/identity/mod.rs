//! Who an agent is: its id, the passport that proves it, and the proof on demand.
//!
//! An agent id *is* an Ed25519 public key. The [`Passport`] holds the private half and lives in a file
//! that only its owner can read ([`passport_file`]). The same key, in its X25519 form, opens what others
//! seal to the agent. A [`Challenge`] asks an agent to show, now, that it holds the key.

pub mod challenge;
mod decoded;
mod hex_text;
mod id;
mod keys;
pub mod passport_file;
mod signature;

pub use challenge::{CHALLENGE_LIFETIME, Challenge, ChallengeError};
pub use id::AgentId;
pub use keys::{Passport, X25519Secret};
pub use signature::Signature;
