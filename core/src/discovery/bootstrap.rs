//! When to ask which bootstrap peer for a connection.
//!
//! The first pass comes five seconds after the start, then each peer has its own pace: every minute, and
//! twice as long after each failure up to five minutes. A little randomness keeps many nodes that lost the
//! same peer from returning at the same moment.

use std::time::Duration;

use crate::env::Moment;

/// How long after the start the first peers are due.
pub const FIRST: Duration = Duration::from_secs(5);
/// The pace without failures.
pub const INTERVAL: Duration = Duration::from_secs(60);
/// The slowest pace, before jitter.
pub const SLOWEST: Duration = Duration::from_secs(300);
/// Most peers that are kept.
pub const PEERS: usize = 64;

#[derive(Clone, Debug)]
struct Peer {
    base: String,
    due: Moment,
    pace: Duration,
}

/// The schedule of all bootstrap peers.
#[derive(Clone, Debug, Default)]
pub struct Bootstrap {
    peers: Vec<Peer>,
}

impl Bootstrap {
    /// A schedule for the peers at these base URLs. Slashes at the end and repetitions do not count.
    pub fn new(bases: &[String], now: Moment) -> Self {
        let mut peers: Vec<Peer> = Vec::new();
        for base in bases.iter().map(|base| base.trim_end_matches('/')) {
            if !base.is_empty() && peers.len() < PEERS && peers.iter().all(|peer| peer.base != base) {
                peers.push(Peer { base: base.to_owned(), due: now + FIRST, pace: INTERVAL });
            }
        }
        Self { peers }
    }

    /// The peers to ask now, except those that `connected` names. Each is scheduled again at its pace, so
    /// one whose result is never reported is asked again later.
    pub fn take_due(
        &mut self,
        now: Moment,
        connected: impl Fn(&str) -> bool,
        mut random: impl FnMut() -> u64,
    ) -> Vec<String> {
        let mut due = Vec::new();
        for peer in self.peers.iter_mut().filter(|peer| peer.due <= now) {
            if connected(&peer.base) {
                peer.pace = INTERVAL;
            } else {
                due.push(peer.base.clone());
            }
            peer.due = now + jittered(peer.pace, random());
        }
        due
    }

    /// Notes that a peer accepted, or that it did not (it failed, refused or will decide later).
    pub fn result(&mut self, base: &str, accepted: bool, now: Moment, random: u64) {
        let base = base.trim_end_matches('/');
        if let Some(peer) = self.peers.iter_mut().find(|peer| peer.base == base) {
            peer.pace = if accepted { INTERVAL } else { (peer.pace * 2).min(SLOWEST) };
            peer.due = now + jittered(peer.pace, random);
        }
    }

    /// How long until a peer is due; none when there are no peers.
    pub fn wait(&self, now: Moment) -> Option<Duration> {
        self.peers.iter().map(|peer| peer.due.since(now)).min()
    }
}

/// `pace`, up to a tenth longer.
fn jittered(pace: Duration, random: u64) -> Duration {
    let tenth = u64::try_from(pace.as_millis()).unwrap_or(u64::MAX) / 10;
    pace + Duration::from_millis(random % (tenth + 1))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const START: Moment = Moment::ORIGIN;

    fn schedule(bases: &[&str]) -> Bootstrap {
        Bootstrap::new(&bases.iter().map(|base| (*base).to_owned()).collect::<Vec<_>>(), START)
    }

    fn due(schedule: &mut Bootstrap, now: Moment) -> Vec<String> {
        schedule.take_due(now, |_| false, || 0)
    }

    #[test]
    fn the_first_pass_comes_after_five_seconds_and_each_peer_once() {
        let mut schedule = schedule(&["https://a", "https://b/", "https://b", ""]);
        assert!(due(&mut schedule, START).is_empty());
        assert_eq!(schedule.wait(START), Some(FIRST));
        assert_eq!(due(&mut schedule, START + FIRST), ["https://a", "https://b"]);
        assert!(due(&mut schedule, START + FIRST).is_empty());
    }

    #[test]
    fn failures_double_the_pace_up_to_five_minutes_and_success_resets_it() {
        let mut schedule = schedule(&["https://a"]);
        let mut now = START + FIRST;
        let mut waits = vec![];
        for _ in 0..5 {
            assert_eq!(due(&mut schedule, now), ["https://a"]);
            schedule.result("https://a/", false, now, 0);
            let wait = schedule.wait(now).unwrap();
            waits.push(wait.as_secs());
            now = now + wait;
        }
        assert_eq!(waits, [120, 240, 300, 300, 300]);
        schedule.result("https://a", true, now, 0);
        assert_eq!(schedule.wait(now), Some(INTERVAL));
    }

    #[test]
    fn a_connected_peer_is_not_asked() {
        let mut schedule = schedule(&["https://a", "https://b"]);
        let now = START + FIRST;
        assert_eq!(schedule.take_due(now, |base| base == "https://a", || 0), ["https://b"]);
    }

    #[test]
    fn no_peers_means_nothing_to_wait_for() {
        assert_eq!(schedule(&[]).wait(START), None);
    }

    proptest! {
        #[test]
        fn jitter_adds_at_most_a_tenth(random in any::<u64>(), seconds in 0u64..=300) {
            let pace = Duration::from_secs(seconds);
            let wait = jittered(pace, random);
            prop_assert!(wait >= pace && wait <= pace + pace / 10);
        }
    }
}
