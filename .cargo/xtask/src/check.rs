//! `cargo xtask check`: what has to be in order before a commit. It goes through to the end, so one run shows all.

use crate::{
    generate,
    run::{self, Result, cargo, inherit, step},
};

type Check = fn() -> Result;

/// Formatting, lints, documentation, house rules, generated files, licences.
pub(crate) fn check() -> Result {
    let checks: [(&str, Check); 6] = [
        ("formatting", formatting),
        ("lints", lints),
        ("documentation", documentation),
        ("house rules", house_rules),
        ("generated files", || generate::generate(true)),
        ("licences, banned crates, sources", dependencies),
    ];
    let mut failed = Vec::new();
    for (name, check) in checks {
        step(name);
        if let Err(why) = check() {
            eprintln!("{why}");
            failed.push(name);
        }
    }
    if failed.is_empty() {
        println!("\nAll checks passed.");
        Ok(())
    } else {
        Err(format!("not in order: {}", failed.join("; ")))
    }
}

fn formatting() -> Result {
    inherit(cargo().args(["fmt", "--all", "--check"]))?;
    // The fuzz targets and the generator of uniffi are workspaces of their own.
    inherit(cargo().args(["fmt", "--check", "--manifest-path", "bindings/uniffi/bindgen/Cargo.toml"]))?;
    inherit(cargo().args(["fmt", "--check", "--manifest-path", "core/fuzz/Cargo.toml"]))
}

fn lints() -> Result {
    inherit(cargo().args(["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"]))
}

fn documentation() -> Result {
    // Only rustdoc reads this variable: the compiled dependencies of the other steps stay valid.
    inherit(cargo().args(["doc", "--workspace", "--no-deps"]).env("RUSTDOCFLAGS", "-D warnings"))
}

fn house_rules() -> Result {
    // `--workspace` chooses the same features as every other step, so nothing is built twice.
    inherit(cargo().args(["test", "--workspace", "--quiet", "--test", "house"]))
}

fn dependencies() -> Result {
    if run::capture(cargo().args(["deny", "--version"])).is_err() {
        println!("cargo-deny is not installed, so this was not checked; `cargo install cargo-deny` gets it.");
        return Ok(());
    }
    inherit(cargo().args(["deny", "check", "licenses", "bans", "sources"]))
}
