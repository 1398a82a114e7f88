//! Messages that are passed on: to nobody twice, in no circle, and lost by no crash.

#![expect(clippy::unwrap_used, reason = "what does not fit fails the test")]

mod support;

use std::{sync::Arc, time::Duration};

use dmagent::{
    AgentId, ConnectArgs, DeliveryState, Message, Node, NodeConfig, Parts, SendArgs,
    api::{ForwardArgs, RulesArgs},
    error::Code,
    messaging::{Filter, MessageKind},
    peers::AutoAccept,
    store::{CrashPlan, FaultyStore, MemoryDisk, MemoryStore, Moment},
};
use serde_json::json;

use self::support::actor::Actor;

const PATIENCE: Duration = Duration::from_secs(20);

fn settings() -> NodeConfig {
    let mut config = support::unlimited();
    config.auto_accept = AutoAccept::Loopback;
    config
}

async fn agent(seed: u8) -> Node {
    support::open(settings(), Actor::new(seed).passport).await
}

async fn agents(seeds: impl IntoIterator<Item = u8>) -> Vec<Node> {
    let mut agents = Vec::new();
    for seed in seeds {
        agents.push(agent(seed).await);
    }
    agents
}

async fn connect(from: &Node, to: &Node) {
    from.peers().connect(ConnectArgs::new(to.info().url)).await.unwrap();
}

async fn next(node: &Node, patience: Duration) -> Option<Message> {
    let from_peers = Filter { kinds: vec![MessageKind::Peer], ..Filter::default() };
    node.inbox().filtered(from_peers).next_within(patience).await.unwrap()
}

async fn receive(node: &Node) -> Message {
    next(node, PATIENCE).await.expect("a message comes")
}

/// Waits until the inbox has so many messages of peers.
async fn holds(node: &Node, count: usize) -> Vec<Message> {
    loop {
        let listed = node.messages().list(dmagent::api::NoArgs {}).await.unwrap();
        let of_peers: Vec<_> =
            listed.into_iter().filter(|message| message.kind == MessageKind::Peer).collect();
        if of_peers.len() == count {
            return of_peers;
        }
        tokio::task::yield_now().await;
    }
}

/// How many messages the conversation log has that `node` sent.
async fn sent(node: &Node) -> usize {
    let log = node.call("messages.log", json!({"limit": 100})).await.unwrap();
    log.as_array().unwrap().iter().filter(|entry| entry["direction"] == "outbound").count()
}

async fn close(nodes: Vec<Node>) {
    for node in nodes {
        node.close().await.unwrap();
    }
}

async fn pass_all_on(from: &Node, to: &Node) {
    let rules = json!([{"rule_id": "on", "action": "forward", "forward_to": [to.agent_id()]}]);
    let rules = serde_json::from_value(rules).unwrap();
    from.rules().set(RulesArgs { rules }).await.unwrap();
}

/// Every node passes everything to the next one, the last to the first, and hops are not what ends it.
#[tokio::test(flavor = "multi_thread")]
async fn rings_of_two_to_ten_nodes_come_to_rest() {
    for size in 2..=10_u8 {
        for author_is_outside in [true, false] {
            let ring = agents(1..=size).await;
            for (index, node) in ring.iter().enumerate() {
                let next = &ring[(index + 1) % ring.len()];
                connect(node, next).await;
                pass_all_on(node, next).await;
            }
            let outside = agent(100).await;
            connect(&outside, &ring[0]).await;
            let (author, first, last) = if author_is_outside {
                (&outside, &ring[0], ring.last().unwrap())
            } else {
                (&ring[0], &ring[1], ring.last().unwrap())
            };
            let args = SendArgs { hops: 50, ..SendArgs::new(first.agent_id(), "round and round") };
            author.messages().send(args).await.unwrap();
            let kept = holds(last, 1).await.remove(0);
            // A rule leaves the sender out by itself: between two there is nobody left to refuse.
            let why = kept.metadata.get("forward_failed").and_then(|why| why.as_str());
            let said = (size > 2).then_some("all agents to forward to have the message already");
            assert_eq!(why, said, "{size}");
            assert_eq!(kept.origin.unwrap().agent_id, author.agent_id());
            for node in &ring {
                let is_author = node.agent_id() == author.agent_id();
                let is_last = node.agent_id() == last.agent_id();
                assert_eq!(sent(node).await, usize::from(is_author || !is_last), "{size}");
                assert_eq!(holds(node, usize::from(is_last)).await.len(), usize::from(is_last));
            }
            close(ring).await;
            outside.close().await.unwrap();
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn hops_end_what_no_list_of_holders_ends() {
    let line = agents(1..=5).await;
    for pair in line.windows(2) {
        connect(&pair[0], &pair[1]).await;
    }
    for pair in line.windows(2).skip(1) {
        pass_all_on(&pair[0], &pair[1]).await;
    }
    for (hops, arrives_at) in [(0, 1), (1, 2), (2, 3), (3, 4)] {
        let args = SendArgs { hops, ..SendArgs::new(line[1].agent_id(), format!("{hops} hops")) };
        line[0].messages().send(args).await.unwrap();
        let message = receive(&line[arrives_at]).await;
        assert_eq!((message.content, message.hops_remaining), (format!("{hops} hops"), 0));
        let on = ForwardArgs::new(message.sequence, line[0].agent_id());
        let refused = line[arrives_at].messages().forward(on).await.unwrap_err();
        assert_eq!(refused.code(), Code::HopsExhausted);
    }
    close(line).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_comes_two_ways_arrives_once() {
    let nodes = agents(1..=4).await;
    let [alice, bob, carol, dave] = &nodes[..] else { panic!("four") };
    for (from, to) in [(alice, bob), (alice, carol), (bob, dave), (carol, dave), (alice, dave)] {
        connect(from, to).await;
    }
    let to = vec![bob.agent_id(), carol.agent_id()];
    let sent =
        alice.messages().send(SendArgs::new(dmagent::api::Recipients::Several(to), "news")).await.unwrap();
    for forwarder in [bob, carol] {
        let message = receive(forwarder).await;
        let args = ForwardArgs::new(message.sequence, dave.agent_id());
        let receipt = forwarder.messages().forward(args).await.unwrap();
        assert_eq!((receipt.message_id, receipt.state), (sent.message_id.clone(), DeliveryState::Accepted));
        // Whoever has it in its hands may finish it.
        forwarder.inbox().acknowledge(&message).await.unwrap();
        assert_eq!(holds(forwarder, 0).await, []);
    }
    assert_eq!(receive(dave).await.message_id, sent.message_id);
    assert_eq!(next(dave, Duration::ZERO).await, None);
    // Its author is told the same when it comes with it late.
    let again = SendArgs { to: dave.agent_id().into(), ..SendArgs::new(dave.agent_id(), "the end") };
    alice.messages().send(again).await.unwrap();
    assert_eq!(receive(dave).await.content, "the end");
    close(nodes).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_is_over_only_when_somebody_else_has_it() {
    let nodes = agents(1..=3).await;
    let [alice, bob, carol] = &nodes[..] else { panic!("three") };
    connect(alice, bob).await;
    connect(bob, carol).await;
    alice.send(bob.agent_id(), "work").await.unwrap();
    let message = receive(bob).await;
    // Carol is connected and takes nothing now.
    carol.call("node.update", json!({"active": false})).await.unwrap();
    let args = ForwardArgs { timeout_secs: 0.2, ..ForwardArgs::new(message.sequence, carol.agent_id()) };
    assert_eq!(bob.messages().forward(args).await.unwrap().state, DeliveryState::Stored);
    assert_eq!(holds(bob, 1).await[0].forwarded_to, []);
    // What is under way to somebody is not sent there twice.
    let again = ForwardArgs::new(message.sequence, carol.agent_id());
    assert_eq!(bob.messages().forward(again).await.unwrap_err().code(), Code::AlreadyReceived);
    carol.call("node.update", json!({"active": true})).await.unwrap();
    assert_eq!(receive(carol).await.content, "work");
    assert_eq!(holds(bob, 0).await, []);
    let over = ForwardArgs::new(message.sequence, carol.agent_id());
    assert_eq!(bob.messages().forward(over).await.unwrap_err().code(), Code::MessageUnknown);
    close(nodes).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_node_shows_a_message_to_eight_others() {
    let nodes = agents(1..=11).await;
    let (alice, bob) = (&nodes[0], &nodes[1]);
    connect(alice, bob).await;
    for other in &nodes[2..] {
        connect(bob, other).await;
    }
    alice.send(bob.agent_id(), "look").await.unwrap();
    let message = receive(bob).await;
    let ids: Vec<AgentId> = nodes[2..].iter().map(Node::agent_id).collect();
    let show = |to: &[AgentId]| {
        let args = ForwardArgs {
            keep: true,
            ..ForwardArgs::new(message.sequence, dmagent::api::Recipients::Several(to.to_vec()))
        };
        let bob = bob.clone();
        async move { bob.messages().forward(args).await }
    };
    assert_eq!(show(&ids).await.unwrap_err().code(), Code::InvalidArgument);
    assert_eq!(show(&ids[..5]).await.unwrap().state, DeliveryState::Accepted);
    assert_eq!(show(&ids[5..]).await.unwrap_err().code(), Code::InvalidArgument);
    assert_eq!(show(&ids[5..8]).await.unwrap().state, DeliveryState::Accepted);
    assert_eq!(show(&ids[8..]).await.unwrap_err().code(), Code::InvalidArgument);
    // Nobody is shown it twice, but on demand.
    let again = ForwardArgs { keep: true, ..ForwardArgs::new(message.sequence, ids[0]) };
    let refused = bob.messages().forward(again.clone()).await.unwrap_err();
    assert_eq!(refused.code(), Code::AlreadyReceived);
    let forced = bob.messages().forward(ForwardArgs { force: true, ..again }).await.unwrap();
    assert_eq!(forced.state, DeliveryState::Accepted);
    for other in &nodes[2..10] {
        assert_eq!(receive(other).await.content, "look");
    }
    assert_eq!(next(&nodes[10], Duration::ZERO).await, None);
    close(nodes).await;
}

/// Bob dies at every commit of a hand-over in turn: the message is at Carol's, or Bob still has it, or it is on its way; and
/// Carol never gets two.
#[tokio::test(flavor = "multi_thread")]
async fn a_crash_at_any_step_of_a_hand_over_loses_nothing_and_doubles_nothing() {
    for at in 1..=4 {
        for moment in [Moment::Before, Moment::After] {
            let disk = MemoryDisk::new();
            let open = async || {
                let store = Arc::new(FaultyStore::new(Arc::new(MemoryStore::open(&disk))));
                let parts = Parts {
                    passport: Some(Actor::new(2).passport),
                    store: Some(Arc::clone(&store) as _),
                    ..Parts::default()
                };
                (Node::open_with(settings(), parts).await.unwrap(), store)
            };
            let (alice, carol) = (agent(1).await, agent(3).await);
            let (bob, store) = open().await;
            connect(&alice, &bob).await;
            connect(&bob, &carol).await;
            alice.send(bob.agent_id(), "work").await.unwrap();
            let message = receive(&bob).await;
            store.plan_crash(Some(CrashPlan { at_commit: store.commits() + at, moment }));
            let messages = bob.messages();
            tokio::select! {
                biased;
                () = store.crash() => {}
                forwarded = messages.forward(ForwardArgs::new(message.sequence, carol.agent_id())) => {
                    assert_eq!(forwarded.unwrap().state, DeliveryState::Accepted);
                }
            }
            drop(bob);
            let (bob, _) = open().await;
            // Whoever still has it passes it on again, as a host would that found it in its inbox.
            if let Some(found) = next(&bob, Duration::ZERO).await {
                let again = bob.messages().forward(ForwardArgs::new(found.sequence, carol.agent_id())).await;
                assert!(again.is_ok() || again.unwrap_err().code() == Code::AlreadyReceived);
            }
            let got = receive(&carol).await;
            assert_eq!((got.content.as_str(), got.origin.unwrap().agent_id), ("work", alice.agent_id()));
            holds(&bob, 0).await;
            bob.send(carol.agent_id(), "the end").await.unwrap();
            assert_eq!(receive(&carol).await.content, "the end", "commit {at}, {moment:?}");
            close(vec![alice, bob, carol]).await;
        }
    }
}
