//! Who was seen lately, and which of two reports about one agent holds.
//!
//! Ids are free and a scan proves nothing, so the table is bounded, per host and in total, and a proven
//! report is never displaced by a claim.

use std::{collections::BTreeMap, time::Duration};

use crate::{env::Timestamp, identity::AgentId};

use super::Discovered;

/// How long an agent stays listed after it was last seen: three beacons of 1.1.1.
pub const LIFETIME: Duration = Duration::from_secs(90);
/// Most agents listed.
pub const CAPACITY: usize = 512;
/// Most agents listed of one host.
pub const PER_HOST: usize = 64;

/// What a report changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// The agent was not listed.
    New,
    /// It is now listed with another URL, or was unproven before.
    Moved,
    /// It is where it was.
    Confirmed,
    /// The report counts less than what is known, or there is no room.
    Ignored,
}

#[derive(Clone, Debug)]
struct Sighting {
    found: Discovered,
    /// When the agent signed the beacon, for proven ones.
    signed_ts: Option<i64>,
}

/// The agents seen in the last [`LIFETIME`].
#[derive(Clone, Debug, Default)]
pub struct Sightings {
    by_id: BTreeMap<AgentId, Sighting>,
}

impl Sightings {
    /// Nobody seen.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes a signed beacon, made at `ts` by the agent's clock.
    ///
    /// Only a newer beacon than the last counts: the address is not signed, so a copy that another host
    /// sends again must not move the agent there. Copies that arrive over several interfaces end here too.
    pub fn beacon(&mut self, found: Discovered, ts: i64) -> Change {
        let now = found.seen_at;
        match self.fresh(&found.agent_id, now) {
            Some(known) if known.signed_ts.is_some_and(|last| ts <= last) => Change::Ignored,
            _ => self.keep(Discovered { signed: true, ..found }, Some(ts), now),
        }
    }

    /// Takes a scan result. It is ignored while a beacon of the agent is fresh, and while another claim
    /// names another URL: the first one to claim an id keeps it until it is gone.
    pub fn claim(&mut self, found: Discovered) -> Change {
        let now = found.seen_at;
        match self.fresh(&found.agent_id, now) {
            Some(known) if known.found.signed || known.found.url != found.url => Change::Ignored,
            _ => self.keep(Discovered { signed: false, ..found }, None, now),
        }
    }

    /// Forgets who was not seen for [`LIFETIME`]; returns who that was.
    pub fn expire(&mut self, now: Timestamp) -> Vec<AgentId> {
        let gone: Vec<_> =
            self.by_id.iter().filter(|(_, known)| !is_fresh(known, now)).map(|(id, _)| *id).collect();
        for id in &gone {
            self.by_id.remove(id);
        }
        gone
    }

    /// Where an agent was seen, if lately.
    pub fn get(&self, id: &AgentId, now: Timestamp) -> Option<&Discovered> {
        self.fresh(id, now).map(|known| &known.found)
    }

    /// Everybody seen lately, in the order of ids.
    pub fn list(&self, now: Timestamp) -> impl Iterator<Item = &Discovered> {
        self.by_id.values().filter(move |known| is_fresh(known, now)).map(|known| &known.found)
    }

    fn fresh(&self, id: &AgentId, now: Timestamp) -> Option<&Sighting> {
        self.by_id.get(id).filter(|known| is_fresh(known, now))
    }

    fn keep(&mut self, found: Discovered, signed_ts: Option<i64>, now: Timestamp) -> Change {
        let change = match self.fresh(&found.agent_id, now) {
            None => Change::New,
            Some(known) if known.found.url == found.url && known.found.signed == found.signed => {
                Change::Confirmed
            }
            Some(_) => Change::Moved,
        };
        if change == Change::New && !self.make_room(&found, now) {
            return Change::Ignored;
        }
        self.by_id.insert(found.agent_id, Sighting { found, signed_ts });
        change
    }

    /// Whether there is room for one more. A beacon may push out a claim; nothing pushes out a beacon.
    fn make_room(&mut self, found: &Discovered, now: Timestamp) -> bool {
        self.expire(now);
        let host = host(&found.url);
        let of_host = self.by_id.values().filter(|known| self::host(&known.found.url) == host).count();
        if self.by_id.len() < CAPACITY && of_host < PER_HOST {
            return true;
        }
        let crowded = of_host >= PER_HOST;
        let claims = self.by_id.values().filter(|known| {
            found.signed && !known.found.signed && (!crowded || self::host(&known.found.url) == host)
        });
        let oldest = claims.min_by_key(|known| known.found.seen_at).map(|known| known.found.agent_id);
        oldest.is_some_and(|id| self.by_id.remove(&id).is_some())
    }
}

fn is_fresh(known: &Sighting, now: Timestamp) -> bool {
    now.distance(known.found.seen_at) <= LIFETIME
}

/// The host part of a base URL made by discovery: an address between `//` and the last colon.
fn host(url: &str) -> &str {
    let authority = url.split_once("//").map_or(url, |(_, rest)| rest);
    let authority = authority.split_once('/').map_or(authority, |(authority, _)| authority);
    authority.rsplit_once(':').map_or(authority, |(host, _)| host)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::discovery::FoundBy;

    const NOW: Timestamp = Timestamp::from_seconds(1_795_204_665);

    fn found(id: u16, url: &str) -> Discovered {
        let mut bytes = [0; 32];
        bytes[..2].copy_from_slice(&id.to_be_bytes());
        Discovered {
            agent_id: AgentId::from_bytes(bytes),
            url: url.into(),
            display_name: String::new(),
            bio: String::new(),
            accepting: true,
            source: FoundBy::Lan,
            signed: false,
            seen_at: NOW,
        }
    }

    fn later(found: Discovered, seconds: u64) -> Discovered {
        Discovered { seen_at: NOW + Duration::from_secs(seconds), ..found }
    }

    #[test]
    fn a_claim_never_moves_an_agent_that_proved_where_it_is() {
        let mut seen = Sightings::new();
        assert_eq!(seen.beacon(found(1, "http://192.168.1.5:8100"), 10), Change::New);
        assert_eq!(seen.claim(found(1, "http://192.168.1.66:8100")), Change::Ignored);
        let known = seen.get(&found(1, "").agent_id, NOW).unwrap();
        assert_eq!((known.url.as_str(), known.signed), ("http://192.168.1.5:8100", true));
    }

    #[test]
    fn a_claim_keeps_its_id_until_it_is_proven_or_gone() {
        let mut seen = Sightings::new();
        assert_eq!(seen.claim(found(1, "http://192.168.1.66:8100")), Change::New);
        assert_eq!(seen.claim(found(1, "http://192.168.1.7:8100")), Change::Ignored);
        assert_eq!(seen.claim(later(found(1, "http://192.168.1.66:8100"), 60)), Change::Confirmed);
        assert_eq!(seen.beacon(later(found(1, "http://192.168.1.5:8100"), 61), 10), Change::Moved);
        assert_eq!(seen.claim(later(found(1, "http://192.168.1.7:8100"), 61 + 91)), Change::New);
    }

    #[test]
    fn a_repeated_beacon_from_another_host_moves_nobody() {
        let mut seen = Sightings::new();
        seen.beacon(found(1, "http://192.168.1.5:8100"), 10);
        assert_eq!(seen.beacon(found(1, "http://192.168.1.66:8100"), 10), Change::Ignored);
        assert_eq!(seen.beacon(found(1, "http://192.168.1.66:8100"), 9), Change::Ignored);
        assert_eq!(seen.beacon(found(1, "http://192.168.1.6:8100"), 40), Change::Moved);
    }

    #[test]
    fn an_agent_is_gone_ninety_seconds_after_it_was_last_seen() {
        let mut seen = Sightings::new();
        seen.beacon(found(1, "http://192.168.1.5:8100"), 10);
        seen.beacon(later(found(1, "http://192.168.1.5:8100"), 30), 40);
        let id = found(1, "").agent_id;
        assert!(seen.get(&id, NOW + Duration::from_secs(120)).is_some());
        let after = NOW + Duration::from_secs(121);
        assert!(seen.get(&id, after).is_none());
        assert_eq!(seen.list(after).count(), 0);
        assert_eq!(seen.expire(after), [id]);
    }

    #[test]
    fn one_host_cannot_fill_the_table_and_claims_make_room_for_beacons() {
        let mut seen = Sightings::new();
        for id in 0..200 {
            seen.claim(found(id, &format!("http://192.168.1.66:{}", 1024 + id)));
        }
        assert_eq!(seen.list(NOW).count(), PER_HOST);
        for id in 2000..2600 {
            seen.claim(found(id, &format!("http://10.0.{}.{}:8100", id / 256, id % 256)));
        }
        assert_eq!(seen.list(NOW).count(), CAPACITY);
        assert_eq!(seen.beacon(found(5000, "http://192.168.1.9:8100"), 1), Change::New);
        assert_eq!(seen.claim(found(5001, "http://192.168.1.9:8101")), Change::Ignored);
        assert_eq!(seen.list(NOW).count(), CAPACITY);
    }

    #[test]
    fn a_full_table_of_beacons_keeps_them() {
        let mut seen = Sightings::new();
        for id in 0..600 {
            seen.beacon(found(id, &format!("http://10.0.{}.{}:8100", id / 256, id % 256)), 1);
        }
        assert_eq!(seen.list(NOW).count(), CAPACITY);
        assert_eq!(seen.beacon(found(3000, "http://192.168.1.9:8100"), 1), Change::Ignored);
    }
}
