//! Python environments below `target/`, made from a list of pinned packages and kept until the list changes.

use std::{
    fs, io,
    path::{Path, PathBuf},
    process::Command,
};

use crate::run::{self, Result};

/// The packages with which our own Python package and the interop tests are built, tested and checked.
pub(crate) const DEV: &str = "python/requirements-dev.txt";
/// The packages of the original 1.1.1, which the interop tests talk to.
pub(crate) const PEER: &str = ".cargo/xtask/peer-1.1.1.txt";
/// The variable that tells the interop tests which interpreter runs the original.
pub(crate) const PEER_VARIABLE: &str = "DMAGENT_PEER_PYTHON";

/// The variable that tells them which program is a node of ours.
pub(crate) const AGENT_VARIABLE: &str = "DMAGENT_AGENT";

/// An environment with an interpreter of its own.
pub(crate) struct Venv {
    folder: PathBuf,
}

impl Venv {
    /// The path of the interpreter.
    pub(crate) fn interpreter(&self) -> PathBuf {
        self.folder.join(if cfg!(windows) { "Scripts/python.exe" } else { "bin/python" })
    }

    /// The interpreter, about to run a module such as `pytest`.
    pub(crate) fn module(&self, name: &str) -> Command {
        let mut command = run::program(self.interpreter());
        command.args(["-m", name]);
        command
    }
}

/// The environment `target/venv-{name}` with the packages of a requirements file, made when it does not exist yet.
///
/// `None`, after a sentence about the cause, when there is no usable Python or the packages cannot be had.
pub(crate) fn venv(name: &str, requirements: &str) -> Option<Venv> {
    let folder = run::target(&format!("venv-{name}"));
    match prepared(folder, &run::root().join(requirements)) {
        Ok(venv) => Some(venv),
        Err(why) => {
            eprintln!("The Python packages of {requirements} are not available. {why}");
            None
        }
    }
}

/// Builds our Python package as a wheel and installs it, so that the tests see what a user would install.
pub(crate) fn install_package(venv: &Venv, release: bool) -> Result {
    let wheels = run::target("wheels");
    absent(&wheels).map_err(|error| format!("{}: {error}", wheels.display()))?;
    let mut build = venv.module("maturin");
    build.args(["build", "--quiet", "--manifest-path", "python/Cargo.toml", "--auditwheel", "skip"]);
    build.args(["--profile", if release { "release" } else { "dev" }, "--out"]).arg(&wheels);
    run::inherit(&mut build)?;
    let mut install = venv.module("pip");
    install.args(["install", "--quiet", "--no-deps", "--force-reinstall", "--disable-pip-version-check"]);
    install.args(files(&wheels, "whl"));
    run::inherit(&mut install)
}

/// The files of a folder with this extension, in order of their names; none if there is no such folder.
pub(crate) fn files(folder: &Path, extension: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut found: Vec<_> = entries
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|found| found == extension))
        .collect();
    found.sort();
    found
}

fn prepared(folder: PathBuf, requirements: &Path) -> Result<Venv> {
    let failed = |error: io::Error| format!("{}: {error}", folder.display());
    let list = fs::read_to_string(requirements).map_err(failed)?;
    let (python, version) = interpreter()?;
    // Another list or another Python means another environment.
    let (stamp, expected) = (folder.join("stamp.txt"), format!("Python {version}\n{list}"));
    if fs::read_to_string(&stamp).is_ok_and(|found| found == expected) {
        return Ok(Venv { folder });
    }
    println!("making {} (once)", folder.display());
    absent(&folder).map_err(failed)?;
    run::capture(run::program(python).args(["-m", "venv"]).arg(&folder))?;
    let venv = Venv { folder: folder.clone() };
    let mut install = venv.module("pip");
    install.args(["install", "--quiet", "--disable-pip-version-check", "--requirement"]).arg(requirements);
    run::capture(&mut install)
        .map_err(|error| format!("Can the package index be reached, and does it have them?\n{error}"))?;
    fs::write(stamp, expected).map_err(failed)?;
    Ok(venv)
}

/// A Python that can run all we need, and its version: `PYTHON` if that is set, else the one on the path.
pub(crate) fn interpreter() -> Result<(String, String)> {
    const VERSION: &str = "import platform, sys; sys.exit('older than 3.10') if sys.version_info < (3, 10) else print(platform.python_version())";
    let candidates = match run::variable("PYTHON") {
        Some(named) => vec![named],
        None => ["python3", "python"].map(str::to_owned).to_vec(),
    };
    let mut refused = Vec::new();
    for python in candidates {
        match run::capture(run::program(&python).args(["-c", VERSION])) {
            Ok(version) => return Ok((python, version.trim().to_owned())),
            Err(error) => refused.push(error),
        }
    }
    Err(format!("Python 3.10 or newer is needed; set PYTHON to one.\n{}", refused.join("\n")))
}

/// Removes a folder that may not exist.
pub(crate) fn absent(folder: &Path) -> io::Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}
