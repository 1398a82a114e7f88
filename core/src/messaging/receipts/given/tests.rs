//! What senders are told: each step once, never backwards, never before the disk has it.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::store::Op;

const START: Now = Now { wall: Timestamp::from_seconds(100), steady: Moment::ORIGIN };

fn sender(byte: u8) -> AgentId {
    AgentId::from_bytes([byte; 32])
}

fn taken(given: &mut Given, from: AgentId, message_id: &str) -> Batch {
    given.accept(from, message_id, "00".into(), START).unwrap().unwrap()
}

/// Tells everything that is due, as (message, state).
fn tell(given: &mut Given, now: Now) -> Vec<(String, ReceiptState)> {
    let mut told = Vec::new();
    for (agent, statements) in given.due(now) {
        given.told(&agent, &statements, now.steady);
        told.extend(statements.into_iter().map(|statement| (statement.message_id, statement.state)));
    }
    told
}

fn handle(given: &mut Given, from: &AgentId, message_id: &str, now: Now) -> Batch {
    let rows = given.handled(from, message_id, now.wall).unwrap();
    given.confirm(from, message_id, now.steady);
    rows
}

#[test]
fn the_better_news_replaces_the_news_that_waits() {
    let (mut given, from) = (Given::default(), sender(1));
    taken(&mut given, from, "a");
    assert!(tell(&mut given, START).is_empty(), "the acceptance was told with the answer");
    assert!(given.delivered(&from, "a", START));
    assert!(tell(&mut given, START).is_empty(), "it waits a moment");
    handle(&mut given, &from, "a", START);
    assert_eq!(tell(&mut given, START), [("a".to_owned(), ReceiptState::Handled)]);
    assert!(tell(&mut given, START + Duration::from_secs(1)).is_empty());
}

#[test]
fn a_message_that_is_only_read_is_told_after_a_moment() {
    let (mut given, from) = (Given::default(), sender(1));
    taken(&mut given, from, "a");
    given.delivered(&from, "a", START);
    assert_eq!(given.wait(START.steady), Some(PATIENCE));
    assert_eq!(tell(&mut given, START + PATIENCE), [("a".to_owned(), ReceiptState::Delivered)]);
}

#[test]
fn nobody_is_told_of_an_end_that_the_disk_does_not_have() {
    let (mut given, from) = (Given::default(), sender(1));
    taken(&mut given, from, "a");
    given.handled(&from, "a", START.wall).unwrap();
    let later = START + Duration::from_secs(60);
    assert!(tell(&mut given, later).is_empty());
    assert!(given.list(10).is_empty());
    assert_eq!(given.held().unwrap().ops.len(), 1);
    given.release(later.steady);
    assert_eq!(tell(&mut given, later), [("a".to_owned(), ReceiptState::Handled)]);
}

#[test]
fn news_that_waits_does_not_tell_of_an_end_that_the_disk_does_not_have() {
    let (mut given, from) = (Given::default(), sender(1));
    taken(&mut given, from, "a");
    given.delivered(&from, "a", START);
    given.handled(&from, "a", START.wall).unwrap();
    assert!(tell(&mut given, START + PATIENCE).is_empty());
    given.confirm(&from, "a", START.steady);
    assert_eq!(tell(&mut given, START + PATIENCE), [("a".to_owned(), ReceiptState::Handled)]);
}

#[test]
fn a_frame_holds_so_many_and_one_is_under_way_at_a_time() {
    let (mut given, from) = (Given::default(), sender(1));
    let count = limits::RECEIPTS + 7;
    for number in 0..count {
        let id = number.to_string();
        taken(&mut given, from, &id);
        handle(&mut given, &from, &id, START);
    }
    let first = given.due(START);
    assert_eq!(first.iter().map(|(_, statements)| statements.len()).collect::<Vec<_>>(), [limits::RECEIPTS]);
    assert!(given.due(START).is_empty());
    given.told(&from, &first[0].1, START.steady);
    assert_eq!(tell(&mut given, START).len(), 7);
}

#[test]
fn a_sender_that_cannot_be_told_is_tried_less_and_less_until_it_shows_itself() {
    let (mut given, from) = (Given::default(), sender(1));
    taken(&mut given, from, "a");
    handle(&mut given, &from, "a", START);
    let mut now = START;
    let mut waits = Vec::new();
    for _ in 0..11 {
        assert_eq!(given.due(now).len(), 1);
        given.postpone(&from, now.steady, None);
        let wait = given.wait(now.steady).unwrap();
        waits.push(wait.as_secs());
        now = now + wait;
    }
    assert_eq!(waits, [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300]);
    given.due(now);
    given.postpone(&from, now.steady, None);
    assert!(given.wake(&from, now.steady));
    assert_eq!(tell(&mut given, now).len(), 1);
    assert!(!given.wake(&from, now.steady), "there is nothing more to tell");
}

#[test]
fn what_nobody_could_be_told_for_a_day_is_not_told_any_more() {
    let (mut given, from) = (Given::default(), sender(1));
    taken(&mut given, from, "a");
    handle(&mut given, &from, "a", START);
    assert!(tell(&mut given, START + NEWS + Duration::from_secs(1)).is_empty());
    assert_eq!(given.wait(START.steady), None);
}

#[test]
fn a_message_that_comes_again_keeps_what_was_said_about_it() {
    let (mut given, from) = (Given::default(), sender(1));
    taken(&mut given, from, "a");
    handle(&mut given, &from, "a", START);
    assert!(given.accept(from, "a", "00".into(), START).unwrap().is_none());
    assert_eq!(given.statement(&from, "a").unwrap().state, ReceiptState::Handled);
}

#[test]
fn receipts_are_bounded_and_those_of_messages_that_are_here_stay() {
    let (mut given, from, mut rows) = (Given::default(), sender(1), BTreeMap::new());
    apply(&mut rows, taken(&mut given, from, "kept"));
    for number in 0..KEPT + 10 {
        let id = number.to_string();
        apply(&mut rows, taken(&mut given, from, &id));
        apply(&mut rows, handle(&mut given, &from, &id, START));
        tell(&mut given, START);
    }
    assert!(rows.len() <= KEPT + 2, "{}", rows.len());
    assert_eq!(given.statement(&from, "kept").unwrap().state, ReceiptState::Accepted);
    let mut given = Given::default();
    for number in 0..UNTOLD + 10 {
        let id = number.to_string();
        taken(&mut given, from, &id);
        handle(&mut given, &from, &id, START);
    }
    assert!(given.entries.len() <= UNTOLD + 2, "{}", given.entries.len());
}

fn apply(rows: &mut BTreeMap<String, String>, batch: Batch) {
    for op in batch.ops {
        match op {
            Op::Put { key, value, .. } => rows.insert(key, value),
            Op::Delete { key, .. } => rows.remove(&key),
        };
    }
}

#[derive(Clone, Debug)]
enum Step {
    Take(u8),
    HandOut(u8),
    Handle(u8),
    HandleWithoutDisk(u8),
    DiskBack,
    Answer(u8),
    Cancel(u8),
    Recall(u8),
    GiveBack(u8),
    Tell,
    TellInVain,
    Wake,
    Restart,
}

fn step() -> impl Strategy<Value = Step> {
    let id = 0..4_u8;
    prop_oneof![
        id.clone().prop_map(Step::Take),
        id.clone().prop_map(Step::HandOut),
        id.clone().prop_map(Step::Handle),
        id.clone().prop_map(Step::HandleWithoutDisk),
        Just(Step::DiskBack),
        id.clone().prop_map(Step::Cancel),
        id.clone().prop_map(Step::Recall),
        id.clone().prop_map(Step::GiveBack),
        id.prop_map(Step::Answer),
        Just(Step::Tell),
        Just(Step::TellInVain),
        Just(Step::Wake),
        Just(Step::Restart),
    ]
}

proptest! {
    #[test]
    fn whatever_happens_each_sender_hears_of_each_end_in_order(steps in prop::collection::vec(step(), 0..40)) {
        let (mut given, from, mut rows) = (Given::default(), sender(1), BTreeMap::new());
        let mut heard: BTreeMap<String, ReceiptState> = BTreeMap::new();
        let mut on_disk: BTreeMap<String, ReceiptState> = BTreeMap::new();
        let mut now = START;
        let hear = |told: Vec<(String, ReceiptState)>, heard: &mut BTreeMap<String, ReceiptState>| {
            for (id, state) in told {
                let best = heard.entry(id).or_insert(state);
                *best = (*best).max(state);
            }
        };
        for step in steps {
            now = now + Duration::from_millis(100);
            match step {
                Step::Take(id) => {
                    if let Some(batch) = given.accept(from, &id.to_string(), "00".into(), now).unwrap() {
                        apply(&mut rows, batch);
                    }
                }
                Step::HandOut(id) => {
                    given.delivered(&from, &id.to_string(), now);
                }
                Step::Handle(id) => {
                    if given.find(&from, &id.to_string()).is_some() {
                        apply(&mut rows, handle(&mut given, &from, &id.to_string(), now));
                        let best = on_disk.entry(id.to_string()).or_insert(ReceiptState::Handled);
                        *best = (*best).max(ReceiptState::Handled);
                    }
                }
                Step::HandleWithoutDisk(id) => {
                    given.handled(&from, &id.to_string(), now.wall).unwrap();
                }
                Step::DiskBack => {
                    let batch = given.held().unwrap();
                    let held: Vec<_> = given.entries.values().filter(|entry| entry.is_held).cloned().collect();
                    apply(&mut rows, batch);
                    given.release(now.steady);
                    for entry in held {
                        on_disk.insert(entry.statement.message_id, entry.statement.state);
                    }
                }
                Step::Answer(id) => {
                    let is_known = given.statement(&from, &id.to_string()).is_some();
                    apply(&mut rows, given.answered(&from, &id.to_string(), "r", now).unwrap());
                    if is_known {
                        on_disk.insert(id.to_string(), ReceiptState::Answered);
                    }
                }
                // The inbox knows which: what is in hands is recalled, everything else is cancelled.
                Step::Cancel(id) => {
                    let id = id.to_string();
                    if given.statement(&from, &id).is_some_and(|said| said.state == ReceiptState::Accepted) {
                        apply(&mut rows, given.cancelled(&from, &id, now.wall).unwrap());
                        given.confirm(&from, &id, now.steady);
                        on_disk.insert(id, ReceiptState::Cancelled);
                    }
                }
                Step::Recall(id) => {
                    let id = id.to_string();
                    if given.statement(&from, &id).is_some_and(|said| said.state == ReceiptState::Delivered) {
                        apply(&mut rows, given.recalled(&from, &id, now.wall).unwrap());
                        prop_assert_eq!(given.statement(&from, &id).unwrap().state, ReceiptState::Delivered);
                        on_disk.insert(id, ReceiptState::Cancelled);
                    }
                }
                Step::GiveBack(id) => {
                    let id = id.to_string();
                    let is_recalled = |entry: &&Entry| entry.recalled_at.is_some() && entry.statement.message_id == id;
                    if given.entries.values().any(|entry| is_recalled(&entry)) {
                        given.let_go_of(&from, &id, now);
                    }
                }
                Step::Tell => hear(tell(&mut given, now), &mut heard),
                Step::TellInVain => {
                    for (agent, _) in given.due(now) {
                        given.postpone(&agent, now.steady, None);
                    }
                }
                Step::Wake => {
                    given.wake(&from, now.steady);
                }
                Step::Restart => {
                    apply(&mut rows, given.save().unwrap());
                    let loaded: Vec<_> =
                        rows.iter().map(|(key, value)| Row { key: key.clone(), value: value.clone() }).collect();
                    given = Given::load(&loaded, now.steady).unwrap();
                }
            }
            for entry in given.entries.values().filter(|entry| entry.is_held) {
                let id = &entry.statement.message_id;
                prop_assert!(heard.get(id).is_none_or(|heard| *heard < ReceiptState::Handled || on_disk.contains_key(id)));
            }
        }
        let in_hands: Vec<_> = given.entries.values().filter(|entry| entry.recalled_at.is_some()).cloned().collect();
        for entry in in_hands {
            given.let_go_of(&from, &entry.statement.message_id, now);
        }
        given.release(now.steady);
        for _ in 0..10 {
            now = now + LONGEST_WAIT;
            hear(tell(&mut given, now), &mut heard);
        }
        for (id, state) in &on_disk {
            prop_assert!(heard.get(id) >= Some(state), "{} is {:?} on disk, its sender heard {:?}", id, state, heard.get(id));
        }
    }
}
