//! The store: small textual rows in named tables, committed in batches.
//!
//! The port has three operations: read one row, scan a range, commit a batch with preconditions. Any
//! backend that can do these can hold a node; [`memory`] and [`sqlite`] do, and pass one shared suite
//! (`store::suite`). Keys are text that sorts by its bytes, as the rows should be read ([`sequence`] makes
//! such keys of numbers); values are JSON text, so that a person can look inside with any SQLite tool.
//!
//! | module | holds |
//! |---|---|
//! | [`memory`] | rows of this process, and what a simulated crash leaves of them |
//! | [`sqlite`] | the default: one file; its format, versions and group commits |
//! | [`owner`] | the lock that gives a data folder to one process |
//! | [`sequence`] | numbers as keys |
//! | [`fault`] | failures and crashes on demand, for simulations |
//!
//! # Order and durability
//!
//! [`Store::commit`] enters its batch into the queue *when it is called*, not when the future is first
//! polled: callers that build rows under a lock and call `commit` before releasing it get their batches
//! applied in that order. The future resolves once the batch is as durable as [`Durability`] promises.
//! Batches are atomic; a batch whose precondition fails changes nothing and fails alone. An empty batch
//! resolves when everything that was called before it has been dealt with.
//!
//! Dropping the future of a commit does not take the batch back. Reads see every batch whose commit has
//! resolved; whether they see one that is still queued differs between backends.
//!
//! # When the disk fails
//!
//! Batches that arrive together are committed as a group. When a group fails (the disk is full, an I/O
//! error), every batch of the group *and every batch that is queued behind it at that moment* fails with
//! the same error, because later batches may build on the rows of earlier ones. Nothing of them is
//! applied. The store stays open: the next commit tries afresh and succeeds as soon as the disk allows it.
//! One thing no database can promise: when a *sync* fails and then the machine or process dies before
//! the next successful commit, a batch that was reported as failed may be there afterwards.

pub mod fault;
pub mod memory;
pub mod owner;
pub mod sequence;
pub mod sqlite;

mod bounds;
mod place;
mod private;
#[cfg(test)]
mod second_process;
#[cfg(test)]
mod suite;

use std::{future::Future, pin::Pin, time::Duration};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize, de::DeserializeOwned};

pub(crate) use self::private::{is_full, write as write_private};
pub use self::{
    fault::{CrashPlan, FaultyStore, Moment},
    memory::{MemoryDisk, MemoryStore},
    owner::{Owner, OwnerInfo},
    sequence::Sequence,
    sqlite::SqliteStore,
};
use crate::error::{Code, Error, Result};

/// A future that borrows nothing.
pub type StoreFuture<T> = Pin<Box<dyn Future<Output = Result<T>> + Send + 'static>>;

macro_rules! tables {
    ($($(#[doc = $doc:literal])+ $variant:ident = $name:literal;)+) => {
        /// The tables of a node. A table is created when the schema version that introduced it is reached.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Table { $($(#[doc = $doc])+ $variant),+ }

        impl Table {
            /// Every table.
            pub const ALL: &[Self] = &[$(Self::$variant),+];
            /// The name in the database.
            pub const fn name(self) -> &'static str { match self { $(Self::$variant => $name),+ } }
        }
    };
}

// A new table is a row here and one more migration in `sqlite/schema.rs`.
tables! {
    /// Facts about the node itself: `created_at`, `display_name`, …
    Meta = "meta";
    /// Connections, by agent id.
    Peers = "peers";
    /// Connection requests that wait for our decision, by request id.
    Pending = "pending_requests";
    /// Connection requests of ours that wait for the other side, by base URL.
    Outstanding = "outstanding_requests";
    /// Impressions, by agent id.
    Impressions = "impressions";
    /// Received and not yet acknowledged messages, by arrival number.
    Inbox = "inbox";
    /// Messages that wait for an unreachable peer, by sending number.
    Outbox = "outbox";
    /// Claimed message ids, by a digest of sender and id, until they may be forgotten.
    Seen = "seen";
    /// What became of sent messages, by message id and recipient.
    Sent = "sent";
    /// What this node told about messages it received, by a digest of sender and id.
    Given = "given_receipts";
    /// The conversation log, by entry number.
    Log = "conversation_log";
    /// Blocked agents, by agent id.
    Blocked = "blocked";
    /// What was sent under an idempotency key, by a digest of the key.
    Keys = "idempotency_keys";
    /// Secrets of our own pre-keys, by kind and name, until they are destroyed.
    PreKeys = "pre_keys";
    /// Pre-keys that others published, by agent id.
    Bundles = "bundles";
    /// Mail that this node keeps for others, by arrival number.
    Mailbox = "mailbox";
}

/// How much a resolved commit promises.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Durability {
    /// Applied; survives the process only as far as the operating system pleases. For tests and scratch nodes.
    Memory,
    /// On disk; commits that arrive together share one sync. The default.
    #[default]
    Grouped,
    /// On disk, with a sync of its own for every commit.
    Each,
}

/// One change of a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Op {
    /// Insert or replace a row.
    Put {
        /// Where.
        table: Table,
        /// Under which key.
        key: String,
        /// JSON text.
        value: String,
    },
    /// Remove a row; nothing happens when it is absent.
    Delete {
        /// Where.
        table: Table,
        /// Under which key.
        key: String,
    },
}

/// What must hold for a batch to apply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Precondition {
    /// No row has this key.
    Absent(Table, String),
    /// A row has this key.
    Present(Table, String),
}

impl Precondition {
    /// The error of a batch for which this does not hold.
    fn unmet(&self) -> Error {
        let (sentence, table, key) = match self {
            Self::Absent(table, key) => ("a row that must not exist is there", table, key),
            Self::Present(table, key) => ("a row that must exist is not there", table, key),
        };
        Error::new(Code::StorePrecondition, sentence).with("table", table.name()).with("key", key)
    }
}

/// The error of every call after [`Store::close`].
fn closed() -> Error {
    Error::new(Code::Closed, "the store is closed; open a new one")
}

/// Changes that are applied together or not at all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Batch {
    /// All must hold before any change is made.
    pub preconditions: Vec<Precondition>,
    /// Applied in order.
    pub ops: Vec<Op>,
    /// How long it may wait for others to share a commit with. It keeps its place, so it never waits longer than
    /// whatever is queued behind it. Zero, the default, is for what somebody waits for.
    pub patience: Duration,
}

impl Batch {
    /// An empty batch.
    pub fn new() -> Self {
        Self::default()
    }

    /// Puts `record` as JSON.
    pub fn put(
        &mut self,
        table: Table,
        key: impl Into<String>,
        record: &impl Serialize,
    ) -> Result<&mut Self> {
        let value = serde_json::to_string(record).map_err(|cause| {
            Error::new(Code::Internal, "a record could not be written as JSON")
                .with("table", table.name())
                .because(cause)
        })?;
        self.ops.push(Op::Put { table, key: key.into(), value });
        Ok(self)
    }

    /// Deletes a row.
    pub fn delete(&mut self, table: Table, key: impl Into<String>) -> &mut Self {
        self.ops.push(Op::Delete { table, key: key.into() });
        self
    }

    /// Requires that `key` is absent.
    pub fn require_absent(&mut self, table: Table, key: impl Into<String>) -> &mut Self {
        self.preconditions.push(Precondition::Absent(table, key.into()));
        self
    }

    /// Requires that `key` is present.
    pub fn require_present(&mut self, table: Table, key: impl Into<String>) -> &mut Self {
        self.preconditions.push(Precondition::Present(table, key.into()));
        self
    }

    /// Lets the batch wait for company; see [`Batch::patience`].
    pub fn wait_for_others(&mut self, patience: Duration) -> &mut Self {
        self.patience = patience;
        self
    }

    /// Adds everything `other` holds. How long the whole may wait is not changed.
    pub fn append(&mut self, mut other: Self) -> &mut Self {
        self.preconditions.append(&mut other.preconditions);
        self.ops.append(&mut other.ops);
        self
    }

    /// Leaves out what `rows` of `table` say already.
    pub fn omit_known(&mut self, table: Table, rows: &[Row]) -> &mut Self {
        let is_known = |op: &Op| match op {
            Op::Put { table: of, key, value } => {
                *of == table && rows.iter().any(|row| row.key == *key && row.value == *value)
            }
            Op::Delete { .. } => false,
        };
        self.ops.retain(|op| !is_known(op));
        self
    }

    /// Whether there is nothing to change.
    pub fn is_empty(&self) -> bool {
        self.ops.is_empty() && self.preconditions.is_empty()
    }
}

/// Which rows a scan returns, in key order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Range {
    /// Only keys that start with this.
    pub prefix: String,
    /// Only keys greater than this one: pass the last key of the previous page.
    pub after: Option<String>,
    /// At most this many rows; `None` for all.
    pub limit: Option<usize>,
}

impl Range {
    /// Every row.
    pub fn all() -> Self {
        Self::default()
    }
}

/// A row as stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// Its key.
    pub key: String,
    /// JSON text.
    pub value: String,
}

impl Row {
    /// Reads the value as a record.
    pub fn parse<T: DeserializeOwned>(&self, table: Table) -> Result<T> {
        serde_json::from_str(&self.value).map_err(|cause| {
            Error::new(
                Code::StoreCorrupt,
                "a row of the database cannot be read; restore the file from a backup",
            )
            .with("table", table.name())
            .with("key", &self.key)
            .because(cause)
        })
    }
}

/// The port.
pub trait Store: Send + Sync + 'static {
    /// Reads one row.
    fn read(&self, table: Table, key: &str) -> StoreFuture<Option<String>>;

    /// Reads rows in key order.
    fn scan(&self, table: Table, range: Range) -> StoreFuture<Vec<Row>>;

    /// Queues `batch` now; resolves once it is durable. See the module docs about order.
    ///
    /// # Errors
    ///
    /// [`Code::StorePrecondition`] when a precondition does not hold; nothing changed.
    /// [`Code::StoreFull`], [`Code::StoreUnavailable`], [`Code::StoreCorrupt`]: nothing of this batch changed,
    /// nor of those queued behind it; see the module docs about a failing disk.
    fn commit(&self, batch: Batch) -> StoreFuture<()>;

    /// Commits what is queued, then releases files and threads. From the moment this is called, later calls
    /// (a second `close` included) fail with [`Code::Closed`]. Dropping the future does not reopen the store.
    fn close(&self) -> StoreFuture<()>;
}
