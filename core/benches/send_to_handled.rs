//! From `send` in one process to the message in the hands of the host in another: both clocks are the machine's.

#[path = "support/figures.rs"]
#[expect(dead_code, reason = "time and memory of the process belong to other benchmarks")]
mod figures;
#[path = "support/second.rs"]
mod second;

use dmagent::{
    ConnectArgs, Node, NodeConfig,
    env::{Env, Timestamp},
    store::Durability,
};

use second::{Result, Second};

const MESSAGES: usize = 300;
const AS_RECEIVER: &str = "--as-receiver";

fn main() -> Result {
    let runtime = tokio::runtime::Runtime::new()?;
    let arguments: Vec<String> = std::env::args().collect();
    if let Some(at) = arguments.iter().position(|argument| argument == AS_RECEIVER) {
        let durability = serde_json::from_value(arguments[at + 1].clone().into())?;
        return runtime.block_on(receive(durability));
    }
    println!(
        "| durability of both | send to handled, median (µs) | send to accepted, median (µs) |\n|---|---|---|"
    );
    for (name, durability) in [("memory", Durability::Memory), ("grouped", Durability::Grouped)] {
        let (handled, accepted) = runtime.block_on(send(name, durability))?;
        println!("| {name} | {handled:.0} | {accepted:.0} |");
    }
    Ok(())
}

async fn open(folder: &tempfile::TempDir, durability: Durability) -> Result<Node> {
    let mut config = NodeConfig::new();
    config.project_dir = Some(folder.path().to_owned());
    config.durability = durability;
    config.limits.peer = None;
    Ok(Node::open(config).await?)
}

/// Says when each message was in its hands; its text says when it was sent.
async fn receive(durability: Durability) -> Result {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR"))?;
    let node = open(&folder, durability).await?;
    second::say(&node.info().url)?;
    let handling = async {
        let (env, inbox) = (Env::system(), node.inbox());
        loop {
            let message = inbox.next().await?;
            if let Ok(sent) = message.content.trim().parse() {
                let waited = env.now().since(Timestamp::from_micros(sent));
                inbox.acknowledge(&message).await?;
                second::say(&waited.as_micros().to_string())?;
            }
        }
    };
    tokio::select! {
        failed = handling => failed,
        () = second::until_told_to_end() => Ok(()),
    }
}

async fn send(name: &str, durability: Durability) -> Result<(f64, f64)> {
    let mut receiver = Second::start(&[AS_RECEIVER, name])?;
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR"))?;
    let (node, env) = (open(&folder, durability).await?, Env::system());
    let peer = node.peers().connect(ConnectArgs::new(receiver.hear()?)).await?.agent_id;
    let (mut handled, mut accepted) = (Vec::new(), Vec::new());
    for _ in 0..MESSAGES {
        let sent = env.now();
        // Filled up with spaces to the size of the other benchmarks.
        node.send(peer, format!("{:<256}", sent.micros())).await?;
        accepted.push(env.now().since(sent).as_secs_f64() * 1e6);
        handled.push(receiver.hear()?.parse()?);
    }
    node.close().await?;
    Ok((figures::median(handled), figures::median(accepted)))
}
