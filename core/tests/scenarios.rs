//! Plays every scenario of `tests/scenarios` in every language that has a host.
//!
//! `cargo test -p dmagent --test scenarios` plays them in Rust; `cargo xtask test` builds the hosts of all languages. Each
//! test is a scenario in a language, such as `rust::a_question_is_answered`. The format of the files and the protocol of
//! the hosts stand in `tests/scenarios/README.md`.

mod driver;
mod support;

use std::{fs, process::ExitCode, sync::Arc};

use driver::{
    Result, coverage,
    languages::{self, Languages},
    play,
    scenario::{self, Scenario},
    trial,
};
use libtest_mimic::{Arguments, Failed, Trial};

fn main() -> ExitCode {
    if trial::misbehave() {
        return ExitCode::SUCCESS;
    }
    let arguments = Arguments::from_args();
    let (languages, scenarios) = match Languages::find().and_then(|found| Ok((found, files()?))) {
        Ok((languages, scenarios)) => (Arc::new(languages), Arc::new(scenarios)),
        Err(why) => {
            eprintln!("the scenarios cannot be played: {why}");
            return ExitCode::FAILURE;
        }
    };
    let conclusion = libtest_mimic::run(&arguments, trials(&languages, &scenarios));
    // Every host served many scenarios; now each must end by itself.
    let stayed = languages.end();
    for why in &stayed {
        println!("test hosts_end_with_their_input ... FAILED\n{why}");
    }
    if conclusion.has_failed() || !stayed.is_empty() { ExitCode::from(101) } else { ExitCode::SUCCESS }
}

/// All tests.
fn trials(languages: &Arc<Languages>, scenarios: &Arc<Vec<(String, Scenario)>>) -> Vec<Trial> {
    let mut trials = Vec::new();
    for (at, (name, scenario)) in scenarios.iter().enumerate() {
        let casts: Vec<(String, String)> = match scenario.languages {
            scenario::Languages::Each => {
                languages.names().into_iter().map(|one| (one.clone(), one)).collect()
            }
            scenario::Languages::Pair => languages.pairs(),
        };
        for (first, others) in casts {
            let (languages, scenarios) = (Arc::clone(languages), Arc::clone(scenarios));
            let cast = if first == others { first.clone() } else { format!("{first}_and_{others}") };
            let play = move || {
                let (name, scenario) = &scenarios[at];
                play::play(scenario, &languages, &first, &others)
                    .map_err(|why| Failed::from(format!("{name}.json: {why}")))
            };
            trials.push(Trial::test(format!("{cast}::{name}"), play));
        }
    }
    // What does not depend on the language is checked with the one that is always there.
    if languages.names() == ["rust"] {
        for (name, run) in trial::all() {
            let languages = Arc::clone(languages);
            trials.push(Trial::test(name, move || run(&languages).map_err(Failed::from)));
        }
        let scenarios = Arc::clone(scenarios);
        let check = move || coverage::check(&scenarios).map_err(Failed::from);
        trials.push(Trial::test("coverage::every_verb_error_and_event_has_a_scenario", check));
    }
    trials
}

/// Every scenario, by the name of its file.
fn files() -> Result<Vec<(String, Scenario)>> {
    let folder = languages::folder();
    let entries = fs::read_dir(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let mut paths: Vec<_> = entries.flatten().map(|entry| entry.path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "json"));
    paths.sort();
    let name = |path: &std::path::Path| path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    paths.iter().map(|path| Ok((name(path), scenario::read(path)?))).collect()
}
