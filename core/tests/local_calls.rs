//! Calls of the local API that wait for a message: who hangs up leaves nothing behind.

mod support;

use std::{collections::BTreeSet, time::Duration};

use dmagent::{Node, messaging::compose::Form};
use serde_json::{Value, json};
use tokio::{io::AsyncWriteExt as _, net::TcpStream, task::JoinSet};

use self::support::{
    actor::Actor,
    http::{Client, PATIENCE, Reply, read_reply},
};

/// More callers than one address may have connections.
const MANY: usize = 150;

fn client(node: &Node) -> Client {
    Client::new(support::address(node)).with_token(node.local_token())
}

/// Begins a call and leaves its answer to be read.
async fn begin(node: &Node, verb: &str, args: &Value) -> TcpStream {
    let mut stream = client(node).connect().await;
    let body = json!({"verb": verb, "args": args}).to_string();
    let head = format!(
        "POST /__darkmatter__/call HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {}\r\ncontent-length: {}\r\n\r\n",
        node.local_token(),
        body.len()
    );
    stream.write_all((head + &body).as_bytes()).await.expect("the node reads");
    stream
}

async fn deliver(node: &Node, from: &Actor, content: &str) {
    let message = serde_json::to_vec(&from.message(&node.agent_id(), Form::V2, content)).expect("is JSON");
    let reply = Client::new(support::address(node)).post("/__darkmatter__/message", message).await;
    assert_eq!(reply.status, 200, "{}", reply.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_that_hung_up_neither_takes_a_message_nor_keeps_its_place() {
    let node = support::open(support::unlimited(), Actor::new(1).passport).await;
    let sender = Actor::new(2);
    for _ in 0..MANY {
        drop(begin(&node, "messages.next", &json!({})).await);
    }
    // Its question goes nowhere, and it waits for the answer.
    let befriend = sender.request(&node.agent_id(), "http://127.0.0.9:9", true);
    let befriend = serde_json::to_vec(&befriend).expect("is JSON");
    let asked = client(&node).post("/__darkmatter__/connection_request", befriend).await.json();
    node.call("peers.accept", json!({"request_id": asked["request_id"]})).await.expect("is accepted");
    for _ in 0..MANY {
        drop(begin(&node, "messages.ask", &json!({"to": sender.id(), "content": "?"})).await);
    }
    let mut contents: BTreeSet<_> = (0..20).map(|number| format!("message {number}")).collect();
    for content in &contents {
        deliver(&node, &sender, content).await;
    }
    let listed = node.call("messages.list", json!({})).await.expect("lists");
    let notice = listed[0]["content"].as_str().expect("is text");
    assert!(notice.starts_with("Connection request"), "{notice}");
    contents.insert(notice.to_owned());
    let inbox = node.inbox();
    while !contents.is_empty() {
        let next = inbox.next_within(PATIENCE).await.expect("the node runs");
        let next = next.unwrap_or_else(|| panic!("{contents:?} were leased to nobody"));
        assert!(contents.remove(&next.content), "{}", next.content);
        inbox.acknowledge(&next).await.expect("it is ours");
    }
    node.close().await.expect("closes");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_that_stays_gets_its_message_and_keeps_it() {
    let node = support::open(support::unlimited(), Actor::new(1).passport).await;
    let mut waiting = begin(&node, "messages.next", &json!({})).await;
    deliver(&node, &Actor::new(2), "for whoever waits").await;
    let got = read_reply(&mut waiting, true).await.expect("an answer").json();
    assert_eq!(got["result"]["content"], "for whoever waits");
    drop(waiting);
    let again = node.inbox().next_within(Duration::ZERO).await.expect("the node runs");
    assert_eq!(again, None, "it was handed out, also when its caller left after that");
    let acknowledged =
        node.call("messages.acknowledge", json!({"sequence": got["result"]["sequence"]})).await;
    assert_eq!(acknowledged.expect("it is held"), json!({"stored": true}));
    node.close().await.expect("closes");
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_that_wait_leave_room_for_others() {
    let node = support::open(support::unlimited(), Actor::new(1).passport).await;
    let mut waiting = JoinSet::new();
    for _ in 0..100 {
        let mut stream = begin(&node, "messages.next", &json!({})).await;
        waiting.spawn(async move { read_reply(&mut stream, true).await });
    }
    let mut refused = Vec::<Reply>::new();
    while refused.len() < 100 - 64 {
        let reply = waiting.join_next().await.expect("more wait").expect("reads");
        refused.push(reply.expect("an answer"));
    }
    for reply in &refused {
        assert_eq!((reply.status, &reply.json()["code"]), (429, &json!("rate_limited")));
        assert_eq!(reply.header("retry-after"), Some("1"));
    }
    let mut client = client(&node);
    assert_eq!(client.get("/__darkmatter__/status").await.status, 200);
    let info = client.post("/__darkmatter__/call", r#"{"verb":"node.info"}"#).await;
    assert_eq!(info.status, 200, "what does not wait needs no place");
    // Whoever leaves makes room.
    waiting.shutdown().await;
    let look = r#"{"verb":"messages.next","args":{"timeout_secs":0}}"#;
    let looking = async { while client.post("/__darkmatter__/call", look).await.status != 200 {} };
    tokio::time::timeout(PATIENCE, looking).await.expect("places are free again");
    node.close().await.expect("closes");
}
