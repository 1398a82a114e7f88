//! The rules of the house, each a function from the text of a file to complaints about it.

use super::imports;

/// The rooms of the core in the order in which one reads them: what a room needs stands to its left.
pub(crate) const LINE: [&str; 16] = [
    "error",
    "env",
    "identity",
    "wire",
    "store",
    "transport",
    "discovery",
    "trust",
    "records",
    "peers",
    "messaging",
    "wallet",
    "economy",
    "signals",
    "node",
    "api",
];

/// How long a file may get.
pub(crate) const LINES: usize = 500;

/// One file of the core.
pub(crate) struct Source {
    /// Its path below `src`, with `/` as separator.
    pub(crate) path: String,
    /// What it holds.
    pub(crate) text: String,
}

impl Source {
    /// The path of the module it defines: `store/mod.rs` is `store`, `store/memory.rs` is `store`, `memory`.
    fn module(&self) -> Vec<String> {
        let mut names: Vec<String> =
            self.path.trim_end_matches(".rs").split('/').map(str::to_owned).collect();
        if names.last().is_some_and(|name| ["mod", "lib"].contains(&name.as_str())) {
            names.pop();
        }
        names
    }
}

/// Imports point left along the line of rooms. Code that is compiled for tests only may look anywhere, and so may
/// `lib.rs`, which is no room, and `docs`, which is prose.
pub(crate) fn imports_point_left(files: &[Source]) -> Vec<String> {
    let read: Vec<_> = files.iter().map(|file| (file, imports::read(&file.module(), &file.text))).collect();
    let test_modules: Vec<_> = read
        .iter()
        .filter_map(|(_, found)| found.as_ref().ok())
        .flat_map(|found| &found.test_modules)
        .collect();
    let mut complaints = Vec::new();
    for (file, found) in &read {
        let module = file.module();
        let Some(room) = module.first().filter(|room| *room != "docs") else { continue };
        if test_modules.iter().any(|tests| module.starts_with(tests)) {
            continue;
        }
        let Some(own) = LINE.iter().position(|name| name == room) else {
            complaints.push(format!("{}: `{room}` is no room of the line {}", file.path, LINE.join(" ")));
            continue;
        };
        match found {
            Err(error) => complaints.push(format!("{}: {error}", file.path)),
            Ok(found) => complaints.extend(found.imports.iter().filter_map(|import| {
                let (place, first) = (format!("src/{}:{}", file.path, import.line), &import.first);
                match LINE.iter().position(|name| name == first) {
                    Some(other) if other <= own => None,
                    Some(_) => {
                        Some(format!("{place}: `{room}` imports `{first}`, which stands to its right"))
                    }
                    None => Some(format!(
                        "{place}: `crate::{first}` does not say its room; name the path in full"
                    )),
                }
            })),
        }
    }
    complaints
}

/// A file opens with `//!`: a reader learns what it is for before meeting a type.
pub(crate) fn opens_with_its_purpose(file: &Source) -> Option<String> {
    (!file.text.starts_with("//! "))
        .then(|| format!("src/{} does not open with `//!` and what it is for", file.path))
}

/// A file tells one story, and stories have an end.
pub(crate) fn is_short(file: &Source) -> Option<String> {
    let lines = file.text.lines().count();
    (lines > LINES).then(|| {
        format!(
            "src/{} has {lines} lines, more than {LINES}. It tells more than one story: give the second a file of its \
             own (records and tables to `types.rs`, pure rules beside it, the part that talks to the store, the verbs; \
             tests of a long file to `{}/tests.rs`)",
            file.path,
            file.path.trim_end_matches("/mod.rs").trim_end_matches(".rs"),
        )
    })
}

/// Text that belongs to somebody's machine, or to a service that we do not depend on by name. The words are put
/// together here so that this file does not contain them.
pub(crate) fn speaks_of_itself(path: &str, text: &str) -> Vec<String> {
    let forbidden = [
        concat!("/ho", "me/"),
        concat!("/ro", "ot/"),
        concat!("/wo", "rk/"),
        concat!("/Us", "ers/"),
        concat!(":\\Us", "ers\\"),
        concat!("crates", ".io"),
        concat!("py", "pi.org"),
        concat!("pythonhosted", ".org"),
        concat!("npm", "js.org"),
        concat!("npm", "js.com"),
        concat!("ruby", "gems.org"),
        concat!("proxy.go", "lang.org"),
    ];
    let lines = text.lines().enumerate();
    lines
        .flat_map(|(number, line)| {
            let found = forbidden.iter().filter(move |word| line.contains(**word));
            found.map(move |word| {
                format!("{path}:{}: `{word}` is a path of one machine or the host of a registry", number + 1)
            })
        })
        .collect()
}
