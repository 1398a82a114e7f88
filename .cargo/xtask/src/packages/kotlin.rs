//! The jar for Kotlin: the classes, with the library of this platform where JNA looks for it. Programs need JNA, the
//! standard library of Kotlin and its coroutines beside it.

use std::{
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use super::{copied, look};
use crate::{
    dist::{Measured, Package, Plan},
    examples,
    run::{self, Result, capture, root},
    tally::Tally,
    uniffi::{self, Kotlin},
};

pub(crate) const PACKAGE: Package = Package { name: "Kotlin jar", lacks, make, test };

/// Who only runs Java has no `jar`.
fn lacks() -> Option<String> {
    let jar = || capture(run::program("jar").arg("--version"));
    let advice = |_| "Kotlin is left out: `jar` is missing; install a Java development kit.".to_owned();
    uniffi::kotlin().map(drop).and_then(|()| jar().map(drop).map_err(advice)).err()
}

/// What archives say about when their files were made: the first moment after the one that `jar` refuses.
const MOMENT: &str = "1980-01-01T00:00:02Z";

/// The jar of a plan.
pub(crate) fn jar(plan: &Plan) -> PathBuf {
    plan.folder.join(concat!("dmagent-kotlin-", env!("CARGO_PKG_VERSION"), ".jar"))
}

/// The jar with its sources, for whoever reads and for the tools that show documentation.
pub(crate) fn sources(plan: &Plan) -> PathBuf {
    plan.folder.join(concat!("dmagent-kotlin-", env!("CARGO_PKG_VERSION"), "-sources.jar"))
}

fn make(plan: &Plan) -> Result<Vec<Measured>> {
    let work = plan.work("kotlin")?;
    let stage = work.join("jar");
    copied(&uniffi::kotlin()?.package()?, &stage)?;
    let library = run::library_in(&plan.built()?, "dmagent_uniffi")?;
    copied(&library, &stage.join(native()?))?;
    for licence in ["LICENSE-APACHE", "LICENSE-MIT"] {
        copied(&root().join(licence), &stage.join("META-INF").join(licence))?;
    }
    copied(&uniffi::folder("kotlin/README.md"), &stage.join("META-INF/README.md"))?;
    packed(&stage, &jar(plan))?;
    // Classes do not say what they are for.
    let stage = work.join("sources");
    for part in ["generated", "src"] {
        copied(&uniffi::folder("kotlin").join(part), &stage)?;
    }
    for licence in ["LICENSE-APACHE", "LICENSE-MIT"] {
        copied(&root().join(licence), &stage.join("META-INF").join(licence))?;
    }
    packed(&stage, &sources(plan))?;
    Ok(vec![Measured::file("the library for Kotlin", &library)?])
}

/// Packs a folder.
fn packed(stage: &Path, to: &Path) -> Result {
    let failed = |error: std::io::Error| format!("{}: {error}", stage.display());
    let (manifest, list) = (stage.with_extension("manifest"), stage.with_extension("list"));
    fs::write(&manifest, about().join("\n") + "\n").map_err(failed)?;
    // One by one and in order; on a command line they would be too many for some systems.
    let mut names = String::new();
    for file in look::files(stage)? {
        writeln!(names, "-C\n\"{}\"\n\"{file}\"", stage.display().to_string().replace('\\', "/"))
            .expect("a string takes everything");
    }
    fs::write(&list, names).map_err(failed)?;
    let mut jar = run::program("jar");
    jar.args(["--create", "--date", MOMENT, "--manifest"]).arg(&manifest).arg("--file").arg(to);
    jar.arg(format!("@{}", list.display()));
    capture(&mut jar).map(drop)
}

/// Compiles the examples against the jar, and runs them with it and with what it needs.
fn test(plan: &Plan) -> Result<Tally> {
    let (work, kotlin) = (plan.work("kotlin-used")?, uniffi::kotlin()?);
    let looked = looked_at(plan, &work).map_err(|why| println!("the jar: {why}"));
    println!("the jar has what it should have: {}", if looked.is_ok() { "passed" } else { "failed" });
    let mut tally = Tally::one(looked.is_ok());
    let jar = jar(plan);
    let programs = kotlin.compiled("examples", &["kotlin/examples"], std::slice::from_ref(&jar))?;
    let path = [jar, programs];
    tally += examples::play("Kotlin", |story| {
        let (package, class) = match story {
            "hello_mesh" => ("hello", "HelloMeshKt"),
            "two_agents" => ("two", "TwoAgentsKt"),
            "custom_policy" => ("policy", "CustomPolicyKt"),
            other => return Err(format!("there is no {other}")),
        };
        used(&kotlin, &path, &format!("dmagent.examples.{package}.{class}"), &work)
    });
    Ok(tally)
}

/// A main class with nothing at hand but these jars and folders, and what every program needs.
fn used(kotlin: &Kotlin, path: &[PathBuf], main: &str, work: &Path) -> Result<Command> {
    let path = std::env::join_paths(kotlin.class_path.iter().chain(path));
    let mut command = Command::new("java");
    command.arg("-cp").arg(path.map_err(|error| error.to_string())?).arg(main).current_dir(work);
    Ok(command)
}

fn looked_at(plan: &Plan, work: &Path) -> Result {
    let inside = unpacked(&sources(plan), &work.join("sources"))?;
    let needed = ["META-INF/LICENSE-APACHE", "META-INF/LICENSE-MIT", "META-INF/MANIFEST.MF"];
    // In order, and nothing else.
    let all = [&["Idioms.kt"], &needed[..], &["Node.kt", "Telling.kt", "dmagent/dmagent.kt"]].concat();
    let files = look::files(&inside)?;
    if files != all {
        return Err(format!("the sources are {files:?}, not {all:?}"));
    }
    plan.traceless(&inside)?;
    let inside = unpacked(&jar(plan), &work.join("inside"))?;
    let (files, native) = (look::files(&inside)?, native()?);
    let needed = [
        "META-INF/LICENSE-APACHE",
        "META-INF/LICENSE-MIT",
        "META-INF/MANIFEST.MF",
        "META-INF/README.md",
        "dmagent/IdiomsKt.class",
        "dmagent/Node.class",
        &native,
    ];
    look::complete(&files, &needed)?;
    look::one(&files, std::env::consts::DLL_SUFFIX)?;
    let stray: Vec<_> = files
        .iter()
        .filter(|file| !file.starts_with("META-INF/") && !file.starts_with("dmagent/") && **file != native)
        .chain(files.iter().filter(|file| file.starts_with("dmagent/examples/")))
        .collect();
    if !stray.is_empty() {
        return Err(format!("should not be there: {stray:?}"));
    }
    let manifest = look::text(&inside.join("META-INF/MANIFEST.MF"))?.replace("\r\n", "\n");
    // Long lines are broken there.
    look::lines(&manifest.replace("\n ", ""), &about())?;
    plan.traceless(&inside)
}

/// Unpacks a jar into a folder.
fn unpacked(jar: &Path, into: &Path) -> Result<PathBuf> {
    fs::create_dir_all(into).map_err(|error| format!("{}: {error}", into.display()))?;
    let mut unpack = run::program("jar");
    capture(unpack.args(["--extract", "--file"]).arg(jar).current_dir(into))?;
    Ok(into.to_path_buf())
}

/// What the jar says about itself.
fn about() -> Vec<String> {
    vec![
        "Implementation-Title: dmagent-kotlin".to_owned(),
        format!("Implementation-Version: {}", env!("CARGO_PKG_VERSION")),
        "Automatic-Module-Name: dmagent".to_owned(),
        "Bundle-License: MIT OR Apache-2.0".to_owned(),
    ]
}

/// The library inside the jar, where JNA looks for it.
fn native() -> Result<String> {
    let system = match std::env::consts::OS {
        "linux" => "linux",
        "macos" => "darwin",
        "windows" => "win32",
        other => return Err(format!("the jar is not made on {other}")),
    };
    let machine = match std::env::consts::ARCH {
        "x86_64" => "x86-64",
        other => other,
    };
    let (before, behind) = (std::env::consts::DLL_PREFIX, std::env::consts::DLL_SUFFIX);
    Ok(format!("{system}-{machine}/{before}dmagent_uniffi{behind}"))
}
