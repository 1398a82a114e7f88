//! How much of a processor an idle node with 8 peers uses in 30 seconds, with discovery off and on the local network.

#[path = "support/figures.rs"]
#[expect(dead_code, reason = "the memory figures belong to another benchmark")]
mod figures;
#[path = "support/second.rs"]
mod second;

use std::time::Duration;

use dmagent::{ConnectArgs, Node, NodeConfig, discovery::Mode};

use second::{Result, Second};

const PEERS: usize = 8;
const WATCHED: Duration = Duration::from_secs(30);
const AS_PEERS: &str = "--as-peers";

fn main() -> Result {
    let runtime = tokio::runtime::Runtime::new()?;
    if std::env::args().any(|argument| argument == AS_PEERS) {
        return runtime.block_on(be_peers());
    }
    println!("| discovery | processor in {} s, with {PEERS} peers | aim |\n|---|---|---|", WATCHED.as_secs());
    for (name, mode) in [("off", Mode::Off), ("lan", Mode::Lan)] {
        let used = runtime.block_on(watch(mode))?;
        println!("| {name} | {:.3} % | 0.2 % |", 100.0 * used.as_secs_f64() / WATCHED.as_secs_f64());
    }
    Ok(())
}

/// The peers live in another process, so that only the one node is counted.
async fn be_peers() -> Result {
    let mut nodes = Vec::new();
    for _ in 0..PEERS {
        let mut config = NodeConfig::new();
        config.ephemeral = true;
        let node = Node::open(config).await?;
        second::say(&node.info().url)?;
        nodes.push(node);
    }
    second::until_told_to_end().await;
    Ok(())
}

async fn watch(mode: Mode) -> Result<Duration> {
    let mut peers = Second::start(&[AS_PEERS])?;
    let folder = tempfile::tempdir()?;
    let mut config = NodeConfig::new();
    config.project_dir = Some(folder.path().to_owned());
    config.discovery = mode;
    let node = Node::open(config).await?;
    for _ in 0..PEERS {
        node.peers().connect(ConnectArgs::new(peers.hear()?)).await?;
    }
    // The handshakes have their aftermath: opinions are asked for, presence is announced.
    tokio::time::sleep(Duration::from_secs(5)).await;
    let before = figures::processor_time();
    tokio::time::sleep(WATCHED).await;
    let used = figures::processor_time() - before;
    node.close().await?;
    Ok(used)
}
