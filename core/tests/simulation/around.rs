//! Around through others: messages for a peer that cannot be reached, and requests to agents whose address is unknown.

use std::{sync::Arc, time::Duration};

use dmagent::{
    ConnectArgs, DeliveryState,
    api::{NoArgs, PeersOfArgs, RequestArgs},
    error::Code,
    peers::PeerState,
};
use serde_json::{Value, json};
use tokio::time::sleep;

use crate::{
    healing::{Actor, MINUTE, acquainted, knows, peer},
    life::take,
    policy::WILLING,
    world::{Machine, World, simulate},
};

/// Two peers that cannot reach each other and a third that reaches both.
async fn divided(world: &World) -> [&Arc<Machine>; 3] {
    let [one, other, middle] = [0, 1, 2].map(|index| &world.machines[index]);
    world.network.partition(&[&one.label], &[&other.label]);
    // Until they are noticed to be lost, and were looked for.
    sleep(2 * MINUTE).await;
    [one, other, middle]
}

/// How many messages of `sender` wait.
fn waiting(sender: &Machine) -> usize {
    sender.node().info().outbox
}

#[test]
fn what_cannot_be_handed_over_goes_around_once_and_is_accepted_in_the_words_of_its_target() {
    simulate(1, |seed| async move {
        let world = acquainted(seed, 3).await;
        let [one, other, _] = divided(&world).await;
        let mut sent = Vec::new();
        for number in 0..12 {
            let receipt = one.node().send(other.id, format!("{number:02}")).await.expect("a peer");
            sent.push((receipt.state, receipt.deliveries[0].via.clone()));
        }
        // The first goes at once. Relays take five envelopes a minute from a source.
        assert_eq!(sent[0], (DeliveryState::Accepted, Some("mesh_route".to_owned())));
        sleep(30 * MINUTE).await;
        assert_eq!(waiting(one), 0);
        let mut taken = take(other, Duration::ZERO).await;
        taken.sort();
        assert_eq!(taken, (0..12).map(|number| format!("{number:02}")).collect::<Vec<_>>());
        // What went around does not make the peer reachable, and nothing arrives twice when it is.
        assert!(peer(one, other.id).await.unreachable);
        world.network.heal();
        sleep(10 * MINUTE).await;
        assert!(knows(one, other).await && knows(other, one).await);
        assert!(take(other, Duration::ZERO).await.is_empty());
    });
}

#[test]
fn a_relay_that_does_not_say_what_the_target_said_accepts_nothing_and_gets_a_message_once() {
    simulate(1, |seed| async move {
        let world = acquainted(seed, 3).await;
        let [one, other, middle] = divided(&world).await;
        middle.die();
        // As a relay of 1.1.1 answers, whatever became of it.
        let relay = Actor::listening(&world, &middle.label, middle.id, Value::Null).await;
        *relay.says.lock() = json!({"status": "delivered", "route_id": "relay-1"});
        let receipt = one.node().send(other.id, "are you there?").await.expect("a peer");
        assert_eq!(receipt.state, DeliveryState::Stored);
        sleep(30 * MINUTE).await;
        assert_eq!((waiting(one), relay.heard("/mesh_route")), (1, 1));
        world.network.heal();
        assert_eq!(take(other, 6 * MINUTE).await, ["are you there?"]);
        assert_eq!(waiting(one), 0);
    });
}

/// One knows the middle, the middle knows the other.
async fn in_a_row(seed: u64) -> World {
    let world = World::new(seed, 3);
    *world.machines[2].policy.lock() = Some(Arc::new(WILLING));
    world.start().await;
    let [one, middle, other] = [0, 1, 2].map(|index| &world.machines[index]);
    one.connect(middle).await.expect("nothing is broken");
    middle.connect(other).await.expect("nothing is broken");
    world
}

#[test]
fn an_agent_of_whom_only_the_id_is_known_is_asked_through_the_mesh_and_then_reached_directly() {
    simulate(1, |seed| async move {
        let world = in_a_row(seed).await;
        let [one, middle, other] = [0, 1, 2].map(|index| &world.machines[index]);
        let known = one.node().peers().of(PeersOfArgs { agent: middle.id, n: 10 }).await.expect("it tells");
        let hint = known.iter().find(|hint| !hint.connected && hint.agent_id != one.id).expect("the other");
        let asked = one.node().peers().connect(ConnectArgs::new(hint.agent_id.to_string())).await;
        let peer = asked.expect("the middle brings it there");
        assert_eq!((peer.agent_id, peer.state, peer.url), (other.id, PeerState::Connected, other.url()));
        assert!(peer.identity_verified, "its reply is signed for us");
        // The middle is not needed any more.
        middle.die();
        for (from, to) in [(one, other), (other, one)] {
            let receipt = from.node().send(to.id, "directly").await.expect("a peer");
            assert_eq!(receipt.state, DeliveryState::Accepted);
            assert_eq!(take(to, Duration::ZERO).await, ["directly"]);
        }
    });
}

#[test]
fn a_person_may_decide_later_about_a_request_that_came_through_the_mesh() {
    simulate(1, |seed| async move {
        let world = in_a_row(seed).await;
        let [one, _, other] = [0, 1, 2].map(|index| &world.machines[index]);
        // Without its policy the other lets every request from anywhere wait.
        *other.policy.lock() = None;
        other.die();
        other.boot(None).await.expect("nothing stops its start");
        sleep(MINUTE).await;
        let asked = one.node().peers().connect(ConnectArgs::new(other.id.to_string())).await;
        assert_eq!(asked.expect("it was asked").state, PeerState::Pending);
        let pending = other.node().peers().pending(NoArgs {}).await.expect("it runs");
        assert!(pending[0].identity_verified && pending[0].agent_id == one.id);
        let args = RequestArgs { request_id: pending[0].request_id.clone() };
        other.node().peers().accept(args).await.expect("it waits");
        sleep(MINUTE).await;
        assert!(knows(one, other).await && knows(other, one).await);
        assert!(peer(one, other.id).await.identity_verified);
    });
}

#[test]
fn a_request_through_the_mesh_ends_with_a_reason_when_it_cannot_arrive_or_is_not_answered() {
    simulate(1, |seed| async move {
        let world = in_a_row(seed).await;
        let [one, middle, other] = [0, 1, 2].map(|index| &world.machines[index]);
        let refused = async |text: String| {
            let asked = one.node().peers().connect(ConnectArgs::new(text)).await;
            asked.expect_err("it cannot be").code()
        };
        assert_eq!(refused("ab".repeat(32)).await, Code::Unreachable, "nobody knows that agent");
        assert_eq!(refused(one.id.to_string()).await, Code::InvalidArgument, "itself");
        middle.die();
        let silent = Actor::listening(&world, &middle.label, middle.id, Value::Null).await;
        *silent.says.lock() = json!({"status": "forwarded"});
        assert_eq!(refused(other.id.to_string()).await, Code::Unreachable, "no answer came");
        assert_eq!(silent.heard("/mesh_route"), 1);
        assert_eq!(one.node().peers().list(NoArgs {}).await.expect("it runs").len(), 1);
    });
}
