//! What went wrong in SQLite, in our codes.

use std::path::Path;

use rusqlite::{ErrorCode, ffi::SQLITE_IOERR_SHMSIZE};

use crate::{
    error::{Code, Error},
    store::private::is_full,
};

/// Explains a failure at the database `path`.
pub(super) fn explain(cause: rusqlite::Error, path: &Path) -> Error {
    let (code, sentence) = match code(&cause) {
        Code::StoreFull => (Code::StoreFull, "the disk is full; free some space and try again"),
        Code::StoreCorrupt => (Code::StoreCorrupt, DAMAGED),
        code => (code, "the database cannot be used; check the disk and who else has the file open"),
    };
    Error::new(code, sentence).with("path", path.display()).because(cause)
}

/// The database at `path` is not fit for use, for a `reason` that SQLite itself does not report as an error.
pub(super) fn damaged(path: &Path, reason: impl std::fmt::Display) -> Error {
    Error::new(Code::StoreCorrupt, DAMAGED).with("path", path.display()).with("reason", reason)
}

/// The file or folder at `path` cannot be used.
pub(super) fn unusable(path: &Path, cause: std::io::Error) -> Error {
    let code = if is_full(&cause) { Code::StoreFull } else { Code::StoreUnavailable };
    Error::new(code, "the database cannot be opened; check that its folder exists and is writable")
        .with("path", path.display())
        .because(cause)
}

const DAMAGED: &str =
    "the file is damaged or not a database of dmagent; it was left as it is, restore it from a backup";

fn code(cause: &rusqlite::Error) -> Code {
    // The index of the log found no room when the file was opened.
    if cause.sqlite_error().is_some_and(|error| error.extended_code == SQLITE_IOERR_SHMSIZE) {
        return Code::StoreFull;
    }
    match cause.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => Code::StoreFull,
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => Code::StoreCorrupt,
        Some(_) => Code::StoreUnavailable,
        None => match cause {
            // A row that another program wrote with a type or encoding that we never write.
            rusqlite::Error::FromSqlConversionFailure(..)
            | rusqlite::Error::InvalidColumnType(..)
            | rusqlite::Error::Utf8Error(..) => Code::StoreCorrupt,
            _ => Code::StoreUnavailable,
        },
    }
}

#[cfg(test)]
mod tests {
    use rusqlite::ffi;

    use super::*;

    #[test]
    fn failures_of_sqlite_have_our_codes() {
        for (theirs, ours) in [
            (ffi::SQLITE_FULL, Code::StoreFull),
            (ffi::SQLITE_IOERR_SHMSIZE, Code::StoreFull),
            (ffi::SQLITE_CORRUPT, Code::StoreCorrupt),
            (ffi::SQLITE_CORRUPT_INDEX, Code::StoreCorrupt),
            (ffi::SQLITE_NOTADB, Code::StoreCorrupt),
            (ffi::SQLITE_BUSY, Code::StoreUnavailable),
            (ffi::SQLITE_IOERR_FSYNC, Code::StoreUnavailable),
            (ffi::SQLITE_READONLY, Code::StoreUnavailable),
            (ffi::SQLITE_CANTOPEN, Code::StoreUnavailable),
        ] {
            let cause = rusqlite::Error::SqliteFailure(ffi::Error::new(theirs), None);
            let error = explain(cause, Path::new("node.db"));
            assert_eq!(error.code(), ours, "{error:?}");
            assert!(error.context().contains(&("path", "node.db".into())));
        }
    }
}
