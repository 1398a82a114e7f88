//! Verbs about trust.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{AgentArgs, NoArgs, verbs::Done};
use crate::{
    error::Result,
    identity::AgentId,
    node::Node,
    trust::{Impression, PeerOpinion},
};

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

/// Whom to ask about whom.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AskOpinionArgs {
    /// A connected peer.
    pub peer: AgentId,
    /// The agent that it is asked about.
    pub about: AgentId,
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

    /// Asks a connected peer what it thinks of an agent. A peer of our kind answers a signed question with an answer that
    /// it signs for us; 1.1.1 signs nothing. What is not shared with us looks like no impression. Nothing is changed here:
    /// use [`set`](Self::set) to make the opinion ours. It takes at most 3 s.
    ///
    /// # Errors
    ///
    /// [`PeerNotConnected`](crate::error::Code::PeerNotConnected), [`PeerBlocked`](crate::error::Code::PeerBlocked),
    /// [`Unreachable`](crate::error::Code::Unreachable), [`PeerRefused`](crate::error::Code::PeerRefused), and
    /// [`BadAnswer`](crate::error::Code::BadAnswer) for an opinion that is not this peer's answer to this question, or whose
    /// score is none from -1 to 1.
    pub async fn ask(&self, args: AskOpinionArgs) -> Result<PeerOpinion> {
        self.0.inner().ask_opinion(&args.peer, args.about).await
    }
}
