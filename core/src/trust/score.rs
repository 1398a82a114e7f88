//! Score arithmetic: how an event moves a score, and when a score counts as negative.
//!
//! Gains shrink as a score approaches 1 and losses shrink as it approaches -1, so one event weighs most
//! where least is settled in its direction. Scores have four decimals; rounding is exact on the binary
//! value with ties to even, as 1.1.1 rounds, so both sides agree to the last digit.

use crate::{
    env::Timestamp,
    error::{Code, Error, Result},
};

use super::Impression;

/// What a delivered message adds, before reciprocity.
pub const MESSAGE_SENT: f64 = 0.001;
/// Up to this many messages in the busier direction (exclusive), one-sidedness is not held against a peer.
pub const RECIPROCITY_GRACE: u64 = 5;

/// `score` if it is a number from -1 to 1.
///
/// # Errors
///
/// [`Code::TrustOutOfRange`] otherwise, NaN included (B20).
pub fn checked(score: f64) -> Result<f64> {
    if (-1.0..=1.0).contains(&score) {
        return Ok(score);
    }
    Err(Error::new(Code::TrustOutOfRange, "a trust score must be a number from -1 to 1").with("given", score))
}

/// `score` after an event of weight `delta`.
///
/// # Errors
///
/// [`Code::TrustOutOfRange`] when either number is not finite. A `delta` beyond ±2 is allowed: the result
/// is clamped.
pub fn adjusted(score: f64, delta: f64) -> Result<f64> {
    if !score.is_finite() || !delta.is_finite() {
        return Err(Error::new(Code::TrustOutOfRange, "a trust score can only change by a finite number")
            .with("score", score)
            .with("delta", delta));
    }
    let effect = if delta >= 0.0 { delta * (1.0 - score) } else { delta * (1.0 + score) };
    Ok(rounded((score + effect).clamp(-1.0, 1.0), 4))
}

/// How mutual an exchange is, from 0 (one-sided) to 1.
pub fn reciprocity(impression: &Impression) -> f64 {
    let (sent, received) = (impression.msgs_sent, impression.msgs_received);
    let most = sent.max(received);
    if impression.infrastructure || most < RECIPROCITY_GRACE {
        return 1.0;
    }
    sent.min(received) as f64 / most as f64
}

/// What the message just counted in `msgs_sent` adds to the score.
pub fn message_sent_delta(impression: &Impression) -> f64 {
    MESSAGE_SENT * reciprocity(impression)
}

/// Since when the score is negative, after it moved from `before` to `after`.
///
/// A negative score without a beginning, as 1.1.1 leaves when a user sets one, begins now (B20).
pub fn negative_since(before: &Impression, after: f64, now: Timestamp) -> Option<Timestamp> {
    if after >= 0.0 {
        return None;
    }
    if before.score < 0.0 { before.negative_since.or(Some(now)) } else { Some(now) }
}

/// `impression` after an event of weight `delta`; note, counters and flag stay.
///
/// # Errors
///
/// [`Code::TrustOutOfRange`] when a number is not finite.
pub fn adjust(impression: &Impression, delta: f64, now: Timestamp) -> Result<Impression> {
    let score = adjusted(impression.score, delta)?;
    Ok(moved(impression, score, now))
}

/// `impression` with a score the user chose, and a note if one is given; counters and flag stay (B20).
///
/// # Errors
///
/// [`Code::TrustOutOfRange`] unless `score` is a number from -1 to 1.
pub fn set(impression: &Impression, score: f64, note: Option<String>, now: Timestamp) -> Result<Impression> {
    let mut set = moved(impression, rounded(checked(score)?, 4), now);
    if let Some(note) = note {
        set.note = note;
    }
    Ok(set)
}

fn moved(impression: &Impression, score: f64, now: Timestamp) -> Impression {
    Impression {
        score,
        negative_since: negative_since(impression, score, now),
        updated_at: now,
        ..impression.clone()
    }
}

/// `value` with `digits` decimals. Formatting rounds the exact binary value, ties to even; multiplying
/// first would not. Zero loses its sign.
pub(crate) fn rounded(value: f64, digits: usize) -> f64 {
    // The text of a finite number always parses.
    format!("{value:.digits$}").parse::<f64>().unwrap_or(value) + 0.0
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NOW: Timestamp = Timestamp::from_seconds(1_700_000_000);

    fn scored(score: f64) -> Impression {
        Impression { score, ..Impression::default() }
    }

    #[test]
    fn setting_a_score_keeps_counters_and_starts_and_ends_the_negative_time() {
        let known = Impression { msgs_sent: 7, msgs_received: 3, infrastructure: true, ..scored(0.5) };
        let bad = set(&known, -0.25, Some("rude".into()), NOW).unwrap();
        assert_eq!((bad.msgs_sent, bad.msgs_received, bad.infrastructure), (7, 3, true));
        assert_eq!((bad.score, bad.note.as_str(), bad.negative_since), (-0.25, "rude", Some(NOW)));

        let later = NOW + std::time::Duration::from_secs(9);
        let worse = set(&bad, -0.5, None, later).unwrap();
        assert_eq!((worse.negative_since, worse.note.as_str()), (Some(NOW), "rude"));
        assert_eq!(set(&worse, 0.0, None, later).unwrap().negative_since, None);
    }

    #[test]
    fn a_negative_score_without_a_beginning_begins_at_the_next_change() {
        assert_eq!(adjust(&scored(-0.5), 0.0, NOW).unwrap().negative_since, Some(NOW));
    }

    #[test]
    fn refuses_numbers_that_are_not_scores() {
        for score in [f64::NAN, f64::INFINITY, 1.000_1, -1.000_1] {
            assert_eq!(set(&scored(0.0), score, None, NOW).unwrap_err().code(), Code::TrustOutOfRange);
        }
        assert_eq!(adjust(&scored(0.0), f64::NAN, NOW).unwrap_err().code(), Code::TrustOutOfRange);
    }

    #[test]
    fn zero_has_no_sign() {
        assert!(set(&scored(0.1), -0.000_01, None, NOW).unwrap().score.is_sign_positive());
    }

    proptest! {
        #[test]
        fn a_score_stays_in_range_and_moves_with_the_sign(score in -1.0..=1.0f64, delta in any::<f64>()) {
            match adjusted(score, delta) {
                Ok(after) => {
                    prop_assert!((-1.0..=1.0).contains(&after));
                    // One rounding step is the most that may point the other way.
                    prop_assert!((after - score) * delta.signum() >= -0.000_05 - f64::EPSILON);
                }
                Err(_) => prop_assert!(!delta.is_finite()),
            }
        }

        #[test]
        fn a_negative_score_always_knows_since_when(score in -1.0..=1.0f64, deltas in prop::collection::vec(-1.0..1.0f64, 1..20)) {
            let mut known = set(&Impression::default(), score, None, NOW).unwrap();
            for delta in deltas {
                prop_assert_eq!(known.score < 0.0, known.negative_since.is_some());
                known = adjust(&known, delta, NOW).unwrap();
            }
        }
    }
}
