//! The wheel: one for every CPython from 3.10 on.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use super::look;
use crate::{
    dist::{Measured, Package, Plan},
    examples, python,
    run::{self, Result, capture},
    tally::Tally,
};

pub(crate) const PACKAGE: Package = Package { name: "Python wheel", lacks: || None, make, test };

/// The environment, in the folder of the work.
const HOME: &str = "venv";

fn make(plan: &Plan) -> Result<Vec<Measured>> {
    let mut build = plan.tools.module("maturin");
    // It looks itself which systems the library runs on, and says so in the name of the file.
    build.args([
        "build",
        "--quiet",
        "--manifest-path",
        "python/Cargo.toml",
        "--profile",
        plan.profile(),
        "--out",
    ]);
    capture(plan.untraced(build.arg(&plan.folder)))?;
    Ok(vec![Measured::file("the wheel", &plan.made("dmagent-", ".whl")?)?])
}

fn test(plan: &Plan) -> Result<Tally> {
    let wheel = plan.made(&format!("dmagent-{}-cp310-abi3-", env!("CARGO_PKG_VERSION")), ".whl")?;
    installed_and_used(plan, &wheel, &plan.work("wheel")?, "the wheel")
}

/// The interpreter of the environment in which the wheel was tested.
pub(crate) fn interpreter(plan: &Plan) -> PathBuf {
    in_venv(&plan.place("wheel").join(HOME))
}

fn in_venv(home: &Path) -> PathBuf {
    home.join(if cfg!(windows) { "Scripts/python.exe" } else { "bin/python" })
}

/// Installs a wheel where nothing else is, looks at what came, and plays the examples.
pub(super) fn installed_and_used(plan: &Plan, wheel: &Path, work: &Path, what: &str) -> Result<Tally> {
    let (python, _) = python::interpreter()?;
    let home = work.join(HOME);
    capture(run::program(python).args(["-m", "venv"]).arg(&home))?;
    let interpreter = in_venv(&home);
    let mut install = run::program(&interpreter);
    install.args(["-m", "pip", "install", "--quiet", "--no-index", "--no-deps", "--no-compile"]);
    capture(install.arg("--disable-pip-version-check").arg(wheel))?;
    let mut site = run::program(&interpreter);
    let site = capture(site.args(["-c", "import sysconfig; print(sysconfig.get_path('platlib'))"]))?;
    let mut tally =
        Tally::one(looked_at(plan, Path::new(site.trim())).map_err(|why| println!("{what}: {why}")).is_ok());
    println!("{what} has what it should have: {}", if tally.failed == 0 { "passed" } else { "failed" });
    tally += examples::play(what, |story| {
        // Isolated: nothing but what was installed can be imported.
        let mut command = Command::new(&interpreter);
        command.args(["-I", "-B"]).arg(run::root().join(format!("python/examples/{story}.py")));
        command.current_dir(work);
        Ok(command)
    });
    Ok(tally)
}

fn looked_at(plan: &Plan, site: &Path) -> Result {
    let version = env!("CARGO_PKG_VERSION");
    let files = look::files(&site.join("dmagent"))?;
    look::complete(&files, &["__init__.py", "_native.pyi", "py.typed", "sync.py", "types.py"])?;
    look::one(&files, if cfg!(windows) { ".pyd" } else { ".so" })?;
    let about: PathBuf = site.join(format!("dmagent-{version}.dist-info"));
    look::complete(&look::files(&about)?, &["licenses/LICENSE-APACHE", "licenses/LICENSE-MIT"])?;
    plan.traceless(&site.join("dmagent"))?;
    plan.traceless(&about)?;
    look::lines(&look::text(&about.join("WHEEL"))?, &["Root-Is-Purelib: false".to_owned()])?;
    let metadata = look::text(&about.join("METADATA"))?;
    look::lines(
        &metadata,
        &[
            "Name: dmagent".to_owned(),
            format!("Version: {version}"),
            format!("Summary: {}", env!("CARGO_PKG_DESCRIPTION")),
            "Keywords: agent,mesh,asyncio,messaging,identity".to_owned(),
            "License-Expression: MIT OR Apache-2.0".to_owned(),
            "Requires-Python: >=3.10".to_owned(),
            "Classifier: Programming Language :: Python :: 3 :: Only".to_owned(),
            "Classifier: Typing :: Typed".to_owned(),
            format!("Project-URL: Repository, {}", env!("CARGO_PKG_REPOSITORY")),
        ],
    )?;
    let readme =
        fs::read_to_string(run::root().join("python/README.md")).map_err(|error| error.to_string())?;
    if metadata.replace("\r\n", "\n").contains(readme.trim()) {
        Ok(())
    } else {
        Err("its README is another".to_owned())
    }
}
