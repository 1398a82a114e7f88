//! The LAN beacon: one signed JSON object in a UDP datagram.
//!
//! The signature covers id, port and time, not the address: the sender does not know which of its
//! addresses the receiver sees. 1.1.1 checks the signature alone; here the key must be the id (S5) and the
//! time fresh (S11). Offers and answers for data channels travel in the same group and are left alone.

use ed25519_dalek::{Signature, VerifyingKey};
use serde::{Deserialize, Serialize};

use crate::{
    env::Timestamp,
    identity::AgentId,
    wire::limits::{BIO_CHARS, DISPLAY_NAME_CHARS, FRESHNESS},
};

use super::Announcement;

/// Longest datagram that is looked at, in bytes; the largest of 1.1.1 carry a session description.
pub const DATAGRAM_BYTES: usize = 8 * 1024;
/// How much of a bio is announced, in characters.
pub const BIO_SENT: usize = 100;

const PROTO: &str = "darkmatter";
const VERSION: &str = "0.2";
const DOMAIN: &str = "darkmatter.lan_beacon.v1";
/// What 1.1.1 assumes when a beacon names no port.
const DEFAULT_PORT: u16 = 8100;

/// A beacon that proved to come from the agent it names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Heard {
    /// Who sent it.
    pub agent_id: AgentId,
    /// The port of its HTTP transport.
    pub port: u16,
    /// Whether others listen there, too, so that it has a place of its own. It is not signed: where else its place leads
    /// to nobody, it was not there before either.
    pub shares_port: bool,
    /// Its name, cut.
    pub display_name: String,
    /// Its bio, cut.
    pub bio: String,
    /// Whether it is active and takes connection requests.
    pub accepting: bool,
    /// When it was signed, in seconds since 1970.
    pub ts: i64,
}

/// Why a datagram is no news.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Ignored {
    /// Longer than [`DATAGRAM_BYTES`].
    TooLarge,
    /// Not JSON of this protocol.
    Foreign,
    /// Of this protocol, but no beacon: an offer or answer for a data channel.
    OtherKind,
    /// A member is missing or has the wrong type.
    Malformed,
    /// Our own.
    Own,
    /// Signed too long ago, or in the future.
    Stale,
    /// The key is not the id (S5).
    KeyMismatch,
    /// The signature does not hold.
    Forged,
}

#[derive(Serialize)]
struct Sent<'a> {
    proto: &'static str,
    v: &'static str,
    agent_id: AgentId,
    display_name: &'a str,
    public_key_hex: AgentId,
    bio: &'a str,
    port: u16,
    status: &'static str,
    accepting: bool,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    shares_port: bool,
    ts: i64,
    beacon_signature_hex: String,
}

#[derive(Deserialize)]
struct Kind {
    proto: String,
    #[serde(rename = "type")]
    kind: Option<String>,
}

#[derive(Deserialize)]
struct Received {
    agent_id: AgentId,
    display_name: Option<String>,
    public_key_hex: String,
    bio: Option<String>,
    port: Option<u16>,
    status: Option<String>,
    accepting: Option<bool>,
    #[serde(default)]
    shares_port: bool,
    ts: i64,
    beacon_signature_hex: String,
}

/// The datagram that announces a node; `sign` makes an Ed25519 signature with the key of its id.
pub fn encode(announcement: &Announcement, now: Timestamp, sign: impl FnOnce(&[u8]) -> [u8; 64]) -> Vec<u8> {
    let Announcement { agent_id, display_name, bio, port, shares_port, active, accepting } = announcement;
    let ts = now.seconds();
    let sent = Sent {
        proto: PROTO,
        v: VERSION,
        agent_id: *agent_id,
        display_name: cut(display_name, DISPLAY_NAME_CHARS),
        public_key_hex: *agent_id,
        bio: cut(bio, BIO_SENT),
        port: *port,
        status: if *active { "active" } else { "inactive" },
        accepting: *accepting,
        shares_port: *shares_port,
        ts,
        beacon_signature_hex: hex::encode(sign(&signed_bytes(agent_id, *port, ts))),
    };
    // Text, numbers and booleans always serialise.
    serde_json::to_vec(&sent).unwrap_or_default()
}

/// Reads a datagram and believes it only if its signature holds. Never fails in another way.
///
/// # Errors
///
/// Why it is no news for us; see [`Ignored`].
pub fn verify(datagram: &[u8], own: &AgentId, now: Timestamp) -> Result<Heard, Ignored> {
    if datagram.len() > DATAGRAM_BYTES {
        return Err(Ignored::TooLarge);
    }
    let kind: Kind = serde_json::from_slice(datagram).map_err(|_| Ignored::Foreign)?;
    if kind.proto != PROTO {
        return Err(Ignored::Foreign);
    }
    if kind.kind.is_some() {
        return Err(Ignored::OtherKind);
    }
    let beacon: Received = serde_json::from_slice(datagram).map_err(|_| Ignored::Malformed)?;
    if beacon.agent_id == *own {
        return Err(Ignored::Own);
    }
    if now.distance(Timestamp::from_seconds(beacon.ts)) > FRESHNESS {
        return Err(Ignored::Stale);
    }
    if beacon.public_key_hex != beacon.agent_id.to_string() {
        return Err(Ignored::KeyMismatch);
    }
    let port = beacon.port.unwrap_or(DEFAULT_PORT);
    if !holds(
        &beacon.agent_id,
        &signed_bytes(&beacon.agent_id, port, beacon.ts),
        &beacon.beacon_signature_hex,
    ) {
        return Err(Ignored::Forged);
    }
    if port == 0 {
        return Err(Ignored::Malformed);
    }
    Ok(Heard {
        agent_id: beacon.agent_id,
        port,
        shares_port: beacon.shares_port,
        display_name: cut(beacon.display_name.as_deref().unwrap_or_default(), DISPLAY_NAME_CHARS).to_owned(),
        bio: cut(beacon.bio.as_deref().unwrap_or_default(), BIO_CHARS).to_owned(),
        accepting: beacon.accepting.unwrap_or(true) && beacon.status.is_none_or(|status| status == "active"),
        ts: beacon.ts,
    })
}

/// The bytes that a beacon's signature covers.
pub fn signed_bytes(agent_id: &AgentId, port: u16, ts: i64) -> Vec<u8> {
    format!("{DOMAIN}\n{agent_id}\n{port}\n{ts}").into_bytes()
}

fn holds(id: &AgentId, bytes: &[u8], signature_hex: &str) -> bool {
    let mut signature = [0; 64];
    hex::decode_to_slice(signature_hex, &mut signature).is_ok()
        && VerifyingKey::from_bytes(id.as_bytes())
            .is_ok_and(|key| key.verify_strict(bytes, &Signature::from_bytes(&signature)).is_ok())
}

/// The first `most` characters of `text`.
pub(super) fn cut(text: &str, most: usize) -> &str {
    text.char_indices().nth(most).map_or(text, |(end, _)| &text[..end])
}

#[cfg(test)]
mod tests {
    use ed25519_dalek::{Signer as _, SigningKey};
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    const NOW: Timestamp = Timestamp::from_seconds(1_795_204_665);

    fn key(seed: u8) -> SigningKey {
        SigningKey::from_bytes(&[seed; 32])
    }

    fn id(seed: u8) -> AgentId {
        AgentId::from_bytes(key(seed).verifying_key().to_bytes())
    }

    fn announcement(seed: u8) -> Announcement {
        Announcement {
            agent_id: id(seed),
            display_name: "ann".into(),
            bio: "b".repeat(300),
            port: 8111,
            shares_port: false,
            active: true,
            accepting: true,
        }
    }

    fn datagram(seed: u8) -> Vec<u8> {
        encode(&announcement(seed), NOW, |bytes| key(seed).sign(bytes).to_bytes())
    }

    fn changed(member: &str, value: Value) -> Vec<u8> {
        let mut beacon: Value = serde_json::from_slice(&datagram(1)).unwrap();
        beacon[member] = value;
        serde_json::to_vec(&beacon).unwrap()
    }

    #[test]
    fn a_beacon_is_heard_by_others_and_not_by_its_sender() {
        let heard = verify(&datagram(1), &id(2), NOW).unwrap();
        assert_eq!((heard.agent_id, heard.port, heard.ts), (id(1), 8111, NOW.seconds()));
        assert_eq!((heard.bio.len(), heard.display_name.as_str(), heard.accepting), (BIO_SENT, "ann", true));
        assert_eq!(verify(&datagram(1), &id(1), NOW), Err(Ignored::Own));
    }

    #[test]
    fn whoever_shares_its_port_says_so_and_others_say_nothing() {
        let sharing = Announcement { shares_port: true, ..announcement(1) };
        let sent = encode(&sharing, NOW, |bytes| key(1).sign(bytes).to_bytes());
        assert!(verify(&sent, &id(2), NOW).unwrap().shares_port);
        assert!(!verify(&datagram(1), &id(2), NOW).unwrap().shares_port);
        assert!(!String::from_utf8(datagram(1)).unwrap().contains("shares_port"));
    }

    #[test]
    fn refuses_what_was_changed_after_signing() {
        for (member, value, why) in [
            ("port", json!(8112), Ignored::Forged),
            ("port", Value::Null, Ignored::Forged),
            ("port", json!(-1), Ignored::Malformed),
            ("port", json!(70_000), Ignored::Malformed),
            ("ts", json!(NOW.seconds() + 1), Ignored::Forged),
            ("ts", json!("now"), Ignored::Malformed),
            ("agent_id", json!(id(3)), Ignored::KeyMismatch),
            ("public_key_hex", json!(id(3)), Ignored::KeyMismatch),
            ("beacon_signature_hex", json!(""), Ignored::Forged),
            ("beacon_signature_hex", json!("00".repeat(64)), Ignored::Forged),
            ("proto", json!("other"), Ignored::Foreign),
            ("type", json!("sdp_offer"), Ignored::OtherKind),
        ] {
            assert_eq!(verify(&changed(member, value.clone()), &id(2), NOW), Err(why), "{member} {value}");
        }
    }

    #[test]
    fn refuses_a_beacon_signed_with_a_key_that_is_not_the_id() {
        let forged = encode(&announcement(1), NOW, |bytes| key(9).sign(bytes).to_bytes());
        assert_eq!(verify(&forged, &id(2), NOW), Err(Ignored::Forged));
    }

    #[test]
    fn refuses_beacons_from_the_past_and_the_future() {
        let one = std::time::Duration::from_secs(1);
        assert!(verify(&datagram(1), &id(2), NOW + FRESHNESS).is_ok());
        assert_eq!(verify(&datagram(1), &id(2), NOW + FRESHNESS + one), Err(Ignored::Stale));
        assert_eq!(verify(&datagram(1), &id(2), NOW - FRESHNESS - one), Err(Ignored::Stale));
        assert_eq!(verify(&changed("ts", json!(i64::MAX)), &id(2), NOW), Err(Ignored::Stale));
    }

    #[test]
    fn refuses_a_datagram_longer_than_allowed_without_reading_it() {
        assert_eq!(
            verify(&changed("bio", json!("b".repeat(DATAGRAM_BYTES))), &id(2), NOW),
            Err(Ignored::TooLarge)
        );
    }

    #[test]
    fn cuts_names_and_bios_by_characters() {
        let long = changed("display_name", json!("ü".repeat(500)));
        assert_eq!(verify(&long, &id(2), NOW).unwrap().display_name.chars().count(), DISPLAY_NAME_CHARS);
    }

    #[test]
    fn the_longest_beacon_fits_a_datagram() {
        let wordy =
            Announcement { display_name: "\u{1}".repeat(1000), bio: "\u{1}".repeat(1000), ..announcement(1) };
        let datagram = encode(&wordy, NOW, |bytes| key(1).sign(bytes).to_bytes());
        assert!(verify(&datagram, &id(2), NOW).is_ok());
    }

    proptest! {
        #[test]
        fn any_datagram_is_answered_without_panic(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
            prop_assert!(verify(&bytes, &id(2), NOW).is_err());
        }

        #[test]
        fn a_flipped_bit_never_moves_an_agent(at in 0usize..4000, bit in 0u8..8) {
            let mut bytes = datagram(1);
            let at = at % bytes.len();
            bytes[at] ^= 1 << bit;
            if let Ok(heard) = verify(&bytes, &id(2), NOW) {
                // Only what the signature does not cover may differ.
                prop_assert_eq!((heard.agent_id, heard.port, heard.ts), (id(1), 8111, NOW.seconds()));
            }
        }
    }
}
