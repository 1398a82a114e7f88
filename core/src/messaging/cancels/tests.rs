//! Whom is told what: everything that is taken back reaches its recipient, one frame at a time, through restarts.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::{
    messaging::receipts::sent::Departure,
    store::{Batch, Op, Row, Table},
};

const START: Now = Now { wall: Timestamp::from_seconds(100), steady: Moment::ORIGIN };

fn agent(byte: u8) -> AgentId {
    AgentId::from_bytes([byte; 32])
}

fn sent(sent: &mut Sent, message_id: &str, to: AgentId) {
    sent.begin(Departure { message_id, to, digest: "00", gives_receipts: true });
}

fn recall(known: &mut Sent, recalls: &mut Recalls, message_id: &str, to: AgentId, now: Now) -> Batch {
    let rows = known.recall(message_id, &to, Some("why"), now.wall).unwrap();
    recalls.add(to, message_id, now.steady);
    rows
}

#[test]
fn a_recipient_that_cannot_be_told_is_tried_less_and_less_until_it_shows_itself() {
    let (mut known, mut recalls, to) = (Sent::default(), Recalls::default(), agent(1));
    sent(&mut known, "a", to);
    recall(&mut known, &mut recalls, "a", to, START);
    let (mut now, mut waits) = (START, Vec::new());
    for _ in 0..10 {
        let frames = recalls.due(&known, now);
        assert_eq!(frames[0].1[0].reason.as_deref(), Some("why"));
        assert!(recalls.due(&known, now).is_empty() && !recalls.wake(&to, now.steady), "one is under way");
        recalls.postpone(&to, now.steady, None);
        let wait = recalls.wait(now.steady).unwrap();
        waits.push(wait.as_secs());
        now = now + wait;
    }
    assert_eq!(waits, [1, 2, 4, 8, 16, 32, 64, 128, 256, 300]);
    recalls.due(&known, now);
    recalls.postpone(&to, now.steady, Some(Duration::from_secs(7)));
    assert!(recalls.wake(&to, now.steady));
    assert_eq!(recalls.due(&known, now).len(), 1);
    assert!(recalls.due(&known, now + PERSISTENCE).is_empty());
}

#[test]
fn what_was_in_vain_for_a_day_is_not_told_any_more() {
    let (mut known, mut recalls, to) = (Sent::default(), Recalls::default(), agent(1));
    sent(&mut known, "a", to);
    recall(&mut known, &mut recalls, "a", to, START);
    assert!(recalls.due(&known, START + PERSISTENCE + Duration::from_secs(1)).is_empty());
    assert_eq!(recalls.wait(START.steady), None);
}

#[test]
fn a_frame_holds_so_many() {
    let (mut known, mut recalls, to) = (Sent::default(), Recalls::default(), agent(1));
    for number in 0..limits::CANCELS + 7 {
        sent(&mut known, &number.to_string(), to);
        recall(&mut known, &mut recalls, &number.to_string(), to, START);
    }
    let frames = recalls.due(&known, START);
    assert_eq!(frames[0].1.len(), limits::CANCELS);
    recalls.told(&to, &frames[0].1, START.steady);
    assert_eq!(recalls.due(&known, START)[0].1.len(), 7);
}

#[test]
fn a_peer_takes_back_so_many_messages_that_have_not_come() {
    let (mut ahead, now) = (Ahead::default(), START.steady);
    assert_eq!((0..AHEAD + 7).filter(|_| ahead.allows(&agent(1), now)).count(), AHEAD);
    assert!(ahead.allows(&agent(2), now));
    assert!(ahead.allows(&agent(1), now + HOUR));
}

#[derive(Clone, Debug)]
enum Step {
    Recall(u8, u8),
    Tell,
    TellInVain,
    Wake(u8),
    Restart,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        (0..4_u8, 1..3_u8).prop_map(|(id, to)| Step::Recall(id, to)),
        Just(Step::Tell),
        Just(Step::TellInVain),
        (1..3_u8).prop_map(Step::Wake),
        Just(Step::Restart),
    ]
}

fn apply(rows: &mut BTreeMap<String, String>, batch: Batch) {
    for op in batch.ops {
        match op {
            Op::Put { key, value, .. } => rows.insert(key, value),
            Op::Delete { key, .. } => rows.remove(&key),
        };
    }
}

proptest! {
    #[test]
    fn whatever_happens_everything_that_was_taken_back_is_told(steps in prop::collection::vec(step(), 0..40)) {
        let (mut known, mut recalls, mut rows) = (Sent::default(), Recalls::default(), BTreeMap::new());
        for id in 0..4_u8 {
            for to in 1..3 {
                sent(&mut known, &id.to_string(), agent(to));
            }
        }
        let (mut wanted, mut heard, mut now) = (BTreeSet::new(), BTreeSet::new(), START);
        let tell = |known: &mut Sent, recalls: &mut Recalls, rows: &mut _, heard: &mut BTreeSet<_>, now: Now| {
            for (to, cancels) in recalls.due(known, now) {
                for cancel in &cancels {
                    heard.insert((to, cancel.message_id.clone()));
                    apply(rows, known.recall_told(&cancel.message_id, &to).unwrap());
                }
                recalls.told(&to, &cancels, now.steady);
            }
        };
        for step in steps {
            now = now + Duration::from_millis(100);
            match step {
                Step::Recall(id, to) => {
                    let batch = recall(&mut known, &mut recalls, &id.to_string(), agent(to), now);
                    prop_assert_eq!(batch.is_empty(), !wanted.insert((agent(to), id.to_string())));
                    apply(&mut rows, batch);
                }
                Step::Tell => tell(&mut known, &mut recalls, &mut rows, &mut heard, now),
                Step::TellInVain => {
                    for (to, _) in recalls.due(&known, now) {
                        recalls.postpone(&to, now.steady, None);
                    }
                }
                Step::Wake(to) => {
                    recalls.wake(&agent(to), now.steady);
                }
                Step::Restart => {
                    let loaded: Vec<_> =
                        rows.iter().map(|(key, value)| Row { key: key.clone(), value: value.clone() }).collect();
                    known = Sent::load(&loaded).unwrap();
                    for id in 0..4_u8 {
                        for to in 1..3 {
                            sent(&mut known, &id.to_string(), agent(to));
                        }
                    }
                    recalls = Recalls::load(&known, now.steady);
                }
            }
        }
        for _ in 0..10 {
            now = now + LONGEST_WAIT;
            tell(&mut known, &mut recalls, &mut rows, &mut heard, now);
        }
        prop_assert_eq!(&heard, &wanted);
        prop_assert!(recalls.0.is_empty());
        for value in rows.into_values() {
            let row: serde_json::Value = Row { key: String::new(), value }.parse(Table::Sent).unwrap();
            prop_assert_eq!(&row["recall"]["is_told"], true);
        }
    }
}
