//! The shared suite, and what only a memory network can do.

use std::{sync::Arc, time::Duration};

use super::*;
use crate::transport::suite::{Bench, Probe, get, transport_suite};

transport_suite!(bench);

async fn bench() -> Bench {
    let network = MemoryNetwork::new(0);
    Bench {
        server: Arc::new(MemoryTransport::new(&network, "server")),
        client: Arc::new(MemoryTransport::new(&network, "client")),
        nowhere: "memory://absent-17".into(),
        is_client: |source| *source == Source::Process("client".into()),
    }
}

/// A node of a network, with its probe.
struct Node {
    transport: Arc<MemoryTransport>,
    probe: Arc<Probe>,
}

async fn node(network: &MemoryNetwork, label: &str) -> Node {
    let transport = Arc::new(MemoryTransport::new(network, label));
    let probe = Probe::new();
    transport.listen(Arc::clone(&probe) as Arc<dyn Receiver>).await.unwrap();
    Node { transport, probe }
}

impl Node {
    async fn ask(&self, to: &str) -> Result<u16, Code> {
        let reply = self.transport.send(&format!("memory://{to}"), get("/echo")).await;
        reply.map(|reply| reply.status).map_err(|error| error.code())
    }

    fn arrivals(&self) -> usize {
        self.probe.arrivals.lock().len()
    }
}

const ROUGH: Conditions = Conditions {
    min_latency: Duration::from_millis(1),
    max_latency: Duration::from_millis(400),
    request_loss: 0.2,
    answer_loss: 0.2,
    duplication: 0.3,
};

/// Three nodes ask each other, all at once, over a bad network that falls apart for a while.
async fn rough_day(seed: u64) -> Vec<Event> {
    let network = MemoryNetwork::new(seed);
    network.set_conditions(ROUGH);
    let nodes = [node(&network, "a").await, node(&network, "b").await, node(&network, "c").await];
    for round in 0..20 {
        match round {
            5 => network.partition(&["a"], &["b", "c"]),
            10 => network.heal(),
            _ => {}
        }
        let asks = nodes.iter().flat_map(|node| ["a", "b", "c"].map(|to| node.ask(to)));
        futures_util::future::join_all(asks).await;
    }
    network.trace()
}

#[tokio::test(start_paused = true)]
async fn the_same_seed_gives_the_same_trace() {
    let trace = rough_day(11).await;
    assert_eq!(trace, rough_day(11).await);
    assert_ne!(trace, rough_day(12).await);
    for fate in [Fate::Delivered, Fate::Copied, Fate::RequestLost, Fate::AnswerLost, Fate::Answered(200)] {
        assert!(trace.iter().any(|event| event.fate == fate), "{fate:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn latency_passes_both_ways() {
    let network = MemoryNetwork::new(1);
    let way = Duration::from_millis(250);
    network.set_conditions(Conditions { min_latency: way, max_latency: way, ..Conditions::default() });
    let (a, _b) = (node(&network, "a").await, node(&network, "b").await);
    a.ask("b").await.unwrap();
    let times: Vec<_> = network.trace().into_iter().map(|event| (event.at, event.fate)).collect();
    assert_eq!(times, [(way, Fate::Delivered), (2 * way, Fate::Answered(200))]);
}

#[tokio::test(start_paused = true)]
async fn a_lost_request_never_arrives_and_a_lost_answer_leaves_its_request_handled() {
    let network = MemoryNetwork::new(1);
    let (a, b) = (node(&network, "a").await, node(&network, "b").await);
    network.set_conditions(Conditions { request_loss: 1.0, ..Conditions::default() });
    assert_eq!((a.ask("b").await, b.arrivals()), (Err(Code::Timeout), 0));
    network.set_conditions(Conditions { answer_loss: 1.0, ..Conditions::default() });
    assert_eq!((a.ask("b").await, b.arrivals()), (Err(Code::Timeout), 1));
}

#[tokio::test(start_paused = true)]
async fn a_duplicate_arrives_twice_and_is_answered_once() {
    let network = MemoryNetwork::new(1);
    network.set_conditions(Conditions { duplication: 1.0, ..Conditions::default() });
    let (a, b) = (node(&network, "a").await, node(&network, "b").await);
    assert_eq!(a.ask("b").await, Ok(200));
    // Paused time only moves when everyone waits, so the copy is done by then.
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(b.arrivals(), 2);
    assert_eq!(network.deliveries("b"), 2);
}

#[tokio::test(start_paused = true)]
async fn a_request_arrives_although_its_sender_has_given_up() {
    let network = MemoryNetwork::new(1);
    let way = Duration::from_secs(3);
    network.set_conditions(Conditions { min_latency: way, max_latency: way, ..Conditions::default() });
    let (a, b) = (node(&network, "a").await, node(&network, "b").await);
    let request = get("/echo").timeout(Duration::from_secs(1));
    assert_eq!(a.transport.send("memory://b", request).await.unwrap_err().code(), Code::Timeout);
    assert_eq!(b.arrivals(), 0);
    tokio::time::sleep(way).await;
    assert_eq!(b.arrivals(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_partition_cuts_both_ways_until_it_heals() {
    let network = MemoryNetwork::new(1);
    let (a, b, c) = (node(&network, "a").await, node(&network, "b").await, node(&network, "c").await);
    network.partition(&["a"], &["b"]);
    assert_eq!(a.ask("b").await, Err(Code::Timeout));
    assert_eq!(b.ask("a").await, Err(Code::Timeout));
    assert_eq!((a.ask("c").await, c.ask("b").await), (Ok(200), Ok(200)));
    assert_eq!((a.arrivals(), b.arrivals()), (0, 1));
    network.heal();
    assert_eq!((a.ask("b").await, b.ask("a").await), (Ok(200), Ok(200)));
}

#[tokio::test(start_paused = true)]
async fn a_partition_that_comes_during_the_exchange_loses_the_answer() {
    let network = MemoryNetwork::new(1);
    let (a, b) = (node(&network, "a").await, node(&network, "b").await);
    let asking = a.transport.send("memory://b", get("/gate"));
    let cutting = async {
        b.probe.begun.notified().await;
        network.partition(&["a"], &["b"]);
        b.probe.gate.notify_one();
    };
    let (reply, ()) = tokio::join!(asking, cutting);
    assert_eq!(reply.unwrap_err().code(), Code::Timeout);
    assert_eq!(network.trace().last().unwrap().fate, Fate::AnswerLost);
}

#[tokio::test]
async fn a_node_that_is_down_neither_hears_nor_speaks() {
    let network = MemoryNetwork::new(1);
    let (a, b) = (node(&network, "a").await, node(&network, "b").await);
    network.take_down("b");
    assert_eq!(a.ask("b").await, Err(Code::Unreachable));
    assert_eq!(b.ask("a").await, Err(Code::Unreachable));
    network.bring_up("b");
    assert_eq!((a.ask("b").await, b.ask("a").await), (Ok(200), Ok(200)));
}

#[tokio::test(start_paused = true)]
async fn a_planned_crash_stops_a_node_before_or_after_it_handles_a_delivery() {
    for (moment, handled) in [(Moment::Before, 1), (Moment::After, 2)] {
        let network = MemoryNetwork::new(1);
        let (a, b) = (node(&network, "a").await, node(&network, "b").await);
        let crashed = network.plan_crash("b", CrashPlan { at_delivery: 2, moment });
        assert_eq!(a.ask("b").await, Ok(200));
        assert_eq!(a.ask("b").await, Err(Code::Unreachable));
        crashed.notified().await;
        assert_eq!(b.arrivals(), handled, "{moment:?}");
        assert_eq!(network.trace().last().unwrap().fate, Fate::Crashed);
        // The dead node learns nothing any more, not even that its time is over.
        let asking = tokio::time::timeout(Duration::from_secs(3600), b.ask("a"));
        assert!(asking.await.is_err(), "{moment:?}");
        assert_eq!(a.arrivals(), 0);
        // Started again, it listens at its old label; the corpse does not disturb it.
        let again = node(&network, "b").await;
        drop(b);
        assert_eq!((a.ask("b").await, again.arrivals()), (Ok(200), 1));
    }
}

#[tokio::test(start_paused = true)]
async fn a_crash_ends_what_the_node_was_handling_and_asking() {
    let network = MemoryNetwork::new(1);
    let (a, b) = (node(&network, "a").await, node(&network, "b").await);
    let crashed = network.plan_crash("b", CrashPlan { at_delivery: 2, moment: Moment::Before });
    let handled = a.transport.send("memory://b", get("/gate"));
    let asked = tokio::time::timeout(Duration::from_secs(3600), b.transport.send("memory://a", get("/gate")));
    let crashing = async {
        b.probe.begun.notified().await;
        a.probe.begun.notified().await;
        assert_eq!(a.ask("b").await, Err(Code::Unreachable));
        crashed.notified().await;
        a.probe.gate.notify_one();
        b.probe.gate.notify_one();
    };
    let (handled, asked, ()) = tokio::join!(handled, asked, crashing);
    assert_eq!(handled.unwrap_err().code(), Code::Unreachable);
    assert!(asked.is_err());
    assert_eq!(b.probe.finished.load(std::sync::atomic::Ordering::SeqCst), 0);
}

#[tokio::test(start_paused = true)]
async fn a_node_can_be_killed_at_any_moment_and_started_again() {
    let network = MemoryNetwork::new(1);
    let (a, b) = (node(&network, "a").await, node(&network, "b").await);
    network.crash("nobody");
    network.crash("b");
    assert_eq!(a.ask("b").await, Err(Code::Unreachable));
    let asking = tokio::time::timeout(Duration::from_secs(3600), b.ask("a"));
    assert!(asking.await.is_err(), "the dead learn nothing");
    let again = node(&network, "b").await;
    assert_eq!((a.ask("b").await, again.arrivals(), b.arrivals()), (Ok(200), 1, 0));
}

#[tokio::test(start_paused = true)]
async fn closing_drops_what_does_not_finish() {
    let network = MemoryNetwork::new(1);
    let (a, b) = (node(&network, "a").await, node(&network, "b").await);
    let (reply, ()) = tokio::join!(a.transport.send("memory://b", get("/gate")), async {
        b.probe.begun.notified().await;
        b.transport.close().await;
    });
    assert_eq!(reply.unwrap_err().code(), Code::Unreachable);
}

#[tokio::test]
async fn a_label_belongs_to_one_listener() {
    let network = MemoryNetwork::new(1);
    let first = node(&network, "a").await;
    let second = MemoryTransport::new(&network, "a");
    assert_eq!(second.listen(Probe::new()).await.unwrap_err().code(), Code::BindFailed);
    first.transport.close().await;
    second.listen(Probe::new()).await.unwrap();
    for label in ["", "a/b"] {
        let error = MemoryTransport::new(&network, label).listen(Probe::new()).await.unwrap_err();
        assert_eq!(error.code(), Code::InvalidArgument);
    }
}

#[tokio::test]
async fn a_dropped_transport_is_gone() {
    let network = MemoryNetwork::new(1);
    let (a, b) = (node(&network, "a").await, node(&network, "b").await);
    drop(b);
    assert_eq!(a.ask("b").await, Err(Code::Unreachable));
}

#[tokio::test]
async fn the_network_of_the_process_remembers_nobody_who_left() {
    let network = MemoryNetwork::of_process();
    let places = || network.shared.labels();
    let node = node(network, "one-that-leaves").await;
    assert_eq!(node.ask("one-that-leaves").await, Ok(200));
    assert_eq!(node.ask("nobody-at-all").await, Err(Code::Unreachable));
    assert!(places().contains("one-that-leaves") && !places().contains("nobody-at-all"));
    assert!(network.trace().is_empty());
    node.transport.close().await;
    assert!(!places().contains("one-that-leaves"));
    // One that is only dropped, and one that never listened.
    drop(self::node(network, "one-that-is-dropped").await);
    drop(MemoryTransport::new(network, "one-that-is-dropped"));
    assert!(!places().contains("one-that-is-dropped"));
}

#[tokio::test]
async fn who_is_gone_takes_no_label_from_its_successor() {
    let network = MemoryNetwork::of_process();
    let first = node(network, "a-label-that-goes-on").await;
    first.transport.close().await;
    let second = node(network, "a-label-that-goes-on").await;
    drop(first);
    assert_eq!(second.ask("a-label-that-goes-on").await, Ok(200));
}
