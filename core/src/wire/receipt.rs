//! Receipts: what became of a message, signed by whoever got it.
//!
//! A receipt names the message, its author, its recipient and the digest of what it says. Whoever has one can check it
//! offline, against the recipient's id alone: no key has to be fetched, and no clock is asked.

use std::{borrow::Cow, fmt, str::FromStr};

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::{
    Answer,
    canonical::{self, BodyDigest, Domain},
    limits,
};
use crate::{
    env::Timestamp,
    error::Code,
    identity::{AgentId, Passport, Signature},
};

/// How far a message came at its recipient. Each step implies those before it, but for a refusal, and for the end of a
/// message that was taken back: an agent that handled or answered it all the same had it in its hands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ReceiptState {
    /// On the recipient's disk.
    Accepted,
    /// Handed to its agent.
    Delivered,
    /// Its author took it back before it was acknowledged: it is gone here, unhandled.
    Cancelled,
    /// Acknowledged by its agent.
    Handled,
    /// Its agent answered.
    Answered,
    /// The recipient took it and threw it away, as its rules say.
    Refused,
    /// Its deadline passed before the recipient's agent had it.
    Expired,
}

impl ReceiptState {
    /// The word inside the signed bytes. It never changes.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Delivered => "delivered",
            Self::Cancelled => "cancelled",
            Self::Handled => "handled",
            Self::Answered => "answered",
            Self::Refused => "refused",
            Self::Expired => "expired",
        }
    }
}

/// What a receipt says, before it is signed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Statement {
    /// Of which message.
    pub message_id: String,
    /// Who sent the message.
    pub from: AgentId,
    /// How far it came.
    pub state: ReceiptState,
    /// Since when, by the recipient's clock.
    pub at: Timestamp,
    /// SHA-256 of what the message says, 64 hexadecimal digits.
    pub digest: String,
    /// The id of the answer, when it was answered.
    #[serde(default)]
    pub reply_id: Option<String>,
}

/// A signed receipt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignedReceipt {
    /// Of which message.
    pub message_id: String,
    /// Who sent the message.
    pub from: AgentId,
    /// Who got the message and signed this.
    pub to: AgentId,
    /// How far it came.
    pub state: ReceiptState,
    /// Since when, by the recipient's clock.
    pub at: Timestamp,
    /// SHA-256 of what the message says, 64 hexadecimal digits: of content, metadata and reply reference in their
    /// canonical form.
    pub digest: String,
    /// The id of the answer, when it was answered.
    #[serde(default)]
    pub reply_id: Option<String>,
    /// Ed25519 by the recipient, 128 hexadecimal digits.
    pub signature: Signature,
}

/// A signed receipt as one text, to keep, to pass on, and to check with `messages.verify`: its JSON object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReceiptText(pub SignedReceipt);

impl fmt::Display for ReceiptText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = serde_json::to_string(&self.0).map_err(|_| fmt::Error)?;
        f.write_str(&text)
    }
}

impl FromStr for ReceiptText {
    type Err = serde_json::Error;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        serde_json::from_str(text).map(Self)
    }
}

impl Serialize for ReceiptText {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for ReceiptText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(|error| de::Error::custom(format!("not a receipt: {error}")))
    }
}

/// The text of a digest in a receipt.
pub fn digest_text(digest: &BodyDigest) -> String {
    hex::encode(digest.as_bytes())
}

impl Statement {
    /// Signs it as the recipient of the message. The same statement always has the same signature.
    pub fn sign(self, passport: &Passport) -> SignedReceipt {
        let to = passport.agent_id();
        let signature = passport.sign(&bytes(&to, &self));
        let Self { message_id, from, state, at, digest, reply_id } = self;
        SignedReceipt { message_id, from, to, state, at, digest, reply_id, signature }
    }
}

impl SignedReceipt {
    /// What it says.
    pub fn statement(&self) -> Statement {
        let Self { message_id, from, state, at, digest, reply_id, .. } = self.clone();
        Statement { message_id, from, state, at, digest, reply_id }
    }

    /// Whether its recipient signed exactly this.
    pub fn is_valid(&self) -> bool {
        self.to.verify(&bytes(&self.to, &self.statement()), &self.signature)
    }

    /// Refuses what no node of ours sends, before any cryptography.
    pub(in crate::wire) fn check(&self) -> Result<(), Answer> {
        let id = |text: &str| (1..=limits::MESSAGE_ID_CHARS).contains(&text.chars().count());
        let is_digest = self.digest.len() == 64 && self.digest.bytes().all(|digit| digit.is_ascii_hexdigit());
        if id(&self.message_id) && is_digest && self.reply_id.as_deref().is_none_or(id) {
            return Ok(());
        }
        Err(Answer::refuse(
            400,
            Code::WireField,
            "A receipt has a message id, a digest or a reply id that cannot be",
        ))
    }
}

fn bytes(to: &AgentId, statement: &Statement) -> Vec<u8> {
    canonical::v2(
        Domain::Receipt,
        &[
            to.as_bytes(),
            statement.from.as_bytes(),
            statement.message_id.as_bytes(),
            statement.state.name().as_bytes(),
            &statement.at.micros().to_be_bytes(),
            statement.digest.as_bytes(),
            statement.reply_id.as_deref().unwrap_or_default().as_bytes(),
        ],
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn statement() -> Statement {
        Statement {
            message_id: "msg-1".into(),
            from: Passport::from_seed([1; 32]).agent_id(),
            state: ReceiptState::Handled,
            at: Timestamp::from_micros(1_700_000_000_000_001),
            digest: "ab".repeat(32),
            reply_id: None,
        }
    }

    #[test]
    fn a_receipt_holds_against_the_recipients_id_alone() {
        let receipt = statement().sign(&Passport::from_seed([2; 32]));
        assert!(receipt.is_valid());
        let copy: SignedReceipt = serde_json::from_str(&serde_json::to_string(&receipt).unwrap()).unwrap();
        assert!(copy.is_valid());
        assert_eq!(statement().sign(&Passport::from_seed([2; 32])), receipt);
    }

    #[test]
    fn a_receipt_that_says_anything_else_does_not_hold() {
        let receipt = statement().sign(&Passport::from_seed([2; 32]));
        let changes: [fn(&mut SignedReceipt); 7] = [
            |receipt| receipt.message_id.push('0'),
            |receipt| receipt.from = AgentId::from_bytes([9; 32]),
            |receipt| receipt.to = Passport::from_seed([3; 32]).agent_id(),
            |receipt| receipt.state = ReceiptState::Answered,
            |receipt| receipt.at = Timestamp::from_micros(receipt.at.micros() + 1),
            |receipt| receipt.digest = "ac".repeat(32),
            |receipt| receipt.reply_id = Some("msg-2".into()),
        ];
        for change in changes {
            let mut changed = receipt.clone();
            change(&mut changed);
            assert!(!changed.is_valid(), "{changed:?}");
        }
    }

    #[test]
    fn the_ladder_is_ordered() {
        let ladder = [
            ReceiptState::Accepted,
            ReceiptState::Delivered,
            ReceiptState::Cancelled,
            ReceiptState::Handled,
            ReceiptState::Answered,
        ];
        assert!(ladder.is_sorted());
    }
}
