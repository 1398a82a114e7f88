//! What a score decides: who is disconnected, who comes first, whose word weighs how much.

use std::time::Duration;

use crate::identity::AgentId;

use super::Impression;

/// How long a score may stay negative before the connection ends, unless the settings say otherwise.
pub const NEGATIVE_PATIENCE: Duration = Duration::from_secs(3600);

/// Whether a connection to this agent has to end now, when its score has been negative for `lasted`.
pub fn is_due_for_disconnect(impression: &Impression, lasted: Duration, patience: Duration) -> bool {
    impression.score < 0.0 && impression.negative_since.is_some() && lasted >= patience
}

/// Sorts `agents` by score, best first. An agent without a score counts 0; equal ones keep their order.
pub fn rank(agents: &mut [AgentId], score: impl Fn(&AgentId) -> Option<f64>) {
    agents.sort_by(|left, right| score(right).unwrap_or(0.0).total_cmp(&score(left).unwrap_or(0.0)));
}

/// How much a peer's answer weighs in a vote about an agent's address.
pub fn vote_weight(score: Option<f64>) -> f64 {
    score.map_or(0.5, |score| score.max(0.1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::env::Timestamp;

    #[test]
    fn a_connection_ends_after_an_hour_below_zero_and_not_earlier() {
        let since = Timestamp::from_seconds(1_700_000_000);
        let bad = Impression { score: -0.2, negative_since: Some(since), ..Impression::default() };
        let almost = NEGATIVE_PATIENCE - Duration::from_micros(1);
        assert!(!is_due_for_disconnect(&bad, almost, NEGATIVE_PATIENCE));
        assert!(is_due_for_disconnect(&bad, NEGATIVE_PATIENCE, NEGATIVE_PATIENCE));
        let unknown_begin = Impression { negative_since: None, ..bad };
        assert!(!is_due_for_disconnect(&unknown_begin, NEGATIVE_PATIENCE, NEGATIVE_PATIENCE));
    }

    #[test]
    fn a_distrusted_voter_still_weighs_less_than_an_unknown_one() {
        assert_eq!(vote_weight(Some(-1.0)), 0.1);
        assert_eq!(vote_weight(None), 0.5);
        assert_eq!(vote_weight(Some(0.8)), 0.8);
    }
}
