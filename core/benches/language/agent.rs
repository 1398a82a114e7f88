//! The benchmark of the languages, in Rust: what the others are compared with. See the README of this folder.

#![expect(clippy::disallowed_methods, reason = "this is a program of its own, not a part of the node")]

#[path = "../support/figures.rs"]
#[expect(dead_code, reason = "medians belong to the program that compares")]
mod figures;
#[path = "../support/second.rs"]
#[expect(dead_code, reason = "the second process is started by the program that compares")]
mod second;

use std::{sync::Arc, time::Instant};

use dmagent::{
    AgentId, ConnectArgs, Node, NodeConfig,
    env::{Env, Timestamp},
    messaging::{Filter, MessageKind},
};
use second::Result;
use tokio::sync::Notify;

/// How many messages of a pair are under way.
const AT_ONCE: usize = 32;
const SIZE: usize = 256;

#[tokio::main]
async fn main() -> Result {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words[..] {
        ["receive", folder, durability] => receive(on_disk(folder, durability)?).await,
        ["send", folder, durability, url] => send(on_disk(folder, durability)?, url).await,
        ["pair", count] => pair(count.parse()?).await,
        _ => Err("receive FOLDER DURABILITY, send FOLDER DURABILITY URL, or pair COUNT".into()),
    }
}

fn on_disk(folder: &str, durability: &str) -> Result<NodeConfig> {
    let settings =
        serde_json::json!({"project_dir": folder, "durability": durability, "limits": {"peer": null}});
    Ok(NodeConfig::from_json(&settings.to_string())?)
}

async fn receive(config: NodeConfig) -> Result {
    let node = Node::open(config).await?;
    second::say(&node.info().url)?;
    let handling = async {
        let (env, inbox) = (Env::system(), node.inbox().filtered(from_peers()));
        loop {
            let message = inbox.next().await?;
            let sent = Timestamp::from_micros(message.content.trim().parse::<i64>()? / 1000);
            let waited = env.now().since(sent).as_nanos();
            inbox.acknowledge(&message).await?;
            second::say(&waited.to_string())?;
        }
    };
    let done = tokio::select! {
        failed = handling => failed,
        () = second::until_told_to_end() => Ok(()),
    };
    node.close().await?;
    done
}

async fn send(config: NodeConfig, url: &str) -> Result {
    let (node, env) = (Node::open(config).await?, Env::system());
    let peer = node.peers().connect(ConnectArgs::new(url)).await?.agent_id;
    // The main task has nothing else to do while it waits for its next line; the node has threads of its own.
    for line in std::io::stdin().lines() {
        line?;
        node.send(peer, format!("{:<SIZE$}", env.now().micros() * 1000)).await?;
    }
    Ok(node.close().await?)
}

async fn pair(count: usize) -> Result {
    let settings = r#"{"http": false, "memory": true, "limits": {"peer": null}}"#;
    let open = || async { Node::open(NodeConfig::preset("ephemeral", settings)?).await };
    let (sender, receiver) = (open().await?, open().await?);
    let peer = sender.peers().connect(ConnectArgs::new(receiver.info().url)).await?.agent_id;
    let handled: Arc<[Notify; AT_ONCE]> = Arc::new(std::array::from_fn(|_| Notify::new()));
    let began = Instant::now();
    let sending: Vec<_> = (0..AT_ONCE)
        .map(|worker| {
            let (sender, handled) = (sender.clone(), Arc::clone(&handled));
            let messages = count / AT_ONCE + usize::from(worker < count % AT_ONCE);
            tokio::spawn(work(sender, peer, worker, messages, handled))
        })
        .collect();
    let inbox = receiver.inbox().filtered(from_peers());
    let mut early = 0;
    for number in 1..=count {
        let message = inbox.next().await?;
        let worker: usize = message.content.trim().parse()?;
        inbox.acknowledge(&message).await?;
        handled[worker].notify_one();
        if number == count.div_ceil(10) {
            early = figures::resident_kib();
        }
    }
    let rate = count as f64 / began.elapsed().as_secs_f64();
    for worker in sending {
        worker.await??;
    }
    second::say(&format!("{rate:.0} {early} {}", figures::resident_kib()))?;
    sender.close().await?;
    Ok(receiver.close().await?)
}

/// Sends one message after the other is handled.
async fn work(
    node: Node,
    peer: AgentId,
    worker: usize,
    messages: usize,
    handled: Arc<[Notify; AT_ONCE]>,
) -> Result {
    for _ in 0..messages {
        node.send(peer, format!("{worker:<SIZE$}")).await?;
        handled[worker].notified().await;
    }
    Ok(())
}

fn from_peers() -> Filter {
    Filter { kinds: vec![MessageKind::Peer], ..Filter::default() }
}
