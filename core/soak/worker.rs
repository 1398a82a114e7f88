//! A process of the soak: nodes with folders of their own, each with a host that sends and one that takes.

use std::{
    io::Write as _,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use dmagent::{
    AgentId, ConnectArgs, Filter, MessageKind, Node, NodeConfig,
    api::NoArgs,
    env::{Random as _, SystemRandom, Tasks},
    error::Code,
    peers::PeerState,
};
use serde::{Deserialize, Serialize};

use crate::{
    Result,
    book::{Entry, Pen},
};

/// The first argument of such a process.
pub(crate) const AS_WORKER: &str = "--worker";
/// Between two messages of a node, in milliseconds.
const LONGEST_PAUSE: u64 = 800;

/// What a worker is asked to do.
#[derive(Serialize, Deserialize)]
pub(crate) enum Order {
    /// The node at this position asks for a connection.
    Connect { from: usize, url: String },
    /// Send from now on, or not any more.
    Send(bool),
    /// Answered with a line for each node for which something is under way.
    Waiting,
}

/// What it answers.
#[derive(Serialize, Deserialize)]
pub(crate) enum Answer<T> {
    Done(T),
    Failed(String),
}

/// Folder, own number, numbers of the nodes.
pub(crate) fn run(arguments: &[String]) -> Result {
    let [folder, own, numbers @ ..] = arguments else { return Err("what is this worker to do?".into()) };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let (sends, tasks) = (Arc::new(AtomicBool::new(false)), Tasks::new());
    let nodes = runtime.block_on(open(folder.as_ref(), own, numbers, (&sends, &tasks)))?;
    answer(Ok(nodes.iter().map(|node| node.info().url).collect::<Vec<_>>()))?;
    for line in std::io::stdin().lines() {
        match serde_json::from_str(&line?)? {
            Order::Connect { from, url } => answer(runtime.block_on(connect(&nodes[from], url)))?,
            Order::Send(wanted) => {
                sends.store(wanted, Ordering::Relaxed);
                answer(Ok(()))?;
            }
            Order::Waiting => answer(runtime.block_on(waiting(&nodes)))?,
        }
    }
    Ok(())
}

/// The nodes, with their hosts at work.
async fn open(
    folder: &Path,
    own: &str,
    numbers: &[String],
    (sends, tasks): (&Arc<AtomicBool>, &Tasks),
) -> Result<Vec<Node>> {
    let pen = Arc::new(Pen::open(folder, own)?);
    let mut nodes = Vec::new();
    for number in numbers {
        let mut config = NodeConfig::new();
        let home = folder.join(format!("node-{number}"));
        std::fs::create_dir_all(&home)?;
        config.project_dir = Some(home);
        config.max_connections = 200;
        config.sent_limit = 200;
        config.limits.peer = None;
        config.limits.connections_per_source = None;
        let node = Node::open(config).await?;
        tasks.spawn("take", take(node.clone(), Arc::clone(&pen)));
        tasks.spawn("send", send(node.clone(), Arc::clone(&pen), Arc::clone(sends)));
        nodes.push(node);
    }
    Ok(nodes)
}

fn answer(result: Result<impl Serialize>) -> Result {
    let answer = result.map_or_else(|error| Answer::Failed(error.to_string()), Answer::Done);
    let mut out = std::io::stdout().lock();
    writeln!(out, "{}", serde_json::to_string(&answer)?)?;
    Ok(out.flush()?)
}

async fn connect(node: &Node, url: String) -> Result {
    node.peers().connect(ConnectArgs::new(url)).await?;
    Ok(())
}

/// What peers say, and no notices of the node.
fn messages() -> Filter {
    Filter { kinds: vec![MessageKind::Peer, MessageKind::Stranger], ..Filter::default() }
}

async fn waiting(nodes: &[Node]) -> Result<Vec<String>> {
    let mut lines = Vec::new();
    for node in nodes {
        for item in node.messages().outbox(NoArgs {}).await? {
            let why = item.last_reason.map(|reason| reason.text).unwrap_or_default();
            lines.push(format!(
                "{} for {}, {} attempts: {why}",
                item.message_id,
                item.to.short(),
                item.attempts
            ));
        }
        let unread = node.messages().list(NoArgs {}).await?;
        let unread = unread.iter().filter(|message| message.kind != MessageKind::Notice).count();
        if unread > 0 {
            lines.push(format!("{} has {unread} unread messages", node.agent_id().short()));
        }
    }
    Ok(lines)
}

/// Takes and acknowledges, for as long as the process lives. Gives one in twenty back.
async fn take(node: Node, pen: Arc<Pen>) {
    let (inbox, random, to) = (node.inbox().filtered(messages()), SystemRandom, node.agent_id());
    while let Ok(message) = inbox.next().await {
        let id = || message.message_id.clone();
        pen.write(&Entry::Took { to, id: id() });
        if random.below(20) == 0 {
            inbox.release(&message, Duration::from_millis(random.below(500)));
            continue;
        }
        pen.write(&Entry::Acknowledging { to, id: id() });
        if let Ok(done) = inbox.acknowledge(&message).await
            && done.stored
        {
            pen.write(&Entry::Acknowledged { to, id: id() });
        }
    }
}

/// Sends to peers that chance picks.
async fn send(node: Node, pen: Arc<Pen>, sends: Arc<AtomicBool>) {
    let random = SystemRandom;
    loop {
        tokio::time::sleep(Duration::from_millis(random.below(LONGEST_PAUSE))).await;
        if !sends.load(Ordering::Relaxed) {
            continue;
        }
        let Ok(peers) = node.peers().list(NoArgs {}).await else { return };
        let connected: Vec<AgentId> = peers
            .iter()
            .filter(|peer| peer.state == PeerState::Connected)
            .map(|peer| peer.agent_id)
            .collect();
        if connected.is_empty() {
            continue;
        }
        let to = connected[random.below(connected.len() as u64) as usize];
        match node.send(to, "something to do").await {
            Ok(receipt) if receipt.state.is_failure() => {
                let why = receipt.deliveries.into_iter().find_map(|delivery| delivery.reason);
                pen.write(&Entry::Broken { what: format!("failed without need: {why:?}") });
            }
            Ok(receipt) => pen.write(&Entry::Promised { to, id: receipt.message_id }),
            // It said so, and promised nothing.
            Err(error) if error.code() == Code::QueueFull => {}
            Err(error) => pen.write(&Entry::Broken { what: format!("could not send: {error}") }),
        }
    }
}
