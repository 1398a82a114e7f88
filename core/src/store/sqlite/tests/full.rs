//! A full disk fails commits, loses nothing that was acknowledged, and is got over.

use std::sync::atomic::Ordering;

use futures_util::future::join_all;
use rusqlite::Connection;

use super::open;
use crate::{
    error::Code,
    store::{
        Batch, Durability, Range, SqliteStore, Store as _, Table,
        suite::{keys, puts, wait},
    },
};

#[test]
fn a_full_disk_keeps_what_was_acknowledged_and_is_got_over() {
    for durability in [Durability::Memory, Durability::Grouped, Durability::Each] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("node.db");
        let store = SqliteStore::open(&path, durability).unwrap();
        let big = format!("\"{}\"", "x".repeat(20_000));
        let commit = |number: u32| wait(store.commit(puts(Table::Inbox, &[(&format!("{number:04}"), &big)])));
        store.page_limit.store(100, Ordering::Release);

        let full = (0..1000).find(|number| match commit(*number) {
            Ok(()) => false,
            Err(error) => {
                assert_eq!(error.code(), Code::StoreFull);
                assert!(error.is_retryable());
                true
            }
        });
        let full = full.expect("100 pages hold less than 1000 such rows");
        assert!(full > 5, "{full}");
        // It goes on being full, reads go on, and what makes no page more is still welcome.
        assert_eq!(commit(5000).unwrap_err().code(), Code::StoreFull);
        assert_eq!(keys(&store, Table::Inbox, Range::all()).len(), full as usize);
        let mut removal = Batch::new();
        removal.delete(Table::Inbox, "0000");
        wait(store.commit(removal)).unwrap();
        commit(6000).unwrap();

        store.page_limit.store(0, Ordering::Release);
        commit(full).unwrap();
        let mut wanted: Vec<_> = (1..=full).map(|number| format!("{number:04}")).collect();
        wanted.push("6000".into());
        assert_eq!(keys(&store, Table::Inbox, Range::all()), wanted);
        wait(store.close()).unwrap();
        let store = SqliteStore::open(&path, durability).unwrap();
        assert_eq!(keys(&store, Table::Inbox, Range::all()), wanted);
    }
}

#[test]
fn a_failing_group_takes_along_everything_queued_behind_it() {
    let folder = tempfile::tempdir().unwrap();
    for durability in [Durability::Grouped, Durability::Each] {
        let path = folder.path().join(format!("{durability:?}.db"));
        let store = SqliteStore::open(&path, durability).unwrap();
        wait(store.commit(puts(Table::Meta, &[("before", "1")]))).unwrap();
        store.page_limit.store(1, Ordering::Release);
        // While another program holds the write lock the queue fills.
        let other = Connection::open(&path).unwrap();
        other.execute_batch("BEGIN IMMEDIATE").unwrap();
        let big = format!("\"{}\"", "x".repeat(200_000));
        let mut commits = vec![store.commit(puts(Table::Meta, &[("too big", &big)]))];
        let mut unmet = puts(Table::Meta, &[("unmet", "1")]);
        // Would fail by itself, but the row that it meets may be one that the failing group takes back.
        unmet.require_absent(Table::Meta, "before");
        commits.push(store.commit(unmet));
        commits.extend((0..20).map(|n| store.commit(puts(Table::Meta, &[(&format!("small {n}"), "1")]))));
        other.execute_batch("ROLLBACK").unwrap();

        for result in wait(join_all(commits)) {
            assert_eq!(result.unwrap_err().code(), Code::StoreFull);
        }
        assert_eq!(keys(&store, Table::Meta, Range::all()), ["before"]);
        wait(store.commit(puts(Table::Meta, &[("after", "1")]))).unwrap();
        assert_eq!(keys(&store, Table::Meta, Range::all()), ["after", "before"]);
    }
}

#[test]
fn other_failures_of_the_file_are_reported_and_got_over() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let other = Connection::open(folder.path().join("node.db")).unwrap();
    other.execute_batch("ALTER TABLE meta RENAME TO hidden").unwrap();
    let error = wait(store.commit(puts(Table::Meta, &[("a", "1")]))).unwrap_err();
    assert_eq!(error.code(), Code::StoreUnavailable);
    assert_eq!(wait(store.read(Table::Meta, "a")).unwrap_err().code(), Code::StoreUnavailable);
    other.execute_batch("ALTER TABLE hidden RENAME TO meta").unwrap();
    wait(store.commit(puts(Table::Meta, &[("a", "1")]))).unwrap();
    other.execute_batch("UPDATE meta SET value = x'00ff'").unwrap();
    assert_eq!(wait(store.read(Table::Meta, "a")).unwrap_err().code(), Code::StoreCorrupt);
    assert_eq!(wait(store.scan(Table::Meta, Range::all())).unwrap_err().code(), Code::StoreCorrupt);
}

#[test]
fn a_transaction_that_fails_at_its_very_end_is_reported_and_undone() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let other = Connection::open(folder.path().join("node.db")).unwrap();
    // A reference that is checked only when the transaction commits, and does not hold then.
    other
        .execute_batch(
            "CREATE TABLE parent (id INTEGER PRIMARY KEY);
             CREATE TABLE child (id REFERENCES parent DEFERRABLE INITIALLY DEFERRED);
             CREATE TRIGGER late AFTER INSERT ON meta BEGIN INSERT INTO child VALUES (1); END;",
        )
        .unwrap();
    let error = wait(store.commit(puts(Table::Meta, &[("a", "1")]))).unwrap_err();
    assert_eq!(error.code(), Code::StoreUnavailable);
    assert_eq!(keys(&store, Table::Meta, Range::all()), [""; 0]);
    other.execute_batch("DROP TRIGGER late").unwrap();
    wait(store.commit(puts(Table::Meta, &[("b", "1")]))).unwrap();
    assert_eq!(keys(&store, Table::Meta, Range::all()), ["b"]);
}
