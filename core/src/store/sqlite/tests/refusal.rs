//! Files that are refused stay exactly as they are.

use std::{collections::BTreeMap, fs, path::Path};

use rusqlite::{Connection, config::DbConfig};

use super::{super::schema, open};
use crate::{
    error::Code,
    store::{
        Durability, SqliteStore, Store as _, Table,
        suite::{puts, wait},
    },
};

/// Every file of a folder, by name. The index of a log counts by its existence only: SQLite may rebuild
/// what is in it at any time.
fn photograph(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap());
    let file = |entry: fs::DirEntry| {
        let name = entry.file_name().into_string().unwrap();
        let bytes = if name.ends_with("-shm") { Vec::new() } else { fs::read(entry.path()).unwrap() };
        (name, bytes)
    };
    entries.map(file).collect()
}

fn refused(folder: &Path) -> Code {
    let before = photograph(folder);
    let error = SqliteStore::open(folder.join("node.db"), Durability::Grouped)
        .err()
        .unwrap_or_else(|| panic!("{} was opened", folder.display()));
    assert!(photograph(folder) == before, "{error:?}: {:?}", photograph(folder).keys());
    error.code()
}

/// A folder with a database of a few hundred rows that was closed.
fn healthy() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    for number in 0..300 {
        let value = format!("\"{}\"", "x".repeat(100));
        wait(store.commit(puts(Table::Inbox, &[(&format!("{number:03}"), &value)]))).unwrap();
    }
    wait(store.close()).unwrap();
    folder
}

/// A folder with a database after `sql` ran on it.
fn altered(sql: &str) -> tempfile::TempDir {
    let folder = healthy();
    Connection::open(folder.path().join("node.db")).unwrap().execute_batch(sql).unwrap();
    folder
}

#[test]
fn a_newer_version() {
    let folder = altered(&format!("PRAGMA user_version = {}", schema::MIGRATIONS.len() + 1));
    assert_eq!(refused(folder.path()), Code::StoreNewer);
}

#[test]
fn something_that_is_no_database() {
    for bytes in [&b"hello"[..], &[0; 4096], b"SQLite format 3\0", &[0xff; 100_000]] {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("node.db"), bytes).unwrap();
        assert_eq!(refused(folder.path()), Code::StoreCorrupt);
    }
}

#[test]
fn a_database_of_another_application() {
    for sql in ["PRAGMA application_id = 7", "PRAGMA application_id = 0", "PRAGMA user_version = -1"] {
        assert_eq!(refused(altered(sql).path()), Code::StoreCorrupt, "{sql}");
    }
    let folder = tempfile::tempdir().unwrap();
    Connection::open(folder.path().join("node.db"))
        .unwrap()
        .execute_batch("CREATE TABLE notes (text)")
        .unwrap();
    assert_eq!(refused(folder.path()), Code::StoreCorrupt);
}

#[test]
fn a_database_without_one_of_its_tables() {
    for sql in ["DROP TABLE seen", "ALTER TABLE seen RENAME COLUMN value TO content"] {
        assert_eq!(refused(altered(sql).path()), Code::StoreCorrupt, "{sql}");
    }
}

#[test]
fn a_damaged_database() {
    // One page of the rows overwritten; the end cut off.
    let folder = healthy();
    let path = folder.path().join("node.db");
    let whole = fs::read(&path).unwrap();
    let mut scratched = whole.clone();
    let page = whole.windows(9).position(|bytes| bytes == b"150\"xxxxx").unwrap() / 4096;
    scratched[page * 4096..(page + 1) * 4096].fill(0xa5);
    for bytes in [scratched, whole[..whole.len() - 4096].to_vec(), whole[..5000].to_vec()] {
        fs::write(&path, bytes).unwrap();
        assert_eq!(refused(folder.path()), Code::StoreCorrupt);
    }
    fs::write(&path, whole).unwrap();
    open(folder.path());
}

#[test]
fn a_newer_version_that_only_its_log_knows_about() {
    let folder = healthy();
    let writer = Connection::open(folder.path().join("node.db")).unwrap();
    writer.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true).unwrap();
    writer.execute_batch("PRAGMA user_version = 99").unwrap();
    // A copy as a crash, or a person, may leave it: without and with the index of the log.
    for suffixes in [&["", "-wal"][..], &["", "-wal", "-shm"]] {
        let copy = tempfile::tempdir().unwrap();
        for suffix in suffixes {
            let name = format!("node.db{suffix}");
            fs::copy(folder.path().join(&name), copy.path().join(&name)).unwrap();
        }
        assert_eq!(refused(copy.path()), Code::StoreNewer, "{suffixes:?}");
    }
    // And while another process has it open.
    assert_eq!(refused(folder.path()), Code::StoreNewer);
}

#[test]
fn a_folder_in_place_of_the_file() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("node.db")).unwrap();
    let error = SqliteStore::open(folder.path().join("node.db"), Durability::Grouped).err().unwrap();
    assert_eq!(error.code(), Code::StoreUnavailable);
}
