//! The packages of `cargo xtask dist`, a file each: how it is made, and how it is installed and used in an empty
//! environment. `archive` packs, `look` sees what a package brought.

mod archive;
pub(crate) mod c;
pub(crate) mod look;
pub(crate) mod npm;
pub(crate) mod sdist;
pub(crate) mod wheel;
