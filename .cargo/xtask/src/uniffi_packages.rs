//! The packages that uniffi serves: a jar for Kotlin and a gem for Ruby, each with the native library of this system inside.

use std::{
    fs,
    path::{Path, PathBuf},
};

use crate::{
    python,
    run::{self, Result, capture, cargo, inherit, watch},
    tally::Tally,
    uniffi,
};

/// The version of all packages.
const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Makes `dmagent-kotlin-{version}.jar` in a folder: the classes, the native library where JNA looks for it, and the licences.
/// Programs need JNA, the standard library of Kotlin and its coroutines beside it.
pub(crate) fn kotlin_jar(out: &Path, release: bool) -> Result<PathBuf> {
    let kotlin = uniffi::kotlin()?;
    let stage = fresh(&run::target("uniffi/jar"))?;
    copied(&kotlin.package()?, &stage)?;
    let library = library(release)?;
    let native = stage.join(jna_folder()?);
    copied(&library, &native.join(named(&library)?))?;
    let licences = stage.join("META-INF");
    for name in ["LICENSE-APACHE", "LICENSE-MIT"] {
        copied(&run::root().join(name), &licences.join(name))?;
    }
    let jar = out.join(format!("dmagent-kotlin-{VERSION}.jar"));
    fs::create_dir_all(out).map_err(|error| format!("{}: {error}", out.display()))?;
    let mut command = run::program("jar");
    command.args(["--create", "--file"]).arg(&jar).arg("-C").arg(&stage).arg(".");
    capture(&mut command)
        .map_err(|error| format!("`jar` of a Java development kit makes the jar. {error}"))?;
    Ok(jar)
}

/// Makes the gem of this platform in a folder.
pub(crate) fn ruby_gem(out: &Path, release: bool) -> Result<PathBuf> {
    uniffi::ruby()?;
    let stage = fresh(&run::target("uniffi/gem"))?;
    copied(&uniffi::folder("ruby/lib"), &stage.join("lib"))?;
    copied(&uniffi::folder("ruby/dmagent.gemspec"), &stage.join("dmagent.gemspec"))?;
    copied(&uniffi::folder("README.md"), &stage.join("README.md"))?;
    for name in ["LICENSE-APACHE", "LICENSE-MIT"] {
        copied(&run::root().join(name), &stage.join(name))?;
    }
    let library = library(release)?;
    copied(&library, &stage.join("lib/dmagent").join(named(&library)?))?;
    fs::create_dir_all(out).map_err(|error| format!("{}: {error}", out.display()))?;
    let gem = out.join("dmagent.gem");
    let mut command = run::program("gem");
    command.current_dir(&stage).env("DMAGENT_VERSION", VERSION);
    capture(command.args(["build", "--quiet", "dmagent.gemspec", "--output"]).arg(&gem))?;
    // The name that other tools expect says the platform, which Ruby knows.
    let platform = capture(run::program("ruby").args(["-e", "print Gem::Platform.local"]))?;
    let named = out.join(format!("dmagent-{VERSION}-{}.gem", platform.trim()));
    fs::rename(&gem, &named).map_err(|error| format!("{}: {error}", named.display()))?;
    Ok(named)
}

/// Makes both packages of the library of the tests, and lets an example run with nothing else.
pub(crate) fn test() -> Result<Tally> {
    let mut tally = Tally::default();
    let out = run::target("uniffi/packages");
    match uniffi::kotlin() {
        Ok(kotlin) => {
            let jar = kotlin_jar(&out, false)?;
            let examples = kotlin.compiled("examples", &["kotlin/examples"], &[kotlin.package()?])?;
            let mut command = run::program("java");
            let path = kotlin.class_path.iter().chain([&jar, &examples]);
            command.arg("-cp").arg(std::env::join_paths(path).map_err(|error| error.to_string())?);
            tally += Tally::one(watch(command.arg("dmagent.examples.two.TwoAgentsKt"))?.success());
        }
        Err(_) => tally.skipped += 1,
    }
    if uniffi::ruby().is_ok() {
        let (gem, home) = (ruby_gem(&out, false)?, fresh(&run::target("uniffi/gems"))?);
        let mut install = run::program("gem");
        install.args([
            "install",
            "--local",
            "--quiet",
            "--no-document",
            "--ignore-dependencies",
            "--install-dir",
        ]);
        capture(install.arg(&home).arg(gem))?;
        let default = capture(run::program("gem").args(["environment", "path"]))?;
        let mut command = run::program("ruby");
        command.env(
            "GEM_PATH",
            format!("{}{}{}", home.display(), if cfg!(windows) { ';' } else { ':' }, default.trim()),
        );
        command.env_remove("DMAGENT_LIBRARY").arg(uniffi::folder("ruby/examples/two_agents.rb"));
        tally += Tally::one(watch(&mut command)?.success());
    } else {
        tally.skipped += 1;
    }
    Ok(tally)
}

/// Whether the generated Swift has what the schema names, as text.
pub(crate) fn test_swift() -> Result<Tally> {
    let (python, _) = python::interpreter()?;
    let mut command = run::program(python);
    command.args(["bindings/uniffi/tools/check_swift.py", "include/dmagent.schema.json"]);
    command.arg("bindings/uniffi/swift/Sources/Dmagent/Dmagent.swift").env("PYTHONDONTWRITEBYTECODE", "1");
    Ok(Tally::one(watch(&mut command)?.success()))
}

/// The native library: that of the tests, or one for users.
fn library(release: bool) -> Result<PathBuf> {
    if !release {
        return uniffi::library();
    }
    inherit(cargo().args(["build", "--quiet", "--release", "--package", "dmagent-uniffi"]))?;
    let name = named(&uniffi::library()?)?;
    let path = run::built_folder("release")?.join(name);
    if path.is_file() { Ok(path) } else { Err(format!("{} was not built", path.display())) }
}

/// Where JNA looks for a library of this system inside a jar.
fn jna_folder() -> Result<String> {
    let system = match std::env::consts::OS {
        "linux" => "linux",
        "macos" => "darwin",
        "windows" => "win32",
        other => return Err(format!("the jar is not made on {other}")),
    };
    let machine = match std::env::consts::ARCH {
        "x86_64" => "x86-64",
        other => other,
    };
    Ok(format!("{system}-{machine}"))
}

fn named(path: &Path) -> Result<String> {
    let name = path.file_name().ok_or("a library has no name")?;
    Ok(name.to_string_lossy().into_owned())
}

/// An empty folder.
fn fresh(folder: &Path) -> Result<PathBuf> {
    if folder.exists() {
        fs::remove_dir_all(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    }
    fs::create_dir_all(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    Ok(folder.to_path_buf())
}

/// Copies a file, or a folder with all that is in it.
fn copied(from: &Path, to: &Path) -> Result {
    let failed = |error: std::io::Error| format!("{} to {}: {error}", from.display(), to.display());
    if from.is_dir() {
        for entry in fs::read_dir(from).map_err(failed)? {
            let path = entry.map_err(failed)?.path();
            copied(&path, &to.join(named(&path)?))?;
        }
        return Ok(());
    }
    let folder = to.parent().ok_or("a file lies in no folder")?;
    fs::create_dir_all(folder).and_then(|()| fs::copy(from, to)).map(drop).map_err(failed)
}
