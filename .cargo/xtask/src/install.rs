//! `cargo xtask install`: the C library where programs of other languages find it.
//!
//! Below the prefix lie `include/dmagent.h` and `.hpp`, the shared and the static library in `lib/`, what pkg-config
//! and CMake read, and the schema of verbs and records. The tree finds itself, so it may be moved. [`used()`] builds
//! programs against such a tree, wherever it lies.

use std::{
    env::consts::{DLL_PREFIX, DLL_SUFFIX},
    fs, io,
    path::{Path, PathBuf},
    process::Command,
};

use crate::{
    python::Venv,
    run::{self, Result, capture, cargo, inherit, step},
    tally::Tally,
};

/// What the static library needs from the system.
const SYSTEM: &[&str] = if cfg!(windows) {
    &["ws2_32", "bcrypt", "userenv", "ntdll", "advapi32", "crypt32", "iphlpapi"]
} else if cfg!(target_os = "macos") {
    &["m", "pthread", "iconv"]
} else {
    &["gcc_s", "util", "rt", "pthread", "m", "dl"]
};

/// Builds the library and puts it below `prefix`.
pub(crate) fn install(prefix: &Path) -> Result {
    step("building the C library");
    inherit(cargo().args(["build", "--release", "--package", "dmagent-ffi"]))?;
    place(&run::built_folder("release")?, prefix)
        .map_err(|error| format!("{}: {error}", prefix.display()))?;
    println!("installed in {}", prefix.display());
    Ok(())
}

/// Puts what was built below `prefix`, with all that belongs to it.
pub(crate) fn place(built: &Path, prefix: &Path) -> io::Result<()> {
    let (include, lib, share) = (prefix.join("include"), prefix.join("lib"), prefix.join("share/dmagent"));
    let (pkgconfig, cmake) = (lib.join("pkgconfig"), lib.join("cmake/dmagent"));
    for folder in [&include, &lib, &share, &pkgconfig, &cmake] {
        fs::create_dir_all(folder)?;
    }
    for header in ["dmagent.h", "dmagent.hpp"] {
        fs::copy(run::root().join("include").join(header), include.join(header))?;
    }
    // What `dm_call` takes and returns.
    let schema = "dmagent.schema.json";
    fs::copy(run::root().join("include").join(schema), share.join(schema))?;
    let names = Names::new();
    fs::copy(built.join(&names.built), lib.join(&names.shared))?;
    fs::copy(built.join(&names.archive), lib.join(&names.archive))?;
    if names.shared != names.built {
        // What a linker looks for leads to what a program loads.
        let link = lib.join(&names.built);
        let _absent = fs::remove_file(&link);
        symlink(&names.shared, &link)?;
    }
    for (template, folder) in [
        ("dmagent.pc", &pkgconfig),
        ("dmagent-config.cmake", &cmake),
        ("dmagent-config-version.cmake", &cmake),
    ] {
        let text = fs::read_to_string(run::root().join("ffi/install").join(template))?;
        fs::write(folder.join(template), names.filled(&text))?;
    }
    Ok(())
}

#[cfg(unix)]
fn symlink(to: &str, link: &Path) -> io::Result<()> {
    std::os::unix::fs::symlink(to, link)
}

#[cfg(not(unix))]
fn symlink(to: &str, link: &Path) -> io::Result<()> {
    fs::copy(link.with_file_name(to), link).map(drop)
}

/// What the files are called on this system.
struct Names {
    /// The shared library as cargo calls it, which is the name that a linker looks for.
    built: String,
    /// The name that programs load: it says which border it has.
    shared: String,
    archive: String,
}

impl Names {
    fn new() -> Self {
        let built = format!("{DLL_PREFIX}dmagent{DLL_SUFFIX}");
        let abi = include_str!("../../../ffi/abi").trim();
        let shared = match DLL_SUFFIX {
            ".so" => format!("{built}.{abi}"),
            ".dylib" => format!("{DLL_PREFIX}dmagent.{abi}{DLL_SUFFIX}"),
            _ => built.clone(),
        };
        let archive = if cfg!(windows) { "dmagent.lib" } else { "libdmagent.a" };
        Self { built, shared, archive: archive.to_owned() }
    }

    fn filled(&self, template: &str) -> String {
        let flags: Vec<_> = SYSTEM.iter().map(|name| format!("-l{name}")).collect();
        template
            .replace("@VERSION@", env!("CARGO_PKG_VERSION"))
            .replace("@DESCRIPTION@", "an agent mesh that you link")
            .replace("@SHARED@", &self.shared)
            .replace("@SONAME@", &self.shared)
            .replace("@STATIC@", &self.archive)
            .replace("@SYSTEM_LIST@", &SYSTEM.join(";"))
            .replace("@SYSTEM@", &flags.join(" "))
    }
}

/// Builds and runs programs against an installed tree: with pkg-config, shared and static, and with CMake, which is one
/// of the `tools`.
pub(crate) fn used(tools: &Venv, work: &Path, prefix: &Path) -> Tally {
    let mut tally = Tally::default();
    let mut ways = vec![("CMake", with_cmake(tools, work, prefix))];
    if capture(run::program("pkg-config").arg("--version")).is_ok() {
        ways.push(("pkg-config", with_pkg_config(work, prefix)));
    } else {
        println!("pkg-config is not installed, so dmagent.pc was not tried");
        tally.skipped += 1;
    }
    for (what, outcome) in ways {
        let passed = outcome.map_err(|why| println!("{what}: {why}")).is_ok();
        println!("a consumer with {what}: {}", if passed { "passed" } else { "failed" });
        tally += Tally::one(passed);
    }
    tally
}

/// Builds the examples against an installed tree, and returns the folder of the programs.
pub(crate) fn examples(tools: &Venv, work: &Path, prefix: &Path) -> Result<PathBuf> {
    let build = work.join("examples");
    configured(tools, &run::root().join("ffi/examples"), &build, prefix)?;
    Ok(build)
}

/// A program that finds the shared library of an installed tree.
pub(crate) fn with_library(program: &Path, prefix: &Path) -> Command {
    let mut command = Command::new(program);
    command.env("LD_LIBRARY_PATH", prefix.join("lib"));
    command
}

fn consumer(name: &str) -> PathBuf {
    run::root().join("ffi/tests/consumer").join(name)
}

/// Runs a program, which prints our version and an agent id.
fn speaks(program: &Path, prefix: &Path) -> Result {
    let said = capture(&mut with_library(program, prefix))?;
    let words: Vec<_> = said.split_whitespace().collect();
    match words[..] {
        [env!("CARGO_PKG_VERSION"), id] if id.len() == 64 => Ok(()),
        _ => Err(format!("{} says {said:?}", program.display())),
    }
}

fn with_pkg_config(work: &Path, prefix: &Path) -> Result {
    let ask = |arguments: &[&str]| {
        let mut command = run::program("pkg-config");
        command.args(arguments).arg("dmagent").env("PKG_CONFIG_PATH", prefix.join("lib/pkgconfig"));
        Ok::<_, String>(words(&capture(&mut command)?))
    };
    let version = ask(&["--modversion"])?;
    if version != [env!("CARGO_PKG_VERSION")] {
        return Err(format!("pkg-config finds version {version:?}"));
    }
    for (compiler, source) in [("cc", "consumer.c"), ("c++", "consumer.cpp")] {
        for kind in ["shared", "static"] {
            let program = work.join(format!("{source}-{kind}"));
            let mut flags = ask(&["--cflags", "--libs"])?;
            if kind == "static" {
                flags = ask(&["--cflags", "--libs", "--static"])?;
                // The linker prefers the shared one where it finds both.
                let archive = prefix.join("lib/libdmagent.a").display().to_string();
                flags
                    .iter_mut()
                    .filter(|flag| *flag == "-ldmagent")
                    .for_each(|flag| flag.clone_from(&archive));
            }
            capture(run::program(compiler).arg(consumer(source)).arg("-o").arg(&program).args(flags))?;
            speaks(&program, prefix)?;
        }
    }
    Ok(())
}

/// What pkg-config prints, with spaces inside words behind a backslash.
fn words(text: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut characters = text.trim().chars();
    while let Some(character) = characters.next() {
        match character {
            '\\' => words.last_mut().expect("there is one").extend(characters.next()),
            ' ' | '\n' => words.push(String::new()),
            other => words.last_mut().expect("there is one").push(other),
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

fn with_cmake(tools: &Venv, work: &Path, prefix: &Path) -> Result {
    let (source, build) = (work.join("cmake"), work.join("cmake build"));
    let failed = |error: io::Error| error.to_string();
    fs::create_dir_all(&source).map_err(failed)?;
    for file in ["CMakeLists.txt", "consumer.c", "consumer.cpp"] {
        let text = fs::read_to_string(consumer(file)).map_err(failed)?;
        fs::write(source.join(file), text.replace("@VERSION@", env!("CARGO_PKG_VERSION"))).map_err(failed)?;
    }
    configured(tools, &source, &build, prefix)?;
    for program in ["c_dmagent", "c_static", "cpp_dmagent", "cpp_static"] {
        speaks(&build.join(program), prefix)?;
    }
    Ok(())
}

/// Builds a project with CMake.
fn configured(tools: &Venv, source: &Path, build: &Path, prefix: &Path) -> Result {
    let mut configure = tools.module("cmake");
    configure.arg("-S").arg(source).arg("-B").arg(build);
    configure.arg(format!("-DCMAKE_PREFIX_PATH={}", prefix.display()));
    capture(&mut configure)?;
    capture(tools.module("cmake").arg("--build").arg(build))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spaces_in_paths_are_not_the_end_of_a_word() {
        assert_eq!(words("-I/a\\ b/include  -ldmagent\n"), ["-I/a b/include", "-ldmagent"]);
    }

    #[test]
    fn nothing_is_left_open_in_a_template() {
        for template in ["dmagent.pc", "dmagent-config.cmake", "dmagent-config-version.cmake"] {
            let text = fs::read_to_string(run::root().join("ffi/install").join(template)).unwrap();
            let filled = Names::new().filled(&text);
            assert!(!filled.contains('@'), "{filled}");
        }
    }
}
