//! Files and folders that only their owner may read.
//!
//! On Unix files are created with mode 0600 and folders with 0700. On Windows a new file inherits the
//! access list of its folder, so the folder decides; inside a user's profile that is the user alone.
//! What exists already keeps the mode its owner chose.

use std::{
    fs::{self, DirBuilder, OpenOptions},
    io::{self, Write as _},
    path::Path,
};

/// Creates `folder` and its missing parents.
pub(super) fn create_folder(folder: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

/// Options for a file that may be created.
pub(super) fn file() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

/// Writes a whole file. Readers see the old content or the new one, never half of it. The caller sees to it that
/// nobody writes the same file at the same time.
pub(crate) fn write(path: &Path, content: &[u8]) -> io::Result<()> {
    let mut unfinished = path.as_os_str().to_owned();
    unfinished.push(".new");
    let unfinished = Path::new(&unfinished);
    // Whatever has this name is what a crash left or somebody planted: it goes, and nothing is written through it.
    match fs::remove_file(unfinished) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut target = file().create_new(true).open(unfinished)?;
    let written = target.write_all(content).and_then(|()| fs::rename(unfinished, path));
    if written.is_err() {
        let _ = fs::remove_file(unfinished);
    }
    written
}

/// Whether `error` says that there is no room.
pub(crate) fn is_full(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn created_things_belong_to_their_owner_alone() {
        let folder = tempfile::tempdir().unwrap();
        let inner = folder.path().join("a/b");
        create_folder(&inner).unwrap();
        file().open(inner.join("c")).unwrap();
        let mode = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&folder.path().join("a")), 0o700);
        assert_eq!(mode(&inner), 0o700);
        assert_eq!(mode(&inner.join("c")), 0o600);
    }

    #[test]
    fn writing_follows_no_link_and_is_not_stopped_by_a_leftover() {
        let folder = tempfile::tempdir().unwrap();
        let (path, unfinished) = (folder.path().join("token"), folder.path().join("token.new"));
        let victim = folder.path().join("victim");
        fs::write(&victim, "mine").unwrap();
        std::os::unix::fs::symlink(&victim, &unfinished).unwrap();
        write(&path, b"one").unwrap();
        assert_eq!(fs::read_to_string(&victim).unwrap(), "mine");
        assert!(path.symlink_metadata().unwrap().is_file());

        fs::write(&unfinished, "from a crash, and longer").unwrap();
        write(&path, b"two").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "two");
        assert!(!unfinished.exists());
    }

    #[test]
    fn an_existing_folder_keeps_its_mode() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
        create_folder(folder.path()).unwrap();
        assert_eq!(folder.path().metadata().unwrap().permissions().mode() & 0o777, 0o755);
    }
}
