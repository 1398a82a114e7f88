//! What happens to a request on its way, decided by the seed.
//!
//! The fate of the n-th request from `a` to `b` depends on the seed, the two labels and n alone. Traffic
//! between others changes nothing about it, so adding a node to a simulation leaves the rest as it was.

use std::time::Duration;

/// How a network treats what it carries. The default is perfect: nothing is lost, nothing takes time.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Conditions {
    /// Shortest time of one way. Timers have a resolution of one millisecond.
    pub min_latency: Duration,
    /// Longest time of one way; less than `min_latency` means the same as `min_latency`.
    pub max_latency: Duration,
    /// Share of requests that never arrive, 0 to 1.
    pub request_loss: f64,
    /// Share of answers that never arrive, although the request did: what makes senders repeat themselves.
    pub answer_loss: f64,
    /// Share of requests that arrive a second time, 0 to 1.
    pub duplication: f64,
}

/// What happens to one request; by default nothing but that it arrives, and its answer too.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Journey {
    pub(super) there: Duration,
    pub(super) back: Duration,
    pub(super) lose_request: bool,
    pub(super) lose_answer: bool,
    /// How long after the first a second copy arrives.
    pub(super) copy_after: Option<Duration>,
}

impl Journey {
    /// The journey of request number `number` from `from` to `to`.
    pub(super) fn plan(conditions: &Conditions, seed: u64, from: &str, to: &str, number: u64) -> Self {
        let mut dice = Dice::new(seed, from, to, number);
        // Every die is thrown every time: changing one condition must not shift the others.
        let (there, back, copy) =
            (dice.latency(conditions), dice.latency(conditions), dice.latency(conditions));
        Self {
            there,
            back,
            lose_request: dice.hits(conditions.request_loss),
            lose_answer: dice.hits(conditions.answer_loss),
            copy_after: dice.hits(conditions.duplication).then_some(copy),
        }
    }
}

/// SplitMix64 (Steele, Lea, Flood 2014): small, fast, and never for keys.
struct Dice(u64);

impl Dice {
    fn new(seed: u64, from: &str, to: &str, number: u64) -> Self {
        // FNV-1a over the link; 0xff is in no label, so ("ab", "c") and ("a", "bc") differ.
        let link = from.bytes().chain([0xff]).chain(to.bytes());
        let hash = link.fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
        let mut dice = Self(seed ^ hash);
        Self(dice.next() ^ number.wrapping_mul(0x9e37_79b9_7f4a_7c15))
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn hits(&mut self, share: f64) -> bool {
        // 53 bits: every value is exact in an f64, and 1.0 is above them all.
        #[expect(clippy::cast_precision_loss, reason = "53 bits fit")]
        let thrown = (self.next() >> 11) as f64 / (1_u64 << 53) as f64;
        thrown < share
    }

    fn latency(&mut self, conditions: &Conditions) -> Duration {
        let thrown = self.next();
        let spread = conditions.max_latency.saturating_sub(conditions.min_latency);
        let spread = u64::try_from(spread.as_micros()).unwrap_or(u64::MAX);
        conditions.min_latency + Duration::from_micros(thrown % spread.saturating_add(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROUGH: Conditions = Conditions {
        min_latency: Duration::from_millis(5),
        max_latency: Duration::from_millis(50),
        request_loss: 0.3,
        answer_loss: 0.2,
        duplication: 0.1,
    };

    fn journeys(conditions: &Conditions, seed: u64) -> Vec<Journey> {
        (0..10_000).map(|number| Journey::plan(conditions, seed, "a", "b", number)).collect()
    }

    #[test]
    fn the_seed_decides_everything() {
        assert_eq!(journeys(&ROUGH, 1), journeys(&ROUGH, 1));
        assert_ne!(journeys(&ROUGH, 1), journeys(&ROUGH, 2));
    }

    #[test]
    fn shares_and_ranges_are_kept() {
        let journeys = journeys(&ROUGH, 7);
        let count = |hit: fn(&Journey) -> bool| journeys.iter().filter(|journey| hit(journey)).count();
        assert!((2800..3200).contains(&count(|journey| journey.lose_request)));
        assert!((1800..2200).contains(&count(|journey| journey.lose_answer)));
        assert!((850..1150).contains(&count(|journey| journey.copy_after.is_some())));
        let range = ROUGH.min_latency..=ROUGH.max_latency;
        assert!(
            journeys.iter().all(|journey| range.contains(&journey.there) && range.contains(&journey.back))
        );
    }

    #[test]
    fn shares_of_zero_and_one_are_never_and_always() {
        let always = Conditions { request_loss: 1.0, ..Conditions::default() };
        assert!(journeys(&always, 3).iter().all(|journey| journey.lose_request && !journey.lose_answer));
    }

    #[test]
    fn one_condition_leaves_the_others_as_they_were() {
        let calm = Conditions { request_loss: 0.0, ..ROUGH };
        for (rough, calm) in journeys(&ROUGH, 5).iter().zip(journeys(&calm, 5)) {
            assert_eq!(Journey { lose_request: false, ..*rough }, calm);
        }
    }
}
