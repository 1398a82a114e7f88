//! Answers in parts between real nodes over HTTP: as they are written, to an asker that wants the whole, through a lost
//! asker, and what those outside cannot make of it.

#![expect(clippy::unwrap_used, reason = "what does not fit fails the test")]
#![expect(clippy::disallowed_methods, reason = "the tests wait for what they spawn")]

mod support;

use std::time::Duration;

use dmagent::{
    ConnectArgs, Node, NodeConfig, SendArgs,
    api::{AskArgs, FinishArgs, NextPartArgs, NoArgs, PartArgs},
    error::Code,
    messaging::{Filter, Message, MessageEvent, MessageKind, compose::Form},
    node::events::{EventBody, Observed},
    peers::AutoAccept,
};
use serde_json::json;

use self::support::{actor::Actor, http::Client};

const PATIENCE: Duration = Duration::from_secs(20);

async fn pair() -> (Node, Node) {
    let open = |name: &str| {
        let settings = format!(r#"{{"display_name": "{name}", "ephemeral": true}}"#);
        Node::open(NodeConfig::preset("agent", &settings).unwrap())
    };
    let (alice, bob) = (open("alice").await.unwrap(), open("bob").await.unwrap());
    alice.peers().connect(ConnectArgs::new(bob.info().url)).await.unwrap();
    (alice, bob)
}

async fn next(node: &Node) -> Message {
    let filter = Filter { kinds: vec![MessageKind::Peer], ..Filter::default() };
    node.inbox().filtered(filter).next_within(PATIENCE).await.unwrap().expect("a message comes")
}

async fn waiting(node: &Node) -> Vec<String> {
    let listed = node.messages().list(NoArgs {}).await.unwrap();
    let peers = listed.into_iter().filter(|message| message.kind == MessageKind::Peer);
    peers.map(|message| message.content).collect()
}

fn finish(question: &Message, content: &str) -> FinishArgs {
    FinishArgs {
        to: question.from,
        in_reply_to: question.message_id.clone(),
        content: content.to_owned(),
        metadata: serde_json::Map::new(),
        timeout_secs: 10.0,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_is_read_while_it_is_written() {
    let (alice, bob) = pair().await;
    let mut stream = alice.ask_stream(AskArgs::new(bob.agent_id(), "tell me a story")).await.unwrap();
    let question = next(&bob).await;
    assert!(question.wants_stream);
    let answer = bob.answer(&question);
    let mut heard = String::new();
    for (number, word) in ["once ", "upon ", "a time"].into_iter().enumerate() {
        let written = answer.write(word).await.unwrap();
        assert_eq!((written.number, written.streamed), (number as u64, true));
        // Each arrives before the next is written.
        let part = tokio::time::timeout(PATIENCE, stream.next()).await.unwrap().unwrap().unwrap();
        assert_eq!(part.number, number as u64);
        heard.push_str(&part.content);
    }
    assert_eq!(heard, "once upon a time");
    answer.finish().await.unwrap();
    assert!(stream.next().await.is_none());
    assert!(stream.next().await.is_none(), "the end stays the end");
    bob.inbox().acknowledge(&question).await.unwrap();
    // The reply was an ordinary one, and is acknowledged.
    assert!(waiting(&alice).await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_limits_of_a_question_travel_with_it_and_a_key_is_refused() {
    let (alice, bob) = pair().await;
    let asked = json!({"to": bob.agent_id(), "content": "?", "budget": "3 usd", "deadline": 4_102_444_800_000_000_i64});
    let asked: AskArgs = serde_json::from_value(asked).unwrap();
    let _stream = alice.ask_stream(asked.clone()).await.unwrap();
    let limits = json!(next(&bob).await.limits);
    assert_eq!(limits["budget"], json!({"unit": "usd", "amount": "3"}), "{limits}");
    assert_eq!(limits["deadline"], json!(4_102_444_800_000_000_i64));
    let keyed = AskArgs { idempotency_key: Some("once".into()), ..asked };
    let error = alice.messages().ask_stream(keyed).await.unwrap_err();
    assert_eq!(error.code(), Code::InvalidArgument);
    assert!(error.message().contains("idempotency_key"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn many_tokens_come_in_order_and_the_rest_comes_with_the_reply() {
    let (alice, bob) = pair().await;
    let mut stream = alice.ask_stream(AskArgs::new(bob.agent_id(), "count")).await.unwrap();
    let question = next(&bob).await;
    let answer = bob.answer(&question);
    let mut said = String::new();
    for number in 0..2_000 {
        let token = format!("{number} ");
        answer.write(&*token).await.unwrap();
        said.push_str(&token);
    }
    answer.finish().await.unwrap();
    let (mut heard, mut numbers) = (String::new(), 0);
    while let Some(part) = stream.next().await {
        let part = part.unwrap();
        assert_eq!(part.number, numbers);
        numbers += 1;
        heard.push_str(&part.content);
    }
    assert_eq!(heard, said);
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_does_not_stream_sees_one_reply_and_one_part() {
    let (alice, bob) = pair().await;
    // An asker that wants the whole.
    let asker = alice.clone();
    let to = bob.agent_id();
    let asked = tokio::spawn(async move { asker.messages().ask(AskArgs::new(to, "6 times 7?")).await });
    let question = next(&bob).await;
    assert!(!question.wants_stream);
    let answer = bob.answer(&question);
    assert!(!answer.write("4").await.unwrap().streamed);
    answer.write("2").await.unwrap();
    answer.finish().await.unwrap();
    let reply = asked.await.unwrap().unwrap();
    assert_eq!((reply.content.as_str(), reply.metadata.contains_key("dmagent_stream")), ("42", false));
    // An agent that answers at once.
    let mut stream = alice.ask_stream(AskArgs::new(bob.agent_id(), "really?")).await.unwrap();
    let question = next(&bob).await;
    bob.messages().send(SendArgs::reply(&question, "really")).await.unwrap();
    let part = stream.next().await.unwrap().unwrap();
    assert_eq!((part.number, part.content.as_str()), (0, "really"));
    assert!(stream.next().await.is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reply_that_says_something_else_is_an_error_and_a_message() {
    let (alice, bob) = pair().await;
    let mut stream = alice.ask_stream(AskArgs::new(bob.agent_id(), "yes or no?")).await.unwrap();
    let question = next(&bob).await;
    bob.answer(&question).write("yes").await.unwrap();
    assert_eq!(stream.next().await.unwrap().unwrap().content, "yes");
    bob.messages().send(SendArgs::reply(&question, "no")).await.unwrap();
    assert_eq!(stream.next().await.unwrap().unwrap_err().code(), Code::BadAnswer);
    assert!(stream.next().await.is_none());
    assert_eq!(next(&alice).await.content, "no");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_handler_that_fails_and_begins_anew_with_the_same_words_is_read_once() {
    let (alice, bob) = pair().await;
    let mut stream = alice.ask_stream(AskArgs::new(bob.agent_id(), "again?")).await.unwrap();
    let question = next(&bob).await;
    bob.answer(&question).write("a ").await.unwrap();
    assert_eq!(stream.next().await.unwrap().unwrap().content, "a ");
    bob.inbox().release(&question, Duration::ZERO);
    let question = next(&bob).await;
    let answer = bob.answer(&question);
    for word in ["a ", "b ", "c"] {
        answer.write(word).await.unwrap();
    }
    answer.finish().await.unwrap();
    let rest = stream.next().await.unwrap().unwrap();
    assert_eq!((rest.number, rest.content.as_str()), (1, "b c"));
    assert!(stream.next().await.is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_asker_that_stops_reading_tells_the_answerer() {
    let (alice, bob) = pair().await;
    let mut events = bob.events();
    let mut cancelled = async || loop {
        if let Some(Observed::Event(event)) = events.next().await
            && let EventBody::Message(MessageEvent::MessageCancelled { message_id, .. }) = event.body
        {
            return message_id;
        }
    };
    for is_dropped in [true, false] {
        let mut stream = alice.ask_stream(AskArgs::new(bob.agent_id(), "go on")).await.unwrap();
        let question = next(&bob).await;
        bob.answer(&question).write("well, ").await.unwrap();
        stream.next().await.unwrap().unwrap();
        if is_dropped {
            drop(stream);
        } else {
            stream.cancel().await.unwrap();
        }
        let told = tokio::time::timeout(PATIENCE, cancelled()).await.unwrap();
        assert_eq!(told, question.message_id);
        let error = bob.answer(&question).write("more").await.unwrap_err();
        assert_eq!(error.code(), Code::MessageCancelled, "{error}");
        bob.inbox().release(&question, Duration::ZERO);
    }
    // Time runs out.
    let hurried = AskArgs { timeout_secs: Some(0.2), ..AskArgs::new(bob.agent_id(), "quick") };
    let mut stream = alice.ask_stream(hurried).await.unwrap();
    assert_eq!(stream.next().await.unwrap().unwrap_err().code(), Code::Timeout);
    assert!(stream.next().await.is_none());
    tokio::time::timeout(PATIENCE, cancelled()).await.unwrap();
    // The connection ends.
    let mut stream = alice.ask_stream(AskArgs::new(bob.agent_id(), "still there?")).await.unwrap();
    next(&bob).await;
    let parting = dmagent::api::DisconnectArgs { agent: alice.agent_id(), reason: None };
    bob.peers().disconnect(parting).await.unwrap();
    assert_eq!(stream.next().await.unwrap().unwrap_err().code(), Code::PeerNotConnected);
}

#[tokio::test(flavor = "multi_thread")]
async fn parts_are_for_questions_in_hands() {
    let (alice, bob) = pair().await;
    let part = |id: &str| PartArgs { to: alice.agent_id(), in_reply_to: id.into(), content: "x".into() };
    assert_eq!(bob.messages().part(part("msg-never")).await.unwrap_err().code(), Code::MessageUnknown);
    let sent = alice.send(bob.agent_id(), "hello").await.unwrap();
    assert_eq!(bob.messages().part(part(&sent.message_id)).await.unwrap_err().code(), Code::MessageUnknown);
    let question = next(&bob).await;
    bob.messages().part(part(&sent.message_id)).await.unwrap();
    let long = PartArgs { content: "x".repeat(65_536), ..part(&sent.message_id) };
    assert_eq!(bob.messages().part(long).await.unwrap_err().code(), Code::InvalidArgument);
    let receipt = bob.messages().finish(finish(&question, "y")).await.unwrap();
    assert_eq!(receipt.deliveries[0].to, alice.agent_id());
    assert_eq!(next(&alice).await.content, "xy");
    let nothing = bob.messages().finish(finish(&question, "")).await.unwrap_err();
    assert_eq!(nothing.code(), Code::InvalidArgument);
    let unknown = NextPartArgs { stream_id: "msg-never".into(), number: None };
    assert_eq!(alice.messages().next_part(unknown).await.unwrap_err().code(), Code::MessageUnknown);
}

#[tokio::test(flavor = "multi_thread")]
async fn forged_parts_move_nothing() {
    let mut settings = support::unlimited();
    settings.auto_accept = AutoAccept::Loopback;
    let node = support::open(settings, Actor::new(1).passport).await;
    let (peer, mallory, mut client) = (Actor::new(2), Actor::new(3), Client::new(support::address(&node)));
    for (number, actor) in [&peer, &mallory].into_iter().enumerate() {
        let mut request = actor.plain_request("http://127.0.0.1:9");
        let capabilities = json!({"signature": 2, "streams": 1, "receipts": 1});
        request.insert("capabilities".into(), capabilities);
        request.insert("nonce".into(), json!(format!("n{number}")));
        let domain = dmagent::wire::canonical::Domain::ConnectionRequest;
        let request = actor.sign(domain, &node.agent_id(), request);
        let body = serde_json::to_vec(&request).unwrap();
        let reply = client.post("/__darkmatter__/connection_request", body).await;
        assert_eq!(reply.json()["auto_accepted"], true, "{}", reply.text());
    }
    let us = node.agent_id();
    let mut stream = node.ask_stream(AskArgs::new(peer.id(), "well?")).await.unwrap();
    let id = stream.id().unwrap().to_owned();
    let mut post = async |frame: &support::actor::Object| {
        let reply = client.post("/__darkmatter__/parts", serde_json::to_vec(frame).unwrap()).await;
        (reply.status, reply.json())
    };
    let mut changed = peer.parts(&us, &id, 0, &["forged"]);
    changed["body"]["parts"][0] = json!("other");
    let long = "x".repeat(65_537);
    for (frame, refused) in [
        (mallory.parts(&us, &id, 0, &["forged"]), (404, "message_unknown")),
        (Actor::new(4).parts(&us, &id, 0, &["forged"]), (403, "peer_not_connected")),
        (changed, (403, "signature_invalid")),
        (peer.parts(&mallory.id(), &id, 0, &["forged"]), (403, "signature_invalid")),
        (peer.parts(&us, "msg-never", 0, &["forged"]), (404, "message_unknown")),
        (peer.parts(&us, &id, 0, &[]), (400, "wire_field")),
        (peer.parts(&us, &id, 0, &[""]), (400, "wire_field")),
        (peer.parts(&us, &id, 0, &[long.as_str()]), (400, "wire_field")),
        (peer.parts(&us, &id, 1 << 40, &["far"]), (400, "wire_field")),
    ] {
        let (status, answer) = post(&frame).await;
        assert_eq!((status, &answer["code"]), (refused.0, &json!(refused.1)), "{answer}");
    }
    // Out of its turn, in its turn, and again.
    assert_eq!(post(&peer.parts(&us, &id, 1, &["b"])).await.1["next"], 0);
    let good = peer.parts(&us, &id, 0, &["a", "b"]);
    assert_eq!(post(&good).await.1["next"], 2);
    assert_eq!(post(&good).await.1["code"], "replay");
    assert_eq!(post(&peer.parts(&us, &id, 0, &["x", "y", "c"])).await.1["next"], 3);
    for expected in ["a", "b", "c"] {
        assert_eq!(stream.next().await.unwrap().unwrap().content, expected);
    }
    // The reply, and what comes after it.
    let reply = client.post(
        "/__darkmatter__/message",
        serde_json::to_vec(&peer.reply(&us, Form::V2, &id, "abcd")).unwrap(),
    );
    assert_eq!(reply.await.status, 200);
    assert_eq!(stream.next().await.unwrap().unwrap().content, "d");
    assert!(stream.next().await.is_none());
    let late = peer.parts(&us, &id, 4, &["late"]);
    let reply = client.post("/__darkmatter__/parts", serde_json::to_vec(&late).unwrap()).await;
    assert_eq!(reply.status, 404, "{}", reply.text());
    node.close().await.unwrap();
}
