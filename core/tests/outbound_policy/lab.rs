//! Servers that say one thing, names that say what the test wants, and a client with a policy.

use std::{
    io,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use async_trait::async_trait;
use dmagent::{
    env::Tasks,
    error::Code,
    transport::{
        Arrival, Grant, Receiver, Request, Source, Transport as _,
        http::{HttpConfig, HttpTransport, Lookup, TrustedProxies},
    },
    wire::{Answer, NetworkTier},
};
use parking_lot::Mutex;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
};

/// Gives one list of addresses after the other, then the last for ever.
#[derive(Clone)]
pub(crate) struct Dns {
    turns: Vec<Vec<IpAddr>>,
    asked: Arc<AtomicUsize>,
}

impl Dns {
    /// Knows no name.
    pub(crate) fn none() -> Self {
        Self::giving(&[])
    }

    pub(crate) fn giving(turns: &[&[IpAddr]]) -> Self {
        Self { turns: turns.iter().map(|turn| turn.to_vec()).collect(), asked: Arc::default() }
    }

    /// How often somebody looked a name up.
    pub(crate) fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

#[async_trait]
impl Lookup for Dns {
    async fn lookup(&self, _: &str) -> io::Result<Vec<IpAddr>> {
        let turn = self.asked.fetch_add(1, Ordering::SeqCst);
        let last = self.turns.len().checked_sub(1).ok_or_else(|| io::Error::other("no such name"))?;
        Ok(self.turns[turn.min(last)].clone())
    }
}

fn loopback() -> HttpConfig {
    HttpConfig::new((Ipv4Addr::LOCALHOST, 0).into())
}

pub(crate) async fn client(tier: NetworkTier, dns: Dns) -> HttpTransport {
    let mut config = loopback();
    (config.tier, config.lookup) = (tier, Arc::new(dns));
    HttpTransport::bind(config).await.unwrap()
}

/// The status of the answer from `url`, or why there is none.
pub(crate) async fn outcome(client: &HttpTransport, url: &str, grant: Grant) -> Result<u16, Code> {
    let reply = client.send(url, Request::get("/x").grant(grant)).await;
    reply.map(|reply| reply.status).map_err(|error| error.code())
}

/// A server that notes what comes, answers the same to everybody, and hangs up.
pub(crate) struct Scripted {
    pub(crate) port: u16,
    heads: Arc<Mutex<Vec<String>>>,
    count: Arc<AtomicUsize>,
    /// Ends with it.
    _tasks: Tasks,
}

impl Scripted {
    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    pub(crate) fn connections(&self) -> usize {
        self.count.load(Ordering::SeqCst)
    }

    /// The first words of each connection.
    pub(crate) fn heads(&self) -> Vec<String> {
        self.heads.lock().clone()
    }
}

/// Answers at every address of this machine.
pub(crate) async fn answering(answer: &[u8]) -> Scripted {
    let listener = TcpListener::bind((Ipv4Addr::UNSPECIFIED, 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let tasks = Tasks::new();
    let scripted = Scripted { port, heads: Arc::default(), count: Arc::default(), _tasks: tasks.clone() };
    let (heads, count, answer) = (Arc::clone(&scripted.heads), Arc::clone(&scripted.count), answer.to_vec());
    tasks.spawn("scripted server", async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            count.fetch_add(1, Ordering::SeqCst);
            let mut head = Vec::new();
            while !is_whole(&head) {
                match stream.read_buf(&mut head).await {
                    Ok(read) if read > 0 => {}
                    _ => break,
                }
            }
            heads.lock().push(String::from_utf8_lossy(&head).into_owned());
            let _ = stream.write_all(&answer).await;
        }
    });
    scripted
}

/// Whether that is an HTTP request, or the first record of TLS.
fn is_whole(said: &[u8]) -> bool {
    if let [0x16, _, _, high, low, rest @ ..] = said {
        return rest.len() >= usize::from(u16::from_be_bytes([*high, *low]));
    }
    let text = String::from_utf8_lossy(said).to_lowercase();
    let Some((head, body)) = text.split_once("\r\n\r\n") else { return false };
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
    body.len() >= length.map_or(0, |length| length.parse().unwrap())
}

/// Notes the address of each caller.
struct Callers(Arc<Mutex<Vec<IpAddr>>>);

#[async_trait]
impl Receiver for Callers {
    async fn receive(&self, arrival: Arrival) -> Answer {
        if let Source::Socket(SocketAddr::V4(from)) = arrival.source {
            self.0.lock().push((*from.ip()).into());
        }
        Answer::not_found()
    }
}

/// A server of ours, with this machine as a proxy that it trusts or not, and whom it saw.
pub(crate) async fn listening(trusts: bool) -> (HttpTransport, Arc<Mutex<Vec<IpAddr>>>) {
    let mut config = loopback();
    if trusts {
        config.trusted_proxies = TrustedProxies::parse(["127.0.0.1"]).unwrap();
    }
    let (server, seen) = (HttpTransport::bind(config).await.unwrap(), Arc::<Mutex<Vec<_>>>::default());
    server.listen(Arc::new(Callers(Arc::clone(&seen)))).await.unwrap();
    (server, seen)
}
