//! A host: a process in some language that carries one node and does as it is told, line by line.

use std::{
    collections::BTreeMap,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    process::{Child, ChildStdin, Command, ExitStatus, Stdio},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread,
    time::{Duration, Instant},
};

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{Result, words};

/// How a host of a language is started, and how it wants its commands.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Program {
    /// The program and its arguments.
    pub(crate) command: Vec<String>,
    /// JSON, or the words of `words.rs`.
    #[serde(default)]
    pub(crate) input: Input,
    /// Variables of its environment.
    #[serde(default)]
    pub(crate) env: BTreeMap<String, String>,
}

/// The form in which a host reads its commands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Input {
    #[default]
    Json,
    Words,
}

/// What a host answered.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Answer {
    Ok(Value),
    Error(Map<String, Value>),
    /// Something that is no error of the node went wrong in the host: it is the host that has to be mended.
    Fault(String),
}

/// What came from a host so far.
#[derive(Debug, Default)]
struct Heard {
    answers: BTreeMap<u64, Answer>,
    /// The events of the listener with this id.
    listener: Option<u64>,
    events: Vec<Value>,
    /// The first line that was none of the protocol.
    nonsense: Option<String>,
    complaints: String,
    over: bool,
}

/// Where the threads that listen to a host put what they hear.
#[derive(Default)]
struct Ear {
    heard: Mutex<Heard>,
    news: Condvar,
}

impl Ear {
    fn heard(&self) -> MutexGuard<'_, Heard> {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn hear(&self, change: impl FnOnce(&mut Heard)) {
        change(&mut self.heard());
        self.news.notify_all();
    }

    /// Waits until `ready` finds something, the host is over, or time is.
    fn wait<T>(&self, patience: Duration, mut ready: impl FnMut(&mut Heard) -> Option<T>) -> Waited<T> {
        let end = Instant::now() + patience;
        let mut heard = self.heard();
        loop {
            if let Some(found) = ready(&mut heard) {
                return Waited::Found(found);
            }
            if let Some(line) = &heard.nonsense {
                return Waited::Nonsense(line.clone());
            }
            if heard.over {
                return Waited::Over;
            }
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Waited::Late;
            }
            heard = self.news.wait_timeout(heard, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

enum Waited<T> {
    Found(T),
    Nonsense(String),
    Over,
    Late,
}

/// A running host.
pub(crate) struct Host {
    pub(crate) language: String,
    input: Input,
    child: Child,
    stdin: Option<ChildStdin>,
    ear: Arc<Ear>,
    last_id: u64,
    patience: Duration,
}

impl Host {
    /// Starts one. It sees no variables that would change the settings of its node.
    pub(crate) fn start(language: &str, program: &Program, patience: Duration) -> Result<Self> {
        let (name, arguments) =
            program.command.split_first().ok_or_else(|| format!("the host of {language} has no command"))?;
        let mut command = Command::new(name);
        command.args(arguments).envs(&program.env);
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("DARKMATTER_") {
                command.env_remove(name);
            }
        }
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command
            .spawn()
            .map_err(|error| format!("the host of {language}, {name}, does not start: {error}"))?;
        let ear = Arc::new(Ear::default());
        if let Some(stdout) = child.stdout.take() {
            let ear = Arc::clone(&ear);
            thread::spawn(move || {
                for line in BufReader::new(stdout).split(b'\n').map_while(std::result::Result::ok) {
                    ear.hear(|heard| heard.line(&line));
                }
                ear.hear(|heard| heard.over = true);
            });
        }
        if let Some(mut stderr) = child.stderr.take() {
            let ear = Arc::clone(&ear);
            thread::spawn(move || {
                let mut chunk = [0; 4096];
                while let Ok(read @ 1..) = stderr.read(&mut chunk) {
                    ear.hear(|heard| heard.complaints += &String::from_utf8_lossy(&chunk[..read]));
                }
            });
        }
        let stdin = child.stdin.take();
        Ok(Self {
            language: language.to_owned(),
            input: program.input,
            child,
            stdin,
            ear,
            last_id: 0,
            patience,
        })
    }

    /// Sends a command and returns its id. `subject` is the verb of a call.
    pub(crate) fn send(
        &mut self,
        command: &str,
        subject: &str,
        arguments: &Map<String, Value>,
    ) -> Result<u64> {
        self.last_id += 1;
        let id = self.last_id;
        let line = match self.input {
            Input::Words => words::line(id, command, subject, arguments),
            Input::Json if subject.is_empty() => json!({"id": id, command: arguments}).to_string(),
            Input::Json => json!({"id": id, command: subject, "with": arguments}).to_string(),
        };
        if command == "events" {
            self.ear.hear(|heard| {
                heard.listener = Some(id);
                heard.events.clear();
            });
        }
        let stdin = self.stdin.as_mut().ok_or("its standard input was ended before")?;
        let sent = stdin.write_all(format!("{line}\n").as_bytes()).and_then(|()| stdin.flush());
        match sent {
            Ok(()) => Ok(id),
            Err(error) => Err(self.told(&format!("takes no command any more ({error})"))),
        }
    }

    /// Waits for the answer to a command.
    pub(crate) fn answer(&mut self, id: u64) -> Result<Answer> {
        match self.ear.wait(self.patience, |heard| heard.answers.remove(&id)) {
            Waited::Found(answer) => Ok(answer),
            Waited::Nonsense(line) => {
                Err(self.told(&format!("printed a line that is none of the protocol: {line}")))
            }
            Waited::Over => Err(self.told("ended before it answered")),
            Waited::Late => Err(self.told(&format!("did not answer within {:?}", self.patience))),
        }
    }

    /// Sends a command and waits for its answer.
    pub(crate) fn ask(
        &mut self,
        command: &str,
        subject: &str,
        arguments: &Map<String, Value>,
    ) -> Result<Answer> {
        let id = self.send(command, subject, arguments)?;
        self.answer(id)
    }

    /// Waits for an event that no earlier call took, and takes it.
    pub(crate) fn event(&mut self, mut wanted: impl FnMut(&Value) -> bool) -> Result<Value> {
        let found = self.ear.wait(self.patience, |heard| {
            let index = heard.events.iter().position(&mut wanted)?;
            Some(heard.events.remove(index))
        });
        let so_far = || format!("; other events so far: {}", Value::from(self.ear.heard().events.clone()));
        match found {
            Waited::Found(event) => Ok(event),
            Waited::Nonsense(line) => {
                Err(self.told(&format!("printed a line that is none of the protocol: {line}")))
            }
            Waited::Over => Err(self.told(&format!("ended before the event came{}", so_far()))),
            Waited::Late => Err(format!("the event did not come within {:?}{}", self.patience, so_far())),
        }
    }

    /// The events that nobody took.
    pub(crate) fn events(&self) -> Vec<Value> {
        self.ear.heard().events.clone()
    }

    /// Ends it as a crash does. Nothing it holds is written any more.
    pub(crate) fn crash(mut self) -> Result {
        self.kill()
    }

    fn kill(&mut self) -> Result {
        let killed = self.child.kill().and_then(|()| self.child.wait());
        killed.map(drop).map_err(|error| format!("the host of {} cannot be ended: {error}", self.language))
    }

    /// Ends its standard input, upon which it must end by itself, and well.
    pub(crate) fn end(mut self) -> Result {
        drop(self.stdin.take());
        let waited = self.ear.wait(self.patience, |_| None::<()>);
        if matches!(waited, Waited::Late) {
            self.kill()?;
            return Err(
                self.told(&format!("was still there {:?} after its standard input ended", self.patience))
            );
        }
        let status = self.exit()?;
        if let Waited::Nonsense(line) = waited {
            return Err(self.told(&format!("printed a line that is none of the protocol: {line}")));
        }
        if status.success() { Ok(()) } else { Err(self.told(&format!("ended with {status}"))) }
    }

    /// Its output is over; the process itself must be, too, within the same patience.
    fn exit(&mut self) -> Result<ExitStatus> {
        let end = Instant::now() + self.patience;
        loop {
            match self.child.try_wait() {
                Ok(Some(status)) => return Ok(status),
                Ok(None) if Instant::now() < end => thread::sleep(Duration::from_millis(2)),
                Ok(None) => {
                    self.kill()?;
                    return Err(self.told("ended its output and went on"));
                }
                Err(error) => return Err(error.to_string()),
            }
        }
    }

    /// What it wrote on its standard error.
    pub(crate) fn complaints(&self) -> String {
        self.ear.heard().complaints.clone()
    }

    fn told(&self, what: &str) -> String {
        format!("the host of {} {what}", self.language)
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        // One that ended already cannot be killed, which is as well.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Heard {
    fn line(&mut self, line: &[u8]) {
        if !self.understand(line) && self.nonsense.is_none() {
            self.nonsense = Some(String::from_utf8_lossy(line).into_owned());
        }
    }

    /// Whether it is a line of the protocol.
    fn understand(&mut self, line: &[u8]) -> bool {
        let Ok(Value::Object(mut members)) = serde_json::from_slice(line) else { return false };
        let Some(id) = members.remove("id").and_then(|id| id.as_u64()) else { return false };
        let Some((kind, value)) = members.iter().next().map(|(kind, value)| (kind.clone(), value.clone()))
        else {
            return false;
        };
        let answer = match (kind.as_str(), value) {
            _ if members.len() > 1 => return false,
            ("event", event) => {
                // An older listener may still say something when the next node is open.
                if self.listener == Some(id) {
                    self.events.push(event);
                }
                return true;
            }
            ("ok", value) => Answer::Ok(value),
            ("error", Value::Object(error)) => Answer::Error(error),
            ("fault", Value::String(why)) => Answer::Fault(why),
            _ => return false,
        };
        self.answers.insert(id, answer).is_none()
    }
}
