//! A look at the file before anything may change it.
//!
//! A file that is not ours, damaged or newer than we understand is refused and stays byte for byte as it
//! is; SQLite's companion files (`-wal`, `-shm`) neither appear nor vanish. Two things may happen, as with
//! any SQLite tool: the index of a log (`-shm`, which holds no rows) is rebuilt in place, and a half-written
//! transaction of a crashed process (`-journal`) is rolled back.

use std::path::{Path, PathBuf};

use rusqlite::{Connection, OpenFlags, config::DbConfig};

use super::{BUSY, errors, schema};
use crate::error::{Code, Error, Result};

/// Fails unless `path` is a healthy database of this version or an older one, an empty file, or nothing.
pub(super) fn inspect(path: &Path) -> Result<()> {
    if !has_bytes(path)? {
        return Ok(());
    }
    let connection = open(path)?;
    let explain = |cause| errors::explain(cause, path);
    let number =
        |pragma| connection.pragma_query_value(None, pragma, |row| row.get::<_, i64>(0)).map_err(explain);
    if number("page_count")? == 0 {
        return Ok(());
    }
    let id = number("application_id")?;
    if id != i64::from(schema::APPLICATION_ID) {
        return Err(errors::damaged(path, format!("its application id is {id:#x}")));
    }
    let version = number("user_version")?;
    let newest = schema::MIGRATIONS.len();
    match usize::try_from(version) {
        Err(_) => return Err(errors::damaged(path, format!("its version is {version}"))),
        Ok(version) if version > newest => return Err(newer(path, version)),
        Ok(_) => {}
    }
    let verdict: String =
        connection.pragma_query_value(None, "quick_check", |row| row.get(0)).map_err(explain)?;
    if verdict != "ok" {
        return Err(errors::damaged(path, verdict));
    }
    match schema::misfit(&connection) {
        Some(table) if version == newest as i64 => {
            Err(errors::damaged(path, format!("table {} is missing or altered", table.name())))
        }
        _ => Ok(()),
    }
}

fn newer(path: &Path, version: usize) -> Error {
    Error::new(
        Code::StoreNewer,
        "the database was written by a newer version of dmagent; it was left as it is, upgrade to open it",
    )
    .with("path", path.display())
    .with("version", version)
    .with("understood", schema::MIGRATIONS.len())
}

/// Opens the database so that looking at it leaves no trace.
fn open(path: &Path) -> Result<Connection> {
    let explain = |cause| errors::explain(cause, path);
    let waiting = has_bytes(&companion(path, "-wal"))? || has_bytes(&companion(path, "-journal"))?;
    if !waiting {
        // Everything is in the file itself, so SQLite can be told that it never changes: it then neither
        // locks nor creates companions. The parameter exists only in the form of a URL.
        let mut url = url::Url::from_file_path(path).map_err(|()| {
            Error::new(Code::StoreUnavailable, "the path of the database cannot be used")
                .with("path", path.display())
        })?;
        url.set_query(Some("immutable=1"));
        let flags =
            OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        return Connection::open_with_flags(url.as_str(), flags).map_err(explain);
    }
    // Some rows are still in the log. Reading them needs write access, but the log must not be folded into
    // the file when the connection closes.
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags).map_err(explain)?;
    connection.busy_timeout(BUSY).map_err(explain)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true).map_err(explain)?;
    if !companion(path, "-shm").exists() {
        // Nobody else has the log open. Alone, SQLite keeps the index of the log in memory.
        connection.pragma_update_and_check(None, "locking_mode", "EXCLUSIVE", |_| Ok(())).map_err(explain)?;
    }
    Ok(connection)
}

fn has_bytes(path: &Path) -> Result<bool> {
    match path.metadata() {
        Ok(metadata) => Ok(metadata.is_dir() || metadata.len() > 0),
        Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => Ok(false),
        Err(cause) => Err(errors::unusable(path, cause)),
    }
}

fn companion(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}
