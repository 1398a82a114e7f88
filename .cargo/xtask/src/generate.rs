//! `cargo xtask gen`: files that are made from the code and committed, so that a reader finds them and a change
//! of theirs shows in review.

use std::fs;

use crate::{
    python,
    run::{self, Result},
    uniffi,
};

/// Returns what the file should hold; most run a program with [`run::capture`].
type Generator = fn() -> Result<String>;

/// Every generated file, with `/` as separator, and what makes it. Mark new ones in `.gitattributes` as well. Those
/// below the schema are made from it as it stands on disk.
const FILES: &[(&str, Generator)] = &[
    (SCHEMA, schema),
    (HEADER, header),
    // A wheel and an npm package take licences from the folder of their project alone.
    ("node/LICENSE-APACHE", || licence("LICENSE-APACHE")),
    ("node/LICENSE-MIT", || licence("LICENSE-MIT")),
    ("node/lib/errors.cjs", || node_part("errors")),
    ("node/lib/errors.d.ts", || node_part("error_types")),
    ("node/lib/records.d.ts", || node_part("records")),
    ("node/lib/settings.d.ts", || node_part("settings")),
    ("node/lib/shapes.cjs", || node_part("shapes")),
    ("node/lib/verbs.d.ts", || node_part("verbs")),
    ("python/LICENSE-APACHE", || licence("LICENSE-APACHE")),
    ("python/LICENSE-MIT", || licence("LICENSE-MIT")),
    ("python/dmagent/_errors.py", || python_part("errors")),
    ("python/dmagent/_records.py", || python_part("records")),
    ("python/dmagent/_shapes.py", || python_part("shapes")),
    ("python/dmagent/_sync_verbs.py", || python_part("sync_verbs")),
    ("python/dmagent/_verbs.py", || python_part("verbs")),
    ("python/dmagent/types.py", || python_part("types")),
    ("bindings/uniffi/src/made/arguments.rs", || uniffi::rust_part("arguments")),
    ("bindings/uniffi/src/made/codes.rs", || uniffi::rust_part("codes")),
    ("bindings/uniffi/src/made/events.rs", || uniffi::rust_part("events")),
    ("bindings/uniffi/src/made/records.rs", || uniffi::rust_part("records")),
    ("bindings/uniffi/src/made/settings.rs", || uniffi::rust_part("settings")),
    ("bindings/uniffi/src/made/verbs.rs", || uniffi::rust_part("verbs")),
    // Made from the library, which is built with those above.
    ("bindings/uniffi/kotlin/generated/dmagent/dmagent.kt", || uniffi::foreign_part("dmagent/dmagent.kt")),
    ("bindings/uniffi/python/dmagent.py", || uniffi::foreign_part("dmagent.py")),
    ("bindings/uniffi/ruby/lib/dmagent/generated.rb", || uniffi::foreign_part("dmagent.rb")),
    ("bindings/uniffi/swift/Sources/Dmagent/Dmagent.swift", || uniffi::foreign_part("Dmagent.swift")),
    ("bindings/uniffi/swift/Sources/dmagentFFI/dmagentFFI.h", || uniffi::foreign_part("dmagentFFI.h")),
    ("bindings/uniffi/swift/Sources/dmagentFFI/module.modulemap", || {
        uniffi::foreign_part("dmagentFFI.modulemap")
    }),
];

const HEADER: &str = "include/dmagent.h";
const SCHEMA: &str = "include/dmagent.schema.json";

/// Verbs, records, events, settings, error codes.
fn schema() -> Result<String> {
    run::capture(run::cargo().args(["run", "--quiet", "--package", "dmagent", "--example", "schema"]))
}

/// The C functions.
fn header() -> Result<String> {
    run::capture(run::cargo().args(["run", "--quiet", "--package", "dmagent-ffi", "--example", "header"]))
}

/// A text at the top of the checkout.
fn licence(name: &str) -> Result<String> {
    fs::read_to_string(run::root().join(name)).map_err(|error| format!("{name}: {error}"))
}

/// One file of the Python package.
fn python_part(what: &str) -> Result<String> {
    let (python, _) = python::interpreter()?;
    run::capture(run::program(python).args(["python/tools/generate.py", SCHEMA, what]))
}

/// One file of the npm package. Python writes it: whoever checks the repository needs no Node.js.
fn node_part(what: &str) -> Result<String> {
    let (python, _) = python::interpreter()?;
    run::capture(run::program(python).args(["node/tools/generate.py", SCHEMA, what]))
}

/// Writes every generated file, or with `check` only compares.
pub(crate) fn generate(check: bool) -> Result {
    let mut stale = Vec::new();
    for (path, generator) in FILES {
        let file = run::root().join(path);
        let expected = generator()?;
        // A file that is missing or no text differs from anything.
        let found = fs::read_to_string(&file).unwrap_or_default();
        let Some(difference) = difference(&found, &expected) else { continue };
        if check {
            stale.push(format!("{path} {difference}"));
        } else {
            let folder = file.parent().expect("a generated file lies in the checkout");
            fs::create_dir_all(folder)
                .and_then(|()| fs::write(&file, expected))
                .map_err(|e| e.to_string())?;
            println!("wrote {path}");
        }
    }
    if stale.is_empty() {
        Ok(())
    } else {
        Err(format!("not what the code says; run `cargo xtask gen` and commit:\n{}", stale.join("\n")))
    }
}

/// Where two texts first differ. A checkout may have turned line ends into CRLF; that is no difference.
fn difference(found: &str, expected: &str) -> Option<String> {
    let (mut left, mut right) = (found.lines(), expected.lines());
    let mut number = 0;
    loop {
        number += 1;
        match (left.next(), right.next()) {
            (None, None) => return None,
            (a, b) if a == b => {}
            (a, b) => {
                let show = |line: Option<&str>| line.map_or("the end".to_owned(), |line| format!("`{line}`"));
                return Some(format!("line {number} is {}, should be {}", show(a), show(b)));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_line_that_differs_is_shown() {
        let shown = difference("a\nb\n", "a\nc\n").unwrap();
        assert_eq!(shown, "line 2 is `b`, should be `c`");
        assert_eq!(difference("a\n", "a\nb\n").unwrap(), "line 2 is the end, should be `b`");
    }

    #[test]
    fn line_ends_of_another_system_are_no_difference() {
        assert_eq!(difference("a\r\nb\r\n", "a\nb\n"), None);
    }
}
