//! The files: their form, their upgrades, their names and modes.

use std::fs;

use rusqlite::Connection;

use super::{super::schema, open};
use crate::store::{
    Batch, Durability, Range, SqliteStore, Store as _, Table,
    suite::{keys, puts, wait},
};

#[test]
fn a_closed_store_is_one_file_in_the_documented_form() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let mut batch = Batch::new();
    batch.put(Table::Meta, "display_name", &"Ada").unwrap();
    wait(store.commit(batch)).unwrap();
    wait(store.close()).unwrap();
    let names: Vec<_> =
        fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names, ["node.db"]);

    let tool = Connection::open(folder.path().join("node.db")).unwrap();
    let row: (String, String) =
        tool.query_one("SELECT * FROM meta", (), |r| Ok((r.get(0)?, r.get(1)?))).unwrap();
    assert_eq!(row, ("display_name".into(), "\"Ada\"".into()));
    let form: String =
        tool.query_one("SELECT sql FROM sqlite_schema WHERE name = 'inbox'", (), |r| r.get(0)).unwrap();
    assert_eq!(form, "CREATE TABLE inbox (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID");
    let number = |pragma| tool.pragma_query_value(None, pragma, |r| r.get::<_, u32>(0)).unwrap();
    assert_eq!(
        (number("application_id"), number("user_version") as usize),
        (0x646d_6167, schema::MIGRATIONS.len())
    );
}

#[test]
fn what_was_deleted_is_not_in_the_closed_file() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    // Rows that fill pages, so that some are given up as a whole, and one that stays.
    let secret = |number: usize| format!("\"{number:04}{}\"", "5ec4e7".repeat(20));
    let texts: Vec<_> = (0..200).map(|number| (number.to_string(), secret(number))).collect();
    let rows: Vec<_> = texts.iter().map(|(key, value)| (&key[..], &value[..])).collect();
    wait(store.commit(puts(Table::PreKeys, &rows))).unwrap();
    let mut deletion = Batch::new();
    texts.iter().for_each(|(key, _)| {
        deletion.delete(Table::PreKeys, key.clone());
    });
    wait(store.commit(puts(Table::PreKeys, &[("last", "\"kept\"")]))).unwrap();
    wait(store.commit(deletion)).unwrap();
    wait(store.close()).unwrap();
    let file = fs::read(folder.path().join("node.db")).unwrap();
    let holds = |text: &[u8]| file.windows(text.len()).any(|window| window == text);
    assert!(holds(b"kept") && !holds(b"5ec4e7"));
}

#[test]
fn close_answers_what_was_asked_and_still_leaves_one_file() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let value = format!("\"{}\"", "x".repeat(1000));
    let names: Vec<_> = (0..2000).map(|number| number.to_string()).collect();
    let rows: Vec<_> = names.iter().map(|name| (name.as_str(), value.as_str())).collect();
    wait(store.commit(puts(Table::Log, &rows))).unwrap();
    // The reader is busy for longer than the writer.
    let scans: Vec<_> = (0..20).map(|_| store.scan(Table::Log, Range::all())).collect();
    wait(store.close()).unwrap();
    for scan in scans {
        assert_eq!(wait(scan).unwrap().len(), 2000);
    }
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn a_file_of_version_0_is_upgraded_and_keeps_its_rows() {
    let folder = tempfile::tempdir().unwrap();
    let old = Connection::open(folder.path().join("node.db")).unwrap();
    old.execute_batch(
        "PRAGMA application_id = 0x646d6167;
         CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
         INSERT INTO meta VALUES ('created_at', '1700000000000000');",
    )
    .unwrap();
    drop(old);
    let store = open(folder.path());
    assert_eq!(wait(store.read(Table::Meta, "created_at")).unwrap().as_deref(), Some("1700000000000000"));
    wait(store.commit(puts(Table::Log, &[("0", "{}")]))).unwrap();
}

#[test]
fn a_file_of_version_1_keeps_its_rows_on_the_way_to_a_later_version() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("node.db");
    // Written by hand, not by the code under test: this is what version 1 looks like for ever.
    let mut old = Connection::open(&path).unwrap();
    for table in
        "meta peers pending_requests outstanding_requests impressions inbox outbox seen conversation_log"
            .split(' ')
    {
        let form = format!("CREATE TABLE {table} (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID");
        old.execute_batch(&form).unwrap();
    }
    old.execute_batch(
        "PRAGMA application_id = 0x646d6167; PRAGMA user_version = 1;
         INSERT INTO inbox VALUES ('0', '{\"text\":\"hi\"}'), ('1', '{\"text\":\"ho\"}');",
    )
    .unwrap();
    let store = open(folder.path());
    assert_eq!(keys(&store, Table::Inbox, Range::all()), ["0", "1"]);
    wait(store.close()).unwrap();

    let later = "CREATE TABLE wallet (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
         UPDATE inbox SET value = json_set(value, '$.kind', 'chat');";
    let later = [schema::MIGRATIONS, &[later]].concat();
    schema::upgrade(&mut old, &later).unwrap();
    schema::upgrade(&mut old, &later).unwrap();
    let version: u32 = old.pragma_query_value(None, "user_version", |row| row.get(0)).unwrap();
    let value: String =
        old.query_one("SELECT value FROM inbox WHERE key = '1'", (), |row| row.get(0)).unwrap();
    assert_eq!((version as usize, value.as_str()), (later.len(), r#"{"text":"ho","kind":"chat"}"#));
    assert_eq!(old.query_one("SELECT count(*) FROM wallet", (), |row| row.get::<_, u32>(0)).unwrap(), 0);
}

#[test]
fn missing_folders_and_odd_names_are_fine() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["a/b/node.db", "50% off?.db", "#1 &=é🦀.db", "file:x?mode=memory", ":memory:"] {
        let path = folder.path().join(name);
        for round in 0..2 {
            let store = SqliteStore::open(&path, Durability::Grouped).unwrap();
            assert_eq!(keys(&store, Table::Meta, Range::all()).len(), round, "{name}");
            wait(store.commit(puts(Table::Meta, &[(&round.to_string(), "1")]))).unwrap();
            wait(store.close()).unwrap();
        }
        assert!(path.metadata().unwrap().len() > 0, "{name}");
    }
}

#[test]
fn an_empty_file_becomes_a_database() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("node.db"), b"").unwrap();
    wait(open(folder.path()).commit(puts(Table::Meta, &[("a", "1")]))).unwrap();
}

#[test]
fn a_person_may_look_inside_meanwhile_and_across_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    wait(store.commit(puts(Table::Meta, &[("a", "1")]))).unwrap();
    let tool = Connection::open(folder.path().join("node.db")).unwrap();
    let rows = || tool.query_one("SELECT count(*) FROM meta", (), |row| row.get::<_, u32>(0)).unwrap();
    assert_eq!(rows(), 1);
    wait(store.close()).unwrap();
    let store = open(folder.path());
    wait(store.commit(puts(Table::Meta, &[("b", "1")]))).unwrap();
    assert_eq!(rows(), 2);
}

#[cfg(unix)]
#[test]
fn its_files_belong_to_the_user_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    let inner = folder.path().join("data");
    let store = open(&inner);
    wait(store.commit(puts(Table::Meta, &[("a", "1")]))).unwrap();
    let mode = |path: &std::path::Path| path.metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&inner), 0o700);
    let names = ["node.db", "node.db-wal", "node.db-shm"];
    assert_eq!(names.map(|name| mode(&inner.join(name))), [0o600; 3]);
}
