//! Leases, quotas, restarts; and any sequence of operations against a small model.

use proptest::prelude::*;

use super::{super::types::Verification, *};
use crate::{env::Timestamp, store::Op};

const NOW: Moment = Moment::ORIGIN;

fn message(from: u8, kind: MessageKind, content: &str) -> Message {
    Message {
        message_id: format!("msg-{from}-{content}"),
        from: AgentId::from_bytes([from; 32]),
        content: content.to_owned(),
        metadata: serde_json::Map::new(),
        in_reply_to: None,
        hops_remaining: 10,
        kind,
        verification: Verification::Signed,
        received_at: Timestamp::from_seconds(1),
        limits: None,
        origin: None,
        forwarded_to: Vec::new(),
        sequence: 0,
        redeliveries: 0,
        wants_stream: false,
    }
}

fn add(inbox: &mut Inbox, message: Message) -> u64 {
    let (sequence, _) = inbox.reserve(message, &InboxLimits::default()).unwrap();
    inbox.confirm(sequence);
    sequence
}

#[test]
fn what_waits_is_counted_through_every_change() {
    let mut inbox = Inbox::default();
    let first = add(&mut inbox, message(1, MessageKind::Peer, "a"));
    let second = add(&mut inbox, message(1, MessageKind::Peer, "b"));
    add(&mut inbox, message(2, MessageKind::Notice, "c"));
    let (reserved, _) = inbox.reserve(message(1, MessageKind::Peer, "d"), &InboxLimits::default()).unwrap();
    assert_eq!((inbox.waiting(), inbox.len()), (2, 4));
    inbox.cancel(reserved);
    inbox.next(&Filter::default(), NOW);
    assert_eq!(inbox.waiting(), 1, "one is handed out");
    inbox.release(first, None, NOW, Duration::ZERO);
    inbox.acknowledge(second).unwrap();
    assert_eq!(inbox.waiting(), 1, "one came back, one is acknowledged without being handed out");
    inbox.forget(second);
    inbox.confirm(second);
    assert_eq!((inbox.waiting(), inbox.len()), (1, 2));
}

#[test]
fn large_messages_of_one_leave_room_for_others() {
    let limits = InboxLimits { bytes: 40_000, ..InboxLimits::default() };
    let text = "x".repeat(2_000);
    let mut inbox = Inbox::default();
    let mut fill = |from: &[u8], kind| {
        let mut kept = 0;
        while kept < 100 && inbox.reserve(message(from[kept % from.len()], kind, &text), &limits).is_ok() {
            kept += 1;
        }
        kept
    };
    let (peer, strangers) = (fill(&[1], MessageKind::Peer), fill(&[2, 3, 4], MessageKind::Stranger));
    assert!((1..=4).contains(&peer) && (1..=4).contains(&strangers), "{peer} {strangers}");
    assert!(fill(&[5], MessageKind::Peer) >= 1, "another peer finds room");
}

#[test]
fn a_reserved_message_is_invisible_until_its_row_is_on_disk() {
    let mut inbox = Inbox::default();
    let (sequence, rows) =
        inbox.reserve(message(1, MessageKind::Peer, "a"), &InboxLimits::default()).unwrap();
    assert_eq!(rows.ops.len(), 2, "the message, and the claim of its number and the next ones");
    assert!(inbox.next(&Filter::default(), NOW).is_none() && inbox.list().is_empty());
    inbox.confirm(sequence);
    assert_eq!(inbox.next(&Filter::default(), NOW).unwrap().content, "a");
}

#[test]
fn keeps_the_message_until_the_host_acknowledges() {
    let mut inbox = Inbox::default();
    let sequence = add(&mut inbox, message(1, MessageKind::Peer, "a"));
    let first = inbox.next(&Filter::default(), NOW).unwrap();
    assert_eq!(first.redeliveries, 0);
    assert!(inbox.next(&Filter::default(), NOW).is_none(), "leased");
    for another in [Some(1), Some(7)] {
        assert!(!inbox.release(sequence, another, NOW, Duration::ZERO), "somebody else has that hand-out");
    }
    assert!(inbox.release(sequence, Some(0), NOW, Duration::from_secs(5)));
    assert!(inbox.next(&Filter::default(), NOW).is_none(), "not before its delay");
    let later = NOW + Duration::from_secs(5);
    assert_eq!(inbox.next_available(&Filter::default()), Some(later));
    assert_eq!(inbox.next(&Filter::default(), later).unwrap().redeliveries, 1);
    inbox.acknowledge(sequence).unwrap();
    inbox.forget(sequence);
    assert_eq!(inbox.acknowledge(sequence).unwrap_err().code(), Code::MessageUnknown);
    assert!(inbox.is_empty());
}

#[test]
fn strangers_and_notices_cannot_fill_the_room_of_peers_s16() {
    let mut inbox = Inbox::default();
    let limits = InboxLimits { strangers: 3, per_stranger: 2, notices: 2, ..InboxLimits::default() };
    let mut try_add =
        |from, kind, content: &str| inbox.reserve(message(from, kind, content), &limits).is_ok();
    assert!(try_add(1, MessageKind::Stranger, "a") && try_add(1, MessageKind::Stranger, "b"));
    assert!(!try_add(1, MessageKind::Stranger, "c"), "one stranger");
    assert!(try_add(2, MessageKind::Stranger, "d"));
    assert!(!try_add(3, MessageKind::Stranger, "e"), "all strangers");
    for index in 0..10 {
        assert!(try_add(4, MessageKind::Notice, &index.to_string()), "notices replace notices");
    }
    assert!(try_add(5, MessageKind::Peer, "f"));
}

#[test]
fn notices_that_are_all_handed_out_are_replaced_and_may_still_be_acknowledged() {
    let mut inbox = Inbox::default();
    let limits = InboxLimits { notices: 2, ..InboxLimits::default() };
    let mut handed_out = Vec::new();
    for index in 0..6 {
        let (sequence, rows) =
            inbox.reserve(message(1, MessageKind::Notice, &index.to_string()), &limits).unwrap();
        let deletions = rows.ops.iter().filter(|op| matches!(op, Op::Delete { .. })).count();
        assert_eq!(deletions, usize::from(index >= 2), "its row goes with the row of the new one");
        inbox.confirm(sequence);
        handed_out.push(inbox.next(&Filter::default(), NOW).unwrap().sequence);
        assert!(inbox.len() <= 2);
    }
    let kept = &handed_out[4..];
    for sequence in &handed_out {
        let rows = inbox.acknowledge(*sequence).unwrap();
        assert_eq!(!rows.is_empty(), kept.contains(sequence), "the row of a replaced one is gone already");
        inbox.forget(*sequence);
        assert_eq!(inbox.acknowledge(*sequence).unwrap_err().code(), Code::MessageUnknown, "once");
    }
    assert!(inbox.is_empty());
    let lower = InboxLimits { notices: 1, ..limits };
    for content in ["a", "b"] {
        inbox.reserve(message(1, MessageKind::Notice, content), &limits).unwrap();
    }
    inbox.reserve(message(1, MessageKind::Notice, "c"), &lower).unwrap();
    assert_eq!(inbox.len(), 1, "a limit that was lowered holds from the next notice on");
}

#[test]
fn a_restart_shows_everything_that_was_not_acknowledged_in_order() {
    let mut inbox = Inbox::default();
    let mut rows = Vec::new();
    for content in ["a", "b", "c"] {
        let (sequence, batch) =
            inbox.reserve(message(1, MessageKind::Peer, content), &InboxLimits::default()).unwrap();
        inbox.confirm(sequence);
        for op in batch.ops {
            if let Op::Put { table: Table::Inbox, key, value } = op {
                rows.push(Row { key, value });
            }
        }
    }
    inbox.next(&Filter::default(), NOW);
    rows.remove(1);
    let mut again = Inbox::load(&rows, None).unwrap();
    let contents: Vec<_> =
        std::iter::from_fn(|| again.next(&Filter::default(), NOW)).map(|m| m.content).collect();
    assert_eq!(contents, ["a", "c"]);
    assert_eq!(add(&mut again, message(1, MessageKind::Peer, "d")), 3, "numbers are not used twice");
}

#[test]
fn filters_choose_sender_kind_and_reply() {
    let mut inbox = Inbox::default();
    add(&mut inbox, message(1, MessageKind::Peer, "a"));
    let mut reply = message(2, MessageKind::Peer, "b");
    reply.in_reply_to = Some("msg-x".into());
    add(&mut inbox, reply);
    let filter = Filter { in_reply_to: Some("msg-x".into()), ..Filter::default() };
    assert_eq!(inbox.next(&filter, NOW).unwrap().content, "b");
    let filter = Filter { from: vec![AgentId::from_bytes([9; 32])], ..Filter::default() };
    assert!(inbox.next(&filter, NOW).is_none());
}

/// What may happen to an inbox. Numbers choose among what is there.
#[derive(Clone, Debug)]
enum Step {
    /// What is refused by the disk, as a duplicate, leaves no rows.
    Reserve {
        from: u8,
        kind: MessageKind,
        refused: bool,
    },
    Confirm(usize),
    Cancel(usize),
    Next {
        from: Option<u8>,
    },
    Acknowledge(usize),
    Release {
        choice: usize,
        delay: u64,
    },
    Wait(u64),
    Restart,
}

fn step() -> impl Strategy<Value = Step> {
    let kind = prop_oneof![Just(MessageKind::Peer), Just(MessageKind::Stranger), Just(MessageKind::Notice)];
    prop_oneof![
        4 => (0..3_u8, kind, prop::bool::weighted(0.2)).prop_map(|(from, kind, refused)| {
            Step::Reserve { from, kind, refused: refused && kind != MessageKind::Notice }
        }),
        4 => any::<usize>().prop_map(Step::Confirm),
        1 => any::<usize>().prop_map(Step::Cancel),
        4 => prop::option::of(0..3_u8).prop_map(|from| Step::Next { from }),
        2 => any::<usize>().prop_map(Step::Acknowledge),
        2 => (any::<usize>(), 0..10_u64).prop_map(|(choice, delay)| Step::Release { choice, delay }),
        1 => (0..10_u64).prop_map(Step::Wait),
        1 => Just(Step::Restart),
    ]
}

/// The same inbox as a plain list, oldest first.
#[derive(Clone, Debug)]
struct Known {
    sequence: u64,
    from: u8,
    kind: MessageKind,
    state: State,
    refused: bool,
}

proptest! {
    #[test]
    fn behaves_as_a_plain_list_would(steps in prop::collection::vec(step(), 0..80)) {
        let limits = InboxLimits { peers: 5, per_peer: 3, strangers: 3, per_stranger: 2, notices: 2, ..InboxLimits::default() };
        let mut inbox = Inbox::default();
        let mut known: Vec<Known> = Vec::new();
        let mut disk: BTreeMap<(Table, String), String> = BTreeMap::new();
        let mut used = 0;
        let mut now = NOW;
        for step in steps {
            let chosen = |choice: usize, wanted: fn(&Known) -> bool| {
                let fitting: Vec<u64> =
                    known.iter().filter(|item| wanted(item)).map(|item| item.sequence).collect();
                fitting.get(choice % fitting.len().max(1)).copied()
            };
            let reserved = |choice| chosen(choice, |item| item.state == State::Reserved);
            let mut rows = Batch::new();
            match step {
                Step::Reserve { from, kind, refused } => {
                    let of_kind = known.iter().filter(|item| item.kind == kind).count();
                    let of_sender = known
                        .iter()
                        .filter(|item| item.from == from && item.kind != MessageKind::Notice)
                        .count();
                    let fits = match kind {
                        MessageKind::Peer => of_kind < 5 && of_sender < 3,
                        MessageKind::Stranger => of_kind < 3 && of_sender < 2,
                        MessageKind::Notice => true,
                    };
                    match inbox.reserve(message(from, kind, "x"), &limits) {
                        Err(error) => prop_assert!(!fits && error.code() == Code::QueueFull),
                        Ok((sequence, batch)) => {
                            prop_assert!(fits);
                            prop_assert!(sequence >= used, "{sequence} was used before {used}");
                            used = if refused { used } else { sequence + 1 };
                            if kind == MessageKind::Notice && of_kind >= 2 {
                                let oldest = known.iter().position(|item| item.kind == kind);
                                oldest.map(|index| known.remove(index));
                            }
                            known.push(Known { sequence, from, kind, state: State::Reserved, refused });
                            rows = if refused { Batch::new() } else { batch };
                        }
                    }
                }
                Step::Confirm(choice) => {
                    if let Some(sequence) = chosen(choice, |item| item.state == State::Reserved && !item.refused) {
                        prop_assert!(inbox.confirm(sequence).is_some());
                        known.iter_mut().filter(|item| item.sequence == sequence).for_each(|item| {
                            item.state = State::Queued { until: None };
                        });
                    }
                }
                Step::Cancel(choice) => {
                    if let Some(sequence) = reserved(choice) {
                        inbox.cancel(sequence);
                        known.retain(|item| item.sequence != sequence);
                        disk.remove(&(Table::Inbox, sequence::key(sequence)));
                    }
                }
                Step::Next { from } => {
                    let wanted: Vec<AgentId> = from.map(|from| AgentId::from_bytes([from; 32])).into_iter().collect();
                    let filter = Filter { from: wanted, ..Filter::default() };
                    let expected = known.iter_mut().find(|item| {
                        matches!(item.state, State::Queued { until } if until.is_none_or(|until| until <= now))
                            && from.is_none_or(|from| item.from == from)
                    });
                    let got = inbox.next(&filter, now).map(|message| message.sequence);
                    prop_assert_eq!(got, expected.as_ref().map(|item| item.sequence));
                    if let Some(item) = expected {
                        item.state = State::Leased;
                    }
                }
                Step::Acknowledge(choice) => {
                    if let Some(sequence) = reserved(choice) {
                        prop_assert!(inbox.acknowledge(sequence).is_err(), "nobody has seen it");
                    }
                    if let Some(sequence) = chosen(choice, |item| item.state != State::Reserved) {
                        rows = inbox.acknowledge(sequence).unwrap();
                        inbox.forget(sequence);
                        known.retain(|item| item.sequence != sequence);
                        prop_assert!(inbox.acknowledge(sequence).is_err(), "once");
                    }
                }
                Step::Release { choice, delay } => {
                    if let Some(sequence) = chosen(choice, |_| true) {
                        let item = known.iter_mut().find(|item| item.sequence == sequence).unwrap();
                        let delay = Duration::from_secs(delay);
                        prop_assert_eq!(inbox.release(sequence, None, now, delay), item.state == State::Leased);
                        if item.state == State::Leased {
                            item.state = State::Queued { until: Some(now + delay) };
                        }
                    }
                }
                Step::Wait(seconds) => now = now + Duration::from_secs(seconds),
                Step::Restart => {
                    let row = |(key, value): (&(Table, String), &String)| Row { key: key.1.clone(), value: value.clone() };
                    let rows: Vec<Row> =
                        disk.iter().filter(|(key, _)| key.0 == Table::Inbox).map(row).collect();
                    let claimed = disk.iter().find(|(key, _)| key.1 == NUMBERS).map(row);
                    inbox = Inbox::load(&rows, claimed.as_ref()).unwrap();
                    known.retain(|item| !item.refused);
                    known.iter_mut().for_each(|item| item.state = State::Queued { until: None });
                }
            }
            for op in rows.ops {
                match op {
                    Op::Put { table, key, value } => disk.insert((table, key), value),
                    Op::Delete { table, key } => disk.remove(&(table, key)),
                };
            }
            let visible = known.iter().filter(|item| item.state != State::Reserved).map(|item| item.sequence);
            prop_assert_eq!(
                inbox.list().iter().map(|message| message.sequence).collect::<Vec<_>>(),
                visible.collect::<Vec<_>>()
            );
            prop_assert_eq!(inbox.len(), known.len());
            let waiting = known.iter().filter(|item| {
                matches!(item.state, State::Queued { .. }) && item.kind != MessageKind::Notice
            });
            prop_assert_eq!(inbox.waiting(), waiting.count());
            prop_assert_eq!(inbox.bytes, inbox.items.values().map(|item| item.size).sum::<usize>());
        }
    }
}
