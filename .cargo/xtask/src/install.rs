//! `cargo xtask install`: the C library where programs of other languages find it.
//!
//! Below the prefix lie `include/dmagent.h` and `.hpp`, the shared and the static library in `lib/`, and what pkg-config
//! and CMake read. The tree finds itself, so it may be moved. [`test()`] builds programs against such a tree.

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
pub(crate) fn install(prefix: &Path, release: bool) -> Result {
    step("building the C library");
    let mut build = cargo();
    // Unoptimised it is that of the tests, which build everything together.
    build.args(if release {
        ["build", "--release", "--package", "dmagent-ffi"]
    } else {
        ["build", "--quiet", "--workspace", "--lib"]
    });
    inherit(&mut build)?;
    let built = run::built_folder(if release { "release" } else { "debug" })?;
    place(&built, prefix).map_err(|error| format!("{}: {error}", prefix.display()))?;
    println!("installed in {}", prefix.display());
    Ok(())
}

fn place(built: &Path, prefix: &Path) -> io::Result<()> {
    let (include, lib) = (prefix.join("include"), prefix.join("lib"));
    let (pkgconfig, cmake) = (lib.join("pkgconfig"), lib.join("cmake/dmagent"));
    for folder in [&include, &lib, &pkgconfig, &cmake] {
        fs::create_dir_all(folder)?;
    }
    for header in ["dmagent.h", "dmagent.hpp"] {
        fs::copy(run::root().join("include").join(header), include.join(header))?;
    }
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

/// Installs into a folder below `target/`, moves it, and builds and runs programs against it: with pkg-config, shared
/// and static, and with CMake. `venv` has CMake.
pub(crate) fn test(venv: &Venv) -> Result<Tally> {
    let work = run::target("install-test");
    let (first, prefix) = (work.join("first"), work.join("moved here"));
    let failed = |error: io::Error| format!("{}: {error}", work.display());
    match fs::remove_dir_all(&work) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(failed(error)),
        _ => {}
    }
    install(&first, false)?;
    fs::rename(&first, &prefix).map_err(failed)?;
    step("programs that use the installed C library");
    let mut tally = Tally::default();
    for (what, outcome) in
        [("pkg-config", with_pkg_config(&work, &prefix)), ("CMake", with_cmake(venv, &work, &prefix))]
    {
        let passed = outcome.map_err(|why| println!("{what}: {why}")).is_ok();
        println!("a consumer with {what}: {}", if passed { "passed" } else { "failed" });
        tally += Tally::one(passed);
    }
    Ok(tally)
}

fn consumer(name: &str) -> PathBuf {
    run::root().join("ffi/tests/consumer").join(name)
}

/// Runs a program, which prints our version and an agent id.
fn used(program: &Path, prefix: &Path) -> Result {
    let said = capture(Command::new(program).env("LD_LIBRARY_PATH", prefix.join("lib")))?;
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
            used(&program, prefix)?;
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

fn with_cmake(venv: &Venv, work: &Path, prefix: &Path) -> Result {
    let (source, build) = (work.join("cmake"), work.join("cmake build"));
    let failed = |error: io::Error| error.to_string();
    fs::create_dir_all(&source).map_err(failed)?;
    for file in ["CMakeLists.txt", "consumer.c", "consumer.cpp"] {
        let text = fs::read_to_string(consumer(file)).map_err(failed)?;
        fs::write(source.join(file), text.replace("@VERSION@", env!("CARGO_PKG_VERSION"))).map_err(failed)?;
    }
    let mut configure = venv.module("cmake");
    configure
        .arg("-S")
        .arg(&source)
        .arg("-B")
        .arg(&build)
        .arg(format!("-DCMAKE_PREFIX_PATH={}", prefix.display()));
    capture(&mut configure)?;
    capture(venv.module("cmake").arg("--build").arg(&build))?;
    for program in ["c_dmagent", "c_static", "cpp_dmagent", "cpp_static"] {
        used(&build.join(program), prefix)?;
    }
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
