//! `cargo xtask soak`: many nodes in a few processes that are killed at random (`core/soak`).

use std::process::Command;

use crate::{
    run::{self, Result, cargo, inherit, step},
    tally::Tally,
};

/// The program, an example of the core.
const SOAK: &str = "soak";

/// How much of it.
pub(crate) struct Size {
    pub(crate) minutes: f64,
    pub(crate) nodes: usize,
    pub(crate) processes: usize,
    pub(crate) seed: u64,
}

/// Builds it for speed and runs it.
pub(crate) fn soak(size: &Size) -> Result {
    step("building the soak program");
    inherit(cargo().args(["build", "--release", "--package", "dmagent", "--example", SOAK]))?;
    inherit(&mut program("release", size)?).map_err(|_| String::new())
}

/// A short one as a test, of the program that the tests have built. Silent unless it fails.
pub(crate) fn test() -> Result<Tally> {
    let size = Size { minutes: 0.4, nodes: 10, processes: 3, seed: 1 };
    run::capture(&mut program("debug", &size)?)?;
    Ok(Tally::one(true))
}

fn program(profile: &str, size: &Size) -> Result<Command> {
    let folder = run::target("soak");
    // What another run left would be taken for this one's.
    if folder.exists() {
        std::fs::remove_dir_all(&folder).map_err(|why| format!("{}: {why}", folder.display()))?;
    }
    std::fs::create_dir_all(&folder).map_err(|why| format!("{}: {why}", folder.display()))?;
    let mut command = run::program(&run::built_example(profile, SOAK)?);
    command.arg(folder);
    command.args([size.minutes.to_string(), size.nodes.to_string()]);
    command.args([size.processes.to_string(), size.seed.to_string()]);
    Ok(command)
}
