//! `cargo xtask test`: installs what the tests need, runs all of them, and adds up.
//!
//! A failure to build ends it. Everything after that runs to the end, whatever fails on the way, and the last line
//! is `N passed, N failed`.

use std::{
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use crate::{
    demo, dist, examples, fuzz, generate, node, parity,
    python::{self, Venv},
    run::{self, Result, cargo, inherit, step, watch},
    scenarios::{self, Hosts},
    soak,
    tally::Tally,
    uniffi,
};

/// How long each fuzz target runs here; `cargo xtask fuzz` takes its time.
const FUZZ: Duration = Duration::from_secs(10);
/// The status with which pytest says that no test was left to run.
const NOTHING_SELECTED: i32 = 5;

/// Runs the tests whose name contains `filter`, or all, and then the demo; `quick` leaves out the 1.1.1 peer and the
/// fuzzers.
pub(crate) fn test(quick: bool, filter: Option<&str>) -> Result {
    let mut report = Report::default();
    step("building everything");
    if let Err(why) = inherit(cargo().args(["test", "--workspace", "--no-run"])) {
        report.add("build", Err(why));
        return report.close();
    }
    step("Rust tests and documentation examples");
    report.add("Rust", rust(filter));
    if filter.is_none_or(|filter| filter == "generated") {
        step("files that are generated");
        report.add("generated files", generate::generate(true).map(|()| Tally::one(true)));
    }
    // Before Python, whose interop tests start programs in every language.
    node_js(&mut report, filter);
    foreign(&mut report, filter);
    python(&mut report, quick, filter);
    users(&mut report, filter);
    if filter.is_none() {
        step("the demo, quietly");
        report.add("demo", demo::test(quick));
    }
    if filter.is_none_or(|filter| filter == "soak") {
        step("a short soak");
        report.add("soak", soak::test());
    }
    if !quick && filter.is_none() {
        report.add("fuzz", fuzz::fuzz(FUZZ, None));
    }
    if let Some(filter) = filter
        && report.sum.is_empty()
    {
        report.add("filter", Err(format!("no test has `{filter}` in its name")));
    }
    report.close()
}

/// What users install and see. Each part also runs alone, when the filter is its name.
fn users(report: &mut Report, filter: Option<&str>) {
    let asked = |name| filter.is_none_or(|filter| filter == name);
    if asked("examples") {
        step("the examples in Rust");
        report.add("examples in Rust", Ok(examples::rust()));
    }
    if asked("packages") {
        report.add("packages", dist::test());
    }
    if asked("parity") {
        step("parity of the languages");
        report.add("parity", parity::test());
    }
}

/// What the runners said so far.
#[derive(Default)]
struct Report {
    sum: Tally,
    failures: Vec<String>,
}

impl Report {
    /// Counts what a runner reported. One that could not run at all counts as a failure.
    fn add(&mut self, name: &str, result: Result<Tally>) {
        let tally = match result {
            Ok(tally) if tally.failed == 0 => tally,
            Ok(tally) => {
                let told = tally.failures.iter().map(|failure| format!("\n        {failure}"));
                self.failures.push(format!(
                    "{name}: {} failed, see above{}",
                    tally.failed,
                    told.collect::<String>()
                ));
                tally
            }
            Err(why) => {
                self.failures.push(format!("{name}: {why}"));
                Tally::one(false)
            }
        };
        self.sum += tally;
    }

    /// Tells what failed, and ends with the one line that counts.
    fn close(self) -> Result {
        println!();
        for failure in &self.failures {
            println!("FAILED  {failure}");
        }
        if self.sum.skipped > 0 {
            println!("{} were skipped; their runner says why", self.sum.skipped);
        }
        println!("{} passed, {} failed", self.sum.passed, self.sum.failed);
        if self.failures.is_empty() { Ok(()) } else { Err(String::new()) }
    }
}

fn rust(filter: Option<&str>) -> Result<Tally> {
    let mut command = cargo();
    command.args(["test", "--workspace", "--no-fail-fast"]).args(filter);
    let tally = Tally::of_cargo(&watch(&mut command)?);
    expect_some(tally, filter)
}

/// The Python package and its tests; the interop tests are Python because the peer is.
fn python(report: &mut Report, quick: bool, filter: Option<&str>) {
    let tests = run::root().join("python/tests");
    let (interop, own) = test_files(&tests).into_iter().partition::<Vec<_>, _>(|path| is_interop(path));
    let package = run::root().join("python/pyproject.toml").is_file();
    let interop = if quick { Vec::new() } else { interop };
    if own.is_empty() && interop.is_empty() && !package {
        return;
    }

    step("Python packages for the tests");
    let Some(venv) = python::venv("dev", python::DEV) else {
        report.add("Python", Err("its packages are not available, see above".to_owned()));
        return play(report, &Hosts::build(None), filter);
    };
    if package {
        step("building and installing the Python package");
        if let Err(why) = python::install_package(&venv, false) {
            report.add("Python package", Err(why));
            return play(report, &Hosts::build(None), filter);
        }
        if filter.is_none() {
            step("types of the Python package");
            let users: Vec<_> =
                own.iter().cloned().chain(programs()).chain(scenarios::python_hosts()).collect();
            report.add("mypy", typed(&venv, "mypy", &["--strict", "--package", "dmagent"], &[]));
            report.add("mypy of tests and examples", typed(&venv, "mypy", &["--strict"], &users));
            // The rest of the package is its own stub.
            report.add("stubtest", typed(&venv, "mypy.stubtest", &["dmagent._native"], &[]));
        }
    }
    let hosts = Hosts::build(package.then_some(&venv));
    play(report, &hosts, filter);
    if !own.is_empty() {
        step("Python tests");
        report.add("pytest", pytest(venv.module("pytest"), &own, filter));
    }
    if !interop.is_empty() {
        step("interop with dmagent 1.1.1");
        if filter.is_none() {
            report.add("mypy of the interop tests", interop_types(&venv));
        }
        let command = with_originals(&venv, &hosts);
        report.add("interop", command.and_then(|command| pytest(command, &interop, filter)));
    }
}

/// The scenarios in every language whose host there is. One that is missing is a failure.
fn play(report: &mut Report, hosts: &Hosts, filter: Option<&str>) {
    for (language, why) in &hosts.failed {
        report.add(&format!("host of {language}"), Err(why.clone()));
    }
    report.add("scenarios", hosts.play(filter).and_then(|tally| expect_some(tally, filter)));
}

/// The npm package and its tests.
fn node_js(report: &mut Report, filter: Option<&str>) {
    step("building the npm package");
    let package = match node::package() {
        Ok(package) => package,
        Err(why) => return report.add("npm package", Err(why)),
    };
    if filter.is_none() {
        step("types of the npm package");
        report.add("tsc", package.types());
    }
    step("tests of the npm package");
    report.add("node --test", package.tests(filter).and_then(|tally| expect_some(tally, filter)));
}

/// The languages that uniffi serves.
fn foreign(report: &mut Report, filter: Option<&str>) {
    step("tests in Kotlin");
    report.add("Kotlin", uniffi::test_kotlin(filter));
    step("tests in Ruby");
    report.add("Ruby", uniffi::test_ruby(filter));
    if filter.is_none() {
        step("what uniffi made for Python");
        report.add("Python by uniffi", uniffi::test_python());
    }
}

/// Pytest with both kinds of nodes at hand.
fn with_originals(venv: &Venv, hosts: &Hosts) -> Result<Command> {
    let peer = python::venv("peer-1.1.1", python::PEER)
        .ok_or("dmagent 1.1.1 is not available, see above; `--quick` leaves it out")?;
    inherit(cargo().args(["build", "--quiet", "--workspace", "--example", demo::AGENT]))?;
    let mut command = venv.module("pytest");
    // What the tests of the Python package share is not for these.
    command.arg("--confcutdir").arg(run::root().join("python/tests/interop"));
    command.env(python::PEER_VARIABLE, peer.interpreter());
    command.env(python::AGENT_VARIABLE, run::built_example("debug", demo::AGENT)?);
    command.env(scenarios::VARIABLE, hosts.text());
    Ok(command)
}

fn interop_types(venv: &Venv) -> Result<Tally> {
    let folder = run::root().join("python/tests/interop");
    let folder = folder.to_str().ok_or("the path of the checkout is no text")?;
    typed(venv, "mypy", &["--strict", folder], &[])
}

fn pytest(mut command: Command, files: &[PathBuf], filter: Option<&str>) -> Result<Tally> {
    // `-rs` tells the reason of every skip. The cache would lie in the source tree.
    command.args(["-q", "-rs", "-p", "no:cacheprovider", "--color", "no"]).args(files);
    command.env("PYTHONDONTWRITEBYTECODE", "1");
    if let Some(filter) = filter {
        // Pytest reads an expression here; a Rust path is none, and matches no Python test anyway.
        if !filter.chars().all(|c| c.is_alphanumeric() || c == '_') {
            return Ok(Tally::default());
        }
        command.args(["-k", filter]);
    }
    let watched = watch(&mut command)?;
    if filter.is_some() && watched.code == Some(NOTHING_SELECTED) {
        return Ok(Tally::default());
    }
    expect_some(Tally::of_pytest(&watched), filter)
}

/// A checker that counts as one test. It works outside the source tree, where it sees the installed package only.
fn typed(venv: &Venv, module: &str, arguments: &[&str], files: &[PathBuf]) -> Result<Tally> {
    let mut command = venv.module(module);
    command.args(arguments).args(files).current_dir(run::target(""));
    Ok(Tally::one(watch(&mut command)?.success()))
}

/// Without a filter, a runner that ran nothing has not done its work.
fn expect_some(tally: Tally, filter: Option<&str>) -> Result<Tally> {
    if tally.is_empty() && filter.is_none() {
        return Err("no test ran, though there are some".to_owned());
    }
    Ok(tally)
}

/// The programs that show the Python package, and those that look at packages.
fn programs() -> Vec<PathBuf> {
    let mut found = python::files(&run::root().join("python/examples"), "py");
    found.extend(python::files(&run::root().join("python/tests/parity"), "py"));
    found.retain(|path| !is_test(path));
    found
}

/// The files below a folder that hold tests for pytest.
fn test_files(folder: &Path) -> Vec<PathBuf> {
    let mut found = python::files(folder, "py");
    found.retain(|path| is_test(path));
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut folders: Vec<_> = entries.map(|entry| entry.path()).filter(|path| path.is_dir()).collect();
    folders.sort();
    found.extend(folders.iter().flat_map(|folder| test_files(folder)));
    found
}

fn is_test(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("test_"))
}

fn is_interop(path: &Path) -> bool {
    // The folder itself, not one of the same name above the checkout.
    path.parent().is_some_and(|folder| folder.ends_with("python/tests/interop"))
}
