//! Location records: where an agent says that it is, in words that anybody can check.
//!
//! The signature of 1.1.1 on a `peer_update` covers id, URL and time and names no recipient, so whoever received the
//! update can pass these four members on, and whoever gets them can check them without trusting the bearer. A record can
//! be old, and it can name a place that we must not be sent to; this file decides both.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{admission, handshake::stored_url, types::Connection};
use crate::{
    env::{SigningTimes, Timestamp},
    identity::{AgentId, Passport, Signature},
    wire::{
        AddressClass, NetworkTier, canonical,
        frame::{HandshakeSignature, PeerUpdate},
        limits, time,
        url::{self, Host},
    },
};

/// The oldest record that is believed: 30 days. A node of ours signs a new one every day.
pub(crate) const OLDEST: Duration = Duration::from_secs(30 * 86_400);
/// The member of a handshake object and of a lookup's answer that holds a record.
pub(crate) const MEMBER: &str = "location";

/// A signed place. In JSON its members have the names that they have in a `peer_update`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LocationRecord {
    /// Who.
    pub agent_id: AgentId,
    /// Where: the URL as it was signed.
    pub new_url: String,
    /// When, by the clock of the agent, as it was signed.
    pub timestamp: String,
    /// Of the agent, over the three.
    pub signature: Signature,
}

/// Why a record is not believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flaw {
    /// It is about somebody else.
    OtherAgent,
    /// The URL is none of a peer.
    Url,
    /// The time cannot be read.
    Time,
    /// Signed more than 30 days ago.
    TooOld,
    /// Signed more than 300 s ahead of our clock.
    FromTheFuture,
    /// The agent did not sign it.
    Signature,
}

impl LocationRecord {
    /// Our own record.
    pub fn sign(passport: &Passport, url: &str, times: &SigningTimes, now: Timestamp) -> Self {
        let (agent_id, timestamp) = (passport.agent_id(), times.next(now).to_wire());
        let signature = passport.sign(&canonical::peer_update(&agent_id, url, &timestamp));
        Self { agent_id, new_url: url.to_owned(), timestamp, signature }
    }

    /// The record in an update. One of ours may lack 1.1.1's signature; then there is none.
    pub fn of_update(update: &PeerUpdate) -> Option<Self> {
        Some(Self {
            agent_id: update.from,
            new_url: update.new_url.clone(),
            timestamp: update.timestamp.clone(),
            signature: update.signature?,
        })
    }

    /// The record in a handshake object.
    pub(crate) fn of_handshake(signed: Option<&HandshakeSignature>) -> Option<Self> {
        Self::read(signed?.object.get(MEMBER)?)
    }

    /// The record in the answer to a lookup.
    pub(crate) fn of_lookup(answer: &Map<String, Value>) -> Option<Self> {
        Self::read(answer.get(MEMBER)?)
    }

    /// Reads what somebody gave us; nothing when it is no record.
    pub fn read(value: &Value) -> Option<Self> {
        let object: &Map<String, Value> = value.as_object()?;
        let text = |name: &str, most: usize| {
            object.get(name).and_then(Value::as_str).filter(|text| text.len() <= most)
        };
        Some(Self {
            agent_id: text("agent_id", limits::AGENT_ID_CHARS)?.parse().ok()?,
            new_url: text("new_url", limits::URL_CHARS)?.to_owned(),
            timestamp: text("timestamp", 64)?.to_owned(),
            signature: Signature::parse_lenient(text("signature", 512)?)?,
        })
    }

    /// When it was signed, by the clock of the agent.
    pub fn signed_at(&self) -> Option<Timestamp> {
        time::parse(&self.timestamp)
    }

    /// The URL to keep.
    pub fn url(&self) -> String {
        stored_url(&self.new_url)
    }

    /// Whether `agent` said this, and not too long ago; returns when.
    ///
    /// # Errors
    ///
    /// The first [`Flaw`].
    pub fn check(&self, agent: &AgentId, now: Timestamp) -> Result<Timestamp, Flaw> {
        if self.agent_id != *agent {
            return Err(Flaw::OtherAgent);
        }
        // A line feed would let one signature stand for two readings (S13); no URL has one.
        if url::parse_any(&self.new_url).is_err() {
            return Err(Flaw::Url);
        }
        let signed_at = self.signed_at().ok_or(Flaw::Time)?;
        if signed_at > now + limits::FRESHNESS {
            return Err(Flaw::FromTheFuture);
        }
        if signed_at + OLDEST < now {
            return Err(Flaw::TooOld);
        }
        let bytes = canonical::peer_update(agent, &self.new_url, &self.timestamp);
        if agent.verify(&bytes, &self.signature) { Ok(signed_at) } else { Err(Flaw::Signature) }
    }
}

/// Whether a place that was told from an address of class `from` may be ours to ask at: it is not ourselves, within the
/// network tier, and no nearer to us than whoever told it (S10).
pub(crate) fn may_be_asked(place: &str, from: AddressClass, own_url: &str, tier: NetworkTier) -> bool {
    let Ok(parsed) = url::parse_any(place) else { return false };
    let base = url::normal(parsed.base());
    let is_us = base == url::normal(url::base(own_url)) && parsed.scope().is_none();
    let class = admission::url_class(&base);
    // What a name stands for the transport finds out, and keeps within the tier.
    let is_name = matches!(parsed.host(), Host::Name(_));
    !is_us && (is_name || tier.allows(Some(class))) && !admission::leads_inside(from, class)
}

impl Connection {
    /// The newest time, by the peer's own clock, at which it told where it is.
    pub fn placed_at(&self) -> Option<Timestamp> {
        self.last_update.max(self.location.as_ref().and_then(LocationRecord::signed_at))
    }

    /// Keeps `record` if it holds and nothing newer is known. It does not move the peer.
    pub(super) fn keep_location(&mut self, record: Option<LocationRecord>, now: Timestamp) {
        let known = self.location.as_ref().and_then(LocationRecord::signed_at);
        if let Some(record) = record
            && record.check(&self.agent_id, now).is_ok_and(|signed_at| Some(signed_at) > known)
        {
            self.location = Some(record);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);
    const URL: &str = "http://8.8.8.8:8100";

    fn agent(seed: u8) -> Passport {
        Passport::from_seed([seed; 32])
    }

    fn record(at: Timestamp) -> LocationRecord {
        let times = SigningTimes::new(limits::FRESHNESS);
        LocationRecord::sign(&agent(1), URL, &times, at)
    }

    #[test]
    fn anybody_can_check_it_and_every_change_breaks_it() {
        let (genuine, id) = (record(NOW), agent(1).agent_id());
        assert_eq!(genuine.check(&id, NOW), Ok(genuine.signed_at().unwrap()));
        assert_eq!(genuine.check(&agent(2).agent_id(), NOW), Err(Flaw::OtherAgent));
        let changed = |change: fn(&mut LocationRecord)| {
            let mut record = record(NOW);
            change(&mut record);
            record.check(&id, NOW)
        };
        assert_eq!(changed(|record| record.new_url.push('/')), Err(Flaw::Signature));
        assert_eq!(changed(|record| record.signature.0[0] ^= 1), Err(Flaw::Signature));
        assert_eq!(
            changed(|record| record.timestamp = (NOW + Duration::from_secs(9)).to_wire()),
            Err(Flaw::Signature)
        );
        assert_eq!(changed(|record| record.timestamp = "yesterday".into()), Err(Flaw::Time));
        assert_eq!(changed(|record| record.new_url = "ftp://8.8.8.8".into()), Err(Flaw::Url));
        assert_eq!(changed(|record| record.new_url = "http://8.8.8.8\n:1".into()), Err(Flaw::Url));
    }

    #[test]
    fn one_second_beyond_the_bounds_of_its_age_it_is_refused() {
        let (second, id) = (Duration::from_secs(1), agent(1).agent_id());
        let check = |signed: Timestamp| record(signed).check(&id, NOW).map(|_| ());
        assert_eq!(check(NOW - OLDEST + second), Ok(()));
        assert_eq!(check(NOW - OLDEST - second), Err(Flaw::TooOld));
        assert_eq!(check(NOW + limits::FRESHNESS - second), Ok(()));
        assert_eq!(check(NOW + limits::FRESHNESS + second), Err(Flaw::FromTheFuture));
    }

    #[test]
    fn it_survives_the_wire_and_nonsense_is_none() {
        let genuine = record(NOW);
        let mut value = serde_json::to_value(&genuine).unwrap();
        assert_eq!(LocationRecord::read(&value), Some(genuine));
        for (name, nonsense) in [
            ("agent_id", Value::Null),
            ("new_url", 5.into()),
            ("timestamp", "1".repeat(65).into()),
            ("signature", "00".into()),
        ] {
            let genuine = value[name].take();
            value[name] = nonsense;
            assert_eq!(LocationRecord::read(&value), None, "{name}");
            value[name] = genuine;
        }
        assert_eq!(LocationRecord::read(&Value::Array(vec![value])), None);
    }

    #[test]
    fn a_place_is_no_nearer_than_whoever_told_it_within_the_tier_and_not_ours() {
        use AddressClass::{Global, Loopback, Private};
        let own = "http://9.9.9.9:8100";
        let ask = |place, from, tier| may_be_asked(place, from, own, tier);
        for (place, from, may) in [
            (URL, Global, true),
            ("http://127.0.0.1:8545", Global, false),
            ("http://192.168.1.1", Global, false),
            ("http://169.254.169.254", Loopback, false),
            ("http://192.168.1.1", Private, true),
            ("http://127.0.0.1:1", Private, false),
            ("http://127.0.0.1:1", Loopback, true),
            ("http://9.9.9.9:8100/", Global, false),
            ("HTTP://9.9.9.9:8100", Global, false),
            ("nonsense", Loopback, false),
        ] {
            assert_eq!(ask(place, from, NetworkTier::Global), may, "{place} from {from:?}");
        }
        assert!(!ask(URL, Loopback, NetworkTier::Lan));
        assert!(ask("http://name.example:8100", Private, NetworkTier::Lan));
        assert!(!ask("http://localhost:8100", Private, NetworkTier::Lan));
    }
}
