//! The records of trust.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{env::Timestamp, identity::AgentId};

/// What we think of one agent. The members are those of 1.1.1, and `updated_at`.
///
/// Only `score` must be present when an impression is read; the rest has defaults.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Impression {
    /// From -1 (distrusted) over 0 (unknown) to 1 (trusted), with four decimals.
    pub score: f64,
    /// A note of ours, for people. Peers that ask for the impression get it as the setting `share_notes` says.
    #[serde(default)]
    pub note: String,
    /// Since when the score is below zero; absent while it is not.
    #[serde(default)]
    pub negative_since: Option<Timestamp>,
    /// Messages that this agent took from us.
    #[serde(default)]
    pub msgs_sent: u64,
    /// Messages that we took from this agent.
    #[serde(default)]
    pub msgs_received: u64,
    /// Whether this is an entry point of the mesh, of which no answers are expected.
    #[serde(default)]
    pub infrastructure: bool,
    /// When anything here last changed.
    #[serde(default)]
    pub updated_at: Timestamp,
}

impl Impression {
    /// Whether nothing here says what anybody thinks of the agent: neither the host nor a rule gave it a score, a
    /// note or the flag.
    pub fn holds_counters_alone(&self) -> bool {
        self.score == 0.0 && self.note.is_empty() && !self.infrastructure
    }
}

/// What a peer answered when asked about an agent.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Opinion {
    /// The peer that was asked.
    pub agent_id: AgentId,
    /// Its score; absent or not finite counts as 0.
    #[serde(default)]
    pub score: Option<f64>,
}

/// What a peer said about an agent when it was asked: its own words, data and never instructions.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PeerOpinion {
    /// About whom.
    pub agent_id: AgentId,
    /// Whether the peer has, and tells, an impression.
    pub has_impression: bool,
    /// From -1 (distrusted) to 1 (trusted).
    pub score: Option<f64>,
    /// The peer's note, at most 2,000 characters; empty when it tells none.
    pub note: String,
    /// Whether the peer signed it for us. 1.1.1 signs no opinions.
    pub signed: bool,
}
