//! The rules of the house, checked on every file: where imports point, how a file opens, how long it gets, and that
//! it speaks of nothing but itself. A failure says what to do.

#[path = "house/imports.rs"]
mod imports;
#[path = "house/rules.rs"]
mod rules;

use std::{
    fs,
    path::{Path, PathBuf},
};

use rules::{LINE, Source};

/// Folders of the repository that hold nothing of ours.
const FOREIGN: [&str; 5] = [".git", "target", "node_modules", "vectors", "dist"];
/// Extensions of the files that people write. Vectors and locks are data and quote what they quote.
const WRITTEN: [&str; 16] =
    ["rs", "toml", "md", "py", "pyi", "txt", "sh", "c", "h", "hpp", "cpp", "ts", "js", "mjs", "kt", "rb"];

fn files_below(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).expect("a folder of the checkout is readable") {
        let path = entry.expect("a folder of the checkout is readable").path();
        if path.is_file() {
            found.push(path);
        } else if !FOREIGN.iter().any(|name| path.ends_with(name)) && !path.join("pyvenv.cfg").exists() {
            found.extend(files_below(&path));
        }
    }
    found.sort();
    found
}

/// A path below `top`, with `/` as separator.
fn relative(path: &Path, top: &Path) -> String {
    let names = path.strip_prefix(top).expect("it was found there").iter();
    names.map(|name| name.to_string_lossy()).collect::<Vec<_>>().join("/")
}

fn core_files() -> Vec<Source> {
    let top = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let read = |path: PathBuf| Source {
        path: relative(&path, &top),
        text: fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display())),
    };
    let rust = |path: &PathBuf| path.extension().is_some_and(|extension| extension == "rs");
    let files: Vec<_> = files_below(&top).into_iter().filter(rust).map(read).collect();
    assert!(files.iter().any(|file| file.path == "lib.rs"), "no source was found in {}", top.display());
    files
}

fn complain(about: &[String], rule: &str) {
    assert!(about.is_empty(), "\n\n{}\n\n{rule}\n", about.join("\n"));
}

#[test]
fn imports_point_left_along_the_line_of_rooms() {
    complain(
        &rules::imports_point_left(&core_files()),
        &format!(
            "A room imports only from rooms to its left:\n    {}\nSo a reader can stop at any point of the line and \
             has understood all up to there. Move what both rooms need to the left one, or hand it in as an argument \
             or a trait that the left room defines and `node/compose.rs` fills.",
            LINE.join(" ")
        ),
    );
}

#[test]
fn every_file_opens_with_its_purpose() {
    let about: Vec<_> = core_files().iter().filter_map(rules::opens_with_its_purpose).collect();
    complain(&about, "One or two sentences: what the file is for and how it fits in, before any type.");
}

#[test]
fn files_are_short() {
    let about: Vec<_> = core_files().iter().filter_map(rules::is_short).collect();
    complain(
        &about,
        "Most files here have 120 to 370 lines; a long one is hard to review and to find one's way in.",
    );
}

#[test]
fn the_core_forbids_unsafe_code() {
    let lib = core_files().into_iter().find(|file| file.path == "lib.rs").expect("checked where it is read");
    let stands = lib.text.lines().any(|line| line.trim() == "#![forbid(unsafe_code)]");
    assert!(
        stands,
        "src/lib.rs lost `#![forbid(unsafe_code)]`; unsafe code lives in the shells, each with its reason"
    );
}

#[test]
fn the_repository_speaks_of_itself_alone() {
    let top = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the core lies one folder below the top");
    let written = |path: &PathBuf| {
        path.extension()
            .and_then(|extension| extension.to_str())
            .is_some_and(|found| WRITTEN.contains(&found))
    };
    let about: Vec<_> = files_below(top)
        .into_iter()
        .filter(written)
        // A file that is no text holds no words.
        .filter_map(|path| Some((relative(&path, top), fs::read_to_string(path).ok()?)))
        .flat_map(|(path, text)| rules::speaks_of_itself(&path, &text))
        .collect();
    complain(
        &about,
        "A checkout works anywhere, and package clients know their registries: leave such words out.",
    );
}

/// The rules themselves, on small files: a rule that never complains is worth nothing.
mod the_rules {
    use super::{
        Source,
        rules::{LINES, imports_point_left, is_short, opens_with_its_purpose, speaks_of_itself},
    };

    fn file(path: &str, text: &str) -> Source {
        Source { path: path.to_owned(), text: text.to_owned() }
    }

    fn complaints(path: &str, text: &str) -> Vec<String> {
        imports_point_left(&[file(path, text)])
    }

    #[test]
    fn report_an_import_that_points_right() {
        let told = complaints("trust/gate.rs", "use std::fmt;\nuse crate::peers::Peer;");
        assert_eq!(told, ["src/trust/gate.rs:2: `trust` imports `peers`, which stands to its right"]);
    }

    #[test]
    fn allow_what_stands_left_and_the_room_itself() {
        let text =
            "use crate::{error::Result, store::{Key, Row}, trust::Score};\nuse super::types::Impression;";
        assert_eq!(complaints("trust/gate.rs", text), Vec::<String>::new());
    }

    #[test]
    fn look_into_groups_renames_and_globs() {
        for text in [
            "use crate::{error::Result, node::Node};",
            "use {crate::error::Result, crate::node::{self, Node}};",
            "use crate::node as home;",
            "use crate::{node as home};",
            "use crate::node::*;",
            "use crate::*;",
            "pub(crate) use crate::node::Node;",
        ] {
            assert_eq!(complaints("store/mod.rs", text).len(), 1, "{text}");
        }
    }

    #[test]
    fn follow_super_out_of_the_room() {
        assert_eq!(complaints("store/sqlite/mod.rs", "use super::super::node::Node;").len(), 1);
        assert_eq!(complaints("store/sqlite/mod.rs", "use super::{super::node::Node};").len(), 1);
        assert_eq!(complaints("store/mod.rs", "mod inner { use super::super::node::Node; }").len(), 1);
        assert_eq!(complaints("store/sqlite/mod.rs", "use super::node::Node;"), Vec::<String>::new());
        assert_eq!(
            complaints("store/sqlite/mod.rs", "use super::super::error::Error;"),
            Vec::<String>::new()
        );
    }

    #[test]
    fn see_paths_in_code_types_macros_and_attributes() {
        for text in [
            "fn f() { crate::node::start(); }",
            "fn f() -> Option<crate::node::Node> { None }",
            "impl crate::node::Host for X {}",
            "fn f() { let a = vec![crate::node::Node::new()]; }",
            "macro_rules! m { () => { $crate::node::start() } }",
            "struct S { #[serde(with = \"crate::node::hex\")] a: u8 }",
            "#[derive(crate::node::Derive)] struct S;",
        ] {
            assert_eq!(complaints("store/mod.rs", text).len(), 1, "{text}");
        }
    }

    #[test]
    fn do_not_take_prose_or_other_crates_for_imports() {
        for text in [
            "/// See [`crate::node::Node`].\npub struct S;",
            "fn f() -> &'static str { \"crate::node\" }",
            "use other_crate::node::Node; use node::Node;",
            "pub(crate) fn f() {}",
        ] {
            assert_eq!(complaints("store/mod.rs", text), Vec::<String>::new(), "{text}");
        }
    }

    #[test]
    fn leave_tests_alone_but_not_what_tests_share_with_a_feature() {
        assert!(complaints("store/mod.rs", "#[cfg(test)] mod tests { use crate::node::Node; }").is_empty());
        assert!(complaints("store/mod.rs", "#[cfg(all(test, unix))] use crate::node::Node;").is_empty());
        assert!(complaints("store/mod.rs", "impl S { #[cfg(test)] fn f() { crate::node::g() } }").is_empty());
        assert_eq!(
            complaints("store/mod.rs", "#[cfg(any(test, feature = \"f\"))] use crate::node::Node;").len(),
            1
        );
        assert_eq!(complaints("store/mod.rs", "#[cfg(not(test))] use crate::node::Node;").len(), 1);
    }

    #[test]
    fn leave_a_test_module_in_a_file_of_its_own_alone() {
        let tests = || file("store/memory/tests.rs", "use crate::node::Node;");
        let declared = file("store/memory.rs", "#[cfg(test)]\nmod tests;");
        assert_eq!(imports_point_left(&[declared, tests()]), Vec::<String>::new());
        assert_eq!(imports_point_left(&[file("store/memory.rs", "mod tests;"), tests()]).len(), 1);
    }

    #[test]
    fn want_every_room_to_stand_in_the_line() {
        assert_eq!(complaints("cellar/mod.rs", "").len(), 1);
        assert_eq!(complaints("store/mod.rs", "use crate::Shortcut;").len(), 1);
        assert!(complaints("lib.rs", "pub use crate::node::Node;").is_empty());
        assert!(complaints("docs/mod.rs", "use crate::node::Node;").is_empty());
    }

    #[test]
    fn report_a_file_that_does_not_parse() {
        assert_eq!(complaints("store/mod.rs", "fn (").len(), 1);
    }

    #[test]
    fn know_an_opening_from_a_comment() {
        assert!(opens_with_its_purpose(&file("a.rs", "//! What it is for.\n")).is_none());
        assert!(opens_with_its_purpose(&file("a.rs", "// A comment.\n")).is_some());
        assert!(opens_with_its_purpose(&file("a.rs", "\nuse std::fmt;\n//! Late.\n")).is_some());
    }

    #[test]
    fn count_lines() {
        assert!(is_short(&file("a.rs", &"\n".repeat(LINES))).is_none());
        let told = is_short(&file("store/mod.rs", &"\n".repeat(LINES + 1))).expect("it is too long");
        assert!(told.contains("501 lines") && told.contains("store/tests.rs"), "{told}");
    }

    #[test]
    fn find_words_that_belong_to_one_machine() {
        let text = format!("fine\nsee {}someone/notes\n", concat!("/ho", "me/"));
        let told = speaks_of_itself("a.md", &text);
        assert!(told.len() == 1 && told[0].starts_with("a.md:2: "), "{told:?}");
        assert!(speaks_of_itself("a.md", "/home, rooms/work and /usr/share").is_empty());
    }
}
