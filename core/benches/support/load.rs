//! The side that sends: 32 agents with keys of their own, in a process of its own, as lean as can be.
//!
//! The process reads one order a line and answers each with one line, both JSON. Requests are written from
//! bytes that were signed before the clock started, over connections that stay open.

use std::{
    io::{BufRead as _, BufReader, Write as _},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    time::{Duration, Instant},
};

use dmagent::{env::Env, identity::Passport, wire::canonical};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use crate::figures::processor_time;

pub(crate) type Result<T = (), E = Box<dyn std::error::Error + Send + Sync>> = std::result::Result<T, E>;

/// How many agents send.
pub(crate) const SENDERS: usize = 32;
/// How long the text of a message is.
const CONTENT_BYTES: usize = 256;

/// What the process is asked to do.
#[derive(Serialize, Deserialize)]
pub(crate) enum Order {
    /// Every sender signs this many new messages. Answered with `null`.
    Sign(usize),
    /// Every sender asks the node at this address for a connection. Answered with `null`.
    Connect(String),
    /// Send. Answered with [`Sent`].
    Send(Load),
}

/// What to send, and where.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Load {
    /// `host:port`.
    pub(crate) to: String,
    /// How many senders, at once.
    pub(crate) senders: usize,
    /// How many of its signed messages each sends, one after the other; the first ones, so that every target
    /// gets the same bytes.
    pub(crate) each: usize,
    /// The path to drain the inbox at, and after how many messages of each sender. The clock stands still then.
    pub(crate) drain: Option<(String, usize)>,
}

/// How it went.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Sent {
    pub(crate) messages: usize,
    pub(crate) seconds: f64,
    /// From the first byte written to the last byte read, in the middle of all messages.
    pub(crate) median_micros: f64,
    /// What this process used of a processor.
    pub(crate) processor_seconds: f64,
}

/// The process that sends.
pub(crate) struct Senders {
    process: Child,
    orders: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Senders {
    /// Starts this program again, with an argument that leads to [`serve`].
    pub(crate) fn start(argument: &str) -> Result<Self> {
        let mut process = Command::new(std::env::current_exe()?)
            .arg(argument)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let (orders, answers) = (process.stdin.take(), process.stdout.take());
        let (Some(orders), Some(answers)) = (orders, answers) else { return Err("no pipes".into()) };
        Ok(Self { process, orders, answers: BufReader::new(answers) })
    }

    pub(crate) fn sign(&mut self, each: usize) -> Result {
        self.ask(&Order::Sign(each))
    }

    pub(crate) fn connect(&mut self, to: &str) -> Result {
        self.ask(&Order::Connect(to.to_owned()))
    }

    pub(crate) fn send(&mut self, load: Load) -> Result<Sent> {
        self.ask(&Order::Send(load))
    }

    fn ask<T: DeserializeOwned>(&mut self, order: &Order) -> Result<T> {
        writeln!(self.orders, "{}", serde_json::to_string(order)?)?;
        let mut line = String::new();
        self.answers.read_line(&mut line)?;
        Ok(serde_json::from_str(&line).map_err(|_| "the process that sends has failed")?)
    }
}

impl Drop for Senders {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Who they are; the same in every process.
pub(crate) fn passports() -> impl Iterator<Item = Passport> {
    (1..=SENDERS as u8).map(|seed| Passport::from_seed([seed; 32]))
}

/// The process that sends: obeys orders until there are no more.
pub(crate) fn serve() -> Result {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build()?;
    let senders: Vec<Passport> = passports().collect();
    let mut signed = Vec::new();
    for line in std::io::stdin().lines() {
        let answer = match serde_json::from_str(&line?)? {
            Order::Sign(each) => {
                signed = senders.iter().map(|sender| sign(sender, each)).collect();
                Value::Null
            }
            Order::Connect(to) => {
                for sender in &senders {
                    runtime.block_on(connect(sender, &to))?;
                }
                Value::Null
            }
            Order::Send(load) => serde_json::to_value(runtime.block_on(send(&load, &signed))?)?,
        };
        println!("{answer}");
    }
    Ok(())
}

/// A message as 1.1.1 sends it, with its id.
pub(crate) struct Signed {
    id: String,
    pub(crate) body: Vec<u8>,
}

pub(crate) fn sign(sender: &Passport, each: usize) -> Vec<Signed> {
    let env = Env::system();
    let from = sender.agent_id();
    let one = || {
        let (id, timestamp) = (env.id("msg-", 6), env.now().to_wire());
        let content = "The price of SOL is 142.17. ".repeat(10)[..CONTENT_BYTES].to_owned();
        let signature = sender.sign(&canonical::message(&from, &id, &timestamp, &content));
        let body = json!({
            "message_id": id,
            "content": content,
            "hops_remaining": 10,
            "metadata": {},
            "from_agent_id": from,
            "from_public_key_hex": from,
            "timestamp": timestamp,
            "signature_hex": signature,
        });
        Signed { id, body: body.to_string().into_bytes() }
    };
    std::iter::repeat_with(one).take(each).collect()
}

async fn connect(sender: &Passport, to: &str) -> Result {
    let from = sender.agent_id();
    let body = json!({
        "from_agent_id": from,
        // Nobody listens there: the senders only send.
        "from_agent_url": "http://127.0.0.1:9",
        "from_agent_bio": "",
        "from_agent_public_key_hex": from,
        "from_agent_display_name": "sender",
        "wallets": {},
        "capabilities": {},
    });
    let request = request(to, "/__darkmatter__/connection_request", body.to_string().as_bytes());
    let mut wire = Wire::open(to).await?;
    let answer: Value = serde_json::from_slice(wire.exchange(&request).await?)?;
    if answer["auto_accepted"] == true { Ok(()) } else { Err(format!("not connected: {answer}").into()) }
}

async fn send(load: &Load, signed: &[Vec<Signed>]) -> Result<Sent> {
    let all =
        signed.iter().take(load.senders).map(|signed| signed.iter().take(load.each).collect::<Vec<_>>());
    let signed: Vec<_> = all.collect();
    let requests = |from: &[&Signed]| -> Vec<Vec<u8>> {
        from.iter().map(|signed| request(&load.to, "/__darkmatter__/message", &signed.body)).collect()
    };
    let requests: Vec<_> = signed.iter().map(|signed| requests(signed)).collect();
    let mut wires = Vec::new();
    for _ in &requests {
        wires.push(Wire::open(&load.to).await?);
    }
    let mut drain = Wire::open(&load.to).await?;
    let burst = load.drain.as_ref().map_or(load.each, |(_, burst)| *burst).max(1);
    let (mut waits, mut seconds, mut worked) = (Vec::new(), 0.0, Duration::ZERO);
    for start in (0..load.each).step_by(burst) {
        let end = load.each.min(start + burst);
        let (began, worked_before) = (Instant::now(), processor_time());
        let sending =
            wires.iter_mut().zip(&requests).map(|(wire, requests)| send_some(wire, &requests[start..end]));
        for waited in futures_util::future::join_all(sending).await {
            waits.extend(waited?);
        }
        seconds += began.elapsed().as_secs_f64();
        worked += processor_time() - worked_before;
        if let Some((path, _)) = &load.drain {
            let ids: Vec<&str> =
                signed.iter().flat_map(|signed| &signed[start..end]).map(|signed| &signed.id[..]).collect();
            let body = json!({"message_ids": ids}).to_string();
            drain.exchange(&request(&load.to, path, body.as_bytes())).await?;
        }
    }
    Ok(Sent {
        messages: waits.len(),
        seconds,
        median_micros: crate::figures::median(waits),
        processor_seconds: worked.as_secs_f64(),
    })
}

async fn send_some(wire: &mut Wire, requests: &[Vec<u8>]) -> Result<Vec<f64>> {
    let mut waits = Vec::with_capacity(requests.len());
    for request in requests {
        let began = Instant::now();
        wire.exchange(request).await?;
        waits.push(began.elapsed().as_secs_f64() * 1e6);
    }
    Ok(waits)
}

/// The bytes of a request.
pub(crate) fn request(to: &str, path: &str, body: &[u8]) -> Vec<u8> {
    let head = format!(
        "POST {path} HTTP/1.1\r\nhost: {to}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    [head.as_bytes(), body].concat()
}

/// A connection that speaks as little HTTP as is needed: one request, one answer of a known length.
pub(crate) struct Wire {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Wire {
    pub(crate) async fn open(to: &str) -> Result<Self> {
        let stream = TcpStream::connect(to).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, buffer: Vec::with_capacity(64 * 1024) })
    }

    /// The body of the answer. Fails on any status but 200, so that a figure is never one of refusals.
    pub(crate) async fn exchange(&mut self, request: &[u8]) -> Result<&[u8]> {
        self.stream.write_all(request).await?;
        self.buffer.clear();
        loop {
            if self.stream.read_buf(&mut self.buffer).await? == 0 {
                return Err("the node hung up".into());
            }
            let Some(head) = self.buffer.windows(4).position(|four| four == b"\r\n\r\n") else { continue };
            let (head, length) = (head + 4, content_length(&self.buffer[..head])?);
            if self.buffer.len() < head + length {
                continue;
            }
            if !self.buffer.starts_with(b"HTTP/1.1 200") {
                return Err(String::from_utf8_lossy(&self.buffer).into_owned().into());
            }
            return Ok(&self.buffer[head..head + length]);
        }
    }
}

fn content_length(head: &[u8]) -> Result<usize> {
    let lines = std::str::from_utf8(head)?.lines().filter_map(|line| line.split_once(':'));
    let length =
        lines.filter(|(name, _)| name.eq_ignore_ascii_case("content-length")).map(|(_, value)| value).next();
    Ok(length.ok_or("an answer without content-length")?.trim().parse()?)
}
