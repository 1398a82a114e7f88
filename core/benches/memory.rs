//! How much memory nodes and idle peers take: 1,000 nodes with 8 peers each, and one node with many peers.
//!
//! Nodes of one process talk over the memory transport and keep nothing on disk. A node as an application opens
//! it, with HTTP and a database, is measured by itself.

#[path = "support/figures.rs"]
#[expect(dead_code, reason = "the processor's time belongs to other benchmarks")]
mod figures;

use std::sync::Arc;

use dmagent::{
    ConnectArgs, Node, NodeConfig, Parts,
    error::Result,
    peers::AutoAccept,
    transport::memory::{MemoryNetwork, MemoryTransport},
    wire::limiter::{Limits, Loopback},
};

const NODES: usize = 1_000;
const PEERS: usize = 8;
/// Peers of the one node that has many.
const MANY: usize = 500;

#[tokio::main]
async fn main() -> Result<()> {
    let before = figures::resident_kib();
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let mut config = NodeConfig::new();
    config.project_dir = Some(folder.path().to_owned());
    let node = Node::open(config).await?;
    println!("| measure | KiB | aim |\n|---|---|---|");
    println!(
        "| the first node of a process, with HTTP and database | {} | |",
        figures::resident_kib() - before
    );
    node.close().await?;

    let network = MemoryNetwork::new(1);
    let alone = figures::resident_kib();
    let nodes = open(&network, "n", NODES).await?;
    let opened = figures::resident_kib();
    for (index, node) in nodes.iter().enumerate() {
        // Each asks the next ones of a ring, and is asked by the ones before it.
        for step in 1..=PEERS / 2 {
            connect(node, &nodes[(index + step) % NODES]).await?;
        }
    }
    let connected = figures::resident_kib();
    println!("| a node without peers, of {NODES} | {} | |", (opened - alone) / NODES as u64);
    println!("| a node with {PEERS} peers, of {NODES} | {} | 200 |", (connected - alone) / NODES as u64);

    // What a peer costs the node that has it: the others exist already.
    let hub = open(&network, "hub", 1).await?.remove(0);
    let before = figures::resident_kib();
    for node in &nodes[..MANY] {
        connect(node, &hub).await?;
    }
    let both_sides = (figures::resident_kib() - before) as f64 / MANY as f64;
    println!("| a connection, both of its sides, of {MANY} | {both_sides:.0} | 80 |");
    Ok(())
}

async fn open(network: &MemoryNetwork, prefix: &str, count: usize) -> Result<Vec<Node>> {
    let mut nodes = Vec::with_capacity(count);
    for index in 0..count {
        let mut config = NodeConfig::ephemeral();
        config.auto_accept = AutoAccept::All;
        config.max_connections = 2 * MANY;
        config.limits = Limits { loopback: Loopback::Exempt, ..Limits::default() };
        let transport = MemoryTransport::new(network, format!("{prefix}{index}"));
        let parts = Parts { transports: vec![Arc::new(transport)], ..Parts::default() };
        nodes.push(Node::open_with(config, parts).await?);
    }
    Ok(nodes)
}

async fn connect(from: &Node, to: &Node) -> Result<()> {
    from.peers().connect(ConnectArgs::new(to.info().url)).await.map(drop)
}
