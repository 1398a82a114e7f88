//! The shared listener, below the nodes.

use std::{net::Ipv4Addr, sync::atomic::AtomicUsize, time::Duration};

use async_trait::async_trait;
use serde_json::json;
use tokio::sync::Semaphore;

use super::super::HttpTransport;
use super::*;
use crate::{
    transport::{Arrival, Grant, Receiver, Request, Transport as _},
    wire::{Answer, place},
};

/// Answers `/…/gate` once it is opened, and everything else at once.
struct Agent {
    name: u8,
    begun: Semaphore,
    gate: Semaphore,
    finished: AtomicUsize,
}

#[async_trait]
impl Receiver for Agent {
    async fn receive(&self, arrival: Arrival) -> Answer {
        if arrival.path.ends_with("/gate") {
            self.begun.add_permits(1);
            drop(self.gate.acquire().await);
            self.finished.fetch_add(1, Ordering::SeqCst);
        }
        Answer::ok(
            json!({"name": self.name, "neighbours": arrival.roster.map(|roster| roster.all().count())}),
        )
    }
}

fn id(name: u8) -> AgentId {
    AgentId::from_bytes([name; 32])
}

fn config(port: u16, name: u8) -> HttpConfig {
    let mut config = HttpConfig::new((Ipv4Addr::LOCALHOST, port).into());
    config.share_as = Some(id(name));
    config.connections = 8;
    config
}

async fn listening(port: u16, name: u8) -> (HttpTransport, Arc<Agent>) {
    let transport = HttpTransport::bind(config(port, name)).await.unwrap();
    let agent =
        Agent { name, begun: Semaphore::new(0), gate: Semaphore::new(0), finished: AtomicUsize::new(0) };
    let agent = Arc::new(agent);
    transport.listen(Arc::clone(&agent) as _).await.unwrap();
    (transport, agent)
}

fn get(name: u8, path: &str) -> Request {
    let patience = Duration::from_secs(60);
    Request::get(format!("{}{path}", place::path(&id(name)))).grant(Grant::User).timeout(patience)
}

/// A client of its own for each request, so that none has to wait for another.
async fn ask(at: SocketAddr, request: Request) -> (u16, serde_json::Value) {
    let client = HttpTransport::bind(HttpConfig::new((Ipv4Addr::LOCALHOST, 0).into())).await.unwrap();
    let reply = client.send(&format!("http://{at}"), request).await.unwrap();
    (reply.status, serde_json::from_slice(&reply.body).unwrap())
}

#[tokio::test]
async fn an_agent_that_is_slow_leaves_its_neighbours_their_share() {
    let (a, slow) = listening(0, 1).await;
    let at = a.local_addr();
    let (b, _) = listening(at.port(), 2).await;
    let waiting: Vec<_> = (0..4).map(|_| Box::pin(ask(at, get(1, "/gate")))).collect();
    let mut waiting = futures_util::future::join_all(waiting);
    tokio::select! {
        _ = slow.begun.acquire_many(4) => {}
        _ = &mut waiting => panic!("nobody has opened the gate"),
    }
    let told = async {
        let (status, refusal) = ask(at, get(1, "/gate")).await;
        assert_eq!((status, &refusal["code"]), (429, &json!("rate_limited")));
        assert_eq!(ask(at, get(2, "/x")).await, (200, json!({"name": 2, "neighbours": 2})));
        slow.gate.add_permits(4);
    };
    let (answers, ()) = tokio::join!(waiting, told);
    assert!(answers.iter().all(|(status, _)| *status == 200), "{answers:?}");
    b.close().await;
    // Alone with the port, it has all of it.
    assert_eq!(ask(at, get(1, "/x")).await, (200, json!({"name": 1, "neighbours": 1})));
    a.close().await;
}

#[tokio::test]
async fn what_is_under_way_at_one_that_leaves_is_finished() {
    let (a, slow) = listening(0, 1).await;
    let at = a.local_addr();
    let (b, _) = listening(at.port(), 2).await;
    let (answer, ()) = tokio::join!(ask(at, get(1, "/gate")), async {
        drop(slow.begun.acquire().await);
        let closing = a.close();
        tokio::pin!(closing);
        assert!(futures_util::poll!(&mut closing).is_pending(), "somebody waits for an answer");
        assert_eq!(ask(at, get(1, "/x")).await.0, 503, "nothing new is taken");
        assert_eq!(ask(at, get(2, "/x")).await.0, 200);
        slow.gate.add_permits(1);
        closing.await;
    });
    assert_eq!((answer.0, slow.finished.load(Ordering::SeqCst)), (200, 1));
    b.close().await;
    let again = std::net::TcpListener::bind(at);
    assert!(again.is_ok(), "{again:?}");
}

#[tokio::test]
async fn a_seat_that_is_not_used_leaves_nothing_behind() {
    let unused = HttpTransport::bind(config(0, 1)).await.unwrap();
    let at = unused.local_addr();
    let (b, _) = listening(at.port(), 2).await;
    let same = HttpTransport::bind(config(at.port(), 2)).await.err().unwrap();
    assert_eq!(same.code(), Code::BindFailed);
    let other = HttpConfig { head_timeout: Duration::from_secs(1), ..config(at.port(), 3) };
    assert_eq!(HttpTransport::bind(other).await.err().unwrap().code(), Code::ConfigInvalid);
    assert_eq!(ask(at, get(1, "/x")).await.0, 503);
    drop(unused);
    assert_eq!(ask(at, get(2, "/x")).await, (200, json!({"name": 2, "neighbours": 1})));
    b.close().await;
    let entries = houses().unwrap();
    let mut there = entries.iter().filter(|entry| entry.house.upgrade().is_some_and(|it| it.address == at));
    assert!(there.all(|entry| entry.seated.is_empty()));
}
