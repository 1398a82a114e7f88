//! Addresses from which a connected peer proved itself lately.
//!
//! They are not counted among the strangers before their signature is checked, so that strangers behind the
//! same address cannot use up a peer's way in. Bounded; the oldest makes room.

use std::{collections::HashMap, time::Duration};

use crate::{env::Moment, wire::limiter::SourceKey};

/// How long a proof counts.
const LIFETIME: Duration = Duration::from_secs(600);
/// How many addresses are remembered.
const MOST: usize = 4096;

#[derive(Debug, Default)]
pub(crate) struct ProvenSources(HashMap<SourceKey, Moment>);

impl ProvenSources {
    pub(crate) fn contains(&self, source: &SourceKey, now: Moment) -> bool {
        self.0.get(source).is_some_and(|proven| now.since(*proven) < LIFETIME)
    }

    pub(crate) fn insert(&mut self, source: &SourceKey, now: Moment) {
        if let Some(proven) = self.0.get_mut(source) {
            *proven = now;
            return;
        }
        if self.0.len() >= MOST
            && let Some(oldest) =
                self.0.iter().min_by_key(|(_, proven)| **proven).map(|(source, _)| source.clone())
        {
            self.0.remove(&oldest);
        }
        self.0.insert(source.clone(), now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proof_ages_and_the_table_is_bounded() {
        let mut proven = ProvenSources::default();
        let key = |n: u32| SourceKey::from(std::net::IpAddr::from(n.to_be_bytes()));
        let start = Moment::ORIGIN;
        proven.insert(&key(1), start);
        assert!(proven.contains(&key(1), start) && !proven.contains(&key(2), start));
        assert!(!proven.contains(&key(1), start + LIFETIME));
        for n in 0..MOST as u32 * 2 {
            proven.insert(&key(n), start + Duration::from_secs(1));
        }
        assert_eq!(proven.0.len(), MOST);
    }
}
