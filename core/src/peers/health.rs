//! How peers behaved lately, and what follows from it: when to ping, when to look for one that is lost.
//!
//! ```text
//! healthy ──2 failures──► failing ──9 failures──► dormant
//!    ▲  pinged each interval   ever more rarely       every 5 minutes
//!    │                         looked for             looked for every 30 minutes
//!    └───────────── any answer, any signed word about where it is ─────────
//! ```
//!
//! Nothing here is stored: a restart asks afresh.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{table::Peers, types::Connection};
use crate::{
    env::{Moment, Now, Random, Timestamp},
    identity::AgentId,
    wire::frame::Lookup,
};

/// From so many failures in a row on a peer counts as gone, and is looked for. One may be chance.
const UNREACHABLE_AFTER: u32 = 2;
/// From so many failures in a row on a peer is dormant, as in 1.1.1.
const DORMANT_AFTER: u32 = 9;
/// How soon a peer is tried again after the first failure.
const SECOND_TRY: Duration = Duration::from_secs(1);
/// The longest wait between pings of a peer that fails.
const LONGEST_PING_WAIT: Duration = Duration::from_secs(100);
/// Between pings of a dormant peer: well within the hour for which a request waits, so that whoever was accepted while it
/// was away hears of it.
const DORMANT_PING_WAIT: Duration = Duration::from_secs(300);
/// Failures closer together count once: many messages that fail at the same moment are one observation.
const APART: Duration = Duration::from_secs(1);

/// The first search begins within this time, so that the peers of a lost one do not all ask at once.
const SEARCH_JITTER: Duration = Duration::from_secs(2);
/// Between the first two searches for a peer; then twice as long each time.
const SEARCH_WAIT: Duration = Duration::from_secs(20);
/// The longest wait between searches for a peer that fails.
const LONGEST_SEARCH_WAIT: Duration = Duration::from_secs(600);
/// Between searches for a dormant peer.
const DORMANT_SEARCH_WAIT: Duration = Duration::from_secs(1800);
/// However often a peer that we cannot reach shows itself, it is pinged no sooner than this after the last time.
const SOONEST_PING: Duration = Duration::from_secs(10);

/// How well a peer can be reached.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PeerHealth {
    /// It answers, or failed once, or was not tried yet.
    #[default]
    Healthy,
    /// Two attempts in a row failed: it is pinged ever more rarely and looked for. What waits for it is tried on its own.
    Failing,
    /// Nine attempts in a row failed: it is pinged and looked for rarely. What waits for it goes on waiting.
    Dormant,
}

/// How a peer behaved when we last tried to reach it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Health {
    /// Failed attempts in a row.
    pub failures: u32,
    /// When to try the next ping.
    pub next_ping: Option<Moment>,
    /// Whether our newest address, name and bio did not arrive there.
    pub is_untold: bool,
    /// When it last answered.
    pub last_heard: Option<Timestamp>,
    last_ping: Option<Moment>,
    last_failure: Option<Moment>,
    /// Searches since it was last reached.
    searches: u32,
    next_search: Option<Moment>,
    last_search: Option<Moment>,
}

impl Health {
    /// One failure may be chance; from the second in a row on the peer counts as gone.
    pub fn is_unreachable(self) -> bool {
        self.failures >= UNREACHABLE_AFTER
    }

    /// Whether it is gone and was looked for at least once.
    pub fn was_looked_for(self) -> bool {
        self.is_unreachable() && self.searches > 0
    }

    /// How far the question where it is goes: to our peers at first, to their peers when that did not help, and so on.
    pub fn ring(self) -> u8 {
        u8::try_from(self.searches.saturating_sub(1)).unwrap_or(u8::MAX).min(Lookup::MOST_HOPS)
    }

    /// The word for it.
    pub fn word(self) -> PeerHealth {
        match self.failures {
            DORMANT_AFTER.. => PeerHealth::Dormant,
            UNREACHABLE_AFTER.. => PeerHealth::Failing,
            _ => PeerHealth::Healthy,
        }
    }

    /// How long to wait between two pings, when a healthy peer is pinged every `interval`.
    fn ping_wait(self, interval: Duration) -> Duration {
        match self.failures {
            0 => interval,
            1 => SECOND_TRY.min(interval),
            DORMANT_AFTER.. => DORMANT_PING_WAIT.max(interval),
            failures => {
                let doubled = interval.saturating_mul(1 << (failures - UNREACHABLE_AFTER).min(8));
                doubled.min(LONGEST_PING_WAIT.max(interval))
            }
        }
    }

    fn search_wait(self) -> Duration {
        if self.word() == PeerHealth::Dormant {
            return DORMANT_SEARCH_WAIT;
        }
        SEARCH_WAIT.saturating_mul(1 << self.searches.min(8)).min(LONGEST_SEARCH_WAIT)
    }
}

/// `span`, less up to a tenth of it.
fn jittered(span: Duration, random: &dyn Random) -> Duration {
    span.saturating_sub(Duration::from_millis(random.below(1 + span.as_millis() as u64 / 10)))
}

impl Peers {
    /// How `agent` behaved lately.
    pub fn health(&self, agent: &AgentId) -> Health {
        self.health.get(agent).copied().unwrap_or_default()
    }

    /// Notes that `agent` answered, or did not. True when its reachability changed.
    pub fn note_reached(&mut self, agent: &AgentId, reached: bool, now: Now) -> bool {
        if !self.connections.contains_key(agent) {
            return false;
        }
        let health = self.health.entry(*agent).or_default();
        let before = health.is_unreachable();
        if reached {
            (health.failures, health.searches, health.next_search) = (0, 0, None);
            (health.last_failure, health.last_heard) = (None, Some(now.wall));
        } else if health.last_failure.is_none_or(|last| now.steady.since(last) >= APART) {
            health.failures = health.failures.saturating_add(1);
            health.last_failure = Some(now.steady);
            if health.failures < UNREACHABLE_AFTER {
                let soon = now.steady + SECOND_TRY;
                health.next_ping = health.next_ping.map(|at| at.min(soon));
            }
        }
        before != health.is_unreachable()
    }

    /// Notes that `agent` said something that it signed, which its connection knows the time of. True when its
    /// reachability changed.
    pub fn note_shown(&mut self, agent: &AgentId, now: Now) -> bool {
        let last_heard = self.health(agent).last_heard;
        let changed = self.note_reached(agent, true, now);
        if let Some(health) = self.health.get_mut(agent) {
            health.last_heard = last_heard;
        }
        changed
    }

    /// `agent`, which we cannot reach, showed itself: it is pinged and looked for soon. True when that is news.
    pub fn stir(&mut self, agent: &AgentId, now: Moment) -> bool {
        let Some(health) = self.health.get_mut(agent).filter(|health| health.failures > 0) else {
            return false;
        };
        let soonest =
            |last: Option<Moment>, apart: Duration| last.map_or(now, |last| (last + apart).max(now));
        let ping = soonest(health.last_ping, SOONEST_PING);
        let search = soonest(health.last_search, SEARCH_WAIT);
        let is_news = health.next_ping.is_none_or(|at| ping < at);
        health.next_ping = Some(health.next_ping.map_or(ping, |at| at.min(ping)));
        health.next_search = health.next_search.map(|at| at.min(search));
        is_news
    }

    /// The peers to ping now, and when the next one is due. A healthy one is pinged every `interval`.
    pub fn pings_due(
        &mut self,
        now: Moment,
        interval: Duration,
        random: &dyn Random,
    ) -> (Vec<Connection>, Option<Moment>) {
        let (mut due, mut next) = (Vec::new(), None);
        for (agent, connection) in &self.connections {
            let health = self.health.entry(*agent).or_default();
            // The first ping of a peer comes at a random moment, so that a restart does not ping everybody at once.
            let planned = health
                .next_ping
                .unwrap_or_else(|| now + Duration::from_millis(random.below(interval.as_millis() as u64)));
            let at = if planned <= now {
                due.push(connection.clone());
                health.last_ping = Some(now);
                now + jittered(health.ping_wait(interval), random)
            } else {
                planned
            };
            health.next_ping = Some(at);
            next = Some(next.map_or(at, |earliest: Moment| earliest.min(at)));
        }
        (due, next)
    }

    /// At most `most` lost peers to look for now, and when the next one is due.
    pub fn searches_due(
        &mut self,
        now: Moment,
        most: usize,
        random: &dyn Random,
    ) -> (Vec<AgentId>, Option<Moment>) {
        let (mut due, mut next) = (Vec::new(), None);
        for agent in self.connections.keys() {
            let Some(health) = self.health.get_mut(agent).filter(|health| health.is_unreachable()) else {
                continue;
            };
            let planned = *health.next_search.get_or_insert_with(|| {
                now + Duration::from_millis(random.below(SEARCH_JITTER.as_millis() as u64))
            });
            let at = if planned <= now && due.len() < most {
                due.push(*agent);
                let wait = jittered(health.search_wait(), random);
                (health.searches, health.last_search) = (health.searches.saturating_add(1), Some(now));
                health.next_search = Some(now + wait);
                now + wait
            } else {
                planned.max(now + APART)
            };
            next = Some(next.map_or(at, |earliest: Moment| earliest.min(at)));
        }
        (due, next)
    }

    /// Notes whether `agent` took our newest update.
    pub fn note_told(&mut self, agent: &AgentId, told: bool) {
        if self.connections.contains_key(agent) {
            self.health.entry(*agent).or_default().is_untold = !told;
        }
    }

    /// The connection of `agent` if it still has to be told; whoever takes it tells it.
    pub fn take_untold(&mut self, agent: &AgentId) -> Option<Connection> {
        let health = self.health.get_mut(agent)?;
        std::mem::take(&mut health.is_untold).then(|| self.connections.get(agent).cloned()).flatten()
    }

    /// `agent` is somewhere else now: it is pinged at once, and hears from us what it may have missed.
    pub(super) fn note_moved(&mut self, agent: &AgentId) {
        if let Some(health) = self.health.get_mut(agent) {
            (health.next_ping, health.is_untold) = (Some(Moment::PAST), true);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{env::SeededRandom, peers::table::tests::connection};

    const INTERVAL: Duration = Duration::from_secs(20);

    fn at(seconds: u64) -> Now {
        let span = Duration::from_secs(seconds);
        Now { wall: Timestamp::from_seconds(1_800_000_000) + span, steady: Moment::ORIGIN + span }
    }

    fn one() -> (Peers, AgentId, SeededRandom) {
        let mut peers = Peers::default();
        let connection = connection(1, "http://8.8.8.8:8100", true);
        let agent = connection.agent_id;
        peers.connect(connection).unwrap();
        (peers, agent, SeededRandom::new(1))
    }

    /// The seconds at which a peer that answers from `answers_from` on is pinged, and looked for.
    fn life(seconds: u64, answers_from: u64) -> (Vec<u64>, Vec<u64>, Peers) {
        let (mut peers, agent, random) = one();
        let (mut pings, mut searches) = (Vec::new(), Vec::new());
        for second in 0..seconds {
            let now = at(second);
            if !peers.pings_due(now.steady, INTERVAL, &random).0.is_empty() {
                pings.push(second);
                peers.note_reached(&agent, second >= answers_from, now);
            }
            if !peers.searches_due(now.steady, 4, &random).0.is_empty() {
                searches.push(second);
            }
        }
        (pings, searches, peers)
    }

    #[test]
    fn an_idle_peer_is_pinged_less_than_once_in_ten_seconds_and_never_looked_for() {
        let (pings, searches, peers) = life(36_000, 0);
        assert!((1_750..2_100).contains(&pings.len()), "{}", pings.len());
        assert!(pings.windows(2).all(|pair| pair[1] - pair[0] <= 21));
        assert!(searches.is_empty());
        assert_eq!(peers.health(&AgentId::from_bytes([1; 32])).word(), PeerHealth::Healthy);
    }

    #[test]
    fn a_lost_peer_is_tried_again_at_once_then_rarely_and_when_dormant_hardly_ever() {
        let (pings, searches, peers) = life(86_400, u64::MAX);
        assert!(pings[1] - pings[0] <= 3, "the second try comes at once: {pings:?}");
        assert!(searches[0] <= pings[1] + 3, "then it is looked for");
        assert_eq!(peers.health(&AgentId::from_bytes([1; 32])).word(), PeerHealth::Dormant);
        assert!(pings[8] > 400, "it takes a while until it is given up: {pings:?}");
        assert!(pings[9..].windows(2).all(|pair| (269..=301).contains(&(pair[1] - pair[0]))), "{pings:?}");
        let late = searches.iter().filter(|at| **at > 7_200).count();
        assert!((40..=50).contains(&late), "twice an hour: {late}");
        assert!(searches.windows(2).all(|pair| pair[1] - pair[0] >= 17), "{searches:?}");
    }

    #[test]
    fn it_wakes_when_it_answers_and_is_then_pinged_as_before() {
        let (pings, _, mut peers) = life(86_400, 80_000);
        let agent = AgentId::from_bytes([1; 32]);
        assert_eq!(peers.health(&agent).word(), PeerHealth::Healthy);
        assert!(pings.iter().filter(|at| **at > 80_400).count() > 150);
        assert!(!peers.note_reached(&agent, false, at(90_000)));
        assert!(peers.note_reached(&agent, false, at(90_002)));
        assert!(peers.note_reached(&agent, true, at(90_003)));
        assert_eq!(peers.health(&agent).last_heard, Some(at(90_003).wall));
    }

    #[test]
    fn attempts_that_fail_at_the_same_moment_count_once() {
        let (mut peers, agent, _) = one();
        for _ in 0..100 {
            peers.note_reached(&agent, false, at(5));
        }
        assert_eq!(peers.health(&agent).failures, 1);
    }

    #[test]
    fn whoever_shows_itself_is_pinged_soon_and_not_more_often_for_showing_itself_a_lot() {
        let (_, _, mut peers) = life(50_000, u64::MAX);
        let (agent, random) = (AgentId::from_bytes([1; 32]), SeededRandom::new(2));
        let mut pings = 0;
        for second in 50_000..50_100 {
            peers.stir(&agent, at(second).steady);
            pings += peers.pings_due(at(second).steady, INTERVAL, &random).0.len();
            peers.note_reached(&agent, false, at(second));
        }
        assert!((9..=11).contains(&pings), "{pings}");
        peers.note_reached(&agent, true, at(50_100));
        assert!(!peers.stir(&agent, at(50_101).steady), "it is reachable: nothing to do");
    }

    #[test]
    fn no_more_peers_are_looked_for_at_once_than_asked() {
        let (mut peers, random) = (Peers::default(), SeededRandom::new(3));
        for seed in 0..20 {
            let connection = connection(seed, "http://8.8.8.8:8100", true);
            let agent = connection.agent_id;
            peers.connect(connection).unwrap();
            peers.note_reached(&agent, false, at(0));
            peers.note_reached(&agent, false, at(2));
        }
        let mut found = std::collections::BTreeSet::new();
        for second in 2..12 {
            let due = peers.searches_due(at(second).steady, 4, &random).0;
            assert!(due.len() <= 4);
            found.extend(due);
        }
        assert_eq!(found.len(), 20);
    }
}
