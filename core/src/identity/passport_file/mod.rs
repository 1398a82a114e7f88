//! The passport file: `.darkmatter/passport.key`, 64 hexadecimal digits and a line feed.
//!
//! [`locate`] finds it by the rules of 1.1.1, [`load`] reads it, [`create`] makes it. Whoever reads the
//! file is the agent, so it is created for its owner alone from the first byte (S20), and a file that
//! others can read is refused until its owner has closed it. So is a file of another user: whoever owns it
//! knows the key. Errors never show what the file holds.
//!
//! Root may use any file, in containers often on folders of the host's user. It takes a passport of its own, or
//! one whose owner also owns the project folder around it: a passport that somebody planted in a folder
//! that all share, such as `/tmp`, is refused.

#[cfg(unix)]
mod unix;
#[cfg(not(unix))]
mod windows;

use std::{
    fs,
    io::{self, ErrorKind, Read as _, Write as _},
    path::{Path, PathBuf},
};

#[cfg(unix)]
use unix as platform;
#[cfg(not(unix))]
use windows as platform;
use zeroize::Zeroizing;

use super::Passport;
use crate::{
    env::Random,
    error::{Code, Error, Result},
};

/// The data folder beside an agent's project.
pub const FOLDER: &str = ".darkmatter";
/// The passport in the data folder.
pub const FILE: &str = "passport.key";
/// No passport is longer, whatever white space surrounds it.
const LONGEST: u64 = 4096;

/// Where the passport is, or where it belongs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Location {
    /// A passport is there.
    Existing(PathBuf),
    /// None was found; a new one belongs there.
    Create(PathBuf),
}

impl Location {
    /// The path of the file, in both cases.
    pub fn path(&self) -> &Path {
        let (Self::Existing(path) | Self::Create(path)) = self;
        path
    }
}

/// Finds the passport for a process that runs in `start`: in `project_dir` if one is there, else in the
/// nearest folder from `start` upwards. A new one belongs in `project_dir` if that folder exists, else in
/// `start`.
///
/// Something that cannot be examined counts as existing, so that [`load`] reports it: a passport behind a
/// closed door must never be replaced by a new identity.
pub fn locate(start: &Path, project_dir: Option<&Path>) -> Location {
    let project_dir = project_dir.filter(|dir| dir.is_dir());
    let start = std::path::absolute(start).unwrap_or_else(|_| start.to_path_buf());
    let found = project_dir.into_iter().chain(start.ancestors()).map(file_in).find(|path| exists(path));
    match found {
        Some(path) => Location::Existing(path),
        None => Location::Create(file_in(project_dir.unwrap_or(&start))),
    }
}

/// Reads the passport at `path`.
///
/// # Errors
///
/// `PassportMissing` when there is none, `PassportExposed` when it belongs to another user or group or others may
/// touch it, `PassportMalformed` when it does not hold 64 hexadecimal digits, `PassportUnreadable` otherwise,
/// also for what is no file, such as a pipe.
pub fn load(path: &Path) -> Result<Passport> {
    let file = platform::open(path).map_err(|error| match error.kind() {
        ErrorKind::NotFound => Error::new(Code::PassportMissing, "there is no passport; create one first")
            .with("path", path.display()),
        _ => unreadable(path, error),
    })?;
    // Asked of the open file, so nobody can exchange it between this question and the reading.
    let metadata = file.metadata().map_err(|error| unreadable(path, error))?;
    if !metadata.is_file() {
        return Err(unreadable(path, io::Error::other("it is no regular file")));
    }
    if let Some(cure) = platform::exposure(&metadata, path) {
        return Err(Error::new(Code::PassportExposed, cure).with("path", path.display()));
    }
    // Room for everything that is read, so that no copy is left behind by a growing buffer.
    let mut text = Zeroizing::new(Vec::with_capacity(2 * LONGEST as usize));
    file.take(LONGEST).read_to_end(&mut text).map_err(|error| unreadable(path, error))?;
    let mut seed = Zeroizing::new([0; 32]);
    let digits = std::str::from_utf8(&text).map_or("", str::trim);
    hex::decode_to_slice(digits, seed.as_mut()).map_err(|_| {
        Error::new(
            Code::PassportMalformed,
            "the passport does not hold 64 hexadecimal digits; restore it from a backup",
        )
        .with("path", path.display())
    })?;
    Ok(Passport::from_seed(seed))
}

/// Makes a passport at `path`, or loads the one that is there already. Processes that race for the same
/// path all end with the same key. When this returns, the file is on disk and complete.
///
/// Folders that are missing are made for the owner alone; a folder that exists keeps its mode.
///
/// On file systems without hard links the file is written in place. A process that loads it in that
/// moment sees `PassportMalformed` and may try again.
///
/// # Errors
///
/// `PassportUnreadable` when the file cannot be written, and those of [`load`].
pub fn create(path: &Path, random: &dyn Random) -> Result<Passport> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let passport = Passport::generate(random);
    let published = platform::create_folder(folder).and_then(|()| publish(&passport, path, folder, random));
    match published {
        Ok(()) => Ok(passport),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => load(path),
        Err(error) => Err(unreadable(path, error)),
    }
}

/// Writes a complete file under another name and links it to `path`, which fails if `path` exists.
fn publish(passport: &Passport, path: &Path, folder: &Path, random: &dyn Random) -> io::Result<()> {
    let mut name = [0; 8];
    random.fill(&mut name);
    let draft = folder.join(format!(".{FILE}.{}", hex::encode(name)));
    write_new(&draft, passport)?;
    // Ours from here on, and gone at the end whatever happens.
    let draft = Draft(draft);
    match fs::hard_link(&draft.0, path) {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => write_new(path, passport)?,
        linked => linked?,
    }
    drop(draft);
    platform::sync_folder(folder)?;
    // The folder may be new as well. Its parent may be closed to us, which is no reason to fail.
    if let Some(parent) = folder.parent() {
        let _ = platform::sync_folder(parent);
    }
    Ok(())
}

/// Writes a file that did not exist. One that could not be completed is removed: better none than one
/// that never loads.
fn write_new(path: &Path, passport: &Passport) -> io::Result<()> {
    let mut file = platform::create_private(path)?;
    // Two writes, because appending the line feed could move the text and leave a copy behind.
    let written = file
        .write_all(passport.export_seed_hex().as_bytes())
        .and_then(|()| file.write_all(b"\n"))
        .and_then(|()| file.sync_all());
    if written.is_err() {
        let _ = fs::remove_file(path);
    }
    written
}

/// A file that is removed when it goes out of scope, whatever happened before.
struct Draft(PathBuf);

impl Drop for Draft {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

fn file_in(dir: &Path) -> PathBuf {
    dir.join(FOLDER).join(FILE)
}

fn exists(path: &Path) -> bool {
    match fs::symlink_metadata(path) {
        Ok(_) => true,
        Err(error) => !matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory),
    }
}

fn unreadable(path: &Path, error: io::Error) -> Error {
    Error::new(Code::PassportUnreadable, "the passport cannot be read or written; check its owner and folder")
        .with("path", path.display())
        .because(error)
}

#[cfg(test)]
mod tests;
