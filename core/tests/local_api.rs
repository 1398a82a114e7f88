//! The local API: a loopback socket and the token of the data folder, or nothing.

mod support;

use dmagent::{
    Node, NodeConfig,
    messaging::compose::Form,
    wire::route::{Access, Endpoint, Method},
};
use serde_json::{Value, json};

use self::support::{
    actor::Actor,
    http::{Client, Reply},
};

/// The path of every local endpoint, with a body that it takes.
fn requests() -> Vec<(Endpoint, &'static str, Value)> {
    let us = Actor::new(1).id();
    vec![
        (Endpoint::AcceptPending, "accept_pending", json!({"request_id": "req-unknown"})),
        (Endpoint::Inbox, "inbox", Value::Null),
        (Endpoint::InboxConsume, "inbox/consume", json!({"message_ids": ["m"]})),
        (Endpoint::PendingRequests, "pending_requests", Value::Null),
        (Endpoint::Connections, "connections", Value::Null),
        (Endpoint::SetImpression, "set_impression", json!({"agent_id": us, "score": 0.5})),
        (Endpoint::Config, "config", json!({"display_name": "taken over"})),
        (Endpoint::Call, "call", json!({"verb": "node.update", "args": {"bio": "taken over"}})),
    ]
}

async fn ask(
    client: &mut Client,
    endpoint: Endpoint,
    path: &str,
    headers: &[(&str, &str)],
    body: &Value,
) -> Reply {
    let method = if endpoint.methods() == [Method::Get] { "GET" } else { "POST" };
    let body = if body.is_null() { String::new() } else { body.to_string() };
    client.send(method, path, headers, body.as_bytes()).await
}

async fn profile(node: &Node) -> (String, String) {
    let info = node.info();
    (info.display_name, info.bio)
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_without_the_token_is_answered() {
    let node = support::open(support::unlimited(), Actor::new(1).passport).await;
    let all: Vec<_> = Endpoint::ALL.iter().copied().filter(|e| e.access() == Access::Local).collect();
    assert!(all.iter().all(|endpoint| requests().iter().any(|(listed, ..)| listed == endpoint)), "{all:?}");
    let before = profile(&node).await;
    let token = node.local_token();
    let wrong = [
        None,
        Some(String::new()),
        Some("Bearer".into()),
        Some("Bearer ".into()),
        Some(format!("Bearer {}", "0".repeat(64))),
        Some(format!("Bearer {}", token.to_uppercase())),
        Some(format!("Bearer {}", &token[..63])),
        Some(format!("Bearer {token}0")),
        Some(format!("Bearer {token} {token}")),
        Some(format!("Basic {token}")),
        Some(token.to_owned()),
    ];
    let mut client = Client::new(support::address(&node));
    for (endpoint, tail, body) in requests() {
        for scope in [String::new(), format!("{}/", node.agent_id())] {
            let path = format!("/__darkmatter__/{scope}{tail}");
            for value in &wrong {
                let headers: Vec<_> = value.iter().map(|value| ("authorization", value.as_str())).collect();
                let reply = ask(&mut client, endpoint, &path, &headers, &body).await;
                assert_eq!(reply.status, 401, "{path} {value:?}: {}", reply.text());
                assert_eq!(reply.json()["code"], "token_invalid");
                assert!(!reply.text().contains(token));
            }
            // In a query it would end up in logs.
            let reply = ask(&mut client, endpoint, &format!("{path}?token={token}"), &[], &body).await;
            assert_eq!(reply.status, 401);
        }
    }
    assert_eq!(profile(&node).await, before);
    node.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_token_opens_nothing_from_another_machine() {
    let mut config = support::unlimited();
    config.trusted_proxies = vec![std::net::Ipv4Addr::new(127, 0, 0, 5).into()];
    let node = support::open(config, Actor::new(1).passport).await;
    let to = support::address(&node);
    let mut proxy = Client::bound(std::net::Ipv4Addr::new(127, 0, 0, 5), to).with_token(node.local_token());
    let far = [
        "9.9.9.9",
        "192.168.1.7",
        "10.0.0.1",
        "fe80::1",
        "2001:db8::1",
        "127.0.0.1, 9.9.9.9",
        "garbage",
        "::",
    ];
    let before = profile(&node).await;
    for (endpoint, tail, body) in requests() {
        for from in far {
            let path = format!("/__darkmatter__/{tail}");
            let reply = ask(&mut proxy, endpoint, &path, &[("x-forwarded-for", from)], &body).await;
            assert_eq!(reply.status, 403, "{path} from {from}: {}", reply.text());
            assert_eq!(reply.json()["error"], "This endpoint is only accessible from localhost");
        }
    }
    assert_eq!(profile(&node).await, before);
    // The other way round, a claim to be far away changes nothing for a caller that is near (S1).
    let mut near = Client::new(to).with_token(node.local_token());
    let reply = near.send("GET", "/__darkmatter__/inbox", &[("x-forwarded-for", "9.9.9.9")], b"").await;
    assert_eq!(reply.status, 200);
    node.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn every_endpoint_works_with_the_token() {
    let node = support::open(support::unlimited(), Actor::new(1).passport).await;
    let (us, peer) = (node.agent_id(), Actor::new(2));
    let mut stranger = Client::new(support::address(&node));
    let mut owner = Client::new(support::address(&node)).with_token(node.local_token());
    let request = serde_json::to_vec(&peer.request(&us, "http://127.0.0.1:9", true)).unwrap();
    assert_eq!(stranger.post("/__darkmatter__/connection_request", request).await.status, 200);

    let pending = owner.get("/__darkmatter__/pending_requests").await.json();
    assert_eq!((&pending["count"], &pending["requests"][0]["from_agent_id"]), (&json!(1), &json!(peer.id())));
    for name in ["request_id", "from_agent_display_name", "from_agent_url", "from_agent_bio", "requested_at"]
    {
        assert!(pending["requests"][0][name].is_string(), "{name}: {pending}");
    }
    let accept = json!({"request_id": pending["requests"][0]["request_id"]}).to_string();
    let accepted = owner.post("/__darkmatter__/accept_pending", &accept).await.json();
    assert_eq!(accepted, json!({"success": true, "accepted": true, "agent_id": peer.id(), "mutual": true}));
    assert_eq!(owner.post("/__darkmatter__/accept_pending", &accept).await.status, 404, "once");

    let scored = json!({"agent_id": peer.id(), "score": "0.25", "note": "n"}).to_string();
    let scored = owner.post("/__darkmatter__/set_impression", scored).await.json();
    assert_eq!(scored, json!({"success": true, "agent_id": peer.id(), "score": 0.25}));
    let connections = owner.get("/__darkmatter__/connections").await.json();
    assert_eq!(connections["count"], 1);
    assert_eq!(connections["connections"][0]["impression"], json!({"score": 0.25, "note": "n"}));

    let message = peer.message(&us, Form::Sealed, &"x".repeat(600));
    let sent = serde_json::to_vec(&message).unwrap();
    assert_eq!(stranger.post("/__darkmatter__/message", sent).await.status, 200);
    let inbox = owner.get("/__darkmatter__/inbox").await.json();
    let listed = |inbox: &Value| {
        let messages = inbox["messages"].as_array().unwrap().clone();
        messages.into_iter().find(|listed| listed["message_id"] == message["message_id"])
    };
    let shown = listed(&inbox).expect("the message is listed");
    assert_eq!(shown["content"].as_str().map(str::len), Some(500), "cut, as in 1.1.1");
    assert_eq!((&shown["verified"], &shown["from_agent_id"]), (&json!(true), &json!(peer.id())));
    let consume = json!({"message_ids": [message["message_id"], "nope"]}).to_string();
    let consumed = owner.post("/__darkmatter__/inbox/consume", consume).await.json();
    assert_eq!(consumed["consumed"], 1);
    assert_eq!(consumed["messages"][0]["content"].as_str().map(str::len), Some(600), "whole");
    assert!(listed(&owner.get("/__darkmatter__/inbox").await.json()).is_none());

    let config =
        owner.post("/__darkmatter__/config", r#"{"status":"inactive","display_name":"b"}"#).await.json();
    assert_eq!(config, json!({"success": true, "changes": {"status": "inactive", "display_name": "b"}}));
    let refused = serde_json::to_vec(&peer.message(&us, Form::V2, "m")).unwrap();
    assert_eq!(stranger.post("/__darkmatter__/message", refused).await.status, 503);
    let called = owner.post("/__darkmatter__/call", r#"{"verb":"node.info"}"#).await.json();
    assert_eq!(
        (&called["result"]["display_name"], &called["result"]["active"]),
        (&json!("b"), &json!(false))
    );
    let unknown = owner.post("/__darkmatter__/call", r#"{"verb":"node.explode"}"#).await;
    assert_eq!((unknown.status, &unknown.json()["code"]), (404, &json!("unknown_verb")));
    let misnamed = owner.post("/__darkmatter__/call", r#"{"verb":"node.info","arguments":{}}"#).await;
    assert_eq!((misnamed.status, &misnamed.json()["code"]), (400, &json!("invalid_argument")));
    node.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_id_that_two_senders_use_is_consumed_for_the_sender_named_alone() {
    let node = support::open(support::unlimited(), Actor::new(1).passport).await;
    let [honest, copycat] = [Actor::new(2), Actor::new(3)];
    let mut stranger = Client::new(support::address(&node));
    let mut owner = Client::new(support::address(&node)).with_token(node.local_token());
    let original = honest.message(&node.agent_id(), Form::V2, "the honest one");
    let id = &original["message_id"];
    let copy = copycat.message_called(id.as_str().unwrap(), &node.agent_id(), Form::V2, "the other one");
    for message in [&copy, &original] {
        let body = serde_json::to_vec(message).unwrap();
        assert_eq!(stranger.post("/__darkmatter__/message", body).await.status, 200);
    }
    let mut consume = async |ids: Value| {
        owner.post("/__darkmatter__/inbox/consume", json!({"message_ids": ids}).to_string()).await
    };
    let neither = consume(json!([id])).await.json();
    assert_eq!(neither, json!({"consumed": 0, "messages": [], "ambiguous": [id]}));
    let unnamed = consume(json!([{"message_id": id}])).await;
    assert_eq!((unnamed.status, &unnamed.json()["error"]), (400, &json!("Required: message_ids")));
    let one = consume(json!([{"message_id": id, "from_agent_id": honest.id()}])).await.json();
    assert_eq!(one["messages"][0]["content"], "the honest one");
    // Now the id alone says which one is meant.
    let other = consume(json!([id])).await.json();
    assert_eq!((&other["consumed"], &other["messages"][0]["content"]), (&json!(1), &json!("the other one")));
    node.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_another_consumer_has_is_not_consumed() {
    let node = support::open(support::unlimited(), Actor::new(1).passport).await;
    let peer = Actor::new(2);
    let mut owner = Client::new(support::address(&node)).with_token(node.local_token());
    let mut ids = Vec::new();
    for content in ["held", "free"] {
        let message = peer.message(&node.agent_id(), Form::V2, content);
        ids.push(message["message_id"].clone());
        let body = serde_json::to_vec(&message).unwrap();
        assert_eq!(owner.post("/__darkmatter__/message", body).await.status, 200);
    }
    let inbox = node.inbox();
    let held = inbox.next().await.unwrap();
    assert_eq!(held.content, "held");
    let consume = json!({"message_ids": ids}).to_string();
    let answer = owner.post("/__darkmatter__/inbox/consume", &consume).await.json();
    assert_eq!((&answer["consumed"], &answer["held"]), (&json!(1), &json!([ids[0]])));
    assert_eq!(answer["messages"][0]["content"], "free");
    assert!(inbox.release(&held, std::time::Duration::ZERO), "it is still whose it was");
    let answer = owner.post("/__darkmatter__/inbox/consume", &consume).await.json();
    assert_eq!(answer["messages"][0]["content"], "held");
    assert_eq!((&answer["consumed"], answer.get("held")), (&json!(1), None));
    assert!(inbox.acknowledge(&held).await.is_err(), "it is over");
    node.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_token_file_is_its_owners_alone_and_gone_after_the_end() {
    let folder = tempfile::tempdir().unwrap();
    let mut config = NodeConfig::new();
    config.project_dir = Some(folder.path().to_owned());
    let file = folder.path().join(".darkmatter/local.token");
    let mut tokens = Vec::new();
    for _ in 0..2 {
        let node = Node::open(config.clone()).await.unwrap();
        let token = std::fs::read_to_string(&file).unwrap();
        assert_eq!(token.trim(), node.local_token());
        assert!(token.trim().len() == 64 && token.trim().bytes().all(|byte| byte.is_ascii_hexdigit()));
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let mode = |path: &std::path::Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
            assert_eq!((mode(&file), mode(file.parent().unwrap())), (0o600, 0o700));
        }
        let debug = format!("{node:?}");
        assert!(!debug.contains(token.trim()), "{debug}");
        tokens.push(token);
        node.close().await.unwrap();
        assert!(!file.exists());
    }
    assert_ne!(tokens[0], tokens[1], "a token of an earlier run opens nothing");
}
