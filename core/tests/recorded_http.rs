//! Every request that was recorded at a node of dmagent 1.1.1, sent to ours: same status, same sentence of refusal,
//! same shape of success.
//!
//! The node has the keys of the recorded one and its clock stands at the time of the recording, so the signatures
//! in the tables hold as they are. Where we answer otherwise on purpose, `recorded_http/differences.rs` says so.

#![expect(clippy::unwrap_used, reason = "a table that does not fit fails the test")]

#[path = "recorded_http/differences.rs"]
mod differences;
#[path = "recorded_http/replay.rs"]
mod replay;
#[path = "recorded_http/shape.rs"]
mod shape;
mod support;

use dmagent::peers::AutoAccept;

use self::replay::Replay;

#[tokio::test(flavor = "multi_thread")]
async fn messages_are_answered_as_recorded() {
    let mut replay = Replay::open("B", "2026-11-20T19:53:36.100000+00:00", AutoAccept::Loopback).await;
    replay.befriend("A", "http://127.0.0.1:9").await;
    replay.run("http_message_errors").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn connection_requests_and_proofs_are_answered_as_recorded() {
    let mut replay = Replay::open("C", "2026-11-20T19:55:40.000000+00:00", AutoAccept::None).await;
    replay.befriend("A", "http://127.0.0.1:9").await;
    replay.run("http_connect_errors").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn address_updates_are_answered_as_recorded() {
    let mut replay = Replay::open("B", "2026-11-20T19:53:47.000000+00:00", AutoAccept::Loopback).await;
    replay.befriend("A", "http://127.0.0.1:9").await;
    replay.run("http_peer_update").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn broadcasts_and_questions_are_answered_as_recorded() {
    let mut replay = Replay::open("B", "2026-11-20T19:53:50.000000+00:00", AutoAccept::Loopback).await;
    replay.befriend("A", "http://127.0.0.1:9").await;
    replay.run("http_peer_queries").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_local_api_answers_as_recorded() {
    let mut replay = Replay::open("B", "2026-11-20T19:54:03.000000+00:00", AutoAccept::Loopback).await;
    replay.befriend("A", "http://127.0.0.1:9").await;
    // The recording goes on where the one of the messages ended.
    replay.receive("http_message_errors", "valid signed message from a connected peer").await;
    replay.run("http_local_and_signalling").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn envelopes_are_answered_as_recorded() {
    let mut replay = Replay::open("B", "2026-11-20T19:56:42.000000+00:00", AutoAccept::Loopback).await;
    replay.befriend_a_node("D").await;
    replay.befriend_a_node("A").await;
    replay.run("http_mesh_route_cases").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn public_documents_have_the_recorded_shape() {
    let mut replay = Replay::open("B", "2026-11-20T19:50:00.000000+00:00", AutoAccept::Loopback).await;
    replay.run("http_status_wellknown").await;
}
