//! Clocks: the wall's, which people and time servers move, and a steady one, which only goes forward. Waiting is
//! tokio's business (`tokio::time`), so a paused runtime moves both.

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use super::{Moment, Timestamp};

/// Tells the time.
pub trait Clock: Send + Sync + 'static {
    /// The wall time: for what people read, what others sign, and what outlives the process. It may jump.
    fn now(&self) -> Timestamp;

    /// The steady time: for waits and ages within the process. It stands still while the machine sleeps, on most
    /// systems.
    fn steady(&self) -> Moment;
}

/// The system's clock.
#[derive(Clone, Copy, Debug)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        #[expect(clippy::disallowed_methods, reason = "this is the one place that reads the clock")]
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
        Timestamp::from_micros(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
    }

    fn steady(&self) -> Moment {
        Moment::of_this_process()
    }
}

/// A clock that starts at a given moment and advances with tokio's time, which tests pause and move. Its clones
/// show the same time.
#[derive(Clone, Debug)]
pub struct VirtualClock {
    start: Timestamp,
    origin: tokio::time::Instant,
    /// By how many microseconds the wall clock was set forward.
    set: Arc<AtomicI64>,
    /// By how many microseconds this one is ahead of the others.
    ahead: i64,
}

impl VirtualClock {
    /// A clock that shows `start` now. Call it inside a tokio runtime.
    pub fn starting_at(start: Timestamp) -> Self {
        Self { start, origin: tokio::time::Instant::now(), set: Arc::default(), ahead: 0 }
    }

    /// The clock of another machine, whose wall time is ahead of this one by so many seconds, or behind.
    pub fn ahead_by(&self, seconds: i64) -> Self {
        Self { ahead: self.ahead.saturating_add(seconds.saturating_mul(1_000_000)), ..self.clone() }
    }

    /// Sets the wall clock forward by so many seconds, or back. The steady time does not notice.
    pub fn set_forward(&self, seconds: i64) {
        self.set.fetch_add(seconds.saturating_mul(1_000_000), Ordering::SeqCst);
    }
}

impl Clock for VirtualClock {
    fn now(&self) -> Timestamp {
        let shown = self.start + self.origin.elapsed();
        let ahead = self.set.load(Ordering::SeqCst).saturating_add(self.ahead);
        Timestamp::from_micros(shown.micros().saturating_add(ahead))
    }

    fn steady(&self) -> Moment {
        Moment::ORIGIN + self.origin.elapsed()
    }
}
