//! Whether the scenarios together use every verb, bring about every error, and see every event.

use std::collections::BTreeSet;

use dmagent::{api::VERBS, error::Code};
use serde_json::Value;

use super::{
    Result, matching,
    scenario::{Outcome, Scenario, Step},
};

/// Codes that no scenario can bring about, and why.
const UNREACHED: &[(Code, &str)] = &[
    (Code::Internal, "a bug of the library; there is none to show"),
    (Code::BlockingInAsync, "depends on the thread that calls: a matter of each binding, and tested there"),
    (Code::Forked, "hosts do not fork; the tests of C and Python do"),
    (Code::InvalidHandle, "only C has handles that can be wrong; its own tests have them"),
    (Code::StoreFull, "a test cannot fill the disk of the machine; the tests of the store limit theirs"),
    (Code::StorePrecondition, "two writers inside one node; it is settled there and told to nobody"),
    (Code::DiscoveryFailed, "the network of the machine would have to be broken"),
];
/// Events that no scenario can bring about, and why.
const UNSEEN: &[(&str, &str)] = &[];
/// The fewest scenarios that there may be.
const FEWEST: usize = 30;

/// What is used so far.
#[derive(Default)]
struct Used {
    verbs: BTreeSet<String>,
    codes: BTreeSet<String>,
    events: BTreeSet<String>,
}

impl Used {
    fn step(&mut self, step: &Step) {
        match step {
            Step::Call(call) => {
                // A verb that only fails was not shown.
                if call.outcome.error.is_none() {
                    self.verbs.insert(call.verb.clone());
                }
                self.outcome(&call.outcome);
            }
            Step::Expect { outcome, .. } => self.outcome(outcome),
            Step::Open { error, .. } | Step::Restart { error, .. } => self.error(error.as_ref()),
            Step::Event(step) if !step.never => {
                self.events.extend(step.event["type"].as_str().map(str::to_owned));
                self.codes_in(&step.event);
            }
            Step::Wire(step) => self.codes_in(&step.body),
            Step::Http(step) => self.codes_in(&step.body),
            _ => {}
        }
    }

    fn outcome(&mut self, outcome: &Outcome) {
        self.error(outcome.error.as_ref());
        if let Some(result) = &outcome.result {
            self.codes_in(result);
        }
    }

    fn error(&mut self, wanted: Option<&Value>) {
        match wanted {
            Some(Value::String(code)) => {
                self.codes.insert(code.clone());
            }
            Some(pattern) => self.codes_in(pattern),
            None => {}
        }
    }

    /// A node also tells codes in receipts, events and answers to others.
    fn codes_in(&mut self, pattern: &Value) {
        match pattern {
            Value::Object(members) => {
                for (name, value) in members {
                    match value {
                        Value::String(code) if name == "code" => {
                            self.codes.insert(code.clone());
                        }
                        // What may be something else was not shown.
                        _ if name == "$not" || name == "$one_of" => {}
                        other => self.codes_in(other),
                    }
                }
            }
            Value::Array(items) => items.iter().for_each(|item| self.codes_in(item)),
            _ => {}
        }
    }
}

/// All that is wrong with the scenarios as a whole.
pub(crate) fn check(scenarios: &[(String, Scenario)]) -> Result {
    let mut used = Used::default();
    for (name, scenario) in scenarios {
        for step in &scenario.steps {
            patterns(&step.step).try_for_each(matching::check).map_err(|why| format!("{name}: {why}"))?;
            used.step(&step.step);
        }
    }
    let mut wrong = Vec::new();
    if scenarios.len() < FEWEST {
        wrong.push(format!("there are {} scenarios, fewer than {FEWEST}", scenarios.len()));
    }
    let missing = VERBS.iter().filter(|verb| !used.verbs.contains(verb.name));
    wrong.extend(missing.map(|verb| format!("no scenario calls {} with success", verb.name)));
    for code in Code::ALL {
        let reason = UNREACHED.iter().find(|(listed, _)| listed == code);
        match (used.codes.contains(code.name()), reason) {
            (false, None) => wrong.push(format!("no scenario expects the error {}", code.name())),
            (true, Some((_, why))) => {
                wrong.push(format!(
                    "{} is expected somewhere, though listed as out of reach ({why})",
                    code.name()
                ));
            }
            _ => {}
        }
    }
    for event in events() {
        let reason = UNSEEN.iter().find(|(listed, _)| *listed == event);
        match (used.events.contains(&event), reason) {
            (false, None) => wrong.push(format!("no scenario waits for the event {event}")),
            (true, Some((_, why))) => {
                wrong.push(format!("{event} is waited for somewhere, though listed as out of reach ({why})"));
            }
            _ => {}
        }
    }
    let codes: BTreeSet<&str> = Code::ALL.iter().map(|code| code.name()).collect();
    let unknown = used.codes.iter().filter(|code| !codes.contains(code.as_str()));
    wrong.extend(unknown.map(|code| format!("a scenario expects {code}, which is no code")));
    let unknown = used.events.iter().filter(|event| !events().contains(event.as_str()));
    wrong.extend(unknown.map(|event| format!("a scenario waits for {event}, which is no event")));
    if wrong.is_empty() { Ok(()) } else { Err(wrong.join("\n")) }
}

/// The patterns of a step.
fn patterns(step: &Step) -> impl Iterator<Item = &Value> {
    let found: [Option<&Value>; 2] = match step {
        Step::Call(call) => [call.outcome.result.as_ref(), call.outcome.error.as_ref()],
        Step::Expect { outcome, .. } => [outcome.result.as_ref(), outcome.error.as_ref()],
        Step::Event(step) => [Some(&step.event), None],
        Step::Wire(step) => [Some(&step.body), None],
        Step::Http(step) => [Some(&step.body), None],
        Step::Open { error, .. } | Step::Restart { error, .. } => [error.as_ref(), None],
        _ => [None, None],
    };
    found.into_iter().flatten()
}

/// The types of all events, from the schema.
fn events() -> BTreeSet<String> {
    let schema = dmagent::api::schema();
    let mut found = BTreeSet::new();
    for name in ["MessageEvent", "PeerEvent", "NodeEvent"] {
        let variants = schema["$defs"][name]["oneOf"].as_array().cloned().unwrap_or_default();
        let types = variants.iter().filter_map(|variant| variant["properties"]["type"]["const"].as_str());
        found.extend(types.map(str::to_owned));
    }
    found
}
