//! One process runs the node of a data folder.
//!
//! [`Owner::claim`] takes an exclusive advisory lock on `node.lock`; the operating system gives it back even
//! when the process dies. Beside it `owner.json` tells others who the owner is and where it listens, for
//! instance `{"agent_id":"8a88…","pid":4711,"addresses":["http://127.0.0.1:8100"]}`. Only the lock decides;
//! the file is a courtesy that may be missing, old or garbled. `node.lock` stays in the folder for ever,
//! because removing it would let two processes lock two different files of that name. Should somebody remove it all
//! the same, the passport is locked as well ([`Owner::hold`]), and commits fail until it is back.

use std::{
    fs::{self, File, TryLockError},
    io::Read as _,
    path::{Path, PathBuf},
    process,
    time::Duration,
};

use parking_lot::Mutex;
use serde::{Deserialize, Serialize};

use super::{place::Place, private};
use crate::{
    error::{Code, Error, Result},
    identity::AgentId,
};

const LOCK: &str = "node.lock";
const INFO: &str = "owner.json";
/// No honest `owner.json` is larger.
const INFO_LIMIT: u64 = 64 * 1024;

/// Who runs the node of a folder.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OwnerInfo {
    /// The agent.
    pub agent_id: AgentId,
    /// The operating system's number of the process.
    pub pid: u32,
    /// Base URLs at which the node answers, best first.
    pub addresses: Vec<String>,
}

impl OwnerInfo {
    /// What the last owner of `folder` published; `None` when nothing readable is there. It may be old:
    /// only a failed [`Owner::claim`] proves that an owner is alive.
    pub fn read(folder: &Path) -> Option<Self> {
        let mut text = Vec::new();
        File::open(folder.join(INFO)).ok()?.take(INFO_LIMIT).read_to_end(&mut text).ok()?;
        serde_json::from_slice(&text).ok()
    }
}

/// The folders that this process owns, each with the process that claimed it: a forked child inherits the list,
/// but owns nothing of it. The pid in `owner.json` would not do, because containers that share a folder may
/// share the number, too.
static HELD: Mutex<Vec<(u32, PathBuf)>> = Mutex::new(Vec::new());
/// Nobody holds [`HELD`] that long, except a thread that a fork left behind.
const HELD_PATIENCE: Duration = Duration::from_millis(100);

/// The right to run the node of a folder, until dropped.
#[derive(Debug)]
pub struct Owner {
    folder: PathBuf,
    /// Open and locked, and never read.
    locks: Vec<File>,
    /// The process, and its entry in [`HELD`].
    pid: u32,
    name: PathBuf,
    /// Whether it may speak for the folder: another process may still hold something of it.
    is_settled: bool,
}

impl Owner {
    /// Claims `folder`, which is created when it is missing.
    ///
    /// # Errors
    ///
    /// [`Code::StoreOwned`] when another process, or another node of this one, holds it, with the `pid` and the
    /// first `address` of the owner as context if they are known. [`Code::StoreUnavailable`] when the
    /// folder cannot be used.
    pub fn claim(folder: impl AsRef<Path>) -> Result<Self> {
        let mut owner = Self::lock(folder)?;
        owner.settle();
        Ok(owner)
    }

    /// The first half of [`Owner::claim`]: the lock alone, for whoever has more to lock with [`Owner::hold`] before it
    /// [settles](Owner::settle).
    ///
    /// # Errors
    ///
    /// As [`Owner::claim`].
    pub fn lock(folder: impl AsRef<Path>) -> Result<Self> {
        let folder = folder.as_ref();
        let unusable = |cause| unusable(folder, cause);
        private::create_folder(folder).map_err(unusable)?;
        let lock = private::file().open(folder.join(LOCK)).map_err(unusable)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(owned(folder)),
            Err(TryLockError::Error(cause)) => return Err(unusable(cause)),
        }
        Ok(Self {
            folder: folder.to_owned(),
            locks: vec![lock],
            pid: process::id(),
            name: one_name(folder),
            is_settled: false,
        })
    }

    /// Everything is locked: from here on the folder belongs to this owner, and what the last one published goes.
    pub fn settle(&mut self) {
        if let Some(mut held) = HELD.try_lock_for(HELD_PATIENCE) {
            held.push((self.pid, self.name.clone()));
        }
        self.is_settled = true;
        self.withdraw();
    }

    /// Locks `file` as well, under whatever name it was reached, for as long as the folder is owned. Windows keeps others
    /// from reading a locked file, so nothing is done there.
    ///
    /// # Errors
    ///
    /// [`Code::StoreOwned`] when another owner holds it, [`Code::StoreUnavailable`] when it cannot be opened.
    pub fn hold(&mut self, file: &Path) -> Result<()> {
        if cfg!(windows) {
            return Ok(());
        }
        let unusable = |cause| unusable(&self.folder, cause);
        let lock = File::open(file).map_err(unusable)?;
        match lock.try_lock() {
            Ok(()) => self.locks.push(lock),
            Err(TryLockError::WouldBlock) => return Err(owned(&self.folder)),
            Err(TryLockError::Error(cause)) => return Err(unusable(cause)),
        }
        Ok(())
    }

    /// Where the lock lies.
    pub(super) fn place(&self) -> Option<Place> {
        Place::of(&self.folder.join(LOCK))
    }

    /// Tells other processes who runs here. Readers see the old text or the new one, never half of it.
    ///
    /// # Errors
    ///
    /// [`Code::StoreUnavailable`] when the file cannot be written.
    pub fn publish(&self, info: &OwnerInfo) -> Result<()> {
        let text = serde_json::to_vec(info).map_err(|cause| {
            Error::new(Code::Internal, "the facts about the owner could not be written as JSON")
                .because(cause)
        })?;
        private::write(&self.folder.join(INFO), &text).map_err(|cause| unusable(&self.folder, cause))
    }

    /// Whether others can read who runs here.
    pub fn is_published(&self) -> bool {
        self.folder.join(INFO).is_file()
    }

    /// Removes what was published, as an owner does that is about to leave. A file that stays is harmless:
    /// readers know that it may be old.
    pub fn withdraw(&self) {
        let _absent_or_stuck = fs::remove_file(self.folder.join(INFO));
    }
}

impl Drop for Owner {
    fn drop(&mut self) {
        // A forked child holds a copy of this value and shares the lock; it must not give it away. The
        // parent unlocks explicitly, because closing its file is not enough while a child has a copy.
        if self.pid == process::id() {
            if self.is_settled {
                self.withdraw();
                if let Some(mut held) = HELD.try_lock_for(HELD_PATIENCE) {
                    held.retain(|(pid, name)| (*pid, name) != (self.pid, &self.name));
                }
            }
            for lock in &self.locks {
                let _released_by_close_then = lock.unlock();
            }
        }
    }
}

/// The name of a folder that is the same whichever way leads there.
fn one_name(folder: &Path) -> PathBuf {
    folder.canonicalize().unwrap_or_else(|_| folder.to_owned())
}

fn owned(folder: &Path) -> Error {
    let claim = (process::id(), one_name(folder));
    let is_ours = HELD.try_lock_for(HELD_PATIENCE).is_some_and(|held| held.contains(&claim));
    let sentence = if is_ours {
        "this process runs a node of this folder already; use that one, close it, or choose another folder"
    } else {
        "another process runs the node of this folder; talk to it, stop it, or choose another folder"
    };
    let error = Error::new(Code::StoreOwned, sentence).with("folder", folder.display());
    let Some(info) = OwnerInfo::read(folder) else { return error };
    let error = error.with("pid", info.pid);
    match info.addresses.first() {
        Some(address) => error.with("address", address),
        None => error,
    }
}

fn unusable(folder: &Path, cause: std::io::Error) -> Error {
    let (code, message) = if private::is_full(&cause) {
        (Code::StoreFull, "the disk is full; free some space and try again")
    } else {
        (Code::StoreUnavailable, "the data folder cannot be used; check that it is writable")
    };
    Error::new(code, message).with("folder", folder.display()).because(cause)
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead as _, BufReader};

    use super::*;
    use crate::store::second_process;

    fn info(pid: u32) -> OwnerInfo {
        OwnerInfo {
            agent_id: AgentId::from_bytes([7; 32]),
            pid,
            addresses: vec!["http://127.0.0.1:8100".into(), "http://127.0.0.1:8101".into()],
        }
    }

    #[test]
    fn a_second_claim_names_the_owner_until_the_owner_is_dropped() {
        let folder = tempfile::tempdir().unwrap();
        let owner = Owner::claim(folder.path()).unwrap();
        owner.publish(&info(1)).unwrap();
        owner.publish(&info(4711)).unwrap();

        let error = Owner::claim(folder.path().join(".")).unwrap_err();
        assert_eq!(error.code(), Code::StoreOwned);
        assert!(error.message().starts_with("this process"), "{error}");
        assert!(error.context().contains(&("pid", "4711".into())), "{error}");
        assert!(error.context().contains(&("address", "http://127.0.0.1:8100".into())), "{error}");
        assert_eq!(OwnerInfo::read(folder.path()), Some(info(4711)), "a failed claim removes nothing");

        drop(owner);
        assert_eq!(OwnerInfo::read(folder.path()), None);
        let files: Vec<_> = fs::read_dir(folder.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
        assert_eq!(files, [LOCK]);
        Owner::claim(folder.path()).unwrap();
    }

    #[cfg(unix)]
    #[test]
    fn a_passport_belongs_to_one_owner_whatever_became_of_the_lock() {
        let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
        let keys = folders.each_ref().map(|folder| folder.path().join("passport.key"));
        fs::write(&keys[0], "secret").unwrap();
        fs::hard_link(&keys[0], &keys[1]).unwrap();
        let mut owner = Owner::lock(folders[0].path()).unwrap();
        owner.hold(&keys[0]).unwrap();
        owner.settle();
        owner.publish(&info(7)).unwrap();
        fs::remove_file(folders[0].path().join(LOCK)).unwrap();
        for (folder, key) in folders.iter().zip(&keys) {
            let mut second = Owner::lock(folder.path()).unwrap();
            assert_eq!(second.hold(key).unwrap_err().code(), Code::StoreOwned);
        }
        assert_eq!(OwnerInfo::read(folders[0].path()), Some(info(7)), "a failed claim removes nothing");
        drop(owner);
        Owner::claim(folders[1].path()).unwrap().hold(&keys[1]).unwrap();
    }

    #[test]
    fn a_full_disk_is_called_that() {
        use std::io::ErrorKind;
        let full = unusable(Path::new("folder"), ErrorKind::StorageFull.into());
        assert_eq!(full.code(), Code::StoreFull);
        assert_eq!(
            unusable(Path::new("folder"), ErrorKind::PermissionDenied.into()).code(),
            Code::StoreUnavailable
        );
    }

    #[test]
    fn a_missing_or_garbled_description_of_the_owner_is_tolerated() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join(INFO), b"from a crashed owner").unwrap();
        let _owner = Owner::claim(folder.path()).unwrap();
        assert!(!folder.path().join(INFO).exists(), "a claim removes what a dead owner left");
        for garbled in [None, Some(&b"{\"pid\":"[..]), Some(b"\xff\xfe"), Some(b"{}")] {
            if let Some(bytes) = garbled {
                fs::write(folder.path().join(INFO), bytes).unwrap();
            }
            let error = Owner::claim(folder.path()).unwrap_err();
            assert_eq!(error.code(), Code::StoreOwned);
            assert_eq!(error.context().len(), 1, "{error}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn its_files_belong_to_the_user_alone() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let owner = Owner::claim(folder.path()).unwrap();
        owner.publish(&info(1)).unwrap();
        for file in [LOCK, INFO] {
            let mode = folder.path().join(file).metadata().unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600, "{file}");
        }
    }

    #[test]
    fn a_folder_that_cannot_be_created_is_unavailable() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        fs::write(&file, b"").unwrap();
        assert_eq!(Owner::claim(file.join("inside")).unwrap_err().code(), Code::StoreUnavailable);
    }

    #[test]
    fn a_real_second_process_is_seen_and_its_death_frees_the_folder() {
        if let Some(folder) = second_process::folder() {
            let owner = Owner::claim(folder).unwrap();
            owner.publish(&info(process::id())).unwrap();
            println!("\nclaimed");
            // Holds the claim until it is killed, or until the test that started it is gone.
            let _ = std::io::stdin().read_line(&mut String::new());
            return;
        }
        let folder = tempfile::tempdir().unwrap();
        let name = "store::owner::tests::a_real_second_process_is_seen_and_its_death_frees_the_folder";
        let mut child = second_process::start(name, folder.path());
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        assert!(lines.any(|line| line.unwrap() == "claimed"));

        let error = Owner::claim(folder.path()).unwrap_err();
        assert_eq!(error.code(), Code::StoreOwned);
        assert!(error.message().starts_with("another process"), "{error}");
        assert!(error.context().contains(&("pid", child.id().to_string())), "{error}");

        child.kill().unwrap();
        child.wait().unwrap();
        assert_eq!(OwnerInfo::read(folder.path()).map(|info| info.pid), Some(child.id()), "died unprepared");
        Owner::claim(folder.path()).unwrap();
    }
}
