//! The examples, which tell the same three stories in each language, and whether they do.
//!
//! [`STORIES`] is what each prints. A language joins with one call of [`play`], where its package is tested, and with a row
//! in `FIRST_PAGE`, whose programs the README shows.

use std::{
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use crate::{
    run::{self, Result},
    tally::Tally,
};

/// Each example, and what it prints in every language.
const STORIES: [(&str, &[&str]); 3] = [
    ("hello_mesh", &["alice's message is accepted", "bob reads: Hello, mesh!"]),
    (
        "two_agents",
        &[
            "alice is connected",
            "bob is asked: What is the answer?",
            "alice hears: 42",
            "alice trusts bob: 0.8",
        ],
    ),
    (
        "custom_policy",
        &[
            "mallory is refused: peer_refused",
            "alice is connected",
            "the advertisement is refused",
            "bob reads: Your house is on fire",
        ],
    ),
];

/// How long a program may take before it counts as one that hangs.
const PATIENCE: Duration = Duration::from_secs(120);
/// How often one looks whether it is done.
const PAUSE: Duration = Duration::from_millis(20);

/// Plays all stories with the programs of one language, each a test.
pub(crate) fn play(language: &str, program: impl Fn(&str) -> Result<Command>) -> Tally {
    let mut tally = Tally::default();
    for (story, expected) in STORIES {
        let told = program(story).and_then(|mut command| told(&mut command));
        let outcome = told.and_then(|said| compared(&said, expected));
        let passed = outcome.map_err(|why| println!("{language}, {story}: {why}")).is_ok();
        println!("{language}, {story}: {}", if passed { "passed" } else { "failed" });
        tally += Tally::one(passed);
    }
    tally
}

/// The Rust programs, which cargo builds with the tests.
pub(crate) fn rust() -> Tally {
    play("Rust", |story| Ok(Command::new(run::built_example("debug", story)?)))
}

fn compared(said: &str, expected: &[&str]) -> Result {
    if said.lines().eq(expected.iter().copied()) {
        Ok(())
    } else {
        Err(format!("prints\n{said}and should print\n{}", expected.join("\n")))
    }
}

/// What a program prints, if it succeeds in time.
fn told(command: &mut Command) -> Result<String> {
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().map_err(|error| format!("it does not start: {error}"))?;
    let (mut out, mut err) = (child.stdout.take(), child.stderr.take());
    let reader = thread::spawn(move || read(&mut out));
    let complaints = thread::spawn(move || read(&mut err));
    let start = Instant::now();
    let status = loop {
        match child.try_wait().map_err(|error| error.to_string())? {
            Some(status) => break Some(status),
            None if start.elapsed() > PATIENCE => break None,
            None => thread::sleep(PAUSE),
        }
    };
    if status.is_none() {
        child.kill().and_then(|()| child.wait()).map_err(|error| error.to_string())?;
    }
    let said = reader.join().map_err(|_| "its output could not be read")?;
    let complained = complaints.join().map_err(|_| "its complaints could not be read")?;
    match status {
        Some(status) if status.success() && complained.is_empty() => Ok(said),
        Some(status) => Err(format!("{status}\n{said}{complained}")),
        None => Err(format!("it does not come to an end\n{said}{complained}")),
    }
}

fn read(stream: &mut Option<impl std::io::Read>) -> String {
    let mut bytes = Vec::new();
    if let Some(stream) = stream {
        // What came until a stream broke is what there is to show.
        let _ = stream.read_to_end(&mut bytes);
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The programs that the README shows: what a block of code is called there, and the file whose code it is.
    const FIRST_PAGE: [(&str, &str); 8] = [
        ("python", "python/examples/hello_mesh.py"),
        ("js", "node/examples/hello_mesh.mjs"),
        ("rust", "core/examples/hello_mesh.rs"),
        ("c", "ffi/examples/c/hello_mesh.c"),
        ("cpp", "ffi/examples/cpp/hello_mesh.cpp"),
        ("kotlin", "bindings/uniffi/kotlin/examples/HelloMesh.kt"),
        ("ruby", "bindings/uniffi/ruby/examples/hello_mesh.rb"),
        ("swift", "bindings/uniffi/swift/Examples/HelloMesh/main.swift"),
    ];

    /// A program without what it says about itself at its head.
    fn code(text: &str) -> &str {
        let starts = ["//", "# ", "\"\"\""];
        let about = |line: &str| line.is_empty() || starts.iter().any(|start| line.starts_with(start));
        let head: usize = text.lines().take_while(|line| about(line)).map(|line| line.len() + 1).sum();
        text[head..].trim_end()
    }

    /// The first block of a language below the heading.
    fn shown<'a>(readme: &'a str, language: &str) -> Option<&'a str> {
        let section = readme.split_once("\n## Hello, mesh\n")?.1.split("\n## ").next()?;
        let (_, block) = section.split_once(&format!("\n```{language}\n"))?;
        Some(block.split_once("\n```\n")?.0.trim_end())
    }

    #[test]
    fn the_programs_on_the_first_page_are_the_examples() {
        let readme = std::fs::read_to_string(run::root().join("README.md")).unwrap();
        for (language, file) in FIRST_PAGE {
            let text = std::fs::read_to_string(run::root().join(file)).unwrap();
            let found = shown(&readme, language).unwrap_or_else(|| panic!("README.md shows no {language}"));
            assert_eq!(found, code(&text), "README.md and {file}");
        }
    }

    /// The examples that nothing here can run.
    const READ: [&str; 3] = ["HelloMesh", "TwoAgents", "CustomPolicy"];

    /// What a Swift program prints, by what stands before and behind the value in it.
    fn printed(text: &str) -> Vec<(&str, &str)> {
        let told = text.split("print(\"").skip(1).map(|rest| rest.split("\")").next().unwrap_or(rest));
        told.map(|line| match (line.find("\\("), line.rfind(')')) {
            (Some(begin), Some(end)) => (&line[..begin], &line[end + 1..]),
            _ => (line, ""),
        })
        .collect()
    }

    /// The lines of a story that no print can be, and the prints that no line of it is.
    fn unlike<'a>(text: &'a str, expected: &[&'a str]) -> Vec<&'a str> {
        let prints = printed(text);
        let is = |(before, behind): &(&str, &str), line: &str| {
            line.len() > before.len() + behind.len() && line.starts_with(before) && line.ends_with(behind)
        };
        let lines = expected.iter().filter(|line| !prints.iter().any(|print| is(print, line))).copied();
        let others = prints
            .iter()
            .filter(|print| !expected.iter().any(|line| is(print, line)))
            .map(|(before, _)| *before);
        lines.chain(others).collect()
    }

    #[test]
    fn the_programs_in_swift_would_print_the_lines_of_their_stories() {
        for ((_, expected), name) in STORIES.into_iter().zip(READ) {
            let file = format!("bindings/uniffi/swift/Examples/{name}/main.swift");
            let text = std::fs::read_to_string(run::root().join(&file)).unwrap();
            assert_eq!(unlike(&text, expected), [""; 0], "{file}");
            assert_eq!(printed(&text).len(), expected.len(), "{file}");
            // What is said otherwise, or no more, is seen.
            for (before, _) in printed(&text) {
                assert!(!unlike(&text.replace(before, "Behold: "), expected).is_empty(), "{file}: {before}");
                assert!(!unlike(&text.replace(&format!("print(\"{before}"), "show(\""), expected).is_empty());
            }
        }
    }

    #[test]
    fn a_story_that_is_told_otherwise_is_noticed() {
        let (_, expected) = STORIES[0];
        let text = expected.join("\n") + "\n";
        assert_eq!(compared(&text, expected), Ok(()));
        for other in ["", &text.replace("accepted", "stored"), &format!("{text}more\n")] {
            assert!(compared(other, expected).is_err(), "{other}");
        }
    }

    #[test]
    fn a_program_that_fails_or_complains_has_not_told_its_story() {
        assert!(told(run::cargo().arg("no-such-command")).unwrap_err().contains("no-such-command"));
        assert!(told(run::cargo().arg("--version")).unwrap().starts_with("cargo "));
        assert!(told(&mut Command::new("no-such-program-here")).unwrap_err().contains("does not start"));
    }
}
