//! What only a store on a real disk can show.

mod crash;
mod files;
mod full;
mod refusal;

use std::path::Path;

use super::SqliteStore;
use crate::store::{Durability, suite::store_suite};

/// Opens `node.db` in `folder`.
fn open(folder: &Path) -> SqliteStore {
    SqliteStore::open(folder.join("node.db"), Durability::Grouped).unwrap()
}

/// An opener for the shared suite over a folder that lives as long as the opener.
fn opener(durability: Durability) -> impl Fn() -> SqliteStore {
    let folder = tempfile::tempdir().unwrap();
    move || SqliteStore::open(folder.path().join("node.db"), durability).unwrap()
}

store_suite!(without_syncs, opener(Durability::Memory));
store_suite!(with_a_sync_for_each_group, opener(Durability::Grouped));
store_suite!(with_a_sync_for_each_batch, opener(Durability::Each));
