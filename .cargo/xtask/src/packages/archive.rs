//! Archives that know neither time nor owner: the same files give the same bytes.

use std::{
    fs::{self, File},
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use flate2::{Compression, GzBuilder, read::GzDecoder};
use tar::{Archive, Builder, HeaderMode};

use crate::run::Result;

/// Packs `folder` and all below it as `name`, in order of their paths. Links stay links. `level` is how hard it tries to
/// be small.
pub(crate) fn pack(folder: &Path, name: &str, to: &Path, level: Compression) -> Result {
    packed(folder, name, to, level).map_err(|error| format!("{}: {error}", to.display()))
}

/// Unpacks an archive into a folder.
pub(crate) fn unpack(archive: &Path, into: &Path) -> Result {
    File::open(archive)
        .and_then(|file| Archive::new(GzDecoder::new(file)).unpack(into))
        .map_err(|error| format!("{}: {error}", archive.display()))
}

fn packed(folder: &Path, name: &str, to: &Path, level: Compression) -> io::Result<()> {
    let zipped = GzBuilder::new().mtime(0).write(File::create(to)?, level);
    let mut tar = Builder::new(zipped);
    tar.mode(HeaderMode::Deterministic);
    tar.follow_symlinks(false);
    for path in below(folder)? {
        let inside = path.strip_prefix(folder).expect("it was found there");
        tar.append_path_with_name(&path, Path::new(name).join(inside))?;
    }
    tar.into_inner()?.finish()?.flush()
}

/// All that is no folder, in order of the paths.
pub(crate) fn below(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let (mut found, mut open) = (Vec::new(), vec![folder.to_path_buf()]);
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            if entry.file_type()?.is_dir() {
                open.push(entry.path());
            } else {
                found.push(entry.path());
            }
        }
    }
    found.sort();
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run;

    #[test]
    fn the_same_files_give_the_same_bytes_whatever_their_times_are() {
        let work = run::target("dist-work/archive");
        let archives = ["one", "two"].map(|name| {
            let folder = work.join(name);
            fs::create_dir_all(folder.join("sub")).unwrap();
            fs::write(folder.join("sub/text"), "words").unwrap();
            // A file of today, and one of 1970.
            let file = File::options().write(true).open(folder.join("sub/text")).unwrap();
            if name == "two" {
                file.set_modified(std::time::UNIX_EPOCH).unwrap();
            }
            let to = work.join(format!("{name}.tar.gz"));
            pack(&folder, "thing", &to, Compression::default()).unwrap();
            to
        });
        assert_eq!(fs::read(&archives[0]).unwrap(), fs::read(&archives[1]).unwrap());
        unpack(&archives[0], &work.join("out")).unwrap();
        assert_eq!(fs::read_to_string(work.join("out/thing/sub/text")).unwrap(), "words");
    }
}
