//! The packages of `cargo xtask dist`, a file each: how it is made, and how it is installed and used in an empty
//! environment. `archive` packs, `look` sees what a package brought.

mod archive;
pub(crate) mod c;
pub(crate) mod kotlin;
pub(crate) mod look;
pub(crate) mod npm;
pub(crate) mod ruby;
pub(crate) mod sdist;
pub(crate) mod wheel;

use std::{fs, path::Path};

use crate::run::Result;

/// Copies a file, or a folder with all that is in it.
fn copied(from: &Path, to: &Path) -> Result {
    let copy = |from: &Path, to: &Path| {
        let folder = to.parent().ok_or("a file lies in no folder")?;
        fs::create_dir_all(folder)
            .and_then(|()| fs::copy(from, to))
            .map(drop)
            .map_err(|error| format!("{} to {}: {error}", from.display(), to.display()))
    };
    if !from.is_dir() {
        return copy(from, to);
    }
    look::files(from)?.iter().try_for_each(|name| copy(&from.join(name), &to.join(name)))
}
