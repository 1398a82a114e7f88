//! The scenarios of `core/tests/scenarios`: builds the host of each language, and plays them in all.
//!
//! A language is a function here that builds its host and says how it is started. One whose host cannot be built is a
//! failure of its own; the others are played.

use std::{
    ffi::OsStr,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::{Map, Value, json};

use crate::{
    python::Venv,
    run::{self, Result, cargo, inherit, step, watch},
    tally::Tally,
    uniffi,
};

/// The variable that tells the driver, and the interop tests, which hosts there are.
pub(crate) const VARIABLE: &str = "DMAGENT_SCENARIO_HOSTS";
/// What a static library of Rust needs from the system.
const SYSTEM: [&str; 6] = ["-lgcc_s", "-lutil", "-lrt", "-lpthread", "-lm", "-ldl"];

/// The hosts of all languages but Rust, whose host cargo builds, and what could not be built.
pub(crate) struct Hosts {
    built: Map<String, Value>,
    pub(crate) failed: Vec<(&'static str, String)>,
}

impl Hosts {
    /// Builds them. The Python package is installed in `venv`, and the npm package built, when they are there.
    pub(crate) fn build(venv: Option<&Venv>) -> Self {
        step("hosts of the scenarios");
        let mut hosts = Self { built: Map::new(), failed: Vec::new() };
        hosts.add("c", c());
        hosts.add("cpp", cpp());
        hosts.add("node", node());
        match venv {
            Some(venv) => {
                let [with_asyncio, without] = python_hosts();
                hosts.add("python", python(venv, &with_asyncio, true));
                hosts.add("python_sync", python(venv, &without, false));
            }
            None => hosts.failed.push(("python", "the Python package is not installed, see above".into())),
        }
        hosts.add_if_there("kotlin", uniffi::kotlin_host());
        hosts.add_if_there("ruby", uniffi::ruby_host());
        hosts
    }

    /// Adds a language that this machine may lack; its own tests say so.
    fn add_if_there(&mut self, language: &'static str, host: Result<Option<Command>>) {
        match host {
            Ok(Some(host)) => self.add(language, Ok(told(&host))),
            Ok(None) => {}
            Err(why) => self.add(language, Err(why)),
        }
    }

    fn add(&mut self, language: &'static str, host: Result<Value>) {
        match host {
            Ok(host) => {
                self.built.insert(language.to_owned(), host);
            }
            Err(why) => self.failed.push((language, why)),
        }
    }

    /// The value of [`VARIABLE`].
    pub(crate) fn text(&self) -> String {
        Value::Object(self.built.clone()).to_string()
    }

    /// Plays the scenarios whose test has `filter` in its name, or all, in every language.
    pub(crate) fn play(&self, filter: Option<&str>) -> Result<Tally> {
        step("scenarios in every language");
        let mut command = cargo();
        command.args(["test", "--quiet", "--workspace", "--test", "scenarios", "--"]).args(filter);
        command.env(VARIABLE, self.text());
        // Python is not to write into the source tree, and a host in C is to tell what it leaks.
        command.env("PYTHONDONTWRITEBYTECODE", "1").env("ASAN_OPTIONS", "detect_leaks=1");
        Ok(Tally::of_cargo(&watch(&mut command)?))
    }
}

fn c() -> Result<Value> {
    let to = compiled("cc", "scenario_host.c", "-std=gnu11")?;
    Ok(json!({"command": [to], "input": "words", "pairs": true}))
}

fn cpp() -> Result<Value> {
    let to = compiled("c++", "scenario_host.cpp", "-std=c++17")?;
    Ok(json!({"command": [to], "input": "words"}))
}

/// Compiles a host with the static library, under AddressSanitizer: it also finds what a host leaks.
fn compiled(compiler: &str, source: &str, standard: &str) -> Result<PathBuf> {
    // All of the workspace: one package alone would be built with other features, and anew.
    inherit(cargo().args(["build", "--quiet", "--workspace", "--lib"]))?;
    let folder = run::target("scenario-hosts");
    fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let to = folder.join(format!("{}{}", source.replace('.', "_"), std::env::consts::EXE_SUFFIX));
    let library = run::built_folder("debug")?.join("libdmagent.a");
    let source = run::root().join("ffi/tests/c").join(source);
    let headers = ["dmagent.h", "dmagent.hpp"].map(|header| run::root().join("include").join(header));
    let changed = |path: &PathBuf| path.metadata().and_then(|file| file.modified()).ok();
    let newest = headers.iter().chain([&library, &source]).filter_map(changed).max();
    if changed(&to) > newest {
        return Ok(to);
    }
    let mut command = run::program(compiler);
    command.args([standard, "-Wall", "-Wextra", "-Werror", "-Wpedantic", "-g", "-O1", "-fsanitize=address"]);
    command.args(["-fno-omit-frame-pointer", "-I", "include"]).arg(&source);
    command.arg("-o").arg(&to).arg(&library).args(SYSTEM);
    run::capture(&mut command)?;
    Ok(to)
}

/// A host that meets the others, as the driver is told of it.
fn told(host: &Command) -> Value {
    let shown = |word: &OsStr| word.to_string_lossy().into_owned();
    let words: Vec<_> = std::iter::once(host.get_program()).chain(host.get_args()).map(shown).collect();
    let env: Map<_, _> =
        host.get_envs().filter_map(|(name, value)| Some((shown(name), shown(value?).into()))).collect();
    json!({"command": words, "env": env, "pairs": true})
}

fn node() -> Result<Value> {
    let host = run::root().join("node/test/scenario_host.mjs");
    if !run::root().join("node/dmagent.node").is_file() {
        return Err("the npm package is not built, see above".into());
    }
    run::capture(Command::new("node").arg("--check").arg(&host))?;
    Ok(json!({"command": ["node", host], "pairs": true}))
}

/// The hosts of Python, which are checked for their types as its tests are.
pub(crate) fn python_hosts() -> [PathBuf; 2] {
    ["scenario_host.py", "scenario_host_sync.py"].map(|host| run::root().join("python/tests").join(host))
}

fn python(venv: &Venv, host: &Path, pairs: bool) -> Result<Value> {
    run::capture(Command::new(venv.interpreter()).args(["-c", "import dmagent"]))?;
    Ok(json!({"command": [venv.interpreter(), host], "pairs": pairs}))
}
