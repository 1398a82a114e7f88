//! Hours and days of a mesh: what expires, who is left, who returns, and that nothing grows without end.

use std::{collections::BTreeMap, time::Duration};

use dmagent::{
    AgentId, DeliveryState, NodeConfig, SendArgs, SetTrustArgs,
    api::{AgentArgs, DisconnectArgs, NoArgs},
    error::Code,
    messaging::MessageEvent,
    node::events::EventBody,
    peers::PeerEvent,
    store::{self, Table},
};
use tokio::time::sleep;

use crate::{
    actors::messages,
    ledger::rows,
    steps::Plan,
    storage::events,
    world::{Machine, World, config, simulate},
};

pub(crate) const HOUR: Duration = Duration::from_secs(3600);
/// The longest wait between two pings of, or two attempts for, a peer that is gone; and a little more.
pub(crate) const ROUND: Duration = Duration::from_secs(5 * 60 + 30);

pub(crate) async fn pair() -> World {
    let world = World::started(1, 2).await;
    world.machines[0].connect(&world.machines[1]).await.expect("nothing is broken yet");
    sleep(Duration::from_secs(1)).await;
    world
}

pub(crate) async fn take(machine: &Machine, patience: Duration) -> Vec<String> {
    let inbox = machine.node().inbox().filtered(messages());
    let mut contents = Vec::new();
    while let Some(message) = inbox.next_within(patience).await.expect("it runs") {
        inbox.acknowledge(&message).await.expect("it was just handed out");
        contents.push(message.content);
    }
    contents
}

#[test]
fn a_message_for_a_peer_that_never_returns_expires_with_an_event_and_a_short_one_does_not_wait_for_a_long_one()
 {
    simulate(1, |_| async {
        let world = pair().await;
        let [sender, gone] = [&world.machines[0], &world.machines[1]];
        gone.die();
        let mut happened = sender.node().events();
        let mut sent = Vec::new();
        for hours in [24.0, 1.0] {
            let args = SendArgs { expires_in_secs: Some(hours * 3600.0), ..SendArgs::new(gone.id, "?") };
            let receipt = sender.node().messages().send(args).await.expect("it is kept");
            assert_eq!(receipt.state, DeliveryState::Stored);
            sent.push(receipt.message_id);
        }
        let mut failed = || -> Vec<(String, String)> {
            let failures = events(&mut happened).into_iter().filter_map(|body| match body {
                EventBody::Message(MessageEvent::MessageFailed { message_id, to, reason })
                    if to == gone.id =>
                {
                    assert!(
                        reason.text.starts_with("expired before the peer could be reached"),
                        "{reason:?}"
                    );
                    Some((message_id, reason.code))
                }
                _ => None,
            });
            failures.collect()
        };
        let expired = |index: usize| vec![(sent[index].clone(), Code::MessageExpired.name().to_owned())];
        sleep(HOUR - Duration::from_secs(60)).await;
        assert!(failed().is_empty());
        sleep(Duration::from_secs(120)).await;
        assert_eq!(failed(), expired(1));
        sleep(23 * HOUR).await;
        assert_eq!(failed(), expired(0));
        assert_eq!(sender.node().info().outbox, 0);
        assert!(rows(&sender.disk, Table::Outbox).is_empty());
        gone.boot(None).await.expect("nothing stops its start");
        assert!(take(gone, HOUR).await.is_empty());
    });
}

#[test]
fn a_full_queue_for_a_peer_that_is_gone_does_not_silence_the_others() {
    simulate(1, |seed| async move {
        let world = World::configured(seed, 3, |_| {
            let mut config = config();
            config.outbox_limit = 1_000;
            config
        });
        world.start().await;
        let [sender, gone, here] = [0, 1, 2].map(|index| &world.machines[index]);
        sender.connect(gone).await.expect("nothing is broken");
        sender.connect(here).await.expect("nothing is broken");
        gone.die();
        let send = |to: AgentId, number: usize| {
            let args = SendArgs { timeout_secs: 0.0, ..SendArgs::new(to, number.to_string()) };
            let node = sender.node();
            async move { node.messages().send(args).await }
        };
        for number in 0..1_000 {
            send(gone.id, number).await.expect("there is room");
        }
        let error = send(gone.id, 1_000).await.expect_err("there is none");
        assert_eq!(error.code(), Code::QueueFull);
        for _ in 0..20 {
            let receipt = sender.node().send(here.id, "hello").await.expect("its way is free");
            assert_eq!(receipt.state, DeliveryState::Accepted);
        }
        // The peer returns: all of it arrives in order, as fast as its limits allow.
        gone.boot(None).await.expect("nothing stops its start");
        let order: Vec<usize> =
            take(gone, ROUND).await.iter().map(|text| text.parse().expect("a number")).collect();
        assert_eq!(order, (0..1_000).collect::<Vec<_>>());
    });
}

#[test]
fn a_peer_that_starts_again_has_its_mail_within_a_minute_in_order() {
    simulate(1, |_| async {
        let world = pair().await;
        let [sender, away] = [&world.machines[0], &world.machines[1]];
        away.die();
        for text in ["1", "2", "3"] {
            let receipt = sender.node().send(away.id, text).await.expect("it is kept");
            assert_eq!(receipt.state, DeliveryState::Stored);
        }
        sleep(3 * HOUR).await;
        away.boot(None).await.expect("nothing stops its start");
        assert_eq!(take(away, Duration::from_secs(20)).await, ["1", "2", "3"]);
        assert_eq!(sender.node().info().outbox, 0);
    });
}

#[test]
fn a_partition_shows_in_reachability_and_after_it_mail_arrives_within_six_minutes() {
    simulate(1, |_| async {
        let world = pair().await;
        let [one, other] = [&world.machines[0], &world.machines[1]];
        let mut happened = one.node().events();
        let mut reachability = || -> Vec<bool> {
            let changes = events(&mut happened).into_iter().filter_map(|body| match body {
                EventBody::Peer(PeerEvent::PeerReachability { agent_id, reachable }) => {
                    assert_eq!(agent_id, other.id);
                    Some(reachable)
                }
                _ => None,
            });
            changes.collect()
        };
        sleep(HOUR).await;
        assert!(reachability().is_empty(), "pings are answered");
        world.network.partition(&[&one.label], &[&other.label]);
        sleep(Duration::from_secs(180)).await;
        assert_eq!(reachability(), [false]);
        let peer = one.node().peers().get(AgentArgs { agent: other.id }).await.expect("it stays a peer");
        assert!(peer.unreachable);
        one.node().send(other.id, "when you are back").await.expect("it is kept");
        sleep(5 * HOUR).await;
        world.network.heal();
        assert_eq!(take(other, ROUND).await, ["when you are back"]);
        sleep(ROUND).await;
        assert_eq!(reachability(), [true]);
    });
}

/// Whether one holds a connection to the other.
pub(crate) async fn holds(one: &Machine, other: &Machine) -> bool {
    one.node().peers().get(AgentArgs { agent: other.id }).await.is_ok()
}

#[test]
fn an_hour_of_distrust_ends_the_connection_on_both_sides_also_after_a_restart() {
    simulate(1, |_| async {
        let world = pair().await;
        let [one, other] = [&world.machines[0], &world.machines[1]];
        let args = SetTrustArgs { agent: other.id, score: -0.5, note: None };
        one.node().trust().set(args).await.expect("it is a score");
        sleep(HOUR - Duration::from_secs(60)).await;
        assert!(holds(one, other).await && holds(other, one).await, "not before its time");
        sleep(Duration::from_secs(180)).await;
        assert!(!holds(one, other).await && !holds(other, one).await);
        for machine in &world.machines {
            machine.die();
            machine.boot(None).await.expect("nothing stops its start");
        }
        sleep(HOUR).await;
        assert!(!holds(one, other).await && !holds(other, one).await);
        let error = other.node().send(one.id, "why?").await.expect_err("not connected");
        assert_eq!(error.code(), Code::PeerNotConnected);
    });
}

#[test]
fn a_peer_that_dies_right_after_it_took_the_notice_of_the_end_is_not_connected_afterwards() {
    for (moment, is_left) in [(store::Moment::Before, true), (store::Moment::After, false)] {
        let connected = simulate(1, |_| async move {
            let world = pair().await;
            let [one, other] = [&world.machines[0], &world.machines[1]];
            Plan::Commit(1, moment).apply(other);
            let args = DisconnectArgs { agent: other.id, reason: None };
            one.node().peers().disconnect(args).await.expect("it is connected");
            other.dead().await;
            other.boot(None).await.expect("no more plans");
            holds(other, one).await
        });
        assert_eq!(connected, is_left, "{moment:?}");
    }
}

#[test]
fn a_notice_of_the_end_that_cannot_be_delivered_still_leaves_the_distrusted_peer_a_stranger() {
    simulate(1, |_| async {
        let world = pair().await;
        let [one, other] = [&world.machines[0], &world.machines[1]];
        let args = SetTrustArgs { agent: other.id, score: -0.5, note: None };
        one.node().trust().set(args).await.expect("it is a score");
        other.die();
        sleep(HOUR + Duration::from_secs(180)).await;
        assert!(!holds(one, other).await);
        other.boot(None).await.expect("nothing stops its start");
        other.node().send(one.id, "I was away").await.expect("it still thinks so");
        let message = one.node().inbox().filtered(messages()).next().await.expect("it comes");
        assert_eq!(message.kind, dmagent::MessageKind::Stranger);
    });
}

#[test]
fn trust_in_a_newcomer_is_seeded_from_trusted_peers_in_the_background() {
    simulate(1, |seed| async move {
        let world = World::started(seed, 3).await;
        let [me, friend, newcomer] = [0, 1, 2].map(|index| &world.machines[index]);
        me.connect(friend).await.expect("nothing is broken");
        friend.connect(newcomer).await.expect("nothing is broken");
        let trust = |machine: &Machine, agent: AgentId, score: f64| {
            let node = machine.node();
            async move { node.trust().set(SetTrustArgs { agent, score, note: None }).await.expect("a score") }
        };
        trust(me, friend.id, 0.8).await;
        trust(friend, newcomer.id, 0.4).await;
        newcomer.connect(me).await.expect("nothing is broken");
        sleep(Duration::from_secs(10)).await;
        let seeded = me.node().trust().get(AgentArgs { agent: newcomer.id }).await.expect("it runs");
        assert_eq!(seeded.expect("somebody told").impression.score, 0.4);
        // It outlives the process.
        me.die();
        me.boot(None).await.expect("nothing stops its start");
        let kept = me.node().trust().get(AgentArgs { agent: newcomer.id }).await.expect("it runs");
        assert_eq!(kept.expect("it is on disk").impression.score, 0.4);
    });
}

#[test]
fn two_hundred_idle_hours_leave_no_table_larger_and_the_claims_of_old_messages_gone() {
    fn rarely_pinging() -> NodeConfig {
        let mut config = config();
        config.ping_interval_secs = 600;
        config
    }
    simulate(1, |seed| async move {
        let world = World::configured(seed, 3, |_| rarely_pinging());
        world.start().await;
        for index in 0..3 {
            world.machines[index].connect(&world.machines[(index + 1) % 3]).await.expect("nothing is broken");
        }
        for number in 0..60 {
            let [from, to] = [&world.machines[number % 3], &world.machines[(number + 1) % 3]];
            let receipt = from.node().send(to.id, number.to_string()).await.expect("they are connected");
            assert_eq!(receipt.state, DeliveryState::Accepted);
        }
        for machine in &world.machines {
            assert_eq!(take(machine, Duration::from_secs(1)).await.len(), 20);
        }
        let sizes = |machine: &Machine| -> BTreeMap<&str, usize> {
            Table::ALL.iter().map(|table| (table.name(), rows(&machine.disk, *table).len())).collect()
        };
        let before: Vec<_> = world.machines.iter().map(|machine| sizes(machine)).collect();
        assert!(before.iter().all(|sizes| sizes["seen"] == 20), "{before:?}");
        // A claim lives longer than any outbox goes on trying.
        sleep(24 * HOUR).await;
        assert!(world.machines.iter().all(|machine| sizes(machine)["seen"] == 20));
        sleep(176 * HOUR).await;
        for (machine, before) in world.machines.iter().zip(before) {
            let after = sizes(machine);
            assert_eq!(after["seen"], 0, "{after:?}");
            for (table, size) in &after {
                assert!(*size <= before[table], "{table} grew from {} to {size}", before[table]);
            }
            let peers = machine.node().peers().list(NoArgs {}).await.expect("it runs");
            assert!(peers.len() == 2 && peers.iter().all(|peer| !peer.unreachable));
        }
    });
}
