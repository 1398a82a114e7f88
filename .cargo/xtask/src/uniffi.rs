//! The uniffi binding: what is generated, and the tests in Kotlin and Ruby. Their packages are in `packages`.
//!
//! Kotlin is compiled by the compiler that npm has, against Debian's JNA; Ruby needs Debian's `ruby-ffi`. Both are optional:
//! what is missing is installed where that can be done, else its tests are skipped with a sentence.

use std::{
    collections::hash_map::DefaultHasher,
    fs,
    hash::{Hash as _, Hasher as _},
    path::{Path, PathBuf},
    process::Command,
    sync::OnceLock,
};

use crate::{
    python,
    run::{self, Result, cargo, inherit, watch},
    tally::Tally,
};

/// The schema that the Rust half is made from.
const SCHEMA: &str = "include/dmagent.schema.json";
/// Where Debian and others put JNA. `DMAGENT_JNA` names another place.
const JNA: [&str; 2] = ["/usr/share/java/jna.jar", "/usr/share/java/jna/jna.jar"];

/// A path below the folder of the binding.
pub(crate) fn folder(path: &str) -> PathBuf {
    run::root().join("bindings/uniffi").join(path)
}

// ---- What is generated ------------------------------------------------------------------------------------------------

/// One file of the Rust half, made from the schema.
pub(crate) fn rust_part(what: &str) -> Result<String> {
    let (python, _) = python::interpreter()?;
    let rough = run::target(&format!("uniffi/{what}.rs"));
    let made = run::capture(run::program(python).args(["bindings/uniffi/tools/generate.py", SCHEMA, what]))?;
    written(&rough, &made)?;
    run::capture(
        run::program("rustfmt")
            .args(["--edition", "2024", "--emit", "stdout", "--quiet"])
            .args(["--config-path", ".rustfmt.toml"])
            .arg(&rough),
    )
    .map(|text| {
        text.split_once("\n\n")
            .filter(|(first, _)| first.ends_with(".rs:"))
            .map_or(text.clone(), |(_, rest)| rest.to_owned())
    })
}

/// One file of the generated languages, by its path below the folder of the generator.
pub(crate) fn foreign_part(path: &str) -> Result<String> {
    static GENERATED: OnceLock<Result<PathBuf>> = OnceLock::new();
    let made = GENERATED.get_or_init(foreign).clone()?.join(path);
    let text = fs::read_to_string(&made).map_err(|error| format!("{}: {error}", made.display()))?;
    // The generators leave blanks behind.
    Ok(text.lines().map(|line| format!("{}\n", line.trim_end())).collect())
}

/// Runs the generator of uniffi over the library, for all languages.
fn foreign() -> Result<PathBuf> {
    let library = library()?;
    let out = run::target("uniffi/generated");
    let mut generator = cargo();
    generator.args(["run", "--quiet", "--manifest-path", "bindings/uniffi/bindgen/Cargo.toml"]);
    // A folder of its own: it would be in the way of the other builds.
    generator.arg("--target-dir").arg(run::target("uniffi/bindgen"));
    generator.args(["--", "generate", "--no-format", "--metadata-no-deps", "--out-dir"]).arg(&out);
    for language in ["kotlin", "swift", "ruby", "python"] {
        generator.args(["--language", language]);
    }
    run::capture(generator.arg(&library))?;
    Ok(out)
}

/// The library, built for the tests.
pub(crate) fn library() -> Result<PathBuf> {
    // All of the workspace: one package alone would be built with other features, and anew.
    inherit(cargo().args(["build", "--quiet", "--workspace", "--lib"]))?;
    run::built_library("debug", "dmagent_uniffi")
}

// ---- What the languages need ------------------------------------------------------------------------------------------

/// The tools of Kotlin.
#[derive(Clone)]
pub(crate) struct Kotlin {
    compiler: PathBuf,
    /// What a program needs at hand: the standard library, coroutines and JNA.
    pub(crate) class_path: Vec<PathBuf>,
}

/// Kotlin, installed where it is missing. The error is a sentence for whoever misses it.
pub(crate) fn kotlin() -> Result<Kotlin> {
    static FOUND: OnceLock<Result<Kotlin>> = OnceLock::new();
    FOUND.get_or_init(find_kotlin).clone()
}

fn find_kotlin() -> Result<Kotlin> {
    let advice = "Kotlin is left out:";
    run::capture(run::program("java").arg("-version"))
        .map_err(|_| format!("{advice} it needs Java 17 or newer; put `java` on the path."))?;
    let named = run::variable("DMAGENT_JNA").map(PathBuf::from);
    let jna = || named.clone().into_iter().chain(JNA.map(PathBuf::from)).find(|path| path.is_file());
    if jna().is_none() {
        from_debian(&["libjna-java"]);
    }
    let jna = jna().ok_or_else(|| {
        format!(
            "{advice} it needs JNA; install the Debian package libjna-java, or set DMAGENT_JNA to its jar."
        )
    })?;
    let tools = folder("kotlin/node_modules/kotlin-compiler/lib");
    // The tools are large; they are installed once for a lock file.
    let lock = fs::read_to_string(folder("kotlin/package-lock.json")).map_err(|error| error.to_string())?;
    let stamp = folder("kotlin/node_modules/stamp.txt");
    if fs::read_to_string(&stamp).is_ok_and(|found| found == lock) && tools.is_dir() {
        return Ok(Kotlin::of(tools, jna));
    }
    let mut install = run::program(if cfg!(windows) { "npm.cmd" } else { "npm" });
    install.current_dir(folder("kotlin")).args(["ci", "--silent", "--no-audit", "--no-fund"]);
    run::capture(&mut install)
        .map_err(|error| format!("{advice} npm cannot install its compiler.\n{error}"))?;
    written(&stamp, &lock)?;
    Ok(Kotlin::of(tools, jna))
}

/// Ruby with its `ffi`, installed where it is missing. The error is a sentence for whoever misses it.
pub(crate) fn ruby() -> Result {
    static FOUND: OnceLock<Result> = OnceLock::new();
    FOUND.get_or_init(find_ruby).clone()
}

fn find_ruby() -> Result {
    let there = || run::capture(run::program("ruby").args(["-e", "require 'ffi'"])).is_ok();
    if !there() {
        from_debian(&["ruby", "ruby-ffi"]);
    }
    if there() {
        return Ok(());
    }
    Err("Ruby is left out: it needs Ruby 3.0 or newer with `ffi`; install the Debian packages ruby and ruby-ffi.".to_owned())
}

/// Installs packages if this is a Debian and we may; whoever needs them looks again afterwards.
fn from_debian(packages: &[&str]) {
    let root = run::capture(run::program("id").arg("-u")).is_ok_and(|told| told.trim() == "0");
    if !root || !Path::new("/etc/debian_version").is_file() {
        return;
    }
    println!("installing the Debian packages {}", packages.join(", "));
    let mut install = run::program("apt-get");
    install.args(["install", "--yes", "--quiet", "--no-install-recommends"]).args(packages);
    install.env("DEBIAN_FRONTEND", "noninteractive");
    if let Err(why) = run::capture(&mut install) {
        println!("They cannot be installed: {}", why.lines().next().unwrap_or_default());
    }
}

impl Kotlin {
    fn of(tools: PathBuf, jna: PathBuf) -> Self {
        let class_path =
            vec![tools.join("kotlin-stdlib.jar"), tools.join("kotlinx-coroutines-core-jvm.jar"), jna];
        Self { compiler: tools, class_path }
    }

    /// Compiles the sources in these folders to `target/uniffi/classes/{name}`, unless they are compiled already.
    pub(crate) fn compiled(&self, name: &str, folders: &[&str], needs: &[PathBuf]) -> Result<PathBuf> {
        let out = run::target(&format!("uniffi/classes/{name}"));
        let mut hasher = DefaultHasher::new();
        for needed in self.class_path.iter().chain(needs) {
            // A folder of ours has a stamp that changes with what it was compiled from.
            (needed, fs::read_to_string(needed.with_extension("stamp")).unwrap_or_default())
                .hash(&mut hasher);
            if needs.contains(needed) && needed.is_file() {
                fs::read(needed).unwrap_or_default().hash(&mut hasher);
            }
        }
        for source in folders.iter().flat_map(|path| sources(&folder(path))) {
            let text =
                fs::read_to_string(&source).map_err(|error| format!("{}: {error}", source.display()))?;
            (source, text).hash(&mut hasher);
        }
        let (stamp, expected) = (out.with_extension("stamp"), hasher.finish().to_string());
        if fs::read_to_string(&stamp).is_ok_and(|found| found == expected) {
            return Ok(out);
        }
        let _absent = fs::remove_dir_all(&out);
        run::capture(&mut self.compiler(&out, folders, needs)?)?;
        written(&stamp, &expected)?;
        Ok(out)
    }

    /// The compiler, about to compile the sources in these folders to `out`.
    fn compiler(&self, out: &Path, folders: &[&str], needs: &[PathBuf]) -> Result<Command> {
        let mut command = run::program("java");
        command.arg("-cp").arg(self.compiler.join("*"));
        command.args(["org.jetbrains.kotlin.cli.jvm.K2JVMCompiler", "-no-stdlib", "-no-reflect", "-nowarn"]);
        command.args(["-jvm-target", "17", "-cp"]).arg(joined(self.class_path.iter().chain(needs))?);
        command.arg("-d").arg(out).args(folders.iter().map(|path| folder(path)));
        Ok(command)
    }

    /// Sees that the compiler refuses just those lines of a folder that say so, each for the reason that it says.
    fn refuses(&self, path: &str, needs: &[PathBuf]) -> Result {
        let mut compiler = self.compiler(&run::target("uniffi/classes/refused"), &[path], needs)?;
        let said = compiler.output().map_err(|error| format!("the compiler does not start: {error}"))?;
        let said = String::from_utf8_lossy(&said.stderr).into_owned();
        let refused = |place: &str| {
            let names = |line: &&str| line.contains(place);
            said.lines()
                .find(names)
                .and_then(|line| line.split_once(": error: "))
                .map(|(_, why)| why.to_owned())
        };
        let mut expected = 0;
        for source in sources(&folder(path)) {
            let text =
                fs::read_to_string(&source).map_err(|error| format!("{}: {error}", source.display()))?;
            for (number, line) in text.lines().enumerate() {
                let Some((_, reason)) = line.split_once("// refused: ") else { continue };
                // The compiler tells the path from the folder it runs in.
                let file = source.file_name().unwrap_or_default().to_string_lossy();
                let place = format!("{file}:{}:", number + 1);
                if !refused(&place).is_some_and(|why| why.contains(reason)) {
                    return Err(format!("{place} is not refused with `{reason}`:\n{said}"));
                }
                expected += 1;
            }
        }
        if said.matches(": error: ").count() == expected {
            return Ok(());
        }
        Err(format!("{expected} lines are to be refused:\n{said}"))
    }

    /// A program of the package that is about to run a main class; its own classes lie in `classes`.
    pub(crate) fn program(&self, classes: &[PathBuf], main: &str) -> Result<Command> {
        self.program_with(&library()?, classes, main)
    }

    /// As [`Kotlin::program`], with this library.
    pub(crate) fn program_with(&self, library: &Path, classes: &[PathBuf], main: &str) -> Result<Command> {
        let mut command = run::program("java");
        command.arg("-cp").arg(joined(self.class_path.iter().chain(classes))?);
        let place = library.parent().ok_or("the library lies in no folder")?;
        command.arg(format!("-Djna.library.path={}", place.display())).arg(main);
        Ok(command)
    }

    /// The package, compiled.
    pub(crate) fn package(&self) -> Result<PathBuf> {
        self.compiled("package", &["kotlin/generated", "kotlin/src"], &[])
    }
}

/// A Ruby program that is about to run a file, with the package at hand.
pub(crate) fn ruby_program(file: &str) -> Result<Command> {
    let mut command = run::program("ruby");
    command.arg("-I").arg(folder("ruby/lib")).arg(folder(file)).env("DMAGENT_LIBRARY", library()?);
    Ok(command)
}

fn joined<'a>(paths: impl Iterator<Item = &'a PathBuf>) -> Result<std::ffi::OsString> {
    std::env::join_paths(paths).map_err(|error| format!("a path cannot be part of a class path: {error}"))
}

fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for path in fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()) {
        if path.is_dir() {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "kt") {
            found.push(path);
        }
    }
    found.sort();
    found
}

fn written(path: &Path, text: &str) -> Result {
    let folder = path.parent().ok_or("a file lies in no folder")?;
    fs::create_dir_all(folder)
        .and_then(|()| fs::write(path, text))
        .map_err(|error| format!("{}: {error}", path.display()))
}

// ---- Tests ------------------------------------------------------------------------------------------------------------

/// What a test of the compiler is called.
const REFUSED: &str = "what would lose sight of a message does not compile";

/// The tests in Kotlin whose name contains `filter`, or all; all, too, where it is the name of the language.
pub(crate) fn test_kotlin(filter: Option<&str>) -> Result<Tally> {
    let kotlin = match kotlin() {
        Ok(kotlin) => kotlin,
        Err(why) => return Ok(left_out(&why)),
    };
    let filter = filter.filter(|name| *name != "Kotlin");
    let needs = [kotlin.package()?];
    let tests = kotlin.compiled("tests", &["kotlin/tests"], &needs)?;
    let mut tally = Tally::default();
    if filter.is_none_or(|filter| REFUSED.contains(filter)) {
        let outcome = kotlin.refuses("kotlin/refused", &needs).map_err(|why| println!("{why}"));
        println!("{}ok - {REFUSED}", if outcome.is_ok() { "" } else { "not " });
        tally += Tally::one(outcome.is_ok());
    }
    let [package] = needs;
    let mut command = kotlin.program(&[package, tests], "dmagent.tests.TestsKt")?;
    tally += Tally::of_tap(&watch(command.args(filter))?);
    Ok(tally)
}

/// The tests in Ruby whose name contains `filter`, or all; all, too, where it is the name of the language.
pub(crate) fn test_ruby(filter: Option<&str>) -> Result<Tally> {
    if let Err(why) = ruby() {
        return Ok(left_out(&why));
    }
    let filter = filter.filter(|name| *name != "Ruby");
    Ok(Tally::of_tap(&watch(ruby_program("ruby/tests/tests.rb")?.args(filter))?))
}

/// The host of the scenarios in Kotlin; none where Kotlin is left out.
pub(crate) fn kotlin_host() -> Result<Option<Command>> {
    let Ok(kotlin) = kotlin() else { return Ok(None) };
    // The host finds verbs by reflection.
    let needs = [kotlin.package()?, kotlin.compiler.join("kotlin-reflect.jar")];
    let host = kotlin.compiled("scenarios", &["kotlin/scenarios"], &needs)?;
    let [package, reflection] = needs;
    kotlin.program(&[package, host, reflection], "dmagent.scenarios.HostKt").map(Some)
}

/// The host of the scenarios in Ruby; none where Ruby is left out.
pub(crate) fn ruby_host() -> Result<Option<Command>> {
    if ruby().is_err() {
        return Ok(None);
    }
    ruby_program("ruby/tests/scenario_host.rb").map(Some)
}

/// What was generated for Python, used once; it counts as one test.
pub(crate) fn test_python() -> Result<Tally> {
    let (python, _) = python::interpreter()?;
    let library = library()?;
    let mut command = run::program(python);
    command.arg(folder("python/tests/use.py")).arg(library).env("PYTHONDONTWRITEBYTECODE", "1");
    Ok(Tally::one(watch(&mut command)?.success()))
}

fn left_out(why: &str) -> Tally {
    println!("{why}");
    Tally { skipped: 1, ..Tally::default() }
}
