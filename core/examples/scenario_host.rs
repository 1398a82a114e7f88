//! The host of the scenarios for Rust; `core/tests/scenarios/README.md` has its protocol.
//!
//! It reads commands as JSON lines, carries one node, and ends with its standard input.

use std::{
    io::{BufRead as _, Write as _},
    sync::{Arc, Mutex, PoisonError},
};

use dmagent::{
    Node, NodeConfig,
    error::{Code, Error, Result, Retry},
};
use serde_json::{Map, Value, json};

/// The node, once one was opened. After `close` it is still there, and says that it is closed.
type Carried = Arc<Mutex<Option<Node>>>;

#[tokio::main]
async fn main() -> Result<()> {
    let (commands, mut next) = tokio::sync::mpsc::unbounded_channel();
    std::thread::spawn(move || {
        for line in std::io::stdin().lock().lines().map_while(std::result::Result::ok) {
            if commands.send(line).is_err() {
                return;
            }
        }
    });
    let carried = Carried::default();
    let mut running = tokio::task::JoinSet::new();
    while let Some(line) = next.recv().await {
        running.spawn(obey(Arc::clone(&carried), line));
    }
    // The end of the input: whoever still waits hears that the node is closed.
    if let Ok(node) = node(&carried) {
        node.close().await?;
    }
    while running.join_next().await.is_some() {}
    Ok(())
}

async fn obey(carried: Carried, line: String) {
    let command: Map<String, Value> = match serde_json::from_str(&line) {
        Ok(command) => command,
        Err(error) => return say(&json!({"id": 0, "fault": format!("{error}: {line}")})),
    };
    let id = command.get("id").cloned().unwrap_or_default();
    let with = command.get("with").cloned().unwrap_or_default();
    let done = if let Some(settings) = command.get("open") {
        open(&carried, settings).await
    } else if let Some(verb) = command.get("call").or_else(|| command.get("by_name")) {
        // The call by name is the typed method here: the table of verbs leads from one to the other.
        call(&carried, verb, with).await
    } else if command.contains_key("events") {
        return listen(&carried, &id).await;
    } else if command.contains_key("close") {
        close(&carried).await
    } else {
        return say(&json!({"id": id, "fault": format!("no such command: {line}")}));
    };
    match done {
        Ok(result) => say(&json!({"id": id, "ok": result})),
        Err(error) => say(&json!({"id": id, "error": told(&error)})),
    }
}

async fn open(carried: &Carried, settings: &Value) -> Result<Value> {
    let node = Node::open(NodeConfig::from_json(&settings.to_string())?).await?;
    let told = json!({"agent_id": node.agent_id(), "url": node.info().url, "token": node.local_token()});
    *carried.lock().unwrap_or_else(PoisonError::into_inner) = Some(node);
    Ok(told)
}

async fn call(carried: &Carried, verb: &Value, with: Value) -> Result<Value> {
    node(carried)?.call(verb.as_str().unwrap_or_default(), with).await
}

async fn close(carried: &Carried) -> Result<Value> {
    node(carried)?.close().await?;
    Ok(Value::Null)
}

async fn listen(carried: &Carried, id: &Value) {
    let mut events = match node(carried) {
        Ok(node) => node.events(),
        Err(error) => return say(&json!({"id": id, "error": told(&error)})),
    };
    say(&json!({"id": id, "ok": null}));
    while let Some(event) = events.next().await {
        say(&json!({"id": id, "event": event}));
    }
}

fn node(carried: &Carried) -> Result<Node> {
    let node = carried.lock().unwrap_or_else(PoisonError::into_inner).clone();
    node.ok_or_else(|| Error::new(Code::Closed, "no node was opened"))
}

fn told(error: &Error) -> Value {
    let code = error.code();
    json!({
        "code": code.name(), "number": code.number(), "retryable": code.retry() == Retry::Later,
        "class": code.host().name(), "message": error.to_string(),
    })
}

fn say(line: &Value) {
    // A driver that is gone needs no answer.
    let _ = writeln!(std::io::stdout(), "{line}");
}
