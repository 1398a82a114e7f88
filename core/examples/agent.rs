//! An agent as a process of its own, steered from outside: for demonstrations and tests.
//!
//! ```text
//! agent '{"project_dir": "…", "display_name": "carol"}' ['{…}' …] [--echo]
//! ```
//!
//! Prints one JSON line with its id, URL and the token of the local API, then runs until its standard input
//! ends. Several configurations make several agents in one process, and a line for each; they may share a port. With `--echo` it answers every message that is no answer itself with the same text, and prints a JSON line
//! for each message it takes and each it has handled. A message with the metadata `{"think_secs": 3}` is answered after that time,
//! so that one can look at, or end, an agent at work.

use std::{io::Read as _, time::Duration};

use dmagent::{Filter, Message, MessageKind, Node, NodeConfig, SendArgs, error::Result};
use futures_util::future::try_join_all;
use serde_json::{Value, json};

/// The longest time to think, in seconds.
const MOST_THOUGHT: f64 = 60.0;

#[tokio::main]
async fn main() -> std::process::ExitCode {
    match run().await {
        Ok(()) => std::process::ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("agent: {error}");
            std::process::ExitCode::FAILURE
        }
    }
}

async fn run() -> Result<()> {
    let (flags, mut configs): (Vec<_>, Vec<_>) =
        std::env::args().skip(1).partition(|argument| argument.starts_with("--"));
    if configs.is_empty() {
        configs.push(String::from("{}"));
    }
    let mut nodes = Vec::new();
    for config in configs {
        let node = Node::open(NodeConfig::from_json(&config)?).await?;
        let info = node.info();
        println!("{}", json!({"agent_id": info.agent_id, "url": info.url, "token": node.local_token()}));
        nodes.push(node);
    }
    let echoes = flags.iter().any(|flag| flag == "--echo");
    tokio::select! {
        result = try_join_all(nodes.iter().map(echo)), if echoes => drop(result?),
        // Ends with whoever started it, also when that was killed.
        _ = tokio::task::spawn_blocking(|| std::io::stdin().read_to_end(&mut Vec::new())) => {}
    }
    for node in nodes {
        node.close().await?;
    }
    Ok(())
}

async fn echo(node: &Node) -> Result<()> {
    let filter = Filter { kinds: vec![MessageKind::Peer], ..Filter::default() };
    let inbox = node.inbox().filtered(filter);
    loop {
        let message: Message = inbox.next().await?;
        println!("{}", event("took", &message));
        // Answers are not answered, or two agents would never stop.
        if message.in_reply_to.is_none() {
            tokio::time::sleep(thought(&message)).await;
            node.messages().send(SendArgs::reply(&message, format!("echo: {}", message.content))).await?;
        }
        // Only now: an agent that dies before this line gets the message again.
        inbox.acknowledge(&message).await?;
        println!("{}", event("handled", &message));
    }
}

fn event(what: &str, message: &Message) -> Value {
    json!({"event": what, "message_id": message.message_id, "from": message.from, "content": message.content})
}

/// How long the sender wants us to think.
fn thought(message: &Message) -> Duration {
    let seconds = message.metadata.get("think_secs").and_then(Value::as_f64).unwrap_or(0.0);
    Duration::from_secs_f64(seconds.clamp(0.0, MOST_THOUGHT))
}
