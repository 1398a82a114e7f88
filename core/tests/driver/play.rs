//! Plays a scenario: starts its nodes in hosts, goes through its steps, and says in which one something was wrong.

use std::{
    collections::BTreeMap,
    path::Path,
    thread,
    time::{Duration, Instant},
};

use serde_json::{Map, Value, json};
use tempfile::TempDir;

use super::{
    Result,
    host::{Answer, Host},
    languages::{Languages, PATIENCE},
    matching, outside, results,
    scenario::{Call, NodeSpec, Outcome, Scenario, Step},
    variables::Variables,
};

/// The longest time that a scenario may let pass in a step, in seconds.
const LONGEST_ADVANCE: f64 = 5.0;
/// The pause before a call is made again.
const PAUSE: Duration = Duration::from_millis(20);

/// A scenario under way.
struct Play<'a> {
    languages: &'a Languages,
    nodes: BTreeMap<String, Acting>,
    variables: Variables,
    /// Calls that were started: the node, the id of the command and the verb.
    started: BTreeMap<String, (String, u64, String)>,
    mallory: outside::Mallory,
    folders: TempDir,
}

/// A node of the scenario, and the host that carries it.
struct Acting {
    spec: NodeSpec,
    language: String,
    host: Option<Host>,
    open: bool,
    /// Where it listened last: it comes back there.
    port: u64,
}

/// Plays `scenario` with its first node in the language `first` and all others in `others`.
pub(crate) fn play(scenario: &Scenario, languages: &Languages, first: &str, others: &str) -> Result {
    let mut play = Play {
        languages,
        nodes: BTreeMap::new(),
        variables: Variables::default(),
        started: BTreeMap::new(),
        mallory: outside::Mallory::new(),
        folders: TempDir::new().map_err(|error| error.to_string())?,
    };
    play.variables.set("folders", json!(play.folders.path().display().to_string()));
    play.variables.set("website", json!(outside::website()?));
    play.variables.set("mallory", json!({"id": play.mallory.id()}));
    for (at, (name, spec)) in scenario.nodes.iter().enumerate() {
        let language = if at == 0 { first } else { others }.to_owned();
        play.nodes
            .insert(name.clone(), Acting { spec: spec.clone(), language, host: None, open: false, port: 0 });
    }
    let done = play.all(scenario);
    done.map_err(|why| format!("{why}{}", play.complaints()))
}

impl Play<'_> {
    fn all(&mut self, scenario: &Scenario) -> Result {
        for (name, _) in scenario.nodes.iter().filter(|(_, spec)| !spec.later) {
            self.open(name, &Map::new(), None).map_err(|why| format!("opening {name}: {why}"))?;
        }
        for (at, step) in scenario.steps.iter().enumerate() {
            self.step(&step.step)
                .map_err(|why| format!("step {} failed: {}\n    {why}", at + 1, step.shown))?;
        }
        if let Some(name) = self.started.keys().next() {
            return Err(format!("the call `{name}` was started, and no `expect` waits for it"));
        }
        for name in scenario.nodes.keys() {
            if self.acting(name)?.open {
                self.close(name).map_err(|why| format!("closing {name} after the last step: {why}"))?;
            }
            if let Some(host) = self.acting(name)?.host.take() {
                self.languages.give_back(host);
            }
        }
        Ok(())
    }

    fn step(&mut self, step: &Step) -> Result {
        match step {
            Step::Call(call) => self.call(call),
            Step::Expect { name, outcome } => {
                let (node, id, verb) = self.started.remove(name).ok_or_else(|| {
                    format!("no call was started as `{name}`, or its outcome was expected before")
                })?;
                let answer = self.host(&node)?.answer(id)?;
                self.settle(&verb, answer, outcome)
            }
            Step::Event(step) => {
                let pattern = self.variables.fill(&step.event)?;
                let host = self.host(&step.on)?;
                if step.never {
                    let came =
                        host.events().into_iter().find(|event| matching::matches(&pattern, event).is_ok());
                    return came.map_or(Ok(()), |event| Err(format!("it came: {event}")));
                }
                let event = host.event(|event| matching::matches(&pattern, event).is_ok())?;
                self.save(step.save.as_ref(), event)
            }
            Step::Advance(seconds) if (0.0..=LONGEST_ADVANCE).contains(seconds) => {
                // Real time: the nodes are in other processes, whose clocks are the system's.
                thread::sleep(Duration::from_secs_f64(*seconds));
                Ok(())
            }
            Step::Advance(_) => Err(format!("at most {LONGEST_ADVANCE} seconds may pass in a step")),
            Step::Open { node, settings, error, fresh_port }
            | Step::Restart { node, settings, error, fresh_port } => {
                if *fresh_port {
                    self.acting(node)?.port = 0;
                }
                self.open(node, settings, error.as_ref())
            }
            Step::Close(node) => self.close(node),
            Step::Crash(node) => {
                self.forget_calls_of(node);
                let acting = self.acting(node)?;
                acting.open = false;
                acting.host.take().ok_or_else(|| format!("{node} has no host"))?.crash()
            }
            Step::End(node) => {
                self.forget_calls_of(node);
                let acting = self.acting(node)?;
                acting.open = false;
                let host = acting.host.take().ok_or_else(|| format!("{node} has no host"))?;
                host.end()
            }
            Step::File(step) => {
                let folder = self.folder(&step.of)?;
                outside::change_file(&folder, self.folders.path(), step)
            }
            Step::Wire(step) => {
                let to = self.variables.fill(&json!(format!("${{{}}}", step.to)))?;
                let with = self.variables.members(&step.with)?;
                let signed_for =
                    step.signed_for.as_ref().map(|id| self.variables.fill(&json!(id))).transpose()?;
                let body = self.variables.fill(&step.body)?;
                self.mallory.send(&to, step, &with, signed_for.as_ref(), &body)
            }
            Step::Http(step) => {
                let to = self.variables.fill(&json!(format!("${{{}}}", step.to)))?;
                let filled = |text: &String| self.variables.fill(&json!(text));
                let request = filled(&step.http)?;
                let headers = step.headers.iter().map(|(name, value)| Ok((name.clone(), filled(value)?)));
                let headers = headers.collect::<Result<BTreeMap<_, _>>>()?;
                let (send, body) = (self.variables.fill(&step.send)?, self.variables.fill(&step.body)?);
                outside::exchange(&to, &request, &headers, &send, step.status, &body)
            }
        }
    }

    fn call(&mut self, call: &Call) -> Result {
        let command = if call.by_name { "by_name" } else { "call" };
        let with = self.variables.members(&call.with)?;
        if let Some(name) = &call.start {
            let id = self.host(&call.on)?.send(command, &call.verb, &with)?;
            let started = (call.on.clone(), id, call.verb.clone());
            return match self.started.insert(name.clone(), started) {
                None => Ok(()),
                Some(_) => Err(format!("a call `{name}` runs already")),
            };
        }
        let end = Instant::now() + PATIENCE;
        loop {
            let answer = self.host(&call.on)?.ask(command, &call.verb, &with)?;
            let settled = self.settle(&call.verb, answer, &call.outcome);
            if settled.is_ok() || !call.eventually || Instant::now() >= end {
                return settled;
            }
            thread::sleep(PAUSE);
        }
    }

    /// Compares the answer to a call with what it must come to.
    fn settle(&mut self, verb: &str, answer: Answer, outcome: &Outcome) -> Result {
        match (answer, &outcome.error) {
            (Answer::Fault(why), _) => Err(format!("the host itself failed: {why}")),
            (Answer::Error(error), Some(wanted)) => {
                failed_as(&error, &self.variables.fill(wanted)?)?;
                self.save(outcome.save.as_ref(), Value::Object(error))
            }
            (Answer::Error(error), None) => {
                Err(format!("expected a result, but it failed: {}", Value::Object(error)))
            }
            (Answer::Ok(result), Some(wanted)) => {
                Err(format!("expected the error {wanted}, but it succeeded: {result}"))
            }
            (Answer::Ok(result), None) => {
                let result = results::record(verb, result);
                if let Some(wanted) = &outcome.result {
                    matching::matches(&self.variables.fill(wanted)?, &result)?;
                }
                self.save(outcome.save.as_ref(), result)
            }
        }
    }

    fn save(&mut self, name: Option<&String>, value: Value) -> Result {
        match name {
            Some(name) if self.nodes.contains_key(name) => {
                Err(format!("`{name}` is a node; save as something else"))
            }
            Some(name) => {
                self.variables.set(name, value);
                Ok(())
            }
            None => Ok(()),
        }
    }

    /// Opens a node in its host, or in a new one.
    fn open(&mut self, name: &str, settings: &Map<String, Value>, error: Option<&Value>) -> Result {
        let mut all = json!({"display_name": name, "limits": {"loopback": "exempt"}});
        let members = all.as_object_mut().ok_or("settings are an object")?;
        let acting = self.acting(name)?;
        if acting.open {
            return Err(format!("{name} is open already"));
        }
        let (spec, port) = (acting.spec.clone(), acting.port);
        members.insert("port".into(), json!(port));
        if spec.folder.is_some() {
            members.insert("project_dir".into(), json!(self.folder(name)?.display().to_string()));
        } else {
            members.extend([("ephemeral".into(), json!(true)), ("http".into(), json!(true))]);
        }
        members.extend(self.variables.members(&spec.settings)?);
        members.extend(self.variables.members(settings)?);
        // Null takes away what every node has.
        members.retain(|_, value| !value.is_null());
        let settings = members.clone();
        if self.acting(name)?.host.is_none() {
            let host = self.languages.take(&self.acting(name)?.language.clone())?;
            self.acting(name)?.host = Some(host);
        }
        let told = match (self.host(name)?.ask("open", "", &settings)?, error) {
            (Answer::Ok(told), None) => told,
            (Answer::Ok(_), Some(wanted)) => {
                self.acting(name)?.open = true;
                return Err(format!("expected the error {wanted}, but it opened"));
            }
            (Answer::Error(error), Some(wanted)) => return failed_as(&error, &self.variables.fill(wanted)?),
            (Answer::Error(error), None) => {
                results::check(&error)?;
                return Err(format!("it does not open: {}", Value::Object(error)));
            }
            (Answer::Fault(why), _) => return Err(format!("the host itself failed: {why}")),
        };
        self.acting(name)?.open = true;
        if let Answer::Error(error) = self.host(name)?.ask("events", "", &Map::new())? {
            return Err(format!("it gives no events: {}", Value::Object(error)));
        }
        // A node that shares its port is at a place below it.
        let url = told["url"].as_str().unwrap_or_default();
        let port = url.rsplit(':').next().and_then(|end| end.split('/').next()?.parse::<u64>().ok());
        self.acting(name)?.port = port.unwrap_or(0);
        let member = |name: &str| told.get(name).cloned().unwrap_or_default();
        let known = json!({
            "id": member("agent_id"), "url": member("url"), "token": member("token"), "port": port, "settings": settings,
        });
        if !known["id"].is_string() || !known["url"].is_string() || !known["token"].is_string() {
            return Err(format!("an opened node tells agent_id, url and token, not {told}"));
        }
        self.variables.set(name, known);
        Ok(())
    }

    fn close(&mut self, name: &str) -> Result {
        match self.host(name)?.ask("close", "", &Map::new())? {
            Answer::Ok(_) => {
                self.acting(name)?.open = false;
                Ok(())
            }
            Answer::Error(error) => Err(format!("it does not close: {}", Value::Object(error))),
            Answer::Fault(why) => Err(format!("the host itself failed: {why}")),
        }
    }

    /// The project folder of a node, which exists.
    fn folder(&self, name: &str) -> Result<std::path::PathBuf> {
        let spec = self
            .nodes
            .get(name)
            .map(|acting| &acting.spec)
            .ok_or_else(|| format!("there is no node {name}"))?;
        let folder =
            spec.folder.as_ref().ok_or_else(|| format!("{name} keeps nothing; give it a `folder`"))?;
        let path: &Path = self.folders.path();
        let path = path.join(folder);
        std::fs::create_dir_all(&path).map_err(|error| error.to_string())?;
        Ok(path)
    }

    /// Nobody will answer them any more.
    fn forget_calls_of(&mut self, node: &str) {
        self.started.retain(|_, (on, ..)| on != node);
    }

    fn acting(&mut self, name: &str) -> Result<&mut Acting> {
        self.nodes.get_mut(name).ok_or_else(|| format!("there is no node {name}"))
    }

    fn host(&mut self, name: &str) -> Result<&mut Host> {
        let acting = self.acting(name)?;
        acting.host.as_mut().ok_or_else(|| format!("{name} has no host: it was not opened, or crashed"))
    }

    /// What the hosts wrote on their standard errors.
    fn complaints(&self) -> String {
        let told = self.nodes.iter().filter_map(|(name, acting)| {
            let text = acting.host.as_ref()?.complaints();
            (!text.trim().is_empty()).then(|| format!("\n--- {name}, in {}, wrote:\n{text}", acting.language))
        });
        told.collect()
    }
}

/// Whether an error is whole and the wanted one: a code, or a pattern.
fn failed_as(error: &Map<String, Value>, wanted: &Value) -> Result {
    let code = results::check(error)?;
    match wanted {
        Value::String(name) if name == code.name() => Ok(()),
        Value::String(name) => {
            Err(format!("expected the error {name}, but it failed with {}", Value::Object(error.clone())))
        }
        pattern => {
            // Some languages keep the facts of the case apart from the sentence.
            let mut told = error.clone();
            if let (Some(Value::String(message)), Some(context)) =
                (told.get_mut("message"), error.get("context"))
            {
                *message = format!("{message} {context}");
            }
            matching::matches(pattern, &Value::Object(told))
        }
    }
}
