//! The times that a node signs with. Peers keep the order of what it signed by them (the newest handshake, the newest
//! address, the end of a connection), so each is later than the one before, also when the wall clock was set back, unless
//! by more than others believe.

use std::{
    sync::atomic::{AtomicI64, Ordering},
    time::Duration,
};

use super::Timestamp;

/// The last time that was signed with.
#[derive(Debug)]
pub struct SigningTimes {
    last: AtomicI64,
    /// How far a signed time may be ahead of the wall clock. Whoever is further ahead is believed by nobody, so the wall
    /// clock counts again.
    lead: Duration,
}

impl SigningTimes {
    /// Nothing was signed yet by this process. `lead` is how far ahead of the time others take what is signed.
    pub const fn new(lead: Duration) -> Self {
        Self { last: AtomicI64::new(i64::MIN), lead }
    }

    /// An earlier process signed at `time`, or before.
    pub fn note(&self, time: Timestamp) {
        self.last.fetch_max(time.micros(), Ordering::Relaxed);
    }

    /// The time to sign with while the wall clock shows `wall`: that time, or a microsecond after the last one.
    pub fn next(&self, wall: Timestamp) -> Timestamp {
        let after = |last: i64| {
            let next = Timestamp::from_micros(last.saturating_add(1));
            if next > wall && next.distance(wall) <= self.lead { next } else { wall }
        };
        let advance = |last| Some(after(last).micros());
        // The closure always answers, so both arms carry the last one.
        let (Ok(last) | Err(last)) = self.last.fetch_update(Ordering::Relaxed, Ordering::Relaxed, advance);
        after(last)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOON: Timestamp = Timestamp::from_seconds(1_000_000);
    const TICK: Duration = Duration::from_micros(1);
    const MINUTE: Duration = Duration::from_secs(60);

    fn times() -> SigningTimes {
        SigningTimes::new(MINUTE * 5)
    }

    #[test]
    fn it_is_the_wall_clock_where_that_goes_forward() {
        let times = times();
        assert_eq!(times.next(NOON), NOON);
        assert_eq!(times.next(NOON + MINUTE), NOON + MINUTE);
    }

    #[test]
    fn it_never_stands_still() {
        let times = times();
        assert_eq!([(); 3].map(|()| times.next(NOON)), [NOON, NOON + TICK, NOON + TICK * 2]);
    }

    #[test]
    fn a_clock_set_back_by_what_others_believe_changes_no_order() {
        let times = times();
        times.note(NOON);
        assert_eq!(times.next(NOON - MINUTE * 4), NOON + TICK);
        assert_eq!(times.next(NOON - MINUTE * 4), NOON + TICK * 2);
    }

    #[test]
    fn a_clock_set_back_by_more_counts() {
        let times = times();
        times.note(NOON);
        assert_eq!(times.next(NOON - MINUTE * 6), NOON - MINUTE * 6);
        assert_eq!(times.next(NOON - MINUTE * 6), NOON - MINUTE * 6 + TICK);
    }
}
