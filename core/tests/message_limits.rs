//! MessageLimits that travel with a message: what honest nodes do with them, and what they refuse of others.

#![expect(clippy::unwrap_used, reason = "what does not fit fails the test")]

mod support;

use std::time::Duration;

use dmagent::{
    ConnectArgs, DeliveryState, Node, SendArgs,
    api::{AskArgs, MessageArgs, UntilArgs},
    env::Timestamp,
    error::Code,
    messaging::{
        Filter, Message, MessageKind, Verification, body_digest,
        compose::{self, Draft, Form},
    },
    peers::AutoAccept,
    wire::{
        canonical::{self, Domain},
        envelope::{Author, Budget, MEMBER, MessageLimits, Origin, Step, TraceContext},
    },
};
use serde_json::{Map, Value, json};

use self::support::{
    HandClock,
    actor::{Actor, Object, object},
    http::Client,
};

const PATIENCE: Duration = Duration::from_secs(20);
const PARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

fn start() -> Timestamp {
    Timestamp::from_seconds(1_779_162_677)
}

fn usd(amount: &str) -> Option<Budget> {
    Some(Budget { unit: "usd".into(), amount: amount.parse().unwrap() })
}

fn limits(deadline: Timestamp) -> MessageLimits {
    let trace = TraceContext { traceparent: PARENT.into(), tracestate: Some("rojo=1".into()) };
    MessageLimits { deadline: Some(deadline), budget: usd("10.5"), trace: Some(trace) }
}

/// Two nodes that share a clock, the first connected to the second.
async fn pair(clock: &HandClock) -> (Node, Node) {
    let mut config = support::unlimited();
    config.auto_accept = AutoAccept::Loopback;
    let alice = support::open_at(config.clone(), Actor::new(1).passport, clock.env()).await;
    let bob = support::open_at(config, Actor::new(2).passport, clock.env()).await;
    alice.peers().connect(ConnectArgs::new(bob.info().url)).await.unwrap();
    (alice, bob)
}

async fn next(node: &Node, patience: Duration) -> Option<Message> {
    let from_peers = Filter { kinds: vec![MessageKind::Peer], ..Filter::default() };
    node.inbox().filtered(from_peers).next_within(patience).await.unwrap()
}

async fn receive(node: &Node) -> Message {
    next(node, PATIENCE).await.expect("a message comes")
}

#[tokio::test(flavor = "multi_thread")]
async fn limits_and_author_arrive_as_they_were_set_and_survive_a_restart_of_the_inbox() {
    let clock = HandClock::at(start());
    let (alice, bob) = pair(&clock).await;
    let set = limits(start() + Duration::from_secs(60));
    let args = SendArgs { hops: 3, ..SendArgs::new(bob.agent_id(), "work").limited(set.clone()) };
    let sent = alice.messages().send(args).await.unwrap();
    let message = receive(&bob).await;
    assert_eq!((&message.limits, message.hops_remaining), (&Some(set), 3));
    assert_eq!(message.verification, Verification::Sealed);
    assert!(!message.metadata.contains_key(MEMBER), "what nodes write is not the host's");
    let origin = message.origin.clone().unwrap();
    assert_eq!((origin.agent_id, origin.to), (alice.agent_id(), bob.agent_id()));
    assert_eq!((origin.hops, &origin.message_id, origin.path.len()), (3, &sent.message_id, 0));
    // Anybody checks it offline, against what the message says.
    origin.verify_way().unwrap();
    assert_eq!(origin.digest, body_digest("work", &Map::new(), None).unwrap());
    // As it is stored, it is read again.
    let stored = serde_json::to_string(&message).unwrap();
    assert_eq!(serde_json::from_str::<Message>(&stored).unwrap(), message);

    // A message without limits has an author all the same; one that goes no further needs none.
    alice.send(bob.agent_id(), "plain").await.unwrap();
    let plain = receive(&bob).await;
    assert_eq!(plain.origin.unwrap().agent_id, alice.agent_id());
    assert_eq!(plain.limits, None);
    let last = SendArgs { hops: 0, ..SendArgs::new(bob.agent_id(), "stop") };
    alice.messages().send(last).await.unwrap();
    assert_eq!(receive(&bob).await.origin, None);
    alice.close().await.unwrap();
    bob.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_writes_limits_in_their_form_and_not_in_the_metadata() {
    let clock = HandClock::at(start());
    let (alice, bob) = pair(&clock).await;
    let plain = || SendArgs::new(bob.agent_id(), "work");
    let mut metadata = Map::new();
    metadata.insert(MEMBER.into(), json!({}));
    let unit = MessageLimits {
        budget: Some(Budget { unit: String::new(), ..usd("1").unwrap() }),
        ..MessageLimits::default()
    };
    let trace = TraceContext { traceparent: "00-0-0-00".into(), tracestate: None };
    let trace = MessageLimits { trace: Some(trace), ..MessageLimits::default() };
    for wrong in [
        SendArgs { metadata, ..plain() },
        plain().limited(unit),
        SendArgs { tracestate: Some("a=1".into()), ..plain() },
        plain().limited(trace),
        SendArgs { spend: Some("1".parse().unwrap()), ..plain() },
    ] {
        assert_eq!(alice.messages().send(wrong).await.unwrap_err().code(), Code::InvalidArgument);
    }
    let unknown = SendArgs { caused_by: Some(4_711), ..plain() };
    assert_eq!(alice.messages().send(unknown).await.unwrap_err().code(), Code::MessageUnknown);
    let late = MessageLimits { deadline: Some(start()), ..MessageLimits::default() };
    assert_eq!(alice.messages().send(plain().limited(late)).await.unwrap_err().code(), Code::MessageExpired);
    assert_eq!(next(&bob, Duration::ZERO).await, None);
    alice.close().await.unwrap();
    bob.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_whose_deadline_passes_in_the_inbox_is_handed_to_nobody_and_its_receipt_says_so() {
    let clock = HandClock::at(start());
    let (alice, bob) = pair(&clock).await;
    let args = |content: &str| SendArgs {
        deadline: Some(start() + Duration::from_secs(60)),
        ..SendArgs::new(bob.agent_id(), content)
    };
    let taken = alice.messages().send(args("taken in time")).await.unwrap();
    let held = receive(&bob).await;
    let missed = alice.messages().send(args("missed")).await.unwrap();
    assert_eq!(missed.state, DeliveryState::Accepted);
    clock.advance(61);
    assert_eq!(next(&bob, Duration::ZERO).await, None);
    let until = |message_id: &str, state| {
        let (alice, message_id) = (alice.clone(), message_id.to_owned());
        async move {
            let timeout_secs = Some(PATIENCE.as_secs_f64());
            alice.messages().until(UntilArgs { message_id, state, timeout_secs }).await
        }
    };
    let error = until(&missed.message_id, DeliveryState::Handled).await.unwrap_err();
    assert_eq!(error.code(), Code::MessageExpired, "{error}");
    let status = alice.messages().status(MessageArgs { message_id: missed.message_id }).await.unwrap();
    assert_eq!(status.state, DeliveryState::Expired);
    let proof = status.deliveries[0].proof.as_ref().unwrap();
    assert!(proof.0.is_valid(), "the recipient signed it");
    // Who has it may finish it.
    bob.inbox().acknowledge(&held).await.unwrap();
    assert_eq!(until(&taken.message_id, DeliveryState::Handled).await.unwrap().state, DeliveryState::Handled);
    alice.close().await.unwrap();
    bob.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_waits_for_a_peer_no_longer_than_its_deadline() {
    let clock = HandClock::at(start());
    let (alice, bob) = pair(&clock).await;
    bob.close().await.unwrap();
    let args = SendArgs {
        deadline: Some(start() + Duration::from_secs(60)),
        expires_in_secs: Some(3_600.0),
        ..SendArgs::new(bob.agent_id(), "hurry")
    };
    let sent = alice.messages().send(args).await.unwrap();
    assert_eq!(sent.state, DeliveryState::Stored);
    let waiting = alice.messages().outbox(dmagent::api::NoArgs {}).await.unwrap();
    assert_eq!(waiting[0].expires_at, start() + Duration::from_secs(60));
    alice.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_message_causes_works_under_what_is_left_of_it() {
    let clock = HandClock::at(start());
    let (alice, bob) = pair(&clock).await;
    let set = limits(start() + Duration::from_secs(60));
    let question = AskArgs {
        deadline: set.deadline,
        budget: set.budget.clone(),
        traceparent: Some(PARENT.into()),
        tracestate: Some("rojo=1".into()),
        timeout_secs: Some(PATIENCE.as_secs_f64()),
        ..AskArgs::new(bob.agent_id(), "how much?")
    };
    let asking = alice.messages();
    let answering = async {
        let heard = receive(&bob).await;
        let too_much = SendArgs { spend: Some("10.6".parse().unwrap()), ..SendArgs::reply(&heard, "?") };
        let refused = bob.messages().send(too_much.caused_by(&heard)).await.unwrap_err();
        assert_eq!(refused.code(), Code::LimitsLoosened);
        let more = SendArgs { budget: usd("10.51"), ..SendArgs::reply(&heard, "?") };
        assert_eq!(
            bob.messages().send(more.caused_by(&heard)).await.unwrap_err().code(),
            Code::LimitsLoosened
        );
        let reply = SendArgs { spend: Some("0.5".parse().unwrap()), ..SendArgs::reply(&heard, "seven") };
        bob.messages().send(reply.caused_by(&heard)).await.unwrap();
        heard
    };
    let (answer, heard) = tokio::join!(asking.ask(question), answering);
    let answer = answer.unwrap();
    let limits = answer.limits.clone().unwrap();
    assert_eq!(answer.hops_remaining, heard.hops_remaining - 1);
    assert_eq!((limits.deadline, &limits.budget), (set.deadline, &usd("10")));
    let (came, went) = (limits.trace.unwrap(), set.trace.unwrap());
    assert_eq!(came.traceparent[..36], went.traceparent[..36]);
    assert_ne!(came.traceparent, went.traceparent);
    assert_eq!(came.tracestate, went.tracestate);
    alice.close().await.unwrap();
    bob.close().await.unwrap();
}

/// A node that the agents 2 and 3, who are only keys, are connected to.
async fn scene() -> (Node, Client) {
    let mut config = support::unlimited();
    config.auto_accept = AutoAccept::Loopback;
    let node = support::open(config, Actor::new(9).passport).await;
    let mut client = Client::new(support::address(&node));
    for seed in [2, 3] {
        let request = Actor::new(seed).request(&node.agent_id(), "http://127.0.0.1:9", true);
        let body = serde_json::to_vec(&request).unwrap();
        let reply = client.post("/__darkmatter__/connection_request", body).await;
        assert_eq!(reply.json()["auto_accepted"], true, "{}", reply.text());
    }
    (node, client)
}

struct Frame<'a> {
    from: u8,
    form: Form,
    hops: u32,
    content: &'a str,
    origin: Value,
}

impl Frame<'_> {
    fn object(&self, to: &Node) -> Object {
        let actor = Actor::new(self.from);
        let metadata = object(json!({ (MEMBER): self.origin }));
        let message_id = self.origin["message_id"].as_str().unwrap_or("msg-x");
        let Self { form, hops, content, .. } = *self;
        let draft = Draft { message_id, content, metadata: &metadata, in_reply_to: None, hops };
        let to = to.agent_id();
        compose::message(draft, &to, form, &actor.passport, actor.now(), &*actor.env.random).unwrap()
    }
}

async fn refusal(client: &mut Client, node: &Node, frame: &Frame<'_>) -> (u16, String) {
    let body = serde_json::to_vec(&frame.object(node)).unwrap();
    let reply = client.post("/__darkmatter__/message", body).await;
    (reply.status, reply.json()["code"].as_str().unwrap_or("taken").to_owned())
}

fn written(author: &Actor, to: dmagent::AgentId, limits: &MessageLimits) -> Origin {
    let digest = body_digest("work", &Map::new(), None).unwrap();
    let message_id = author.fresh("msg-");
    let said = Author { message_id: &message_id, to, now: author.now(), hops: 10, limits, digest: &digest };
    Origin::sign(said, &author.passport).unwrap()
}

/// What a forwarder signs that does not hold to any rule.
fn stepped(origin: &Origin, liar: &Actor, to: dmagent::AgentId, hops: u32, limits: &MessageLimits) -> Origin {
    let before = origin.path.last().map_or(origin.signature, |step| step.signature);
    let said = json!({
        "message_id": origin.message_id, "sent_at": liar.now(), "hops": hops, "limits": limits, "note": null,
        "before": before,
    });
    let (said, agent_id) = (object(said), liar.id());
    let bytes = canonical::object_v2(Domain::ForwardStep, &agent_id, Some(&to), &said).unwrap();
    let sent_at = serde_json::from_value(said["sent_at"].clone()).unwrap();
    let signature = liar.passport.sign(&bytes);
    let mut origin = origin.clone();
    origin.path.push(Step { agent_id, to, sent_at, hops, limits: limits.clone(), note: None, signature });
    origin
}

#[tokio::test(flavor = "multi_thread")]
async fn every_form_of_a_loosened_limit_is_refused() {
    let (node, mut client) = scene().await;
    let (us, author, liar) = (node.agent_id(), Actor::new(1), Actor::new(2));
    let deadline = author.now() + Duration::from_secs(3_600);
    let set = limits(deadline);
    let loosened = [
        MessageLimits { budget: usd("10.6"), ..set.clone() },
        MessageLimits { budget: usd("100000"), ..set.clone() },
        MessageLimits { budget: None, ..set.clone() },
        MessageLimits { budget: Some(Budget { unit: "eur".into(), ..usd("1").unwrap() }), ..set.clone() },
        MessageLimits { deadline: None, ..set.clone() },
        MessageLimits { deadline: Some(deadline + Duration::from_secs(1)), ..set.clone() },
        MessageLimits::default(),
    ];
    for form in [Form::V2, Form::Sealed] {
        for (limits, hops) in loosened.iter().map(|limits| (limits, 9)).chain([(&set, 10), (&set, 50)]) {
            let origin = stepped(&written(&author, liar.id(), &set), &liar, us, hops, limits);
            let frame = Frame { from: 2, form, hops: 9, content: "work", origin: json!(origin) };
            let refused = refusal(&mut client, &node, &frame).await;
            assert_eq!(refused, (403, "limits_loosened".into()), "{form:?} {limits:?} {hops}");
        }
        // An honest step, and more hops in the frame.
        let origin = stepped(&written(&author, liar.id(), &set), &liar, us, 9, &set);
        let raised = Frame { from: 2, form, hops: 10, content: "work", origin: json!(origin) };
        assert_eq!(refusal(&mut client, &node, &raised).await, (403, "limits_loosened".into()));
        let honest = Frame { hops: 9, ..raised };
        assert_eq!(refusal(&mut client, &node, &honest).await, (200, "taken".into()));
        let message = receive(&node).await;
        assert_eq!((message.from, message.origin.unwrap().agent_id), (liar.id(), author.id()));
    }
    assert_eq!(next(&node, Duration::ZERO).await, None, "nothing else was taken");
    node.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_said_about_author_and_way_must_hold() {
    let (node, mut client) = scene().await;
    let (us, author, liar) = (node.agent_id(), Actor::new(1), Actor::new(2));
    let set = limits(author.now() + Duration::from_secs(3_600));
    let good = || written(&author, liar.id(), &set);
    let honest = |origin: &Origin| stepped(origin, &liar, us, 9, &set);
    let mut texts = vec![json!({}), json!("x"), json!([]), json!({"agent_id": 1})];
    // The author's own words are changed.
    for (pointer, value) in [
        ("/limits/budget/amount", json!("1000")),
        ("/limits/deadline", Value::Null),
        ("/hops", json!(50)),
        ("/digest", json!("00")),
        ("/agent_id", json!(liar.id())),
        ("/to", json!(us)),
    ] {
        let mut changed = json!(honest(&good()));
        *changed.pointer_mut(pointer).unwrap() = value;
        texts.push(changed);
    }
    // Somebody who only overheard it; a way with a gap; a step that was left out.
    texts.push(json!(good()));
    texts.push(json!(stepped(&good(), &Actor::new(3), us, 9, &set)));
    let mut shorter =
        stepped(&stepped(&good(), &liar, Actor::new(3).id(), 9, &set), &Actor::new(3), us, 8, &set);
    shorter.path.remove(0);
    for text in texts {
        let frame = Frame { from: 2, form: Form::V2, hops: 5, content: "work", origin: text.clone() };
        assert_eq!(refusal(&mut client, &node, &frame).await, (403, "origin_invalid".into()), "{text}");
    }
    let gap = Frame { from: 3, form: Form::V2, hops: 5, content: "work", origin: json!(shorter) };
    assert_eq!(refusal(&mut client, &node, &gap).await, (403, "origin_invalid".into()));
    // Other words under the author's name.
    let other = Frame { content: "pay", origin: json!(honest(&good())), ..gap };
    let other = Frame { from: 2, ..other };
    assert_eq!(refusal(&mut client, &node, &other).await, (403, "origin_invalid".into()));
    // From the past.
    let past =
        MessageLimits { deadline: Some(author.now() - Duration::from_secs(1)), ..MessageLimits::default() };
    let late = stepped(&written(&author, liar.id(), &past), &liar, us, 9, &past);
    let late = Frame { from: 2, form: Form::Sealed, hops: 9, content: "work", origin: json!(late) };
    assert_eq!(refusal(&mut client, &node, &late).await, (410, "message_expired".into()));
    assert_eq!(next(&node, Duration::ZERO).await, None);
    node.close().await.unwrap();
}

/// A node that signs as 1.1.1 does passes metadata through, or copies it without knowing what it means.
#[tokio::test(flavor = "multi_thread")]
async fn through_a_node_that_knows_nothing_of_it_a_message_arrives_all_the_same() {
    let (node, mut client) = scene().await;
    let us = node.agent_id();
    let set = limits(Actor::new(1).now() + Duration::from_secs(3_600));
    // An old node that is not connected as a signer of ours: a stranger.
    let old = Actor::new(5);
    let request = serde_json::to_vec(&old.plain_request("http://127.0.0.1:9")).unwrap();
    client.post("/__darkmatter__/connection_request", request).await;
    let own = written(&old, us, &set);
    let frame = Frame { from: 5, form: Form::V1, hops: 10, content: "work", origin: json!(own) };
    assert_eq!(refusal(&mut client, &node, &frame).await, (200, "taken".into()));
    let message = receive(&node).await;
    assert_eq!((message.limits, message.origin), (Some(set.clone()), Some(own)));
    let copied = written(&Actor::new(1), old.id(), &set);
    let frame = Frame { from: 5, form: Form::V1, hops: 10, content: "look at this", origin: json!(copied) };
    assert_eq!(refusal(&mut client, &node, &frame).await, (200, "taken".into()));
    let message = receive(&node).await;
    assert_eq!((message.content.as_str(), message.origin), ("look at this", None));
    // It answers with the metadata that it got from us.
    let echoed = written(&Actor::new(9), old.id(), &set);
    let frame = Frame { from: 5, form: Form::V1, hops: 10, content: "yes", origin: json!(echoed) };
    assert_eq!(refusal(&mut client, &node, &frame).await, (200, "taken".into()));
    assert_eq!(receive(&node).await.origin, None);
    // A node of our kind that brings back what we wrote hears that we have it.
    let back = stepped(&written(&Actor::new(9), Actor::new(2).id(), &set), &Actor::new(2), us, 9, &set);
    let back = Frame { from: 2, form: Form::Sealed, hops: 9, content: "work", origin: json!(back) };
    assert_eq!(refusal(&mut client, &node, &back).await, (409, "already_received".into()));
    node.close().await.unwrap();
}
