//! Failures on demand, for simulations: never part of a real node.
//!
//! [`FaultyStore`] wraps a store, counts the commits from 1 and follows a plan: let one of them fail, or let
//! the process "crash" there. After a crash the wrapped store hears nothing more: every further future stays
//! pending for ever, as if its process were gone. The simulator waits for [`FaultyStore::crash`], drops the
//! node, and opens another one on what is left.

use std::{
    collections::BTreeMap,
    future::{Future, pending, ready},
    sync::Arc,
};

use parking_lot::Mutex;
use tokio::sync::watch;

use super::{Batch, Range, Row, Store, StoreFuture, Table};
use crate::error::Error;

/// On which side of the commit the process dies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// The batch is lost.
    Before,
    /// The batch is applied, but nobody hears about it.
    After,
}

/// Where the process dies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CrashPlan {
    /// Which commit, counted from 1 over the life of the [`FaultyStore`].
    pub at_commit: u64,
    /// Before or after it is applied.
    pub moment: Moment,
}

/// A store that fails as planned.
pub struct FaultyStore {
    inner: Arc<dyn Store>,
    state: Mutex<State>,
    crashed: watch::Sender<bool>,
}

#[derive(Default)]
struct State {
    commits: u64,
    failures: BTreeMap<u64, Error>,
    crash: Option<CrashPlan>,
    dead: bool,
}

impl FaultyStore {
    /// Wraps `inner`; without a plan it behaves as `inner` does.
    pub fn new(inner: Arc<dyn Store>) -> Self {
        Self { inner, state: Mutex::default(), crashed: watch::Sender::new(false) }
    }

    /// Lets commit number `nth` fail with `error`; nothing of it is applied.
    pub fn fail_commit(&self, nth: u64, error: Error) {
        self.state.lock().failures.insert(nth, error);
    }

    /// Sets where the process dies, or that it does not. A commit that was already counted is not met again.
    pub fn plan_crash(&self, plan: Option<CrashPlan>) {
        self.state.lock().crash = plan;
    }

    /// Resolves once the planned crash has happened; never, when it does not. Borrows nothing.
    pub fn crash(&self) -> impl Future<Output = ()> + Send + use<> {
        let mut crashed = self.crashed.subscribe();
        async move {
            if crashed.wait_for(|crashed| *crashed).await.is_err() {
                pending().await
            }
        }
    }

    /// Whether the planned crash has happened.
    pub fn has_crashed(&self) -> bool {
        *self.crashed.borrow()
    }

    /// How many commits were counted.
    pub fn commits(&self) -> u64 {
        self.state.lock().commits
    }

    fn unless_dead<T: Send + 'static>(
        &self,
        ask: impl FnOnce(&dyn Store) -> StoreFuture<T>,
    ) -> StoreFuture<T> {
        if self.state.lock().dead { Box::pin(pending()) } else { ask(&*self.inner) }
    }
}

impl Store for FaultyStore {
    fn read(&self, table: Table, key: &str) -> StoreFuture<Option<String>> {
        self.unless_dead(|inner| inner.read(table, key))
    }

    fn scan(&self, table: Table, range: Range) -> StoreFuture<Vec<Row>> {
        self.unless_dead(|inner| inner.scan(table, range))
    }

    fn commit(&self, batch: Batch) -> StoreFuture<()> {
        // Held while the batch enters, so that the wrapped store sees the order that was counted.
        let mut state = self.state.lock();
        if state.dead {
            return Box::pin(pending());
        }
        state.commits += 1;
        let count = state.commits;
        if let Some(error) = state.failures.remove(&count) {
            return Box::pin(ready(Err(error)));
        }
        let Some(plan) = state.crash.filter(|plan| plan.at_commit == count) else {
            return self.inner.commit(batch);
        };
        state.dead = true;
        let announcement = Announcement(self.crashed.clone());
        match plan.moment {
            Moment::Before => Box::pin(pending()),
            Moment::After => {
                let applied = self.inner.commit(batch);
                Box::pin(async move {
                    let _unheard = applied.await;
                    drop(announcement);
                    pending().await
                })
            }
        }
    }

    /// Works even after a crash, so that a simulator can release the files of the wrapped store.
    fn close(&self) -> StoreFuture<()> {
        self.inner.close()
    }
}

/// Tells the simulator when it is dropped: also when the caller drops the future of the fatal commit.
struct Announcement(watch::Sender<bool>);

impl Drop for Announcement {
    fn drop(&mut self) {
        self.0.send_replace(true);
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;
    use crate::{
        error::{Code, Result},
        store::{MemoryDisk, MemoryStore, suite::store_suite},
    };

    store_suite!(faulty_without_a_plan, {
        let disk = MemoryDisk::new();
        move || FaultyStore::new(Arc::new(MemoryStore::open(&disk)))
    });

    fn put(store: &FaultyStore, key: &str) -> Option<Result<()>> {
        let mut batch = Batch::new();
        batch.put(Table::Meta, key, &true).unwrap();
        store.commit(batch).now_or_never()
    }

    fn keys(disk: &MemoryDisk) -> Vec<String> {
        let rows = MemoryStore::open(disk).scan(Table::Meta, Range::all()).now_or_never().unwrap().unwrap();
        rows.into_iter().map(|row| row.key).collect()
    }

    #[test]
    fn the_planned_commit_fails_and_only_that_one() {
        let disk = MemoryDisk::new();
        let store = FaultyStore::new(Arc::new(MemoryStore::open(&disk)));
        store.fail_commit(2, Error::new(Code::StoreFull, "the disk is full"));
        assert!(put(&store, "a").unwrap().is_ok());
        assert_eq!(put(&store, "b").unwrap().unwrap_err().code(), Code::StoreFull);
        assert!(put(&store, "c").unwrap().is_ok());
        assert_eq!(keys(&disk), ["a", "c"]);
        assert_eq!(store.commits(), 3);
    }

    #[test]
    fn a_crash_leaves_what_its_moment_says_and_silences_the_store() {
        for (moment, left) in [(Moment::Before, vec!["a"]), (Moment::After, vec!["a", "b"])] {
            let disk = MemoryDisk::new();
            let store = FaultyStore::new(Arc::new(MemoryStore::open(&disk)));
            store.plan_crash(Some(CrashPlan { at_commit: 2, moment }));
            let mut crash = Box::pin(store.crash());
            assert!(put(&store, "a").unwrap().is_ok());
            assert!(!store.has_crashed() && (&mut crash).now_or_never().is_none());
            assert!(put(&store, "b").is_none());
            assert!(store.has_crashed() && crash.now_or_never().is_some());
            assert!(put(&store, "c").is_none());
            assert!(store.read(Table::Meta, "a").now_or_never().is_none());
            assert!(store.scan(Table::Meta, Range::all()).now_or_never().is_none());
            assert_eq!(keys(&disk), left, "{moment:?}");
            assert!(store.close().now_or_never().unwrap().is_ok());
        }
    }

    #[test]
    fn a_caller_that_does_not_wait_cannot_hide_the_crash() {
        let disk = MemoryDisk::new();
        let store = FaultyStore::new(Arc::new(MemoryStore::open(&disk)));
        store.plan_crash(Some(CrashPlan { at_commit: 1, moment: Moment::After }));
        drop(store.commit(Batch::new()));
        assert!(store.crash().now_or_never().is_some());
    }
}
