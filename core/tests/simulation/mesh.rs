//! Many nodes on a bad day: loss, repetition, latency, partitions, deaths. Afterwards nothing that was promised is
//! missing, and nothing was handled again after its acknowledgement.

use std::{sync::Arc, time::Duration};

use dmagent::{
    store::{self, CrashPlan},
    transport::memory::{self, Conditions, Event, Fate},
};
use tokio::time::sleep;

use crate::{
    actors::{Habits, consume, send_in_turn, settle},
    ledger::{Ledger, Totals},
    world::{Chance, Machine, World, seeds, simulate},
};

const ROUGH: Conditions = Conditions {
    min_latency: Duration::from_millis(1),
    max_latency: Duration::from_millis(300),
    request_loss: 0.1,
    answer_loss: 0.1,
    duplication: 0.1,
};

const HABITS: Habits = Habits { dies: 3, releases: 5, dawdles: 20 };

/// How long after the last fault everything has arrived: the longest wait between two attempts is five minutes.
const RECOVERY: Duration = Duration::from_secs(20 * 60);

struct Day {
    nodes: usize,
    /// How many others each node asks for a connection.
    connections: usize,
    /// How many messages each node sends.
    messages: usize,
    /// How often something breaks.
    faults: usize,
}

struct Outcome {
    totals: Totals,
    trace: Vec<Event>,
    history: Vec<String>,
    deaths: usize,
}

async fn bad_day(seed: u64, day: Day) -> Outcome {
    let world = World::started(seed, day.nodes).await;
    let chance = Chance::new(seed, 1);
    for machine in &world.machines {
        for distance in 1..=day.connections {
            let other = if distance == 1 { 1 } else { 1 + chance.below(day.nodes - 1) };
            let other = &world.machines[(machine.index + other) % day.nodes];
            machine.connect(other).await.expect("the network still works");
        }
    }
    let ledger = Arc::new(Ledger::default());
    world.network.set_conditions(ROUGH);
    let senders = dmagent::env::Tasks::new();
    for machine in &world.machines {
        let dice = |actor: u64| Chance::new(seed, 1000 * actor + machine.index as u64);
        world.tasks.spawn("consumer", consume(Arc::clone(machine), Arc::clone(&ledger), dice(1), HABITS));
        world.tasks.spawn("supervisor", restart(Arc::clone(machine), dice(2)));
        senders.spawn(
            "sender",
            send_in_turn(
                world.machines.clone(),
                Arc::clone(machine),
                Arc::clone(&ledger),
                dice(3),
                day.messages,
            ),
        );
    }
    for _ in 0..day.faults {
        sleep(chance.seconds(1, 8)).await;
        break_something(&world, &chance);
    }
    world.network.heal();
    assert!(senders.finish(Duration::from_secs(3600)).await, "some sends never ended");
    world.network.set_conditions(Conditions::default());
    let settled = settle(&world, RECOVERY).await;
    let totals = ledger.audit();
    assert!(settled, "something still waits, long after the last fault");
    let starts: usize = world.machines.iter().map(|machine| machine.starts()).sum();
    Outcome { totals, trace: world.network.trace(), history: ledger.history(), deaths: starts - day.nodes }
}

/// Switches a machine on again whenever it is off; sometimes it dies while it starts.
async fn restart(machine: Arc<Machine>, chance: Chance) {
    loop {
        machine.dead().await;
        sleep(chance.seconds(1, 40)).await;
        let at_commit = 1 + chance.below(3) as u64;
        let crash = chance.percent(10).then_some(CrashPlan { at_commit, moment: store::Moment::After });
        machine.boot(crash).await;
    }
}

fn break_something(world: &World, chance: &Chance) {
    let machine = chance.pick(&world.machines).expect("there are machines");
    let early = chance.percent(50);
    match chance.below(10) {
        0 | 1 => {
            let labels = world.labels();
            let middle = 1 + chance.below(labels.len() - 1);
            let (left, right) = labels.split_at(middle);
            world.network.partition(left, right);
        }
        2 | 3 => world.network.heal(),
        4 => machine.die(),
        5 | 6 => {
            let moment = if early { memory::Moment::Before } else { memory::Moment::After };
            machine.die_at(memory::CrashPlan { at_delivery: 1 + chance.below(8) as u64, moment });
        }
        _ => {
            let moment = if early { store::Moment::Before } else { store::Moment::After };
            if let Some(life) = machine.life() {
                let at_commit = life.store.commits() + 1 + chance.below(6) as u64;
                life.store.plan_crash(Some(CrashPlan { at_commit, moment }));
            }
        }
    }
}

#[test]
fn nothing_that_was_promised_is_lost_and_nothing_is_handled_twice() {
    for seed in seeds(1..=6) {
        let day = Day { nodes: 20, connections: 2, messages: 15, faults: 40 };
        let outcome = simulate(seed, |seed| bad_day(seed, day));
        let count = |fate| outcome.trace.iter().filter(|event| event.fate == fate).count();
        println!("{seed}: {:?}, {} deaths, {} events", outcome.totals, outcome.deaths, outcome.trace.len());
        assert!(outcome.totals.promised > 200 && outcome.totals.accepted > 50, "{:?}", outcome.totals);
        assert!(outcome.totals.redelivered > 0 && outcome.deaths > 10, "{} deaths", outcome.deaths);
        for fate in [Fate::Copied, Fate::RequestLost, Fate::AnswerLost, Fate::Answered(409), Fate::Refused] {
            assert!(count(fate) > 0, "{fate:?} never happened");
        }
    }
}

#[test]
fn the_same_seed_repeats_and_another_does_not() {
    let day = || Day { nodes: 6, connections: 2, messages: 8, faults: 15 };
    let run = |seed| simulate(seed, |seed| bad_day(seed, day()));
    for seed in seeds([3, 5, 8, 14, 15]) {
        let (first, again, other) = (run(seed), run(seed), run(seed + 1));
        for (number, (one, two)) in first.trace.iter().zip(&again.trace).enumerate() {
            assert_eq!(one, two, "event {number}");
        }
        assert_eq!(first.trace.len(), again.trace.len());
        for (number, (one, two)) in first.history.iter().zip(&again.history).enumerate() {
            assert_eq!(one, two, "line {number}");
        }
        assert_eq!(first.history.len(), again.history.len());
        assert_ne!(first.history, other.history);
        assert_ne!(first.trace, other.trace);
    }
}
