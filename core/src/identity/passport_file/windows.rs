//! Where there are no Unix modes: files inherit the access list of the user's folder.
//!
//! Not verified on Windows. A profile folder there is closed to other users by default; a project kept
//! elsewhere needs an access list of its own, which this module neither sets nor checks.

use std::{
    fs::{self, File, Metadata, OpenOptions},
    io,
    path::Path,
};

/// Opens a passport for reading. Pipes have names of their own here, outside of all folders.
pub(super) fn open(path: &Path) -> io::Result<File> {
    File::open(path)
}

/// A new file.
pub(super) fn create_private(path: &Path) -> io::Result<File> {
    OpenOptions::new().write(true).create_new(true).open(path)
}

/// Makes what is missing of `folder`.
pub(super) fn create_folder(folder: &Path) -> io::Result<()> {
    fs::create_dir_all(folder)
}

/// Folders cannot be synced here; the file itself was.
pub(super) fn sync_folder(_: &Path) -> io::Result<()> {
    Ok(())
}

/// Neither owners nor access lists are examined.
pub(super) fn exposure(_: &Metadata, _: &Path) -> Option<String> {
    None
}
