//! Receipts between nodes, through restarts and absences, and what those outside cannot make of them.

#![expect(clippy::unwrap_used, reason = "what does not fit fails the test")]

mod support;

use std::time::Duration;

use dmagent::{
    ConnectArgs, DeliveryState, Node, NodeConfig, SendArgs,
    api::{MessageArgs, NewestArgs, UntilArgs, VerifyReceiptArgs},
    error::Code,
    messaging::Message,
    peers::AutoAccept,
    wire::receipt::{ReceiptState, ReceiptText, SignedReceipt},
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

async fn receive(node: &Node) -> Message {
    loop {
        let message = node.inbox().next_within(PATIENCE).await.unwrap().expect("a message comes");
        if message.kind == dmagent::MessageKind::Peer {
            return message;
        }
        node.inbox().acknowledge(&message).await.unwrap();
    }
}

async fn until(
    node: &Node,
    message_id: &str,
    state: DeliveryState,
) -> dmagent::error::Result<dmagent::Receipt> {
    let message_id = message_id.to_owned();
    node.messages().until(UntilArgs { message_id, state, timeout_secs: Some(PATIENCE.as_secs_f64()) }).await
}

async fn status(node: &Node, message_id: &str) -> dmagent::Receipt {
    node.messages().status(MessageArgs { message_id: message_id.to_owned() }).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_recipient_handled_while_the_sender_was_away_is_told_when_it_returns() {
    let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let alice = Node::open(config(&folders[0], "alice")).await.unwrap();
    let bob = Node::open(config(&folders[1], "bob")).await.unwrap();
    alice.peers().connect(ConnectArgs::new(bob.info().url)).await.unwrap();
    let sent = alice.send(bob.agent_id(), "for later").await.unwrap();
    let port = alice.info().url.rsplit(':').next().and_then(|port| port.parse().ok()).unwrap();
    alice.close().await.unwrap();

    let message = receive(&bob).await;
    bob.inbox().acknowledge(&message).await.unwrap();
    // Neither side needs to have lived through it.
    bob.close().await.unwrap();
    let bob = Node::open(config(&folders[1], "bob")).await.unwrap();
    let mut settings = config(&folders[0], "alice");
    settings.port = port;
    let alice = Node::open(settings).await.unwrap();
    let receipt = sent.until(&alice, DeliveryState::Handled, Some(PATIENCE)).await.unwrap();
    let signed = receipt.deliveries[0].proof.clone().unwrap().0;
    assert_eq!(
        (signed.state, signed.to, signed.from),
        (ReceiptState::Handled, bob.agent_id(), alice.agent_id())
    );

    // A third party checks it, offline.
    let text = |receipt: &SignedReceipt| ReceiptText(receipt.clone()).to_string();
    let proof = text(&signed);
    let carol = Node::open(NodeConfig::ephemeral()).await.unwrap();
    let verify = async |receipt, content: &str| {
        let content = Some(content.to_owned());
        let metadata = serde_json::Map::new();
        let args = VerifyReceiptArgs { receipt, content, metadata, in_reply_to: None };
        carol.messages().verify(args).await
    };
    let verdict = verify(proof.clone(), "for later").await.unwrap();
    assert_eq!((verdict.valid, verdict.content_matches), (true, Some(true)));
    assert_eq!(verify(proof.clone(), "for ever").await.unwrap().content_matches, Some(false));
    let forged = SignedReceipt { state: ReceiptState::Answered, ..signed };
    assert!(!verify(text(&forged), "for later").await.unwrap().valid);

    // Both sides keep it.
    let given = bob.messages().receipts(NewestArgs::default()).await.unwrap();
    assert_eq!(given.iter().map(|given| &given.receipt).collect::<Vec<_>>(), [&proof]);
    assert_eq!(alice.messages().sent(NewestArgs::default()).await.unwrap(), [receipt]);
    for node in [alice, bob, carol] {
        node.close().await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_message_that_was_sent_in_a_crowd_is_followed_to_its_answer() {
    const COUNT: usize = 120;
    let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let open = |folder, name| {
        let mut config = config(folder, name);
        config.limits.peer = None;
        Node::open(config)
    };
    let alice = open(&folders[0], "alice").await.unwrap();
    let bob = open(&folders[1], "bob").await.unwrap();
    alice.peers().connect(ConnectArgs::new(bob.info().url)).await.unwrap();
    let answering = async {
        for _ in 0..COUNT {
            let message = receive(&bob).await;
            bob.messages().send(SendArgs::reply(&message, "yes")).await.unwrap();
            bob.inbox().acknowledge(&message).await.unwrap();
        }
    };
    let sends = (0..COUNT).map(|number| alice.send(bob.agent_id(), number.to_string()));
    let (receipts, ()) = tokio::join!(futures_util::future::try_join_all(sends), answering);
    let receipts = receipts.unwrap();
    for receipt in receipts {
        until(&alice, &receipt.message_id, DeliveryState::Answered).await.unwrap();
    }
    alice.close().await.unwrap();
    bob.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wait_ends_with_the_reason_when_the_message_ends_otherwise() {
    let mut settings = NodeConfig::ephemeral();
    settings.memory = true;
    let alice = Node::open(settings.clone()).await.unwrap();
    let bob = Node::open(settings).await.unwrap();
    alice.peers().connect(ConnectArgs::new(bob.info().url)).await.unwrap();
    bob.stop();
    let mut message = SendArgs::new(bob.agent_id(), "hurry");
    message.expires_in_secs = Some(1.0);
    let sent = alice.messages().send(message).await.unwrap();
    assert_eq!(sent.state, DeliveryState::Stored);
    let error = until(&alice, &sent.message_id, DeliveryState::Handled).await.unwrap_err();
    assert_eq!(error.code(), Code::MessageExpired, "{error}");
    assert_eq!(status(&alice, &sent.message_id).await.state, DeliveryState::Expired);
    alice.close().await.unwrap();
}

/// A node with a connected peer that is only a key, and a message for it that waits.
async fn scene() -> (Node, Actor, Client, String, String) {
    let mut settings = support::unlimited();
    settings.auto_accept = AutoAccept::Loopback;
    let node = support::open(settings, Actor::new(1).passport).await;
    let (peer, mut client) = (Actor::new(2), Client::new(support::address(&node)));
    let mut request = peer.plain_request("http://127.0.0.1:9");
    request.insert("capabilities".into(), json!({"signature": 2, "seal": 1, "receipts": 1}));
    request.insert("nonce".into(), json!("n0"));
    let request = peer.sign(dmagent::wire::canonical::Domain::ConnectionRequest, &node.agent_id(), request);
    let reply =
        client.post("/__darkmatter__/connection_request", serde_json::to_vec(&request).unwrap()).await;
    assert_eq!(reply.json()["auto_accepted"], true, "{}", reply.text());
    let sent = node.send(peer.id(), "secret plan").await.unwrap();
    assert_eq!(sent.state, DeliveryState::Stored);
    let digest = dmagent::messaging::body_digest("secret plan", &serde_json::Map::new(), None).unwrap();
    (node, peer, client, sent.message_id, digest)
}

#[tokio::test(flavor = "multi_thread")]
async fn forged_receipts_move_nothing() {
    let (node, peer, mut client, message_id, digest) = scene().await;
    let mallory = Actor::new(3);
    let us = node.agent_id();
    let good = |signer: &Actor| signer.receipts(&us, &[(&message_id, ReceiptState::Handled, digest.clone())]);
    let mut claims_to_be_the_peer = good(&mallory);
    claims_to_be_the_peer["receipts"][0]["to"] = json!(peer.id());
    let mut raised = peer.receipts(&us, &[(&message_id, ReceiptState::Delivered, digest.clone())]);
    raised["receipts"][0]["state"] = json!("handled");
    let for_somebody_else =
        peer.receipts(&mallory.id(), &[(&message_id, ReceiptState::Handled, digest.clone())]);
    let mut mixed = good(&peer);
    let of_mallory = good(&mallory)["receipts"][0].clone();
    mixed["receipts"].as_array_mut().unwrap().push(of_mallory);
    for (forged, refused) in [
        (good(&mallory), 403),
        (claims_to_be_the_peer, 403),
        (raised, 403),
        (for_somebody_else, 403),
        (mixed, 400),
    ] {
        let reply = client.post("/__darkmatter__/receipts", serde_json::to_vec(&forged).unwrap()).await;
        assert_eq!(reply.status, refused, "{}", reply.text());
        assert_eq!(status(&node, &message_id).await.state, DeliveryState::Stored);
    }
    // True, but about other words than ours, or about a message that was never sent.
    let other_words = "11".repeat(32);
    for about in [(message_id.as_str(), other_words), ("msg-never", digest.clone())] {
        let told = peer.receipts(&us, &[(about.0, ReceiptState::Handled, about.1)]);
        let reply = client.post("/__darkmatter__/receipts", serde_json::to_vec(&told).unwrap()).await;
        assert_eq!((reply.status, &reply.json()["known"]), (200, &json!(0)), "{}", reply.text());
        assert_eq!(status(&node, &message_id).await.state, DeliveryState::Stored);
    }
    let reply = client.post("/__darkmatter__/receipts", serde_json::to_vec(&good(&peer)).unwrap()).await;
    assert_eq!((reply.status, &reply.json()["known"]), (200, &json!(1)), "{}", reply.text());
    assert_eq!(status(&node, &message_id).await.state, DeliveryState::Handled);
    // Repeated or older news moves nothing.
    let older = peer.receipts(&us, &[(&message_id, ReceiptState::Delivered, digest.clone())]);
    for news in [good(&peer), older] {
        let reply = client.post("/__darkmatter__/receipts", serde_json::to_vec(&news).unwrap()).await;
        assert_eq!(reply.status, 200);
        assert_eq!(status(&node, &message_id).await.state, DeliveryState::Handled);
    }
    node.close().await.unwrap();
}
