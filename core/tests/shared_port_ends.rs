//! What becomes of a shared port when one of its nodes ends, breaks, or goes elsewhere.

#![expect(clippy::unwrap_used, reason = "what does not fit fails the test")]

mod support;

use std::{net::SocketAddr, sync::Arc};

use async_trait::async_trait;
use dmagent::{
    AgentId, ConnectArgs, Node, NodeConfig, Parts, SendArgs,
    error::{Code, Error, Result},
    identity::Passport,
    messaging::{Filter, MessageKind, compose::Form},
    node::host::{MessageQuestion, MessageVerdict, Policy},
    peers::AutoAccept,
    store::{FaultyStore, MemoryStore},
};
use serde_json::{Map, Value, json};

use self::support::{actor::Actor, http::Client};

fn sharing(port: u16) -> NodeConfig {
    let mut config = support::unlimited();
    (config.shared_port, config.port, config.auto_accept) = (true, port, AutoAccept::Loopback);
    config
}

fn parts(seed: u8) -> Parts {
    Parts { passport: Some(Passport::from_seed([seed; 32])), ..Parts::default() }
}

fn address(node: &Node) -> SocketAddr {
    let url = node.info().url;
    url.strip_prefix("http://").unwrap().split_once("/agents/").unwrap().0.parse().unwrap()
}

async fn post(to: &Node, message: &Map<String, Value>) -> u16 {
    let path = format!("/agents/{}/__darkmatter__/message", to.agent_id());
    Client::new(address(to)).post(&path, serde_json::to_vec(message).unwrap()).await.status
}

async fn who_answers(at: SocketAddr) -> AgentId {
    let status = Client::new(at).get("/__darkmatter__/status").await.json();
    status["agent_id"].as_str().unwrap().parse().unwrap()
}

/// A node of its own thread and runtime, as the blocking twin and other languages have them.
struct Apart {
    node: Node,
    runtime: tokio::runtime::Runtime,
}

impl Apart {
    fn open(port: u16, seed: u8) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
        let runtime = runtime.unwrap();
        let node = runtime.block_on(Node::open_with(sharing(port), parts(seed))).unwrap();
        Self { node, runtime }
    }
}

#[test]
fn a_runtime_that_ends_takes_no_neighbour_along() {
    let first = Apart::open(0, 1);
    let at = address(&first.node);
    let (second, third) = (Apart::open(at.port(), 2), Apart::open(at.port(), 3));
    let (of_second, of_third) = (second.node.agent_id(), third.node.agent_id());
    // The connections of all are served by the first; what the second does for them is its own.
    third.runtime.block_on(async {
        third.node.peers().connect(ConnectArgs::new(second.node.info().url)).await.unwrap();
        third.node.send(of_second, "before").await.unwrap();
    });
    // Not closed: its runtime is torn away.
    first.runtime.shutdown_background();
    third.runtime.block_on(async {
        third.node.send(of_second, "after").await.unwrap();
        drop(first.node);
        assert_eq!(who_answers(at).await, of_second);
    });
    second.runtime.block_on(async {
        // What was under way when the connection broke comes again.
        for expected in ["before", "after"] {
            let filter = Filter { kinds: vec![MessageKind::Peer], ..Filter::default() };
            let inbox = second.node.inbox().filtered(filter);
            let message = inbox.next_within(support::http::PATIENCE).await.unwrap().unwrap();
            assert_eq!(message.content, expected);
            inbox.acknowledge(&message).await.unwrap();
        }
        second.node.close().await.unwrap();
    });
    drop(second);
    third.runtime.block_on(async {
        assert_eq!(who_answers(at).await, of_third);
        third.node.close().await.unwrap();
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn many_come_at_once_and_the_last_one_frees_the_port() {
    let first = Node::open_with(sharing(0), parts(1)).await.unwrap();
    let at = address(&first);
    let coming = (2..12).map(|seed| Node::open_with(sharing(at.port()), parts(seed)));
    let mut nodes: Vec<Node> =
        futures_util::future::join_all(coming).await.into_iter().collect::<Result<_>>().unwrap();
    nodes.push(first);
    let mut client = Client::new(at);
    assert_eq!(client.get("/__darkmatter__/local_agents").await.json()["count"], 11);
    let closing = nodes.iter().map(Node::close);
    futures_util::future::join_all(closing).await.into_iter().collect::<Result<Vec<()>>>().unwrap();
    // The handles are still held.
    let alone = tokio::net::TcpListener::bind(at).await;
    assert!(alone.is_ok(), "{alone:?}");
    drop(nodes);
}

#[tokio::test(flavor = "multi_thread")]
async fn dropping_the_last_handle_leaves_the_neighbours() {
    let a = Node::open_with(sharing(0), parts(1)).await.unwrap();
    let at = address(&a);
    let b = Node::open_with(sharing(at.port()), parts(2)).await.unwrap();
    drop(a);
    assert_eq!(who_answers(at).await, b.agent_id());
    b.close().await.unwrap();
}

struct Panics;

#[async_trait]
impl Policy for Panics {
    async fn admit_message(&self, _: MessageQuestion) -> Result<MessageVerdict> {
        panic!("a policy that breaks");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_policy_or_a_disk_that_breaks_is_one_agents_trouble() {
    let a = Node::open_with(sharing(0), parts(1)).await.unwrap();
    let port = address(&a).port();
    let panics = Parts { policy: Some(Arc::new(Panics)), ..parts(2) };
    let panics = Node::open_with(sharing(port), panics).await.unwrap();
    let disk = Arc::new(FaultyStore::new(Arc::new(MemoryStore::new())));
    let broken = Parts { store: Some(Arc::clone(&disk) as _), ..parts(3) };
    let broken = Node::open_with(sharing(port), broken).await.unwrap();
    for nth in 1..1000 {
        disk.fail_commit(nth, Error::new(Code::StoreFull, "no room"));
    }
    let actor = Actor::new(9);
    let say = |to: &Node| actor.message(&to.agent_id(), Form::Sealed, "hello");
    for _ in 0..3 {
        assert!(post(&panics, &say(&panics)).await >= 400);
        assert!(post(&broken, &say(&broken)).await >= 500);
        assert_eq!(post(&a, &say(&a)).await, 200);
    }
    for node in [panics, a] {
        node.close().await.unwrap();
    }
    let _ = broken.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn each_keeps_its_own_folder_and_its_peers_find_it_when_it_no_longer_shares() {
    let folders: Vec<_> = (0..3).map(|_| tempfile::tempdir().unwrap()).collect();
    let config = |folder: usize, port, shared_port| {
        let mut config = sharing(port);
        (config.ephemeral, config.shared_port) = (false, shared_port);
        config.durability = dmagent::store::Durability::Grouped;
        config.project_dir = Some(folders[folder].path().to_owned());
        config
    };
    let a = Node::open(config(0, 0, true)).await.unwrap();
    let port = address(&a).port();
    let b = Node::open(config(1, port, true)).await.unwrap();
    assert_ne!(a.info().data_dir, b.info().data_dir);
    let peer = Node::open(config(2, 0, false)).await.unwrap();
    peer.peers().connect(ConnectArgs::new(b.info().url)).await.unwrap();
    let (id, url) = (b.agent_id(), b.info().url);
    a.close().await.unwrap();
    b.close().await.unwrap();

    let b = Node::open(config(1, port, false)).await.unwrap();
    assert_eq!((b.agent_id(), b.info().url), (id, format!("http://127.0.0.1:{port}")));
    let receipt = peer.messages().send(SendArgs::new(id, "still there?")).await.unwrap();
    assert_eq!(receipt.state, dmagent::DeliveryState::Accepted, "{receipt:?}");
    let answer = Client::new(format!("127.0.0.1:{port}").parse().unwrap())
        .get(&format!("{}/__darkmatter__/status", url.split_once(&port.to_string()).unwrap().1))
        .await;
    assert_eq!(answer.json()["agent_id"], json!(id));
    for node in [b, peer] {
        node.close().await.unwrap();
    }
}
