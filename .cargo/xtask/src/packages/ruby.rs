//! The gem of this platform, with the library inside. It needs the gem `ffi`.

use std::{fs, path::Path, process::Command};

use super::{copied, look};
use crate::{
    dist::{EPOCH, Measured, Package, Plan},
    examples,
    run::{self, Result, capture, root},
    tally::Tally,
    uniffi,
};

pub(crate) const PACKAGE: Package = Package { name: "Ruby gem", lacks: || uniffi::ruby().err(), make, test };

/// The folder that gems are installed to, in the folder of the work.
const HOME: &str = "gems";

/// What everything means: the generated Ruby cannot say it.
const SCHEMA: &str = "include/dmagent.schema.json";

/// The gem with its platform, which Ruby knows.
fn name() -> Result<String> {
    let platform = capture(run::program("ruby").args(["-e", "print Gem::Platform.local"]))?;
    Ok(format!("dmagent-{}-{}", env!("CARGO_PKG_VERSION"), platform.trim()))
}

fn make(plan: &Plan) -> Result<Vec<Measured>> {
    let stage = plan.work("ruby")?;
    for part in ["lib", "dmagent.gemspec", "README.md"] {
        copied(&uniffi::folder("ruby").join(part), &stage.join(part))?;
    }
    for licence in ["LICENSE-APACHE", "LICENSE-MIT"] {
        copied(&root().join(licence), &stage.join(licence))?;
    }
    copied(&root().join(SCHEMA), &stage.join("lib/dmagent/dmagent.schema.json"))?;
    let library = run::library_in(&plan.built()?, "dmagent_uniffi")?;
    copied(&library, &stage.join("lib/dmagent").join(library.file_name().ok_or("a library has no name")?))?;
    let mut build = run::program("gem");
    build.current_dir(&stage).env("SOURCE_DATE_EPOCH", EPOCH);
    build.args(["build", "--quiet", "dmagent.gemspec", "--output"]);
    capture(build.arg(plan.folder.join(format!("{}.gem", name()?))))?;
    Ok(vec![Measured::file("the library for Ruby", &library)?])
}

/// Installs the gem where no other is, and uses it with the `ffi` that this Ruby has.
fn test(plan: &Plan) -> Result<Tally> {
    let (work, name) = (plan.work("ruby-installed")?, name()?);
    let home = work.join(HOME);
    let mut install = run::program("gem");
    install.args([
        "install",
        "--local",
        "--quiet",
        "--no-document",
        "--ignore-dependencies",
        "--install-dir",
    ]);
    capture(install.arg(&home).arg(plan.folder.join(format!("{name}.gem"))))?;
    let looked = looked_at(plan, &home, &name).map_err(|why| println!("the gem: {why}"));
    println!("the gem has what it should have: {}", if looked.is_ok() { "passed" } else { "failed" });
    let mut tally = Tally::one(looked.is_ok());
    tally += examples::play("Ruby", |story| {
        let mut command = program(plan)?;
        command.arg(uniffi::folder(&format!("ruby/examples/{story}.rb"))).current_dir(&work);
        Ok(command)
    });
    Ok(tally)
}

/// A Ruby that has the gem which was installed for the test, and nothing of this checkout.
pub(crate) fn program(plan: &Plan) -> Result<Command> {
    let own = capture(run::program("gem").args(["environment", "path"]))?;
    let mut path = vec![plan.place("ruby-installed").join(HOME)];
    path.extend(std::env::split_paths(own.trim()));
    let mut command = Command::new("ruby");
    for variable in ["DMAGENT_LIBRARY", "RUBYLIB", "RUBYOPT"] {
        command.env_remove(variable);
    }
    command.env("GEM_PATH", std::env::join_paths(path).map_err(|error| error.to_string())?);
    Ok(command)
}

fn looked_at(plan: &Plan, home: &Path, name: &str) -> Result {
    let gem = home.join("gems").join(name);
    let files = look::files(&gem)?;
    let needed = [
        "LICENSE-APACHE",
        "LICENSE-MIT",
        "README.md",
        "lib/dmagent.rb",
        "lib/dmagent/dmagent.schema.json",
        "lib/dmagent/generated.rb",
        "lib/dmagent/node.rb",
    ];
    look::complete(&files, &needed)?;
    look::one(&files, std::env::consts::DLL_SUFFIX)?;
    if let Some(file) = files.iter().find(|file| !needed.contains(&&***file) && !file.starts_with("lib/")) {
        return Err(format!("{file} should not be there"));
    }
    plan.traceless(&gem)?;
    let specification = home.join("specifications").join(format!("{name}.gemspec"));
    let told = fs::read_to_string(&specification).map_err(|error| format!("{name}.gemspec: {error}"))?;
    let told: String = told.lines().map(|line| format!("{}\n", line.trim())).collect();
    look::lines(
        &told,
        &[
            "s.name = \"dmagent\".freeze".to_owned(),
            format!("s.version = \"{}\"", env!("CARGO_PKG_VERSION")),
            format!("s.summary = \"{}\".freeze", env!("CARGO_PKG_DESCRIPTION")),
            format!("s.homepage = \"{}\".freeze", env!("CARGO_PKG_REPOSITORY")),
            "s.licenses = [\"MIT\".freeze, \"Apache-2.0\".freeze]".to_owned(),
            "s.required_ruby_version = Gem::Requirement.new(\">= 3.0\".freeze)".to_owned(),
        ],
    )
}
