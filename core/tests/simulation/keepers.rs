//! Keepers of mail that drop, hold back, forge, reorder, repeat and lie, strangers, and senders that flood.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use dmagent::{
    env::Timestamp,
    identity::Passport,
    messaging::OutboxItem,
    store::Table,
    transport::{
        Arrival, Grant, Method, Receiver, Request, Transport as _,
        memory::{MemoryNetwork, MemoryTransport},
    },
    wire::{
        Answer,
        canonical::Domain,
        mail::{Custody, KeptMessage},
        prekeys::{Bundle, OneTimeKey, Publication},
        route::MESH_PREFIX,
    },
};
use parking_lot::Mutex;
use serde_json::{Map, Value, json};
use tokio::time::sleep;

use crate::{
    healing::MINUTE,
    ledger::rows,
    life::{HOUR, take},
    mail::{numbers, send_numbers, status, values, world_with_keepers},
    world::{Machine, World, simulate},
};

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
