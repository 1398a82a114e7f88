//! Connecting: over a bad network, with a death at every step, and with people who decide late.

use std::{sync::Arc, time::Duration};

use dmagent::{
    DeliveryState, MessageKind,
    api::{AgentArgs, DisconnectArgs, NoArgs, RequestArgs},
    error::Code,
    peers::PeerState,
    transport::memory::Conditions,
};
use tokio::time::sleep;

use crate::{
    actors::messages,
    steps::{Plan, every_step, keep_running, quiet},
    world::{Machine, World, careful, config, seeds, simulate},
};

/// Asks again until both sides are connected: what a host does after an error.
async fn connect_at_last(asker: &Machine, answerer: &Machine) {
    for _ in 0..30 {
        let (life, url) = (asker.alive().await, answerer.url());
        let asked =
            life.run(|node| async move { node.peers().connect(dmagent::ConnectArgs::new(url)).await });
        if matches!(asked.await, Some(Ok(peer)) if peer.state == PeerState::Connected) {
            return;
        }
        sleep(Duration::from_secs(5)).await;
    }
    panic!("thirty requests were not enough");
}

async fn is_connected(one: &Machine, other: &Machine) -> bool {
    let peer = one.node().peers().get(AgentArgs { agent: other.id }).await;
    peer.is_ok_and(|peer| peer.state == PeerState::Connected && peer.identity_verified)
}

/// Both hold the connection, and use it.
async fn check_connection(one: &Machine, other: &Machine) {
    for (from, to) in [(one, other), (other, one)] {
        assert!(is_connected(from, to).await, "{} does not know {}", from.label, to.label);
        let receipt = from.node().send(to.id, "hello").await.expect("they are connected");
        assert_eq!(receipt.state, DeliveryState::Accepted, "{receipt:?}");
        let inbox = to.node().inbox().filtered(messages());
        let message =
            inbox.next_within(Duration::from_secs(1)).await.expect("it runs").expect("it was accepted");
        assert_eq!((message.from, message.kind), (from.id, MessageKind::Peer));
        inbox.acknowledge(&message).await.expect("it was just handed out");
    }
}

async fn dying_handshake(victim: usize, plan: Plan) -> bool {
    let world = World::configured(1, 2, |_| quiet());
    world.start().await;
    let [asker, answerer] = [&world.machines[0], &world.machines[1]];
    for machine in &world.machines {
        world.tasks.spawn("supervisor", keep_running(Arc::clone(machine)));
    }
    plan.apply(&world.machines[victim]);
    connect_at_last(asker, answerer).await;
    sleep(Duration::from_secs(12)).await;
    let was_met = world.machines[victim].starts() > 1;
    Plan::cancel(&world.machines[victim]);
    // A death after the answer leaves nothing undone, one before it made the host ask again.
    check_connection(asker, answerer).await;
    was_met
}

#[test]
fn a_crash_at_any_step_of_a_handshake_is_healed_by_asking_again() {
    // One commit on either side; the document and the request; each before and after.
    every_step(8, dying_handshake);
}

#[test]
fn a_handshake_over_a_bad_network_is_healed_by_asking_again() {
    for seed in seeds(0..10) {
        simulate(seed, |seed| async move {
            let world = World::started(seed, 2).await;
            world.network.set_conditions(Conditions {
                min_latency: Duration::from_millis(1),
                max_latency: Duration::from_secs(2),
                request_loss: 0.3,
                answer_loss: 0.3,
                duplication: 0.5,
            });
            connect_at_last(&world.machines[0], &world.machines[1]).await;
            world.network.set_conditions(Conditions::default());
            sleep(Duration::from_secs(60)).await;
            check_connection(&world.machines[0], &world.machines[1]).await;
        });
    }
}

#[test]
fn a_connection_that_is_ended_and_made_again_over_a_bad_network_holds_on_both_sides() {
    for seed in seeds(0..10) {
        simulate(seed, |seed| async move {
            let world = World::started(seed, 2).await;
            let [asker, answerer] = [&world.machines[0], &world.machines[1]];
            connect_at_last(asker, answerer).await;
            world.network.set_conditions(Conditions {
                min_latency: Duration::from_millis(1),
                max_latency: Duration::from_secs(2),
                request_loss: 0.2,
                answer_loss: 0.2,
                duplication: 0.5,
            });
            for _ in 0..5 {
                let args = DisconnectArgs { agent: answerer.id, reason: None };
                asker.node().peers().disconnect(args).await.expect("it is connected");
                connect_at_last(asker, answerer).await;
            }
            world.network.set_conditions(Conditions::default());
            sleep(Duration::from_secs(60)).await;
            check_connection(asker, answerer).await;
        });
    }
}

/// An asker and an answerer that lets people decide.
pub(crate) async fn asked(seed: u64) -> World {
    let world = World::configured(seed, 2, |index| if index == 1 { careful() } else { config() });
    world.start().await;
    let peer = world.machines[0].connect(&world.machines[1]).await.expect("nothing is broken");
    assert_eq!(peer.state, PeerState::Pending);
    world
}

async fn restart(machine: &Arc<Machine>) {
    machine.die();
    machine.boot(None).await.expect("nothing stops its start");
}

/// Accepts the one request that waits.
async fn accept(answerer: &Machine) {
    let pending = answerer.node().peers().pending(NoArgs {}).await.expect("it runs");
    let [request] = &pending[..] else { panic!("one request, not {pending:?}") };
    assert!(request.identity_verified, "our nodes sign their requests");
    let args = RequestArgs { request_id: request.request_id.clone() };
    answerer.node().peers().accept(args).await.expect("it waits");
}

#[test]
fn a_pending_request_survives_restarts_on_both_sides_and_its_mail_follows_the_acceptance() {
    simulate(1, |seed| async move {
        let world = asked(seed).await;
        let [asker, answerer] = [&world.machines[0], &world.machines[1]];
        let receipt = asker.node().send(answerer.id, "when you have decided").await.expect("it is kept");
        assert_eq!(receipt.state, DeliveryState::Stored);
        for machine in &world.machines {
            restart(machine).await;
        }
        let [peer] = &asker.node().peers().list(NoArgs {}).await.expect("it runs")[..] else { panic!("one") };
        assert_eq!((peer.agent_id, peer.state), (answerer.id, PeerState::Pending));
        accept(answerer).await;
        let inbox = answerer.node().inbox().filtered(messages());
        let message = inbox.next_within(Duration::from_secs(60)).await.expect("it runs").expect("it follows");
        assert_eq!((&message.message_id, message.kind), (&receipt.message_id, MessageKind::Peer));
        inbox.acknowledge(&message).await.expect("it was just handed out");
        check_connection(asker, answerer).await;
    });
}

#[test]
fn an_acceptance_reaches_a_requester_that_was_off_at_that_moment() {
    // A short absence meets the repeated announcements, a long one the pings of the new peer.
    for away in [10, 50 * 60] {
        simulate(away, |seed| async move {
            let world = asked(seed).await;
            let [asker, answerer] = [&world.machines[0], &world.machines[1]];
            asker.die();
            accept(answerer).await;
            sleep(Duration::from_secs(away)).await;
            asker.boot(None).await.expect("nothing stops its start");
            // Five minutes is the longest wait between pings.
            sleep(Duration::from_secs(330)).await;
            check_connection(asker, answerer).await;
        });
    }
}

#[test]
fn a_rejection_that_is_told_late_does_not_end_a_connection_made_since() {
    simulate(1, |seed| async move {
        let world = asked(seed).await;
        let [asker, answerer] = [&world.machines[0], &world.machines[1]];
        asker.die();
        let pending = answerer.node().peers().pending(NoArgs {}).await.expect("it runs");
        let args = RequestArgs { request_id: pending[0].request_id.clone() };
        answerer.node().peers().reject(args).await.expect("it waits");
        sleep(Duration::from_secs(7)).await;
        asker.boot(None).await.expect("nothing stops its start");
        let peer = answerer.connect(asker).await.expect("nothing is broken");
        assert_eq!(peer.state, PeerState::Connected);
        sleep(Duration::from_secs(60)).await;
        check_connection(asker, answerer).await;
    });
}

#[test]
fn an_acceptance_is_not_forgotten_when_its_sender_dies_before_telling() {
    simulate(1, |seed| async move {
        let world = asked(seed).await;
        let [asker, answerer] = [&world.machines[0], &world.machines[1]];
        Plan::Commit(1, dmagent::store::Moment::After).apply(answerer);
        let pending = answerer.node().peers().pending(NoArgs {}).await.expect("it runs");
        let args = RequestArgs { request_id: pending[0].request_id.clone() };
        let life = answerer.life().expect("it is on");
        let end = life.run(|node| async move { node.peers().accept(args).await }).await;
        assert!(end.is_none(), "it died of its decision");
        answerer.boot(None).await.expect("no more plans");
        sleep(Duration::from_secs(330)).await;
        check_connection(asker, answerer).await;
    });
}

#[test]
fn a_request_that_nobody_decides_is_forgotten_by_both_sides() {
    simulate(1, |seed| async move {
        let world = asked(seed).await;
        let [asker, answerer] = [&world.machines[0], &world.machines[1]];
        asker.node().send(answerer.id, "in vain").await.expect("it is kept");
        sleep(Duration::from_secs(3_600 + 120)).await;
        assert!(answerer.node().peers().pending(NoArgs {}).await.expect("it runs").is_empty());
        assert!(asker.node().peers().list(NoArgs {}).await.expect("it runs").is_empty());
        let error = asker.node().send(answerer.id, "hello?").await.expect_err("nobody was asked");
        assert_eq!(error.code(), Code::PeerNotConnected);
        sleep(Duration::from_secs(600)).await;
        assert_eq!(asker.node().info().outbox, 0, "what waited has failed");
    });
}
