//! Parity: every verb, argument, record, event, word, setting and error code of the schema exists in each language under
//! the one name, with its documentation.
//!
//! A language has a row in [`LANGUAGES`] with the program that tells, as JSON, what its installed package has, and one in
//! `python/tests/parity/languages.py`, which says how it spells names. `compare.py` there compares, and its own tests show
//! that it sees what is missing.

use std::{
    fs::{self, File},
    process::Command,
};

use crate::{
    dist::Plan,
    packages::{c, kotlin, npm, ruby, wheel},
    python,
    run::{self, Result, capture, root},
    tally::Tally,
    uniffi,
};

/// The language, a sentence when this machine lacks what it needs, and what tells what its package has, as the tests of the
/// packages installed it.
struct Row(&'static str, fn() -> Option<String>, fn(&Plan) -> Result<Command>);

/// A new language also gets a row in `languages.py`.
const LANGUAGES: &[Row] = &[
    Row("Python", || None, |plan| Ok(told_by_python(plan))),
    Row(
        "Python without asyncio",
        || None,
        |plan| {
            let mut command = told_by_python(plan);
            command.arg("sync");
            Ok(command)
        },
    ),
    Row(
        "JavaScript",
        || None,
        |plan| {
            let mut command = run::program("node");
            command.arg(program("see_node.mjs")).arg(npm::modules(plan));
            command.arg(root().join("node/node_modules/typescript"));
            Ok(command)
        },
    ),
    Row(
        "C",
        || None,
        |plan| {
            let (python, _) = python::interpreter()?;
            let mut command = run::program(python);
            command.arg("-B").arg(program("see_c.py")).arg(c::prefix(plan)).arg(SCHEMA);
            Ok(command)
        },
    ),
    Row("Kotlin", kotlin::PACKAGE.lacks, |plan| {
        let mut command = told_of_uniffi("kotlin")?;
        command.arg(kotlin::sources(plan)).arg(kotlin::jar(plan));
        Ok(command)
    }),
    Row("Ruby", ruby::PACKAGE.lacks, |plan| {
        let (mut command, ruby) = (told_of_uniffi("ruby")?, ruby::program(plan)?);
        for (name, value) in ruby.get_envs() {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        command.arg(ruby.get_program()).arg(program("see_ruby.rb")).arg(SCHEMA);
        Ok(command)
    }),
    Row(
        "Swift",
        || None,
        |_| {
            let mut command = told_of_uniffi("swift")?;
            command.args(
                ["Dmagent.swift", "Idioms.swift"]
                    .map(|name| uniffi::folder("swift/Sources/Dmagent").join(name)),
            );
            Ok(command)
        },
    ),
    Row(
        "Python by uniffi",
        || None,
        |_| {
            let mut command = told_of_uniffi("python")?;
            command.arg(uniffi::folder("python/dmagent.py"));
            Ok(command)
        },
    ),
];

const SCHEMA: &str = "include/dmagent.schema.json";

/// Compares each language with the schema, after their packages were tested; each is a test.
pub(crate) fn test() -> Result<Tally> {
    let plan = Plan::of_tests()?;
    let mut tally = Tally::default();
    for Row(language, lacks, told) in LANGUAGES {
        if let Some(why) = lacks() {
            println!("{why}");
            tally.skipped += 1;
            continue;
        }
        let outcome = told(&plan).and_then(|mut command| compared(language, &mut command));
        tally += Tally::one(outcome.map_err(|why| println!("{language}: {why}")).is_ok());
    }
    Ok(tally)
}

fn compared(language: &str, told: &mut Command) -> Result {
    let (facts, failed) = (run::target("dist-work/facts.json"), |error: std::io::Error| error.to_string());
    fs::write(&facts, capture(told)?).map_err(failed)?;
    let (python, _) = python::interpreter()?;
    let mut compare = run::program(python);
    compare.arg("-B").arg(program("compare.py")).args([SCHEMA, language]);
    print!("{}", capture(compare.stdin(File::open(&facts).map_err(failed)?))?);
    Ok(())
}

fn told_by_python(plan: &Plan) -> Command {
    let mut command = run::program(wheel::interpreter(plan));
    command.arg("-B").arg(program("see_python.py"));
    command
}

fn told_of_uniffi(language: &str) -> Result<Command> {
    let (python, _) = python::interpreter()?;
    let mut command = run::program(python);
    command.arg("-B").arg(program("see_uniffi.py")).arg(language);
    Ok(command)
}

fn program(name: &str) -> std::path::PathBuf {
    root().join("python/tests/parity").join(name)
}
