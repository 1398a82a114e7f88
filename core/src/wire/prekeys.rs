//! Pre-keys: keys that a recipient makes ahead and destroys, so that who steals its passport later opens nothing that was
//! kept for it before.
//!
//! | kind | lives | destroyed |
//! |---|---|---|
//! | one-time | for one message | when that message is taken |
//! | rotating | for all messages of some days | when its time, and that of mail in flight, is over |
//! | identity | as long as the passport | never: no forward secrecy; the named fallback |
//!
//! A [`Bundle`] says which rotating key is the present one and who keeps mail for the recipient. It is signed as a whole,
//! each one-time key on its own, because those are handed out one by one. A later bundle replaces an earlier one and never
//! the other way round.

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use sha2::{Digest as _, Sha256};

use super::canonical::{self, Domain};
use crate::{
    env::Timestamp,
    identity::{AgentId, Passport, Signature},
};

/// Most mailboxes that a bundle names.
pub const MAILBOXES: usize = 4;
/// Most one-time keys in one frame.
pub const ONE_TIME_KEYS: usize = 20;

/// What kind of key a message was sealed to, best last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum KeyKind {
    /// The recipient's passport: whoever steals it later opens the message.
    Identity,
    /// The recipient's rotating pre-key, destroyed within days.
    Rotating,
    /// A one-time pre-key, destroyed when the message is taken.
    OneTime,
}

impl KeyKind {
    /// The word inside the signed bytes. It never changes.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Identity => "identity",
            Self::Rotating => "rotating",
            Self::OneTime => "one_time",
        }
    }
}

/// Which key of its recipient a message is sealed to.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct KeyName {
    /// What kind.
    pub kind: KeyKind,
    /// Which one: the first 16 hexadecimal digits of the SHA-256 of the public key; empty for the identity.
    pub id: String,
}

impl KeyName {
    /// The passport itself.
    pub const IDENTITY: Self = Self { kind: KeyKind::Identity, id: String::new() };

    /// The name of a pre-key.
    pub fn of(kind: KeyKind, public: &[u8; 32]) -> Self {
        let digest = Sha256::digest(public);
        Self { kind, id: hex::encode(&digest[..8]) }
    }

    /// Whether a key can have this name.
    pub fn is_possible(&self) -> bool {
        match self.kind {
            KeyKind::Identity => self.id.is_empty(),
            KeyKind::Rotating | KeyKind::OneTime => {
                self.id.len() == 16 && self.id.bytes().all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f'))
            }
        }
    }
}

/// An X25519 public key; in JSON 64 hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PublicKey(pub [u8; 32]);

impl Serialize for PublicKey {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&hex::encode(self.0))
    }
}

impl<'de> Deserialize<'de> for PublicKey {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let mut key = [0; 32];
        hex::decode_to_slice(&text, &mut key)
            .map_err(|_| de::Error::custom("not a key; expected 64 hexadecimal digits"))?;
        Ok(Self(key))
    }
}

/// What a recipient says about its keys.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bundle {
    /// Whose.
    pub agent_id: AgentId,
    /// When, by its clock. Each bundle is newer than the one before.
    pub issued_at: Timestamp,
    /// The rotating key.
    pub key: PublicKey,
    /// Until when senders may use it.
    pub valid_until: Timestamp,
    /// Who keeps mail for it, 1 to 4 agents.
    pub mailboxes: Vec<AgentId>,
    /// By the recipient.
    pub signature: Signature,
}

impl Bundle {
    /// Signs one. The same bundle always has the same signature.
    pub fn sign(
        passport: &Passport,
        issued_at: Timestamp,
        key: PublicKey,
        valid_until: Timestamp,
        mailboxes: Vec<AgentId>,
    ) -> Self {
        let agent_id = passport.agent_id();
        let unsigned =
            Self { agent_id, issued_at, key, valid_until, mailboxes, signature: Signature([0; 64]) };
        Self { signature: passport.sign(&unsigned.bytes()), ..unsigned }
    }

    fn bytes(&self) -> Vec<u8> {
        let (issued, until) =
            (self.issued_at.micros().to_be_bytes(), self.valid_until.micros().to_be_bytes());
        let mut fields: Vec<&[u8]> = vec![self.agent_id.as_bytes(), &issued, &self.key.0, &until];
        fields.extend(self.mailboxes.iter().map(|agent| &agent.as_bytes()[..]));
        canonical::v2(Domain::PreKeys, &fields)
    }

    /// Whether the recipient signed exactly this, and it can be what it says.
    pub fn is_valid(&self) -> bool {
        (1..=MAILBOXES).contains(&self.mailboxes.len())
            && self.agent_id.verify(&self.bytes(), &self.signature)
    }

    /// Whether senders may use the rotating key at `now`.
    pub fn is_usable(&self, now: Timestamp) -> bool {
        now <= self.valid_until
    }

    /// The name of the rotating key.
    pub fn name(&self) -> KeyName {
        KeyName::of(KeyKind::Rotating, &self.key.0)
    }
}

/// A one-time key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OneTimeKey {
    /// The key.
    pub key: PublicKey,
    /// Until when a sender may use it.
    pub valid_until: Timestamp,
    /// By the recipient.
    pub signature: Signature,
}

impl OneTimeKey {
    /// Signs one.
    pub fn sign(passport: &Passport, key: PublicKey, valid_until: Timestamp) -> Self {
        let signature = passport.sign(&Self::bytes(&passport.agent_id(), &key, valid_until));
        Self { key, valid_until, signature }
    }

    fn bytes(agent: &AgentId, key: &PublicKey, valid_until: Timestamp) -> Vec<u8> {
        let until = valid_until.micros().to_be_bytes();
        canonical::v2(Domain::OneTimeKey, &[agent.as_bytes(), &key.0, &until])
    }

    /// Whether `agent` signed exactly this.
    pub fn is_valid(&self, agent: &AgentId) -> bool {
        agent.verify(&Self::bytes(agent, &self.key, self.valid_until), &self.signature)
    }

    /// Its name.
    pub fn name(&self) -> KeyName {
        KeyName::of(KeyKind::OneTime, &self.key.0)
    }
}

/// What a mailbox is told: how its recipient is sealed to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Publication {
    /// The rotating key, and who keeps mail.
    pub bundle: Bundle,
    /// New one-time keys for this mailbox alone, at most 20.
    #[serde(default)]
    pub one_time: Vec<OneTimeKey>,
}

#[cfg(test)]
mod tests {
    use super::*;

    const LATER: Timestamp = Timestamp::from_seconds(2_000_000);

    fn bundle(passport: &Passport) -> Bundle {
        let mailboxes = vec![Passport::from_seed([7; 32]).agent_id()];
        Bundle::sign(passport, Timestamp::from_seconds(1_000_000), PublicKey([5; 32]), LATER, mailboxes)
    }

    #[test]
    fn a_bundle_holds_for_its_agent_and_says_nothing_else() {
        let passport = Passport::from_seed([1; 32]);
        let good = bundle(&passport);
        assert!(good.is_valid());
        let copy: Bundle = serde_json::from_str(&serde_json::to_string(&good).unwrap()).unwrap();
        assert_eq!(copy, good);
        let changes: [fn(&mut Bundle); 6] = [
            |bundle| bundle.agent_id = Passport::from_seed([2; 32]).agent_id(),
            |bundle| bundle.issued_at = LATER,
            |bundle| bundle.key.0[31] ^= 1,
            |bundle| bundle.valid_until = Timestamp::from_seconds(3_000_000),
            |bundle| bundle.mailboxes.push(AgentId::from_bytes([9; 32])),
            |bundle| bundle.mailboxes.clear(),
        ];
        for change in changes {
            let mut changed = good.clone();
            change(&mut changed);
            assert!(!changed.is_valid(), "{changed:?}");
        }
    }

    #[test]
    fn a_one_time_key_is_no_rotating_one_and_belongs_to_one_agent() {
        let (passport, other) = (Passport::from_seed([1; 32]), Passport::from_seed([2; 32]));
        let key = OneTimeKey::sign(&passport, PublicKey([5; 32]), LATER);
        assert!(key.is_valid(&passport.agent_id()));
        assert!(!key.is_valid(&other.agent_id()));
        assert!(!OneTimeKey { key: PublicKey([6; 32]), ..key.clone() }.is_valid(&passport.agent_id()));
        let mut borrowed = bundle(&passport);
        borrowed.signature = key.signature;
        assert!(!borrowed.is_valid());
        assert_ne!(borrowed.name(), key.name());
    }

    #[test]
    fn names_are_checked_before_they_are_looked_up() {
        let name = |kind, id: &str| KeyName { kind, id: id.to_owned() };
        assert!(KeyName::of(KeyKind::OneTime, &[1; 32]).is_possible());
        assert!(KeyName::IDENTITY.is_possible());
        for bad in [
            name(KeyKind::Identity, "0123456789abcdef"),
            name(KeyKind::Rotating, ""),
            name(KeyKind::OneTime, "0123456789ABCDEF"),
            name(KeyKind::OneTime, "0123456789abcdef0"),
        ] {
            assert!(!bad.is_possible(), "{bad:?}");
        }
    }
}
