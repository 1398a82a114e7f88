//! The writer: one thread that commits in groups.
//!
//! It takes everything that is queued, applies it in one transaction, and answers after the transaction is
//! on disk. While it waits for the disk the next group queues up, so load forms the groups by itself and an
//! idle store answers after one sync.

use std::{path::Path, sync::Arc, sync::mpsc::Receiver, time::Instant};

use rusqlite::{Connection, TransactionBehavior};
use tokio::sync::oneshot;

use super::{
    errors,
    schema::{self, sql},
};
use crate::{
    error::{Error, Result},
    store::{Batch, Durability, Op, Precondition, Table, place::Place},
};

/// A group ends with the batch that reaches one of these, so that under any load the first of a group does
/// not wait for ever and the log stays small. At this size one more sync costs next to nothing.
const GROUP_BATCHES: usize = 4096;
const GROUP_BYTES: usize = 16 * 1024 * 1024;

/// A batch in the queue, and who waits for it.
pub(super) struct Entry {
    pub(super) batch: Batch,
    pub(super) done: oneshot::Sender<Result<()>>,
}

/// Batches that will share a transaction.
struct Group {
    entries: Vec<Entry>,
    bytes: usize,
    /// When the most urgent of them must be on its way.
    hurry: Instant,
}

impl Group {
    fn of(first: Entry) -> Self {
        let mut group = Self { entries: Vec::new(), bytes: 0, hurry: Instant::now() + first.batch.patience };
        group.add(first);
        group
    }

    fn add(&mut self, entry: Entry) {
        self.bytes += size(&entry.batch);
        self.hurry = self.hurry.min(Instant::now() + entry.batch.patience);
        self.entries.push(entry);
    }
}

pub(super) struct Writer {
    path: Arc<Path>,
    connection: Connection,
    group_batches: usize,
    /// The files that every commit must find where they were opened.
    places: Vec<Place>,
    /// The log, once it is there.
    log: Option<Place>,
    #[cfg(test)]
    page_limit: Arc<std::sync::atomic::AtomicU32>,
}

impl Writer {
    pub(super) fn new(
        path: Arc<Path>,
        connection: Connection,
        durability: Durability,
        lock: Option<Place>,
    ) -> Self {
        connection.set_prepared_statement_cache_capacity(schema::STATEMENTS);
        let group_batches = if durability == Durability::Each { 1 } else { GROUP_BATCHES };
        Self {
            places: Place::of(&path).into_iter().chain(lock).collect(),
            log: None,
            path,
            connection,
            group_batches,
            #[cfg(test)]
            page_limit: Arc::default(),
        }
    }

    /// Commits until the queue is closed and empty; gives back the connection.
    pub(super) fn run(mut self, queue: &Receiver<Entry>) -> Connection {
        while let Ok(first) = queue.recv() {
            let group = self.gather(first, queue);
            #[cfg(test)]
            self.obey_page_limit();
            if let Err(error) = self.check_places() {
                fail(group, queue, &error);
                continue;
            }
            match self.apply(&group) {
                Ok(verdicts) => {
                    for (entry, verdict) in group.into_iter().zip(verdicts) {
                        // Nobody may be waiting any more; the batch is committed all the same.
                        let _ = entry.done.send(verdict);
                    }
                }
                Err(cause) => fail(group, queue, &errors::explain(cause, &self.path)),
            }
        }
        self.connection
    }

    /// What is written into a file that lost its name is lost.
    fn check_places(&mut self) -> Result<()> {
        if self.log.is_none() {
            let mut name = self.path.as_os_str().to_owned();
            name.push("-wal");
            self.log = Place::of(Path::new(&name));
        }
        self.places.iter().chain(&self.log).try_for_each(Place::check)
    }

    /// What shares a transaction with `first`: all that is queued, and what comes while nobody is in a hurry.
    fn gather(&self, first: Entry, queue: &Receiver<Entry>) -> Vec<Entry> {
        let mut group = Group::of(first);
        if self.group_batches == 1 {
            return group.entries;
        }
        loop {
            // A commit writes each page it touched, so the cost of a small group is that of a larger one. Threads
            // that are ready to run, and about to queue more, go first as long as they do; on an idle machine this
            // returns at once.
            let mut before = 0;
            while before < group.entries.len() {
                before = group.entries.len();
                std::thread::yield_now();
                while !self.is_full(&group)
                    && let Ok(entry) = queue.try_recv()
                {
                    group.add(entry);
                }
            }
            let patience = group.hurry.saturating_duration_since(Instant::now());
            if patience.is_zero() || self.is_full(&group) {
                return group.entries;
            }
            match queue.recv_timeout(patience) {
                Ok(entry) => group.add(entry),
                // Nobody came, or the store closes.
                Err(_) => return group.entries,
            }
        }
    }

    fn is_full(&self, group: &Group) -> bool {
        group.entries.len() >= self.group_batches || group.bytes >= GROUP_BYTES
    }

    /// Applies a group in one transaction: all of it, except batches whose preconditions do not hold.
    fn apply(&mut self, group: &[Entry]) -> rusqlite::Result<Vec<Result<()>>> {
        if !self.connection.is_autocommit() {
            // The group before failed, and so did its rollback.
            self.connection.execute_batch("ROLLBACK")?;
        }
        // Dropped without commit, it rolls back.
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let mut verdicts = Vec::with_capacity(group.len());
        for Entry { batch, .. } in group {
            verdicts.push(match first_unmet(&transaction, &batch.preconditions)? {
                Some(precondition) => Err(precondition.unmet()),
                None => {
                    change(&transaction, &batch.ops)?;
                    Ok(())
                }
            });
        }
        transaction.commit()?;
        Ok(verdicts)
    }
}

/// Fails a group and everything that is queued behind it: later batches may build on the rows of the group.
fn fail(group: Vec<Entry>, queue: &Receiver<Entry>, error: &Error) {
    let behind: Vec<_> = queue.try_iter().collect();
    tracing::warn!(%error, batches = group.len() + behind.len(), "commits failed");
    for entry in group.into_iter().chain(behind) {
        let _ = entry.done.send(Err(error.clone()));
    }
}

fn first_unmet<'a>(
    connection: &Connection,
    preconditions: &'a [Precondition],
) -> rusqlite::Result<Option<&'a Precondition>> {
    let exists = |table: Table, key: &str| -> rusqlite::Result<bool> {
        connection.prepare_cached(&sql(table).exists)?.query_one((key,), |row| row.get(0))
    };
    for precondition in preconditions {
        let holds = match precondition {
            Precondition::Absent(table, key) => !exists(*table, key)?,
            Precondition::Present(table, key) => exists(*table, key)?,
        };
        if !holds {
            return Ok(Some(precondition));
        }
    }
    Ok(None)
}

fn change(connection: &Connection, ops: &[Op]) -> rusqlite::Result<()> {
    for op in ops {
        match op {
            Op::Put { table, key, value } => {
                connection.prepare_cached(&sql(*table).put)?.execute((key, value))?
            }
            Op::Delete { table, key } => connection.prepare_cached(&sql(*table).delete)?.execute((key,))?,
        };
    }
    Ok(())
}

fn size(batch: &Batch) -> usize {
    let of_op = |op: &Op| match op {
        Op::Put { key, value, .. } => key.len() + value.len(),
        Op::Delete { key, .. } => key.len(),
    };
    batch.ops.iter().map(of_op).sum()
}

#[cfg(test)]
impl Writer {
    /// The number of pages at which tests let the disk be full; 0 for no limit.
    pub(super) fn page_limit(&self) -> Arc<std::sync::atomic::AtomicU32> {
        self.page_limit.clone()
    }

    fn obey_page_limit(&self) {
        let limit = match self.page_limit.load(std::sync::atomic::Ordering::Acquire) {
            0 => u32::MAX - 1,
            limit => limit,
        };
        self.connection.pragma_update_and_check(None, "max_page_count", limit, |_| Ok(())).unwrap();
    }
}
