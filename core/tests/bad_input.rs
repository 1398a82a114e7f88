//! The bad input table: whatever is sent to whichever endpoint, the answer is a refusal in JSON, nothing of the
//! node has changed, and the next good request is served.
//!
//! A row is a good request with one thing wrong with it. Rows that are accepted all the same stand, with the
//! reason, in `bad_input/tolerance.rs`; a row there that turns out to be refused fails the test, too.

#![expect(clippy::unwrap_used, reason = "what does not fit fails the test")]

#[path = "bad_input/mutations.rs"]
mod mutations;
mod support;
#[path = "bad_input/tolerance.rs"]
mod tolerance;
#[path = "bad_input/world.rs"]
mod world;

use dmagent::wire::route::{Endpoint, Method};
use serde_json::Value;

use self::{
    mutations::{BODIES, VALUES, body, mutate},
    support::http::Reply,
    world::World,
};

/// Why a reply is no proper refusal.
fn complaint(reply: &Reply) -> Option<String> {
    if !(400..500).contains(&reply.status) {
        return Some(format!("status {}", reply.status));
    }
    let is_plain = reply.header("content-type").is_some_and(|kind| kind.starts_with("text/plain"));
    if matches!(reply.status, 404 | 405) && is_plain {
        return None;
    }
    match reply.json() {
        Value::Object(members) if members["error"].is_string() && members["code"].is_string() => None,
        other => Some(format!("body {other}")),
    }
}

/// Sends one row and checks the answer and the state. Returns what is wrong.
async fn check(world: &mut World, endpoint: Endpoint, path: &str, row: &str, sent: &[u8]) -> Option<String> {
    let reply = world.send(endpoint, Method::Post, path, sent).await;
    let shown =
        format!("{row} at {path}: {} {}", reply.status, reply.text().chars().take(200).collect::<String>());
    if let Some(reason) = tolerance::reason(endpoint, row) {
        world.note_state().await;
        return (!reply.is_ok()).then(|| format!("{shown}\n  is refused, but listed as taken: {reason}"));
    }
    let complaint = complaint(&reply);
    let changed = world.state_changed().await;
    match (complaint, changed) {
        (None, None) => None,
        (complaint, changed) => Some(format!("{shown}\n  {complaint:?} {changed:?}")),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_endpoint_refuses_every_bad_body_and_field() {
    let mut world = World::open().await;
    let mut wrong = Vec::new();
    let mut rows = 0;
    for endpoint in Endpoint::ALL.iter().copied().filter(|e| e.methods().contains(&Method::Post)) {
        for (round, path) in world.paths(endpoint).into_iter().enumerate() {
            // The scoped form leads to the same code: a few values show that it does.
            let values = || VALUES.iter().enumerate().filter(move |(n, _)| round == 0 || n % 4 == 0);
            world.note_state().await;
            for (name, bytes) in BODIES {
                wrong.extend(check(&mut world, endpoint, &path, name, &bytes()).await);
                rows += 1;
            }
            let fields: Vec<String> = world.template(endpoint).await.keys().cloned().collect();
            for field in &fields {
                for (_, (name, value)) in values() {
                    let template = world.template(endpoint).await;
                    world.note_state().await;
                    let row = format!("{field} {name}");
                    let sent = mutate(&template, field, &value());
                    wrong.extend(check(&mut world, endpoint, &path, &row, &sent).await);
                    rows += 1;
                }
            }
            assert!(wrong.len() < 40, "{} rows went wrong so far:\n{}", wrong.len(), wrong.join("\n"));
            let template = world.template(endpoint).await;
            let served = world.send(endpoint, Method::Post, &path, &body(&template)).await;
            assert!(served.is_ok(), "{endpoint:?} serves a good request afterwards: {}", served.text());
        }
    }
    assert!(wrong.is_empty(), "{} of {rows} rows went wrong:\n{}", wrong.len(), wrong.join("\n"));
    assert!(rows > 2_000, "the table is complete: {rows}");
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_methods_and_paths_are_refused_in_plain_text() {
    let mut world = World::open().await;
    for endpoint in Endpoint::ALL.iter().copied() {
        for path in world.paths(endpoint) {
            for method in ["GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS", "PATCH", "BREW"] {
                let served = endpoint.methods().iter().any(|served| match served {
                    Method::Get => method == "GET",
                    Method::Post => method == "POST",
                });
                if served {
                    continue;
                }
                let reply = world.raw(endpoint, method, &path, b"").await;
                assert_eq!(reply.status, 405, "{method} {path}");
            }
            for path in
                [format!("{path}/"), format!("{path}%00"), format!("/{path}"), format!("{path}/../status")]
            {
                // What follows `impression/` is an argument, and not every argument is an agent.
                let reply = world.raw(endpoint, "GET", &path, b"").await;
                assert_eq!(reply.status, 404, "{path}: {}", reply.text());
            }
        }
    }
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn questions_with_bad_arguments_are_refused() {
    let mut world = World::open().await;
    let long = "a".repeat(30_000);
    let upper = world.peer.id().to_string().to_uppercase();
    let arguments = ["x", "%00", "..", "null", "%ff%fe", &long, &upper, &"g".repeat(64)];
    for endpoint in [Endpoint::Impression, Endpoint::PeerLookup] {
        for argument in arguments {
            let path = format!("/__darkmatter__/{}/{argument}", endpoint.name());
            let reply = world.raw(endpoint, "GET", &path, b"").await;
            assert_eq!((reply.status, complaint(&reply)), (404, None), "{path}: {}", reply.text());
        }
    }
    for scope in [&upper[..], &"g".repeat(64), &"0".repeat(64)] {
        let reply = world.raw(Endpoint::Status, "GET", &format!("/__darkmatter__/{scope}/status"), b"").await;
        assert!([404, 503].contains(&reply.status), "{scope}: {}", reply.status);
    }
    for query in
        ["n=", "n=x", "n=-1", "n=1e9", "n=99999999999999999999", "n=1&n=2", "n", "%ff", "&&&", "n=%00"]
    {
        let path = format!("/__darkmatter__/get_peers?{query}");
        assert_eq!(
            world.raw(Endpoint::GetPeers, "GET", &path, b"").await.status,
            200,
            "§6.16 tolerates {query}"
        );
    }
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn bytes_that_are_no_http_end_the_connection_and_nothing_else() {
    use tokio::io::AsyncWriteExt as _;

    let mut world = World::open().await;
    let post = "POST /__darkmatter__/message HTTP/1.1\r\nhost: h\r\n";
    let garbage: Vec<Vec<u8>> = vec![
        b"\r\n\r\n\r\n\r\n".to_vec(),
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03".to_vec(),
        b"GET\r\n\r\n".to_vec(),
        b"GET / HTTP/9.9\r\n\r\n".to_vec(),
        b"GET /\xff\xfe HTTP/1.1\r\nhost: h\r\n\r\n".to_vec(),
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec(),
        format!("{post}content-length: -1\r\n\r\n").into_bytes(),
        format!("{post}content-length: 5\r\ncontent-length: 6\r\n\r\nhello!").into_bytes(),
        format!("{post}content-length: 99999999999999999999999\r\n\r\n").into_bytes(),
        format!("{post}content-length: 4294967296\r\n\r\n{{}}").into_bytes(),
        format!("{post}transfer-encoding: chunked\r\n\r\nzz\r\n").into_bytes(),
        format!("{post}transfer-encoding: chunked\r\n\r\nffffffffffffffff1\r\n").into_bytes(),
        format!("{post}transfer-encoding: gzip\r\n\r\n{{}}").into_bytes(),
        format!("{post}x: {}\r\n\r\n", "y".repeat(200_000)).into_bytes(),
        format!("GET /{} HTTP/1.1\r\n\r\n", "y".repeat(200_000)).into_bytes(),
        format!("{post}{}\r\n", "a: b\r\n".repeat(5_000)).into_bytes(),
        format!("{post}content-length: 10\r\n\r\n{{").into_bytes(),
    ];
    for bytes in garbage {
        let mut stream = world.client.connect().await;
        let (mut reader, mut writer) = stream.split();
        let sending = async {
            let _ = writer.write_all(&bytes).await;
            let _ = writer.shutdown().await;
        };
        let reading =
            tokio::time::timeout(support::http::PATIENCE, support::http::read_reply(&mut reader, true));
        let (reply, ()) = tokio::join!(reading, sending);
        if let Some(reply) = reply.expect("the node answers or ends the connection") {
            assert!((400..506).contains(&reply.status), "{}", reply.headers);
        }
        assert_eq!(world.raw(Endpoint::Status, "GET", "/__darkmatter__/status", b"").await.status, 200);
    }
    world.close().await;
}
