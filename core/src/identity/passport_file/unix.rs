//! Modes of files and folders on Unix.

use std::{
    fs::{DirBuilder, File, Metadata, OpenOptions},
    io,
    os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _},
    path::Path,
};

/// A new file that only its owner can read, from its first byte (S20).
pub(super) fn create_private(path: &Path) -> io::Result<File> {
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)
}

/// Makes what is missing of `folder`, for the owner alone (S20).
pub(super) fn create_folder(folder: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

/// Puts the names in `folder` on disk.
pub(super) fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

/// The sentence to show when others than the owner may touch the file.
pub(super) fn exposure(metadata: &Metadata, path: &Path) -> Option<String> {
    let mode = metadata.mode() & 0o777;
    (mode & 0o077 != 0).then(|| {
        format!(
            "other users can read the passport (mode {mode:03o}); close it with: chmod 600 '{}'",
            path.display()
        )
    })
}
