//! Which languages there are, and the hosts of each that wait for the next scenario.

use std::{
    collections::BTreeMap,
    path::PathBuf,
    process::Command,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use serde::Deserialize;

use super::{
    Result,
    host::{Host, Program},
};

/// The variable that names hosts: a JSON object from the name of a language to its program.
pub(crate) const VARIABLE: &str = "DMAGENT_SCENARIO_HOSTS";
/// How long a step may take before its host counts as one that hangs.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// How the variables begin with which cargo tells a test about its package.
const ABOUT_US: [&str; 3] = ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_CRATE_"];

/// A language, as the variable tells it.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
enum Told {
    Command(Vec<String>),
    Language(Language),
}

/// A language and its host.
#[derive(Clone, Debug, Deserialize)]
struct Language {
    #[serde(flatten)]
    program: Program,
    /// Whether it meets the others that say so in the scenarios of two languages.
    #[serde(default)]
    pairs: bool,
}

/// All languages, and their hosts that are free.
pub(crate) struct Languages {
    known: BTreeMap<String, Language>,
    free: Mutex<BTreeMap<String, Vec<Host>>>,
    patience: Duration,
}

impl Languages {
    /// Those that the environment names; Rust alone when it names none.
    #[expect(clippy::disallowed_methods, reason = "a test program is told by its caller what to run")]
    pub(crate) fn find() -> Result<Self> {
        match std::env::var(VARIABLE) {
            Ok(text) if !text.is_empty() => {
                let told: BTreeMap<String, Told> =
                    serde_json::from_str(&text).map_err(|error| format!("{VARIABLE}: {error}"))?;
                let known = told.into_iter().map(|(name, told)| (name, told.language())).collect();
                Ok(Self { known, free: Mutex::default(), patience: PATIENCE })
            }
            _ => Ok(Self::of("rust", rust()?, PATIENCE)),
        }
    }

    /// One alone.
    pub(crate) fn of(name: &str, program: Program, patience: Duration) -> Self {
        let language = Language { program, pairs: false };
        Self { known: BTreeMap::from([(name.to_owned(), language)]), free: Mutex::default(), patience }
    }

    pub(crate) fn names(&self) -> Vec<String> {
        self.known.keys().cloned().collect()
    }

    /// Every ordered pair of two that meet; one that is alone meets itself.
    pub(crate) fn pairs(&self) -> Vec<(String, String)> {
        let meet: Vec<&String> =
            self.known.iter().filter(|(_, language)| language.pairs).map(|(name, _)| name).collect();
        if meet.is_empty() && self.known.len() == 1 {
            return self.known.keys().map(|name| (name.clone(), name.clone())).collect();
        }
        let ordered = meet.iter().flat_map(|one| meet.iter().map(move |other| (*one, *other)));
        ordered.filter(|(one, other)| one != other).map(|(one, other)| (one.clone(), other.clone())).collect()
    }

    /// A host that carries no node: one that waits, or a new one.
    pub(crate) fn take(&self, name: &str) -> Result<Host> {
        let waiting = self.free().get_mut(name).and_then(Vec::pop);
        if let Some(host) = waiting {
            return Ok(host);
        }
        let language = self.known.get(name).ok_or_else(|| format!("there is no language {name}"))?;
        Host::start(name, &language.program, self.patience)
    }

    /// Keeps a host whose node is closed for the next scenario.
    pub(crate) fn give_back(&self, host: Host) {
        self.free().entry(host.language.clone()).or_default().push(host);
    }

    /// Ends every host that waits; those that do not end well are told.
    pub(crate) fn end(&self) -> Vec<String> {
        let hosts = std::mem::take(&mut *self.free()).into_values().flatten();
        hosts.filter_map(|host| host.end().err()).collect()
    }

    fn free(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, Vec<Host>>> {
        self.free.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Told {
    fn language(self) -> Language {
        match self {
            Self::Command(command) => Language {
                program: Program { command, input: super::host::Input::Json, env: BTreeMap::new() },
                pairs: false,
            },
            Self::Language(language) => language,
        }
    }
}

/// The host of Rust, which is an example of this crate. A test that runs alone is no reason for cargo to build it.
fn rust() -> Result<Program> {
    let mut build = Command::new(env!("CARGO"));
    // All of the workspace: one package alone would be built with other features, and anew.
    build.args(["build", "--quiet", "--workspace", "--example", "scenario_host"]);
    // What cargo tells this test about its package would make build scripts of others believe that something changed.
    let told = std::env::vars_os().map(|(name, _)| name);
    for name in told.filter(|name| ABOUT_US.iter().any(|start| name.to_string_lossy().starts_with(start))) {
        build.env_remove(name);
    }
    let built = build.current_dir(env!("CARGO_MANIFEST_DIR")).status().map_err(|error| error.to_string())?;
    let own = std::env::current_exe().map_err(|error| error.to_string())?;
    let name = format!("scenario_host{}", std::env::consts::EXE_SUFFIX);
    // This program lies in target/PROFILE/deps.
    let folder = own.ancestors().nth(2).map(|folder| folder.join("examples").join(name));
    match folder.filter(|path| built.success() && path.is_file()) {
        Some(path) => Ok(Program {
            command: vec![path.display().to_string()],
            input: super::host::Input::Json,
            env: BTreeMap::new(),
        }),
        None => Err("the example scenario_host was not built".into()),
    }
}

/// Where the scenarios lie.
pub(crate) fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/scenarios")
}
