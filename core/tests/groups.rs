//! A message for any member of a group: exactly one has it, whoever refuses, sleeps, or dies in between.

#![expect(clippy::unwrap_used, reason = "what does not fit fails the test")]

mod support;

use dmagent::{
    AgentId, ConnectArgs, DeliveryState, Filter, MessageKind, Node, NodeConfig,
    api::{GroupSendArgs, RulesArgs, SetGroupArgs, SetTrustArgs},
    error::Code,
    identity::Passport,
    peers::AutoAccept,
};
use serde_json::json;

use self::support::http::Client;

fn settings() -> NodeConfig {
    let mut config = support::unlimited();
    config.auto_accept = AutoAccept::Loopback;
    config
}

/// A node in the middle, and members that it trusts in this order.
async fn group(count: u8) -> (Node, Vec<Node>) {
    let asker = support::open(settings(), Passport::from_seed([100; 32])).await;
    let mut members = Vec::new();
    for seed in 1..=count {
        let member = support::open(settings(), Passport::from_seed([seed; 32])).await;
        asker.peers().connect(ConnectArgs::new(member.info().url)).await.unwrap();
        let trust = json!({"agent": member.agent_id(), "score": 1.0 - f64::from(seed) / 10.0});
        let trust: SetTrustArgs = serde_json::from_value(trust).unwrap();
        asker.trust().set(trust).await.unwrap();
        members.push(member);
    }
    let name = "workers".to_owned();
    let ids = members.iter().map(Node::agent_id).collect();
    asker.groups().set(SetGroupArgs { name, members: ids }).await.unwrap();
    (asker, members)
}

fn to_any(content: &str) -> GroupSendArgs {
    serde_json::from_value(json!({"group": "workers", "mode": "any", "content": content})).unwrap()
}

fn of_peers() -> Filter {
    Filter { kinds: vec![MessageKind::Peer], ..Filter::default() }
}

/// How many of the members have a message with this content.
async fn holders(members: &[Node], content: &str) -> Vec<AgentId> {
    let mut holders = Vec::new();
    for member in members {
        let listed = member.call("messages.list", json!({})).await.unwrap();
        if listed.as_array().unwrap().iter().any(|message| message["content"] == content) {
            holders.push(member.agent_id());
        }
    }
    holders
}

#[tokio::test(flavor = "multi_thread")]
async fn the_most_trusted_gets_it_unless_the_agent_of_another_waits() {
    let (asker, members) = group(3).await;
    let sent = asker.groups().send(to_any("first")).await.unwrap();
    assert_eq!(sent.receipt.deliveries[0].to, members[0].agent_id());
    assert_eq!(holders(&members, "first").await, [members[0].agent_id()]);

    let waiting = async { members[2].inbox().filtered(of_peers()).next().await.unwrap() };
    let sending = async {
        // It waits once its node says so.
        while !is_waiting(&members[2]).await {
            tokio::task::yield_now().await;
        }
        asker.groups().send(to_any("second")).await.unwrap()
    };
    let (got, sent) = futures_util::future::join(waiting, sending).await;
    assert_eq!((&got.content[..], sent.receipt.deliveries[0].to), ("second", members[2].agent_id()));
    assert_eq!(holders(&members[..2], "second").await, []);
}

async fn is_waiting(node: &Node) -> bool {
    let mut client = Client::new(support::address(node));
    client.get("/__darkmatter__/status").await.json()["is_waiting"] == true
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_refuses_is_passed_over_and_does_not_have_it() {
    let (asker, members) = group(3).await;
    let drop_all = serde_json::from_value(json!([{"rule_id": "no", "action": "drop"}])).unwrap();
    members[0].rules().set(RulesArgs { rules: drop_all }).await.unwrap();
    let sent = asker.groups().send(to_any("a job")).await.unwrap();
    assert_eq!(sent.receipt.deliveries[0].to, members[1].agent_id());
    let passed: Vec<_> = sent.passed_over.iter().map(|delivery| (delivery.to, delivery.state)).collect();
    assert_eq!(passed, [(members[0].agent_id(), DeliveryState::Refused)]);
    assert_eq!(holders(&members, "a job").await, [members[1].agent_id()]);
    assert_eq!(asker.info().outbox, 0);

    // Nobody wants the next one: it is refused, and nobody has it.
    for member in &members[1..] {
        let drop_all = serde_json::from_value(json!([{"rule_id": "no", "action": "drop"}])).unwrap();
        member.rules().set(RulesArgs { rules: drop_all }).await.unwrap();
    }
    let sent = asker.groups().send(to_any("unwanted")).await.unwrap();
    assert_eq!((sent.receipt.state, sent.passed_over.len()), (DeliveryState::Refused, 2));
    assert_eq!(holders(&members, "unwanted").await, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn those_that_are_gone_are_not_asked_and_with_all_of_them_gone_it_says_so() {
    let (asker, members) = group(3).await;
    members[0].close().await.unwrap();
    let sent = asker.groups().send(to_any("a job")).await.unwrap();
    assert_eq!(sent.receipt.deliveries[0].to, members[1].agent_id());
    assert!(sent.passed_over.is_empty());
    for member in &members[1..] {
        member.close().await.unwrap();
    }
    let error = asker.groups().send(to_any("another")).await.unwrap_err();
    assert_eq!((error.code(), asker.info().outbox), (Code::Unreachable, 0), "nothing waits for anybody");
}

#[tokio::test(flavor = "multi_thread")]
async fn many_messages_for_any_are_as_many_in_all_inboxes() {
    const MESSAGES: usize = 40;
    let (asker, members) = group(4).await;
    let sending = (0..MESSAGES).map(|number| {
        let asker = asker.clone();
        async move { asker.groups().send(to_any(&format!("job {number}"))).await.unwrap() }
    });
    let sent = futures_util::future::join_all(sending).await;
    assert!(sent.iter().all(|sent| sent.receipt.state == DeliveryState::Accepted));
    for number in 0..MESSAGES {
        assert_eq!(holders(&members, &format!("job {number}")).await.len(), 1);
    }
}
