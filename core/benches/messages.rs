//! Signed messages of 256 bytes over loopback HTTP: how many a second, and how long one takes.
//!
//! Every target gets the same bytes from the same process: a bare handler that parses and verifies, our node in
//! each durability, and the real dmagent 1.1.1. In each round all targets have their turn, so that a machine
//! that is busy with something else slows all of them.

#[path = "support/bare.rs"]
mod bare;
#[path = "support/figures.rs"]
#[expect(dead_code, reason = "the memory figures belong to another benchmark")]
mod figures;
#[path = "support/load.rs"]
mod load;
#[path = "support/original.rs"]
mod original;

use dmagent::{
    Node, NodeConfig,
    messaging::InboxLimits,
    store::Durability,
    wire::limiter::{Limits, Loopback},
};

use figures::{median, processor_time};
use load::{Load, Result, SENDERS, Senders, Sent};
use original::Original;

/// How often each target has its turn.
const ROUNDS: usize = 5;
/// How many messages each of the many senders sends in a turn.
const EACH: usize = 200;
/// The same for a single sender.
const ALONE: usize = 200;
/// The same for 1.1.1, which is slower, and allows each connection 600 a minute.
const EACH_ORIGINAL: usize = 10;
const ALONE_ORIGINAL: usize = 50;
/// 1.1.1 refuses messages when 50 wait.
const QUEUE_ORIGINAL: usize = 40;

const AS_SENDERS: &str = "--as-senders";

fn main() -> Result {
    if std::env::args().any(|argument| argument == AS_SENDERS) {
        return load::serve();
    }
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(run())
}

/// Something that takes messages, and what was measured of it.
struct Target {
    name: &'static str,
    address: String,
    node: Option<Node>,
    /// Acknowledges while messages come in. The others keep them.
    handles: bool,
    per_second: Vec<f64>,
    /// Processor time of a message at the target and at the senders, in microseconds.
    costs: Vec<(f64, f64)>,
    alone: Vec<f64>,
}

impl Target {
    fn new(name: &'static str, address: String, node: Option<Node>) -> Self {
        Self {
            name,
            address,
            node,
            handles: false,
            per_second: Vec::new(),
            costs: Vec::new(),
            alone: Vec::new(),
        }
    }

    async fn node(name: &'static str, folder: Option<(&std::path::Path, Durability)>) -> Result<Self> {
        let mut config = NodeConfig::new();
        match folder {
            Some((folder, durability)) => {
                config.project_dir = Some(folder.to_owned());
                config.durability = durability;
            }
            None => config.ephemeral = true,
        }
        config.limits = Limits { loopback: Loopback::Exempt, peer: None, ..Limits::default() };
        let all = 1_000_000;
        config.inbox = InboxLimits { peers: all, per_peer: all, bytes: 4 << 30, ..InboxLimits::default() };
        // Nobody listens where the senders say they do.
        config.ping_interval_secs = 0;
        let node = Node::open(config).await?;
        let address = node.info().url.trim_start_matches("http://").to_owned();
        Ok(Self::new(name, address, Some(node)))
    }

    async fn turn(&mut self, senders: &mut Senders) -> Result {
        let handler = match &self.node {
            Some(node) if self.handles => {
                let node = node.clone();
                Some(tokio::runtime::Handle::current().spawn(async move { handle_all(&node).await }))
            }
            _ => None,
        };
        let load = |senders, each| Load { to: self.address.clone(), senders, each, drain: None };
        let worked = processor_time();
        let many = blocking(|| senders.send(load(SENDERS, EACH)))?;
        let worked = (processor_time() - worked).as_secs_f64();
        let messages = many.messages as f64;
        self.per_second.push(messages / many.seconds);
        self.costs.push((worked / messages * 1e6, many.processor_seconds / messages * 1e6));
        // New ones: the first were just sent.
        blocking(|| senders.sign(ALONE))?;
        let alone = blocking(|| senders.send(load(1, ALONE)))?;
        self.alone.push(alone.median_micros);
        if let Some(handler) = handler {
            handler.abort();
            let _ = handler.await;
        }
        Ok(())
    }
}

/// Acknowledges what is in the inbox and what comes.
async fn handle_all(node: &Node) -> Result {
    let workers = (0..16).map(|_| async {
        let inbox = node.inbox();
        loop {
            let message = inbox.next().await?;
            inbox.acknowledge(&message).await?;
        }
    });
    futures_util::future::try_join_all(workers).await.map(|_: Vec<()>| ())
}

/// Waits for the other process on this thread, without keeping the node from running on it.
fn blocking<T>(work: impl FnOnce() -> T) -> T {
    tokio::task::block_in_place(work)
}

async fn run() -> Result {
    // On the disk of the build, because a temporary folder is often none.
    let folders = [0, 1, 2, 3].map(|_| tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")));
    let [memory, grouped, each, handled] = folders;
    let (memory, grouped, each, handled) = (memory?, grouped?, each?, handled?);
    let mut targets = vec![
        Target::new("bare axum handler", bare::start().await?, None),
        Target::node("node, ephemeral", None).await?,
        Target::node("node, memory", Some((memory.path(), Durability::Memory))).await?,
        Target::node("node, grouped", Some((grouped.path(), Durability::Grouped))).await?,
        Target::node("node, each", Some((each.path(), Durability::Each))).await?,
        Target::node("node, grouped, handled at once", Some((handled.path(), Durability::Grouped))).await?,
    ];
    if let Some(last) = targets.last_mut() {
        last.handles = true;
    }
    let wanted: Vec<String> =
        std::env::args().skip(1).filter(|argument| !argument.starts_with("--")).collect();
    targets
        .retain(|target| wanted.is_empty() || wanted.iter().any(|part| target.name.contains(part.as_str())));
    let mut senders = Senders::start(AS_SENDERS)?;
    for target in targets.iter().filter(|target| target.node.is_some()) {
        blocking(|| senders.connect(&target.address))?;
    }
    for _ in 0..ROUNDS {
        for target in &mut targets {
            blocking(|| senders.sign(EACH))?;
            target.turn(&mut senders).await?;
        }
    }
    report(&targets);
    if wanted.is_empty() || wanted.iter().any(|part| part == "original") {
        let peers: Vec<_> = load::passports().map(|passport| passport.agent_id()).collect();
        match Original::start(&peers).await? {
            Some(original) => compare(&original, &mut senders, &targets)?,
            None => {
                println!("\nThe real dmagent 1.1.1 is left out: DMAGENT_PEER_PYTHON names no interpreter.")
            }
        }
    }
    for target in targets {
        if let Some(node) = target.node {
            node.close().await?;
        }
    }
    Ok(())
}

fn report(targets: &[Target]) {
    println!("{SENDERS} senders, {} messages a turn, medians of {ROUNDS} turns\n", SENDERS * EACH);
    println!("| target | per second | of bare | CPU target, senders (µs each) | one sender, median (µs) |");
    println!("|---|---|---|---|---|");
    let bare = targets.first().map_or(0.0, |target| median(target.per_second.clone()));
    for target in targets {
        let rate = median(target.per_second.clone());
        let (ours, theirs): (Vec<f64>, Vec<f64>) = target.costs.iter().copied().unzip();
        println!(
            "| {} | {rate:.0} | {:.2} | {:.0}, {:.0} | {:.0} |",
            target.name,
            rate / bare,
            median(ours),
            median(theirs),
            median(target.alone.clone()),
        );
    }
}

fn compare(original: &Original, senders: &mut Senders, targets: &[Target]) -> Result {
    let mut turn = |count: usize, each: usize, burst: usize| -> Result<Sent> {
        blocking(|| senders.sign(each))?;
        let drain = Some((original.consume(), burst));
        blocking(|| senders.send(Load { to: original.address.clone(), senders: count, each, drain }))
    };
    let (mut rates, mut alone) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let many = turn(SENDERS, EACH_ORIGINAL, 1)?;
        rates.push(many.messages as f64 / many.seconds);
        alone.push(turn(1, ALONE_ORIGINAL, QUEUE_ORIGINAL)?.median_micros);
    }
    let (rate, alone) = (median(rates), median(alone));
    println!(
        "\nThe real dmagent 1.1.1: {rate:.0} per second with {SENDERS} senders, one sender {alone:.0} µs."
    );
    println!(
        "Its queue holds 50, so the senders stop after a message each, or {QUEUE_ORIGINAL} of one, and it is emptied"
    );
    println!("through inbox/consume while the clock stands still.\n");
    println!("| target | times its rate | its time for one, divided by |\n|---|---|---|");
    for target in targets {
        let (ours, ours_alone) = (median(target.per_second.clone()), median(target.alone.clone()));
        println!("| {} | {:.0} | {:.1} |", target.name, ours / rate, alone / ours_alone);
    }
    Ok(())
}
