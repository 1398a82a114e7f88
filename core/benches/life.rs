//! The life of a message between two processes: what an answer costs against two bare round trips, and what receipts
//! cost against the same messages without them. All turns alternate, so that a busy machine slows every side.

#[path = "support/bare.rs"]
mod bare;
#[path = "support/figures.rs"]
#[expect(dead_code, reason = "the memory figures belong to another benchmark")]
mod figures;
#[path = "support/load.rs"]
#[expect(dead_code, reason = "many senders belong to another benchmark")]
mod load;
#[path = "support/second.rs"]
mod second;

use std::time::{Duration, Instant};

use dmagent::{
    AgentId, ConnectArgs, DeliveryState, Node, NodeConfig, SendArgs,
    api::{AskArgs, NewestArgs, UntilArgs},
    identity::Passport,
    store::Durability,
};

use figures::{median, processor_time};
use load::{Wire, request, sign};
use second::{Result, Second};

/// How often each side has its turn.
const ROUNDS: usize = 5;
/// Questions in a turn.
const QUESTIONS: usize = 100;
/// Messages in a turn.
const MESSAGES: usize = 1_000;
const AS_OTHER: &str = "--as-other";
/// How the other process is told that its node gives no receipts.
const SILENT: &str = "silent";
/// A message that asks for an answer begins like this.
const QUESTION: &str = "question";

fn main() -> Result {
    let runtime = tokio::runtime::Runtime::new()?;
    let arguments: Vec<String> = std::env::args().collect();
    if let Some(at) = arguments.iter().position(|argument| argument == AS_OTHER) {
        return runtime.block_on(be_other(&arguments[at + 1], &arguments[at + 2]));
    }
    for (name, durability) in [("memory", Durability::Memory), ("grouped", Durability::Grouped)] {
        println!("durability {name}\n");
        runtime.block_on(compare(name, durability))?;
    }
    Ok(())
}

async fn open(folder: &tempfile::TempDir, durability: Durability, receipts: bool) -> Result<Node> {
    let mut config = NodeConfig::new();
    config.project_dir = Some(folder.path().to_owned());
    config.durability = durability;
    config.receipts = receipts;
    config.limits.peer = None;
    config.sent_limit = 2 * MESSAGES;
    Ok(Node::open(config).await?)
}

/// Answers questions, acknowledges the rest, and listens as a bare handler beside that.
async fn be_other(name: &str, receipts: &str) -> Result {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR"))?;
    let node = open(&folder, serde_json::from_value(name.into())?, receipts != SILENT).await?;
    second::say(&node.info().url)?;
    second::say(&bare::start().await?)?;
    let handling = async {
        let inbox = node.inbox();
        let answer = filled("answer");
        let (mut handled, mut worked) = (0, processor_time());
        loop {
            let message = inbox.next().await?;
            if message.content.starts_with(QUESTION) {
                node.messages().send(SendArgs::reply(&message, answer.clone())).await?;
                inbox.acknowledge(&message).await?;
                continue;
            }
            inbox.acknowledge(&message).await?;
            handled += 1;
            if handled % MESSAGES == 0 {
                let now = processor_time();
                second::say(&(now - worked).as_micros().to_string())?;
                worked = now;
            }
        }
    };
    tokio::select! {
        failed = handling => failed,
        () = second::until_told_to_end() => Ok(()),
    }
}

/// A text of the size of the other benchmarks.
fn filled(word: &str) -> String {
    format!("{word:<256}")
}

/// A node here and one in another process.
struct Pair {
    node: Node,
    peer: AgentId,
    bare: String,
    other: Second,
    /// Keeps the node's files until the end.
    _folder: tempfile::TempDir,
}

impl Pair {
    async fn start(name: &str, durability: Durability, receipts: bool) -> Result<Self> {
        let mut other = Second::start(&[AS_OTHER, name, if receipts { "receipts" } else { SILENT }])?;
        let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR"))?;
        let node = open(&folder, durability, receipts).await?;
        let peer = node.peers().connect(ConnectArgs::new(other.hear()?)).await?.agent_id;
        let bare = other.hear()?;
        // The handshake has its aftermath.
        tokio::time::sleep(Duration::from_millis(500)).await;
        Ok(Self { node, peer, bare, other, _folder: folder })
    }
}

async fn compare(name: &str, durability: Durability) -> Result {
    let mut with = Pair::start(name, durability, true).await?;
    let mut without = Pair::start(name, durability, false).await?;
    let (mut asked, mut bare) = (Vec::new(), Vec::new());
    let (mut told, mut untold) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        asked.extend(ask(&with).await?);
        bare.extend(two_trips(&with.bare).await?);
        told.push(send(&mut with, true).await?);
        untold.push(send(&mut without, false).await?);
    }
    let (asked, bare) = (median(asked), median(bare));
    println!("| | median (µs) | ratio | aim |\n|---|---|---|---|");
    println!("| two bare round trips, each with one verification | {bare:.0} | 1 | |");
    println!("| ask, to the answer | {asked:.0} | {:.2} | 1.6 |\n", asked / bare);
    println!("| per message | elapsed (µs) | processor of both (µs) |\n|---|---|---|");
    let middle = |costs: &[(f64, f64)]| {
        let [elapsed, worked] = [0, 1]
            .map(|part| median(costs.iter().map(|cost| if part == 0 { cost.0 } else { cost.1 }).collect()));
        (elapsed, worked)
    };
    let (told, untold) = (middle(&told), middle(&untold));
    println!("| without receipts | {:.0} | {:.0} |", untold.0, untold.1);
    println!("| with receipts, until all are known to be handled | {:.0} | {:.0} |", told.0, told.1);
    println!("| ratio (aim 1.5) | {:.2} | {:.2} |\n", told.0 / untold.0, told.1 / untold.1);
    with.node.close().await?;
    without.node.close().await?;
    Ok(())
}

/// How long each question waited for its answer, in microseconds.
async fn ask(pair: &Pair) -> Result<Vec<f64>> {
    let (question, mut waits) = (filled(QUESTION), Vec::with_capacity(QUESTIONS));
    for _ in 0..QUESTIONS {
        let began = Instant::now();
        let answer = pair.node.messages().ask(AskArgs::new(pair.peer, question.clone())).await?;
        waits.push(began.elapsed().as_secs_f64() * 1e6);
        pair.node.inbox().acknowledge(&answer).await?;
    }
    Ok(waits)
}

/// The same sizes to and from a handler that parses and verifies and nothing else: the question, then the answer.
async fn two_trips(to: &str) -> Result<Vec<f64>> {
    let signed = sign(&Passport::from_seed([1; 32]), 2 * QUESTIONS);
    let requests: Vec<_> =
        signed.iter().map(|signed| request(to, "/__darkmatter__/message", &signed.body)).collect();
    let mut wire = Wire::open(to).await?;
    let mut waits = Vec::with_capacity(QUESTIONS);
    for pair in requests.chunks(2) {
        let began = Instant::now();
        for request in pair {
            wire.exchange(request).await?;
        }
        waits.push(began.elapsed().as_secs_f64() * 1e6);
    }
    Ok(waits)
}

/// What a message cost until the other side handled it, and with receipts until this side knows: elapsed time, and what
/// both processes worked, in microseconds.
async fn send(pair: &mut Pair, receipts: bool) -> Result<(f64, f64)> {
    let (text, began, worked) = (filled("message"), Instant::now(), processor_time());
    for _ in 0..MESSAGES {
        pair.node.send(pair.peer, text.clone()).await?;
    }
    let there: f64 = pair.other.hear()?.parse()?;
    if receipts {
        for receipt in pair.node.messages().sent(NewestArgs { limit: MESSAGES }).await? {
            let until = UntilArgs {
                message_id: receipt.message_id,
                state: DeliveryState::Handled,
                timeout_secs: Some(60.0),
            };
            pair.node.messages().until(until).await?;
        }
    }
    let each = |micros: f64| micros / MESSAGES as f64;
    let here = (processor_time() - worked).as_secs_f64() * 1e6;
    Ok((each(began.elapsed().as_secs_f64() * 1e6), each(here + there)))
}
