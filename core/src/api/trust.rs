//! Verbs about trust.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{AgentArgs, NoArgs, verbs::Done};
use crate::{error::Result, identity::AgentId, node::Node, trust::Impression};

/// What to think of an agent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SetTrustArgs {
    /// Of whom; it need not be connected.
    pub agent: AgentId,
    /// −1 (distrust) to 1 (trust).
    pub score: f64,
    /// Why, at most 2,000 characters. Absent keeps the note.
    #[serde(default)]
    pub note: Option<String>,
}

/// What we think of an agent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TrustOf {
    /// Of whom.
    pub agent_id: AgentId,
    /// The impression.
    #[serde(flatten)]
    pub impression: Impression,
}

/// The noun `trust`.
pub struct Impressions<'a>(&'a Node);

impl Node {
    /// Verbs about trust.
    pub fn trust(&self) -> Impressions<'_> {
        Impressions(self)
    }
}

impl Impressions<'_> {
    /// What we think of an agent; null when we have no impression.
    pub async fn get(&self, args: AgentArgs) -> Result<Option<TrustOf>> {
        let impression = self.0.inner().state.lock().trust.get(&args.agent).cloned();
        Ok(impression.map(|impression| TrustOf { agent_id: args.agent, impression }))
    }

    /// Sets what we think of an agent. Automatic changes go on from there; the counters stay. A peer whose
    /// trust stays below 0 for an hour is disconnected.
    ///
    /// # Errors
    ///
    /// [`TrustOutOfRange`](crate::error::Code::TrustOutOfRange).
    pub async fn set(&self, args: SetTrustArgs) -> Result<TrustOf> {
        let impression = self.0.inner().set_trust(args.agent, args.score, args.note).await?;
        Ok(TrustOf { agent_id: args.agent, impression })
    }

    /// Every impression, most trusted first.
    pub async fn list(&self, _: NoArgs) -> Result<Vec<TrustOf>> {
        let state = self.0.inner().state.lock();
        let mut all: Vec<_> = state
            .trust
            .iter()
            .map(|(agent, impression)| TrustOf { agent_id: *agent, impression: impression.clone() })
            .collect();
        all.sort_by(|a, b| b.impression.score.total_cmp(&a.impression.score));
        Ok(all)
    }

    /// Forgets what we think of an agent.
    ///
    /// # Errors
    ///
    /// Only those of the disk.
    pub async fn forget(&self, args: AgentArgs) -> Result<Done> {
        self.0.inner().write(|state, _| Ok(state.trust.remove(&args.agent))).await?;
        Ok(Done {})
    }
}
