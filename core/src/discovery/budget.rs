//! How many datagrams are looked at: a flood costs a bounded share of the processor.

use std::{collections::HashMap, net::Ipv4Addr, time::Duration};

use crate::env::Timestamp;

/// Datagrams taken from the socket in a second; then it rests, and the system drops what does not fit.
pub const RECEIVED: u32 = 500;
/// Datagrams read and verified in a second.
pub const VERIFIED: u32 = 100;
/// Of these, at most this many of one address.
pub const PER_SOURCE: u32 = 30;

const WINDOW: Duration = Duration::from_secs(1);

/// What to do with a datagram that arrived.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Admission {
    /// Read it.
    Read,
    /// Drop it unread.
    Skip,
    /// Drop it, and take none for this long.
    Rest(Duration),
}

/// What was spent in the current second.
#[derive(Debug, Default)]
pub struct Budget {
    since: Timestamp,
    received: u32,
    verified: u32,
    by_source: HashMap<Ipv4Addr, u32>,
}

impl Budget {
    /// Nothing spent.
    pub fn new() -> Self {
        Self::default()
    }

    /// Counts a datagram from `source`.
    pub fn admit(&mut self, source: Ipv4Addr, now: Timestamp) -> Admission {
        if now.distance(self.since) >= WINDOW {
            *self = Self { since: now, ..Self::default() };
        }
        self.received += 1;
        if self.received > RECEIVED {
            return Admission::Rest(WINDOW.saturating_sub(now.since(self.since)));
        }
        let of_source = self.by_source.entry(source).or_default();
        if *of_source >= PER_SOURCE || self.verified >= VERIFIED {
            return Admission::Skip;
        }
        *of_source += 1;
        self.verified += 1;
        Admission::Read
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_seconds(1_795_204_665);

    #[test]
    fn one_source_cannot_spend_the_reading_of_others() {
        let mut budget = Budget::new();
        let (loud, quiet) = (Ipv4Addr::new(10, 0, 0, 1), Ipv4Addr::new(10, 0, 0, 2));
        let read = (0..200).filter(|_| budget.admit(loud, NOW) == Admission::Read).count();
        assert_eq!(read, PER_SOURCE as usize);
        assert_eq!(budget.admit(quiet, NOW), Admission::Read);
    }

    #[test]
    fn a_flood_from_many_sources_ends_in_a_rest_until_the_next_second() {
        let mut budget = Budget::new();
        let half = NOW + Duration::from_millis(500);
        let answers: Vec<_> = (0..600).map(|n| budget.admit(Ipv4Addr::from_bits(n), half)).collect();
        assert_eq!(answers.iter().filter(|answer| **answer == Admission::Read).count(), VERIFIED as usize);
        assert_eq!(answers.last(), Some(&Admission::Rest(WINDOW)));
        assert_eq!(budget.admit(Ipv4Addr::LOCALHOST, half + WINDOW), Admission::Read);
    }
}
