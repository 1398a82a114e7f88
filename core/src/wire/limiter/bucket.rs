//! One allowance, and a bounded map of them.
//!
//! The arithmetic is governor's; its state lives here, so that a spent request can be given back and a
//! flood of sources cannot grow memory.

use std::{
    collections::{BTreeMap, HashMap},
    hash::Hash,
    num::NonZeroU32,
    sync::Arc,
    time::Duration,
};

use governor::{
    Quota, RateLimiter,
    clock::Clock,
    middleware::NoOpMiddleware,
    nanos::Nanos,
    state::{NotKeyed, StateStore},
};
use parking_lot::Mutex;

use crate::env::Timestamp;

/// The time as given by callers, made monotone: it stands still when the wall clock steps back.
#[derive(Clone, Debug, Default)]
pub(super) struct GivenTime(Arc<Mutex<Elapsed>>);

#[derive(Clone, Copy, Debug, Default)]
struct Elapsed {
    last: Option<Timestamp>,
    total: Duration,
}

impl GivenTime {
    pub(super) fn set(&self, now: Timestamp) {
        let mut elapsed = self.0.lock();
        if let Some(last) = elapsed.last {
            // An hour refills every allowance; a longer jump of the clock means no more than that.
            elapsed.total += now.since(last).min(Duration::from_secs(3600));
        }
        elapsed.last = Some(now);
    }
}

impl Clock for GivenTime {
    type Instant = Duration;

    fn now(&self) -> Duration {
        self.0.lock().total
    }
}

/// What was spent: the theoretical arrival time of GCRA, none before the first request.
#[derive(Clone, Debug, Default)]
struct Spent(Arc<Mutex<Option<Nanos>>>);

impl StateStore for Spent {
    type Key = NotKeyed;

    fn measure_and_replace<T, F, E>(&self, _: &NotKeyed, decide: F) -> Result<T, E>
    where
        F: Fn(Option<Nanos>) -> Result<(T, Nanos), E>,
    {
        let mut spent = self.0.lock();
        let (outcome, next) = decide(*spent)?;
        *spent = Some(next);
        Ok(outcome)
    }
}

/// One allowance of so many requests a minute.
pub(super) struct Bucket {
    per_minute: NonZeroU32,
    spent: Spent,
    limiter: RateLimiter<NotKeyed, Spent, GivenTime, NoOpMiddleware<Duration>>,
}

/// What a bucket had spent before a request, to give that request back.
pub(super) struct Before(Option<Nanos>);

impl Before {
    /// Whether nothing had ever been spent.
    pub(super) fn is_first(&self) -> bool {
        self.0.is_none()
    }
}

impl Bucket {
    pub(super) fn new(per_minute: NonZeroU32, time: GivenTime) -> Self {
        let spent = Spent::default();
        let limiter = RateLimiter::new(Quota::per_minute(per_minute), spent.clone(), time);
        Self { per_minute, spent, limiter }
    }

    /// Spends one request, or says how long until one is allowed.
    pub(super) fn spend(&self) -> Result<Before, Duration> {
        let before = Before(*self.spent.0.lock());
        match self.limiter.check() {
            Ok(()) => Ok(before),
            Err(refused) => Err(refused.wait_time_from(self.limiter.clock().now())),
        }
    }

    /// Undoes the spending that returned `before`; nothing else was spent since.
    pub(super) fn give_back(&self, before: Before) {
        *self.spent.0.lock() = before.0;
    }

    /// Gives one request back, whatever else was spent since.
    pub(super) fn refund(&self) {
        let one = Nanos::from(Duration::from_secs(60) / self.per_minute.get());
        let mut spent = self.spent.0.lock();
        *spent = spent.map(|arrival| arrival.saturating_sub(one));
    }

    pub(super) fn per_minute(&self) -> NonZeroU32 {
        self.per_minute
    }
}

/// Buckets by key; the one used longest ago makes room for a new one.
pub(super) struct Buckets<K> {
    capacity: usize,
    by_key: HashMap<K, (u64, Bucket)>,
    by_use: BTreeMap<u64, K>,
    uses: u64,
}

impl<K: Clone + Eq + Hash> Buckets<K> {
    pub(super) fn new(capacity: usize) -> Self {
        Self { capacity, by_key: HashMap::new(), by_use: BTreeMap::new(), uses: 0 }
    }

    /// The bucket of `key`; a new one when there is none, or when its limit changed.
    pub(super) fn get(&mut self, key: &K, per_minute: NonZeroU32, time: &GivenTime) -> &Bucket {
        self.uses += 1;
        if let Some((used, _)) = self.by_key.get(key) {
            self.by_use.remove(used);
        } else if self.by_key.len() >= self.capacity
            && let Some((_, oldest)) = self.by_use.pop_first()
        {
            self.by_key.remove(&oldest);
        }
        self.by_use.insert(self.uses, key.clone());
        let fresh = || (0, Bucket::new(per_minute, time.clone()));
        let (used, bucket) = self.by_key.entry(key.clone()).or_insert_with(fresh);
        if bucket.per_minute != per_minute {
            *bucket = fresh().1;
        }
        *used = self.uses;
        bucket
    }

    /// Gives one request of `key` back.
    pub(super) fn refund(&self, key: &K) {
        if let Some((_, bucket)) = self.by_key.get(key) {
            bucket.refund();
        }
    }

    /// Forgets `key`.
    pub(super) fn remove(&mut self, key: &K) {
        if let Some((used, _)) = self.by_key.remove(key) {
            self.by_use.remove(&used);
        }
    }

    pub(super) fn len(&self) -> usize {
        debug_assert_eq!(self.by_key.len(), self.by_use.len());
        self.by_key.len()
    }
}
