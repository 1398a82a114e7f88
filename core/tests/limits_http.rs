//! Rate limits, as a flood meets them over HTTP.
//!
//! The clock of the node stands still unless a test moves it, so every allowance is exact.

#![expect(clippy::unwrap_used, reason = "what does not fit fails the test")]

mod support;

use std::{net::Ipv4Addr, num::NonZeroU32};

use dmagent::{
    Node, NodeConfig,
    env::Env,
    messaging::compose::Form,
    wire::{
        canonical::Domain,
        limiter::{Limits, Loopback},
        receipt::ReceiptState,
    },
};
use serde_json::{Value, json};

use self::support::{
    HandClock,
    actor::Actor,
    http::{Client, Reply},
};

const MESSAGE: &str = "/__darkmatter__/message";
const STATUS: &str = "/__darkmatter__/status";
const PING: &str = "/__darkmatter__/ping";

struct Scene {
    node: Node,
    clock: HandClock,
    /// Connected; it listens at and calls from 127.0.0.9.
    peer: Actor,
}

fn host(last: u8) -> Ipv4Addr {
    Ipv4Addr::new(127, 0, 0, last)
}

impl Scene {
    async fn open(change: impl FnOnce(&mut NodeConfig)) -> Self {
        let clock = HandClock::at(Env::system().now());
        let mut config = support::unlimited();
        config.limits = Limits::default();
        change(&mut config);
        let node = support::open_at(config, Actor::new(1).passport, clock.env()).await;
        let peer = Actor::at(2, clock.env());
        let scene = Self { node, clock, peer };
        scene.befriend().await;
        // What that cost is forgotten.
        scene.clock.advance(60);
        scene
    }

    async fn befriend(&self) {
        let request = self.peer.request(&self.node.agent_id(), "http://127.0.0.9:9", true);
        let body = serde_json::to_vec(&request).unwrap();
        let pending = self.client(9).post("/__darkmatter__/connection_request", body).await.json();
        let accepted = json!({"request_id": pending["request_id"]});
        self.node.call("peers.accept", accepted).await.unwrap();
    }

    fn client(&self, last: u8) -> Client {
        Client::bound(host(last), support::address(&self.node))
    }

    /// The statuses of `count` requests of a stranger that say nothing.
    async fn garbage(&self, last: u8, count: usize) -> Vec<Reply> {
        let mut client = self.client(last);
        let mut replies = Vec::new();
        for _ in 0..count {
            replies.push(client.post(MESSAGE, "{}").await);
        }
        replies
    }

    /// A message of the peer, from any address.
    async fn peer_says(&self, last: u8) -> Reply {
        let message = self.peer.message(&self.node.agent_id(), Form::Sealed, "hello");
        self.client(last).post(MESSAGE, serde_json::to_vec(&message).unwrap()).await
    }

    async fn close(self) {
        self.node.close().await.unwrap();
    }
}

fn served(replies: &[Reply]) -> usize {
    replies.iter().filter(|reply| reply.status != 429).count()
}

/// A refusal for a limit says when to return, in whole seconds, and why, in JSON.
fn retry_after(reply: &Reply) -> u64 {
    assert_eq!(reply.status, 429, "{}", reply.text());
    let said = reply.json();
    assert_eq!(said["code"], "rate_limited", "{said}");
    assert!(matches!(&said["error"], Value::String(text) if !text.is_empty()));
    let seconds: u64 = reply.header("retry-after").expect("says when").parse().expect("whole seconds");
    assert!((1..=60).contains(&seconds), "{seconds}");
    seconds
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stranger_has_thirty_requests_a_minute_and_is_told_when_to_return() {
    let scene = Scene::open(|_| {}).await;
    let replies = scene.garbage(21, 40).await;
    assert_eq!(served(&replies), 30);
    assert!(replies[..30].iter().all(|reply| reply.status == 400));
    let seconds = replies[30..].iter().map(retry_after).max().unwrap();
    assert_eq!(served(&scene.garbage(22, 1).await), 1, "another address has its own allowance");
    scene.clock.advance(i64::try_from(seconds).unwrap());
    assert_eq!(served(&scene.garbage(21, 2).await), 1, "after the time it was told, and not before");
    scene.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crowd_of_strangers_has_two_hundred_requests_together() {
    let scene = Scene::open(|_| {}).await;
    let mut total = 0;
    for last in 30..40 {
        let replies = scene.garbage(last, 30).await;
        total += served(&replies);
        replies.iter().filter(|reply| reply.status == 429).for_each(|reply| assert!(retry_after(reply) >= 1));
    }
    assert_eq!(total, 200);
    scene.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pings_are_counted_apart() {
    let scene = Scene::open(|_| {}).await;
    assert_eq!(served(&scene.garbage(21, 35).await), 30);
    let mut client = scene.client(21);
    let mut pings = Vec::new();
    for _ in 0..125 {
        pings.push(client.post(PING, "{}").await);
    }
    assert_eq!(served(&pings), 120, "a stranger that used up its requests may still ping");
    assert!(pings[120..].iter().all(|reply| retry_after(reply) >= 1));
    assert_eq!(
        client.get("/__darkmatter__/status").await.status,
        429,
        "documents share the allowance of pings"
    );
    scene.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connected_peer_has_a_limit_of_its_own() {
    let scene = Scene::open(|config| config.limits.peer = NonZeroU32::new(45)).await;
    for n in 0..45 {
        let reply = scene.peer_says(9).await;
        assert_eq!(reply.status, 200, "{n}: {}", reply.text());
    }
    let refused = scene.peer_says(9).await;
    assert!(retry_after(&refused) >= 1);
    assert!(refused.text().contains("for this connection (45 requests per 60s)"), "{}", refused.text());
    assert_eq!(served(&scene.garbage(21, 31).await), 30, "nobody else pays for it");
    scene.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn strangers_behind_the_address_of_a_peer_cannot_use_up_its_way() {
    let scene = Scene::open(|_| {}).await;
    assert_eq!(scene.peer_says(9).await.status, 200);
    let replies = scene.garbage(9, 60).await;
    assert_eq!(served(&replies), 30, "they are strangers there, too");
    assert!(replies[30..].iter().all(|reply| retry_after(reply) >= 1));
    assert_eq!(scene.peer_says(9).await.status, 200);
    scene.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_does_not_lock_out_a_peer_that_was_silent_for_long() {
    let scene = Scene::open(|_| {}).await;
    assert_eq!(scene.peer_says(9).await.status, 200);
    scene.clock.advance(3600);
    for last in 30..40 {
        scene.garbage(last, 30).await;
    }
    scene.garbage(9, 60).await;
    assert_eq!(served(&scene.garbage(41, 1).await), 0, "the allowance of strangers is used up");
    let reply = scene.peer_says(9).await;
    assert_eq!(reply.status, 200, "{}", reply.text());
    scene.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn forged_messages_in_the_name_of_a_peer_do_not_count_against_it() {
    let scene = Scene::open(|config| config.limits.peer = NonZeroU32::new(20)).await;
    let us = scene.node.agent_id();
    let mut client = scene.client(21);
    for _ in 0..30 {
        let mut forged = scene.peer.message(&us, Form::V2, "hello");
        forged.insert("content".into(), json!("forged"));
        assert_eq!(client.post(MESSAGE, serde_json::to_vec(&forged).unwrap()).await.status, 403);
    }
    for n in 0..20 {
        assert_eq!(scene.peer_says(9).await.status, 200, "{n}");
    }
    scene.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_that_wait_for_a_decision_are_limited() {
    let scene = Scene::open(|config| {
        config.limits.stranger_per_source = None;
        config.limits.strangers_total = None;
    })
    .await;
    let mut client = scene.client(21);
    for n in 0..51 {
        let request = Actor::stranger().plain_request("http://127.0.0.21:9");
        let body = serde_json::to_vec(&request).unwrap();
        let reply = client.post("/__darkmatter__/connection_request", body).await;
        assert_eq!(reply.status, if n < 50 { 200 } else { 429 }, "{n}: {}", reply.text());
        if n == 50 {
            assert_eq!(reply.json()["error"], "Too many pending requests", "as recorded");
            assert!(reply.header("retry-after").is_some());
        }
    }
    scene.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn guessing_the_token_is_limited() {
    let scene = Scene::open(|_| {}).await;
    let mut client = scene.client(21).with_token("0000");
    let mut statuses = Vec::new();
    for _ in 0..35 {
        statuses.push(client.get("/__darkmatter__/inbox").await.status);
    }
    assert_eq!(statuses.iter().filter(|status| **status == 401).count(), 30);
    assert_eq!(statuses.iter().filter(|status| **status == 429).count(), 5);
    let mut owner = scene.client(21).with_token(scene.node.local_token());
    assert_eq!(owner.get("/__darkmatter__/inbox").await.status, 200, "the owner is not locked out by it");
    scene.close().await;
}

#[tokio::test]
async fn repetitions_are_counted_where_they_come_from() {
    let scene = Scene::open(|_| {}).await;
    let message = scene.peer.message(&scene.node.agent_id(), Form::Sealed, "hello");
    let body = serde_json::to_vec(&message).unwrap();
    let mut client = scene.client(9);
    assert_eq!(client.post(MESSAGE, &body).await.status, 200);
    let mut statuses = Vec::new();
    for _ in 0..40 {
        statuses.push(client.post(MESSAGE, &body).await.status);
    }
    assert_eq!(statuses.first(), Some(&409));
    assert_eq!(statuses.last(), Some(&429));
    assert_eq!(scene.peer_says(9).await.status, 200, "the peer itself goes on");
    scene.close().await;
}

#[tokio::test]
async fn repeated_receipts_prove_no_address() {
    let scene = Scene::open(|_| {}).await;
    let about = [("msg-1", ReceiptState::Handled, "ab".repeat(32))];
    let body = serde_json::to_vec(&scene.peer.receipts(&scene.node.agent_id(), &about)).unwrap();
    let path = "/__darkmatter__/receipts";
    assert_eq!(scene.client(9).post(path, &body).await.status, 200);
    let mut client = scene.client(7);
    let mut statuses = Vec::new();
    for _ in 0..40 {
        statuses.push(client.post(path, &body).await.status);
    }
    assert_eq!((statuses.first(), statuses.last()), (Some(&200), Some(&429)), "a stranger's window");
    assert_eq!(scene.peer_says(9).await.status, 200, "the peer itself goes on");
    scene.close().await;
}

#[tokio::test]
async fn what_others_repeat_is_not_spent_by_its_signer() {
    let scene = Scene::open(|config| config.limits.peer = NonZeroU32::new(5)).await;
    let update = scene.peer.update(&scene.node.agent_id(), "http://127.0.0.9:9");
    let mut broadcast = scene.peer.broadcast(&scene.node.agent_id(), Form::V2, "hello");
    broadcast.remove("message_id");
    let broadcast = scene.peer.sign(Domain::StatusBroadcast, &scene.node.agent_id(), broadcast);
    for (path, said) in [("peer_update", update), ("status_broadcast", broadcast)] {
        let path = format!("/__darkmatter__/{path}");
        let said = serde_json::to_vec(&said).unwrap();
        assert_eq!(scene.client(9).post(&path, &said).await.status, 200);
        for _ in 0..10 {
            let reply = scene.client(7).post(&path, &said).await;
            assert!([200, 409].contains(&reply.status), "{}", reply.text());
        }
    }
    assert_eq!(scene.peer_says(9).await.status, 200);
    scene.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_too_many_is_told_so_and_this_machine_may_be_exempt() {
    for (loopback, served) in [(Loopback::Limited, false), (Loopback::Exempt, true)] {
        let scene = Scene::open(|config| {
            config.limits.connections_per_source = NonZeroU32::new(4);
            config.limits.loopback = loopback;
        })
        .await;
        let mut held = Vec::new();
        for _ in 0..4 {
            held.push(scene.client(21).connect().await);
        }
        let reply = scene.client(21).get(STATUS).await;
        if served {
            assert_eq!(reply.status, 200);
        } else {
            retry_after(&reply);
            assert_eq!(reply.header("connection"), Some("close"));
            // A frame of the usual size does not tear down the answer to it.
            retry_after(&scene.client(21).post(MESSAGE, vec![b' '; 40_000]).await);
        }
        assert_eq!(scene.client(22).get(STATUS).await.status, 200, "another address has a share of its own");
        drop(held);
        scene.close().await;
    }
}
