//! Many nodes on a bad day: loss, repetition, latency, partitions, deaths, moves, clocks that are off. Afterwards nothing
//! that was promised is missing, nothing was handled again after its acknowledgement, every sender knows what became of
//! its messages, and whoever was connected is again.

use std::{sync::Arc, time::Duration};

use dmagent::{
    api::{AgentArgs, NoArgs},
    peers::PeerHealth,
    store::{self, CrashPlan},
    transport::memory::{self, Conditions, Event, Fate},
};
use tokio::time::sleep;

use crate::{
    actors::{Habits, consume, send_in_turn, settle},
    ladder::{self, Ladder},
    ledger::{Ledger, Totals},
    world::{Chance, Machine, World, config, seeds, simulate},
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

/// How long after that all pairs reach each other and all receipts are told: a dormant peer is pinged every five minutes,
/// and a sender that was away is told after as long at most.
const QUIET: Duration = Duration::from_secs(10 * 60);

/// By how many seconds a clock is off at most. Two may differ by twice as much, which is within the 300 s for which a
/// signature is fresh.
const SKEW: usize = 120;

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
    proofs: usize,
}

impl Outcome {
    fn print(&self, seed: u64) {
        let Self { totals, trace, deaths, proofs, .. } = self;
        println!("{seed}: {totals:?}, {deaths} deaths, {proofs} proofs, {} events", trace.len());
    }
}

async fn bad_day(seed: u64, day: Day) -> Outcome {
    let clocks = Chance::new(seed, 2);
    let off: Vec<_> = (0..day.nodes).map(|_| clocks.below(2 * SKEW) as i64 - SKEW as i64).collect();
    let world = World::with_clocks(seed, day.nodes, |_| config(), |index| off[index]);
    world.start().await;
    let chance = Chance::new(seed, 1);
    for machine in &world.machines {
        for distance in 1..=day.connections {
            let other = if distance == 1 { 1 } else { 1 + chance.below(day.nodes - 1) };
            let other = &world.machines[(machine.index + other) % day.nodes];
            machine.connect(other).await.expect("the network still works");
        }
    }
    let (ledger, ladder) = (Arc::new(Ledger::default()), Arc::new(Ladder::default()));
    world.network.set_conditions(ROUGH);
    let senders = dmagent::env::Tasks::new();
    for machine in &world.machines {
        let dice = |actor: u64| Chance::new(seed, 1000 * actor + machine.index as u64);
        world.tasks.spawn("consumer", consume(Arc::clone(machine), Arc::clone(&ledger), dice(1), HABITS));
        world.tasks.spawn("supervisor", restart(Arc::clone(machine), dice(2)));
        world.tasks.spawn("watcher", ladder::watch(Arc::clone(machine), Arc::clone(&ladder), dice(4)));
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
    assert!(settled, "something still waits, long after the last fault: {}", waiting(&world).await);
    let totals = ledger.audit();
    sleep(QUIET).await;
    all_reach_each_other(&world).await;
    for machine in &world.machines {
        ladder.look(machine).await;
    }
    let proofs = ladder.audit(&world.machines, &ledger);
    let starts: usize = world.machines.iter().map(|machine| machine.starts()).sum();
    Outcome {
        totals,
        trace: world.network.trace(),
        history: ledger.history(),
        deaths: starts - day.nodes,
        proofs,
    }
}

/// What waits in outboxes, and how well its peers are reached.
async fn waiting(world: &World) -> String {
    let mut lines = Vec::new();
    for machine in &world.machines {
        let node = machine.node();
        for item in node.messages().outbox(NoArgs {}).await.expect("it runs") {
            let other = world.machines.iter().find(|other| other.id == item.to).expect("nobody else is here");
            let peer = node.peers().get(AgentArgs { agent: item.to }).await;
            let known = peer.map(|peer| (peer.url, peer.health)).ok();
            let back = other.node().peers().get(AgentArgs { agent: machine.id }).await;
            let back = back.map(|peer| (peer.url, peer.health)).ok();
            let (one, there) = (machine.url(), other.url());
            let why = item.last_reason.map(|reason| reason.text);
            lines.push(format!("{one} for {there}: {why:?}; knows it as {known:?}, the other way {back:?}"));
        }
    }
    lines.join("\n")
}

async fn all_reach_each_other(world: &World) {
    for machine in &world.machines {
        for peer in machine.node().peers().list(NoArgs {}).await.expect("it runs") {
            let other =
                world.machines.iter().find(|other| other.id == peer.agent_id).expect("nobody else is here");
            let (one, other, known) = (&machine.label, &other.label, (peer.url == other.url(), peer.health));
            assert_eq!(known, (true, Some(PeerHealth::Healthy)), "{one} lost {other}");
        }
    }
}

/// Switches a machine on again whenever it is off, sometimes somewhere else; sometimes it dies while it starts.
async fn restart(machine: Arc<Machine>, chance: Chance) {
    loop {
        machine.dead().await;
        sleep(chance.seconds(1, 40)).await;
        if chance.percent(20) {
            machine.move_to(&format!("{}-{}", machine.label, machine.starts()));
        }
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
            let places = world.places();
            let places: Vec<_> = places.iter().map(String::as_str).collect();
            let middle = 1 + chance.below(places.len() - 1);
            let (left, right) = places.split_at(middle);
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
        outcome.print(seed);
        assert!(outcome.totals.promised > 200 && outcome.totals.accepted > 50, "{:?}", outcome.totals);
        assert!(outcome.proofs > 200, "{} proofs", outcome.proofs);
        assert!(outcome.totals.redelivered > 0 && outcome.deaths > 10, "{} deaths", outcome.deaths);
        for fate in [Fate::Copied, Fate::RequestLost, Fate::AnswerLost, Fate::Answered(409), Fate::Refused] {
            assert!(count(fate) > 0, "{fate:?} never happened");
        }
    }
}

#[test]
fn a_hundred_nodes_lose_nothing_either() {
    for seed in seeds(1..=2) {
        let day = Day { nodes: 100, connections: 3, messages: 6, faults: 120 };
        let outcome = simulate(seed, |seed| bad_day(seed, day));
        outcome.print(seed);
        assert!(outcome.totals.promised > 400 && outcome.deaths > 60 && outcome.proofs > 400);
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
