//! The archive for C and C++: what `cargo xtask install` puts below a prefix, with licences and a page to begin with. It
//! may be unpacked anywhere.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use super::{archive, look};
use crate::{
    dist::{Measured, Package, Plan},
    examples, install,
    run::{self, Result, capture, root},
    tally::Tally,
};

pub(crate) const PACKAGE: Package = Package { name: "C library", lacks: || None, make, test };

/// The name of the archive, and of the folder in it: version and platform, as Rust calls it.
fn name() -> Result<String> {
    let told =
        capture(run::program(run::variable("RUSTC").unwrap_or_else(|| "rustc".to_owned())).arg("-vV"))?;
    let host = told
        .lines()
        .find_map(|line| line.strip_prefix("host: "))
        .ok_or("rustc does not say where it runs")?;
    Ok(format!("libdmagent-{}-{host}", env!("CARGO_PKG_VERSION")))
}

fn make(plan: &Plan) -> Result<Vec<Measured>> {
    let (folder, name, built) = (plan.work("c")?, name()?, plan.built()?);
    let failed = |error: io::Error| format!("{}: {error}", folder.display());
    install::place(&built, &folder).map_err(failed)?;
    for (from, to) in
        [("LICENSE-APACHE", "LICENSE-APACHE"), ("LICENSE-MIT", "LICENSE-MIT"), ("ffi/README.md", "README.md")]
    {
        fs::copy(root().join(from), folder.join(to)).map_err(failed)?;
    }
    archive::pack(&folder, &name, &plan.folder.join(format!("{name}.tar.gz")), plan.compression())?;
    Ok(vec![Measured::file("the shared library", &run::library_in(&built, "dmagent")?)?])
}

fn test(plan: &Plan) -> Result<Tally> {
    let (work, name) = (plan.work("c installed")?, name()?);
    archive::unpack(&plan.folder.join(format!("{name}.tar.gz")), &work)?;
    // A folder that nobody knew when it was built.
    let prefix = prefix(plan);
    fs::rename(work.join(&name), &prefix).map_err(|error| error.to_string())?;
    let looked = looked_at(plan, &prefix).map_err(|why| println!("the C archive: {why}"));
    println!("the C archive has what it should have: {}", if looked.is_ok() { "passed" } else { "failed" });
    let mut tally = Tally::one(looked.is_ok());
    tally += install::used(&plan.tools, &work, &prefix);
    let programs = install::examples(&plan.tools, &work, &prefix)?;
    for (language, end) in [("C", "c"), ("C++", "cpp")] {
        tally += examples::play(language, |story| {
            Ok(install::with_library(&programs.join(format!("{story}_{end}")), &prefix))
        });
    }
    Ok(tally)
}

/// Where the archive was unpacked for the test.
pub(crate) fn prefix(plan: &Plan) -> PathBuf {
    plan.place("c installed").join("moved here")
}

fn looked_at(plan: &Plan, prefix: &Path) -> Result {
    let files = look::files(prefix)?;
    look::complete(
        &files,
        &[
            "LICENSE-APACHE",
            "LICENSE-MIT",
            "README.md",
            "include/dmagent.h",
            "include/dmagent.hpp",
            "lib/cmake/dmagent/dmagent-config-version.cmake",
            "lib/cmake/dmagent/dmagent-config.cmake",
            "lib/pkgconfig/dmagent.pc",
            "share/dmagent/dmagent.schema.json",
        ],
    )?;
    let version = env!("CARGO_PKG_VERSION");
    let header = look::text(&prefix.join("include/dmagent.h"))?;
    look::lines(&header, &[format!("#define DM_VERSION \"{version}\"")])?;
    look::lines(&look::text(&prefix.join("lib/pkgconfig/dmagent.pc"))?, &[format!("Version: {version}")])?;
    let cmake = look::text(&prefix.join("lib/cmake/dmagent/dmagent-config-version.cmake"))?;
    look::lines(&cmake, &[format!("set(PACKAGE_VERSION \"{version}\")")])?;
    plan.traceless(prefix)
}
