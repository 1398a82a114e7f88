//! The order of sending, waits, limits; and any sequence of operations against a small model.

use proptest::prelude::*;

use super::*;

const START: Timestamp = Timestamp::from_seconds(100);
const NOW: Now = Now { wall: START, steady: Moment::ORIGIN };

fn item(to: u8, text: &str) -> OutboxItem {
    OutboxItem {
        sequence: 0,
        message_id: text.to_owned(),
        to: AgentId::from_bytes([to; 32]),
        content: text.to_owned(),
        metadata: serde_json::Map::new(),
        in_reply_to: None,
        hops: 10,
        created_at: START,
        expires_at: START + Duration::from_secs(60),
        attempts: 0,
        next_attempt: START,
        last_reason: None,
        was_limited: false,
        origin: None,
        passing: None,
    }
}

fn reason() -> Reason {
    Reason::new(Code::Unreachable, "no answer")
}

#[test]
fn the_order_per_peer_is_kept() {
    let mut outbox = Outbox::default();
    let (first, sends_now, _) = outbox.push(item(1, "a")).unwrap();
    assert!(sends_now);
    outbox.postpone(first, NOW, None, reason()).unwrap();
    let (_, sends_now, _) = outbox.push(item(1, "b")).unwrap();
    assert!(!sends_now, "something older waits");
    assert!(outbox.due(NOW).is_empty());
    let later = NOW + Duration::from_secs(1);
    assert_eq!(outbox.due(later).iter().map(|i| i.content.as_str()).collect::<Vec<_>>(), ["a"]);
    assert!(outbox.due(later).is_empty(), "b waits for a");
    outbox.finish(first);
    assert_eq!(outbox.due(later).iter().map(|i| i.content.as_str()).collect::<Vec<_>>(), ["b"]);
}

#[test]
fn waits_double_up_to_a_bound_and_respect_the_peers_hint() {
    let mut outbox = Outbox::default();
    let (sequence, ..) = outbox.push(item(1, "a")).unwrap();
    let mut waits = Vec::new();
    for _ in 0..12 {
        outbox.postpone(sequence, NOW, None, reason()).unwrap();
        waits.push(outbox.list()[0].next_attempt.since(START).as_secs());
    }
    assert_eq!(waits, [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300, 300]);
    outbox.postpone(sequence, NOW, Some(Duration::from_secs(9999)), reason()).unwrap();
    assert_eq!(outbox.list()[0].next_attempt.since(START), LONGEST_WAIT);
}

#[test]
fn a_sign_of_life_makes_the_message_due_and_expiry_too() {
    let mut outbox = Outbox::default();
    let (sequence, ..) = outbox.push(item(1, "a")).unwrap();
    for _ in 0..9 {
        outbox.postpone(sequence, NOW, None, reason()).unwrap();
    }
    assert_eq!(outbox.wait(NOW), Some(Duration::from_secs(60)), "it expires before it is tried");
    assert!(outbox.wake(&AgentId::from_bytes([1; 32]), NOW));
    assert_eq!(outbox.due(NOW).len(), 1);
}

#[test]
fn a_full_outbox_refuses_and_says_what_to_do() {
    let mut outbox = Outbox::default();
    let room = |outbox: &Outbox, to: &[u8]| {
        let to: Vec<_> = to.iter().map(|to| AgentId::from_bytes([*to; 32])).collect();
        outbox.check_room(&to, 2).map_err(|error| error.code())
    };
    let (first, ..) = outbox.push(item(1, "a")).unwrap();
    outbox.postpone(first, NOW, None, reason()).unwrap();
    outbox.push(item(1, "b")).unwrap();
    assert_eq!(room(&outbox, &[1]), Err(Code::QueueFull));
    assert_eq!(room(&outbox, &[2, 1]), Err(Code::QueueFull), "all of them or none");
    // The full queue of one peer does not silence the others, whose messages leave at once.
    assert_eq!(room(&outbox, &[2, 3]), Ok(()));
    let (second, ..) = outbox.push(item(2, "d")).unwrap();
    outbox.push(item(2, "e")).unwrap();
    assert_eq!(room(&outbox, &[3]), Err(Code::QueueFull), "too many at once");
    outbox.finish(second);
    assert_eq!(room(&outbox, &[3]), Ok(()));
}

#[test]
fn what_is_sent_after_a_receipt_does_not_overtake_but_side_by_side_is_fine() {
    let mut outbox = Outbox::default();
    let (first, sends_now, _) = outbox.push(item(1, "a")).unwrap();
    let (_, beside, _) = outbox.push(item(1, "b")).unwrap();
    assert!(sends_now && beside);
    outbox.overdue(first);
    let (_, after, _) = outbox.push(item(1, "c")).unwrap();
    assert!(!after, "a is still under way, and its host was told so");
    assert!(outbox.due(NOW).is_empty());
    assert!(!outbox.wake(&AgentId::from_bytes([1; 32]), NOW));
}

#[test]
fn a_message_expires_in_time_however_many_wait_before_it() {
    let mut outbox = Outbox::default();
    let (first, ..) = outbox.push(item(1, "a")).unwrap();
    for _ in 0..9 {
        outbox.postpone(first, NOW, None, reason()).unwrap();
    }
    let soon = NOW + Duration::from_secs(3);
    outbox.push(OutboxItem { expires_at: soon.wall, ..item(1, "b") }).unwrap();
    assert_eq!(outbox.wait(NOW), Some(Duration::from_secs(3)));
    assert_eq!(outbox.due(soon).iter().map(|item| item.content.as_str()).collect::<Vec<_>>(), ["b"]);
}

#[test]
fn a_retry_comes_in_time_whatever_happens_to_the_wall_clock() {
    let hours = Duration::from_secs(9 * 3600);
    for set_to in [START - hours, START - Duration::from_secs(250), START + Duration::from_secs(30)] {
        let mut outbox = Outbox::default();
        let (first, ..) = outbox.push(item(1, "a")).unwrap();
        outbox.postpone(first, NOW, None, reason()).unwrap();
        let set = Now { wall: set_to, ..NOW };
        assert_eq!(outbox.wait(set), Some(Duration::from_secs(1)));
        assert!(outbox.due(set).is_empty());
        assert_eq!(outbox.due(set + Duration::from_secs(1)).len(), 1);
    }
}

#[test]
fn after_a_restart_an_attempt_further_away_than_any_wait_is_due() {
    for (away, wait) in [(7, 7), (300, 300), (301, 0), (99_999, 0)] {
        let item = OutboxItem { next_attempt: START + Duration::from_secs(away), ..item(1, "a") };
        let item = OutboxItem { expires_at: item.next_attempt + Duration::from_secs(9), ..item };
        let row = Row { key: sequence::key(0), value: serde_json::to_string(&item).unwrap() };
        let outbox = Outbox::load(&[row], NOW).unwrap();
        assert_eq!(outbox.wait(NOW), Some(Duration::from_secs(wait)), "{away}");
    }
}

#[test]
fn what_was_sent_while_the_wall_clock_was_ahead_keeps_its_lifetime_when_it_is_set_back() {
    let mut outbox = Outbox::default();
    let (first, ..) = outbox.push(item(1, "a")).unwrap();
    for _ in 0..9 {
        outbox.postpone(first, NOW, None, reason()).unwrap();
    }
    assert!(outbox.correct(NOW).unwrap().is_empty());
    let set = Now { wall: START - Duration::from_secs(99_999), ..NOW };
    assert_eq!(outbox.correct(set).unwrap().ops.len(), 1);
    assert!(outbox.correct(set).unwrap().is_empty());
    let OutboxItem { created_at, expires_at, next_attempt, .. } = outbox.list().remove(0);
    assert_eq!((created_at, expires_at), (set.wall, set.wall + Duration::from_secs(60)));
    assert_eq!(next_attempt, set.wall + Duration::from_secs(256));
    assert_eq!(outbox.due(set + Duration::from_secs(60)).len(), 1, "it expires");
}

#[test]
fn numbers_go_on_after_the_disk_was_read_again() {
    let mut before = Outbox::default();
    let (lost, ..) = before.push(item(1, "its row was never written")).unwrap();
    let mut outbox = Outbox::load(&[], NOW).unwrap();
    outbox.succeed(&before);
    let (next, ..) = outbox.push(item(1, "b")).unwrap();
    assert!(next > lost, "the late end of the first attempt must not meet the second message");
}

/// What may happen to an outbox. Numbers choose among what is there.
#[derive(Clone, Debug)]
enum Step {
    Push { to: u8, lifetime: u64 },
    Due { wait: u64 },
    Wake { to: u8 },
    Overdue(usize),
    Finish(usize),
    Postpone(usize),
    Drop { to: u8 },
    Restart,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (0..3_u8, 1..400_u64).prop_map(|(to, lifetime)| Step::Push { to, lifetime }),
        3 => (0..100_u64).prop_map(|wait| Step::Due { wait }),
        1 => (0..3_u8).prop_map(|to| Step::Wake { to }),
        1 => any::<usize>().prop_map(Step::Overdue),
        2 => any::<usize>().prop_map(Step::Finish),
        3 => any::<usize>().prop_map(Step::Postpone),
        1 => (0..3_u8).prop_map(|to| Step::Drop { to }),
        1 => Just(Step::Restart),
    ]
}

/// The same outbox as a plain list, oldest first.
#[derive(Clone, Debug)]
struct Known {
    sequence: u64,
    to: u8,
    stage: Stage,
    next_attempt: Timestamp,
    expires_at: Timestamp,
}

fn oldest(known: &[Known], to: u8) -> Option<&Known> {
    known.iter().find(|item| item.to == to)
}

fn is_due(known: &[Known], item: &Known, now: Timestamp) -> bool {
    let is_oldest = oldest(known, item.to).is_some_and(|first| first.sequence == item.sequence);
    item.stage == Stage::Waiting && (item.expires_at <= now || (is_oldest && item.next_attempt <= now))
}

proptest! {
    #[test]
    fn behaves_as_a_plain_list_would(steps in prop::collection::vec(step(), 0..80)) {
        const LIMIT: usize = 6;
        let mut outbox = Outbox::default();
        let mut known: Vec<Known> = Vec::new();
        let mut disk = BTreeMap::new();
        let mut now = NOW;
        let agent = |to: u8| AgentId::from_bytes([to; 32]);
        for step in steps {
            let busy = known.iter().filter(|item| item.stage != Stage::Waiting).count();
            let chosen = |number: usize| known.get(number % known.len().max(1)).map(|item| item.sequence);
            let mut rows = Batch::new();
            match step {
                Step::Push { to, lifetime } => {
                    let expires_at = now.wall + Duration::from_secs(lifetime);
                    let fits = outbox.check_room(&[agent(to)], LIMIT).is_ok();
                    let sends_now = known.iter().all(|item| item.to != to || item.stage == Stage::Busy);
                    let used = if sends_now { busy } else { known.len() - busy };
                    prop_assert_eq!(fits, used < LIMIT);
                    if fits {
                        let pushed = OutboxItem { next_attempt: now.wall, expires_at, ..item(to, "x") };
                        let (sequence, first, batch) = outbox.push(pushed).unwrap();
                        prop_assert_eq!(first, sends_now);
                        prop_assert!(known.iter().all(|item| item.sequence < sequence), "numbers grow");
                        let stage = if first { Stage::Busy } else { Stage::Waiting };
                        known.push(Known { sequence, to, stage, next_attempt: now.wall, expires_at });
                        rows = batch;
                    }
                }
                Step::Due { wait } => {
                    now = now + Duration::from_secs(wait);
                    let expected: Vec<u64> =
                        known.iter().filter(|item| is_due(&known, item, now.wall)).map(|item| item.sequence).collect();
                    let due: Vec<u64> = outbox.due(now).iter().map(|item| item.sequence).collect();
                    prop_assert_eq!(&due, &expected);
                    known.iter_mut().filter(|item| due.contains(&item.sequence)).for_each(|item| {
                        item.stage = Stage::Overdue;
                    });
                }
                Step::Wake { to } => {
                    let woken = outbox.wake(&agent(to), now);
                    let first = known.iter_mut().find(|item| item.to == to);
                    let first = first.filter(|item| item.stage == Stage::Waiting);
                    prop_assert_eq!(woken, first.is_some());
                    if let Some(first) = first {
                        first.next_attempt = first.next_attempt.min(now.wall);
                    }
                }
                Step::Overdue(number) => {
                    if let Some(sequence) = chosen(number) {
                        outbox.overdue(sequence);
                        known.iter_mut().filter(|item| item.sequence == sequence).for_each(|item| {
                            if item.stage == Stage::Busy {
                                item.stage = Stage::Overdue;
                            }
                        });
                    }
                }
                Step::Finish(number) => {
                    let sequence = chosen(number).unwrap_or(u64::MAX);
                    rows = outbox.finish(sequence);
                    prop_assert_eq!(rows.ops.len(), usize::from(sequence != u64::MAX));
                    known.retain(|item| item.sequence != sequence);
                }
                Step::Postpone(number) => {
                    let sequence = chosen(number).unwrap_or(u64::MAX);
                    rows = outbox.postpone(sequence, now, None, reason()).unwrap();
                    for item in known.iter_mut().filter(|item| item.sequence == sequence) {
                        item.stage = Stage::Waiting;
                        item.next_attempt = outbox.items[&sequence].item.next_attempt;
                        prop_assert!(item.next_attempt > now.wall && item.next_attempt <= now.wall + LONGEST_WAIT);
                    }
                }
                Step::Drop { to } => {
                    let (dropped, batch) = outbox.drop_peer(&agent(to));
                    let expected: Vec<u64> =
                        known.iter().filter(|item| item.to == to).map(|item| item.sequence).collect();
                    prop_assert_eq!(dropped.iter().map(|item| item.sequence).collect::<Vec<_>>(), expected);
                    known.retain(|item| item.to != to);
                    rows = batch;
                }
                Step::Restart => {
                    let rows: Vec<Row> = disk
                        .iter()
                        .map(|(key, value): (&String, &String)| Row { key: key.clone(), value: value.clone() })
                        .collect();
                    let mut again = Outbox::load(&rows, now).unwrap();
                    again.succeed(&outbox);
                    outbox = again;
                    for item in &mut known {
                        item.stage = Stage::Waiting;
                        // A sign of life is not kept: the plan on disk counts.
                        item.next_attempt = outbox.items[&item.sequence].item.next_attempt;
                    }
                }
            }
            for op in rows.ops {
                match op {
                    crate::store::Op::Put { key, value, .. } => disk.insert(key, value),
                    crate::store::Op::Delete { key, .. } => disk.remove(&key),
                };
            }
            let listed: Vec<u64> = outbox.list().iter().map(|item| item.sequence).collect();
            prop_assert_eq!(listed, known.iter().map(|item| item.sequence).collect::<Vec<_>>());
            prop_assert_eq!(disk.len(), outbox.len());
            prop_assert_eq!(outbox.of_message("x").len(), known.len());
            let waiting = known.iter().filter(|item| item.stage == Stage::Waiting);
            let next = waiting.clone().map(|item| item.expires_at).chain(
                (0..3).filter_map(|to| oldest(&known, to)).filter(|item| item.stage == Stage::Waiting)
                    .map(|item| item.next_attempt),
            );
            prop_assert_eq!(outbox.wait(now), next.min().map(|at| at.since(now.wall)));
            prop_assert_eq!(outbox.busy, known.len() - waiting.count());
        }
    }
}
