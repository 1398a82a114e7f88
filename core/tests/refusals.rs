//! What refusals mean: a peer's to us, and ours to strangers.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use dmagent::{
    ConnectArgs, DeliveryState, Node, NodeConfig,
    api::NoArgs,
    identity::Passport,
    node::Parts,
    transport::{
        Arrival, Grant, Method, Receiver, Request, Transport as _,
        memory::{MemoryNetwork, MemoryTransport},
    },
    wire::Answer,
};
use serde_json::json;

/// More rounds than any run needs.
const ROUNDS: usize = 100_000;

/// A node that answers as 1.1.1 does, and messages as it is told.
struct Original {
    passport: Passport,
    answers: Mutex<VecDeque<u16>>,
}

#[async_trait]
impl Receiver for Original {
    async fn receive(&self, arrival: Arrival) -> Answer {
        let id = self.passport.agent_id();
        match arrival.path.rsplit('/').next() {
            Some("darkmatter.json") => Answer::ok(json!({"darkmatter": true, "agent_id": id, "agents": []})),
            Some("connection_request") => Answer::ok(json!({
                "auto_accepted": true, "agent_id": id, "agent_url": "memory://carol", "agent_bio": "", "capabilities": {},
            })),
            Some("message") => match self.answers.lock().expect("nobody panics with it").pop_front() {
                Some(200) => Answer::ok(json!({"status": "received"})),
                Some(status) => Answer::with_status(status, json!({"error": "as 1.1.1 does"})),
                None => Answer::with_status(500, json!({"error": "the script is over"})),
            },
            _ => Answer::ok(json!({})),
        }
    }
}

fn on(network: &MemoryNetwork, label: &str) -> Parts {
    Parts { transports: vec![Arc::new(MemoryTransport::new(network, label))], ..Parts::default() }
}

#[tokio::test]
async fn a_repetition_that_an_original_refused_for_its_rate_limit_is_not_taken_for_delivered() {
    let network = MemoryNetwork::new(1);
    let answers = Mutex::new(VecDeque::from([429, 409, 200]));
    let original = Arc::new(Original { passport: Passport::from_seed([3; 32]), answers });
    let door = MemoryTransport::new(&network, "carol");
    door.listen(Arc::clone(&original) as _).await.unwrap();
    let mut config = NodeConfig::ephemeral();
    config.limits.ping = None;
    let node = Node::open_with(config, on(&network, "alice")).await.unwrap();
    let carol = node.peers().connect(ConnectArgs::new("memory://carol")).await.unwrap().agent_id;
    assert_eq!(node.send(carol, "hello").await.unwrap().state, DeliveryState::Stored);

    let mut rounds = 0;
    while !node.messages().outbox(NoArgs {}).await.unwrap().is_empty() {
        // A sign of life makes what waits due.
        let mut ping =
            Request::get("/__darkmatter__/ping").timeout(Duration::from_secs(5)).grant(Grant::User);
        ping.method = Method::Post;
        ping.body = json!({"agent_id": carol}).to_string().into();
        door.send("memory://alice", ping).await.unwrap();
        rounds += 1;
        assert!(rounds < ROUNDS, "it never arrives");
    }
    assert!(original.answers.lock().unwrap().is_empty(), "it was sent until the original took it");
    node.close().await.unwrap();
}

#[tokio::test]
async fn an_endpoint_that_is_made_local_wants_the_token() {
    let network = MemoryNetwork::new(2);
    let mut config = NodeConfig::ephemeral();
    config.access_overrides = serde_json::from_value(json!({"get_peers": "local"})).unwrap();
    let node = Node::open_with(config, on(&network, "alice")).await.unwrap();
    let stranger = MemoryTransport::new(&network, "mallory");
    let status = async |path: &str| {
        let request = Request::get(path).timeout(Duration::from_secs(5)).grant(Grant::User);
        stranger.send("memory://alice", request).await.unwrap().status
    };
    assert_eq!(status("/__darkmatter__/get_peers").await, 401);
    assert_eq!(status("/__darkmatter__/status").await, 200);
    node.close().await.unwrap();
}
