//! Rows in memory: for tests, simulations and nodes that need not survive their process.
//!
//! A [`MemoryDisk`] is what a crash leaves behind: drop the [`MemoryStore`], open another one on the same
//! disk, and it sees exactly the committed batches. A batch is applied while `commit` is called, and every
//! future is ready at once, so a simulation that uses this store is deterministic.

use std::{
    collections::BTreeMap,
    future::ready,
    ops::Bound,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use parking_lot::Mutex;

use super::{Batch, Op, Precondition, Range, Row, Store, StoreFuture, Table, closed};
use crate::error::Result;

type Tables = BTreeMap<Table, BTreeMap<String, String>>;

/// The rows that outlive a [`MemoryStore`]. Clones share them.
#[derive(Clone, Debug, Default)]
pub struct MemoryDisk(Arc<Mutex<Tables>>);

impl MemoryDisk {
    /// A disk without rows.
    pub fn new() -> Self {
        Self::default()
    }
}

/// A store over a [`MemoryDisk`].
#[derive(Debug, Default)]
pub struct MemoryStore {
    disk: MemoryDisk,
    closed: AtomicBool,
}

impl MemoryStore {
    /// A store over a disk of its own.
    pub fn new() -> Self {
        Self::default()
    }

    /// A store over the rows of `disk`.
    pub fn open(disk: &MemoryDisk) -> Self {
        Self { disk: disk.clone(), closed: AtomicBool::new(false) }
    }

    fn with_tables<T: Send + 'static>(&self, work: impl FnOnce(&mut Tables) -> Result<T>) -> StoreFuture<T> {
        let result =
            if self.closed.load(Ordering::Acquire) { Err(closed()) } else { work(&mut self.disk.0.lock()) };
        Box::pin(ready(result))
    }
}

impl Store for MemoryStore {
    fn read(&self, table: Table, key: &str) -> StoreFuture<Option<String>> {
        self.with_tables(|tables| Ok(tables.get(&table).and_then(|rows| rows.get(key)).cloned()))
    }

    fn scan(&self, table: Table, range: Range) -> StoreFuture<Vec<Row>> {
        self.with_tables(|tables| Ok(tables.get(&table).map(|rows| scan(rows, &range)).unwrap_or_default()))
    }

    fn commit(&self, batch: Batch) -> StoreFuture<()> {
        self.with_tables(|tables| apply(tables, batch))
    }

    fn close(&self) -> StoreFuture<()> {
        let before = self.closed.swap(true, Ordering::AcqRel);
        Box::pin(ready(if before { Err(closed()) } else { Ok(()) }))
    }
}

fn scan(rows: &BTreeMap<String, String>, range: &Range) -> Vec<Row> {
    let (start, end) = range.bounds();
    if end.as_ref().is_some_and(|end| *end <= start) {
        return Vec::new();
    }
    let end = end.map_or(Bound::Unbounded, Bound::Excluded);
    rows.range((Bound::Included(start), end))
        .take(range.limit.unwrap_or(usize::MAX))
        .map(|(key, value)| Row { key: key.clone(), value: value.clone() })
        .collect()
}

fn apply(tables: &mut Tables, batch: Batch) -> Result<()> {
    let has = |table: &Table, key: &String| tables.get(table).is_some_and(|rows| rows.contains_key(key));
    for precondition in &batch.preconditions {
        let holds = match precondition {
            Precondition::Absent(table, key) => !has(table, key),
            Precondition::Present(table, key) => has(table, key),
        };
        if !holds {
            return Err(precondition.unmet());
        }
    }
    for op in batch.ops {
        match op {
            Op::Put { table, key, value } => {
                tables.entry(table).or_default().insert(key, value);
            }
            Op::Delete { table, key } => {
                tables.entry(table).or_default().remove(&key);
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;
    use crate::store::suite::store_suite;

    store_suite!(memory, {
        let disk = MemoryDisk::new();
        move || MemoryStore::open(&disk)
    });

    #[test]
    fn futures_are_ready_at_once() {
        let store = MemoryStore::new();
        let mut batch = Batch::new();
        batch.put(Table::Meta, "key", &1).unwrap();
        assert!(store.commit(batch).now_or_never().unwrap().is_ok());
        assert_eq!(store.read(Table::Meta, "key").now_or_never().unwrap().unwrap().as_deref(), Some("1"));
        assert_eq!(store.scan(Table::Meta, Range::all()).now_or_never().unwrap().unwrap().len(), 1);
        assert!(store.close().now_or_never().unwrap().is_ok());
    }
}
