//! The reader: one thread with a read-only connection.
//!
//! Each question is one statement, so it sees every batch that was acknowledged before it was asked, and
//! never half of one. The writer does not wait for it, nor it for the writer.

use std::sync::mpsc::Receiver;

use rusqlite::{Connection, OptionalExtension as _, types::Value};

use super::schema::{self, sql};
use crate::store::{Range, Row, Table};

/// Something to look up, which answers its asker itself.
pub(super) type Question = Box<dyn FnOnce(&Connection) + Send>;

/// Answers until the queue is closed and empty.
pub(super) fn run(connection: &Connection, queue: &Receiver<Question>) {
    connection.set_prepared_statement_cache_capacity(schema::STATEMENTS);
    while let Ok(question) = queue.recv() {
        question(connection);
    }
}

pub(super) fn read(connection: &Connection, table: Table, key: &str) -> rusqlite::Result<Option<String>> {
    connection.prepare_cached(&sql(table).read)?.query_one((key,), |row| row.get(0)).optional()
}

pub(super) fn scan(connection: &Connection, table: Table, range: &Range) -> rusqlite::Result<Vec<Row>> {
    let (start, end) = range.bounds();
    // Every blob sorts behind every text, so a blob stands for "no end".
    let end = end.map_or_else(|| Value::Blob(Vec::new()), Value::Text);
    // A negative limit is none.
    let limit = range.limit.map_or(-1, |limit| i64::try_from(limit).unwrap_or(i64::MAX));
    connection
        .prepare_cached(&sql(table).scan)?
        .query_map((start, end, limit), |row| Ok(Row { key: row.get(0)?, value: row.get(1)? }))?
        .collect()
}
