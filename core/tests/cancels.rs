//! Messages that are taken back, between real nodes over HTTP: before they leave, while they wait, in the hands of an
//! agent, through absences and restarts, and what those outside cannot make of it.

#![expect(clippy::unwrap_used, reason = "what does not fit fails the test")]
#![expect(clippy::disallowed_methods, reason = "the tests wait for what they spawn")]

mod support;

use std::time::Duration;

use dmagent::{
    ConnectArgs, DeliveryState, Node, NodeConfig,
    api::{AskArgs, CancelArgs, MessageArgs, NewestArgs, NoArgs, UntilArgs},
    error::Code,
    messaging::{CancelOutcome, Filter, Message, MessageEvent, MessageKind, compose::Form},
    node::events::{EventBody, EventStream, Observed},
    peers::AutoAccept,
    wire::receipt::ReceiptState,
};
use serde_json::json;

use self::support::{actor::Actor, http::Client};

const PATIENCE: Duration = Duration::from_secs(20);

fn config(folder: &tempfile::TempDir, name: &str) -> NodeConfig {
    let mut config = NodeConfig::new();
    config.project_dir = Some(folder.path().to_owned());
    config.display_name = Some(name.to_owned());
    config
}

async fn pair() -> (Node, Node) {
    let open = |name: &str| {
        let settings = format!(r#"{{"display_name": "{name}", "ephemeral": true}}"#);
        Node::open(NodeConfig::preset("agent", &settings).unwrap())
    };
    let (alice, bob) = (open("alice").await.unwrap(), open("bob").await.unwrap());
    alice.peers().connect(ConnectArgs::new(bob.info().url)).await.unwrap();
    (alice, bob)
}

async fn next(node: &Node) -> Message {
    let filter = Filter { kinds: vec![MessageKind::Peer], ..Filter::default() };
    node.inbox().filtered(filter).next_within(PATIENCE).await.unwrap().expect("a message comes")
}

async fn cancel(node: &Node, message_id: &str) -> CancelOutcome {
    let args = CancelArgs { message_id: message_id.into(), reason: Some("changed my mind".into()) };
    node.messages().cancel(args).await.unwrap().copies[0].outcome
}

async fn until(
    node: &Node,
    message_id: &str,
    state: DeliveryState,
) -> dmagent::error::Result<dmagent::Receipt> {
    let message_id = message_id.to_owned();
    node.messages().until(UntilArgs { message_id, state, timeout_secs: Some(PATIENCE.as_secs_f64()) }).await
}

async fn status(node: &Node, message_id: &str) -> dmagent::messaging::Delivery {
    let receipt = node.messages().status(MessageArgs { message_id: message_id.to_owned() }).await.unwrap();
    receipt.deliveries[0].clone()
}

/// The next event about a message that was taken back.
async fn cancelled(events: &mut EventStream) -> (String, Option<String>, bool) {
    let found = async {
        loop {
            if let Some(Observed::Event(event)) = events.next().await
                && let EventBody::Message(MessageEvent::MessageCancelled {
                    message_id,
                    reason,
                    handed_out,
                    ..
                }) = event.body
            {
                return (message_id, reason, handed_out);
            }
        }
    };
    tokio::time::timeout(PATIENCE, found).await.expect("the event comes")
}

async fn waiting(node: &Node) -> usize {
    let listed = node.messages().list(NoArgs {}).await.unwrap();
    listed.iter().filter(|message| message.kind == MessageKind::Peer).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_waits_at_the_recipient_is_gone_and_the_recipient_signs_that() {
    let (alice, bob) = pair().await;
    let mut events = bob.events();
    let sent = alice.send(bob.agent_id(), "never mind").await.unwrap();
    let kept = alice.send(bob.agent_id(), "this stays").await.unwrap();
    assert_eq!(cancel(&alice, &sent.message_id).await, CancelOutcome::Telling);
    let (message_id, reason, handed_out) = cancelled(&mut events).await;
    assert_eq!(
        (&message_id, reason.as_deref(), handed_out),
        (&sent.message_id, Some("changed my mind"), false)
    );
    let error = until(&alice, &sent.message_id, DeliveryState::Handled).await.unwrap_err();
    assert_eq!(error.code(), Code::MessageCancelled, "{error}");
    let copy = status(&alice, &sent.message_id).await;
    assert_eq!(copy.state, DeliveryState::Failed);
    assert_eq!(copy.reason.unwrap().code, "message_cancelled");
    let proof = copy.proof.unwrap().0;
    assert!(proof.is_valid() && proof.state == ReceiptState::Cancelled && proof.to == bob.agent_id());
    assert_eq!(next(&bob).await.message_id, kept.message_id);
    // Saying it again changes nothing.
    assert_eq!(cancel(&alice, &sent.message_id).await, CancelOutcome::Telling);
    assert_eq!(status(&alice, &sent.message_id).await.state, DeliveryState::Failed);
    let unknown = CancelArgs { message_id: "msg-never".into(), reason: None };
    assert_eq!(alice.messages().cancel(unknown).await.unwrap_err().code(), Code::MessageUnknown);
    // Only the author.
    let foreign = CancelArgs { message_id: kept.message_id.clone(), reason: None };
    assert_eq!(bob.messages().cancel(foreign).await.unwrap_err().code(), Code::MessageUnknown);
    let long = CancelArgs { message_id: kept.message_id, reason: Some("x".repeat(501)) };
    assert_eq!(alice.messages().cancel(long).await.unwrap_err().code(), Code::InvalidArgument);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_in_the_hands_of_an_agent_may_still_be_handled() {
    let (alice, bob) = pair().await;
    let mut events = bob.events();
    let sent = alice.send(bob.agent_id(), "careful").await.unwrap();
    let message = next(&bob).await;
    assert_eq!(cancel(&alice, &sent.message_id).await, CancelOutcome::Telling);
    let (message_id, _, handed_out) = cancelled(&mut events).await;
    assert!(handed_out && message_id == sent.message_id);
    bob.inbox().acknowledge(&message).await.unwrap();
    let receipt = until(&alice, &sent.message_id, DeliveryState::Handled).await.unwrap();
    assert_eq!(receipt.state, DeliveryState::Handled);
    assert_eq!(cancel(&alice, &sent.message_id).await, CancelOutcome::Telling);
    // What is over stays over.
    let done = alice.send(bob.agent_id(), "done").await.unwrap();
    let message = next(&bob).await;
    bob.inbox().acknowledge(&message).await.unwrap();
    until(&alice, &done.message_id, DeliveryState::Handled).await.unwrap();
    assert_eq!(cancel(&alice, &done.message_id).await, CancelOutcome::TooLate);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_an_agent_gives_back_does_not_come_again() {
    let (alice, bob) = pair().await;
    let mut events = bob.events();
    let sent = alice.send(bob.agent_id(), "careful").await.unwrap();
    let message = next(&bob).await;
    cancel(&alice, &sent.message_id).await;
    cancelled(&mut events).await;
    assert_eq!(waiting(&bob).await, 0);
    assert!(bob.inbox().release(&message, Duration::ZERO));
    let error = until(&alice, &sent.message_id, DeliveryState::Handled).await.unwrap_err();
    assert_eq!(error.code(), Code::MessageCancelled, "{error}");
    assert_eq!(status(&alice, &sent.message_id).await.proof.unwrap().0.state, ReceiptState::Cancelled);
    let late = bob.inbox().acknowledge(&message).await.unwrap_err();
    assert_eq!(late.code(), Code::MessageUnknown);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crash_with_the_message_in_hands_does_not_bring_it_back() {
    let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let alice = Node::open(config(&folders[0], "alice")).await.unwrap();
    let bob = Node::open(config(&folders[1], "bob")).await.unwrap();
    alice.peers().connect(ConnectArgs::new(bob.info().url)).await.unwrap();
    let mut events = bob.events();
    let sent = alice.send(bob.agent_id(), "careful").await.unwrap();
    next(&bob).await;
    cancel(&alice, &sent.message_id).await;
    cancelled(&mut events).await;
    let port = bob.info().url.rsplit(':').next().and_then(|port| port.parse().ok()).unwrap();
    bob.stop();
    drop((bob, events));
    let mut settings = config(&folders[1], "bob");
    settings.port = port;
    let bob = Node::open(settings).await.unwrap();
    assert_eq!(waiting(&bob).await, 0);
    let error = until(&alice, &sent.message_id, DeliveryState::Handled).await.unwrap_err();
    assert_eq!(error.code(), Code::MessageCancelled, "{error}");
    alice.close().await.unwrap();
    bob.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_recipient_that_is_away_is_told_when_it_returns_also_after_a_restart_of_the_author() {
    let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let alice = Node::open(config(&folders[0], "alice")).await.unwrap();
    let bob = Node::open(config(&folders[1], "bob")).await.unwrap();
    alice.peers().connect(ConnectArgs::new(bob.info().url)).await.unwrap();
    let sent = alice.send(bob.agent_id(), "for later").await.unwrap();
    let port = bob.info().url.rsplit(':').next().and_then(|port| port.parse().ok()).unwrap();
    bob.close().await.unwrap();
    assert_eq!(cancel(&alice, &sent.message_id).await, CancelOutcome::Telling);
    // What never left is over at once, and nobody is told.
    let queued = alice.send(bob.agent_id(), "behind it").await.unwrap();
    assert_eq!(status(&alice, &queued.message_id).await.state, DeliveryState::Stored);
    cancel(&alice, &queued.message_id).await;
    assert_eq!(status(&alice, &queued.message_id).await.reason.unwrap().code, "message_cancelled");
    assert_eq!(alice.info().outbox, 0);
    alice.close().await.unwrap();

    let alice = Node::open(config(&folders[0], "alice")).await.unwrap();
    let mut settings = config(&folders[1], "bob");
    settings.port = port;
    let bob = Node::open(settings).await.unwrap();
    let error = until(&alice, &sent.message_id, DeliveryState::Handled).await.unwrap_err();
    assert_eq!(error.code(), Code::MessageCancelled, "{error}");
    assert_eq!(waiting(&bob).await, 0);
    let given = bob.messages().receipts(NewestArgs::default()).await.unwrap();
    let of_sent = given.iter().find(|given| given.message_id == sent.message_id).unwrap();
    assert_eq!(of_sent.state, ReceiptState::Cancelled);
    alice.close().await.unwrap();
    bob.close().await.unwrap();
}

/// A node with a connected peer that is only a key.
async fn scene(capabilities: serde_json::Value) -> (Node, Actor, Client) {
    let mut settings = support::unlimited();
    settings.auto_accept = AutoAccept::Loopback;
    let node = support::open(settings, Actor::new(1).passport).await;
    let (peer, mut client) = (Actor::new(2), Client::new(support::address(&node)));
    let mut request = peer.plain_request("http://127.0.0.1:9");
    request.insert("capabilities".into(), capabilities);
    request.insert("nonce".into(), json!("n0"));
    let request = peer.sign(dmagent::wire::canonical::Domain::ConnectionRequest, &node.agent_id(), request);
    let reply =
        client.post("/__darkmatter__/connection_request", serde_json::to_vec(&request).unwrap()).await;
    assert_eq!(reply.json()["auto_accepted"], true, "{}", reply.text());
    (node, peer, client)
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_author_of_a_message_takes_it_back_and_a_recorded_frame_does_nothing_twice() {
    let (node, peer, mut client) = scene(json!({"signature": 2, "receipts": 1, "cancel": 1})).await;
    let us = node.agent_id();
    let message = peer.message(&us, Form::V2, "hello");
    let message_id = message["message_id"].as_str().unwrap().to_owned();
    let reply = client.post("/__darkmatter__/message", serde_json::to_vec(&message).unwrap()).await;
    assert_eq!(reply.status, 200, "{}", reply.text());
    let digest = "00".repeat(32);
    let mut post = async |frame: &support::actor::Object| {
        let reply = client.post("/__darkmatter__/cancel", serde_json::to_vec(frame).unwrap()).await;
        (reply.status, reply.json()["code"].as_str().unwrap_or_default().to_owned())
    };
    let stranger = Actor::new(3);
    let mut forged = peer.cancel(&us, &message_id, &digest);
    forged["body"]["cancels"][0]["reason"] = json!("other words");
    let mut unsigned = peer.cancel(&us, &message_id, &digest);
    unsigned.remove("signature_v2");
    let mut borrowed = stranger.cancel(&us, &message_id, &digest);
    borrowed.insert("from_agent_id".into(), json!(peer.id()));
    for (frame, refused) in [
        (stranger.cancel(&us, &message_id, &digest), (403, "peer_not_connected")),
        (forged, (403, "signature_invalid")),
        (unsigned, (403, "signature_missing")),
        (borrowed, (403, "signature_invalid")),
        (peer.cancel(&stranger.id(), &message_id, &digest), (403, "signature_invalid")),
        (peer.cancel(&us, "", &digest), (400, "wire_field")),
        (peer.cancel(&us, &message_id, "short"), (400, "wire_field")),
    ] {
        assert_eq!(post(&frame).await, (refused.0, refused.1.to_owned()), "{frame:?}");
        assert_eq!(waiting(&node).await, 1);
    }
    // Another agent's id says nothing about this message.
    let frame = peer.cancel(&us, "msg-of-somebody-else", &digest);
    assert_eq!(post(&frame).await.0, 200);
    assert_eq!(waiting(&node).await, 1);
    let frame = peer.cancel(&us, &message_id, &digest);
    assert_eq!(post(&frame).await.0, 200);
    assert_eq!(waiting(&node).await, 0);
    assert_eq!(post(&frame).await, (409, "replay".to_owned()));
    node.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_comes_after_it_was_taken_back_is_not_taken() {
    let (node, peer, mut client) = scene(json!({"signature": 2, "receipts": 1, "cancel": 1})).await;
    let us = node.agent_id();
    let message = peer.message(&us, Form::V2, "hello");
    let message_id = message["message_id"].as_str().unwrap().to_owned();
    let frame = peer.cancel(&us, &message_id, &"00".repeat(32));
    let reply = client.post("/__darkmatter__/cancel", serde_json::to_vec(&frame).unwrap()).await;
    assert_eq!(reply.status, 200, "{}", reply.text());
    let reply = client.post("/__darkmatter__/message", serde_json::to_vec(&message).unwrap()).await;
    assert_eq!(
        (reply.status, &reply.json()["receipt"]["state"]),
        (409, &json!("cancelled")),
        "{}",
        reply.text()
    );
    assert_eq!(waiting(&node).await, 0);
    node.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_peer_that_knows_no_cancel_is_not_asked_and_the_outcome_says_so() {
    let (node, peer, mut client) = scene(json!({"signature": 2, "receipts": 1})).await;
    let sent = node.send(peer.id(), "hello").await.unwrap();
    // It answered for a message whose answer was lost: it may have it.
    let digest = dmagent::messaging::body_digest("hello", &serde_json::Map::new(), None).unwrap();
    assert_eq!(cancel(&node, &sent.message_id).await, CancelOutcome::CannotTell);
    assert_eq!(status(&node, &sent.message_id).await.state, DeliveryState::Failed);
    assert_eq!(node.info().outbox, 0);
    // Nobody lets go of what was not taken back: such a receipt is passed over, one of the contrary counts.
    for (state, expected) in
        [(ReceiptState::Cancelled, DeliveryState::Failed), (ReceiptState::Handled, DeliveryState::Handled)]
    {
        let told = peer.receipts(&node.agent_id(), &[(&sent.message_id, state, digest.clone())]);
        let reply = client.post("/__darkmatter__/receipts", serde_json::to_vec(&told).unwrap()).await;
        assert_eq!(reply.status, 200, "{}", reply.text());
        let copy = status(&node, &sent.message_id).await;
        assert_eq!((copy.state, copy.proof.is_some()), (expected, state == ReceiptState::Handled));
    }
    node.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_question_that_nobody_waits_for_any_more_is_taken_back() {
    let (alice, bob) = pair().await;
    let mut events = bob.events();
    // Time runs out.
    let hurried = AskArgs { timeout_secs: Some(0.0), ..AskArgs::new(bob.agent_id(), "quick?") };
    assert_eq!(alice.messages().ask(hurried).await.unwrap_err().code(), Code::Timeout);
    // The future is dropped.
    let asker = alice.clone();
    let to = bob.agent_id();
    let asked = tokio::spawn(async move { asker.messages().ask(AskArgs::new(to, "slow?")).await });
    let filter = Filter { kinds: vec![MessageKind::Peer], ..Filter::default() };
    let slow = loop {
        let message = bob.inbox().filtered(filter.clone()).next_within(PATIENCE).await.unwrap().unwrap();
        if message.content == "slow?" {
            break message;
        }
        bob.inbox().release(&message, Duration::ZERO);
    };
    asked.abort();
    let reason = loop {
        let (message_id, reason, handed_out) = cancelled(&mut events).await;
        if message_id == slow.message_id {
            assert!(handed_out);
            break reason;
        }
    };
    assert_eq!(reason.as_deref(), Some("nobody waits for the answer any more"));
    let question = alice.messages().sent(NewestArgs::default()).await.unwrap();
    let hurried = question.iter().find(|receipt| receipt.message_id != slow.message_id).unwrap();
    let error = until(&alice, &hurried.message_id, DeliveryState::Answered).await.unwrap_err();
    assert_eq!(error.code(), Code::MessageCancelled, "{error}");
    // Whoever asks is told when somebody else takes the question back.
    let asker = alice.clone();
    let asked = tokio::spawn(async move { asker.messages().ask(AskArgs::new(to, "really?")).await });
    let question = next(&bob).await;
    bob.inbox().release(&question, Duration::ZERO);
    cancel(&alice, &question.message_id).await;
    assert_eq!(asked.await.unwrap().unwrap_err().code(), Code::MessageCancelled);
}
