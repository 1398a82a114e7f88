//! Where a lost peer may be, from what others answered to `peer_lookup`.
//!
//! What a peer signed itself counts: the newest record that holds wins outright, whoever brought it. What others merely
//! say, as all of 1.1.1 do, moves nobody. It names at most one place to try: the one that more than half of the weight
//! of the answers stands for. Who listens there must then prove to be the peer (`prove` in the handshake of 9.1 of the
//! protocol), and a ping, which is unsigned, is no proof.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::{
    admission,
    handshake::stored_url,
    location::{self, LocationRecord},
    table::Peers,
    types::{Connection, PeerEvent},
};
use crate::{
    env::Timestamp,
    error::Result,
    identity::AgentId,
    store::Batch,
    wire::{AddressClass, NetworkTier, url},
};

/// The weight of an informant whom we have no impression of (13.5).
const UNKNOWN_WEIGHT: f64 = 0.5;
/// The least weight of an informant (13.5).
const LEAST_WEIGHT: f64 = 0.1;

/// What a peer answered when it was asked where another one is.
#[derive(Clone, Debug, PartialEq)]
pub struct Told {
    /// Its weight.
    weight: f64,
    /// How near to us it is.
    class: AddressClass,
    url: Option<String>,
    record: Option<LocationRecord>,
}

/// What follows from the answers.
#[derive(Clone, Debug, PartialEq)]
pub enum Finding {
    /// The peer said so itself, later than anything we know.
    Signed {
        /// Its words.
        record: LocationRecord,
        /// How near to us whoever brought them is.
        class: AddressClass,
    },
    /// Most say so. To be tried, not to be believed.
    Likely {
        /// Where.
        url: String,
        /// How near to us the furthest of them is.
        class: AddressClass,
    },
    /// Nothing new.
    Nothing,
}

/// What a search is held against.
#[derive(Clone, Copy, Debug)]
pub struct Bounds<'a> {
    /// Our own URL.
    pub own_url: &'a str,
    /// How far we reach.
    pub tier: NetworkTier,
    /// Now.
    pub now: Timestamp,
}

impl Told {
    /// Reads an answer of 200 about `lost`. `class` is how near the informant is, `score` what we think of it.
    pub fn read(
        answer: &Map<String, Value>,
        lost: &AgentId,
        class: AddressClass,
        score: Option<f64>,
    ) -> Option<Self> {
        let about = answer.get("agent_id").and_then(Value::as_str);
        if about.is_some_and(|id| id != lost.to_string()) {
            return None;
        }
        Some(Self {
            weight: score.map_or(UNKNOWN_WEIGHT, |score| score.max(LEAST_WEIGHT)),
            class,
            url: answer.get("url").and_then(Value::as_str).map(stored_url),
            record: LocationRecord::of_lookup(answer),
        })
    }
}

/// Where to go for `lost`.
pub fn conclude(lost: &Connection, told: Vec<Told>, bounds: Bounds<'_>) -> Finding {
    let may_go = |place: &str, class| location::may_be_asked(place, class, bounds.own_url, bounds.tier);
    let signed = told
        .iter()
        .filter_map(|told| {
            let record = told.record.as_ref()?;
            let signed_at = record.check(&lost.agent_id, bounds.now).ok()?;
            let is_news = Some(signed_at) > lost.placed_at() && may_go(&record.new_url, told.class);
            is_news.then_some((signed_at, record, told.class))
        })
        .max_by_key(|(signed_at, ..)| *signed_at);
    if let Some((_, record, class)) = signed {
        return Finding::Signed { record: record.clone(), class };
    }
    let mut votes: BTreeMap<String, (f64, AddressClass)> = BTreeMap::new();
    let mut all = 0.0;
    for Told { weight, class, url, .. } in told {
        let Some(url) = url.filter(|url| may_go(url, class)) else { continue };
        all += weight;
        let (sum, furthest) = votes.entry(url).or_insert((0.0, class));
        *sum += weight;
        if furthest.is_nearer_than(class) {
            *furthest = class;
        }
    }
    let winner = votes.into_iter().find(|(_, (weight, _))| *weight > all / 2.0);
    match winner {
        Some((url, (_, class))) if url::base(&url) != url::base(&lost.url) => Finding::Likely { url, class },
        _ => Finding::Nothing,
    }
}

impl Peers {
    /// Moves `agent` to where it says itself that it is. Nothing when something newer is known by now.
    pub fn on_location(
        &mut self,
        agent: &AgentId,
        record: &LocationRecord,
        class: AddressClass,
        now: Timestamp,
    ) -> Result<(Batch, Vec<PeerEvent>)> {
        let nothing = Ok((Batch::new(), Vec::new()));
        let Some(known) = self.get(agent) else { return nothing };
        let Ok(signed_at) = record.check(agent, now) else { return nothing };
        if Some(signed_at) <= known.placed_at() {
            return nothing;
        }
        let url = record.url();
        let is_elsewhere = url != known.url;
        let rows = self.change(agent, |connection| {
            // A record is the peer's own word, and proves nobody at that address: a neighbour that was bound to the address
            // it came from stays bound (S10).
            let by = connection.told_by.filter(|_| class.is_local());
            connection.move_to(url, admission::Told { by, ..admission::Told::looked_at(class) });
            connection.keep_location(Some(record.clone()), now);
        })?;
        let events = if is_elsewhere {
            self.note_moved(agent);
            vec![PeerEvent::PeerUpdated { agent_id: *agent }]
        } else {
            Vec::new()
        };
        Ok((rows, events))
    }

    /// Moves `agent` to `url`, where it has just proven to be: it answered what we asked there, signed, at `signed_at`.
    pub fn on_proven_place(
        &mut self,
        agent: &AgentId,
        (url, class): (String, AddressClass),
        record: Option<LocationRecord>,
        now: Timestamp,
    ) -> Result<(Batch, Vec<PeerEvent>)> {
        if self.get(agent).is_none_or(|known| known.url == url) {
            return Ok((Batch::new(), Vec::new()));
        }
        let rows = self.change(agent, |connection| {
            connection.move_to(url, admission::Told::looked_at(class));
            connection.keep_location(record, now);
        })?;
        self.note_moved(agent);
        Ok((rows, vec![PeerEvent::PeerUpdated { agent_id: *agent }]))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::json;

    use super::*;
    use crate::{env::SigningTimes, identity::Passport, peers::table::tests::connection, wire::limits};

    const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);
    const OLD: &str = "http://8.8.8.8:1";
    const NEW: &str = "http://8.8.8.8:2";
    const LIE: &str = "http://6.6.6.6:6";
    const BOUNDS: Bounds<'static> =
        Bounds { own_url: "http://9.9.9.9:9", tier: NetworkTier::Global, now: NOW };

    fn lost() -> (Passport, Connection) {
        let passport = Passport::from_seed([7; 32]);
        let known = connection(7, OLD, true);
        (passport.clone(), Connection { agent_id: passport.agent_id(), last_update: Some(NOW), ..known })
    }

    fn record(passport: &Passport, url: &str, seconds: u64) -> Value {
        let at = NOW + Duration::from_secs(seconds);
        json!(LocationRecord::sign(passport, url, &SigningTimes::new(limits::FRESHNESS), at))
    }

    fn says(score: Option<f64>, url: &str, record: Value) -> Told {
        let (passport, _) = lost();
        let answer = json!({
            "agent_id": passport.agent_id(), "url": url, "status": "connected", "location": record,
        });
        Told::read(answer.as_object().unwrap(), &passport.agent_id(), AddressClass::Global, score).unwrap()
    }

    #[test]
    fn the_newest_signed_word_wins_whoever_brings_it_and_however_many_say_otherwise() {
        let (passport, known) = lost();
        let mut told = vec![
            says(Some(-1.0), LIE, record(&passport, NEW, 20)),
            says(Some(1.0), LIE, record(&passport, "http://8.8.8.8:3", 10)),
        ];
        told.extend((0..9).map(|_| says(Some(1.0), LIE, Value::Null)));
        let Finding::Signed { record, .. } = conclude(&known, told, BOUNDS) else { panic!("it is signed") };
        assert_eq!(record.url(), NEW);
    }

    #[test]
    fn a_replayed_forged_or_inward_record_moves_nothing() {
        let (passport, known) = lost();
        let other = Passport::from_seed([8; 32]);
        for bad in [
            record(&passport, NEW, 0),
            record(&other, NEW, 20),
            record(&passport, "http://127.0.0.1:8545", 20),
            record(&passport, "http://192.168.1.1", 20),
            record(&passport, "http://9.9.9.9:9", 20),
            record(&passport, NEW, 400),
            json!("nonsense"),
        ] {
            let told = vec![says(Some(1.0), OLD, bad.clone())];
            assert_eq!(conclude(&known, told, BOUNDS), Finding::Nothing, "{bad}");
        }
    }

    #[test]
    fn what_others_say_is_a_place_to_try_only_when_most_of_the_trust_stands_for_it() {
        let (_, known) = lost();
        let ask = |votes: &[(Option<f64>, &str)]| {
            let told = votes.iter().map(|(score, url)| says(*score, url, Value::Null)).collect();
            match conclude(&known, told, BOUNDS) {
                Finding::Likely { url, .. } => Some(url),
                _ => None,
            }
        };
        let low = (Some(-0.9), LIE);
        assert_eq!(ask(&[(None, NEW)]).as_deref(), Some(NEW));
        assert_eq!(ask(&[(None, NEW), (None, LIE)]), None, "half is not most");
        assert_eq!(ask(&[(Some(0.9), NEW), low, low, low, low]).as_deref(), Some(NEW));
        assert_eq!(ask(&[(None, OLD), low, low]), None, "where we know it to be");
        assert_eq!(ask(&[(None, "http://10.0.0.1:1")]), None, "inside");
        assert_eq!(ask(&[(None, "nonsense"), (Some(0.0), NEW)]).as_deref(), Some(NEW));
        assert_eq!(ask(&[]), None);
    }

    #[test]
    fn an_answer_about_somebody_else_is_none() {
        let (passport, _) = lost();
        let answer = json!({"agent_id": AgentId::from_bytes([1; 32]), "url": NEW});
        let read = Told::read(answer.as_object().unwrap(), &passport.agent_id(), AddressClass::Global, None);
        assert_eq!(read, None);
    }

    #[test]
    fn a_signed_word_moves_a_peer_forward_in_time_only() {
        let (passport, known) = lost();
        let id = known.agent_id;
        let mut peers = Peers::default();
        peers.connect(known).unwrap();
        let mut tell = |url: &str, seconds| {
            let record = LocationRecord::read(&record(&passport, url, seconds)).unwrap();
            let (rows, events) = peers.on_location(&id, &record, AddressClass::Global, NOW).unwrap();
            assert_eq!(rows.is_empty(), events.is_empty() && peers.get(&id).unwrap().url != url);
            (peers.get(&id).unwrap().url.clone(), events.len())
        };
        assert_eq!(tell(NEW, 20), (NEW.to_owned(), 1));
        assert_eq!(tell(LIE, 19), (NEW.to_owned(), 0));
        assert_eq!(tell(NEW, 21), (NEW.to_owned(), 0));
        assert_eq!(tell(OLD, 22), (OLD.to_owned(), 1), "it went back, and said so");
    }

    #[test]
    fn a_neighbour_that_a_record_moves_stays_bound_to_the_address_that_told_of_it() {
        const NEAR: &str = "http://192.168.1.9:1";
        let teller = Some(std::net::IpAddr::from([192, 168, 1, 7]));
        for (class, bound) in [(AddressClass::Private, teller), (AddressClass::Global, None)] {
            let (passport, known) = lost();
            let id = known.agent_id;
            let neighbour =
                Connection { url: NEAR.into(), told_from: AddressClass::Private, told_by: teller, ..known };
            let mut peers = Peers::default();
            peers.connect(neighbour).unwrap();
            let record = LocationRecord::read(&record(&passport, "http://192.168.1.9:2", 20)).unwrap();
            peers.on_location(&id, &record, class, NOW).unwrap();
            let moved = peers.get(&id).unwrap();
            assert_eq!((moved.url.as_str(), moved.told_by), ("http://192.168.1.9:2", bound), "{class:?}");
        }
    }
}
