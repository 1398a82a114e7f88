//! Blocked agents: nothing they do reaches the node, its peers or its disk, until the host changes its mind.

#![expect(clippy::unwrap_used, reason = "what does not fit fails the test")]

mod support;

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use dmagent::{
    ConnectArgs, Node, Parts, SendArgs,
    api::{AgentArgs, AskArgs, BlockArgs, NoArgs, PeersOfArgs},
    error::Code,
    identity::Passport,
    messaging::compose::Form,
    peers::AutoAccept,
    store::{Batch, MemoryDisk, MemoryStore, Range, Row, Store, StoreFuture, Table},
};
use serde_json::{Value, json};

use self::support::{
    actor::{Actor, Object},
    http::{Client, Reply},
};

const PEER: &str = "http://127.0.0.1:9";

/// A store that counts what it is told to write.
struct Counting {
    store: MemoryStore,
    commits: Arc<AtomicUsize>,
}

impl Store for Counting {
    fn read(&self, table: Table, key: &str) -> StoreFuture<Option<String>> {
        self.store.read(table, key)
    }

    fn scan(&self, table: Table, range: Range) -> StoreFuture<Vec<Row>> {
        self.store.scan(table, range)
    }

    fn commit(&self, batch: Batch) -> StoreFuture<()> {
        self.commits.fetch_add(1, Ordering::SeqCst);
        self.store.commit(batch)
    }

    fn close(&self) -> StoreFuture<()> {
        self.store.close()
    }
}

/// A node that accepts what comes from its machine, and a peer that is only a key.
struct Scene {
    disk: MemoryDisk,
    commits: Arc<AtomicUsize>,
    node: Node,
    peer: Actor,
    client: Client,
}

impl Scene {
    async fn open() -> Self {
        Self::on(MemoryDisk::new()).await
    }

    async fn on(disk: MemoryDisk) -> Self {
        let commits = Arc::<AtomicUsize>::default();
        let store = Counting { store: MemoryStore::open(&disk), commits: Arc::clone(&commits) };
        let mut config = support::unlimited();
        config.auto_accept = AutoAccept::Loopback;
        let passport = Some(Actor::new(1).passport);
        let parts = Parts { passport, store: Some(Arc::new(store)), ..Parts::default() };
        let node = Node::open_with(config, parts).await.unwrap();
        let client = Client::new(support::address(&node));
        Self { disk, commits, node, peer: Actor::new(2), client }
    }

    async fn post(&mut self, endpoint: &str, object: &Object) -> Reply {
        self.client.post(&format!("/__darkmatter__/{endpoint}"), serde_json::to_vec(object).unwrap()).await
    }

    async fn befriend(&mut self) {
        let request = self.peer.request(&self.node.agent_id(), PEER, true);
        assert_eq!(self.post("connection_request", &request).await.json()["auto_accepted"], true);
        // The last thing that the node does about it by itself is to tell its host.
        while self.look("messages.list").await == json!([]) {
            tokio::task::yield_now().await;
        }
    }

    async fn block(&self, reason: Option<&str>) {
        let args = BlockArgs { agent: self.peer.id(), reason: reason.map(str::to_owned) };
        let blocked = self.node.peers().block(args).await.unwrap();
        assert_eq!((blocked.agent_id, blocked.reason.as_deref()), (self.peer.id(), reason));
    }

    async fn unblock(&self) {
        self.node.peers().unblock(AgentArgs { agent: self.peer.id() }).await.unwrap();
    }

    /// Everything that the peer can say, by the endpoint that takes it.
    fn everything(&self) -> Vec<(&'static str, Object)> {
        let (us, peer) = (self.node.agent_id(), &self.peer);
        let ping = support::actor::object(json!({"agent_id": peer.id()}));
        let mut said = vec![
            ("connection_request", peer.request(&us, PEER, true)),
            ("connection_request", peer.plain_request(PEER)),
            ("connection_accepted", peer.acceptance(&us, PEER)),
            ("connection_proof", peer.proof("c-1", &"00".repeat(32))),
            ("peer_update", peer.update(&us, PEER)),
            ("peer_update", peer.plain_update(PEER)),
            ("ping", ping),
            ("status_broadcast", peer.broadcast(&us, Form::V2, "hello")),
        ];
        for form in [Form::V1, Form::V2, Form::Sealed] {
            said.push(("message", peer.message(&us, form, "hello")));
            // Somebody else carries it.
            said.push(("mesh_route", Actor::stranger().envelope(&us, peer.message(&us, form, "hello"))));
        }
        for target in [us, Actor::new(9).id()] {
            let mut envelope = peer.envelope(&target, peer.message(&target, Form::V2, "hello"));
            envelope.insert("source_agent_id".into(), json!(peer.id()));
            said.push(("mesh_route", envelope));
        }
        said
    }

    async fn look(&self, verb: &str) -> Value {
        self.node.call(verb, json!({})).await.unwrap()
    }
}

/// The code of a refusal; that of the frame inside for an envelope.
fn code(reply: &Reply) -> String {
    let said = reply.json();
    let inside = said["delivery"]["code"].as_str().or(said["code"].as_str());
    inside.unwrap_or("none").to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_a_blocked_agent_sends_is_refused_and_costs_no_disk() {
    let mut scene = Scene::open().await;
    scene.befriend().await;
    scene.block(Some("spam")).await;
    assert_eq!(scene.look("peers.list").await, json!([]));
    let listed = scene.look("messages.list").await;
    let before = scene.commits.load(Ordering::SeqCst);
    for _ in 0..20 {
        for (endpoint, object) in scene.everything() {
            let reply = scene.post(endpoint, &object).await;
            // Both are for peers alone, and are refused as anybody's who is none.
            let is_for_peers = ["peer_update", "status_broadcast"].contains(&endpoint);
            let expected = if is_for_peers { "peer_not_connected" } else { "peer_blocked" };
            assert_eq!(code(&reply), expected, "{endpoint}: {}", reply.text());
        }
    }
    assert_eq!(scene.commits.load(Ordering::SeqCst), before, "nothing was written");
    assert_eq!(scene.look("messages.list").await, listed);
    for verb in ["peers.list", "peers.pending"] {
        assert_eq!(scene.look(verb).await, json!([]), "{verb}");
    }
    let path = format!("/__darkmatter__/peer_lookup/{}", scene.peer.id());
    assert_eq!(scene.client.get(&path).await.status, 404, "nobody finds it here");
    // The sign that the refusals are of the block: unblocked, the same things are taken.
    scene.unblock().await;
    scene.befriend().await;
    let message = scene.peer.message(&scene.node.agent_id(), Form::V2, "hello");
    assert!(scene.post("message", &message).await.is_ok());
    assert!(scene.commits.load(Ordering::SeqCst) > before);
    scene.node.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forged_frame_of_a_blocked_agent_is_refused_for_its_signature() {
    let mut scene = Scene::open().await;
    scene.block(None).await;
    let mut forged = scene.peer.message(&scene.node.agent_id(), Form::V2, "hello");
    forged.insert("content".into(), json!("other"));
    assert_eq!(code(&scene.post("message", &forged).await), "signature_invalid", "strangers learn nothing");
    scene.node.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_block_is_on_disk_and_so_is_its_end() {
    let scene = Scene::open().await;
    scene.block(Some("spam")).await;
    let disk = scene.disk.clone();
    scene.node.close().await.unwrap();
    let mut again = Scene::on(disk).await;
    let [blocked] = &again.node.peers().blocked(NoArgs {}).await.unwrap()[..] else {
        panic!("one is blocked")
    };
    assert_eq!(blocked.reason.as_deref(), Some("spam"));
    let request = again.peer.request(&again.node.agent_id(), PEER, true);
    assert_eq!(code(&again.post("connection_request", &request).await), "peer_blocked");
    again.unblock().await;
    let disk = again.disk.clone();
    again.node.close().await.unwrap();
    let mut free = Scene::on(disk).await;
    assert_eq!(free.look("peers.blocked").await, json!([]));
    free.befriend().await;
    free.node.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_for_a_blocked_agent_fails_and_its_request_is_gone() {
    let mut scene = Scene::open().await;
    scene.befriend().await;
    let mut events = scene.node.events();
    let sent = SendArgs { timeout_secs: 0.0, ..SendArgs::new(scene.peer.id(), "hello") };
    let receipt = scene.node.messages().send(sent).await.unwrap();
    scene.block(None).await;
    assert_eq!(scene.look("messages.outbox").await, json!([]));
    let mut seen = Vec::new();
    while seen.len() < 2 {
        let event = tokio::time::timeout(Duration::from_secs(20), events.next()).await.unwrap().unwrap();
        let event = serde_json::to_value(event).unwrap();
        match event["type"].as_str() {
            Some("message_failed") => {
                assert_eq!(event["message_id"], json!(receipt.message_id));
                assert_eq!(event["reason"]["code"], json!("peer_blocked"));
                seen.push("failed");
            }
            Some("peer_disconnected") => {
                assert_eq!(event["agent_id"], json!(scene.peer.id()));
                seen.push("ended");
            }
            _ => {}
        }
    }
    scene.node.close().await.unwrap();

    let mut config = support::unlimited();
    config.auto_accept = AutoAccept::None;
    let node = support::open(config, Actor::new(1).passport).await;
    let (peer, mut client) = (Actor::new(2), Client::new(support::address(&node)));
    let request = peer.request(&node.agent_id(), PEER, true);
    client.post("/__darkmatter__/connection_request", serde_json::to_vec(&request).unwrap()).await;
    let [waiting] = &node.peers().pending(NoArgs {}).await.unwrap()[..] else { panic!("it waits") };
    node.peers().block(BlockArgs { agent: peer.id(), reason: None }).await.unwrap();
    assert_eq!(node.call("peers.pending", json!({})).await.unwrap(), json!([]));
    let accepted = node.call("peers.accept", json!({"request_id": waiting.request_id})).await;
    assert_eq!(accepted.unwrap_err().code(), Code::RequestUnknown);
    node.close().await.unwrap();
}

async fn friendly(passport: Passport) -> Node {
    let mut config = support::unlimited();
    config.auto_accept = AutoAccept::Loopback;
    support::open(config, passport).await
}

#[tokio::test(flavor = "multi_thread")]
async fn two_nodes_part_when_one_blocks_the_other() {
    let (alice, bob) = (friendly(Actor::new(1).passport).await, friendly(Actor::new(2).passport).await);
    let carol = friendly(Actor::new(3).passport).await;
    alice.peers().connect(ConnectArgs::new(bob.info().url)).await.unwrap();
    carol.peers().connect(ConnectArgs::new(bob.info().url)).await.unwrap();
    alice.peers().connect(ConnectArgs::new(carol.info().url)).await.unwrap();
    let mut events = bob.events();
    let agent = bob.agent_id();
    alice.peers().block(BlockArgs { agent, reason: Some("a secret".into()) }).await.unwrap();
    let ended = async {
        loop {
            let event = serde_json::to_value(events.next().await.unwrap()).unwrap();
            if event["type"] == "peer_disconnected" {
                break event["reason"].as_str().unwrap().to_owned();
            }
        }
    };
    let reason = tokio::time::timeout(Duration::from_secs(20), ended).await.unwrap();
    assert!(!reason.contains("secret") && !reason.contains("block"), "{reason}");

    // Towards the blocked: each way in is closed with the same code.
    let code = |error: dmagent::error::Error| error.code();
    let send = alice.messages().send(SendArgs::new(agent, "hello")).await.map_err(code);
    assert_eq!(send.unwrap_err(), Code::PeerBlocked);
    let ask = alice.messages().ask(AskArgs::new(agent, "hello")).await.map_err(code);
    assert_eq!(ask.unwrap_err(), Code::PeerBlocked);
    let connect = alice.peers().connect(ConnectArgs::new(bob.info().url)).await.map_err(code);
    assert_eq!(connect.unwrap_err(), Code::PeerBlocked);
    let me = alice.peers().block(BlockArgs { agent: alice.agent_id(), reason: None }).await.map_err(code);
    assert_eq!(me.unwrap_err(), Code::InvalidArgument);
    // Nor does a peer introduce it.
    let known = alice.peers().of(PeersOfArgs { agent: carol.agent_id(), n: 10 }).await.unwrap();
    assert!(known.iter().all(|hint| hint.agent_id != agent), "{known:?}");
    // From the blocked.
    let refused = bob.peers().connect(ConnectArgs::new(alice.info().url)).await.unwrap_err();
    assert_eq!(refused.code(), Code::PeerRefused);
    assert!(bob.peers().list(NoArgs {}).await.unwrap().iter().all(|peer| peer.agent_id != alice.agent_id()));

    alice.peers().unblock(AgentArgs { agent }).await.unwrap();
    bob.peers().connect(ConnectArgs::new(alice.info().url)).await.unwrap();
    alice.messages().send(SendArgs::new(agent, "hello")).await.unwrap();
    for node in [alice, bob, carol] {
        node.close().await.unwrap();
    }
}
