//! Looking at what a package brought: its files, and what it says about itself.

use std::{fs, path::Path};

use super::archive;
use crate::run::Result;

/// What may not be in a package: programs that test, and what a work tree leaves behind.
const STRAY: &[&str] = &["test", "tests", "__pycache__", "node_modules", "target", ".git", "fuzz"];

/// The paths below a folder, with `/` as separator, in order.
pub(crate) fn files(folder: &Path) -> Result<Vec<String>> {
    let found = archive::below(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let inside = |path: &Path| {
        let names = path.strip_prefix(folder).expect("it was found there").iter();
        names.map(|name| name.to_string_lossy()).collect::<Vec<_>>().join("/")
    };
    Ok(found.iter().map(|path| inside(path)).collect())
}

/// Complains about files that are missing, and about those that nobody should get.
pub(crate) fn complete(files: &[String], needed: &[&str]) -> Result {
    let missing: Vec<_> = needed.iter().filter(|name| !files.iter().any(|file| file == *name)).collect();
    let stray: Vec<_> = files
        .iter()
        .filter(|file| file.split('/').any(|part| STRAY.contains(&part) || part.ends_with(".pyc")))
        .collect();
    if missing.is_empty() && stray.is_empty() {
        Ok(())
    } else {
        Err(format!("missing: {missing:?}; should not be there: {stray:?}; of {files:?}"))
    }
}

/// Complains unless exactly one file ends like this: the library of this platform, and none of another.
pub(crate) fn one(files: &[String], end: &str) -> Result {
    let found: Vec<_> = files.iter().filter(|file| file.ends_with(end)).collect();
    if found.len() == 1 { Ok(()) } else { Err(format!("one file should end with {end}, not {found:?}")) }
}

/// A text of a package.
pub(crate) fn text(path: &Path) -> Result<String> {
    fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))
}

/// Complains about lines that a text should have.
pub(crate) fn lines(text: &str, needed: &[String]) -> Result {
    let missing: Vec<_> = needed.iter().filter(|line| !text.lines().any(|found| found == *line)).collect();
    if missing.is_empty() { Ok(()) } else { Err(format!("these lines are missing: {missing:?}, in\n{text}")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn owned(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn what_is_missing_and_what_is_stray_is_named() {
        let found = owned(&["README.md", "lib/a.py", "tests/test_a.py", "lib/a.pyc"]);
        let told = complete(&found, &["LICENSE", "README.md"]).unwrap_err();
        assert!(
            told.starts_with(
                r#"missing: ["LICENSE"]; should not be there: ["tests/test_a.py", "lib/a.pyc"]"#
            ),
            "{told}"
        );
        assert_eq!(complete(&found[..2], &["README.md"]), Ok(()));
    }

    #[test]
    fn a_library_of_another_platform_is_seen() {
        assert!(one(&owned(&["a.node", "b.node"]), ".node").is_err());
        assert!(one(&owned(&[]), ".node").is_err());
        assert_eq!(one(&owned(&["a.node", "b.js"]), ".node"), Ok(()));
    }

    #[test]
    fn a_line_that_is_missing_is_named() {
        let told = lines("Name: a\nVersion: 1\n", &owned(&["Name: a", "Version: 2"])).unwrap_err();
        assert!(told.contains(r#"["Version: 2"]"#), "{told}");
    }
}
