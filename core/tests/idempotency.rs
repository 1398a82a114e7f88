//! A call that is repeated under its idempotency key, after answers, restarts and crashes, is one message.

#![expect(clippy::unwrap_used, reason = "what does not fit fails the test")]

mod support;

use std::{sync::Arc, time::Duration};

use dmagent::{
    ConnectArgs, DeliveryState, Node, Parts, SendArgs,
    api::{AskArgs, MessageArgs, Recipients},
    error::Code,
    identity::Passport,
    messaging::{Filter, Message, MessageKind},
    store::{CrashPlan, FaultyStore, MemoryDisk, MemoryStore, Moment},
};
use serde_json::{Map, json};

const PATIENCE: Duration = Duration::from_secs(20);

/// A life of alice over what earlier lives left on her disk.
async fn alice(disk: &MemoryDisk) -> (Node, Arc<FaultyStore>) {
    let store = Arc::new(FaultyStore::new(Arc::new(MemoryStore::open(disk))));
    let parts = Parts {
        passport: Some(Passport::from_seed([1; 32])),
        store: Some(Arc::clone(&store) as _),
        ..Parts::default()
    };
    (Node::open_with(support::unlimited(), parts).await.unwrap(), store)
}

/// Bob, whom alice is connected to.
async fn bob(alice: &Node) -> Node {
    let mut config = support::unlimited();
    config.bootstrap_mode = true;
    let bob = support::open(config, Passport::from_seed([2; 32])).await;
    alice.peers().connect(ConnectArgs::new(bob.info().url)).await.unwrap();
    bob
}

fn order(bob: &Node, content: &str) -> SendArgs {
    SendArgs { idempotency_key: Some("order 7".into()), ..SendArgs::new(bob.agent_id(), content) }
}

/// What bob has from alice, once the last message of the test is there.
async fn all(bob: &Node) -> Vec<Message> {
    let from_peers = Filter { kinds: vec![MessageKind::Peer], ..Filter::default() };
    let inbox = bob.inbox().filtered(from_peers);
    let mut messages = Vec::new();
    loop {
        let message = inbox.next_within(PATIENCE).await.unwrap().expect("the last message comes");
        if message.content == "the end" {
            return messages;
        }
        messages.push(message);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_call_again_gives_the_receipt_of_the_first_and_sends_nothing() {
    let disk = MemoryDisk::new();
    let (node, _) = alice(&disk).await;
    let bob = bob(&node).await;
    let first = node.messages().send(order(&bob, "pay 7")).await.unwrap();
    assert_eq!(first.state, DeliveryState::Accepted);
    for _ in 0..2 {
        let again = node.messages().send(order(&bob, "pay 7")).await.unwrap();
        assert_eq!((again.message_id, again.state), (first.message_id.clone(), DeliveryState::Accepted));
    }
    // How long a call waits is no part of what it says, nor whether a single recipient stands in a list.
    let patient =
        SendArgs { timeout_secs: 3.0, to: Recipients::Several(vec![bob.agent_id()]), ..order(&bob, "pay 7") };
    assert_eq!(node.messages().send(patient).await.unwrap().message_id, first.message_id);
    node.close().await.unwrap();

    let (node, _) = alice(&disk).await;
    let again = node.messages().send(order(&bob, "pay 7")).await.unwrap();
    assert_eq!((&again.message_id, again.state), (&first.message_id, DeliveryState::Accepted));
    let mut metadata = Map::new();
    metadata.insert("a".into(), json!(1));
    for (other, word) in [
        (order(&bob, "pay 8"), "another body"),
        (SendArgs { metadata, ..order(&bob, "pay 7") }, "another body"),
        (SendArgs { in_reply_to: Some("msg-1".into()), ..order(&bob, "pay 7") }, "another body"),
        (SendArgs { to: node.agent_id().into(), ..order(&bob, "pay 7") }, "other recipients"),
        (SendArgs { hops: 3, ..order(&bob, "pay 7") }, "other options"),
        (SendArgs { expires_in_secs: Some(60.0), ..order(&bob, "pay 7") }, "other options"),
    ] {
        let error = node.messages().send(other).await.unwrap_err();
        assert_eq!(error.code(), Code::IdempotencyKeyReused, "{error}");
        assert!(error.message().contains(word), "{error}");
    }
    node.send(bob.agent_id(), "the end").await.unwrap();
    assert_eq!(all(&bob).await.len(), 1);
    node.close().await.unwrap();
    bob.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_side_by_side_under_one_key_are_one_message() {
    let (node, _) = alice(&MemoryDisk::new()).await;
    let bob = bob(&node).await;
    let calls = (0..10).map(|_| {
        let (node, args) = (node.clone(), order(&bob, "pay 7"));
        async move { node.messages().send(args).await }
    });
    let receipts = futures_util::future::try_join_all(calls).await.unwrap();
    let mut ids: Vec<_> = receipts.into_iter().map(|receipt| receipt.message_id).collect();
    ids.dedup();
    assert_eq!(ids.len(), 1);
    node.send(bob.agent_id(), "the end").await.unwrap();
    let messages = all(&bob).await;
    assert_eq!(messages.iter().map(|message| &message.message_id).collect::<Vec<_>>(), [&ids[0]]);
    node.close().await.unwrap();
    bob.close().await.unwrap();
}

/// Dies at every commit of a send in turn, before and after it, and repeats the call in the next life.
#[tokio::test(flavor = "multi_thread")]
async fn a_call_without_an_answer_that_is_repeated_after_a_crash_is_one_message() {
    let mut crashes = 0;
    for at in 1..=4 {
        for moment in [Moment::Before, Moment::After] {
            let disk = MemoryDisk::new();
            let (node, store) = alice(&disk).await;
            let bob = bob(&node).await;
            store.plan_crash(Some(CrashPlan { at_commit: store.commits() + at, moment }));
            let messages = node.messages();
            let dying = tokio::select! {
                biased;
                () = store.crash() => true,
                sent = messages.send(order(&bob, "pay 7")) => {
                    // The commit that follows the delivery may be the one that dies.
                    assert_eq!(sent.unwrap().state, DeliveryState::Accepted);
                    false
                }
            };
            crashes += usize::from(dying);
            drop(node);

            let (node, _) = alice(&disk).await;
            let first = node.messages().send(order(&bob, "pay 7")).await.unwrap();
            let again = node.messages().send(order(&bob, "pay 7")).await.unwrap();
            assert_eq!(first.message_id, again.message_id);
            node.send(bob.agent_id(), "the end").await.unwrap();
            let messages = all(&bob).await;
            let ids: Vec<_> = messages.iter().map(|message| &message.message_id).collect();
            assert_eq!(ids, [&first.message_id], "commit {at}, {moment:?}");
            node.close().await.unwrap();
            bob.close().await.unwrap();
        }
    }
    assert!(crashes >= 2, "the first commit is the one that the call waits for");
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_leaves_before_the_key_is_on_disk() {
    let disk = MemoryDisk::new();
    let (node, store) = alice(&disk).await;
    let bob = bob(&node).await;
    let plan = CrashPlan { at_commit: store.commits() + 1, moment: Moment::Before };
    store.plan_crash(Some(plan));
    let messages = node.messages();
    tokio::select! {
        () = store.crash() => {}
        sent = messages.send(order(&bob, "pay 7")) => panic!("{sent:?}"),
    }
    drop(node);
    // Another body is no error: the call left nothing, neither here nor there.
    let (node, _) = alice(&disk).await;
    node.messages().send(order(&bob, "pay 8")).await.unwrap();
    node.send(bob.agent_id(), "the end").await.unwrap();
    let contents: Vec<_> = all(&bob).await.into_iter().map(|message| message.content).collect();
    assert_eq!(contents, ["pay 8"]);
    node.close().await.unwrap();
    bob.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_became_of_a_message_is_known_under_its_key_after_the_table_forgot_it() {
    let disk = MemoryDisk::new();
    let (node, _) = alice(&disk).await;
    let bob = bob(&node).await;
    let first = node.messages().send(order(&bob, "pay 7")).await.unwrap();
    node.close().await.unwrap();
    let mut config = support::unlimited();
    config.sent_limit = 1;
    let parts = Parts {
        passport: Some(Passport::from_seed([1; 32])),
        store: Some(Arc::new(MemoryStore::open(&disk))),
        ..Parts::default()
    };
    let node = Node::open_with(config, parts).await.unwrap();
    for _ in 0..3 {
        node.send(bob.agent_id(), "more").await.unwrap();
    }
    let args = MessageArgs { message_id: first.message_id.clone() };
    assert_eq!(node.messages().status(args).await.unwrap_err().code(), Code::MessageUnknown);
    let again = node.messages().send(order(&bob, "pay 7")).await.unwrap();
    assert_eq!((&again.message_id, again.state), (&first.message_id, DeliveryState::Accepted));
    node.close().await.unwrap();
    bob.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_question_asked_again_waits_for_the_answer_to_the_first() {
    let disk = MemoryDisk::new();
    let (node, store) = alice(&disk).await;
    let bob = bob(&node).await;
    let question = || AskArgs {
        timeout_secs: Some(PATIENCE.as_secs_f64()),
        idempotency_key: Some("q".into()),
        ..AskArgs::new(bob.agent_id(), "how much?")
    };
    // The process dies while the question is under way.
    store.plan_crash(Some(CrashPlan { at_commit: store.commits() + 1, moment: Moment::After }));
    let messages = node.messages();
    tokio::select! {
        () = store.crash() => {}
        answer = messages.ask(question()) => panic!("{answer:?}"),
    }
    drop(node);
    let (node, _) = alice(&disk).await;
    let messages = node.messages();
    let answering = async {
        let from_peers = Filter { kinds: vec![MessageKind::Peer], ..Filter::default() };
        let heard = bob.inbox().filtered(from_peers).next_within(PATIENCE).await.unwrap().unwrap();
        bob.messages().send(SendArgs::reply(&heard, "seven")).await.unwrap();
        heard
    };
    let (answer, heard) = tokio::join!(messages.ask(question()), answering);
    let answer = answer.unwrap();
    assert_eq!((answer.content.as_str(), &answer.in_reply_to), ("seven", &Some(heard.message_id)));
    // As long as the answer is not acknowledged, a call may ask for it again.
    assert!(node.inbox().release(&answer, Duration::ZERO));
    assert_eq!(node.messages().ask(question()).await.unwrap().message_id, answer.message_id);
    node.inbox().acknowledge(&answer).await.unwrap();
    assert_eq!(node.messages().ask(question()).await.unwrap_err().code(), Code::MessageUnknown);
    node.close().await.unwrap();
    bob.close().await.unwrap();
}
