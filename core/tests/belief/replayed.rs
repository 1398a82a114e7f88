//! The same bytes a second time, at a node.

use dmagent::{Node, messaging::compose::Form};
use serde_json::{Value, json};

use super::support::{
    self, HandClock,
    actor::{Actor, Object},
    http::Client,
};

struct Scene {
    node: Node,
    clock: HandClock,
    peer: Actor,
    client: Client,
    /// What the peer asked with.
    request: Object,
}

impl Scene {
    async fn open() -> Self {
        let clock = HandClock::at(super::NOW);
        let node = support::open_at(support::unlimited(), Actor::new(1).passport, clock.env()).await;
        let peer = Actor::at(2, clock.env());
        let request = peer.request(&node.agent_id(), "http://127.0.0.1:9", true);
        let client = Client::new(support::address(&node));
        let mut scene = Self { node, clock, peer, client, request };
        let pending = scene.post("connection_request", &scene.request.clone()).await.1;
        let accepted = json!({"request_id": pending["request_id"]});
        scene.node.call("peers.accept", accepted).await.unwrap();
        scene
    }

    async fn post(&mut self, endpoint: &str, object: &Object) -> (u16, Value) {
        let body = serde_json::to_vec(object).unwrap();
        let reply = self.client.post(&format!("/__darkmatter__/{endpoint}"), body).await;
        (reply.status, reply.json())
    }

    async fn url(&self) -> Value {
        self.node.call("peers.get", json!({"agent": self.peer.id()})).await.unwrap()["url"].clone()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_is_taken_once() {
    let mut scene = Scene::open().await;
    let us = scene.node.agent_id();
    for (endpoint, sent) in [
        ("message", scene.peer.message(&us, Form::V2, "m")),
        ("message", scene.peer.message(&us, Form::Sealed, "m")),
        ("status_broadcast", scene.peer.broadcast(&us, Form::V2, "b")),
    ] {
        assert_eq!(scene.post(endpoint, &sent).await.0, 200);
        let (status, said) = scene.post(endpoint, &sent).await;
        assert_eq!((status, &said["code"]), (409, &json!("replay")), "{endpoint}");
        // The same id, freshly signed.
        let mut again = scene.peer.message(&us, Form::V2, "other words");
        again.insert("message_id".into(), sent["message_id"].clone());
        assert_eq!(scene.post("message", &again).await.0, 403, "the id is signed");
    }
    let listed = scene.node.call("messages.list", json!({})).await.unwrap();
    let messages = listed.as_array().unwrap().iter().filter(|m| m["content"] == "m").count();
    assert_eq!(messages, 2);
    scene.node.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_message_does_not_burn_its_id_s15() {
    let mut scene = Scene::open().await;
    let us = scene.node.agent_id();
    let good = scene.peer.message(&us, Form::V2, "m");
    let mut forged = good.clone();
    forged.insert("content".into(), json!("x"));
    assert_eq!(scene.post("message", &forged).await.0, 403);
    // Somebody else's message with that id is somebody else's.
    let mut other = Actor::at(3, scene.clock.env()).message(&us, Form::V1, "mine");
    other.insert("message_id".into(), good["message_id"].clone());
    assert_eq!(scene.post("message", &other).await.0, 403);
    assert_eq!(scene.post("message", &good).await.0, 200);
    scene.node.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_older_update_or_request_does_not_bring_an_old_address_back_s12() {
    let mut scene = Scene::open().await;
    let us = scene.node.agent_id();
    scene.clock.advance(10);
    let first = scene.peer.update(&us, "http://127.0.0.1:19");
    assert_eq!(scene.post("peer_update", &first).await.1["updated"], true);
    scene.clock.advance(10);
    let second = scene.peer.update(&us, "http://127.0.0.1:29");
    assert_eq!(scene.post("peer_update", &second).await.1["updated"], true);
    for _ in 0..2 {
        assert_eq!(scene.post("peer_update", &first).await.1["updated"], false);
        let request = scene.request.clone();
        assert_eq!(scene.post("connection_request", &request).await.0, 200, "still the good bytes of a peer");
        assert_eq!(scene.url().await, "http://127.0.0.1:29");
    }
    scene.clock.advance(10);
    let moved = scene.peer.request(&us, "http://127.0.0.1:39", true);
    assert_eq!(scene.post("connection_request", &moved).await.0, 200);
    assert_eq!(scene.url().await, "http://127.0.0.1:39", "a newer request of a proven peer counts");
    assert_eq!(scene.post("peer_update", &second).await.1["updated"], false, "older than the request");
    assert_eq!(scene.url().await, "http://127.0.0.1:39");
    scene.node.close().await.unwrap();
}
