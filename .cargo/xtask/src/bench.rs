//! `cargo xtask bench`: runs benchmark programs. They are files in two folders; one in Rust also has three
//! lines in `core/Cargo.toml`, because it is a plain program.

use crate::{
    python,
    run::{self, Result, cargo, inherit, step},
};

/// Runs the named programs of `core/benches` and `python/benches`, or all of them.
pub(crate) fn bench(names: &[String]) -> Result {
    let wanted = |path: &std::path::PathBuf| {
        let stem = path.file_stem().unwrap_or_default();
        names.is_empty() || names.iter().any(|name| stem == name.as_str())
    };
    let [rust, scripts] = [("core/benches", "rs"), ("python/benches", "py")].map(|(folder, extension)| {
        python::files(&run::root().join(folder), extension).into_iter().filter(wanted).collect::<Vec<_>>()
    });
    if rust.is_empty() && scripts.is_empty() {
        return Err("no such benchmark program in core/benches or python/benches".to_owned());
    }
    // Two kinds of benchmark compare with the original; without it they say so and leave that out.
    let peer = python::venv("peer-1.1.1", python::PEER);
    for path in rust {
        let name = path.file_stem().unwrap_or_default();
        step(&format!("core/benches: {}", name.to_string_lossy()));
        let mut command = cargo();
        command.args(["bench", "--package", "dmagent", "--bench"]).arg(name);
        if let Some(peer) = &peer {
            command.env(python::PEER_VARIABLE, peer.interpreter());
        }
        inherit(&mut command)?;
    }
    if scripts.is_empty() {
        return Ok(());
    }
    let unavailable = || "the Python benchmarks cannot run without their packages".to_owned();
    let venv = python::venv("dev", python::DEV).ok_or_else(unavailable)?;
    let peer = peer.ok_or_else(unavailable)?;
    step("building the Python package for speed");
    python::install_package(&venv, true)?;
    for script in scripts {
        step(&format!("python/benches: {}", script.file_stem().unwrap_or_default().to_string_lossy()));
        let mut command = run::program(venv.interpreter());
        inherit(command.arg(script).env(python::PEER_VARIABLE, peer.interpreter()))?;
    }
    Ok(())
}
