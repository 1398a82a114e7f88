//! The default store: one SQLite file that any SQLite tool can open.
//!
//! # The file
//!
//! `node.db` is a SQLite 3 database in UTF-8. Its `application_id` is `0x646d6167` ("dmag"), its
//! `user_version` is the version of its form, and each [`Table`] is a table of the same shape:
//!
//! ```sql
//! CREATE TABLE inbox (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
//! ```
//!
//! Keys sort by their bytes; values are JSON texts, described by the types of the system that owns the
//! table. While a node runs, and after a crash, the newest rows are in `node.db-wal` (`node.db-shm` is its
//! index): copy the files together, or with `VACUUM INTO`. A clean close folds everything into `node.db` and
//! removes the other two. Looking inside a running node's file is harmless; writing to it is not supported.
//!
//! New files have mode 0600 and new folders 0700; on Windows they inherit the access list of their folder.
//!
//! # Opening
//!
//! [`SqliteStore::open`] first looks without touching: it refuses files that are not ours, damaged (it runs
//! `PRAGMA quick_check`, one or two seconds per gigabyte) or newer, and leaves them as they are. Then it
//! upgrades older versions, each step in a transaction.
//!
//! # Running
//!
//! One thread writes and one reads; both belong to the store and end with it. The log is write-ahead
//! (WAL), so they do not wait for each other. What a commit promises is [`Durability`]:
//!
//! | durability | `synchronous` | batches of a transaction |
//! |---|---|---|
//! | `Memory` | `OFF` | all that are queued |
//! | `Grouped` | `FULL` | all that are queued |
//! | `Each` | `FULL` | one |

mod errors;
mod inspect;
mod reader;
mod schema;
#[cfg(test)]
mod tests;
mod writer;

use std::{
    path::Path,
    sync::{Arc, mpsc},
    thread,
    time::Duration,
};

use parking_lot::Mutex;
use rusqlite::{Connection, OpenFlags};
use tokio::sync::oneshot;

use self::{
    reader::Question,
    writer::{Entry, Writer},
};
use super::{Batch, Durability, Owner, Range, Row, Store, StoreFuture, Table, closed, private};
use crate::error::{Code, Error, Result};

/// How long a lock that another process holds on the file is waited for.
const BUSY: Duration = Duration::from_secs(5);
/// How many pages the log takes before it is folded into the file. SQLite's own default is a quarter of that:
/// folding costs two syncs, and a page that changed often in between is written once.
const LOG_PAGES: u32 = 4000;
/// How much of the file the writer may keep in memory, in KiB. It takes only what it touches. More does not make it
/// faster: SQLite looks at each kept page after a transaction that moved some.
const CACHE_KIB: i32 = 2 * 1024;
/// What a log that once grew large shrinks to, in bytes.
const LOG_LIMIT: i64 = 64 * 1024 * 1024;

/// A store in one SQLite file.
///
/// Dropping it without [`Store::close`] returns at once; what is queued is still committed if the process
/// lives long enough.
pub struct SqliteStore {
    path: Arc<Path>,
    running: Mutex<Option<Running>>,
    #[cfg(test)]
    page_limit: Arc<std::sync::atomic::AtomicU32>,
}

/// The ways to the two threads. Dropping the queues ends the threads.
struct Running {
    commits: mpsc::Sender<Entry>,
    questions: mpsc::Sender<Question>,
    ended: oneshot::Receiver<()>,
}

impl SqliteStore {
    /// Opens the database at `path`; creates it, and its folder, when missing. Blocks while it checks.
    ///
    /// # Errors
    ///
    /// [`Code::StoreCorrupt`] when the file is damaged or not ours, [`Code::StoreNewer`] when a newer version
    /// wrote it; both leave it as it is. [`Code::StoreFull`], [`Code::StoreUnavailable`].
    pub fn open(path: impl AsRef<Path>, durability: Durability) -> Result<Self> {
        Self::open_as(path, durability, None)
    }

    /// [`SqliteStore::open`] on behalf of the owner of the folder. The folder stays owned until the file is
    /// closed, so that nobody opens it while what is queued is still being written.
    ///
    /// # Errors
    ///
    /// As [`SqliteStore::open`].
    pub fn open_as(
        path: impl AsRef<Path>,
        durability: Durability,
        owner: Option<Arc<Owner>>,
    ) -> Result<Self> {
        let path: Arc<Path> =
            std::path::absolute(&path).map_err(|cause| errors::unusable(path.as_ref(), cause))?.into();
        inspect::inspect(&path)?;
        create(&path).map_err(|cause| errors::unusable(&path, cause))?;
        let explain = |cause| errors::explain(cause, &path);
        let writing = connect_writer(&path, durability).map_err(explain)?;
        let reading = connect_reader(&path).map_err(explain)?;
        let lock = owner.as_ref().and_then(|owner| owner.place());
        let writer = Writer::new(path.clone(), writing, durability, lock);
        #[cfg(test)]
        let page_limit = writer.page_limit();
        let running = start(writer, reading, owner).map_err(|cause| errors::unusable(&path, cause))?;
        Ok(Self {
            path,
            running: Mutex::new(Some(running)),
            #[cfg(test)]
            page_limit,
        })
    }

    fn ask<T: Send + 'static>(
        &self,
        look_up: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> StoreFuture<T> {
        let (answer, answered) = oneshot::channel();
        let path = self.path.clone();
        let question: Question = Box::new(move |connection| {
            // An asker that is gone need not be answered.
            if !answer.is_closed() {
                let _ = answer.send(look_up(connection).map_err(|cause| errors::explain(cause, &path)));
            }
        });
        self.enter(|running| running.questions.send(question).is_ok(), answered)
    }

    /// Hands something to a thread now, and waits for the answer later.
    fn enter<T: Send + 'static>(
        &self,
        send: impl FnOnce(&Running) -> bool,
        answered: oneshot::Receiver<Result<T>>,
    ) -> StoreFuture<T> {
        let entered = self.running.lock().as_ref().is_some_and(send);
        Box::pin(async move {
            if !entered {
                return Err(closed());
            }
            // A thread drops an answer only when it ended before its time.
            answered.await.unwrap_or_else(|_| {
                Err(Error::new(Code::Internal, "a thread of the store ended early; please report it"))
            })
        })
    }
}

impl Store for SqliteStore {
    fn read(&self, table: Table, key: &str) -> StoreFuture<Option<String>> {
        let key = key.to_owned();
        self.ask(move |connection| reader::read(connection, table, &key))
    }

    fn scan(&self, table: Table, range: Range) -> StoreFuture<Vec<Row>> {
        self.ask(move |connection| reader::scan(connection, table, &range))
    }

    fn commit(&self, batch: Batch) -> StoreFuture<()> {
        let (done, answered) = oneshot::channel();
        self.enter(|running| running.commits.send(Entry { batch, done }).is_ok(), answered)
    }

    fn close(&self) -> StoreFuture<()> {
        // Both queues close here and now; the threads finish what is in them.
        let ended = self.running.lock().take().map(|running| running.ended);
        Box::pin(async move {
            // An error is as good: the thread is gone.
            let _ = ended.ok_or_else(closed)?.await;
            Ok(())
        })
    }
}

/// Creates the file before SQLite does, which would give it the mode of any other file. SQLite gives its
/// companions the mode of the file.
fn create(path: &Path) -> std::io::Result<()> {
    if let Some(folder) = path.parent() {
        private::create_folder(folder)?;
    }
    if !path.exists() {
        private::file().open(path)?;
    }
    Ok(())
}

fn connect_writer(path: &Path, durability: Durability) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(BUSY)?;
    // Elsewhere than on macOS a sync reaches the disk anyway.
    connection.pragma_update(None, "fullfsync", true)?;
    // A new file gets its tables and its application id in one transaction while it still has a rollback
    // journal; so there is never a file on disk that is half ours.
    schema::upgrade(&mut connection, schema::MIGRATIONS)?;
    let mode: String = connection.pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get(0))?;
    if mode != "wal" {
        let cause = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_CANTOPEN);
        let text = "this file system cannot share memory between processes, as a write-ahead log needs";
        return Err(rusqlite::Error::SqliteFailure(cause, Some(text.to_owned())));
    }
    let synchronous = if durability == Durability::Memory { "OFF" } else { "FULL" };
    connection.pragma_update(None, "synchronous", synchronous)?;
    // What is deleted is overwritten: a key that is destroyed must not be found in the free parts of the file.
    connection.pragma_update_and_check(None, "secure_delete", true, |_| Ok(()))?;
    // Negative: in KiB, not in pages.
    connection.pragma_update(None, "cache_size", -CACHE_KIB)?;
    connection.pragma_update_and_check(None, "wal_autocheckpoint", LOG_PAGES, |_| Ok(()))?;
    connection.pragma_update_and_check(None, "journal_size_limit", LOG_LIMIT, |_| Ok(()))?;
    Ok(connection)
}

fn connect_reader(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(BUSY)?;
    Ok(connection)
}

fn start(writer: Writer, reading: Connection, owner: Option<Arc<Owner>>) -> std::io::Result<Running> {
    let (commits, commit_queue) = mpsc::channel();
    let (questions, question_queue) = mpsc::channel();
    let (end, ended) = oneshot::channel();
    let reader = thread::Builder::new()
        .name("dmagent-read".into())
        .spawn(move || reader::run(&reading, &question_queue))?;
    thread::Builder::new().name("dmagent-write".into()).spawn(move || {
        let connection = writer.run(&commit_queue);
        // The connection that closes last folds the log into the file; only this one may write.
        let _ = reader.join();
        drop(connection);
        drop(owner);
        let _ = end.send(());
    })?;
    Ok(Running { commits, questions, ended })
}
