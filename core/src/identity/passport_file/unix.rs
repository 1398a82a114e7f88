//! Modes and owners of files and folders on Unix.

use std::{
    fs::{self, DirBuilder, File, Metadata, OpenOptions},
    io,
    os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _},
    path::Path,
};

use rustix::{fs::OFlags, process::geteuid};

const ROOT: u32 = 0;

/// Opens whatever is there for reading. A pipe or a device in its place must not make us wait, nor become our
/// terminal; what it is, its metadata tell.
pub(super) fn open(path: &Path) -> io::Result<File> {
    let flags = OFlags::NONBLOCK | OFlags::NOCTTY;
    OpenOptions::new().read(true).custom_flags(flags.bits().cast_signed()).open(path)
}

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

/// The sentence to show when others than we may touch the file.
pub(super) fn exposure(metadata: &Metadata, path: &Path) -> Option<String> {
    let us = geteuid().as_raw();
    // Of `project/.darkmatter/passport.key`.
    let project = path.parent().and_then(Path::parent).and_then(|folder| fs::metadata(folder).ok());
    if is_foreign(metadata.uid(), project.map(|folder| folder.uid()), us) {
        return Some(format!(
            "the passport belongs to another user (uid {}), who knows its key; if it is yours, take it over with: \
             chown {us} '{}'",
            metadata.uid(),
            path.display()
        ));
    }
    let mode = metadata.mode() & 0o777;
    (mode & 0o077 != 0).then(|| {
        format!(
            "other users can read the passport (mode {mode:03o}); close it with: chmod 600 '{}'",
            path.display()
        )
    })
}

/// Whether a passport of `owner`, in a project of `project`, must not be used by `us`.
fn is_foreign(owner: u32, project: Option<u32>, us: u32) -> bool {
    owner != us && !(us == ROOT && project == Some(owner))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_passport_of_another_user_is_taken_by_root_alone_and_only_in_a_project_of_that_user() {
        let [alice, bob] = [1000, 1001];
        for (owner, project, us, foreign) in [
            (alice, Some(alice), alice, false),
            (alice, Some(ROOT), alice, false),
            (alice, None, alice, false),
            (bob, Some(bob), alice, true),
            (bob, Some(alice), alice, true),
            (ROOT, Some(alice), alice, true),
            (ROOT, Some(alice), ROOT, false),
            (alice, Some(alice), ROOT, false),
            (alice, Some(ROOT), ROOT, true),
            (alice, Some(bob), ROOT, true),
            (alice, None, ROOT, true),
        ] {
            assert_eq!(is_foreign(owner, project, us), foreign, "{owner} {project:?} {us}");
        }
    }
}
