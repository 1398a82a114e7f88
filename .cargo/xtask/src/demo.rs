//! `cargo xtask demo`: real agents of two languages and the original 1.1.1 talk, and one sees what happens.
//!
//! This file builds the cast; `.cargo/xtask/demo/play.py` is what they do. Its status is 0 only when every step of it
//! happened, so the tests run it too.

use crate::{
    python::{self, Venv},
    run::{self, Result, cargo, inherit, step},
    tally::Tally,
};

/// The Rust agent, an example of the core; the interop tests use it, too.
pub(crate) const AGENT: &str = "agent";

/// Builds what is missing and shows the play.
pub(crate) fn demo() -> Result {
    step("building the Rust agent");
    inherit(cargo().args(["build", "--workspace", "--example", AGENT]))?;
    step("Python packages");
    let python = python::venv("dev", python::DEV)
        .ok_or("The demo needs Python and a few packages for its Python agent, see above.")?;
    step("building the Python package");
    python::install_package(&python, false)?;
    step("dmagent 1.1.1");
    let peer = python::venv("peer-1.1.1", python::PEER);
    if peer.is_none() {
        println!("The original 1.1.1 cannot be had, see above; the demo goes on without it.");
    }
    inherit(&mut play(&python, peer.as_ref())?).map_err(|_| String::new())
}

/// The play as a test, after the other tests have built and installed everything. Silent unless it fails.
pub(crate) fn test(quick: bool) -> Result<Tally> {
    let missing = || "its Python packages are not available, see above".to_owned();
    let python = python::venv("dev", python::DEV).ok_or_else(missing)?;
    let peer = if quick { None } else { Some(python::venv("peer-1.1.1", python::PEER).ok_or_else(missing)?) };
    inherit(cargo().args(["build", "--quiet", "--workspace", "--example", AGENT]))?;
    run::capture(play(&python, peer.as_ref())?.arg("--quiet"))?;
    Ok(Tally::one(true))
}

fn play(python: &Venv, peer: Option<&Venv>) -> Result<std::process::Command> {
    let mut command = run::program(python.interpreter());
    // The cache of compiled modules would lie in the source tree.
    command.args(["-B", ".cargo/xtask/demo/play.py", "--rust"]).arg(run::built_example("debug", AGENT)?);
    command.arg("--folder").arg(run::target("demo"));
    if let Some(peer) = peer {
        command.arg("--peer").arg(peer.interpreter());
    }
    Ok(command)
}
