//! The source distribution: what `pip` builds a wheel of where there is none, with Rust and Python alone.

use std::{
    env, fs,
    path::{Path, PathBuf},
};

use super::{archive, look, wheel};
use crate::{
    dist::{Measured, Package, Plan},
    run::{self, Result, capture, root},
    tally::Tally,
};

pub(crate) const PACKAGE: Package =
    Package { name: "Python source distribution", lacks: || None, make, test };

fn name() -> String {
    format!("dmagent-{}", env!("CARGO_PKG_VERSION"))
}

fn make(plan: &Plan) -> Result<Vec<Measured>> {
    let work = plan.work("sdist")?;
    let mut pack = plan.tools.module("maturin");
    pack.args(["sdist", "--manifest-path", "python/Cargo.toml", "--out"]).arg(&work);
    capture(plan.untraced(&mut pack))?;
    // The settings with which this checkout compiles belong to the sources; maturin takes nothing from above `python/`.
    let file = format!("{}.tar.gz", name());
    archive::unpack(&work.join(&file), &work)?;
    let folder = work.join(name());
    fs::create_dir_all(folder.join(".cargo"))
        .and_then(|()| fs::copy(root().join(".cargo/config.toml"), folder.join(".cargo/config.toml")))
        .map_err(|error| format!("{}: {error}", folder.display()))?;
    archive::pack(&folder, &name(), &plan.folder.join(&file), plan.compression())?;
    Ok(Vec::new())
}

/// Builds a wheel of it, far from the checkout and without a network, and uses that one.
fn test(plan: &Plan) -> Result<Tally> {
    let (work, file) = (plan.work("sdist-built")?, plan.folder.join(format!("{}.tar.gz", name())));
    archive::unpack(&file, &work)?;
    let sources = work.join(name());
    let needed = [
        ".cargo/config.toml",
        "Cargo.lock",
        "Cargo.toml",
        "LICENSE-APACHE",
        "LICENSE-MIT",
        "PKG-INFO",
        "README.md",
        "core/Cargo.toml",
        "core/src/lib.rs",
        "dmagent/__init__.py",
        "pyproject.toml",
        "python/Cargo.toml",
        "python/src/lib.rs",
    ];
    let mut tally = Tally::one(
        look::complete(&look::files(&sources)?, &needed)
            .map_err(|why| println!("the sources: {why}"))
            .is_ok(),
    );
    // Below the temporary folder of the system no setting of this checkout is found.
    let away = env::temp_dir().join(format!("dmagent-sdist-{}", std::process::id()));
    let built = built(plan, &file, &away, &work);
    // What is left there is no reason to fail.
    let _ = fs::remove_dir_all(&away);
    tally += wheel::installed_and_used(plan, &built?, &work, "the wheel of the source distribution")?;
    Ok(tally)
}

fn built(plan: &Plan, file: &Path, away: &Path, work: &Path) -> Result<PathBuf> {
    let wheels = work.join("wheels");
    fs::create_dir_all(away).map_err(|error| format!("{}: {error}", away.display()))?;
    let mut build = plan.tools.module("pip");
    build.args([
        "wheel",
        "--quiet",
        "--no-index",
        "--no-deps",
        "--no-build-isolation",
        "--disable-pip-version-check",
    ]);
    build.arg("--wheel-dir").arg(&wheels).arg(file).current_dir(away);
    // pip unpacks there. What the crates need has been compiled here before, or at least been fetched.
    build.env("TMPDIR", away).env("TEMP", away).env("CARGO_NET_OFFLINE", "true");
    let compiled = run::built_folder("")?;
    build
        .env("CARGO_TARGET_DIR", compiled)
        .env("MATURIN_PEP517_ARGS", format!("--profile {}", plan.profile()));
    // The build calls maturin by its name.
    let tools = plan.tools.interpreter();
    let mut path: Vec<PathBuf> = tools.parent().map(Into::into).into_iter().collect();
    path.extend(env::split_paths(&run::variable("PATH").unwrap_or_default()));
    build.env("PATH", env::join_paths(path).map_err(|error| error.to_string())?);
    capture(plan.untraced(&mut build))?;
    match &crate::python::files(&wheels, "whl")[..] {
        [wheel] => Ok(wheel.clone()),
        found => Err(format!("one wheel should be in {}, not {found:?}", wheels.display())),
    }
}
