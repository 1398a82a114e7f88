//! Which frames are believed: the decision table of 1.1.1, and what nobody may get away with.

#![expect(clippy::unwrap_used, reason = "what does not fit fails the test")]

#[path = "belief/changed.rs"]
mod changed;
#[path = "belief/replayed.rs"]
mod replayed;
mod support;

use dmagent::{
    env::{Env, Timestamp},
    error::Code,
    identity::Passport,
    messaging::compose::Form,
    wire::{
        Answer, Body, Endpoint,
        canonical::Domain,
        frame::{self, ConnectionAccepted, Frame, MessageFrame},
        time,
        verify::{Proof, Relation, Verified, Verifier},
    },
};
use serde_json::{Value, json};

use self::support::{
    HandClock,
    actor::{Actor, Object},
};

const NOW: Timestamp = Timestamp::from_seconds(1_795_204_416);
const STRANGER: Relation = Relation::Stranger;
const OLD: Relation = Relation::Connected { signs_v2: false };
const NEW: Relation = Relation::Connected { signs_v2: true };
const FORMS: [Form; 3] = [Form::V1, Form::V2, Form::Sealed];

fn us() -> Passport {
    Passport::from_seed([1; 32])
}

fn env_at(seconds: i64) -> Env {
    HandClock::at(Timestamp::from_micros(NOW.micros() + seconds * 1_000_000)).env()
}

/// The agent that sends, with its clock right.
fn sender() -> Actor {
    Actor::at(2, env_at(0))
}

/// What we make of an object at an endpoint.
fn believe(endpoint: Endpoint, object: Object, relation: Relation) -> Result<Verified<Frame>, Answer> {
    believe_as(&us(), endpoint, object, relation)
}

fn believe_as(
    us: &Passport,
    endpoint: Endpoint,
    object: Object,
    relation: Relation,
) -> Result<Verified<Frame>, Answer> {
    let frame = Frame::from_object(endpoint, object)?;
    Verifier { passport: us, now: NOW, relation: &|_| relation }.verify(frame)
}

fn message(verified: &Verified<Frame>) -> &MessageFrame {
    match verified.frame() {
        Frame::Message(message) => message,
        other => panic!("no message: {other:?}"),
    }
}

/// The code of a refusal.
fn code(refused: Result<Verified<Frame>, Answer>) -> Value {
    match refused {
        Ok(verified) => panic!("believed: {verified:?}"),
        Err(Answer { body: Body::Json(members), .. }) => members["code"].clone(),
        Err(other) => panic!("{other:?}"),
    }
}

/// Rows that 1.1.1 decides otherwise, or in other words, each with its reason.
const DIFFERENCES: [(&str, bool, &str); 4] = [
    ("connected, not pinned, foreign key + valid sig", false, "S5: the key must be the id"),
    ("connected, not pinned, key, no sig", false, "S5: the id is the key, so every key is known"),
    ("connected, not pinned, no key", true, "S5: the id is the key, so it need not be presented"),
    ("not connected, key differs from agent id", false, "S5: the key must be the id"),
];

#[test]
fn every_row_of_the_decision_table_is_decided_as_1_1_1_does_except_for_s5() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/vectors/mesh/verify_inbound.json");
    let table: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let rows = table["rows"].as_array().unwrap();
    assert_eq!(rows.len(), 17);
    let mut differing = 0;
    for row in rows {
        let label = row["label"].as_str().unwrap();
        let data = support::actor::object(row["data"].clone());
        let connected = row["connections_pinned_keys"].get(data["from_agent_id"].as_str().unwrap()).is_some();
        // The table is about signatures alone, so the moment is that of the message.
        let now = data.get("timestamp").and_then(Value::as_str).and_then(time::parse).unwrap_or(NOW);
        let relation = if connected { OLD } else { STRANGER };
        let frame = Frame::from_object(Endpoint::Message, data).unwrap();
        let decided = Verifier { passport: &us(), now, relation: &|_| relation }.verify(frame);
        let said = match &decided {
            Ok(_) => Value::Null,
            Err(Answer { status: 403, body: Body::Json(members), .. }) => members["error"].clone(),
            Err(other) => panic!("{label}: {other:?}"),
        };
        match DIFFERENCES.iter().find(|(start, ..)| label.starts_with(start)) {
            Some((_, believed, reason)) => {
                assert_eq!(decided.is_ok(), *believed, "{label}: {reason}");
                assert_ne!(said, row["error"], "{label} is listed as different");
                differing += 1;
            }
            None => {
                assert_eq!(decided.is_ok(), row["verified"], "{label}");
                assert_eq!(said, row["error"], "{label}");
            }
        }
    }
    assert_eq!(differing, DIFFERENCES.len());
}

#[test]
fn a_message_arrives_as_it_was_composed_in_every_form() {
    let expected = [(Form::V1, Proof::V1), (Form::V2, Proof::V2), (Form::Sealed, Proof::Sealed)];
    for (form, proof) in expected {
        let sent = sender().message(&us().agent_id(), form, "héllo\n\u{1f680}");
        let verified = believe(Endpoint::Message, sent, STRANGER).unwrap();
        assert_eq!((verified.proof(), verified.proven()), (proof, Some(sender().id())));
        let message = message(&verified);
        assert_eq!((message.from, message.hops_remaining), (sender().id(), 7));
        let frame::Body::Plain { content, metadata, in_reply_to } = &message.body else {
            panic!("{form:?} is open")
        };
        assert_eq!((content.as_str(), in_reply_to.as_deref()), ("héllo\n\u{1f680}", Some("msg-0")));
        let expected = json!({"topic": "t", "nested": {"n": [1, 2]}, "in_reply_to": "msg-0"});
        assert_eq!(Value::Object(metadata.clone()), expected);
    }
}

#[test]
fn a_peer_that_signs_in_our_form_cannot_be_talked_down() {
    let (us, sender) = (us().agent_id(), sender());
    // Rightly signed in the older form: somebody kept it from before, or made the sender use it.
    assert_eq!(
        code(believe(Endpoint::Message, sender.message(&us, Form::V1, "m"), NEW)),
        "signature_missing"
    );
    let broadcast = sender.broadcast(&us, Form::V1, "b");
    assert_eq!(code(believe(Endpoint::StatusBroadcast, broadcast, NEW)), "signature_missing");
    let update = sender.plain_update("http://127.0.0.1:9");
    assert_eq!(code(believe(Endpoint::PeerUpdate, update, NEW)), "signature_missing");
    // A second signature that was cut off or broken does not fall back to the first.
    for form in FORMS {
        for relation in [STRANGER, OLD, NEW] {
            let mut stripped = sender.message(&us, Form::V1, "m");
            let other = sender.message(&us, form, "m");
            stripped.insert("signature_v2".into(), other.get("signature_v2").cloned().unwrap_or(json!("00")));
            assert_eq!(code(believe(Endpoint::Message, stripped, relation)), "key_mismatch");
        }
    }
    let mut cut = sender.message(&us, Form::Sealed, "m");
    cut.remove("signature_v2");
    assert_eq!(code(believe(Endpoint::Message, cut, OLD)), "signature_missing");
}

#[test]
fn a_message_for_another_recipient_is_refused() {
    let (other, sender) = (Actor::new(9).id(), sender());
    for form in [Form::V2, Form::Sealed] {
        let sent = sender.message(&other, form, "m");
        assert_eq!(code(believe(Endpoint::Message, sent.clone(), NEW)), "key_mismatch");
        let mut readdressed = sent.clone();
        readdressed.insert("to_agent_id".into(), json!(us().agent_id()));
        assert_eq!(code(believe(Endpoint::Message, readdressed, NEW)), "signature_invalid");
        let mut unaddressed = sent;
        unaddressed.remove("to_agent_id");
        assert_eq!(code(believe(Endpoint::Message, unaddressed, NEW)), "key_mismatch");
    }
}

#[test]
fn a_sealed_body_cannot_be_moved_into_another_message() {
    let us = us().agent_id();
    let (victim, thief) = (sender(), Actor::at(3, env_at(0)));
    let stolen = victim.message(&us, Form::Sealed, "secret")["sealed"].clone();
    // The thief signs a message of its own around what the victim sealed, and so does the victim with a new id.
    for signer in [&thief, &victim] {
        let moved = changed::resigned(signer, &us, &stolen);
        assert_eq!(code(believe(Endpoint::Message, moved, STRANGER)), "seal_broken");
    }
}

#[test]
fn what_is_sealed_is_checked_like_what_is_open() {
    let long = "x".repeat(65_537);
    let cases = [
        (json!({"metadata": {}}), 400),
        (json!({"content": ""}), 400),
        (json!({"content": 5}), 400),
        (json!({"content": long}), 413),
        (json!({"content": "c", "metadata": [1]}), 400),
        (json!({"content": "c", "metadata": {"a": long}}), 413),
        (json!({"content": "c", "in_reply_to": 5}), 400),
        (json!({"content": "c", "in_reply_to": "x".repeat(129)}), 400),
        (json!(["content"]), 400),
        (json!("content"), 400),
    ];
    for (inside, status) in cases {
        let sent = changed::sealing(&sender(), &us().agent_id(), inside.to_string().as_bytes());
        let refused = believe(Endpoint::Message, sent, NEW).unwrap_err();
        let shown: String = inside.to_string().chars().take(60).collect();
        assert_eq!(refused.status, status, "{shown}");
    }
    for inside in [&b""[..], b"\xff", b"{\"content\":\"c\"}x", b"{\"content\":\"a\",\"content\":\"b\"}"] {
        let sent = changed::sealing(&sender(), &us().agent_id(), inside);
        assert_eq!(believe(Endpoint::Message, sent, NEW).unwrap_err().status, 400);
    }
}

#[test]
fn times_beyond_five_minutes_are_stale_in_every_form() {
    let us = us().agent_id();
    for (seconds, fresh) in [(-301, false), (-300, true), (300, true), (301, false)] {
        let sender = Actor::at(2, env_at(seconds));
        let mut sent: Vec<(Endpoint, Object)> =
            FORMS.map(|form| (Endpoint::Message, sender.message(&us, form, "m"))).into();
        sent.push((Endpoint::StatusBroadcast, sender.broadcast(&us, Form::V1, "b")));
        sent.push((Endpoint::StatusBroadcast, sender.broadcast(&us, Form::V2, "b")));
        sent.push((Endpoint::PeerUpdate, sender.plain_update("http://127.0.0.1:9")));
        sent.push((Endpoint::PeerUpdate, sender.update(&us, "http://127.0.0.1:9")));
        sent.push((Endpoint::ConnectionRequest, sender.request(&us, "http://127.0.0.1:9", true)));
        sent.push((Endpoint::ConnectionAccepted, sender.acceptance(&us, "http://127.0.0.1:9")));
        for (endpoint, object) in sent {
            let decided = believe(endpoint, object, OLD);
            if fresh {
                assert!(
                    decided.is_ok_and(|verified| verified.proof() != Proof::None),
                    "{endpoint:?} {seconds}"
                );
            } else {
                assert_eq!(code(decided), "stale", "{endpoint:?} {seconds}");
            }
        }
    }
}

#[test]
fn a_handshake_for_another_agent_proves_nothing_to_us() {
    let (other, sender, url) = (Actor::new(9).id(), sender(), "http://127.0.0.1:9");
    let sent = [
        (Endpoint::ConnectionRequest, sender.request(&other, url, true)),
        (Endpoint::ConnectionAccepted, sender.acceptance(&other, url)),
    ];
    for (endpoint, object) in sent {
        assert_eq!(code(believe(endpoint, object.clone(), STRANGER)), "key_mismatch");
        let mut readdressed = object;
        readdressed.insert("to_agent_id".into(), json!(us().agent_id()));
        assert_eq!(code(believe(endpoint, readdressed, STRANGER)), "signature_invalid");
    }
    // Signed for nobody in particular, it could have been collected anywhere.
    let mut open = sender.plain_request(url);
    open.insert("timestamp".into(), json!(NOW.to_wire()));
    let bytes =
        dmagent::wire::canonical::object_v2(Domain::ConnectionRequest, &sender.id(), None, &open).unwrap();
    open.insert("signature_v2".into(), json!(sender.passport.sign(&bytes)));
    assert_eq!(believe(Endpoint::ConnectionRequest, open, STRANGER).unwrap().proof(), Proof::None);
}

#[test]
fn a_signature_of_one_kind_is_none_of_another() {
    let (us_id, sender, url) = (us().agent_id(), sender(), "http://127.0.0.1:9");
    let acceptance = sender.acceptance(&us_id, url);
    // The reply to a request has the fields of an acceptance, but is another thing.
    let reply = ConnectionAccepted::decode(acceptance.clone()).unwrap();
    let verifier = Verifier { passport: &us(), now: NOW, relation: &|_| STRANGER };
    assert_eq!(verifier.verify_reply(reply).unwrap_err().status, 403);
    let mut reply = acceptance;
    reply.remove("signature_v2");
    reply.insert("auto_accepted".into(), json!(true));
    let reply = sender.sign(Domain::ConnectionReply, &us_id, reply);
    assert!(verifier.verify_reply(ConnectionAccepted::decode(reply.clone()).unwrap()).is_ok());
    assert_eq!(code(believe(Endpoint::ConnectionAccepted, reply, STRANGER)), "signature_invalid");
    // An update signed as a broadcast.
    let mut update = sender.update(&us_id, url);
    update.remove("signature_v2");
    let update = sender.sign(Domain::StatusBroadcast, &us_id, update);
    assert_eq!(code(believe(Endpoint::PeerUpdate, update, NEW)), "signature_invalid");
}

#[test]
fn a_presented_key_must_be_the_id() {
    let (us, sender, url) = (us().agent_id(), sender(), "http://127.0.0.1:9");
    let thief = json!(Actor::new(3).id());
    let upper = json!(sender.id().to_string().to_uppercase());
    for key in [thief, upper, json!("00")] {
        let sent = [
            (Endpoint::Message, "from_public_key_hex", sender.message(&us, Form::V2, "m")),
            (Endpoint::StatusBroadcast, "from_public_key_hex", sender.broadcast(&us, Form::V1, "b")),
            (Endpoint::PeerUpdate, "public_key_hex", sender.plain_update(url)),
            (Endpoint::ConnectionRequest, "from_agent_public_key_hex", sender.plain_request(url)),
        ];
        for (endpoint, field, mut object) in sent {
            object.insert(field.into(), key.clone());
            assert_eq!(code(believe(endpoint, object, OLD)), Code::KeyMismatch.name(), "{endpoint:?}");
        }
    }
}

#[test]
fn fields_that_stand_on_one_line_hold_no_control_characters_s13() {
    let (us, sender) = (us().agent_id(), sender());
    for character in ["\n", "\r", "\0", "\u{1b}", "\u{7f}", "\u{85}"] {
        for field in ["message_id", "timestamp"] {
            let mut sent = sender.message(&us, Form::V1, "m");
            let text = format!("{}{character}x", sent[field].as_str().unwrap());
            sent.insert(field.into(), json!(text));
            let refused = Frame::from_object(Endpoint::Message, sent).unwrap_err();
            assert_eq!(refused.status, 400, "{field} {character:?}");
        }
    }
}

#[test]
fn the_object_of_a_body_is_what_frames_are_made_of() {
    // The raw bytes go through the strict reader before anything else sees them.
    assert!(frame::object(Endpoint::Message, b"{\"message_id\":\"a\",\"message_id\":\"b\"}").is_err());
}
