//! Disks that fail for a moment: the node says so, refuses, recovers by itself, and keeps every promise.

use std::{sync::Arc, time::Duration};

use dmagent::{
    Acknowledged, DeliveryState, SendArgs,
    api::UpdateArgs,
    error::{Code, Error},
    node::events::{EventBody, EventStream, NodeEvent, Observed},
    store::{Table, sequence::key},
};
use futures_util::FutureExt as _;
use tokio::time::sleep;

use crate::{
    actors::{Habits, consume, messages, settle},
    ledger::{Ledger, has_taken, rows},
    world::{Chance, Machine, World, simulate},
};

fn full() -> Error {
    Error::new(Code::StoreFull, "the disk is full")
}

/// Lets the n-th commit from now fail.
fn fail(machine: &Machine, n: u64) {
    let store = machine.life().expect("it is on").store;
    store.fail_commit(store.commits() + n, full());
}

/// The events that are there already.
pub(crate) fn events(stream: &mut EventStream) -> Vec<EventBody> {
    let next = std::iter::from_fn(|| stream.next().now_or_never().flatten());
    next.map(|observed| match observed {
        Observed::Event(event) => event.body,
        Observed::Missed { missed } => panic!("{missed} events are lost"),
    })
    .collect()
}

async fn connected() -> World {
    let world = World::started(1, 2).await;
    world.machines[0].connect(&world.machines[1]).await.expect("nothing is broken yet");
    sleep(Duration::from_secs(1)).await;
    world
}

#[test]
fn a_receiver_whose_disk_is_full_refuses_until_it_has_recovered_and_then_takes_the_message_once() {
    simulate(1, |_| async {
        let world = connected().await;
        let [sender, receiver] = [&world.machines[0], &world.machines[1]];
        let mut happened = receiver.node().events();
        fail(receiver, 1);
        let receipt = sender.node().send(receiver.id, "first").await.expect("our disk works");
        assert_eq!(receipt.state, DeliveryState::Stored, "{receipt:?}");
        let reason = receipt.deliveries[0].reason.as_ref().expect("stored, and not accepted, for a reason");
        assert!(reason.text.contains("cannot take it now"), "{reason:?}");
        assert!(!has_taken(&receiver.disk, &sender.id, &receipt.message_id));
        let refused = receiver.node().send(sender.id, "back").await.expect_err("nothing can be stored");
        assert_eq!(refused.code(), Code::StoreUnavailable);
        let refused =
            receiver.node().update(UpdateArgs { bio: Some("x".into()), ..UpdateArgs::default() }).await;
        assert_eq!(refused.expect_err("nothing can be stored").code(), Code::StoreUnavailable);
        let second = sender.node().send(receiver.id, "second").await.expect("our disk works");
        assert_eq!(second.state, DeliveryState::Stored);

        sleep(Duration::from_secs(10)).await;
        let told = events(&mut happened);
        let position = |wanted: fn(&NodeEvent) -> bool| {
            told.iter().position(|body| matches!(body, EventBody::Node(event) if wanted(event)))
        };
        let failed = position(|event| matches!(event, NodeEvent::StorageFailed { .. }));
        let recovered = position(|event| matches!(event, NodeEvent::StorageRecovered));
        assert!(failed.is_some() && failed < recovered, "{told:?}");
        let inbox = receiver.node().inbox().filtered(messages());
        for wanted in [receipt.message_id, second.message_id] {
            let message =
                inbox.next_within(Duration::from_secs(60)).await.expect("it runs").expect("it comes");
            assert_eq!(message.message_id, wanted);
            inbox.acknowledge(&message).await.expect("the disk works again");
        }
        assert_eq!(inbox.next_within(Duration::from_secs(600)).await.expect("it runs"), None);
    });
}

#[test]
fn a_sender_whose_disk_is_full_promises_nothing_that_only_memory_knows() {
    simulate(1, |_| async {
        let world = connected().await;
        let [sender, receiver] = [&world.machines[0], &world.machines[1]];
        receiver.die();
        fail(sender, 1);
        let refused = sender.node().send(receiver.id, "lost").await.expect_err("neither disk has it");
        assert_eq!(refused.code(), Code::StoreFull);
        let refused = sender.node().send(receiver.id, "too early").await.expect_err("still not");
        assert_eq!(refused.code(), Code::StoreUnavailable);
        sleep(Duration::from_secs(2)).await;
        assert_eq!(sender.node().info().outbox, 0, "memory follows the disk");
        let receipt = sender.node().send(receiver.id, "kept").await.expect("the disk works again");
        assert_eq!(receipt.state, DeliveryState::Stored);
        receiver.boot(None).await.expect("nothing stops its start");
        let inbox = receiver.node().inbox().filtered(messages());
        let message = inbox.next_within(Duration::from_secs(60)).await.expect("it runs").expect("it comes");
        assert_eq!(message.content, "kept");
    });
}

/// How a node fares whose disk was full when it acknowledged.
#[derive(Clone, Copy, Debug)]
enum Then {
    Recovers,
    Closes,
    Dies,
}

/// The messages that come after two acknowledgements on a full disk, in the next life of the node at the latest.
async fn acknowledged_on_a_full_disk(then: Then) -> Vec<String> {
    let world = connected().await;
    let [sender, receiver] = [&world.machines[0], &world.machines[1]];
    for text in ["first", "second", "third"] {
        sender.node().send(receiver.id, text).await.expect("nothing is broken");
    }
    let inbox = || receiver.node().inbox().filtered(messages());
    let [first, second] =
        [inbox().next().await, inbox().next().await].map(|taken| taken.expect("it is there"));
    fail(receiver, 1);
    // The one meets the full disk, the other a node that knows of it.
    for message in [&first, &second] {
        assert_eq!(
            inbox().acknowledge(message).await.expect("memory has room"),
            Acknowledged { stored: false }
        );
        let repeated = inbox().acknowledge(message).await.expect_err("it is over");
        assert_eq!(repeated.code(), Code::MessageUnknown);
    }
    match then {
        Then::Recovers => {
            sleep(Duration::from_secs(10)).await;
            let stored = rows(&receiver.disk, Table::Inbox);
            assert!(!stored.contains(&key(first.sequence)) && !stored.contains(&key(second.sequence)));
            // A new message gets a number of its own, so a late repetition of the acknowledgement hits nobody.
            sender.node().send(receiver.id, "fourth").await.expect("nothing is broken");
            let repeated = inbox().acknowledge(&second).await.expect_err("it is over");
            assert_eq!(repeated.code(), Code::MessageUnknown);
        }
        Then::Closes => {
            receiver.node().close().await.expect("the disk works again");
            receiver.die();
            receiver.boot(None).await.expect("nothing stops its start");
        }
        Then::Dies => {
            receiver.die();
            let life = receiver.boot(None).await.expect("nothing stops its start");
            assert_eq!(life.store.commits(), 0, "a full disk would have stopped it");
        }
    }
    let mut contents = Vec::new();
    while let Some(message) = inbox().next_within(Duration::from_secs(60)).await.expect("it runs") {
        contents.push(message.content.clone());
        assert_eq!(
            inbox().acknowledge(&message).await.expect("the disk works"),
            Acknowledged { stored: true }
        );
    }
    contents
}

#[test]
fn an_acknowledgement_that_the_disk_does_not_take_holds_while_the_node_lives_and_is_written_when_it_can() {
    for (then, wanted) in [
        (Then::Recovers, &["third", "fourth"][..]),
        (Then::Closes, &["third"]),
        (Then::Dies, &["first", "second", "third"]),
    ] {
        assert_eq!(simulate(1, |_| acknowledged_on_a_full_disk(then)), wanted, "{then:?}");
    }
}

/// Several messages at once, and one commit somewhere in it fails. True when there was one to fail.
async fn failing_commit(victim: usize, n: u64) -> bool {
    let world = connected().await;
    let [sender, receiver] = [0, 1].map(|index| Arc::clone(&world.machines[index]));
    let ledger = Arc::new(Ledger::default());
    let way = Duration::from_millis(20);
    world.network.set_conditions(dmagent::transport::memory::Conditions {
        min_latency: way,
        max_latency: 10 * way,
        ..Default::default()
    });
    let consumer = consume(Arc::clone(&receiver), Arc::clone(&ledger), Chance::new(n, 1), Habits::default());
    world.tasks.spawn("consumer", consumer);
    let mut happened = world.machines[victim].node().events();
    fail(&world.machines[victim], n);
    let sends = (1..=4).map(|number: u64| {
        let (sender, receiver, ledger) = (&sender, &receiver, &ledger);
        async move {
            sleep(Duration::from_millis(100 * number)).await;
            let args = SendArgs { timeout_secs: 0.05, ..SendArgs::new(receiver.id, number.to_string()) };
            ledger.sent(sender, receiver, number, Some(sender.node().messages().send(args).await));
        }
    });
    futures_util::future::join_all(sends).await;
    sleep(Duration::from_secs(10)).await;
    let was_met = events(&mut happened)
        .iter()
        .any(|body| matches!(body, EventBody::Node(NodeEvent::StorageFailed { .. })));
    let calm = settle(&world, Duration::from_secs(600)).await;
    ledger.audit();
    assert!(calm, "something still waits");
    was_met
}

#[test]
fn whichever_commit_fails_nothing_that_was_promised_is_lost() {
    for victim in [0, 1] {
        let mut n = 1;
        while simulate(n, |n| failing_commit(victim, n)) {
            n += 1;
        }
        assert!(n > 8, "four messages have two commits each on either side");
    }
}
