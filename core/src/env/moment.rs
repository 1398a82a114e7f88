//! Moments of the steady clock, and the ages of what began at a wall time.

use std::{
    collections::BTreeMap,
    ops::{Add, Sub},
    sync::OnceLock,
    time::{Duration, Instant},
};

use super::Timestamp;

/// A moment of a clock that only goes forward, whatever happens to the wall clock. It means nothing to another
/// process, so it is never stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Moment(i64);

impl Moment {
    /// The moment from which a clock counts.
    pub const ORIGIN: Self = Self(0);
    /// Before every moment that any clock shows: what is due at once.
    pub const PAST: Self = Self(i64::MIN);

    /// Now, counted from the first call.
    pub(super) fn of_this_process() -> Self {
        static ORIGIN: OnceLock<Instant> = OnceLock::new();
        let now = Instant::now();
        Self::ORIGIN + now.saturating_duration_since(*ORIGIN.get_or_init(|| now))
    }

    /// The time passed since `earlier`; zero when `earlier` is still to come.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_micros(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }
}

fn micros(span: Duration) -> i64 {
    i64::try_from(span.as_micros()).unwrap_or(i64::MAX)
}

impl Add<Duration> for Moment {
    type Output = Self;
    fn add(self, span: Duration) -> Self {
        Self(self.0.saturating_add(micros(span)))
    }
}

impl Sub<Duration> for Moment {
    type Output = Self;
    fn sub(self, span: Duration) -> Self {
        Self(self.0.saturating_sub(micros(span)))
    }
}

/// One moment by both clocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Now {
    /// By the wall clock.
    pub wall: Timestamp,
    /// By the steady clock.
    pub steady: Moment,
}

impl Add<Duration> for Now {
    type Output = Self;
    fn add(self, span: Duration) -> Self {
        Self { wall: self.wall + span, steady: self.steady + span }
    }
}

/// How long things have lasted that began at a stored wall time. The wall clock is asked when a thing is seen first;
/// from then on its age grows with the steady clock, so that a wall clock that is set neither ends it early nor keeps
/// it for ever.
#[derive(Clone, Debug)]
pub struct Ages<K> {
    begun: BTreeMap<K, (Timestamp, Moment)>,
    looked: Option<Moment>,
}

impl<K> Default for Ages<K> {
    fn default() -> Self {
        Self { begun: BTreeMap::new(), looked: None }
    }
}

impl<K: Ord> Ages<K> {
    /// Looks at everything there is, with when it began. What is not among it is forgotten. What is new since the
    /// last look is no older than that look; what began in the future, by a wall clock that was set back, begins now.
    pub fn look(&mut self, now: Now, all: impl IntoIterator<Item = (K, Timestamp)>) {
        let since_last = self.looked.map_or(Duration::MAX, |looked| now.steady.since(looked));
        let mut before = std::mem::take(&mut self.begun);
        for (key, began) in all {
            let known = before.remove(&key).filter(|(wall, _)| *wall == began);
            let begun = known.unwrap_or_else(|| (began, now.steady - now.wall.since(began).min(since_last)));
            self.begun.insert(key, begun);
        }
        self.looked = Some(now.steady);
    }

    /// The age of `key` at `now`; zero for what was not seen yet.
    pub fn of(&self, key: &K, now: Moment) -> Duration {
        self.begun.get(key).map_or(Duration::ZERO, |(_, begun)| now.since(*begun))
    }

    /// When `key` began by the wall clock as it is now, if what is stored lies in the future of that clock. Store it:
    /// the age is known to a later process too then.
    pub fn corrected(&mut self, key: &K, now: Now) -> Option<Timestamp> {
        let (wall, begun) = self.begun.get_mut(key).filter(|(wall, _)| *wall > now.wall)?;
        *wall = now.wall - now.steady.since(*begun);
        Some(*wall)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BEGAN: Timestamp = Timestamp::from_seconds(1_000_000);
    const HOUR: Duration = Duration::from_secs(3600);

    fn age(ages: &mut Ages<u8>, now: Now) -> Duration {
        ages.look(now, [(1, BEGAN)]);
        ages.of(&1, now.steady)
    }

    #[test]
    fn an_age_follows_the_wall_clock_to_the_first_look_and_the_steady_one_from_there() {
        let mut ages = Ages::default();
        let now = Now { wall: BEGAN + HOUR, steady: Moment::ORIGIN };
        assert_eq!(age(&mut ages, now), HOUR);
        for wall in [BEGAN, BEGAN + HOUR * 9_999, BEGAN - HOUR * 5] {
            assert_eq!(age(&mut ages, Now { wall, steady: now.steady + HOUR }), HOUR * 2);
        }
    }

    #[test]
    fn what_is_new_is_no_older_than_the_last_look() {
        let mut ages = Ages::<u8>::default();
        let now = Now { wall: BEGAN, steady: Moment::ORIGIN };
        ages.look(now, []);
        let minute = Duration::from_secs(60);
        let set_forward = Now { wall: BEGAN + HOUR, steady: now.steady + minute };
        assert_eq!(age(&mut ages, set_forward), minute);
    }

    #[test]
    fn what_began_in_the_future_begins_now_and_is_corrected_once() {
        let mut ages = Ages::default();
        let now = Now { wall: BEGAN - HOUR, steady: Moment::ORIGIN };
        assert_eq!(age(&mut ages, now), Duration::ZERO);
        let later = now + HOUR / 2;
        assert_eq!(age(&mut ages, later), HOUR / 2);
        let corrected = ages.corrected(&1, later).unwrap();
        assert_eq!(corrected, now.wall);
        ages.look(later + HOUR, [(1, corrected)]);
        assert_eq!(ages.of(&1, (later + HOUR).steady), HOUR * 3 / 2);
        assert_eq!(ages.corrected(&1, later + HOUR), None);
    }
}
