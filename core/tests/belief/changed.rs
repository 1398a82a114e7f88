//! Bodies that somebody changed on the way.

use dmagent::{
    AgentId,
    env::SystemRandom,
    messaging::compose::Form,
    wire::{
        Answer, Endpoint, Sealed,
        canonical::{self, BodyDigest},
        frame::{Body, Frame, MessageFrame},
        json as strict, seal,
        verify::{Proof, Relation, Verified},
    },
};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::{
    NEW, NOW, OLD, believe, sender,
    support::actor::{Actor, Object, object},
    us,
};

/// A message of `signer` around a body that somebody sealed.
pub(crate) fn resigned(signer: &Actor, to: &AgentId, sealed: &Value) -> Object {
    let sealed: Sealed = serde_json::from_value(sealed.clone()).unwrap();
    let frame = MessageFrame {
        message_id: "msg-moved".into(),
        from: signer.id(),
        presented_key: None,
        timestamp: NOW.to_wire(),
        hops_remaining: 7,
        body: Body::Sealed(sealed.clone()),
        signature: None,
        to: Some(*to),
        signature_v2: None,
    };
    let digest = BodyDigest::sealed(&sealed.enc, &sealed.ciphertext);
    let (from, id, time) = (&frame.from, &frame.message_id, &frame.timestamp);
    let bytes = canonical::message_v2(from, to, id, time, frame.hops_remaining, &digest);
    MessageFrame { signature_v2: Some(signer.passport.sign(&bytes)), ..frame }.encode()
}

/// A message of `signer` with exactly these bytes in its seal.
pub(crate) fn sealing(signer: &Actor, to: &AgentId, plaintext: &[u8]) -> Object {
    let sealed = seal::seal(to, &signer.id(), "msg-moved", plaintext, &SystemRandom).unwrap();
    resigned(signer, to, &json!(sealed))
}

/// Parses and verifies a body as it came.
fn receive(endpoint: Endpoint, body: &[u8], relation: Relation) -> Result<Verified<Frame>, Answer> {
    believe(endpoint, dmagent::wire::frame::object(endpoint, body)?, relation)
}

/// What a believed frame says; the same for two spellings of one thing.
fn meaning(verified: &Verified<Frame>) -> Value {
    match (verified.frame(), verified.proof()) {
        (Frame::Message(m), Proof::V1) => {
            // 1.1.1 covers no more than this.
            let Body::Plain { content, .. } = &m.body else { panic!("open") };
            json!([m.from, m.message_id, m.timestamp, content])
        }
        (Frame::Message(m), _) => {
            let Body::Plain { content, metadata, in_reply_to } = &m.body else { panic!("opened") };
            json!([m.from, m.message_id, m.timestamp, m.hops_remaining, m.to, content, metadata, in_reply_to])
        }
        (Frame::StatusBroadcast(b), Proof::V1) => json!([b.from, b.message_id, b.timestamp, b.content]),
        (Frame::StatusBroadcast(b), _) => {
            json!([b.from, b.message_id, b.timestamp, b.content, b.metadata])
        }
        (Frame::PeerUpdate(u), Proof::V1) => json!([u.from, u.new_url, u.timestamp]),
        (Frame::PeerUpdate(u), _) => {
            json!([u.from, u.new_url, u.timestamp, u.bio, u.display_name, u.addresses, u.wallets])
        }
        (Frame::ConnectionRequest(r), Proof::V2) => {
            let i = &r.introduction;
            json!([r.from, r.url, r.mutual, i.bio, i.display_name, i.wallets, i.capabilities, i.created_at])
        }
        other => panic!("{other:?}"),
    }
}

fn samples() -> Vec<(Endpoint, Relation, Vec<u8>)> {
    let (us, sender, url) = (us().agent_id(), sender(), "http://127.0.0.1:8101");
    let sent = [
        (Endpoint::Message, OLD, sender.message(&us, Form::V1, "pay 10 to bob")),
        (Endpoint::Message, NEW, sender.message(&us, Form::V2, "pay 10 to bob")),
        (Endpoint::Message, NEW, sender.message(&us, Form::Sealed, "pay 10 to bob")),
        (Endpoint::StatusBroadcast, OLD, sender.broadcast(&us, Form::V1, "all is well")),
        (Endpoint::StatusBroadcast, NEW, sender.broadcast(&us, Form::V2, "all is well")),
        (Endpoint::PeerUpdate, OLD, sender.plain_update(url)),
        (Endpoint::PeerUpdate, NEW, sender.update(&us, url)),
        (Endpoint::ConnectionRequest, OLD, sender.request(&us, url, true)),
    ];
    sent.map(|(endpoint, relation, object)| (endpoint, relation, serde_json::to_vec(&object).unwrap())).into()
}

/// A changed body is refused, or still says what its sender signed.
fn holds(endpoint: Endpoint, relation: Relation, good: &[u8], changed: &[u8]) -> Result<(), TestCaseError> {
    let Ok(verified) = receive(endpoint, changed, relation) else { return Ok(()) };
    // A handshake whose signature was cut off is one of 1.1.1: it proves nothing, and is treated so.
    if endpoint == Endpoint::ConnectionRequest && verified.proof() == Proof::None {
        return Ok(());
    }
    let original = receive(endpoint, good, relation).unwrap();
    let shown = String::from_utf8_lossy(changed).into_owned();
    prop_assert_eq!(verified.proof(), original.proof(), "{}", shown);
    prop_assert_eq!(meaning(&verified), meaning(&original), "{}", shown);
    Ok(())
}

#[test]
fn every_sample_is_believed_as_it_is() {
    for (endpoint, relation, body) in samples() {
        let verified = receive(endpoint, &body, relation);
        assert!(verified.is_ok_and(|verified| verified.proof() != Proof::None), "{endpoint:?}");
    }
}

#[test]
fn every_flipped_bit_of_a_signature_or_a_seal_is_noticed() {
    let us = us().agent_id();
    for form in [Form::V2, Form::Sealed] {
        let sent = sender().message(&us, form, "m");
        let mut flipped = 0;
        for field in ["signature_v2", "sealed"] {
            let Some(value) = sent.get(field) else { continue };
            let members = match value {
                Value::Object(members) => members.keys().map(|name| format!("/{field}/{name}")).collect(),
                _ => vec![format!("/{field}")],
            };
            for pointer in members {
                let whole = Value::Object(sent.clone());
                let text = whole.pointer(&pointer).unwrap().as_str().unwrap().to_owned();
                for place in 0..text.len() {
                    let mut letters: Vec<char> = text.chars().collect();
                    letters[place] = if letters[place] == 'a' { 'b' } else { 'a' };
                    let mut changed = whole.clone();
                    *changed.pointer_mut(&pointer).unwrap() = json!(letters.into_iter().collect::<String>());
                    assert!(believe(Endpoint::Message, object(changed), NEW).is_err(), "{pointer} {place}");
                    flipped += 1;
                }
            }
        }
        assert!(flipped >= 86, "{flipped}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(400) })]

    #[test]
    fn a_flipped_bit_anywhere_is_refused_or_says_the_same(sample in 0..8_usize, place: prop::sample::Index, bit in 0..8) {
        let (endpoint, relation, good) = samples().swap_remove(sample);
        let mut changed = good.clone();
        let place = place.index(changed.len());
        changed[place] ^= 1_u8 << bit;
        holds(endpoint, relation, &good, &changed)?;
    }

    #[test]
    fn another_value_of_any_member_is_refused_or_says_the_same(
        sample in 0..8_usize,
        member: prop::sample::Index,
        value in prop_oneof![
            Just(Value::Null), any::<bool>().prop_map(Value::from), any::<i32>().prop_map(Value::from),
            ".{0,12}".prop_map(Value::from), Just(json!([])), Just(json!({"a": 1})),
        ],
    ) {
        let (endpoint, relation, good) = samples().swap_remove(sample);
        let mut members = strict::parse_object(&good).unwrap();
        let name = members.keys().nth(member.index(members.len())).unwrap().clone();
        members.insert(name, value);
        holds(endpoint, relation, &good, &serde_json::to_vec(&members).unwrap())?;
    }

    #[test]
    fn any_content_and_metadata_survive_every_form(
        form in 0..3_usize,
        content in ".{1,200}",
        key in "[a-z]{1,8}",
        value in prop_oneof![".{0,20}".prop_map(Value::from), any::<i32>().prop_map(Value::from), Just(json!([1, {"x": null}]))],
        reply in proptest::option::of("[a-z0-9-]{1,40}"),
        hops in 0..=50_u32,
    ) {
        use dmagent::messaging::compose::{self, Draft};

        let (sender, us) = (sender(), us().agent_id());
        let metadata = object(json!({key: value}));
        let draft = Draft {
            message_id: "msg-1", content: &content, metadata: &metadata, in_reply_to: reply.as_deref(), hops,
        };
        let sent = compose::message(draft, &us, super::FORMS[form], &sender.passport, NOW, &SystemRandom).unwrap();
        let body = serde_json::to_vec(&sent).unwrap();
        let verified = receive(Endpoint::Message, &body, OLD).unwrap();
        let Frame::Message(message) = verified.frame() else { panic!("a message") };
        let expected = compose::metadata_with_reply(&metadata, reply.as_deref());
        prop_assert_eq!(&message.body, &Body::Plain { content, metadata: expected, in_reply_to: reply });
        prop_assert_eq!(message.hops_remaining, hops);
    }
}
