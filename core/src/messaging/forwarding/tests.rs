//! Who gets a message that is passed on, and what is said in it.

use super::*;
use crate::{
    env::Timestamp,
    identity::Passport,
    messaging::Verification,
    wire::envelope::{Author, MessageLimits, Origin},
};

const NOW: Timestamp = Timestamp::from_seconds(1_000_000);

fn id(seed: u8) -> AgentId {
    Passport::from_seed([seed; 32]).agent_id()
}

/// A message of 1 that came over 2 to 3.
fn item() -> Message {
    let mut metadata = Map::new();
    metadata.insert("k".into(), json!(0.1));
    metadata.insert("in_reply_to".into(), json!("msg-0"));
    let digest = body_digest("work", &metadata, None).unwrap();
    let limits = MessageLimits::default();
    let said =
        Author { message_id: "msg-1", to: id(2), now: NOW, hops: 10, limits: &limits, digest: &digest };
    let origin = Origin::sign(said, &Passport::from_seed([1; 32])).unwrap();
    let origin = origin.pass_on(id(3), &limits, None, NOW, &Passport::from_seed([2; 32])).unwrap();
    Message {
        message_id: "msg-1".into(),
        from: id(2),
        content: "work".into(),
        metadata,
        in_reply_to: Some("msg-0".into()),
        hops_remaining: 9,
        kind: MessageKind::Peer,
        verification: Verification::Sealed,
        received_at: NOW,
        limits: None,
        origin: Some(origin),
        forwarded_to: vec![id(4)],
        sequence: 1,
        redeliveries: 0,
        wants_stream: false,
    }
}

fn code(item: &Message, pending: &[u8], to: &[u8], force: bool) -> Option<Code> {
    let ids = |seeds: &[u8]| seeds.iter().map(|seed| id(*seed)).collect::<Vec<_>>();
    check(item, &ids(pending), &ids(to), &id(3), force).err().map(|error| error.code())
}

#[test]
fn nobody_gets_what_it_has() {
    let item = item();
    assert_eq!(code(&item, &[], &[6, 7], false), None);
    for (to, forced) in
        [(1, Some(Code::AlreadyReceived)), (2, None), (3, Some(Code::AlreadyReceived)), (4, None), (5, None)]
    {
        assert_eq!(code(&item, &[5], &[to], false), Some(Code::AlreadyReceived), "{to}");
        assert_eq!(code(&item, &[5], &[6, to], true), forced, "{to}");
    }
}

#[test]
fn those_who_had_a_message_without_an_origin_are_known_from_what_it_tells() {
    let mut item = Message { origin: None, ..item() };
    item.metadata.insert("visited".into(), json!([id(7), "nonsense", 5, id(8)]));
    for to in [2, 7, 8] {
        assert_eq!(code(&item, &[], &[to], false), Some(Code::AlreadyReceived), "{to}");
    }
    let onward = onward(&item, &id(3)).unwrap();
    assert_eq!(onward.metadata["forwarded_from"], json!(id(2)));
    assert_eq!(onward.metadata["forwarded_by"], json!(id(3)));
    let visited: Vec<AgentId> = serde_json::from_value(onward.metadata["visited"].clone()).unwrap();
    assert!([2, 3, 4, 7, 8].iter().all(|seed| visited.contains(&id(*seed))));
    item.metadata.insert("visited".into(), json!((0..200).map(|_| id(9)).collect::<Vec<_>>()));
    assert!(known(&item, &id(3)).len() < 10);
}

#[test]
fn a_message_without_hops_and_a_notice_stay() {
    let spent = Message { hops_remaining: 0, ..item() };
    assert_eq!(code(&spent, &[], &[6], true), Some(Code::HopsExhausted));
    let notice = Message { kind: MessageKind::Notice, ..item() };
    assert_eq!(code(&notice, &[], &[6], true), Some(Code::InvalidArgument));
}

#[test]
fn one_node_passes_a_message_to_eight_agents() {
    let item = item();
    assert_eq!(code(&item, &[5], &[10, 11, 12, 13, 14, 15], false), None);
    assert_eq!(code(&item, &[5], &[10, 11, 12, 13, 14, 15, 16], false), Some(Code::InvalidArgument));
    assert_eq!(code(&item, &[5, 10, 11, 12, 13, 14, 15], &[16], true), Some(Code::InvalidArgument));
}

#[test]
fn what_goes_on_is_what_the_author_signed() {
    let mut item = item();
    // The author said in the metadata alone what it answers.
    let signed = onward(&item, &id(3)).unwrap();
    assert_eq!((signed.metadata, signed.in_reply_to), (item.metadata.clone(), None));
    item.metadata.insert("forward_failed".into(), json!("nobody is connected"));
    assert!(!onward(&item, &id(3)).unwrap().metadata.contains_key("forward_failed"));
    item.content = "pay".into();
    assert_eq!(onward(&item, &id(3)).unwrap_err().code(), Code::OriginInvalid);
}
