//! The npm package: building its native half, and its tests.

use std::{fs, process::Command};

use crate::{
    run::{self, Result, cargo, inherit, watch},
    tally::Tally,
};

/// The oldest Node.js that the package is for; `engines` of its `package.json` says the same.
const OLDEST: (u32, u32) = (20, 9);

/// The package, built and with what its tests need.
pub(crate) struct Package;

/// Builds the native half into the package, and installs what its tests need. Fails with a sentence when there is no
/// Node.js to do it with.
pub(crate) fn package() -> Result<Package> {
    version()?;
    // All of the workspace: one package alone would be built with other features, and anew.
    inherit(cargo().args(["build", "--quiet", "--workspace", "--lib"]))?;
    place("debug")?;
    let mut install = in_package(if cfg!(windows) { "npm.cmd" } else { "npm" });
    install.args(["ci", "--silent", "--no-audit", "--no-fund"]);
    run::capture(&mut install)
        .map_err(|error| format!("Can the package index be reached, and does it have them?\n{error}"))?;
    Ok(Package)
}

/// Puts the native half, as it was built with a profile, into the package.
pub(crate) fn place(profile: &str) -> Result {
    let (built, place) =
        (run::built_library(profile, "dmagent_node")?, run::root().join("node/dmagent.node"));
    // A process that runs keeps the file it has loaded; writing into it would crash that one.
    let fresh = place.with_extension("fresh");
    fs::copy(&built, &fresh)
        .and_then(|_| fs::rename(&fresh, &place))
        .map_err(|error| format!("{} cannot be copied to {}: {error}", built.display(), place.display()))
}

impl Package {
    /// The compiler of TypeScript over the types, the examples, and programs that use them; it counts as one test.
    pub(crate) fn types(&self) -> Result<Tally> {
        let mut command = in_package("node");
        command.args(["node_modules/typescript/bin/tsc", "--project", "."]);
        Ok(Tally::one(watch(&mut command)?.success()))
    }

    /// The tests whose name contains `filter`, or all.
    pub(crate) fn tests(&self, filter: Option<&str>) -> Result<Tally> {
        let mut command = in_package("node");
        command.args(["--test", "--test-reporter", "tap"]);
        if let Some(filter) = filter {
            // Node.js reads a regular expression here.
            let plain: String = filter.chars().flat_map(escaped).collect();
            command.arg("--test-name-pattern").arg(plain);
        }
        let folder = run::root().join("node/test");
        let found = fs::read_dir(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
        let mut tests: Vec<_> = found.flatten().map(|entry| entry.path()).collect();
        tests.retain(|path| path.to_string_lossy().ends_with(".test.mjs"));
        tests.sort();
        let mut tally = Tally::of_tap(&watch(command.args(tests))?);
        if filter.is_some() {
            // What was not asked for.
            tally.skipped = 0;
        }
        Ok(tally)
    }
}

/// A program that works in the folder of the package.
fn in_package(name: &str) -> Command {
    let mut command = run::program(name);
    command.current_dir(run::root().join("node"));
    command
}

fn escaped(c: char) -> impl Iterator<Item = char> {
    let special = !c.is_alphanumeric() && c.is_ascii() && c != ' ' && c != '_';
    special.then_some('\\').into_iter().chain([c])
}

/// Whether there is a Node.js that can run the package.
pub(crate) fn version() -> Result {
    let (major, minor) = OLDEST;
    let advice = format!(
        "Node.js {major}.{minor} or newer with npm is needed for the tests of `node/`; put it on the path."
    );
    let told =
        run::capture(run::program("node").arg("--version")).map_err(|error| format!("{advice} {error}"))?;
    let mut numbers =
        told.trim().trim_start_matches('v').split('.').map_while(|part| part.parse::<u32>().ok());
    match (numbers.next(), numbers.next()) {
        (Some(first), Some(second)) if (first, second) >= OLDEST => Ok(()),
        _ => Err(format!("{advice} This one is {}.", told.trim())),
    }
}
