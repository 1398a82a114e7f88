//! The form of the database, its version, and the way from any older version to this one.
//!
//! A released migration never changes. To change the form, append a text to [`MIGRATIONS`]: it runs in one
//! transaction together with the step of `user_version`, so a crash leaves the old version or the new one.

use std::sync::LazyLock;

use rusqlite::{Connection, TransactionBehavior};

use crate::store::Table;

/// Marks a SQLite file as ours: `dmag`.
pub(super) const APPLICATION_ID: i32 = i32::from_be_bytes(*b"dmag");

/// The migration at index n leads from version n to version n + 1.
pub(super) const MIGRATIONS: &[&str] = &[
    // Version 1: the first form. `IF NOT EXISTS` because a file of version 0 may hold some of them.
    "CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
     CREATE TABLE IF NOT EXISTS peers (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
     CREATE TABLE IF NOT EXISTS pending_requests (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
     CREATE TABLE IF NOT EXISTS outstanding_requests (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
     CREATE TABLE IF NOT EXISTS impressions (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
     CREATE TABLE IF NOT EXISTS inbox (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
     CREATE TABLE IF NOT EXISTS outbox (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
     CREATE TABLE IF NOT EXISTS seen (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
     CREATE TABLE IF NOT EXISTS conversation_log (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;",
    // Version 2: receipts, and the block list.
    "CREATE TABLE sent (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
     CREATE TABLE given_receipts (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
     CREATE TABLE blocked (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;",
    // Version 3: idempotency keys.
    "CREATE TABLE idempotency_keys (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;",
    // Version 4: mail for those who are away, and the keys it is sealed to.
    "CREATE TABLE pre_keys (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
     CREATE TABLE bundles (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
     CREATE TABLE mailbox (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;",
];

/// Brings the database from its version to the newest of `migrations`.
pub(super) fn upgrade(connection: &mut Connection, migrations: &[&str]) -> rusqlite::Result<()> {
    let version: u32 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    for (target, migration) in (1..).zip(migrations).filter(|(target, _)| *target > version) {
        let step = connection.transaction_with_behavior(TransactionBehavior::Exclusive)?;
        step.execute_batch(migration)?;
        step.pragma_update(None, "application_id", APPLICATION_ID)?;
        step.pragma_update(None, "user_version", target)?;
        step.commit()?;
    }
    Ok(())
}

/// The first table that the database lacks or has in another form.
pub(super) fn misfit(connection: &Connection) -> Option<Table> {
    Table::ALL.iter().copied().find(|table| {
        let sql = sql(*table);
        [&sql.put, &sql.delete, &sql.exists, &sql.read, &sql.scan]
            .iter()
            .any(|text| connection.prepare(text).is_err())
    })
}

/// The statements of one table. Their texts are the keys of the statement cache.
pub(super) struct Sql {
    pub(super) put: String,
    pub(super) delete: String,
    pub(super) exists: String,
    pub(super) read: String,
    pub(super) scan: String,
}

/// How many statements a connection keeps prepared: all it can ever use.
pub(super) const STATEMENTS: usize = 5 * Table::ALL.len();

/// The statements of `table`.
pub(super) fn sql(table: Table) -> &'static Sql {
    static ALL: LazyLock<Vec<Sql>> = LazyLock::new(|| {
        let texts = |table: &Table| {
            let name = table.name();
            Sql {
                put: format!("INSERT OR REPLACE INTO {name} (key, value) VALUES (?1, ?2)"),
                delete: format!("DELETE FROM {name} WHERE key = ?1"),
                exists: format!("SELECT EXISTS (SELECT 1 FROM {name} WHERE key = ?1)"),
                read: format!("SELECT value FROM {name} WHERE key = ?1"),
                scan: format!(
                    "SELECT key, value FROM {name} WHERE key >= ?1 AND key < ?2 ORDER BY key LIMIT ?3"
                ),
            }
        };
        Table::ALL.iter().map(texts).collect()
    });
    // `Table::ALL` lists the variants in the order of their declaration.
    &ALL[table as usize]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_migrations_create_every_table() {
        let mut connection = Connection::open_in_memory().unwrap();
        assert_eq!(misfit(&connection), Some(Table::Meta));
        upgrade(&mut connection, MIGRATIONS).unwrap();
        assert_eq!(misfit(&connection), None);
    }

    #[test]
    fn every_table_has_its_own_statements() {
        for table in Table::ALL {
            assert!(sql(*table).put.contains(&format!(" {} ", table.name())));
        }
    }

    #[test]
    fn a_migration_that_fails_changes_nothing() {
        let mut connection = Connection::open_in_memory().unwrap();
        upgrade(&mut connection, MIGRATIONS).unwrap();
        connection.execute("INSERT INTO meta VALUES ('a', '1')", ()).unwrap();
        let broken = ["UPDATE meta SET value = '2'; INSERT INTO nowhere VALUES (1);"];
        let broken = [MIGRATIONS, &broken].concat();
        assert!(upgrade(&mut connection, &broken).is_err());
        let value: String = connection.query_one("SELECT value FROM meta", (), |row| row.get(0)).unwrap();
        let version: u32 = connection.pragma_query_value(None, "user_version", |row| row.get(0)).unwrap();
        assert_eq!((value.as_str(), version as usize), ("1", MIGRATIONS.len()));
    }

    #[test]
    fn a_scan_seeks_in_the_key_instead_of_reading_the_table() {
        let mut connection = Connection::open_in_memory().unwrap();
        upgrade(&mut connection, MIGRATIONS).unwrap();
        let question = format!("EXPLAIN QUERY PLAN {}", sql(Table::Inbox).scan);
        let plan: String = connection
            .query_one(&question, ("a", rusqlite::types::Null, 1), |row| row.get("detail"))
            .unwrap();
        assert_eq!(plan, "SEARCH inbox USING PRIMARY KEY (key>? AND key<?)");
    }
}
