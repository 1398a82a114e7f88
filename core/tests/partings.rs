//! How connections end, and that what is said about an old one does not end a newer one.

#![expect(clippy::unwrap_used, reason = "what does not fit fails the test")]

mod support;

use std::time::Duration;

use dmagent::{
    AgentId, ConnectArgs, DeliveryState, Node, NodeConfig,
    api::{AgentArgs, DisconnectArgs, NoArgs, RequestArgs},
    env::SystemRandom,
    error::Code,
    messaging::{
        Filter, MessageKind,
        compose::{self, Draft, Form},
    },
    peers::{AutoAccept, PeerState},
};
use serde_json::{Value, json};

use self::support::{
    actor::{Actor, Object, object},
    http::{Client, Reply},
};

const PATIENCE: Duration = Duration::from_secs(20);
const PEER: &str = "http://127.0.0.1:9";

/// A node that accepts what comes from its machine, and a peer that is only a key.
struct Scene {
    node: Node,
    peer: Actor,
    client: Client,
}

impl Scene {
    async fn open() -> Self {
        let mut config = support::unlimited();
        config.auto_accept = AutoAccept::Loopback;
        let node = support::open(config, Actor::new(1).passport).await;
        let client = Client::new(support::address(&node));
        let mut scene = Self { node, peer: Actor::new(2), client };
        assert_eq!(scene.ask().await["auto_accepted"], true);
        scene
    }

    async fn post(&mut self, endpoint: &str, object: &Object) -> Reply {
        self.client.post(&format!("/__darkmatter__/{endpoint}"), serde_json::to_vec(object).unwrap()).await
    }

    async fn ask(&mut self) -> Value {
        let request = self.peer.request(&self.node.agent_id(), PEER, true);
        self.post("connection_request", &request).await.json()
    }

    /// A signed notice of now.
    fn notice(&self, more: Value) -> Object {
        let mut metadata = object(json!({"type": "trust_disconnect_notice", "peer_id": self.peer.id()}));
        metadata.extend(object(more));
        let id = self.peer.fresh("disconnect-");
        let draft = Draft::for_reader_only(&id, "It is over.", &metadata);
        let (to, now) = (self.node.agent_id(), self.peer.now());
        compose::message(draft, &to, Form::V2, &self.peer.passport, now, &SystemRandom).unwrap()
    }

    async fn state(&self) -> Option<PeerState> {
        self.node.peers().list(NoArgs {}).await.unwrap().first().map(|peer| peer.state)
    }

    async fn until_gone(&self) {
        let gone = async {
            while self.state().await.is_some() {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(PATIENCE, gone).await.expect("the connection ends");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_notice_from_before_the_connection_was_made_or_confirmed_ends_nothing() {
    let mut scene = Scene::open().await;
    let late = scene.notice(json!({}));
    // The peer asks while it is still connected here.
    assert_eq!(scene.ask().await["message"], "Already connected.");
    assert_eq!(scene.post("message", &late).await.status, 409);

    // It asks after its notice was heard; another one is still on its way.
    let (late, current) = (scene.notice(json!({})), scene.notice(json!({})));
    assert_eq!(scene.post("message", &current).await.status, 200);
    scene.until_gone().await;
    assert_eq!(scene.ask().await["auto_accepted"], true);
    assert_eq!(scene.post("message", &late).await.status, 409);
    assert_eq!(scene.state().await, Some(PeerState::Connected));

    let real = scene.notice(json!({}));
    assert_eq!(scene.post("message", &real).await.status, 200);
    scene.until_gone().await;
    scene.node.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_notice_from_before_the_request_that_a_host_accepted_ends_nothing() {
    let scene = Scene::open().await;
    scene.node.close().await.unwrap();
    let node = support::open(support::unlimited(), Actor::new(1).passport).await;
    let client = Client::new(support::address(&node));
    let mut scene = Scene { node, client, ..scene };
    let late = scene.notice(json!({}));
    let request_id = scene.ask().await["request_id"].as_str().unwrap().to_owned();
    scene.node.peers().accept(RequestArgs { request_id }).await.unwrap();
    assert_eq!(scene.post("message", &late).await.status, 409);
    assert_eq!(scene.state().await, Some(PeerState::Connected));
    scene.node.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_asks_right_after_its_notice_is_connected_anew() {
    let mut scene = Scene::open().await;
    for _ in 0..60 {
        let notice = scene.notice(json!({}));
        assert_eq!(scene.post("message", &notice).await.status, 200);
        let reply = scene.ask().await;
        assert_eq!(
            (&reply["auto_accepted"], &reply["message"]),
            (&json!(true), &json!("Auto-accepted (local network)."))
        );
        let message = scene.peer.message(&scene.node.agent_id(), Form::V2, "hello");
        assert_eq!(scene.post("message", &message).await.status, 200);
        assert_eq!(scene.state().await, Some(PeerState::Connected));
    }
    let listed = scene.node.call("messages.list", json!({})).await.unwrap();
    let kinds = listed.as_array().unwrap().iter().filter(|message| message["content"] == "hello");
    assert!(kinds.clone().all(|message| message["kind"] == "peer"), "{listed}");
    assert_eq!(kinds.count(), 60);
    scene.node.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rejection_of_what_is_not_asked_any_more_leaves_the_connection() {
    let mut scene = Scene::open().await;
    for named in [json!("req-old"), json!(7)] {
        let notice = scene.notice(json!({"request_id": named}));
        let reply = scene.post("message", &notice).await;
        assert_eq!((reply.status, &reply.json()["code"]), (404, &json!("request_unknown")));
    }
    assert_eq!(scene.state().await, Some(PeerState::Connected));
    assert_eq!(
        scene.node.call("messages.list", json!({})).await.unwrap().as_array().unwrap().len(),
        1,
        "our notice"
    );
    scene.node.close().await.unwrap();
}

fn config(folder: &std::path::Path, auto_accept: AutoAccept) -> NodeConfig {
    let mut config = NodeConfig::new();
    config.project_dir = Some(folder.to_owned());
    config.auto_accept = auto_accept;
    config.limits = support::unlimited().limits;
    config
}

async fn two(auto_accept: AutoAccept) -> ([tempfile::TempDir; 2], Node, Node) {
    let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let alice = Node::open(config(folders[0].path(), auto_accept)).await.unwrap();
    let bob = Node::open(config(folders[1].path(), auto_accept)).await.unwrap();
    (folders, alice, bob)
}

async fn connect(from: &Node, to: &Node) -> (AgentId, PeerState) {
    let peer = from.peers().connect(ConnectArgs::new(to.info().url)).await.unwrap();
    (peer.agent_id, peer.state)
}

async fn until_connected(node: &Node, agent: AgentId) {
    let connected = async {
        while !matches!(node.peers().get(AgentArgs { agent }).await, Ok(peer) if peer.state == PeerState::Connected)
        {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(PATIENCE, connected).await.expect("connected");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_is_ended_and_made_again_holds_on_both_sides() {
    let (_folders, alice, bob) = two(AutoAccept::Loopback).await;
    let (bob_id, _) = connect(&alice, &bob).await;
    let peers = Filter { kinds: vec![MessageKind::Peer, MessageKind::Stranger], ..Filter::default() };
    let inbox = bob.inbox().filtered(peers);
    for _ in 0..40 {
        alice.peers().disconnect(DisconnectArgs { agent: bob_id, reason: None }).await.unwrap();
        assert_eq!(connect(&alice, &bob).await, (bob_id, PeerState::Connected));
        assert_eq!(alice.send(bob_id, "still there?").await.unwrap().state, DeliveryState::Accepted);
        let message = inbox.next_within(PATIENCE).await.unwrap().unwrap();
        assert_eq!(message.kind, MessageKind::Peer);
        inbox.acknowledge(&message).await.unwrap();
    }
    alice.close().await.unwrap();
    bob.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn accepting_what_a_connection_has_settled_meanwhile_returns_the_peer() {
    let (_folders, alice, bob) = two(AutoAccept::None).await;
    let (bob_id, _) = connect(&alice, &bob).await;
    let (alice_id, _) = connect(&bob, &alice).await;
    let request = async |node: &Node| {
        let request_id = node.peers().pending(NoArgs {}).await.unwrap().remove(0).request_id;
        RequestArgs { request_id }
    };
    let (at_alice, at_bob) = (request(&alice).await, request(&bob).await);
    assert_eq!(alice.peers().accept(at_alice).await.unwrap().agent_id, bob_id);
    until_connected(&bob, alice_id).await;
    let peer = bob.peers().accept(at_bob.clone()).await.unwrap();
    assert_eq!((peer.agent_id, peer.state), (alice_id, PeerState::Connected));

    let unknown = RequestArgs { request_id: "req-unknown".into() };
    assert_eq!(bob.peers().accept(unknown).await.unwrap_err().code(), Code::RequestUnknown);
    bob.peers().disconnect(DisconnectArgs { agent: alice_id, reason: None }).await.unwrap();
    assert_eq!(bob.peers().accept(at_bob).await.unwrap_err().code(), Code::RequestUnknown, "it is over");
    alice.close().await.unwrap();
    bob.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_recorded_request_does_not_bring_an_ended_connection_back_s12() {
    let mut scene = Scene::open().await;
    let recorded = scene.peer.request(&scene.node.agent_id(), PEER, true);
    assert_eq!(scene.post("connection_request", &recorded).await.status, 200);
    for by_us in [false, true] {
        if by_us {
            assert_eq!(scene.ask().await["auto_accepted"], true);
            let agent = scene.peer.id();
            scene.node.peers().disconnect(DisconnectArgs { agent, reason: None }).await.unwrap();
        } else {
            let notice = scene.notice(json!({}));
            assert_eq!(scene.post("message", &notice).await.status, 200);
        }
        scene.until_gone().await;
        assert_eq!(scene.post("connection_request", &recorded).await.status, 409);
        assert_eq!(scene.state().await, None);
    }
    assert_eq!(scene.ask().await["auto_accepted"], true, "a new request is a new connection");
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_missed_the_end_hears_that_its_request_waits_and_is_accepted() {
    missed_the_end(false).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_missed_the_end_hears_it_when_its_request_is_rejected() {
    missed_the_end(true).await;
}

async fn missed_the_end(rejects: bool) {
    let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let open = |index: usize, auto_accept| {
        let mut config = NodeConfig::new();
        config.project_dir = Some(folders[index].path().to_owned());
        config.auto_accept = auto_accept;
        Node::open(config)
    };
    let (alice, bob) =
        (open(0, AutoAccept::None).await.unwrap(), open(1, AutoAccept::Loopback).await.unwrap());
    alice.peers().connect(ConnectArgs::new(bob.info().url)).await.unwrap();
    bob.close().await.unwrap();
    alice.peers().disconnect(DisconnectArgs { agent: bob.agent_id(), reason: None }).await.unwrap();

    let bob = open(1, AutoAccept::Loopback).await.unwrap();
    let asked = bob.peers().connect(ConnectArgs::new(alice.info().url)).await.unwrap();
    assert_eq!((asked.agent_id, asked.state), (alice.agent_id(), PeerState::Pending));
    let [request] = &alice.peers().pending(NoArgs {}).await.unwrap()[..] else { panic!("one request waits") };
    if rejects {
        alice.peers().reject(RequestArgs { request_id: request.request_id.clone() }).await.unwrap();
        let over = async {
            while !bob.peers().list(NoArgs {}).await.unwrap().is_empty() {
                tokio::task::yield_now().await;
            }
        };
        return tokio::time::timeout(PATIENCE, over).await.expect("it hears that it is no peer any more");
    }
    alice.peers().accept(RequestArgs { request_id: request.request_id.clone() }).await.unwrap();
    let connected = async {
        while bob.peers().connect(ConnectArgs::new(alice.info().url)).await.unwrap().state
            != PeerState::Connected
        {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, connected).await.expect("the acceptance makes them peers again");
}
