//! An agent as a process of its own, steered from outside: for demonstrations and tests.
//!
//! ```text
//! agent '{"project_dir": "…", "display_name": "carol"}' [--echo]
//! ```
//!
//! Prints one JSON line with its id, URL and the token of the local API, then runs until its standard input
//! ends. With `--echo` it answers every message with the same text, and says on standard error what it does.

use std::io::Read as _;

use dmagent::{Filter, Message, MessageKind, Node, NodeConfig, SendArgs, error::Result};

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
    let mut arguments = std::env::args().skip(1);
    let config = NodeConfig::from_json(&arguments.next().unwrap_or_else(|| String::from("{}")))?;
    let echoes = arguments.any(|argument| argument == "--echo");
    let node = Node::open(config).await?;
    let info = node.info();
    println!(
        "{}",
        serde_json::json!({"agent_id": info.agent_id, "url": info.url, "token": node.local_token()})
    );
    tokio::select! {
        result = echo(&node), if echoes => result?,
        // Ends with whoever started it, also when that was killed.
        _ = tokio::task::spawn_blocking(|| std::io::stdin().read_to_end(&mut Vec::new())) => {}
    }
    node.close().await
}

async fn echo(node: &Node) -> Result<()> {
    let filter = Filter { kinds: vec![MessageKind::Peer], ..Filter::default() };
    let inbox = node.inbox().filtered(filter);
    loop {
        let message: Message = inbox.next().await?;
        eprintln!("{} says: {}", message.from.short(), message.content);
        node.messages().send(SendArgs::reply(&message, format!("echo: {}", message.content))).await?;
        inbox.acknowledge(&message).await?;
    }
}
