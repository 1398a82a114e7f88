//! The npm packages: `dmagent`, and the one with the library of this platform.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::{Value, json};

use super::look;
use crate::{
    dist::{Measured, Package, Plan},
    examples, node,
    run::{self, Result, capture, root},
    tally::Tally,
};

pub(crate) const PACKAGE: Package = Package { name: "npm packages", lacks: || None, make, test };

/// The folder of a program that uses the packages.
const HOME: &str = "somebody's";

fn make(plan: &Plan) -> Result<Vec<Measured>> {
    node::version()?;
    let (work, platform) = (plan.work("npm")?, platform()?);
    let library = run::library_in(&plan.built()?, "dmagent_node")?;
    let mut pack = run::program("node");
    pack.arg("node/tools/pack.mjs").arg(&work).arg(format!("{platform}={}", library.display()));
    capture(&mut pack)?;
    for package in [work.join("dmagent"), work.join("@dmagent").join(&platform)] {
        let mut pack = npm();
        pack.args(["pack", "--silent", "--pack-destination"]).arg(&plan.folder).current_dir(&package);
        capture(&mut pack)?;
    }
    Ok(vec![Measured::file("the library for Node.js", &library)?])
}

/// Installs both from their files, with an npm that knows no other package and asks nobody.
fn test(plan: &Plan) -> Result<Tally> {
    let (work, platform, version) = (plan.work("npm-installed")?, platform()?, env!("CARGO_PKG_VERSION"));
    let home = work.join(HOME);
    fs::create_dir_all(&home)
        .and_then(|()| fs::write(home.join("package.json"), r#"{"private": true}"#))
        .map_err(|error| format!("{}: {error}", home.display()))?;
    let mut install = npm();
    install
        .args(["install", "--offline", "--silent", "--no-audit", "--no-fund", "--cache"])
        .arg(work.join("cache"));
    install.arg(plan.folder.join(format!("dmagent-{version}.tgz")));
    install.arg(plan.folder.join(format!("dmagent-{platform}-{version}.tgz")));
    capture(install.current_dir(&home))?;
    let looked = looked_at(plan, &home.join("node_modules"), &platform).map_err(|why| println!("npm: {why}"));
    println!(
        "the npm packages have what they should have: {}",
        if looked.is_ok() { "passed" } else { "failed" }
    );
    let mut tally = Tally::one(looked.is_ok());
    tally += examples::play("Node.js", |story| {
        // A module looks for packages from where it lies.
        let program = home.join(format!("{story}.mjs"));
        fs::copy(root().join(format!("node/examples/{story}.mjs")), &program)
            .map_err(|error| error.to_string())?;
        let mut command = Command::new("node");
        command.arg(program).current_dir(&home);
        Ok(command)
    });
    Ok(tally)
}

/// The packages that were installed for the test.
pub(crate) fn modules(plan: &Plan) -> PathBuf {
    plan.place("npm-installed").join(HOME).join("node_modules")
}

fn looked_at(plan: &Plan, modules: &Path, platform: &str) -> Result {
    let (main, native) = (modules.join("dmagent"), modules.join("@dmagent").join(platform));
    let files = look::files(&main)?;
    let needed = [
        "LICENSE-APACHE",
        "LICENSE-MIT",
        "README.md",
        "lib/index.cjs",
        "lib/index.d.ts",
        "lib/index.mjs",
        "package.json",
    ];
    look::complete(&files, &needed)?;
    if let Some(library) = files.iter().find(|file| file.ends_with(".node")) {
        return Err(format!("{library} is the library of one platform"));
    }
    let files = look::files(&native)?;
    let all = ["LICENSE-APACHE", "LICENSE-MIT", "README.md", "dmagent.node", "package.json"];
    if files != all {
        return Err(format!("{platform} has {files:?}, not {all:?}"));
    }

    plan.traceless(modules)?;

    let read = |path: &Path| {
        serde_json::from_str::<Value>(&look::text(path)?)
            .map_err(|error| format!("{}: {error}", path.display()))
    };
    let (main, native) = (read(&main.join("package.json"))?, read(&native.join("package.json"))?);
    let platforms = read(&root().join("node/tools/platforms.json"))?;
    let wanted = |package: &Value, member: &str, expected: &Value| {
        let found = &package[member];
        if found == expected {
            Ok(())
        } else {
            Err(format!("{}: {member} is {found}, should be {expected}", package["name"]))
        }
    };
    for package in [&main, &native] {
        wanted(package, "version", &json!(env!("CARGO_PKG_VERSION")))?;
        wanted(package, "license", &json!("MIT OR Apache-2.0"))?;
        wanted(package, "engines", &json!({"node": ">=20.9"}))?;
        wanted(package, "keywords", &json!(["agent", "mesh", "messaging", "identity", "p2p"]))?;
        let repository = format!("git+{}.git", env!("CARGO_PKG_REPOSITORY"));
        wanted(package, "repository", &json!({"type": "git", "url": repository, "directory": "node"}))?;
    }
    let lock = read(&root().join("node/package-lock.json"))?;
    for package in [&lock, &lock["packages"][""]] {
        wanted(package, "version", &json!(env!("CARGO_PKG_VERSION")))?;
    }
    wanted(&main, "description", &json!(env!("CARGO_PKG_DESCRIPTION")))?;
    wanted(&main, "devDependencies", &Value::Null)?;
    let names = platforms.as_object().ok_or("platforms.json is no object")?.keys();
    let optional = names.map(|name| (format!("@dmagent/{name}"), json!(env!("CARGO_PKG_VERSION"))));
    wanted(&main, "optionalDependencies", &Value::Object(optional.collect()))?;
    for member in ["os", "cpu", "libc"] {
        wanted(&native, member, &platforms[platform][member])?;
    }
    Ok(())
}

/// The name of this platform, as the packages have it.
fn platform() -> Result<String> {
    let script = "console.log(require('./node/lib/platform.cjs').platform())";
    Ok(capture(run::program("node").args(["--eval", script]))?.trim().to_owned())
}

fn npm() -> Command {
    run::program(if cfg!(windows) { "npm.cmd" } else { "npm" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn users_read_how_to_install_both_packages() {
        let version = env!("CARGO_PKG_VERSION");
        let command =
            format!("npm install DIST/dmagent-{version}.tgz DIST/dmagent-linux-x64-gnu-{version}.tgz");
        for page in ["README.md", "node/README.md"] {
            assert!(
                look::text(&root().join(page)).unwrap().contains(&command),
                "{page} should say {command}"
            );
        }
    }
}
