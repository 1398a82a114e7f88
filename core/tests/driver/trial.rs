//! Whether the driver finds what is wrong: expectations that do not hold, hosts that die, hang or talk nonsense, and
//! mistakes in a scenario.

use std::{
    collections::BTreeMap,
    io::{BufRead as _, Write as _},
    time::Duration,
};

use serde_json::{Value, json};

use super::{
    Result,
    host::{Input, Program},
    languages::{Languages, PATIENCE},
    play, scenario, words,
};

/// The variable that makes this program a host with a fault.
const FAULT: &str = "DMAGENT_SCENARIO_FAULT";
/// How long a host that hangs is waited for.
const BRIEFLY: Duration = Duration::from_millis(500);

/// Scenarios that must fail, with what the failure must tell.
const WRONG: &[(&str, &str, &str)] = &[
    (
        "a_wrong_result",
        r#"[{"call": "node.info", "on": "alice", "result": {"display_name": "bob"}}]"#,
        r#"display_name: expected "bob", found "alice""#,
    ),
    (
        "a_missing_member",
        r#"[{"call": "node.info", "on": "alice", "result": {"mood": "good"}}]"#,
        "there is no `mood`",
    ),
    (
        "a_list_of_another_length",
        r#"[{"call": "peers.list", "on": "alice", "result": [{}]}]"#,
        "expected 1 items, found 0",
    ),
    (
        "an_error_that_does_not_come",
        r#"[{"call": "node.info", "on": "alice", "error": "closed"}]"#,
        "but it succeeded",
    ),
    (
        "an_error_nobody_expected",
        r#"[{"call": "peers.get", "on": "alice", "with": {"agent": "${alice.id}"}}]"#,
        "peer_not_connected",
    ),
    (
        "another_error",
        r#"[{"call": "peers.get", "on": "alice", "with": {"agent": "${alice.id}"}, "error": "closed"}]"#,
        "expected the error closed",
    ),
    (
        "an_event_that_came_after_all",
        r#"[{"call": "trust.set", "on": "alice", "with": {"agent": "${alice.id}", "score": 0.5}},
            {"event": {"type": "trust_changed"}, "on": "alice"},
            {"call": "trust.set", "on": "alice", "with": {"agent": "${alice.id}", "score": 0.6}},
            {"call": "trust.list", "on": "alice"},
            {"event": {"type": "trust_changed"}, "on": "alice", "save": "seen"},
            {"call": "trust.set", "on": "alice", "with": {"agent": "${alice.id}", "score": 0.7}},
            {"event": {"type": "trust_changed", "score": 0.7}, "on": "alice"},
            {"call": "trust.set", "on": "alice", "with": {"agent": "${alice.id}", "score": 0.8}},
            {"event": {"type": "trust_changed", "score": "${seen.score}"}, "on": "alice", "never": true},
            {"call": "node.info", "on": "alice", "result": {"display_name": {"$contains": "nobody"}}}]"#,
        "step 10 failed",
    ),
    (
        "a_call_that_nobody_waits_for",
        r#"[{"call": "node.info", "on": "alice", "start": "forgotten"}]"#,
        "no `expect` waits for it",
    ),
    (
        "an_unknown_variable",
        r#"[{"call": "node.info", "on": "alice", "result": "${bob.id}"}]"#,
        "nothing is called `bob`",
    ),
];

/// Texts that are no scenarios, with what must be told about them.
const UNREADABLE: &[(&str, &str)] = &[
    (
        r#"{"story": "s", "nodes": {"a": {}}, "steps": [{"call": "node.info", "on": "a", "expects": {}}]}"#,
        "`expects`",
    ),
    (r#"{"story": "s", "nodes": {"a": {}}, "steps": [{"cal": "node.info", "on": "a"}]}"#, "it is no step"),
    (
        r#"{"story": "s", "nodes": {"a": {}}, "steps": [{"call": "node.info", "on": "b"}]}"#,
        "`b`, which is no node",
    ),
    (r#"{"story": "s", "nodes": {"a": {}}, "steps": [{"call": "node.info"}]}"#, "`on` is missing"),
    (r#"{"story": "s", "nodes": {"a": {"setings": {}}}, "steps": []}"#, "`setings`"),
    (r#"{"story": "s", "nodes": {"a": {}}, "steps": [], "step": []}"#, "`step`"),
    (r#"{"story": "s", "nodes": {"a": {}}, "steps": []}"#, "has a story, nodes and steps"),
    (
        r#"{"story": "s", "nodes": {"a": {}}, "steps": [{"event": {}, "on": "a", "eventually": true}]}"#,
        "`eventually`",
    ),
];

/// Faults of a host, with what must be told about them.
const FAULTS: &[(&str, &str)] = &[
    ("dies", "ended before it answered"),
    ("hangs", "did not answer within"),
    ("babbles", "none of the protocol: good morning"),
    ("is_broken", "the host itself failed: out of ideas"),
    ("lies", "number must be 4"),
    ("stays", "was still there"),
    ("ends_badly", "ended with"),
];

/// A test of the driver.
pub(crate) type Test = Box<dyn FnOnce(&Languages) -> Result + Send>;

/// The tests of the driver by name.
pub(crate) fn all() -> Vec<(String, Test)> {
    let mut found: Vec<(String, Test)> = Vec::new();
    for (name, steps, words) in WRONG {
        let run = move |languages: &Languages| {
            let text = format!(r#"{{"story": "is wrong", "nodes": {{"alice": {{}}}}, "steps": {steps}}}"#);
            let language = languages.names().first().cloned().unwrap_or_default();
            tells(play::play(&scenario::parse(&text)?, languages, &language, &language), words)
        };
        found.push((format!("driver::finds_{name}"), Box::new(run)));
    }
    for (fault, words) in FAULTS {
        let run = move |_: &Languages| {
            let text = r#"{"story": "meets a fault", "nodes": {"alice": {}}, "steps": [{"end": "alice"}]}"#;
            let faulty =
                Languages::of("nonsense", faulty(fault)?, if *fault == "dies" { PATIENCE } else { BRIEFLY });
            tells(play::play(&scenario::parse(text)?, &faulty, "nonsense", "nonsense"), words)
        };
        found.push((format!("driver::notices_a_host_that_{fault}"), Box::new(run)));
    }
    found.push((
        "driver::refuses_scenarios_with_mistakes".into(),
        Box::new(|_| {
            UNREADABLE.iter().try_for_each(|(text, words)| tells(scenario::parse(text).map(drop), words))
        }),
    ));
    found.push((
        "driver::writes_commands_as_words".into(),
        Box::new(|_| {
            let arguments = json!({"content": "a\tb%\n", "hops": 3, "to": "ab"});
            let line = words::line(7, "call", "messages.send", arguments.as_object().ok_or("an object")?);
            let wanted = concat!(
                "7\tcall\tmessages.send\t{\"content\":\"a\\tb%25\\n\",\"hops\":3,\"to\":\"ab\"}",
                "\tcontent=a%09b%25%0a\thops:=3\tto=ab"
            );
            if line == wanted { Ok(()) } else { Err(format!("expected {wanted:?}, found {line:?}")) }
        }),
    ));
    found
}

fn tells(done: Result, words: &str) -> Result {
    match done {
        Ok(()) => Err(format!("it passed, though it must fail with: {words}")),
        Err(why) if why.contains(words) => Ok(()),
        Err(why) => Err(format!("it failed as it should, but does not tell `{words}`: {why}")),
    }
}

/// This program, as a host with a fault.
fn faulty(fault: &str) -> Result<Program> {
    let own = std::env::current_exe().map_err(|error| error.to_string())?;
    let env = BTreeMap::from([(FAULT.to_owned(), fault.to_owned())]);
    Ok(Program { command: vec![own.display().to_string()], input: Input::Json, env })
}

/// Behaves as a host with a fault when the environment asks for one, and says whether it did.
#[expect(clippy::disallowed_methods, reason = "a test program is told by its caller what to run")]
pub(crate) fn misbehave() -> bool {
    let Ok(fault) = std::env::var(FAULT) else { return false };
    let say = |line: &str| {
        let _ = writeln!(std::io::stdout(), "{line}");
    };
    for line in std::io::stdin().lock().lines().map_while(std::result::Result::ok) {
        let id =
            serde_json::from_str::<Value>(&line).map(|command| command["id"].clone()).unwrap_or_default();
        match fault.as_str() {
            "dies" => return true,
            "hangs" => {}
            "babbles" => say("good morning"),
            "is_broken" => say(&json!({"id": id, "fault": "out of ideas"}).to_string()),
            "lies" => {
                let error = json!({"code": "closed", "number": 3, "retryable": false, "message": "no"});
                say(&json!({"id": id, "error": error}).to_string());
            }
            _ => {
                say(&json!({"id": id, "ok": {"agent_id": "a", "url": "http://b:1", "token": "c"}})
                    .to_string())
            }
        }
    }
    if fault == "stays" {
        // Its driver ends it.
        std::thread::sleep(Duration::from_secs(600));
    }
    if fault == "ends_badly" {
        std::process::exit(3);
    }
    true
}
