//! A crash at every step of one send, one receive and one acknowledgement, on either side.
//!
//! Each run is a small world of two machines. The plan kills one of them at its n-th commit, or at the n-th
//! request it gets, before or after; n grows until a run ends without meeting its plan.

use std::{sync::Arc, time::Duration};

use dmagent::{DeliveryState, SendArgs, error::Code, store, transport::memory};
use tokio::time::sleep;

use crate::{
    actors::{Habits, consume, settle},
    ledger::{Ledger, has_taken},
    world::{Chance, Machine, World, config, simulate},
};

/// Where one of two machines dies.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Plan {
    Commit(u64, store::Moment),
    Delivery(u64, memory::Moment),
}

impl Plan {
    /// Every kind of death at the n-th step.
    fn at(n: u64) -> [Self; 4] {
        [
            Self::Commit(n, store::Moment::Before),
            Self::Commit(n, store::Moment::After),
            Self::Delivery(n, memory::Moment::Before),
            Self::Delivery(n, memory::Moment::After),
        ]
    }

    /// Makes it happen in the present life of `machine`.
    pub(crate) fn apply(self, machine: &Arc<Machine>) {
        match self {
            Self::Commit(n, moment) => {
                let store = &machine.life().expect("the machine is on").store;
                store.plan_crash(Some(store::CrashPlan { at_commit: store.commits() + n, moment }));
            }
            Self::Delivery(n, moment) => machine.die_at(memory::CrashPlan { at_delivery: n, moment }),
        }
    }

    /// Nobody dies of plans any more.
    pub(crate) fn cancel(machine: &Arc<Machine>) {
        if let Some(life) = machine.life() {
            life.store.plan_crash(None);
        }
        machine.die_at(memory::CrashPlan { at_delivery: u64::MAX, moment: memory::Moment::Before });
    }
}

/// Runs `story` for every plan and both machines; it says whether the plan was met. Each kind of death must
/// have been met at least `least` times in all, so that a story that misses its steps does not pass.
pub(crate) fn every_step<F: Future<Output = bool>>(least: usize, story: impl Fn(usize, Plan) -> F) {
    let mut met = 0;
    for victim in [0, 1] {
        for kind in 0..4 {
            for n in 1.. {
                let plan = Plan::at(n)[kind];
                println!("machine {victim} dies at {plan:?}");
                if !simulate(n, |_| story(victim, plan)) {
                    break;
                }
                met += 1;
                assert!(n < 50, "a story of two machines has an end");
            }
        }
    }
    assert!(met >= least, "only {met} steps were found");
}

/// Starts a machine again, ten seconds after each death.
pub(crate) async fn keep_running(machine: Arc<Machine>) {
    loop {
        machine.dead().await;
        sleep(Duration::from_secs(10)).await;
        machine.boot(None).await;
    }
}

/// What the two machines meet beside the plan.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Scene {
    /// Everything happens in one instant.
    Quick,
    /// Every way takes a moment, so that disk and network overtake each other otherwise.
    Slow,
    /// The receiver is off when the message is sent, so that it goes through the outbox.
    Away,
}

/// Settings with which no ping is a step of a story.
pub(crate) fn quiet() -> dmagent::NodeConfig {
    let mut config = config();
    config.ping_interval_secs = 3_600;
    config
}

async fn one_message(scene: Scene, victim: usize, plan: Plan) -> bool {
    let world = World::configured(1, 2, |_| quiet());
    world.start().await;
    let [sender, receiver] = [0, 1].map(|index| Arc::clone(&world.machines[index]));
    sender.connect(&receiver).await.expect("nothing is broken yet");
    // Notices and announcements of the connection are no part of the story.
    sleep(Duration::from_secs(1)).await;
    let ledger = Arc::new(Ledger::default());
    match scene {
        Scene::Quick => {}
        Scene::Slow => {
            let way = Duration::from_millis(20);
            let slow = memory::Conditions { min_latency: way, max_latency: way, ..Default::default() };
            world.network.set_conditions(slow);
        }
        Scene::Away => receiver.die(),
    }
    let starts = world.machines[victim].starts();
    if scene != Scene::Away || victim == 0 {
        plan.apply(&world.machines[victim]);
    }
    world.tasks.spawn("supervisor", keep_running(Arc::clone(&sender)));
    let (life, to) = (sender.life().expect("it is on"), receiver.id);
    let end = life.run(|node| async move { node.messages().send(SendArgs::new(to, "1")).await }).await;
    let was_promised = matches!(&end, Some(Ok(_)));
    // Checks on the spot that what is accepted is on the other disk.
    ledger.sent(&sender, &receiver, 1, end);
    let consumer = consume(Arc::clone(&receiver), Arc::clone(&ledger), Chance::new(1, 1), Habits::default());
    world.tasks.spawn("consumer", consumer);
    let mut own_start = 0;
    if scene == Scene::Away {
        receiver.boot(None).await.expect("nothing stops its start");
        own_start = 1;
        if victim == 1 {
            plan.apply(&receiver);
        }
    }
    world.tasks.spawn("supervisor", keep_running(Arc::clone(&receiver)));
    // Long enough to meet an absence.
    sleep(Duration::from_secs(12)).await;
    let was_met = world.machines[victim].starts() > starts + if victim == 1 { own_start } else { 0 };
    let calm = settle(&world, Duration::from_secs(300)).await;
    let totals = ledger.audit();
    assert!(calm, "something still waits");
    assert_eq!(totals.promised, usize::from(was_promised));
    let mut handled = ledger.acknowledged_ids(&receiver);
    assert!(handled.len() <= 1, "one message became {handled:?}");
    assert!(handled.len() == 1 || !was_promised);
    if let Some(id) = handled.pop() {
        assert!(has_taken(&receiver.disk, &sender.id, &id));
    }
    was_met
}

#[test]
fn a_crash_at_any_step_of_a_message_loses_nothing_and_repeats_nothing() {
    // At least: two commits on either side and one delivery, each before and after.
    every_step(10, |victim, plan| one_message(Scene::Quick, victim, plan));
    every_step(10, |victim, plan| one_message(Scene::Slow, victim, plan));
    every_step(12, |victim, plan| one_message(Scene::Away, victim, plan));
}

/// A message that a rule sends on: the machine in the middle, or the one at the end, dies.
async fn forwarded_message(victim: usize, plan: Plan) -> bool {
    let world = World::configured(1, 3, |index| {
        let mut config = quiet();
        if index == 0 {
            let to = Machine::identity(1, 1).agent_id();
            let rule = serde_json::json!({"rule_id": "on", "action": "forward", "forward_to": [to]});
            config.routing_rules = vec![serde_json::from_value(rule).expect("a rule")];
        }
        config
    });
    world.start().await;
    let [middle, end, sender] = [0, 1, 2].map(|index| Arc::clone(&world.machines[index]));
    middle.connect(&end).await.expect("nothing is broken yet");
    sender.connect(&middle).await.expect("nothing is broken yet");
    sleep(Duration::from_secs(1)).await;
    world.tasks.spawn("supervisor", keep_running(Arc::clone(&middle)));
    world.tasks.spawn("supervisor", keep_running(Arc::clone(&end)));
    plan.apply(&world.machines[victim]);
    sender.node().send(middle.id, "pass it on").await.expect("it is kept at least");
    sleep(Duration::from_secs(12)).await;
    let was_met = world.machines[victim].starts() > 1;
    Plan::cancel(&world.machines[victim]);
    sleep(Duration::from_secs(60)).await;
    let mut copies = 0;
    for machine in [&middle, &end] {
        let inbox = machine.node().inbox().filtered(crate::actors::messages());
        while let Some(message) = inbox.next_within(Duration::from_secs(30)).await.expect("it runs") {
            assert!(message.content.ends_with("pass it on"), "{}", message.content);
            inbox.acknowledge(&message).await.expect("it was just handed out");
            copies += 1;
        }
    }
    assert_eq!(sender.node().info().outbox, 0);
    // Whoever died in between may hand it to the host in the middle as well, but somebody has it.
    assert!(copies == 1 || (was_met && copies == 2), "{copies} copies");
    was_met
}

#[test]
fn a_crash_at_any_step_of_forwarding_does_not_lose_the_message() {
    // Taking it, storing it for the next, and its acceptance there; each before and after.
    every_step(9, forwarded_message);
}

/// The receiver dies at the commit of its acknowledgement.
async fn acknowledge_and_die(moment: store::Moment) -> Vec<String> {
    let world = World::started(1, 2).await;
    let [sender, receiver] = [&world.machines[0], &world.machines[1]];
    sender.connect(receiver).await.expect("nothing is broken");
    for text in ["first", "second"] {
        let receipt = sender.node().send(receiver.id, text).await.expect("nothing is broken");
        assert_eq!(receipt.state, DeliveryState::Accepted);
    }
    sleep(Duration::from_secs(1)).await;
    let life = receiver.life().expect("it is on");
    Plan::Commit(1, moment).apply(receiver);
    let end = life.run(|node| async move {
        let inbox = node.inbox().filtered(crate::actors::messages());
        let message = inbox.next().await.expect("it has been sent");
        assert_eq!(message.content, "first");
        inbox.acknowledge(&message).await
    });
    assert!(end.await.is_none(), "it died before it knew");
    receiver.boot(None).await.expect("no more plans");
    let inbox = receiver.node().inbox().filtered(crate::actors::messages());
    let mut contents = Vec::new();
    while let Some(message) = inbox.next_within(Duration::from_secs(60)).await.expect("it runs") {
        inbox.acknowledge(&message).await.expect("it was just handed out");
        contents.push(message.content);
    }
    contents
}

#[test]
fn a_crash_before_the_acknowledgement_is_on_disk_hands_the_message_out_again_one_after_it_does_not() {
    let again = simulate(1, |_| acknowledge_and_die(store::Moment::Before));
    assert_eq!(again, ["first", "second"]);
    let never = simulate(1, |_| acknowledge_and_die(store::Moment::After));
    assert_eq!(never, ["second"]);
}

#[test]
fn an_acknowledgement_that_is_repeated_after_a_restart_does_not_hit_a_newer_message() {
    simulate(1, |_| async {
        let world = World::started(1, 2).await;
        let [sender, receiver] = [&world.machines[0], &world.machines[1]];
        sender.connect(receiver).await.expect("nothing is broken");
        sender.node().send(receiver.id, "first").await.expect("nothing is broken");
        let inbox = |machine: &Machine| machine.node().inbox();
        // Whatever is there goes, notices too, so that no row of the inbox remembers a number.
        let mut handled = Vec::new();
        while let Some(message) = inbox(receiver).next_within(Duration::from_secs(5)).await.expect("it runs")
        {
            inbox(receiver).acknowledge(&message).await.expect("it was just handed out");
            handled.push(message);
        }
        receiver.die();
        receiver.boot(None).await.expect("nothing stops its start");
        sender.node().send(receiver.id, "second").await.expect("nothing is broken");
        for message in handled {
            let error = inbox(receiver).acknowledge(&message).await.expect_err("that one is gone");
            assert_eq!(error.code(), Code::MessageUnknown);
        }
        let second = inbox(receiver).next_within(Duration::from_secs(5)).await.expect("it runs");
        assert_eq!(second.expect("nobody has acknowledged it").content, "second");
    });
}
