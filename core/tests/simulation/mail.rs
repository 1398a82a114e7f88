//! Mail for those who are away: a day of sleep, senders that leave meanwhile, and keepers that drop, forge, reorder and
//! repeat what they were given.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use dmagent::{
    DeliveryState, NodeConfig,
    env::Timestamp,
    identity::Passport,
    messaging::{MessageEvent, OutboxItem, Verification},
    node::events::EventBody,
    store::{self, MemoryStore, Range, Store as _, Table},
    transport::{
        Arrival, Grant, Method, Receiver, Request, Transport as _,
        memory::{MemoryNetwork, MemoryTransport},
    },
    wire::{
        Answer,
        canonical::Domain,
        mail::{Custody, KeptMessage},
        prekeys::{Bundle, KeyKind, OneTimeKey, Publication},
        route::MESH_PREFIX,
    },
};
use parking_lot::Mutex;
use serde_json::{Map, Value, json};
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
async fn world_with_keepers(seed: u64, keepers: usize) -> World {
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

fn values(machine: &Machine, table: Table) -> Vec<String> {
    use futures_util::FutureExt as _;
    let scan = MemoryStore::open(&machine.disk).scan(table, Range::all());
    let rows = scan.now_or_never().expect("memory answers at once").expect("memory does not fail");
    rows.into_iter().map(|row| row.value).collect()
}

/// Sends `1` to `count`, and returns the ids.
async fn send_numbers(from: &Machine, to: &Machine, count: usize) -> Vec<String> {
    let mut ids = Vec::new();
    for number in 1..=count {
        let receipt = from.node().send(to.id, number.to_string()).await.expect("it is kept");
        assert_eq!(receipt.state, DeliveryState::Stored);
        ids.push(receipt.message_id);
    }
    ids
}

fn numbers(count: usize) -> Vec<String> {
    (1..=count).map(|number| number.to_string()).collect()
}

async fn status(machine: &Machine, message_id: &str) -> dmagent::Receipt {
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

/// A keeper that says what it should and does what it likes.
struct Hostile {
    keys: Passport,
    network: MemoryNetwork,
    label: String,
    published: Mutex<Vec<Publication>>,
    mail: Mutex<Vec<KeptMessage>>,
    /// Serves the first bundle it got instead of the newest.
    serves_old: bool,
    /// Signs custody for something else than it was given.
    forges: bool,
}

impl Hostile {
    /// Takes the place of a machine that is off.
    async fn instead_of(
        world: &World,
        seed: u64,
        machine: &Machine,
        serves_old: bool,
        forges: bool,
    ) -> Arc<Self> {
        let hostile = Arc::new(Self {
            keys: Machine::identity(seed, machine.index),
            network: world.network.clone(),
            label: machine.label.clone(),
            published: Mutex::default(),
            mail: Mutex::default(),
            serves_old,
            forges,
        });
        let door = MemoryTransport::new(&world.network, &hostile.label);
        door.listen(Arc::clone(&hostile) as Arc<dyn Receiver>).await.expect("the place is free");
        world.tasks.spawn("hostile", async move {
            let _door = door;
            std::future::pending::<()>().await;
        });
        hostile
    }

    fn answer(&self, request: &Map<String, Value>) -> Value {
        if let Some(publish) = request.get("publish") {
            let publication: Publication = serde_json::from_value(publish.clone()).expect("it is ours");
            self.published.lock().push(publication);
            return json!({"status": "published", "one_time_left": 0});
        }
        if let Some(put) = request.get("put") {
            let mail: KeptMessage = serde_json::from_value(put.clone()).expect("it is ours");
            let mut said = mail.clone();
            if self.forges {
                said.message_id.push('0');
            }
            self.mail.lock().push(mail);
            return json!({"status": "kept", "custody": Custody::sign(&self.keys, &said)});
        }
        let published = self.published.lock();
        let served = if self.serves_old { published.first() } else { published.last() };
        let bundle: Option<Bundle> = served.map(|publication| publication.bundle.clone());
        let one_time: Option<OneTimeKey> = None;
        json!({"status": "keys", "bundle": bundle, "one_time": one_time})
    }

    /// Hands something over, as a keeper does.
    async fn hand_over(&self, to: &Machine, mail: &KeptMessage) -> u16 {
        let from = MemoryTransport::new(&self.network, format!("{}-out", self.label));
        let request = Request {
            method: Method::Post,
            path: format!("{MESH_PREFIX}{}/kept_message", to.id),
            body: json!({"keeper": self.keys.agent_id(), "mail": mail}).to_string().into(),
            timeout: Duration::from_secs(5),
            grant: Grant::None,
        };
        from.send(&to.url(), request).await.expect("it is there").status
    }
}

#[async_trait]
impl Receiver for Hostile {
    async fn receive(&self, arrival: Arrival) -> Answer {
        if arrival.path.ends_with("/mailbox") {
            let request: Map<String, Value> = serde_json::from_slice(&arrival.body).expect("it is ours");
            return Answer::ok(self.answer(&request));
        }
        Answer::ok(json!({"agent_id": self.keys.agent_id(), "your_ip": "unknown", "status": "received"}))
    }
}

#[test]
fn a_keeper_that_reorders_repeats_and_changes_mail_gains_nothing() {
    simulate(1, |seed| async move {
        let world = world_with_keepers(seed, 1).await;
        let [sender, recipient, keeper] = [0, 1, 2].map(|index| &world.machines[index]);
        keeper.die();
        let hostile = Hostile::instead_of(&world, seed, keeper, false, false).await;
        // At its next start the recipient leaves its keys there.
        recipient.die();
        recipient.boot(None).await.expect("nothing stops its start");
        sleep(2 * MINUTE).await;
        recipient.die();
        send_numbers(sender, recipient, 4).await;
        sleep(5 * MINUTE).await;
        sender.die();
        recipient.boot(None).await.expect("nothing stops its start");
        let mail = hostile.mail.lock().clone();
        assert_eq!(mail.len(), 4);
        let mut changed = mail[0].clone();
        changed.expires_at = Timestamp::from_micros(changed.expires_at.micros() - 1);
        assert_eq!(hostile.hand_over(recipient, &changed).await, 403);
        let mut moved = mail[0].clone();
        moved.to = sender.id;
        assert_eq!(hostile.hand_over(recipient, &moved).await, 403);
        // The later ones wait for the first.
        assert_eq!(hostile.hand_over(recipient, &mail[2]).await, 503);
        assert_eq!(hostile.hand_over(recipient, &mail[1]).await, 503);
        assert!(take(recipient, MINUTE).await.is_empty());
        for (place, status) in [(0, 200), (0, 409), (1, 200), (2, 200), (1, 409), (0, 409)] {
            assert_eq!(hostile.hand_over(recipient, &mail[place]).await, status);
        }
        assert_eq!(take(recipient, MINUTE).await, numbers(3));
        // The last is never handed over: its sender has it still.
        sender.boot(None).await.expect("nothing stops its start");
        assert_eq!(take(recipient, 10 * MINUTE).await, ["4"]);
        // After a restart nothing is taken again, until the mail is over.
        recipient.die();
        recipient.boot(None).await.expect("nothing stops its start");
        for kept in &mail {
            assert_eq!(hostile.hand_over(recipient, kept).await, 409);
        }
        sleep(26 * HOUR).await;
        assert_eq!(hostile.hand_over(recipient, &mail[0]).await, 403, "over, and its claim is forgotten");
        assert!(take(recipient, MINUTE).await.is_empty());
    });
}

#[test]
fn a_keeper_that_holds_one_message_back_delays_the_others_by_ten_minutes_at_most() {
    simulate(1, |seed| async move {
        let world = world_with_keepers(seed, 1).await;
        let [sender, recipient, keeper] = [0, 1, 2].map(|index| &world.machines[index]);
        keeper.die();
        let hostile = Hostile::instead_of(&world, seed, keeper, false, false).await;
        recipient.die();
        recipient.boot(None).await.expect("nothing stops its start");
        sleep(2 * MINUTE).await;
        recipient.die();
        send_numbers(sender, recipient, 2).await;
        sleep(5 * MINUTE).await;
        sender.die();
        recipient.boot(None).await.expect("nothing stops its start");
        let second = hostile.mail.lock()[1].clone();
        assert_eq!(hostile.hand_over(recipient, &second).await, 503);
        sleep(11 * MINUTE).await;
        assert_eq!(hostile.hand_over(recipient, &second).await, 200);
        assert_eq!(take(recipient, MINUTE).await, ["2"]);
    });
}

#[test]
fn a_keeper_that_drops_what_it_has_is_made_up_for_by_another_one() {
    simulate(1, |seed| async move {
        let world = world_with_keepers(seed, 2).await;
        let [sender, recipient, keeper, bad] = [0, 1, 2, 3].map(|index| &world.machines[index]);
        bad.die();
        let hostile = Hostile::instead_of(&world, seed, bad, false, false).await;
        recipient.die();
        recipient.boot(None).await.expect("nothing stops its start");
        sleep(2 * MINUTE).await;
        recipient.die();
        let ids = send_numbers(sender, recipient, 3).await;
        sleep(5 * MINUTE).await;
        let mut keepers: Vec<_> =
            status(sender, &ids[0]).await.deliveries[0].kept_by.iter().map(|kept| kept.agent_id).collect();
        keepers.sort();
        let mut both = vec![keeper.id, bad.id];
        both.sort();
        assert_eq!((keepers, hostile.mail.lock().len()), (both, 3));
        sender.die();
        recipient.boot(None).await.expect("nothing stops its start");
        assert_eq!(take(recipient, 5 * MINUTE).await, numbers(3));
    });
}

#[test]
fn a_keeper_that_lies_about_custody_or_serves_old_keys_is_not_believed() {
    for (serves_old, forges) in [(true, false), (false, true)] {
        simulate(1, |seed| async move {
            let world = world_with_keepers(seed, 1).await;
            let [sender, recipient, keeper] = [0, 1, 2].map(|index| &world.machines[index]);
            keeper.die();
            let hostile = Hostile::instead_of(&world, seed, keeper, false, forges).await;
            recipient.die();
            recipient.boot(None).await.expect("nothing stops its start");
            sleep(2 * MINUTE).await;
            recipient.die();
            if serves_old {
                // The sender learns the newest bundle with its first message.
                send_numbers(sender, recipient, 1).await;
                sleep(5 * MINUTE).await;
                let served = hostile.mail.lock().len();
                assert_eq!(served, 1);
                drop_place(&world, keeper);
                let old = Hostile::instead_of(&world, seed, keeper, true, false).await;
                let published = hostile.published.lock().clone();
                assert!(published.len() > 1, "it was told twice");
                *old.published.lock() = published;
                let receipt = sender.node().send(recipient.id, "2").await.expect("it waits");
                sleep(20 * MINUTE).await;
                assert!(old.mail.lock().is_empty(), "nothing is sealed to an old key");
                assert!(status(sender, &receipt.message_id).await.deliveries[0].kept_by.is_empty());
            } else {
                let ids = send_numbers(sender, recipient, 1).await;
                sleep(5 * MINUTE).await;
                assert!(!hostile.mail.lock().is_empty(), "it was asked");
                assert!(status(sender, &ids[0]).await.deliveries[0].kept_by.is_empty());
            }
        });
    }
}

/// Makes room for another actor in the place of a machine that is off.
fn drop_place(world: &World, machine: &Machine) {
    world.network.crash(&machine.label);
}

#[test]
fn a_stranger_leaves_nothing_asks_nothing_and_gets_nobodys_mail() {
    simulate(1, |seed| async move {
        let world = world_with_keepers(seed, 1).await;
        let [sender, recipient, keeper] = [0, 1, 2].map(|index| &world.machines[index]);
        recipient.die();
        send_numbers(sender, recipient, 1).await;
        sleep(5 * MINUTE).await;
        let before = values(keeper, Table::Mailbox);
        assert_eq!(before.len(), 1);
        let door = MemoryTransport::new(&world.network, "stranger");
        let stranger = Passport::from_seed([99; 32]);
        let ask = async |keys: &Passport, name: &str, value: Value| -> (u16, String) {
            let mut body = Map::new();
            body.insert("from_agent_id".into(), json!(keys.agent_id()));
            body.insert("nonce".into(), json!(name));
            body.insert("timestamp".into(), json!(world.now().to_wire()));
            body.insert(name.to_owned(), value);
            dmagent::messaging::compose::sign_object(Domain::Mailbox, &keeper.id, keys, &mut body)
                .expect("it has a canonical form");
            let request = Request {
                method: Method::Post,
                path: format!("{MESH_PREFIX}{}/mailbox", keeper.id),
                body: serde_json::to_vec(&body).expect("it is JSON").into(),
                timeout: Duration::from_secs(5),
                grant: Grant::None,
            };
            let reply = door.send(&keeper.url(), request).await.expect("it answers");
            (reply.status, String::from_utf8_lossy(&reply.body).into_owned())
        };
        let mail: Value = serde_json::from_str(&before[0]).expect("it is JSON");
        for (name, value) in [("keys_of", json!(recipient.id)), ("put", mail["mail"].clone())] {
            let (status, text) = ask(&stranger, name, value).await;
            assert_eq!(status, 403, "{text}");
        }
        // A peer leaves nothing in the name of another, and publishes nobody's keys but its own.
        let sender_keys = Machine::identity(seed, sender.index);
        let own = Machine::identity(seed, recipient.index);
        let mut foreign: KeptMessage = serde_json::from_value(mail["mail"].clone()).expect("it is mail");
        foreign.from = keeper.id;
        let (status, text) = ask(&sender_keys, "put", json!(foreign)).await;
        assert_eq!(status, 403, "{text}");
        let bundle = Bundle::sign(
            &own,
            world.now(),
            dmagent::wire::prekeys::PublicKey([5; 32]),
            world.now() + HOUR,
            vec![keeper.id],
        );
        let (status, text) = ask(&sender_keys, "publish", json!({"bundle": bundle, "one_time": []})).await;
        assert_eq!(status, 403, "{text}");
        assert_eq!(values(keeper, Table::Mailbox), before);
    });
}

#[test]
fn a_sender_that_floods_a_keeper_has_the_rest_at_home() {
    simulate(1, |seed| async move {
        let world = world_with_keepers(seed, 1).await;
        let [sender, recipient, keeper] = [0, 1, 2].map(|index| &world.machines[index]);
        recipient.die();
        let count = 230;
        send_numbers(sender, recipient, count).await;
        sleep(HOUR).await;
        assert_eq!(rows(&keeper.disk, Table::Mailbox).len(), 200);
        let waiting: Vec<OutboxItem> = values(sender, Table::Outbox)
            .iter()
            .map(|value| serde_json::from_str(value).expect("it is one"))
            .collect();
        assert_eq!(waiting.len(), count);
        recipient.boot(None).await.expect("nothing stops its start");
        let mut taken = take(recipient, 6 * MINUTE).await;
        taken.extend(take(recipient, 6 * MINUTE).await);
        assert_eq!(taken, numbers(count));
        assert!(rows(&keeper.disk, Table::Mailbox).is_empty());
    });
}
