//! Peers that change their address, that sleep for a day, and about whom others lie: who is lost is found again without a
//! human, and nobody is moved by what others merely say.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use dmagent::{
    AgentId, ConnectArgs, DeliveryState,
    api::{AgentArgs, NoArgs},
    env::{SigningTimes, Timestamp},
    identity::Passport,
    node::events::EventBody,
    peers::{LocationRecord, Peer, PeerEvent, PeerHealth},
    transport::{
        Arrival, Receiver, Transport as _,
        memory::{Event, Fate, MemoryTransport},
    },
    wire::Answer,
};
use parking_lot::Mutex;
use serde_json::{Value, json};
use tokio::time::sleep;

use crate::{
    life::{HOUR, take},
    storage::events,
    world::{Chance, Machine, World, seeds, simulate},
};

pub(crate) const MINUTE: Duration = Duration::from_secs(60);

pub(crate) async fn peer(machine: &Machine, of: AgentId) -> Peer {
    machine.node().peers().get(AgentArgs { agent: of }).await.expect("they are connected")
}

/// Whether `one` reaches `other` where it is.
pub(crate) async fn knows(one: &Machine, other: &Machine) -> bool {
    let known = peer(one, other.id).await;
    known.url == other.url() && known.health == Some(PeerHealth::Healthy)
}

/// Everybody connected to everybody.
pub(crate) async fn acquainted(seed: u64, count: usize) -> World {
    let world = World::started(seed, count).await;
    for (index, machine) in world.machines.iter().enumerate() {
        for other in &world.machines[index + 1..] {
            machine.connect(other).await.expect("nothing is broken");
        }
    }
    sleep(MINUTE).await;
    world
}

/// Requests that arrived since `start`.
fn arrived(world: &World, start: Duration) -> Vec<Event> {
    let arrived = |event: &Event| event.fate == Fate::Delivered && event.at >= start;
    world.network.trace().into_iter().filter(arrived).collect()
}

#[test]
fn twenty_nodes_of_which_six_change_address_at_once_find_each_other_within_two_minutes() {
    for seed in seeds(1..4) {
        simulate(seed, |seed| async move {
            let world = acquainted(seed, 20).await;
            let chance = Chance::new(seed, 7);
            let mut movers: Vec<_> = world.machines.iter().collect();
            while movers.len() > 6 {
                movers.swap_remove(chance.below(movers.len()));
            }
            for mover in &movers {
                mover.die();
                mover.move_to(&format!("new-{}", mover.label));
            }
            let start = world.network.trace().last().expect("they have met").at;
            for mover in &movers {
                mover.boot(None).await.expect("nothing stops its start");
            }
            sleep(2 * MINUTE).await;
            for one in &world.machines {
                for other in world.machines.iter().filter(|other| other.id != one.id) {
                    assert!(knows(one, other).await, "{} lost {}", one.label, other.label);
                }
            }
            // Every pair can be used, both ways, at once.
            for (one, other) in movers.iter().zip(movers.iter().skip(1)) {
                for (from, to) in [(one, other), (other, one)] {
                    let receipt = from.node().send(to.id, "found you").await.expect("a peer");
                    assert_eq!(receipt.state, DeliveryState::Accepted);
                }
            }
            let requests = arrived(&world, start).len();
            // Per node: 19 peers pinged five times, six movers tell 19 peers, and the searches.
            assert!(requests / 20 < 200, "{requests} requests for 20 nodes");
        });
    }
}

/// Everybody asks its neighbours on a ring, and some that chance picks.
async fn neighbourly(seed: u64, count: usize, each: usize) -> World {
    let world = World::started(seed, count).await;
    let chance = Chance::new(seed, 3);
    for machine in &world.machines {
        for distance in 1..=each {
            let other = if distance == 1 { 1 } else { 1 + chance.below(count - 1) };
            let other = &world.machines[(machine.index + other) % count];
            machine.connect(other).await.expect("nothing is broken");
        }
    }
    sleep(MINUTE).await;
    world
}

/// How many connections there are, and those whose other end is not reached where it is.
async fn lost_pairs(world: &World) -> (usize, Vec<String>) {
    let (mut pairs, mut lost) = (0, Vec::new());
    for one in &world.machines {
        for known in one.node().peers().list(NoArgs {}).await.expect("it runs") {
            let other = world.machines.iter().find(|other| other.id == known.agent_id);
            let other = other.expect("nobody else is here");
            pairs += 1;
            if known.url != other.url() || known.health != Some(PeerHealth::Healthy) {
                lost.push(format!("{} lost {}", one.label, other.label));
            }
        }
    }
    (pairs, lost)
}

#[test]
fn a_hundred_nodes_of_which_thirty_change_address_at_once_find_each_other_within_two_minutes() {
    const NODES: usize = 100;
    for seed in seeds(1..=2) {
        simulate(seed, |seed| async move {
            let world = neighbourly(seed, NODES, 4).await;
            let chance = Chance::new(seed, 7);
            let mut movers: Vec<_> = world.machines.iter().collect();
            while movers.len() > NODES * 3 / 10 {
                movers.swap_remove(chance.below(movers.len()));
            }
            for mover in &movers {
                mover.die();
                mover.move_to(&format!("new-{}", mover.label));
            }
            let start = world.network.trace().last().expect("they have met").at;
            for mover in &movers {
                mover.boot(None).await.expect("nothing stops its start");
            }
            let mut seconds = 0;
            let (pairs, lost) = loop {
                sleep(Duration::from_secs(5)).await;
                seconds += 5;
                let (pairs, lost) = lost_pairs(&world).await;
                if lost.is_empty() || seconds >= 120 {
                    break (pairs, lost);
                }
            };
            let requests = arrived(&world, start);
            let bytes: usize = requests.iter().map(|event| event.bytes).sum();
            println!(
                "{seed}: {pairs} connections whole after {seconds} s, for each node {} requests and {} bytes in them",
                requests.len() / NODES,
                bytes / NODES
            );
            assert!(lost.is_empty(), "{} of {pairs} are lost: {lost:?}", lost.len());
            // For eight peers: five pings each, the news of those that moved, and the searches.
            assert!(requests.len() / NODES < 150, "{} requests for each node", requests.len() / NODES);
        });
    }
}

#[test]
fn two_that_moved_at_the_same_moment_and_have_no_common_peer_are_found_through_peers_of_peers() {
    simulate(1, |seed| async move {
        let world = World::started(seed, 5).await;
        // In a ring of five, the only way around from the first to the last is through the three others.
        for (index, machine) in world.machines.iter().enumerate() {
            machine.connect(&world.machines[(index + 1) % 5]).await.expect("nothing is broken");
        }
        sleep(MINUTE).await;
        let [first, last] = [0, 4].map(|index| &world.machines[index]);
        for mover in [first, last] {
            mover.die();
            mover.move_to(&format!("new-{}", mover.label));
        }
        for mover in [first, last] {
            mover.boot(None).await.expect("nothing stops its start");
        }
        sleep(5 * MINUTE).await;
        assert!(knows(first, last).await && knows(last, first).await);
    });
}

#[test]
fn a_question_about_somebody_whom_nobody_knows_ends_and_does_not_flood_the_mesh() {
    simulate(1, |seed| async move {
        let world = neighbourly(seed, 30, 3).await;
        // Dead for good: everybody around it looks for it, again and again.
        let gone = &world.machines[0];
        gone.die();
        let start = world.network.trace().last().expect("they have met").at;
        sleep(HOUR).await;
        let questions = arrived(&world, start);
        let questions = questions.iter().filter(|event| event.path.contains("/peer_lookup/")).count();
        assert!(questions > 100, "{questions}: it was looked for far and wide");
        // About six neighbours search about nine times in the first hour, and each search reaches each node a few times.
        assert!(questions / 30 < 6 * 9 * 4, "{questions} questions for 30 nodes");
        println!("{} questions for each node in an hour", questions / 30);
    });
}

#[test]
fn a_peer_that_slept_for_a_day_is_found_at_another_address_by_one_that_moved_too_and_mail_arrives() {
    simulate(1, |seed| async move {
        let world = acquainted(seed, 3).await;
        let [sleeper, mover, witness] = [0, 1, 2].map(|index| &world.machines[index]);
        sleeper.die();
        sleep(12 * HOUR).await;
        assert_eq!(peer(mover, sleeper.id).await.health, Some(PeerHealth::Dormant));
        mover.die();
        mover.move_to("elsewhere");
        mover.boot(None).await.expect("nothing stops its start");
        sleep(8 * HOUR).await;
        assert!(knows(witness, mover).await);
        let receipt = mover.node().send(sleeper.id, "good morning").await.expect("a peer");
        assert_eq!(receipt.state, DeliveryState::Stored);
        sleep(4 * HOUR).await;
        let heard = peer(witness, sleeper.id).await;
        assert_eq!((heard.health, heard.unreachable), (Some(PeerHealth::Dormant), true));
        assert!(heard.last_activity < Some(world.now() - 23 * HOUR), "when it was last heard of");
        let mut happened = mover.node().events();
        // Neither has the other's address: the witness has both, signed.
        sleeper.move_to("another-bed");
        sleeper.boot(None).await.expect("nothing stops its start");
        sleep(2 * MINUTE).await;
        for (one, other) in [(sleeper, mover), (mover, sleeper), (witness, sleeper), (sleeper, witness)] {
            assert!(knows(one, other).await, "{} lost {}", one.label, other.label);
        }
        assert_eq!(take(sleeper, Duration::ZERO).await, ["good morning"]);
        let told: Vec<_> = events(&mut happened)
            .into_iter()
            .filter_map(|body| match body {
                EventBody::Peer(event) => Some(event),
                _ => None,
            })
            .collect();
        assert!(told.contains(&PeerEvent::PeerUpdated { agent_id: sleeper.id }), "{told:?}");
        assert!(told.contains(&PeerEvent::PeerReachability { agent_id: sleeper.id, reachable: true }));
    });
}

/// Somebody at an address of its own that answers as it likes, in the name of an agent.
pub(crate) struct Actor {
    agent: AgentId,
    /// Its answer to every lookup and envelope.
    pub(crate) says: Mutex<Value>,
    /// Its answer to a connection request.
    pretends: Value,
    heard: Mutex<Vec<String>>,
}

impl Actor {
    pub(crate) async fn listening(world: &World, place: &str, agent: AgentId, pretends: Value) -> Arc<Self> {
        let actor =
            Arc::new(Self { agent, says: Mutex::new(Value::Null), pretends, heard: Mutex::default() });
        let door = MemoryTransport::new(&world.network, place);
        door.listen(Arc::clone(&actor) as Arc<dyn Receiver>).await.expect("the place is free");
        // For as long as the world stands.
        world.tasks.spawn("actor", async move {
            let _door = door;
            std::future::pending::<()>().await;
        });
        actor
    }

    pub(crate) fn heard(&self, word: &str) -> usize {
        self.heard.lock().iter().filter(|path| path.contains(word)).count()
    }
}

#[async_trait]
impl Receiver for Actor {
    async fn receive(&self, arrival: Arrival) -> Answer {
        self.heard.lock().push(arrival.path.clone());
        if arrival.path.contains("/peer_lookup/") || arrival.path.ends_with("/mesh_route") {
            return Answer::ok(self.says.lock().clone());
        }
        if arrival.path.ends_with("/connection_request") {
            return Answer::ok(self.pretends.clone());
        }
        Answer::ok(
            json!({"agent_id": self.agent, "your_ip": "unknown", "success": true, "status": "received"}),
        )
    }
}

fn signed(by: &Passport, url: &str, at: Timestamp) -> Value {
    json!(LocationRecord::sign(by, url, &SigningTimes::new(MINUTE), at))
}

#[test]
fn lies_about_a_lost_peer_move_nothing_and_its_own_word_moves_it() {
    const LIARS: usize = 5;
    simulate(1, |seed| async move {
        let world = World::started(seed, LIARS + 2).await;
        let [victim, lost] = [0, 1].map(|index| &world.machines[index]);
        let liars: Vec<_> = world.machines[2..].iter().collect();
        let keys = Machine::identity(seed, lost.index);
        let first = lost.url();
        victim.connect(lost).await.expect("nothing is broken");
        sleep(MINUTE).await;
        let replayed = signed(&keys, "memory://impostor", world.now());
        // It moves once while it can still say so, which is newer than the record above.
        sleep(MINUTE).await;
        lost.die();
        lost.move_to("second");
        lost.boot(None).await.expect("nothing stops its start");
        sleep(MINUTE).await;
        assert!(knows(victim, lost).await);
        lost.die();
        let acceptance = json!({
            "auto_accepted": true, "agent_id": lost.id, "agent_url": "memory://impostor",
            "agent_public_key_hex": lost.id, "agent_bio": "", "message": "Already connected.",
        });
        let impostor = Actor::listening(&world, "impostor", lost.id, acceptance).await;
        let mut actors = Vec::new();
        for liar in liars {
            victim.node().peers().connect(ConnectArgs::new(liar.url())).await.expect("it still is one");
            liar.die();
            actors.push(Actor::listening(&world, &liar.label, liar.id, Value::Null).await);
        }
        let all_say = |url: &str, record: Value| {
            for actor in &actors {
                *actor.says.lock() =
                    json!({"agent_id": lost.id, "url": url, "status": "connected", "location": record});
            }
        };
        let stranger = Passport::from_seed([9; 32]);
        let receipt = victim.node().send(lost.id, "for you alone").await.expect("a peer");
        assert_eq!(receipt.state, DeliveryState::Stored);
        for (url, record) in [
            ("memory://impostor", Value::Null),
            ("memory://second", replayed),
            ("memory://second", signed(&stranger, "memory://impostor", world.now())),
            ("memory://second", signed(&keys, "http://169.254.169.254", world.now())),
            (first.as_str(), Value::Null),
        ] {
            all_say(url, record.clone());
            let asked = actors[0].heard("/peer_lookup/");
            sleep(40 * MINUTE).await;
            assert!(actors[0].heard("/peer_lookup/") > asked, "it is still looked for");
            assert_eq!(peer(victim, lost.id).await.url, "memory://second", "{url} {record}");
        }
        assert!(impostor.heard("/connection_request") > 0, "the place was tried");
        for word in ["/message", "/ping", "/peer_update"] {
            assert_eq!(impostor.heard(word), 0, "{word}: nobody took it for the peer");
        }
        // Also from a liar, the peer's own word is true.
        lost.move_to("third");
        all_say("memory://impostor", signed(&keys, "memory://third", world.now()));
        lost.boot(None).await.expect("nothing stops its start");
        sleep(MINUTE).await;
        assert!(knows(victim, lost).await);
        assert_eq!(take(lost, Duration::ZERO).await, ["for you alone"]);
    });
}

#[test]
fn what_others_merely_say_leads_to_a_peer_that_then_proves_itself() {
    simulate(1, |seed| async move {
        let world = World::started(seed, 3).await;
        let [seeker, lost, other] = [0, 1, 2].map(|index| &world.machines[index]);
        for peer in [lost, other] {
            seeker.connect(peer).await.expect("nothing is broken");
        }
        sleep(MINUTE).await;
        // The lost one does not know where the seeker is: both move while nobody can tell anybody.
        for machine in [seeker, lost, other] {
            machine.die();
        }
        seeker.move_to("seeker-elsewhere");
        lost.move_to("lost-elsewhere");
        let says = Actor::listening(&world, &other.label, other.id, Value::Null).await;
        *says.says.lock() = json!({"agent_id": lost.id, "url": lost.url(), "status": "connected"});
        lost.boot(None).await.expect("nothing stops its start");
        sleep(HOUR).await;
        seeker.boot(None).await.expect("nothing stops its start");
        sleep(2 * MINUTE).await;
        assert!(knows(seeker, lost).await && knows(lost, seeker).await);
    });
}

#[test]
fn twenty_idle_nodes_ping_each_other_less_than_once_in_ten_seconds() {
    simulate(1, |seed| async move {
        let world = acquainted(seed, 20).await;
        let start = world.network.trace().last().expect("they have met").at;
        sleep(10 * MINUTE).await;
        let pings = arrived(&world, start);
        assert!(pings.iter().all(|event| event.path.ends_with("/ping")), "nothing else is said");
        let pairs = 20 * 19;
        assert!(pings.len() < pairs * 600 / 10, "{} pings", pings.len());
        assert!(pings.len() > pairs * 600 / 30, "{} pings: silence would not be noticed", pings.len());
    });
}
