//! The wall clock is set, back or forward, by a person, by a time server, by a machine that wakes: what was taken is
//! handed out in order, what waits goes on, and what should end ends.

use std::time::Duration;

use dmagent::{
    DeliveryState, SetTrustArgs,
    api::{DisconnectArgs, NoArgs},
    node::events::EventBody,
    peers::PeerEvent,
    store::Table,
};
use tokio::time::sleep;

use crate::{
    actors::messages,
    handshake::asked,
    ledger::rows,
    life::{HOUR, ROUND, holds, pair, take},
    storage::events,
    world::{Machine, simulate},
};

/// Seconds by which clocks are set in these stories: a time server's step, two hours, a month, each way.
const STEPS: [i64; 6] = [-250, 250, -7_200, 7_200, -2_592_000, 2_592_000];
const MINUTE: Duration = Duration::from_secs(60);

#[test]
fn what_was_taken_is_handed_out_at_once_in_order_whatever_the_clock_says() {
    for step in STEPS {
        simulate(1, |_| async move {
            let world = pair().await;
            let [sender, receiver] = [&world.machines[0], &world.machines[1]];
            let send =
                async |text: &str| sender.node().send(receiver.id, text).await.expect("it is there").state;
            for text in ["1", "2"] {
                assert_eq!(send(text).await, DeliveryState::Accepted);
            }
            world.set_clock_forward(step);
            assert_eq!(send("3").await, DeliveryState::Accepted);
            assert_eq!(take(receiver, Duration::ZERO).await, ["1", "2", "3"], "{step}");
            // One that is given back for a while, and one that a restart finds.
            assert_eq!(send("4").await, DeliveryState::Accepted);
            let inbox = receiver.node().inbox().filtered(messages());
            let message = inbox.next().await.expect("it is there");
            assert!(inbox.release(&message, MINUTE));
            world.set_clock_forward(-step);
            assert!(take(receiver, MINUTE - Duration::from_secs(1)).await.is_empty(), "not before its delay");
            assert_eq!(take(receiver, Duration::from_secs(2)).await, ["4"], "{step}");
            assert_eq!(send("5").await, DeliveryState::Accepted);
            receiver.die();
            world.set_clock_forward(step);
            receiver.boot(None).await.expect("nothing stops its start");
            assert_eq!(take(receiver, Duration::ZERO).await, ["5"], "{step}");
        });
    }
}

#[test]
fn retries_and_pings_go_on_after_a_step_of_the_clock() {
    for step in STEPS.into_iter().filter(|step| *step < 86_400) {
        simulate(1, |_| async move {
            let world = pair().await;
            let [sender, away] = [&world.machines[0], &world.machines[1]];
            let mut happened = sender.node().events();
            let mut reachability = || -> Vec<bool> {
                let changes = events(&mut happened).into_iter().filter_map(|body| match body {
                    EventBody::Peer(PeerEvent::PeerReachability { reachable, .. }) => Some(reachable),
                    _ => None,
                });
                changes.collect()
            };
            world.network.partition(&[&sender.label], &[&away.label]);
            let receipt = sender.node().send(away.id, "later").await.expect("it is kept");
            assert_eq!(receipt.state, DeliveryState::Stored);
            sleep(HOUR).await;
            assert_eq!(reachability(), [false]);
            world.set_clock_forward(step);
            world.network.heal();
            assert_eq!(take(away, ROUND).await, ["later"], "{step}");
            sleep(ROUND).await;
            assert_eq!(reachability(), [true], "{step}");
            away.die();
            world.set_clock_forward(step);
            sleep(MINUTE * 3).await;
            assert_eq!(reachability(), [false], "{step}");
        });
    }
}

#[test]
fn what_was_sent_by_a_clock_that_ran_ahead_still_expires_after_its_time() {
    simulate(1, |_| async {
        let world = pair().await;
        let [sender, gone] = [&world.machines[0], &world.machines[1]];
        gone.die();
        world.set_clock_forward(2_592_000);
        sender.node().send(gone.id, "?").await.expect("it is kept");
        sleep(HOUR).await;
        world.set_clock_forward(-2_592_000);
        sleep(HOUR * 23).await;
        assert_eq!(sender.node().info().outbox, 1, "its day is not over");
        sleep(HOUR * 2).await;
        assert_eq!(sender.node().info().outbox, 0);
        assert!(rows(&sender.disk, Table::Outbox).is_empty());
    });
}

#[test]
fn the_end_of_a_connection_is_heard_though_the_clock_was_set_back_since_it_was_confirmed() {
    for dies in [false, true] {
        simulate(1, |_| async move {
            let world = pair().await;
            let [one, other] = [&world.machines[0], &world.machines[1]];
            sleep(MINUTE * 4).await;
            one.connect(other).await.expect("nothing is broken");
            // What a node has heard of its peers is written down within a minute.
            sleep(MINUTE * 2).await;
            if dies {
                one.die();
            }
            world.set_clock_forward(-250);
            if dies {
                one.boot(None).await.expect("nothing stops its start");
            }
            one.node()
                .peers()
                .disconnect(DisconnectArgs { agent: other.id, reason: None })
                .await
                .expect("it is connected");
            sleep(Duration::from_secs(5)).await;
            assert!(other.node().peers().list(NoArgs {}).await.expect("it runs").is_empty(), "dies: {dies}");
        });
    }
}

#[test]
fn requests_end_after_their_lifetime_not_earlier_and_not_never() {
    for step in STEPS {
        simulate(1, |seed| async move {
            let world = asked(seed).await;
            let [asker, answerer] = [&world.machines[0], &world.machines[1]];
            let waiting = async || {
                let pending = answerer.node().peers().pending(NoArgs {}).await.expect("it runs").len();
                [
                    pending,
                    rows(&answerer.disk, Table::Pending).len(),
                    rows(&asker.disk, Table::Outstanding).len(),
                ]
            };
            sleep(MINUTE * 2).await;
            world.set_clock_forward(step);
            sleep(MINUTE * 50).await;
            assert_eq!(waiting().await, [1, 1, 1], "{step}: not before its time");
            sleep(MINUTE * 12).await;
            assert_eq!(waiting().await, [0, 0, 0], "{step}");
        });
    }
}

#[test]
fn a_request_from_the_future_ends_after_restarts_too() {
    simulate(1, |seed| async move {
        let world = asked(seed).await;
        let answerer = &world.machines[1];
        answerer.die();
        world.set_clock_forward(-2_592_000);
        for _ in 0..3 {
            answerer.boot(None).await.expect("nothing stops its start");
            sleep(MINUTE * 25).await;
            answerer.die();
        }
        assert!(rows(&answerer.disk, Table::Pending).is_empty());
    });
}

async fn distrust(one: &Machine, other: &Machine) {
    let args = SetTrustArgs { agent: other.id, score: -0.5, note: None };
    one.node().trust().set(args).await.expect("it is a score");
}

#[test]
fn an_hour_of_distrust_lasts_an_hour_whatever_the_clock_says() {
    for step in STEPS {
        simulate(1, |_| async move {
            let world = pair().await;
            let [one, other] = [&world.machines[0], &world.machines[1]];
            distrust(one, other).await;
            world.set_clock_forward(step);
            sleep(MINUTE * 58).await;
            assert!(holds(one, other).await, "{step}: not before its time");
            sleep(MINUTE * 4).await;
            assert!(!holds(one, other).await, "{step}");
        });
    }
}

#[test]
fn claims_survive_a_clock_that_is_set_forward_for_a_while() {
    simulate(1, |_| async {
        let world = pair().await;
        let [sender, receiver] = [&world.machines[0], &world.machines[1]];
        sender.node().send(receiver.id, "once").await.expect("it is there");
        let claims = || rows(&receiver.disk, Table::Seen).len();
        assert_eq!(claims(), 1);
        world.set_clock_forward(2_592_000);
        sleep(MINUTE * 30).await;
        assert_eq!(claims(), 1);
        world.set_clock_forward(-2_592_000);
        sleep(HOUR * 24).await;
        assert_eq!(claims(), 1);
        sleep(HOUR * 2).await;
        assert_eq!(claims(), 0);
    });
}
