//! Starting programs: what runs is announced, and what failed is shown so that it can be pasted into a shell.

use std::{
    ffi::OsStr,
    io::{self, BufRead, BufReader, Write},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

/// What a command of this crate returns. The error is a sentence for the person at the terminal.
pub(crate) type Result<T = ()> = std::result::Result<T, String>;

/// The top folder of the checkout.
pub(crate) fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.ancestors().nth(2).expect("this crate lies two folders below the top").to_path_buf()
}

/// A path below `target/`, where everything is kept that can be made again. It stays in the checkout even when
/// `CARGO_TARGET_DIR` sends the products of the compiler elsewhere.
pub(crate) fn target(name: &str) -> PathBuf {
    root().join("target").join(name)
}

/// Where cargo puts what it builds with a profile: beside the folder of this program.
pub(crate) fn built_folder(profile: &str) -> Result<PathBuf> {
    let own = std::env::current_exe().map_err(|error| error.to_string())?;
    let all = own.ancestors().nth(2).ok_or("this program lies in no folder")?;
    Ok(all.join(profile))
}

/// Where cargo puts an example; the tests build those of the profile `debug`.
pub(crate) fn built_example(profile: &str, example: &str) -> Result<PathBuf> {
    let path =
        built_folder(profile)?.join("examples").join(format!("{example}{}", std::env::consts::EXE_SUFFIX));
    if path.is_file() { Ok(path) } else { Err(format!("{} was not built", path.display())) }
}

/// Where cargo puts a library that other programs load.
pub(crate) fn built_library(profile: &str, name: &str) -> Result<PathBuf> {
    library_in(&built_folder(profile)?, name)
}

/// A library that other programs load, in the folder where cargo put it.
pub(crate) fn library_in(folder: &Path, name: &str) -> Result<PathBuf> {
    let (before, behind) = (std::env::consts::DLL_PREFIX, std::env::consts::DLL_SUFFIX);
    let path = folder.join(format!("{before}{name}{behind}"));
    if path.is_file() { Ok(path) } else { Err(format!("{} was not built", path.display())) }
}

/// An environment variable that is set to something.
#[expect(clippy::disallowed_methods, reason = "this crate is a program of its own, not a part of the node")]
pub(crate) fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// The cargo that started us.
pub(crate) fn cargo() -> Command {
    program(variable("CARGO").unwrap_or_else(|| "cargo".to_owned()))
}

/// A program that works in the top folder.
pub(crate) fn program(name: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(name);
    command.current_dir(root());
    // What cargo told us about this crate would make build scripts believe that something changed for them.
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_CRATE_", "OUT_DIR"]
            .iter()
            .any(|start| text.starts_with(start))
        {
            command.env_remove(&name);
        }
    }
    command
}

/// Announces what follows.
pub(crate) fn step(title: &str) {
    println!("\n==> {title}");
}

/// Runs a program that talks to the terminal itself.
pub(crate) fn inherit(command: &mut Command) -> Result {
    let status = command.status().map_err(|error| not_started(command, &error))?;
    if status.success() { Ok(()) } else { Err(format!("{status} from\n    {}", shown(command))) }
}

/// Runs a program silently and returns what it printed; when it fails, the error ends with its own words.
pub(crate) fn capture(command: &mut Command) -> Result<String> {
    let output = command.output().map_err(|error| not_started(command, &error))?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    if output.status.success() {
        return Ok(text);
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(format!("{} from\n    {}\n{text}{}", output.status, shown(command), said.trim_end()))
}

/// What a program printed while the reader watched.
pub(crate) struct Watched {
    /// Both of its streams, in the order in which they came.
    pub(crate) text: String,
    /// The status it ended with; none if a signal ended it.
    pub(crate) code: Option<i32>,
}

impl Watched {
    /// Whether the program says that all went well.
    pub(crate) fn success(&self) -> bool {
        self.code == Some(0)
    }
}

/// Runs a program, shows what it prints as it comes, and keeps it.
pub(crate) fn watch(command: &mut Command) -> Result<Watched> {
    let failed = |error: io::Error| error.to_string();
    let (reader, writer) = io::pipe().map_err(failed)?;
    command.stdout(writer.try_clone().map_err(failed)?).stderr(writer);
    let child = command.spawn();
    // The command holds our copies of the writing end; the reader sees the end only when they are gone.
    command.stdout(Stdio::inherit()).stderr(Stdio::inherit());
    let mut child = child.map_err(|error| not_started(command, &error))?;
    let mut lines = BufReader::new(reader);
    let (mut text, mut line) = (String::new(), Vec::new());
    while lines.read_until(b'\n', &mut line).map_err(failed)? > 0 {
        // Tests may print bytes that are no text; a closed terminal is no reason to stop counting.
        let _ = io::stdout().write_all(&line);
        text.push_str(&String::from_utf8_lossy(&line));
        line.clear();
    }
    let status = child.wait().map_err(failed)?;
    if !status.success() {
        println!("{status} from\n    {}", shown(command));
    }
    Ok(Watched { text, code: status.code() })
}

/// The command line as one would type it, with the variables that it adds.
fn shown(command: &Command) -> String {
    let variables = command
        .get_envs()
        .filter_map(|(name, value)| Some(format!("{}={}", name.to_string_lossy(), quoted(value?))));
    let words = std::iter::once(command.get_program()).chain(command.get_args()).map(quoted);
    variables.chain(words).collect::<Vec<_>>().join(" ")
}

fn quoted(word: &OsStr) -> String {
    let word = word.to_string_lossy();
    let plain = |c: char| c.is_alphanumeric() || "-_./\\:=,+@%".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.into_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

fn not_started(command: &Command, error: &io::Error) -> String {
    format!("{} does not start: {error}", command.get_program().to_string_lossy())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_command_is_shown_as_it_would_be_typed() {
        let mut command = Command::new("cargo");
        command.args(["doc", "it's here", ""]).env("RUSTDOCFLAGS", "-D warnings");
        assert_eq!(shown(&command), r"RUSTDOCFLAGS='-D warnings' cargo doc 'it'\''s here' ''");
    }

    #[test]
    fn the_top_folder_is_the_one_with_the_workspace() {
        assert!(root().join("core/src/lib.rs").is_file());
    }

    #[test]
    fn what_a_watched_program_prints_is_kept() {
        let watched = watch(cargo().arg("--version")).unwrap();
        assert!(watched.success() && watched.text.starts_with("cargo "), "{}", watched.text);
    }

    #[test]
    fn a_program_that_does_not_exist_is_named() {
        let error = capture(&mut program("no-such-program-here")).unwrap_err();
        assert!(error.contains("no-such-program-here does not start"), "{error}");
    }
}
