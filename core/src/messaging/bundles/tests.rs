//! Bundles go forward only, keys are handed out once, and nobody takes all of them.

use super::*;
use crate::{
    env::SeededRandom,
    identity::Passport,
    messaging::prekeys::{PreKeys, VALIDITY},
    store::Op,
};

const NOW: Timestamp = Timestamp::from_seconds(1_000_000);
const ME: AgentId = AgentId::from_bytes([9; 32]);

fn passport() -> Passport {
    Passport::from_seed([1; 32])
}

fn published(keys: &mut PreKeys, left: usize, now: Timestamp) -> Publication {
    keys.publish(vec![ME], left, now, &passport(), &SeededRandom::new(1)).unwrap().0
}

fn restarted(rows: &Batch) -> Bundles {
    let rows: Vec<_> = rows
        .ops
        .iter()
        .filter_map(|op| match op {
            Op::Put { key, value, .. } => Some(Row { key: key.clone(), value: value.clone() }),
            Op::Delete { .. } => None,
        })
        .collect();
    Bundles::load(&rows).unwrap()
}

#[test]
fn an_older_bundle_never_replaces_a_later_one() {
    let (agent, mut keys) = (passport().agent_id(), PreKeys::default());
    let old = published(&mut keys, PER_MAILBOX, NOW);
    let new = published(&mut keys, PER_MAILBOX, NOW);
    let mut keeper = Bundles::default();
    keeper.take(&agent, &ME, old.clone(), NOW).unwrap();
    let rows = keeper.take(&agent, &ME, new.clone(), NOW).unwrap();
    for mut keeper in [keeper, restarted(&rows)] {
        assert_eq!(keeper.take(&agent, &ME, old.clone(), NOW).unwrap_err().code(), Code::Stale);
        assert_eq!(keeper.learn(&old.bundle).unwrap_err().code(), Code::Stale);
        assert_eq!(keeper.get(&agent), Some(&new.bundle));
        assert!(keeper.learn(&new.bundle).unwrap().is_empty());
    }
    // A sender that saw the new one finds out a mailbox that serves the old one.
    let mut sender = Bundles::default();
    let rows = sender.learn(&new.bundle).unwrap();
    assert_eq!(restarted(&rows).learn(&old.bundle).unwrap_err().code(), Code::Stale);
    assert!(!sender.serves(&agent));
}

#[test]
fn keys_that_are_not_the_agents_own_or_not_meant_for_us_are_refused() {
    let (agent, mut keys) = (passport().agent_id(), PreKeys::default());
    let good = published(&mut keys, 0, NOW);
    let stranger = Passport::from_seed([2; 32]).agent_id();
    let mut forged = good.clone();
    forged.one_time[3].key.0[0] ^= 1;
    let mut longer = good.clone();
    longer.bundle.valid_until = NOW + 2 * VALIDITY;
    let mut keeper = Bundles::default();
    for (from, me, publication, code) in [
        (stranger, ME, good.clone(), Code::KeyMismatch),
        (agent, stranger, good.clone(), Code::KeyMismatch),
        (agent, ME, forged, Code::SignatureInvalid),
        (agent, ME, longer, Code::SignatureInvalid),
    ] {
        assert_eq!(keeper.take(&from, &me, publication, NOW).unwrap_err().code(), code);
    }
    assert!(keeper.get(&agent).is_none());
    assert!(keeper.take(&agent, &ME, good, NOW).is_ok() && keeper.serves(&agent));
}

#[test]
fn a_one_time_key_is_handed_out_once_also_after_a_restart() {
    let (agent, mut keys) = (passport().agent_id(), PreKeys::default());
    let mut keeper = Bundles::default();
    let publication = published(&mut keys, 0, NOW);
    keeper.take(&agent, &ME, publication.clone(), NOW).unwrap();
    let mut seen = std::collections::BTreeSet::new();
    for asker in 0..PER_MAILBOX + 3 {
        let asker = AgentId::from_bytes([u8::try_from(asker).unwrap() + 20; 32]);
        let (key, rows) = keeper.draw(&agent, asker, NOW, Moment::ORIGIN).unwrap();
        assert!(key.is_none_or(|key| seen.insert(key.name())));
        if !rows.is_empty() {
            keeper = restarted(&rows);
        }
    }
    assert_eq!((seen.len(), keeper.left(&agent)), (PER_MAILBOX, 0));
}

#[test]
fn one_asker_does_not_take_all_keys_and_old_ones_are_not_handed_out() {
    let (agent, mut keys) = (passport().agent_id(), PreKeys::default());
    let mut keeper = Bundles::default();
    keeper.take(&agent, &ME, published(&mut keys, 0, NOW), NOW).unwrap();
    let greedy = AgentId::from_bytes([20; 32]);
    let mut drawn =
        |now, at| (0..50).filter(|_| keeper.draw(&agent, greedy, now, at).unwrap().0.is_some()).count();
    assert_eq!(drawn(NOW, Moment::ORIGIN), DRAWS as usize);
    assert_eq!(drawn(NOW, Moment::ORIGIN + HOUR / 2), 0);
    assert_eq!(drawn(NOW + VALIDITY + HOUR, Moment::ORIGIN + HOUR), 0, "their time is over");
}

#[test]
fn what_nobody_can_use_is_forgotten_and_a_parting_agent_is_served_no_more() {
    let (agent, mut keys) = (passport().agent_id(), PreKeys::default());
    let mut keeper = Bundles::default();
    keeper.take(&agent, &ME, published(&mut keys, 0, NOW), NOW).unwrap();
    assert_eq!(keeper.served(), (1, keeper.left(&agent)));
    assert!(keeper.tidy(NOW + 9 * VALIDITY).is_empty(), "it may come back");
    assert!(!keeper.part(&agent).unwrap().is_empty());
    assert!((keeper.served(), keeper.left(&agent)) == ((0, 0), 0) && keeper.get(&agent).is_some());
    assert!(keeper.tidy(NOW).is_empty(), "an old bundle must not pass for a new one");
    assert_eq!(keeper.tidy(NOW + VALIDITY + HOUR).ops.len(), 1);
}
