//! A soak: many nodes in a few processes on real HTTP, whose processes are killed at random and start again elsewhere.
//! At the end nothing that was promised is missing, nothing was handled again after its acknowledgement, and a process
//! that was spared holds no more memory and files than before. `cargo xtask soak` runs it.
//!
//! ```text
//! this process ──orders, a line each──► workers, each with some nodes: they send, take, acknowledge
//!      │   kills one, starts it again         │ what they promised and did, a line each
//!      └────────── compares at the end ◄──────┘ (a file per worker, which outlives it)
//! ```

mod book;
mod worker;

use std::{
    io::{BufRead as _, BufReader, Write as _},
    path::{Path, PathBuf},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};

use dmagent::env::{Random as _, SeededRandom};

use worker::{Answer, Order};

pub(crate) type Result<T = (), E = Box<dyn std::error::Error + Send + Sync>> = std::result::Result<T, E>;

/// How many others each node asks for a connection.
const CONNECTIONS: usize = 3;
/// How often memory and files of the spared process are looked at.
const SAMPLE: Duration = Duration::from_secs(5);
/// How long after the last fault everything has arrived: the longest wait between two attempts is five minutes.
const RECOVERY: Duration = Duration::from_secs(15 * 60);
/// What counts as level: the last quarter of the time against the one before it.
const LEVEL: f64 = 1.15;

/// What to do, from the command line.
struct Plan {
    folder: PathBuf,
    minutes: f64,
    nodes: usize,
    processes: usize,
    seed: u64,
}

impl Plan {
    fn parse(arguments: &[String]) -> Result<Self> {
        let [folder, minutes, nodes, processes, seed] = arguments else {
            return Err("soak FOLDER MINUTES NODES PROCESSES SEED".into());
        };
        let plan = Self {
            folder: folder.into(),
            minutes: minutes.parse()?,
            nodes: nodes.parse()?,
            processes: processes.parse()?,
            seed: seed.parse()?,
        };
        if plan.processes < 2 || plan.nodes < 2 * plan.processes || plan.minutes <= 0.0 {
            return Err("a soak needs two processes, two nodes in each, and some time".into());
        }
        Ok(plan)
    }
}

fn main() -> Result {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments.first().is_some_and(|first| first == worker::AS_WORKER) {
        return worker::run(&arguments[1..]);
    }
    let plan = Plan::parse(&arguments)?;
    println!(
        "{} nodes in {} processes for {} minutes, seed {}",
        plan.nodes, plan.processes, plan.minutes, plan.seed
    );
    soak(&plan)
}

fn soak(plan: &Plan) -> Result {
    let random = SeededRandom::new(plan.seed);
    let mut workers = Vec::new();
    for index in 0..plan.processes {
        workers.push(Worker::start(plan, index)?);
    }
    acquaint(&mut workers, plan, &random)?;
    for worker in &mut workers {
        worker.ask::<()>(&Order::Send(true))?;
    }
    let (samples, kills) = disturb(&mut workers, plan, &random)?;
    for worker in &mut workers {
        worker.ask::<()>(&Order::Send(false))?;
    }
    let waited = settle(&mut workers)?;
    drop(workers);
    let totals = book::audit(&plan.folder)?;
    println!(
        "{kills} processes killed; {} messages promised, {} handled, {} handed out again without being acknowledged; \
         everything had arrived {} s after the last fault",
        totals.promised,
        totals.handled,
        totals.again,
        waited.as_secs()
    );
    level(&samples)
}

/// A process with nodes.
struct Worker {
    index: usize,
    process: Child,
    orders: ChildStdin,
    answers: BufReader<ChildStdout>,
    /// Where its nodes are in this life, and how many of all they are.
    urls: Vec<String>,
}

impl Worker {
    fn start(plan: &Plan, index: usize) -> Result<Self> {
        // The nodes are dealt out in turn.
        let own = (index..plan.nodes).step_by(plan.processes).map(|node| node.to_string());
        let mut process = Command::new(std::env::current_exe()?)
            .arg(worker::AS_WORKER)
            .arg(&plan.folder)
            .arg(index.to_string())
            .args(own)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let (orders, answers) = (process.stdin.take(), process.stdout.take());
        let (Some(orders), Some(answers)) = (orders, answers) else { return Err("no pipes".into()) };
        let mut worker = Self { index, process, orders, answers: BufReader::new(answers), urls: Vec::new() };
        worker.urls = worker.hear()?;
        Ok(worker)
    }

    fn ask<T: serde::de::DeserializeOwned>(&mut self, order: &Order) -> Result<T> {
        writeln!(self.orders, "{}", serde_json::to_string(order)?)?;
        self.hear()
    }

    fn hear<T: serde::de::DeserializeOwned>(&mut self) -> Result<T> {
        let mut line = String::new();
        if self.answers.read_line(&mut line)? == 0 {
            return Err(format!("process {} ended by itself: {}", self.index, self.process.wait()?).into());
        }
        match serde_json::from_str::<Answer<T>>(&line)? {
            Answer::Done(answer) => Ok(answer),
            Answer::Failed(why) => Err(format!("process {}: {why}", self.index).into()),
        }
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        // The power goes out: nothing is closed, nothing is flushed.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Each node asks the next one, which lives in another process, and some that chance picks.
fn acquaint(workers: &mut [Worker], plan: &Plan, random: &SeededRandom) -> Result {
    let place = |node: usize| (node % plan.processes, node / plan.processes);
    for node in 0..plan.nodes {
        for distance in 0..CONNECTIONS {
            let step = if distance == 0 { 1 } else { 1 + random.below(plan.nodes as u64 - 1) as usize };
            let (there, position) = place((node + step) % plan.nodes);
            let url = workers[there].urls[position].clone();
            let (here, from) = place(node);
            workers[here].ask::<()>(&Order::Connect { from, url })?;
        }
    }
    Ok(())
}

/// What the spared process held at a moment.
#[derive(Clone, Copy)]
struct Sample {
    kib: f64,
    files: f64,
}

impl Sample {
    /// Linux only; elsewhere nobody can tell.
    fn of(process: u32) -> Option<Self> {
        let folder = Path::new("/proc").join(process.to_string());
        let status = std::fs::read_to_string(folder.join("status")).ok()?;
        let kib = status
            .lines()
            .find_map(|line| line.strip_prefix("VmRSS:"))?
            .trim()
            .trim_end_matches(" kB")
            .parse();
        let files = std::fs::read_dir(folder.join("fd")).ok()?.count();
        Some(Self { kib: kib.ok()?, files: files as f64 })
    }
}

/// Kills a process now and then, never the first, and starts it again, until the time is over.
fn disturb(workers: &mut [Worker], plan: &Plan, random: &SeededRandom) -> Result<(Vec<Sample>, usize)> {
    let end = Instant::now() + Duration::from_secs_f64(plan.minutes * 60.0);
    let seconds =
        |least: u64, most: u64| Duration::from_millis(least * 1000 + random.below((most - least) * 1000));
    let (mut samples, mut kills) = (Vec::new(), 0);
    let mut next_kill = Instant::now() + seconds(3, 15);
    while Instant::now() < end {
        sleep(SAMPLE.min(end.saturating_duration_since(Instant::now())));
        samples.extend(Sample::of(workers[0].process.id()));
        if Instant::now() < next_kill {
            continue;
        }
        let index = 1 + random.below(plan.processes as u64 - 1) as usize;
        // Whoever replaces it has another address, because the system chooses the ports.
        workers[index].process.kill()?;
        workers[index].process.wait()?;
        kills += 1;
        sleep(seconds(0, 5));
        workers[index] = Worker::start(plan, index)?;
        workers[index].ask::<()>(&Order::Send(true))?;
        next_kill = Instant::now() + seconds(5, 25);
    }
    Ok((samples, kills))
}

/// Waits until nothing is under way any more. Returns how long that took.
fn settle(workers: &mut [Worker]) -> Result<Duration> {
    let start = Instant::now();
    loop {
        let mut waiting = Vec::new();
        for worker in &mut *workers {
            waiting.extend(worker.ask::<Vec<String>>(&Order::Waiting)?);
        }
        if waiting.is_empty() {
            return Ok(start.elapsed());
        }
        if start.elapsed() > RECOVERY {
            return Err(
                format!("after {} s this still waits:\n{}", RECOVERY.as_secs(), waiting.join("\n")).into()
            );
        }
        sleep(Duration::from_secs(2));
    }
}

/// Fails when the spared process held more and more.
fn level(samples: &[Sample]) -> Result {
    let quarter = samples.len() / 4;
    if quarter < 3 {
        println!("too few samples to tell whether memory is level");
        return Ok(());
    }
    let middle = |samples: &[Sample], of: fn(&Sample) -> f64| {
        let mut values: Vec<f64> = samples.iter().map(of).collect();
        values.sort_by(f64::total_cmp);
        values[values.len() / 2]
    };
    let (before, last) = samples[samples.len() - 2 * quarter..].split_at(quarter);
    let mut faults = Vec::new();
    for (name, of) in [
        ("KiB of memory", (|sample| sample.kib) as fn(&Sample) -> f64),
        ("open files", |sample| sample.files),
    ] {
        let (then, now) = (middle(before, of), middle(last, of));
        println!("the process that was spared: {then:.0} {name} in the third quarter, {now:.0} in the last");
        if now > then * LEVEL {
            faults.push(name);
        }
    }
    if faults.is_empty() { Ok(()) } else { Err(format!("not level: {}", faults.join(", ")).into()) }
}
