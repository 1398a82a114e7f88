//! The format of a scenario file, as a file holds it. What it means is told in `tests/scenarios/README.md`.
//!
//! A member that nobody knows is an error: a scenario with a spelling mistake must not pass.

use std::{collections::BTreeMap, fs, path::Path};

use serde::Deserialize;
use serde_json::{Map, Value};

use super::Result;

/// One file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Scenario {
    /// What a user gets out of it, in a sentence.
    pub(crate) story: String,
    /// Which languages its nodes are made in.
    #[serde(default)]
    pub(crate) languages: Languages,
    /// The nodes by name, in the order of their names.
    pub(crate) nodes: BTreeMap<String, NodeSpec>,
    /// What happens.
    #[serde(deserialize_with = "steps")]
    pub(crate) steps: Vec<Numbered>,
}

/// A step, and how it stands in the file.
#[derive(Debug)]
pub(crate) struct Numbered {
    pub(crate) shown: String,
    pub(crate) step: Step,
}

/// Which languages the nodes of a scenario are made in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Languages {
    /// All in one; the scenario runs once for each.
    #[default]
    Each,
    /// The first in one and the others in another; the scenario runs once for each ordered pair.
    Pair,
}

/// A node of a scenario.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct NodeSpec {
    /// Its settings, laid over those that every node of a scenario has.
    pub(crate) settings: Map<String, Value>,
    /// The name of its data folder. Nodes that name the same folder share it; without one nothing is kept.
    pub(crate) folder: Option<String>,
    /// It is opened by a step, not before the first.
    pub(crate) later: bool,
}

/// What a call must come to. Neither means: it must succeed.
#[derive(Clone, Debug, Default)]
pub(crate) struct Outcome {
    pub(crate) result: Option<Value>,
    pub(crate) error: Option<Value>,
    pub(crate) save: Option<String>,
}

/// One step.
#[derive(Debug)]
pub(crate) enum Step {
    Call(Call),
    Expect { name: String, outcome: Outcome },
    Event(EventStep),
    Advance(f64),
    Open { node: String, settings: Map<String, Value>, error: Option<Value>, fresh_port: bool },
    Close(String),
    Crash(String),
    Restart { node: String, settings: Map<String, Value>, error: Option<Value>, fresh_port: bool },
    End(String),
    File(FileStep),
    Wire(WireStep),
    Http(HttpStep),
}

/// A verb that a node is asked for.
#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) verb: String,
    pub(crate) on: String,
    pub(crate) with: Map<String, Value>,
    /// Through the call by name, not through the method of the verb.
    pub(crate) by_name: bool,
    /// Let it run, and go on; an `expect` waits for it.
    pub(crate) start: Option<String>,
    /// Call again until the outcome is the expected one.
    pub(crate) eventually: bool,
    pub(crate) outcome: Outcome,
}

/// An event that must come, or must not have come so far.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct EventStep {
    pub(crate) event: Value,
    pub(crate) on: String,
    #[serde(default)]
    pub(crate) never: bool,
    pub(crate) save: Option<String>,
}

/// Somebody else changes a file of a data folder.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct FileStep {
    /// Its name in `.darkmatter`.
    pub(crate) file: String,
    /// Whose data folder.
    pub(crate) of: String,
    /// All that it holds from now on.
    pub(crate) text: Option<String>,
    /// Bytes to write over those from `at` on, as hexadecimal digits.
    pub(crate) hex: Option<String>,
    #[serde(default)]
    pub(crate) at: u64,
    /// Its mode, as octal digits; Unix only.
    pub(crate) mode: Option<String>,
    /// Make it a folder.
    #[serde(default)]
    pub(crate) folder: bool,
    /// The name of another data folder whose file of that name is copied here.
    pub(crate) copy_from: Option<String>,
    /// Its name from now on.
    pub(crate) rename: Option<String>,
    /// Remove it.
    #[serde(default)]
    pub(crate) remove: bool,
}

/// Mallory, who has a key and no node, sends a frame that is signed by hand.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct WireStep {
    /// Which frame: `message` (our signature), `plain_message` (that of 1.1.1), `sealed_message`, or
    /// `moved_seal` (what was sealed for another message).
    pub(crate) wire: String,
    pub(crate) to: String,
    /// Members that are written over those of the frame when it is signed; null takes one away.
    #[serde(default)]
    pub(crate) with: Map<String, Value>,
    /// Made and signed for this agent instead.
    pub(crate) signed_for: Option<String>,
    /// The second hand of its clock, in seconds from now.
    #[serde(default)]
    pub(crate) clock: i64,
    /// How often it is sent; the answer to the last counts.
    #[serde(default = "once")]
    pub(crate) times: u32,
    pub(crate) status: u16,
    #[serde(default)]
    pub(crate) body: Value,
}

/// A plain request to the HTTP interface of a node.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct HttpStep {
    /// Method and path.
    pub(crate) http: String,
    pub(crate) to: String,
    #[serde(default)]
    pub(crate) headers: BTreeMap<String, String>,
    /// JSON to send; text is sent as it is.
    #[serde(default)]
    pub(crate) send: Value,
    pub(crate) status: u16,
    #[serde(default)]
    pub(crate) body: Value,
}

fn once() -> u32 {
    1
}

/// Reads a file and says in which step it is wrong.
pub(crate) fn read(path: &Path) -> Result<Scenario> {
    let text = fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
    parse(&text).map_err(|error| format!("{}: {error}", path.display()))
}

/// Reads the text of a file.
pub(crate) fn parse(text: &str) -> Result<Scenario> {
    let scenario: Scenario = serde_json::from_str(text).map_err(|error| error.to_string())?;
    let known = |name: &String| scenario.nodes.contains_key(name);
    for (at, step) in scenario.steps.iter().enumerate() {
        if let Some(stranger) = step.step.nodes().into_iter().find(|name| !known(name)) {
            return Err(format!("step {} names `{stranger}`, which is no node of this scenario", at + 1));
        }
    }
    if scenario.story.trim().is_empty() || scenario.steps.is_empty() || scenario.nodes.is_empty() {
        return Err("a scenario has a story, nodes and steps".into());
    }
    Ok(scenario)
}

fn steps<'de, D: serde::Deserializer<'de>>(from: D) -> std::result::Result<Vec<Numbered>, D::Error> {
    let found = Vec::<Map<String, Value>>::deserialize(from)?;
    let numbered = found.into_iter().enumerate();
    let read = numbered.map(|(at, members)| {
        let shown = Value::Object(members.clone()).to_string();
        match Step::read(members) {
            Ok(step) => Ok(Numbered { shown, step }),
            Err(why) => Err(format!("step {} ({shown}): {why}", at + 1)),
        }
    });
    read.collect::<Result<_>>().map_err(serde::de::Error::custom)
}

impl Step {
    /// The member that says what kind of step it is decides which others there may be.
    fn read(mut members: Map<String, Value>) -> Result<Self> {
        let has = |name: &str| members.contains_key(name);
        if has("call") {
            Self::call(members)
        } else if has("event") {
            typed(members).map(Self::Event)
        } else if has("file") {
            typed(members).map(Self::File)
        } else if has("wire") {
            typed(members).map(Self::Wire)
        } else if has("http") {
            typed(members).map(Self::Http)
        } else if has("expect") {
            let step = Self::Expect { name: take(&mut members, "expect")?, outcome: outcome(&mut members)? };
            over(members).map(|()| step)
        } else if has("open") || has("restart") {
            let first = has("open");
            let node = take(&mut members, if first { "open" } else { "restart" })?;
            let settings = take(&mut members, "settings")?;
            let error = members.remove("error");
            let fresh_port = take(&mut members, "fresh_port")?;
            over(members)?;
            Ok(if first {
                Self::Open { node, settings, error, fresh_port }
            } else {
                Self::Restart { node, settings, error, fresh_port }
            })
        } else {
            let step = if has("advance") {
                Self::Advance(take(&mut members, "advance")?)
            } else if has("close") {
                Self::Close(take(&mut members, "close")?)
            } else if has("crash") {
                Self::Crash(take(&mut members, "crash")?)
            } else if has("end") {
                Self::End(take(&mut members, "end")?)
            } else {
                return Err(
                    "it is no step: none of call, expect, event, advance, open, close, crash, restart, end, \
                            file, wire, http"
                        .into(),
                );
            };
            over(members).map(|()| step)
        }
    }

    fn call(mut members: Map<String, Value>) -> Result<Self> {
        let call = Call {
            verb: take(&mut members, "call")?,
            on: take(&mut members, "on")?,
            with: take(&mut members, "with")?,
            by_name: take(&mut members, "by_name")?,
            start: take(&mut members, "start")?,
            eventually: take(&mut members, "eventually")?,
            outcome: outcome(&mut members)?,
        };
        over(members)?;
        let Outcome { result, error, save } = &call.outcome;
        if call.start.is_some() && (result.is_some() || error.is_some() || save.is_some() || call.eventually)
        {
            return Err("a call that is started says nothing about its outcome; the `expect` does".into());
        }
        if call.eventually && result.is_none() && error.is_none() {
            return Err("`eventually` needs the `result` or `error` that it waits for".into());
        }
        Ok(Self::Call(call))
    }

    /// The nodes it names.
    fn nodes(&self) -> Vec<&String> {
        match self {
            Self::Call(call) => vec![&call.on],
            Self::Event(step) => vec![&step.on],
            Self::Open { node, .. } | Self::Restart { node, .. } => vec![node],
            Self::Close(node) | Self::Crash(node) | Self::End(node) => vec![node],
            Self::File(step) => vec![&step.of],
            Self::Wire(step) => vec![&step.to],
            Self::Http(step) => vec![&step.to],
            Self::Expect { .. } | Self::Advance(_) => vec![],
        }
    }
}

fn outcome(members: &mut Map<String, Value>) -> Result<Outcome> {
    let outcome = Outcome {
        result: members.remove("result"),
        error: members.remove("error"),
        save: take(members, "save")?,
    };
    if outcome.error.is_some() && outcome.result.is_some() {
        return Err("it cannot have a `result` and an `error`".into());
    }
    Ok(outcome)
}

fn typed<T: serde::de::DeserializeOwned>(members: Map<String, Value>) -> Result<T> {
    serde_json::from_value(Value::Object(members)).map_err(|error| error.to_string())
}

/// Takes a member out. One that is absent is nothing, false or empty, if its type allows any of these.
fn take<T: serde::de::DeserializeOwned>(members: &mut Map<String, Value>, name: &str) -> Result<T> {
    let found = members.remove(name);
    if let Some(value) = found {
        return serde_json::from_value(value).map_err(|error| format!("`{name}`: {error}"));
    }
    let absent = [Value::Null, Value::Bool(false), Value::Object(Map::new())];
    let default = absent.into_iter().find_map(|value| serde_json::from_value(value).ok());
    default.ok_or_else(|| format!("`{name}` is missing"))
}

/// Nothing may be left.
fn over(members: Map<String, Value>) -> Result {
    match members.keys().next() {
        Some(name) => Err(format!("`{name}` is not known here")),
        None => Ok(()),
    }
}
