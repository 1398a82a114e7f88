//! Routing rules as data: set while the node runs, kept over restarts, tried without effect, and answering without loops.

#![expect(clippy::unwrap_used, reason = "what does not fit fails the test")]

mod support;

use std::sync::Arc;

use dmagent::{
    AgentId, ConnectArgs, Message, Node, NodeConfig, Parts, SendArgs,
    api::{AskArgs, Fate, NoArgs, RuleTrial, RulesArgs},
    error::Code,
    messaging::RoutingRule,
    peers::AutoAccept,
    store::{MemoryDisk, MemoryStore},
};
use serde_json::{Map, Value, json};

use self::support::actor::Actor;

fn rules(value: Value) -> Vec<RoutingRule> {
    serde_json::from_value(value).unwrap()
}

fn settings() -> NodeConfig {
    let mut config = support::unlimited();
    config.auto_accept = AutoAccept::Loopback;
    config
}

async fn agent(seed: u8, value: Value) -> Node {
    let node = support::open(settings(), Actor::new(seed).passport).await;
    node.rules().set(RulesArgs { rules: rules(value) }).await.unwrap();
    node
}

async fn connect(from: &Node, to: &Node) {
    from.peers().connect(ConnectArgs::new(to.info().url)).await.unwrap();
}

async fn send(from: &Node, to: AgentId, content: &str) -> String {
    from.messages().send(SendArgs::new(to, content)).await.unwrap().message_id
}

/// The next message of a peer.
async fn next(node: &Node) -> Message {
    let asked = json!({"kinds": ["peer"], "timeout_secs": 20});
    let message: Message =
        serde_json::from_value(node.call("messages.next", asked).await.unwrap()).expect("a message comes");
    node.call("messages.acknowledge", json!({"sequence": message.sequence})).await.unwrap();
    message
}

/// The contents that peers sent and that lie in the inbox.
async fn kept(node: &Node) -> Vec<String> {
    let listed = node.call("messages.list", json!({})).await.unwrap();
    let of_peers = listed.as_array().unwrap().iter().filter(|message| message["kind"] == "peer");
    of_peers.map(|message| message["content"].as_str().unwrap().to_owned()).collect()
}

/// How many messages the conversation log has that `node` sent.
async fn sent(node: &Node) -> usize {
    let log = node.call("messages.log", json!({"limit": 100})).await.unwrap();
    log.as_array().unwrap().iter().filter(|entry| entry["direction"] == "outbound").count()
}

fn away() -> Value {
    json!([{"rule_id": "away", "action": "answer", "response_text": "back at nine"}])
}

#[tokio::test(flavor = "multi_thread")]
async fn two_nodes_that_answer_everything_say_one_answer() {
    let (alice, bob) = (agent(1, away()).await, agent(2, away()).await);
    connect(&alice, &bob).await;
    let asked = send(&alice, bob.agent_id(), "are you there?").await;
    let answer = next(&alice).await;
    assert_eq!((&answer.content[..], answer.from), ("back at nine", bob.agent_id()));
    assert_eq!(answer.in_reply_to.as_deref(), Some(&asked[..]));
    assert_eq!(answer.metadata["answered_by_rule"], json!("away"));
    // What was said after it would have come before this.
    bob.rules().set(RulesArgs { rules: Vec::new() }).await.unwrap();
    send(&alice, bob.agent_id(), "the end").await;
    assert_eq!(next(&bob).await.content, "the end");
    assert_eq!(kept(&bob).await, Vec::<String>::new(), "what was answered is not kept");
    assert_eq!((sent(&alice).await, sent(&bob).await), (2, 1));
    for node in [alice, bob] {
        node.close().await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ring_that_passes_answers_on_comes_to_rest() {
    let (alice, bob, carol) = (agent(1, json!([])).await, agent(2, away()).await, agent(3, away()).await);
    connect(&alice, &bob).await;
    connect(&alice, &carol).await;
    connect(&bob, &carol).await;
    let on = json!([
        {"rule_id": "to bob", "action": "forward", "forward_to": [bob.agent_id()], "from_agent_id": carol.agent_id()},
        {"rule_id": "to carol", "action": "forward", "forward_to": [carol.agent_id()]},
    ]);
    alice.rules().set(RulesArgs { rules: rules(on) }).await.unwrap();
    // Bob's question goes on to Carol, who answers Alice, and her answer ends there.
    send(&bob, alice.agent_id(), "who knows?").await;
    let answer = next(&alice).await;
    assert_eq!((&answer.content[..], answer.from), ("back at nine", carol.agent_id()));
    assert_eq!((sent(&alice).await, sent(&bob).await, sent(&carol).await), (1, 1, 1));
    assert_eq!(kept(&bob).await, Vec::<String>::new());
    for node in [alice, bob, carol] {
        node.close().await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_another_node_passes_on_is_not_answered() {
    let alice = agent(1, away()).await;
    let (peer, mut client) = (Actor::new(2), support::http::Client::new(support::address(&alice)));
    let me = alice.agent_id();
    let request = peer.request(&me, "http://127.0.0.1:9", true);
    client.post("/__darkmatter__/connection_request", serde_json::to_vec(&request).unwrap()).await;
    let said = |metadata: Value| {
        let (id, metadata) = (peer.fresh("msg-"), support::actor::object(metadata));
        let draft = dmagent::messaging::compose::Draft {
            message_id: &id,
            content: "x",
            metadata: &metadata,
            in_reply_to: None,
            hops: 5,
        };
        let form = dmagent::messaging::compose::Form::V2;
        let random = dmagent::env::SystemRandom;
        dmagent::messaging::compose::message(draft, &me, form, &peer.passport, peer.now(), &random).unwrap()
    };
    for (metadata, routed_to) in [
        (json!({"answered_by_rule": "theirs", "forwarded": true}), "queued"),
        (json!({"in_reply_to": "msg-1"}), "queued"),
        (json!({}), "answered"),
    ] {
        let body = serde_json::to_vec(&said(metadata.clone())).unwrap();
        let reply = client.post("/__darkmatter__/message", &body).await.json();
        assert_eq!(reply["routed_to"], json!(routed_to), "{metadata}");
        // Once: the same message again is known.
        assert_eq!(client.post("/__darkmatter__/message", &body).await.status, 409);
    }
    // A stranger is not answered, and its message is kept.
    let stranger = Actor::stranger();
    let message = dmagent::messaging::compose::Form::V1;
    let mut plain = stranger.message(&me, message, "hello");
    plain.insert("metadata".into(), json!({}));
    plain.remove("in_reply_to");
    let reply = client.post("/__darkmatter__/message", serde_json::to_vec(&plain).unwrap()).await.json();
    assert_eq!(reply["routed_to"], json!("queued"), "{reply}");
    alice.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_question_hears_the_answer_of_a_rule() {
    let (alice, bob) = (agent(1, json!([])).await, agent(2, away()).await);
    connect(&alice, &bob).await;
    let answer = alice.messages().ask(AskArgs::new(bob.agent_id(), "when?")).await.unwrap();
    assert_eq!(answer.content, "back at nine");
    for node in [alice, bob] {
        node.close().await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn rules_that_were_set_hold_over_restarts_instead_of_those_of_the_settings() {
    let disk = MemoryDisk::new();
    let mut config = settings();
    config.routing_rules = rules(json!([{"rule_id": "first", "action": "drop"}]));
    let open = async |config: &NodeConfig| {
        let store: Arc<MemoryStore> = Arc::new(MemoryStore::open(&disk));
        let parts = Parts { passport: Some(Actor::new(1).passport), store: Some(store), ..Parts::default() };
        Node::open_with(config.clone(), parts).await.unwrap()
    };
    let names = async |node: &Node| -> Vec<String> {
        let listed = node.rules().list(NoArgs {}).await.unwrap();
        listed.into_iter().map(|listed| listed.rule.rule_id).collect()
    };
    let node = open(&config).await;
    assert_eq!(names(&node).await, ["first"]);
    node.close().await.unwrap();
    // As long as nothing was set the settings decide.
    config.routing_rules[0].rule_id = "second".into();
    let node = open(&config).await;
    assert_eq!(names(&node).await, ["second"]);
    for set in [json!([{"rule_id": "mine", "action": "handle"}]), json!([])] {
        let set = rules(set);
        let mine: Vec<_> = set.iter().map(|rule| rule.rule_id.clone()).collect();
        node.rules().set(RulesArgs { rules: set }).await.unwrap();
        assert_eq!(names(&node).await, mine);
        let bad = RulesArgs { rules: rules(json!([{"rule_id": "", "action": "drop"}])) };
        assert_eq!(node.rules().set(bad).await.unwrap_err().code(), Code::InvalidArgument);
        assert_eq!(names(&node).await, mine, "nothing changed");
    }
    node.close().await.unwrap();
    let node = open(&config).await;
    assert_eq!(names(&node).await, Vec::<String>::new(), "none is what was set");
    node.close().await.unwrap();
    config.routing_rules[0].rule_id = "x".repeat(129);
    let error = NodeConfig::from_json(&serde_json::to_string(&config).unwrap()).unwrap_err();
    assert_eq!(error.code(), Code::ConfigInvalid);
    assert!(error.message().starts_with("routing_rules[0] needs a rule_id"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trial_tells_what_would_happen_and_does_nothing() {
    let (alice, bob) = (agent(1, json!([])).await, agent(2, json!([])).await);
    connect(&alice, &bob).await;
    let (peer, stranger, blocked) = (bob.agent_id(), Actor::new(8).id(), Actor::new(9).id());
    let set = json!([
        {"rule_id": "ads", "action": "drop", "keyword": "buy"},
        {"rule_id": "help", "action": "forward", "keyword": "help", "forward_to": [peer, stranger]},
        {"rule_id": "lost", "action": "forward", "keyword": "lost", "forward_to": [stranger]},
        {"rule_id": "mine", "action": "handle", "metadata_key": "mine"},
        {"rule_id": "away", "action": "answer", "response_text": "back at nine", "priority": -1},
    ]);
    alice.rules().set(RulesArgs { rules: rules(set) }).await.unwrap();
    alice.call("peers.block", json!({"agent": blocked})).await.unwrap();
    let before = (kept(&alice).await, sent(&alice).await);
    for (content, from, metadata, fate, rule) in [
        ("buy now", peer, json!({}), Fate::Drop, Some("ads")),
        ("help!", stranger, json!({}), Fate::Forward, Some("help")),
        ("help!", peer, json!({}), Fate::Keep, Some("help")),
        ("lost", peer, json!({}), Fate::Keep, Some("lost")),
        ("x", peer, json!({"mine": 1}), Fate::Keep, Some("mine")),
        ("x", peer, json!({}), Fate::Answer, Some("away")),
        ("x", stranger, json!({}), Fate::Keep, Some("away")),
        ("x", peer, json!({"in_reply_to": "msg-1"}), Fate::Keep, None),
        ("buy now", blocked, json!({}), Fate::Refuse, None),
    ] {
        let asked = json!({"content": content, "from": from, "metadata": metadata});
        let trial: RuleTrial =
            serde_json::from_value(alice.call("rules.test", asked).await.unwrap()).unwrap();
        assert_eq!(
            (trial.fate, trial.rule_id.as_deref()),
            (fate, rule),
            "{content} {metadata}: {}",
            trial.reason
        );
        assert_eq!(trial.forward_to, if fate == Fate::Forward { vec![peer] } else { Vec::new() });
        assert_eq!(trial.answer.is_some(), fate == Fate::Answer);
    }
    assert_eq!((kept(&alice).await, sent(&alice).await), before);
    let long = json!({"content": "x".repeat(65_537), "from": peer, "metadata": Map::new()});
    assert_eq!(alice.call("rules.test", long).await.unwrap_err().code(), Code::InvalidArgument);
    for node in [alice, bob] {
        node.close().await.unwrap();
    }
}
