//! The rules of keys: what they find, what they refuse, and how long they are kept.

use std::time::Duration;

use super::*;
use crate::{messaging::DeliveryState, store::Op};

const NOW: Timestamp = Timestamp::from_seconds(1_000_000);
const DAY: Duration = Duration::from_secs(86_400);

fn agent(byte: u8) -> AgentId {
    AgentId::from_bytes([byte; 32])
}

fn said(body: &str, to: &[AgentId], options: &str) -> Said {
    Said { body: body.into(), to: recipients_digest(to), options: options.into() }
}

fn keyed(key: &str) -> Keyed {
    Keyed::new(key, said("body", &[agent(1)], "options")).unwrap()
}

fn begin(keys: &mut Keys, key: &str, message_id: &str) -> Batch {
    keys.begin(keyed(key), message_id, &[agent(1)], NOW + DAY).unwrap()
}

/// What a restart would find.
fn reloaded(batches: &[Batch]) -> Keys {
    let mut rows = BTreeMap::new();
    for op in batches.iter().flat_map(|batch| &batch.ops) {
        match op {
            Op::Put { table: Table::Keys, key, value } => rows.insert(key.clone(), value.clone()),
            Op::Delete { table: Table::Keys, key } => rows.remove(key),
            other => panic!("{other:?}"),
        };
    }
    let rows: Vec<_> = rows.into_iter().map(|(key, value)| Row { key, value }).collect();
    Keys::load(&rows).unwrap()
}

#[test]
fn a_key_finds_its_first_message_also_after_a_restart() {
    let mut keys = Keys::default();
    assert_eq!(keys.find(&keyed("order 7")).unwrap(), None);
    let rows = begin(&mut keys, "order 7", "msg-1");
    for keys in [&keys, &reloaded(&[rows])] {
        assert_eq!(keys.find(&keyed("order 7")).unwrap().unwrap().message_id, "msg-1");
        assert_eq!(keys.message_of("order 7").unwrap().as_deref(), Some("msg-1"));
        assert_eq!(keys.find(&keyed("order 8")).unwrap(), None);
        assert!(keys.knows("msg-1") && !keys.knows("msg-2"));
    }
}

#[test]
fn a_key_stands_for_one_body_one_set_of_recipients_and_one_set_of_options() {
    let mut keys = Keys::default();
    begin(&mut keys, "k", "msg-1");
    for (other, word) in [
        (said("other", &[agent(1)], "options"), "another body"),
        (said("body", &[agent(2)], "options"), "other recipients"),
        (said("body", &[agent(1), agent(2)], "options"), "other recipients"),
        (said("body", &[agent(1)], "other"), "other options"),
    ] {
        let error = keys.find(&Keyed::new("k", other).unwrap()).unwrap_err();
        assert_eq!(error.code(), Code::IdempotencyKeyReused);
        assert!(error.message().contains(word), "{error}");
    }
    let (ab, ba) = ([agent(1), agent(2)], [agent(2), agent(1), agent(2)]);
    assert_eq!(recipients_digest(&ab), recipients_digest(&ba));
}

#[test]
fn a_key_has_at_least_one_character_and_at_most_128() {
    for fine in ["k", "naïve key ☃", &"é".repeat(KEY_CHARS)] {
        assert!(Keyed::new(fine, said("", &[], "")).is_ok());
    }
    for bad in ["", &"x".repeat(KEY_CHARS + 1)] {
        let error = Keyed::new(bad, said("", &[], "")).unwrap_err();
        assert_eq!(error.code(), Code::InvalidArgument);
        assert_eq!(Keys::default().message_of(bad).unwrap_err().code(), Code::InvalidArgument);
    }
}

#[test]
fn a_key_is_kept_a_day_longer_than_its_message_lives() {
    let mut keys = Keys::default();
    let mut rows = vec![begin(&mut keys, "k", "msg-1")];
    // The message lives for a day.
    rows.push(keys.expire(NOW + DAY + DAY));
    assert_eq!(reloaded(&rows).len(), 1);
    rows.push(keys.expire(NOW + DAY + CLAIM_LIFETIME));
    assert_eq!(keys.len(), 1);
    rows.push(keys.expire(NOW + DAY + CLAIM_LIFETIME + Duration::from_micros(1)));
    assert!(keys.is_empty() && reloaded(&rows).is_empty() && !keys.knows("msg-1"));
}

#[test]
fn a_full_table_refuses_new_keys_and_forgets_none() {
    let mut keys = Keys::default();
    for number in 0..3 {
        keys.check_room(3).unwrap();
        begin(&mut keys, &number.to_string(), &format!("msg-{number}"));
    }
    assert_eq!(keys.check_room(3).unwrap_err().code(), Code::QueueFull);
    assert!((0..3).all(|number| keys.find(&keyed(&number.to_string())).unwrap().is_some()));
    keys.expire(NOW + DAY + DAY + DAY);
    keys.check_room(3).unwrap();
}

#[test]
fn what_the_table_of_sent_messages_forgets_the_key_remembers() {
    let mut keys = Keys::default();
    let to = [agent(2), agent(1), agent(3)];
    let keyed = Keyed::new("k", said("body", &to, "")).unwrap();
    let mut rows = vec![keys.begin(keyed.clone(), "msg-1", &to, NOW + DAY).unwrap()];
    let fate = |to, state| Delivery { state, ..Delivery::stored(to) };
    rows.push(keys.remember("msg-1", fate(agent(1), DeliveryState::Handled)).unwrap());
    assert!(keys.remember("msg-2", fate(agent(1), DeliveryState::Handled)).unwrap().is_empty());
    let known = Receipt::new("msg-1".into(), vec![fate(agent(2), DeliveryState::Accepted)]);
    for keys in [&keys, &reloaded(&rows)] {
        let receipt = keys.find(&keyed).unwrap().unwrap().receipt(Some(known.clone()));
        let states: Vec<_> = receipt.deliveries.iter().map(|copy| (copy.to, copy.state)).collect();
        let expected = [
            (agent(2), DeliveryState::Accepted),
            (agent(1), DeliveryState::Handled),
            (agent(3), DeliveryState::Stored),
        ];
        assert_eq!(states, expected);
        assert_eq!(receipt.state, DeliveryState::Stored);
    }
}
