//! Files that must stay where they are while a node works with them.
//!
//! An open file lives on when its name is removed, or given to another file: what is written then is on no disk that
//! anybody will look at again, and a lock on it keeps nobody out. So a commit looks first whether the names still lead
//! to the files that were opened.

use std::path::{Path, PathBuf};

use crate::error::{Code, Error, Result};

/// A name, and the file that it led to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    path: PathBuf,
    file: Identity,
}

impl Place {
    /// What `path` leads to now; nothing when it leads nowhere.
    pub(super) fn of(path: &Path) -> Option<Self> {
        Some(Self { path: path.to_owned(), file: identity(path)? })
    }

    /// Fails when the name leads elsewhere by now.
    pub(super) fn check(&self) -> Result<()> {
        if identity(&self.path).as_ref() == Some(&self.file) {
            return Ok(());
        }
        let sentence =
            "a file of the node was removed or replaced while it ran; put it back, or close the node";
        Err(Error::new(Code::StoreUnavailable, sentence).with("path", self.path.display()))
    }
}

/// What tells one file of a machine from another.
#[cfg(unix)]
type Identity = (u64, u64);

#[cfg(unix)]
fn identity(path: &Path) -> Option<Identity> {
    use std::os::unix::fs::MetadataExt as _;
    // Only a name that is gone is a different file; a disk that fails tells it at the commit.
    path.metadata().ok().map(|file| (file.dev(), file.ino()))
}

/// Elsewhere an open file keeps its name.
#[cfg(not(unix))]
type Identity = ();

#[cfg(not(unix))]
fn identity(path: &Path) -> Option<Identity> {
    path.exists().then_some(())
}

#[cfg(all(test, unix))]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_file_that_goes_or_is_replaced_is_missed_until_it_is_back() {
        let folder = tempfile::tempdir().unwrap();
        let (path, aside) = (folder.path().join("node.db"), folder.path().join("aside"));
        assert_eq!(Place::of(&path), None);
        fs::write(&path, "one").unwrap();
        let place = Place::of(&path).unwrap();
        fs::write(&path, "other content is the same file").unwrap();
        place.check().unwrap();
        fs::rename(&path, &aside).unwrap();
        assert_eq!(place.check().unwrap_err().code(), Code::StoreUnavailable);
        fs::write(&path, "another file").unwrap();
        assert_eq!(place.check().unwrap_err().code(), Code::StoreUnavailable);
        fs::rename(&aside, &path).unwrap();
        place.check().unwrap();
    }
}
