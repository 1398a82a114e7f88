//! `cargo xtask dist`: what a user would install, in `target/dist/`.
//!
//! [`PACKAGES`] is the list: each has a function that makes it and one that installs it into an empty environment and
//! uses it there. The tests run both with the profile of the tests, so that nothing is compiled twice; only `dist` itself
//! compiles what is worth handing out.
//!
//! The same tree gives the same bytes: archives are sorted and know no time and no owner, and compiled code knows no
//! path of the machine. For compiled code that holds with one version of the compilers and in one folder: Rust makes
//! names inside of it from the place of the sources.

use std::{
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use flate2::Compression;
use sha2::{Digest as _, Sha256};

use crate::{
    packages::{c, kotlin, look, npm, ruby, sdist, wheel},
    python::{self, Venv},
    run::{self, Result, step},
    tally::Tally,
};

/// What is handed out. One line for each package; a new one also gets a file in `packages/`.
const PACKAGES: &[Package] =
    &[wheel::PACKAGE, sdist::PACKAGE, npm::PACKAGE, c::PACKAGE, kotlin::PACKAGE, ruby::PACKAGE];

/// The profile of what is handed out. Another one is for trying and testing.
pub(crate) const PROFILE: &str = "dist";
/// The profile of the tests.
const TESTS: &str = "dev";
/// As large as a wheel, and a library of the others, should get.
const AIM: u64 = 8 << 20;
/// What archives say about when they were made: the first moment that a zip file can tell.
pub(crate) const EPOCH: &str = "315532800";
/// The list of the other files with their sums, as `sha256sum --check` reads it.
const SUMS: &str = "SHA256SUMS";

/// A kind of package.
pub(crate) struct Package {
    pub(crate) name: &'static str,
    /// A sentence about what this machine lacks for it. Such a package is neither made nor tested, and counts as skipped.
    pub(crate) lacks: fn() -> Option<String>,
    /// Puts the files into [`Plan::folder`], and tells how large they are that [`AIM`] is about.
    pub(crate) make: fn(&Plan) -> Result<Vec<Measured>>,
    /// Installs what was made into an empty environment, looks at what is there, and plays the examples with it.
    pub(crate) test: fn(&Plan) -> Result<Tally>,
}

/// Something whose size matters, and how many bytes it has.
pub(crate) struct Measured(pub(crate) String, pub(crate) u64);

impl Measured {
    /// A file, by its path.
    pub(crate) fn file(what: &str, path: &Path) -> Result<Self> {
        let found = fs::metadata(path).map_err(|error| format!("{}: {error}", path.display()))?;
        Ok(Self(what.to_owned(), found.len()))
    }
}

/// How packages are made, and where they go.
pub(crate) struct Plan {
    profile: String,
    /// Where the packages go.
    pub(crate) folder: PathBuf,
    /// Has the tools that are Python programs.
    pub(crate) tools: Venv,
}

impl Plan {
    fn new(profile: &str, folder: &str) -> Result<Self> {
        let tools =
            python::venv("dev", python::DEV).ok_or("Packages are made with Python tools, see above.")?;
        Ok(Self { profile: profile.to_owned(), folder: run::target(folder), tools })
    }

    /// How the tests make packages.
    pub(crate) fn of_tests() -> Result<Self> {
        Self::new(TESTS, "dist-dev")
    }

    /// The name of the profile for cargo.
    pub(crate) fn profile(&self) -> &str {
        &self.profile
    }

    /// Where cargo puts what it compiles with the profile.
    pub(crate) fn built(&self) -> Result<PathBuf> {
        run::built_folder(if self.profile == TESTS { "debug" } else { &self.profile })
    }

    /// Compiles the libraries.
    pub(crate) fn compile(&self) -> Result {
        let mut build = run::cargo();
        build.args(["build", "--quiet", "--lib", "--profile", &self.profile]);
        if self.profile == TESTS {
            // The tests build everything together; one package alone would get other features, and anew.
            build.arg("--workspace");
        } else {
            for package in ["dmagent-ffi", "dmagent-node", "dmagent-uniffi"] {
                build.args(["--package", package]);
            }
        }
        run::inherit(self.untraced(&mut build))
    }

    /// Lets a program that compiles or packs leave out what only this machine knows: its paths, and the time.
    pub(crate) fn untraced<'a>(&self, command: &'a mut Command) -> &'a mut Command {
        if self.profile == TESTS {
            // Another environment would mean to compile anew what the tests have.
            return command;
        }
        command.env("SOURCE_DATE_EPOCH", EPOCH);
        let words = |name| run::variable(name).unwrap_or_default();
        let mut flags: Vec<_> = words("RUSTFLAGS").split_whitespace().map(str::to_owned).collect();
        let mut c_flags = words("CFLAGS");
        for (path, name) in traces() {
            flags.push(format!("--remap-path-prefix={path}={name}"));
            // Some crates bring C, which is compiled with debug information. Flags are parted by spaces.
            if cfg!(unix) && !path.contains(' ') {
                c_flags += &format!(" -ffile-prefix-map={path}={name}");
            }
        }
        command.env("CARGO_ENCODED_RUSTFLAGS", flags.join("\u{1f}")).env("CFLAGS", c_flags.trim())
    }

    /// Complains about files that name a folder of this machine. Libraries of the tests do.
    pub(crate) fn traceless(&self, folder: &Path) -> Result {
        let libraries = [".so", ".dylib", ".dll", ".pyd", ".node", ".a", ".lib"];
        for name in look::files(folder)? {
            let compiled =
                libraries.iter().any(|end| name.ends_with(end) || name.contains(&format!("{end}.")));
            // pip notes where the wheel was.
            if compiled && self.profile == TESTS || name == "direct_url.json" {
                continue;
            }
            let bytes = fs::read(folder.join(&name)).map_err(|error| format!("{name}: {error}"))?;
            for (path, _) in traces() {
                if bytes.windows(path.len()).any(|window| window == path.as_bytes()) {
                    return Err(format!("{name} names {path}"));
                }
            }
        }
        Ok(())
    }

    /// How hard archives try to be small: what is only tried is not worth the time.
    pub(crate) fn compression(&self) -> Compression {
        if self.profile == TESTS { Compression::fast() } else { Compression::best() }
    }

    /// Where work on one package is done.
    pub(crate) fn place(&self, name: &str) -> PathBuf {
        run::target("dist-work").join(&self.profile).join(name)
    }

    /// The same, empty.
    pub(crate) fn work(&self, name: &str) -> Result<PathBuf> {
        let folder = self.place(name);
        emptied(&folder)?;
        Ok(folder)
    }

    /// The one file of the plan whose name begins and ends like this.
    pub(crate) fn made(&self, begin: &str, end: &str) -> Result<PathBuf> {
        let fits = |name: &String| name.starts_with(begin) && name.ends_with(end);
        match &names(&self.folder)?.into_iter().filter(fits).collect::<Vec<_>>()[..] {
            [one] => Ok(self.folder.join(one)),
            found => Err(format!("one {begin}…{end} should be in {}, not {found:?}", self.folder.display())),
        }
    }
}

/// The folders of this machine that compilers write down, and what they shall be called instead.
fn traces() -> Vec<(String, &'static str)> {
    let home = run::variable("HOME").or_else(|| run::variable("USERPROFILE")).unwrap_or_default();
    let cargo = run::variable("CARGO_HOME").map_or_else(|| Path::new(&home).join(".cargo"), PathBuf::from);
    let compiled = run::built_folder("").unwrap_or_else(|_| run::target(""));
    let folders = [(cargo, "cargo"), (compiled, "target"), (run::root(), "dmagent")];
    folders.map(|(path, name)| (path.display().to_string().trim_end_matches('/').to_owned(), name)).to_vec()
}

/// Makes all packages and tells how large they are; `tried` also does with them what the tests do with theirs.
pub(crate) fn dist(profile: &str, tried: bool) -> Result {
    // What another profile makes does not take the place of what is handed out.
    let folder = if profile == PROFILE { PROFILE.to_owned() } else { format!("dist-{profile}") };
    let plan = Plan::new(profile, &folder)?;
    make(&plan)?;
    let tally = if tried { try_all(&plan) } else { Tally::default() };
    if tally.failed == 0 { Ok(()) } else { Err(format!("{} of the tries failed, see above", tally.failed)) }
}

fn make(plan: &Plan) -> Result {
    emptied(&plan.folder)?;
    step("compiling the libraries");
    plan.compile()?;
    let mut measured = Vec::new();
    for package in PACKAGES {
        step(package.name);
        if let Some(why) = (package.lacks)() {
            println!("{why}");
            continue;
        }
        measured.extend((package.make)(plan)?);
    }
    let sums = sums(&plan.folder)?;
    fs::write(plan.folder.join(SUMS), &sums).map_err(|error| error.to_string())?;
    println!("\n{}, profile `{}`:", plan.folder.display(), plan.profile);
    for name in names(&plan.folder)? {
        let Measured(name, bytes) = Measured::file(&name, &plan.folder.join(&name))?;
        println!("{:>9}  {name}", size(bytes));
    }
    println!("and inside:");
    for Measured(what, bytes) in measured {
        let over = plan.profile == PROFILE && bytes > AIM;
        println!(
            "{:>9}  {what}{}",
            size(bytes),
            if over { ": more than the 8 MB that are the aim" } else { "" }
        );
    }
    Ok(())
}

/// Makes the packages twice, which must give the same bytes, and tests each.
pub(crate) fn test() -> Result<Tally> {
    let plan = Plan::of_tests()?;
    make(&plan)?;
    let mut tally = Tally::default();
    step("the packages once more");
    let again = Plan::new(TESTS, "dist-dev-again")?;
    emptied(&again.folder)?;
    for package in PACKAGES.iter().filter(|package| (package.lacks)().is_none()) {
        (package.make)(&again)?;
    }
    let (first, second) = (sums(&plan.folder)?, sums(&again.folder)?);
    if first != second {
        println!("the same tree gave\n{first}and then\n{second}");
    }
    tally += Tally::one(first == second);
    tally += try_all(&plan);
    Ok(tally)
}

/// Installs and uses each package.
fn try_all(plan: &Plan) -> Tally {
    let mut tally = Tally::default();
    for package in PACKAGES {
        step(&format!("{}, in an empty environment", package.name));
        if let Some(why) = (package.lacks)() {
            println!("{why}");
            tally.skipped += 1;
            continue;
        }
        tally += (package.test)(plan).unwrap_or_else(|why| {
            println!("{}: {why}", package.name);
            Tally::one(false)
        });
    }
    tally
}

fn emptied(folder: &Path) -> Result {
    python::absent(folder)
        .and_then(|()| fs::create_dir_all(folder))
        .map_err(|error| format!("{}: {error}", folder.display()))
}

/// A line for each package in a folder: its sum and its name.
fn sums(folder: &Path) -> Result<String> {
    let mut text = String::new();
    for name in names(folder)?.iter().filter(|name| *name != SUMS) {
        let path = folder.join(name);
        let bytes = fs::read(&path).map_err(|error| format!("{}: {error}", path.display()))?;
        for byte in Sha256::digest(&bytes) {
            write!(text, "{byte:02x}").expect("a string takes everything");
        }
        writeln!(text, "  {name}").expect("a string takes everything");
    }
    Ok(text)
}

/// The names in a folder, in order.
fn names(folder: &Path) -> Result<Vec<String>> {
    let entries = fs::read_dir(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let mut names: Vec<_> =
        entries.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    Ok(names)
}

fn size(bytes: u64) -> String {
    format!("{}.{:02} MB", bytes >> 20, ((bytes % (1 << 20)) * 100) >> 20)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_shown_in_units_of_1024() {
        assert_eq!([0, 1 << 20, (8 << 20) + (1 << 19)].map(size), ["0.00 MB", "1.00 MB", "8.50 MB"]);
    }

    #[test]
    fn the_sums_are_those_of_sha256() {
        let folder = run::target("dist-work/sums");
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("abc"), "abc").unwrap();
        let expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad  abc\n";
        assert_eq!(sums(&folder).unwrap(), expected);
    }
}
