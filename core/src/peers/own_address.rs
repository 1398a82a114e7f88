//! Our own address, as peers see it: each answer to a ping tells where the ping came from (14.2).
//!
//! One peer may be wrong, or lie to move us elsewhere. An address is believed when, within a minute, most of at least
//! three peers say so, or both of two. What counts is one vote for each address from which we were told, so whoever has
//! many ids on one machine has one vote; a peer known by a name has none, since names cost nothing.

use std::{
    collections::{BTreeMap, HashMap},
    net::IpAddr,
    time::Duration,
};

use super::types::Connection;
use crate::{
    env::Moment,
    wire::{
        AddressClass,
        limiter::SourceKey,
        url::{self, Host},
    },
};

/// How long a vote counts, as in 1.1.1; at the usual interval a peer votes at least twice in it.
const WINDOW: Duration = Duration::from_secs(60);
/// The least number of votes.
const QUORUM: usize = 2;
/// From so many votes on, most of them are enough; below, all must agree.
const MAJORITY_FROM: usize = 3;
/// The most votes that are kept.
const MOST: usize = 256;

/// What peers said lately about where we are.
#[derive(Clone, Debug, Default)]
pub struct Sightings {
    votes: HashMap<SourceKey, (IpAddr, Moment)>,
    believed: Option<IpAddr>,
    changed_at: Option<Moment>,
}

/// Where a peer votes from: its address on the internet. Those nearby see an address that nobody else can use.
fn voter(peer: &Connection) -> Option<SourceKey> {
    let Ok(parsed) = url::parse(&peer.url) else { return None };
    match parsed.host() {
        Host::Ip(address) if peer.identity_verified && AddressClass::of(*address) == AddressClass::Global => {
            Some(SourceKey::from(*address))
        }
        _ => None,
    }
}

impl Sightings {
    /// Notes what `peer` said; returns the address to believe from now on when that changes it. It changes at most once
    /// a minute.
    pub fn note(&mut self, peer: &Connection, told: IpAddr, now: Moment) -> Option<IpAddr> {
        let (voter, told) = (voter(peer)?, told.to_canonical());
        self.votes.retain(|_, (_, at)| now.since(*at) < WINDOW);
        if AddressClass::of(told) != AddressClass::Global
            || (self.votes.len() >= MOST && !self.votes.contains_key(&voter))
        {
            return None;
        }
        self.votes.insert(voter, (told, now));
        let seen = self.agreed().filter(|seen| self.believed != Some(*seen))?;
        if self.changed_at.is_some_and(|at| now.since(at) < WINDOW) {
            return None;
        }
        (self.believed, self.changed_at) = (Some(seen), Some(now));
        Some(seen)
    }

    fn agreed(&self) -> Option<IpAddr> {
        let mut counts: BTreeMap<IpAddr, usize> = BTreeMap::new();
        for (told, _) in self.votes.values() {
            *counts.entry(*told).or_default() += 1;
        }
        let all = self.votes.len();
        let needed = if all >= MAJORITY_FROM { all / 2 + 1 } else { QUORUM };
        counts.into_iter().find(|(_, count)| *count >= needed).map(|(told, _)| told)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::peers::table::tests::connection;

    /// Votes of peers, each `second:peer's host:told`; returns what is believed after each.
    fn votes(votes: &[&str]) -> Vec<Option<String>> {
        let mut sightings = Sightings::default();
        let vote = |text: &&str| {
            let [second, host, told] = text.split(' ').collect::<Vec<_>>()[..] else { panic!("three words") };
            let peer = connection(1, &format!("http://{host}:8100"), true);
            let now = Moment::ORIGIN + Duration::from_secs(second.parse().unwrap());
            sightings.note(&peer, told.parse().unwrap(), now).map(|seen| seen.to_string())
        };
        votes.iter().map(vote).collect()
    }

    fn last(all: &[&str]) -> Option<String> {
        votes(all).pop().flatten()
    }

    #[test]
    fn two_agree_or_most_of_three() {
        assert_eq!(last(&["0 8.8.8.1 9.9.9.9"]), None, "one alone");
        assert_eq!(last(&["0 8.8.8.1 9.9.9.9", "1 8.8.8.2 9.9.9.9"]).as_deref(), Some("9.9.9.9"));
        assert_eq!(last(&["0 8.8.8.1 9.9.9.9", "1 8.8.8.2 9.9.9.8"]), None, "half");
        let three = ["0 8.8.8.1 9.9.9.9", "1 8.8.8.2 9.9.9.8", "2 8.8.8.3 9.9.9.9"];
        assert_eq!(last(&three).as_deref(), Some("9.9.9.9"));
        let four = ["0 8.8.8.1 9.9.9.9", "0 8.8.8.2 9.9.9.8", "0 8.8.8.3 9.9.9.8", "0 8.8.8.4 9.9.9.9"];
        assert!(votes(&four)[2].is_some(), "two of three");
        assert_eq!(votes(&four)[3], None, "two of four are half");
    }

    #[test]
    fn one_machine_has_one_vote_whatever_it_calls_itself() {
        assert_eq!(last(&["0 8.8.8.1 9.9.9.9", "1 8.8.8.1 9.9.9.9", "2 [::ffff:8.8.8.1] 9.9.9.9"]), None);
        assert_eq!(last(&["0 a.example 9.9.9.9", "1 b.example 9.9.9.9"]), None);
        assert_eq!(last(&["0 [2a00::1] 9.9.9.9", "1 [2a00::2] 9.9.9.9"]), None, "one network of 64 bits");
    }

    #[test]
    fn neighbours_have_no_vote_and_nobody_moves_us_inside() {
        assert_eq!(last(&["0 192.168.1.2 9.9.9.9", "1 192.168.1.3 9.9.9.9"]), None);
        assert_eq!(last(&["0 8.8.8.1 192.168.1.9", "1 8.8.8.2 192.168.1.9"]), None);
        assert_eq!(last(&["0 8.8.8.1 169.254.169.254", "1 8.8.8.2 169.254.169.254"]), None);
        let mut sightings = Sightings::default();
        for host in ["8.8.8.1", "8.8.8.2"] {
            let unproven = connection(1, &format!("http://{host}"), false);
            assert_eq!(sightings.note(&unproven, "9.9.9.9".parse().unwrap(), Moment::ORIGIN), None);
        }
    }

    #[test]
    fn votes_age_and_the_belief_changes_once_a_minute_at_most() {
        assert_eq!(last(&["0 8.8.8.1 9.9.9.9", "60 8.8.8.2 9.9.9.9"]), None, "a minute apart");
        assert!(last(&["0 8.8.8.1 9.9.9.9", "59 8.8.8.2 9.9.9.9"]).is_some());
        let all = votes(&[
            "0 8.8.8.1 9.9.9.9",
            "0 8.8.8.2 9.9.9.9",
            "10 8.8.8.1 9.9.9.9",
            "11 8.8.8.1 9.9.9.8",
            "12 8.8.8.2 9.9.9.8",
            "60 8.8.8.2 9.9.9.8",
        ]);
        let told: Vec<_> = all.iter().map(|seen| seen.as_deref()).collect();
        assert_eq!(told, [None, Some("9.9.9.9"), None, None, None, Some("9.9.9.8")]);
    }

    #[test]
    fn the_votes_are_bounded() {
        let mut sightings = Sightings::default();
        for number in 0..1000_u32 {
            let host = IpAddr::from((0x0808_0000 + number).to_be_bytes());
            let peer = connection(1, &format!("http://{host}:1"), true);
            sightings.note(&peer, "9.9.9.9".parse().unwrap(), Moment::ORIGIN);
        }
        assert_eq!(sightings.votes.len(), MOST);
    }
}
