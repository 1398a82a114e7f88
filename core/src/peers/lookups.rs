//! Questions about lost agents that go on to others: which ones a node passes on, and what it remembers of them.
//!
//! Two peers that moved at the same moment, and have no peer in common, are found through peers of peers. A question
//! carries how often it may still be passed on, and each node passes a question about the same agent on once in a while,
//! whoever asks. So it ends, also in circles, and costs the mesh at most a few requests per node, however many ask.

use std::{collections::BTreeMap, time::Duration};

use super::location::LocationRecord;
use crate::{
    env::{Moment, Timestamp},
    identity::AgentId,
    wire::limiter::SourceKey,
};

/// A question about the same agent is not passed on again sooner than this.
const AGAIN: Duration = Duration::from_secs(15);
/// How long a question and what was found are remembered.
const MEMORY: Duration = Duration::from_secs(60);
/// About how many agents a node asks others within that time,
const MOST: usize = 60;
/// and for how many of one source. A peer looks for four lost ones at the same time.
const MOST_PER_SOURCE: usize = 12;

/// The questions of the last minute.
#[derive(Debug, Default)]
pub struct Lookups(BTreeMap<AgentId, Passed>);

#[derive(Debug)]
struct Passed {
    at: Moment,
    by: Option<SourceKey>,
    found: Option<LocationRecord>,
}

impl Lookups {
    /// Whether the question of `by` about `agent` may go on to others now. If so, it counts. Our own questions have no
    /// source: they always may, and those that come back to us go no further.
    pub fn pass(&mut self, agent: &AgentId, by: Option<&SourceKey>, now: Moment) -> bool {
        self.0.retain(|_, passed| now.since(passed.at) < MEMORY);
        if by.is_some() {
            let of_source = self.0.values().filter(|passed| passed.by.as_ref() == by).count();
            let is_recent = self.0.get(agent).is_some_and(|passed| now.since(passed.at) < AGAIN);
            if is_recent || self.0.len() >= MOST || of_source >= MOST_PER_SOURCE {
                return false;
            }
        }
        let found = self.0.remove(agent).and_then(|passed| passed.found);
        self.0.insert(*agent, Passed { at: now, by: by.cloned(), found });
        true
    }

    /// What such a question brought.
    pub fn note(&mut self, record: &LocationRecord) {
        if let Some(passed) = self.0.get_mut(&record.agent_id) {
            passed.found = Some(record.clone());
        }
    }

    /// What was found within the last minute, when that is news for somebody who knows what was signed at `after`.
    pub fn found(&self, agent: &AgentId, after: Option<Timestamp>, now: Moment) -> Option<LocationRecord> {
        let passed = self.0.get(agent).filter(|passed| now.since(passed.at) < MEMORY)?;
        passed.found.clone().filter(|record| record.signed_at() > after)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{env::SigningTimes, identity::Passport};

    fn at(seconds: u64) -> Moment {
        Moment::ORIGIN + Duration::from_secs(seconds)
    }

    fn agent(number: u8) -> AgentId {
        AgentId::from_bytes([number; 32])
    }

    fn source(number: u8) -> SourceKey {
        SourceKey::from(std::net::IpAddr::from([9, 9, 9, number]))
    }

    #[test]
    fn a_question_goes_on_once_whoever_asks_and_again_after_a_while() {
        let mut lookups = Lookups::default();
        assert!(lookups.pass(&agent(1), Some(&source(1)), at(0)));
        assert!(!lookups.pass(&agent(1), Some(&source(1)), at(1)));
        assert!(!lookups.pass(&agent(1), Some(&source(2)), at(14)), "it comes by another way");
        assert!(lookups.pass(&agent(2), Some(&source(1)), at(14)), "another question");
        assert!(lookups.pass(&agent(1), Some(&source(2)), at(15)));
    }

    #[test]
    fn our_own_questions_always_go_out_and_come_back_to_nobody() {
        let mut lookups = Lookups::default();
        assert!(lookups.pass(&agent(1), None, at(0)));
        assert!(lookups.pass(&agent(1), None, at(1)));
        assert!(!lookups.pass(&agent(1), Some(&source(1)), at(2)));
    }

    #[test]
    fn neither_one_source_nor_all_together_make_a_node_ask_without_end() {
        let mut lookups = Lookups::default();
        let asked = |lookups: &mut Lookups, by: u8, seconds: u64| {
            (0..200).filter(|number| lookups.pass(&agent(*number), Some(&source(by)), at(seconds))).count()
        };
        assert_eq!(asked(&mut lookups, 1, 0), MOST_PER_SOURCE);
        let others: usize = (2..50).map(|by| asked(&mut lookups, by, 1)).sum();
        assert_eq!(others + MOST_PER_SOURCE, MOST);
        assert!(lookups.pass(&agent(250), None, at(2)), "but its own");
        assert_eq!(asked(&mut lookups, 1, 61), MOST_PER_SOURCE, "a minute later");
    }

    #[test]
    fn what_was_found_is_told_for_a_minute_to_whom_it_is_news() {
        let passport = Passport::from_seed([7; 32]);
        let signed = Timestamp::from_seconds(1_800_000_000);
        let times = SigningTimes::new(Duration::from_secs(300));
        let record = LocationRecord::sign(&passport, "http://8.8.8.8:1", &times, signed);
        let signed = record.signed_at();
        let mut lookups = Lookups::default();
        lookups.note(&record);
        assert_eq!(lookups.found(&record.agent_id, None, at(0)), None, "nobody asked for it");
        lookups.pass(&record.agent_id, Some(&source(1)), at(0));
        lookups.note(&record);
        assert_eq!(lookups.found(&record.agent_id, None, at(1)), Some(record.clone()));
        assert_eq!(lookups.found(&record.agent_id, signed, at(1)), None, "the asker knows it");
        lookups.pass(&record.agent_id, Some(&source(2)), at(20));
        assert_eq!(lookups.found(&record.agent_id, None, at(79)), Some(record.clone()));
        assert_eq!(lookups.found(&record.agent_id, None, at(80)), None);
    }
}
