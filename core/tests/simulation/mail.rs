//! Mail for those who are away: a day of sleep, senders that leave meanwhile, and a recipient that dies while it takes it.

use std::sync::Arc;

use dmagent::{
    DeliveryState, NodeConfig,
    messaging::{MessageEvent, Verification},
    node::events::EventBody,
    store::{self, MemoryStore, Range, Store as _, Table},
    wire::{mail::Custody, prekeys::KeyKind},
};
use tokio::time::sleep;

use crate::{
    actors::messages,
    healing::MINUTE,
    ledger::rows,
    life::{HOUR, take},
    steps::{Plan, keep_running},
    storage::events,
    world::{Machine, World, config, simulate},
};

fn keeping() -> NodeConfig {
    let mut config = config();
    config.mailbox = true;
    config
}

/// A sender, a recipient, and keepers, all acquainted, with the keys of everybody at every keeper.
pub(crate) async fn world_with_keepers(seed: u64, keepers: usize) -> World {
    let world = World::configured(seed, 2 + keepers, |index| if index < 2 { config() } else { keeping() });
    world.start().await;
    for (index, machine) in world.machines.iter().enumerate() {
        for other in &world.machines[index + 1..] {
            machine.connect(other).await.expect("nothing is broken");
        }
    }
    sleep(2 * MINUTE).await;
    world
}

pub(crate) fn values(machine: &Machine, table: Table) -> Vec<String> {
    use futures_util::FutureExt as _;
    let scan = MemoryStore::open(&machine.disk).scan(table, Range::all());
    let rows = scan.now_or_never().expect("memory answers at once").expect("memory does not fail");
    rows.into_iter().map(|row| row.value).collect()
}

/// Sends `1` to `count`, and returns the ids.
pub(crate) async fn send_numbers(from: &Machine, to: &Machine, count: usize) -> Vec<String> {
    let mut ids = Vec::new();
    for number in 1..=count {
        let receipt = from.node().send(to.id, number.to_string()).await.expect("it is kept");
        assert_eq!(receipt.state, DeliveryState::Stored);
        ids.push(receipt.message_id);
    }
    ids
}

pub(crate) fn numbers(count: usize) -> Vec<String> {
    (1..=count).map(|number| number.to_string()).collect()
}

pub(crate) async fn status(machine: &Machine, message_id: &str) -> dmagent::Receipt {
    let args = dmagent::api::MessageArgs { message_id: message_id.to_owned() };
    machine.node().messages().status(args).await.expect("it was sent")
}

/// The names of the one-time secrets of a machine.
fn one_time_secrets(machine: &Machine) -> Vec<String> {
    rows(&machine.disk, Table::PreKeys).into_iter().filter(|key| key.starts_with("one_time")).collect()
}

#[test]
fn a_peer_that_slept_for_a_day_has_its_mail_once_and_in_order_though_its_sender_is_gone() {
    simulate(1, |seed| async move {
        let world = world_with_keepers(seed, 1).await;
        let [sender, recipient, keeper] = [0, 1, 2].map(|index| &world.machines[index]);
        let secrets = one_time_secrets(recipient);
        assert_eq!(secrets.len(), 20);
        recipient.die();
        let mut happened = sender.node().events();
        let ids = send_numbers(sender, recipient, 5).await;
        sleep(5 * MINUTE).await;
        for id in &ids {
            let receipt = status(sender, id).await;
            // Somebody's word that it has a message is no word of the recipient.
            assert_eq!(receipt.state, DeliveryState::Stored);
            let [kept] = &receipt.deliveries[0].kept_by[..] else { panic!("{receipt:?}") };
            assert_eq!((kept.agent_id, kept.sealed_to), (keeper.id, KeyKind::OneTime));
            let custody: Custody = serde_json::from_str(&kept.proof).expect("it is signed");
            assert_eq!((custody.keeper, &custody.message_id), (keeper.id, id));
        }
        let told = events(&mut happened).into_iter().filter(|body| {
            matches!(body, EventBody::Message(MessageEvent::MessageKept { by, .. }) if *by == keeper.id)
        });
        assert_eq!(told.count(), 5);
        assert_eq!(values(keeper, Table::Mailbox).len(), 5);
        sender.die();
        // The keeper forgets nothing when it starts again.
        keeper.die();
        keeper.boot(None).await.expect("nothing stops its start");
        sleep(22 * HOUR).await;

        recipient.boot(None).await.expect("nothing stops its start");
        let inbox = recipient.node().inbox().filtered(messages());
        for number in numbers(5) {
            let message = inbox.next_within(5 * MINUTE).await.expect("it runs").expect("it comes");
            assert_eq!((message.content.clone(), message.from), (number, sender.id));
            assert_eq!(message.verification, Verification::SealedOneTime);
            inbox.acknowledge(&message).await.expect("it was just handed out");
        }
        sleep(MINUTE).await;
        assert!(rows(&keeper.disk, Table::Mailbox).is_empty(), "deleted with the recipient's word");
        let left = one_time_secrets(recipient);
        assert_eq!(secrets.iter().filter(|secret| left.contains(secret)).count(), 15, "five are destroyed");

        // The sender comes back, asks the recipient itself, and hears what became of its messages.
        sender.boot(None).await.expect("nothing stops its start");
        sleep(10 * MINUTE).await;
        assert!(take(recipient, MINUTE).await.is_empty(), "once");
        assert!(rows(&sender.disk, Table::Outbox).is_empty());
        for id in &ids {
            assert_eq!(status(sender, id).await.state, DeliveryState::Handled);
        }
    });
}

#[test]
fn of_two_copies_one_is_taken_and_the_keys_of_both_are_destroyed() {
    simulate(1, |seed| async move {
        let world = world_with_keepers(seed, 3).await;
        let [sender, recipient] = [0, 1].map(|index| &world.machines[index]);
        let secrets = one_time_secrets(recipient);
        assert_eq!(secrets.len(), 60);
        recipient.die();
        let ids = send_numbers(sender, recipient, 4).await;
        sleep(5 * MINUTE).await;
        for id in &ids {
            let kept_by = &status(sender, id).await.deliveries[0].kept_by;
            assert_eq!(kept_by.len(), 2, "two of three");
            assert!(kept_by.iter().all(|kept| kept.sealed_to == KeyKind::OneTime));
        }
        sender.die();
        recipient.boot(None).await.expect("nothing stops its start");
        assert_eq!(take(recipient, 5 * MINUTE).await, numbers(4));
        sleep(2 * MINUTE).await;
        assert!(world.machines[2..].iter().all(|keeper| rows(&keeper.disk, Table::Mailbox).is_empty()));
        let left = one_time_secrets(recipient);
        assert_eq!(secrets.iter().filter(|secret| left.contains(secret)).count(), 60 - 8);
    });
}

#[test]
fn whoever_was_away_for_too_long_gets_mail_that_says_it_has_no_forward_secrecy() {
    simulate(1, |seed| async move {
        let world = world_with_keepers(seed, 1).await;
        let [sender, recipient] = [0, 1].map(|index| &world.machines[index]);
        recipient.die();
        sleep(5 * 24 * HOUR).await;
        let ids = send_numbers(sender, recipient, 1).await;
        sleep(5 * MINUTE).await;
        assert_eq!(status(sender, &ids[0]).await.deliveries[0].kept_by[0].sealed_to, KeyKind::Identity);
        sender.die();
        recipient.boot(None).await.expect("nothing stops its start");
        let inbox = recipient.node().inbox().filtered(messages());
        let message = inbox.next_within(5 * MINUTE).await.expect("it runs").expect("it comes");
        assert_eq!(message.verification, Verification::Sealed);
    });
}

#[test]
fn the_receipt_of_the_recipient_ends_the_waiting_of_a_sender_that_cannot_reach_it_itself() {
    simulate(1, |seed| async move {
        let world = world_with_keepers(seed, 1).await;
        let [sender, recipient, keeper] = [0, 1, 2].map(|index| &world.machines[index]);
        recipient.die();
        let ids = send_numbers(sender, recipient, 3).await;
        sleep(5 * MINUTE).await;
        let mut happened = sender.node().events();
        // From now on only the keeper reaches both; the mesh would carry messages, but they went around already.
        world.network.partition(&[&sender.label], &[&recipient.label]);
        recipient.boot(None).await.expect("nothing stops its start");
        assert_eq!(take(recipient, 5 * MINUTE).await, numbers(3));
        sleep(10 * MINUTE).await;
        assert_eq!(sender.node().info().outbox, 0);
        for id in &ids {
            let receipt = status(sender, id).await;
            assert!(receipt.state >= DeliveryState::Accepted, "{receipt:?}");
            assert!(receipt.deliveries[0].proof.is_some());
        }
        let accepted = events(&mut happened)
            .into_iter()
            .filter(|body| matches!(body, EventBody::Message(MessageEvent::MessageAccepted { .. })));
        assert_eq!(accepted.count(), 3);
        assert!(rows(&keeper.disk, Table::Mailbox).is_empty());
    });
}

#[test]
fn wherever_the_recipient_dies_while_it_takes_its_mail_it_has_it_once_and_the_keys_are_destroyed() {
    let mut met = 0;
    for moment in [store::Moment::Before, store::Moment::After] {
        for n in 1.. {
            let died = simulate(n, |seed| async move {
                let world = world_with_keepers(seed, 1).await;
                let [sender, recipient, keeper] = [0, 1, 2].map(|index| Arc::clone(&world.machines[index]));
                let secrets = one_time_secrets(&recipient);
                recipient.die();
                send_numbers(&sender, &recipient, 3).await;
                sleep(5 * MINUTE).await;
                sender.die();
                recipient.boot(None).await.expect("nothing stops its start");
                let starts = recipient.starts();
                Plan::Commit(n, moment).apply(&recipient);
                world.tasks.spawn("supervisor", keep_running(Arc::clone(&recipient)));
                sleep(10 * MINUTE).await;
                let died = recipient.starts() > starts;
                Plan::cancel(&recipient);
                assert_eq!(take(&recipient, MINUTE).await, numbers(3), "{moment:?} {n}");
                assert!(rows(&keeper.disk, Table::Mailbox).is_empty());
                let left = one_time_secrets(&recipient);
                assert_eq!(secrets.iter().filter(|secret| left.contains(secret)).count(), 17, "{n}");
                died
            });
            if !died {
                break;
            }
            met += 1;
            assert!(n < 50, "taking three messages has an end");
        }
    }
    assert!(met >= 8, "only {met} steps were found");
}
