//! Mail: a message that somebody else keeps for its recipient, and the signed words about it.
//!
//! ```text
//! sender ── KeptMessage ──► keeper            Custody: "I have it, until then"
//!                           keeper ── the same KeptMessage ──► recipient
//!                           keeper ◄── MailReceipt: "I have it; you may delete it"
//! ```
//!
//! The sender signs a kept message in a domain of its own, with the time at which it expires. So a message that was sent
//! directly cannot be held back and shown as mail, and mail cannot be shown as a fresh message. It is believed from
//! [`limits::FRESHNESS`] before its time until as long after its end; the end is at most [`LIFETIME`] after its time, and
//! recipients remember ids for longer than all of that.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::{
    Answer,
    canonical::{self, BodyDigest, Domain},
    limits,
    prekeys::{KeyKind, KeyName, PublicKey},
    seal::{self, Sealed},
};
use crate::{
    env::{Random, Timestamp},
    error::{Code, Error, Result},
    identity::{AgentId, Passport, Signature},
};

/// How long mail may live: as long as a message may wait in an outbox.
pub const LIFETIME: Duration = Duration::from_secs(86_400);
/// The largest sealed body that is kept, in bytes. What is larger waits with its sender alone.
pub const SEALED_BYTES: usize = 512 * 1024;
/// Binds every key to this use of HPKE.
const INFO: &[u8] = b"dmagent/2 kept message";

/// A message as a mailbox keeps it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptMessage {
    /// The same as in every direct attempt.
    pub message_id: String,
    /// Who sent and signed it.
    pub from: AgentId,
    /// For whom.
    pub to: AgentId,
    /// When it was signed, by the sender's clock.
    pub sent_at: Timestamp,
    /// When it is over.
    pub expires_at: Timestamp,
    /// How often its recipient may forward it.
    pub hops_remaining: u32,
    /// The message to the same recipient that comes before this one, when that one waits, too.
    #[serde(default)]
    pub after: Option<String>,
    /// Which key it is sealed to.
    pub key: KeyName,
    /// What it says.
    pub sealed: Sealed,
    /// By the sender, over everything above.
    pub signature: Signature,
}

/// A message that is about to be sealed for a mailbox.
#[derive(Clone, Debug)]
pub struct MailDraft<'a> {
    /// Its id.
    pub message_id: &'a str,
    /// For whom.
    pub to: AgentId,
    /// Now.
    pub sent_at: Timestamp,
    /// When it is over.
    pub expires_at: Timestamp,
    /// How often its recipient may forward it.
    pub hops_remaining: u32,
    /// The message before it.
    pub after: Option<&'a str>,
    /// What to seal: a body of [`super::sealed_body`].
    pub plaintext: &'a [u8],
}

impl MailDraft<'_> {
    /// Seals it to a key of the recipient, and signs it. Without a key it is sealed to the identity.
    ///
    /// # Errors
    ///
    /// `AgentIdInvalid` when the key is not usable.
    pub fn seal(
        &self,
        key: Option<(&KeyName, &PublicKey)>,
        passport: &Passport,
        random: &dyn Random,
    ) -> Result<KeptMessage> {
        let unusable = || {
            Error::new(Code::AgentIdInvalid, "nothing can be sealed to this agent; its key is not usable")
                .with("agent", self.to.short())
        };
        let (name, public) = match key {
            Some((name, public)) => (name.clone(), public.0),
            None => (KeyName::IDENTITY, self.to.x25519().ok_or_else(unusable)?),
        };
        let from = passport.agent_id();
        let bound = associated_data(&from, &self.to, self.message_id, &name);
        let sealed = seal::seal_with(&public, INFO, &bound, self.plaintext, random)
            .map_err(|error| unusable().because(error))?;
        let unsigned = KeptMessage {
            message_id: self.message_id.to_owned(),
            from,
            to: self.to,
            sent_at: self.sent_at,
            expires_at: self.expires_at,
            hops_remaining: self.hops_remaining,
            after: self.after.map(str::to_owned),
            key: name,
            sealed,
            signature: Signature([0; 64]),
        };
        Ok(KeptMessage { signature: passport.sign(&unsigned.bytes()), ..unsigned })
    }
}

fn associated_data(from: &AgentId, to: &AgentId, message_id: &str, key: &KeyName) -> Vec<u8> {
    let fields: [&[u8]; 5] = [
        from.as_bytes(),
        to.as_bytes(),
        message_id.as_bytes(),
        key.kind.name().as_bytes(),
        key.id.as_bytes(),
    ];
    canonical::framed("kept_body", &fields)
}

impl KeptMessage {
    fn bytes(&self) -> Vec<u8> {
        let mut after = vec![u8::from(self.after.is_some())];
        after.extend_from_slice(self.after.as_deref().unwrap_or_default().as_bytes());
        canonical::v2(
            Domain::KeptMessage,
            &[
                self.from.as_bytes(),
                self.to.as_bytes(),
                self.message_id.as_bytes(),
                &self.sent_at.micros().to_be_bytes(),
                &self.expires_at.micros().to_be_bytes(),
                &self.hops_remaining.to_be_bytes(),
                &after,
                self.key.kind.name().as_bytes(),
                self.key.id.as_bytes(),
                BodyDigest::sealed(&self.sealed.enc, &self.sealed.ciphertext).as_bytes(),
            ],
        )
    }

    /// What names exactly this: SHA-256 of what the sender signed, 64 hexadecimal digits.
    pub fn digest(&self) -> String {
        use sha2::{Digest as _, Sha256};
        hex::encode(Sha256::digest(self.bytes()))
    }

    /// Refuses what no node of ours sends, before any cryptography.
    pub(in crate::wire) fn check(&self) -> Result<(), Answer> {
        let refuse = |sentence: &str| Err(Answer::refuse(400, Code::WireField, sentence));
        let id = |text: &str| {
            (1..=limits::MESSAGE_ID_CHARS).contains(&text.chars().count())
                && !text.chars().any(char::is_control)
        };
        if !id(&self.message_id) || !self.after.as_deref().is_none_or(id) {
            return refuse("A kept message has an id that cannot be");
        }
        if !self.key.is_possible() || self.hops_remaining > limits::MAX_HOPS {
            return refuse("A kept message names a key or hops that cannot be");
        }
        if self.expires_at <= self.sent_at || self.expires_at.since(self.sent_at) > LIFETIME {
            return refuse("A kept message must expire within a day");
        }
        if self.sealed.ciphertext.len() > SEALED_BYTES {
            return Err(Answer::refuse(413, Code::WireTooLarge, "A kept message is too large"));
        }
        Ok(())
    }

    /// Whether its sender signed exactly this.
    pub fn is_signed(&self) -> bool {
        self.from.verify(&self.bytes(), &self.signature)
    }

    /// Whether it is of the present: not from the future, and not over. Clocks may differ by [`limits::FRESHNESS`].
    pub fn is_current(&self, now: Timestamp) -> bool {
        self.sent_at <= now + limits::FRESHNESS && now <= self.expires_at + limits::FRESHNESS
    }

    /// Opens it with the secret of the key it names.
    ///
    /// # Errors
    ///
    /// `SealBroken`, the same for every reason.
    pub fn open(&self, secret: &[u8; 32]) -> Result<Zeroizing<Vec<u8>>> {
        let bound = associated_data(&self.from, &self.to, &self.message_id, &self.key);
        seal::open_with(secret, INFO, &bound, &self.sealed).map_err(|_| {
            let sentence = "the kept message does not open; it was sealed to another key or changed";
            Error::new(Code::SealBroken, sentence)
        })
    }

    /// Whether nobody who steals the recipient's passport tomorrow can read it.
    pub fn has_forward_secrecy(&self) -> bool {
        self.key.kind != KeyKind::Identity
    }
}

/// A keeper's word that it has a message on its disk.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Custody {
    /// Who keeps it.
    pub keeper: AgentId,
    /// Who sent it.
    pub from: AgentId,
    /// For whom.
    pub to: AgentId,
    /// Which message.
    pub message_id: String,
    /// [`KeptMessage::digest`].
    pub digest: String,
    /// Until when it keeps it.
    pub expires_at: Timestamp,
    /// By the keeper.
    pub signature: Signature,
}

impl Custody {
    /// Signs it as the keeper.
    pub fn sign(passport: &Passport, mail: &KeptMessage) -> Self {
        let unsigned = Self {
            keeper: passport.agent_id(),
            from: mail.from,
            to: mail.to,
            message_id: mail.message_id.clone(),
            digest: mail.digest(),
            expires_at: mail.expires_at,
            signature: Signature([0; 64]),
        };
        Self { signature: passport.sign(&unsigned.bytes()), ..unsigned }
    }

    fn bytes(&self) -> Vec<u8> {
        canonical::v2(
            Domain::Custody,
            &[
                self.keeper.as_bytes(),
                self.from.as_bytes(),
                self.to.as_bytes(),
                self.message_id.as_bytes(),
                self.digest.as_bytes(),
                &self.expires_at.micros().to_be_bytes(),
            ],
        )
    }

    /// Whether `keeper` says this about `mail`.
    pub fn is_about(&self, keeper: &AgentId, mail: &KeptMessage) -> bool {
        let said = (self.keeper, self.from, self.to, self.expires_at);
        said == (*keeper, mail.from, mail.to, mail.expires_at)
            && self.message_id == mail.message_id
            && self.digest == mail.digest()
            && self.keeper.verify(&self.bytes(), &self.signature)
    }
}

/// The recipient's word that a keeper may let go of a message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MailReceipt {
    /// For whom the message was, and who signed this.
    pub to: AgentId,
    /// Who kept it.
    pub keeper: AgentId,
    /// Who sent it.
    pub from: AgentId,
    /// Which message.
    pub message_id: String,
    /// Whether the recipient has it. False when it will never take it.
    pub is_taken: bool,
    /// By the recipient.
    pub signature: Signature,
}

impl MailReceipt {
    /// Signs it as the recipient.
    pub fn sign(passport: &Passport, keeper: AgentId, mail: &KeptMessage, is_taken: bool) -> Self {
        let unsigned = Self {
            to: passport.agent_id(),
            keeper,
            from: mail.from,
            message_id: mail.message_id.clone(),
            is_taken,
            signature: Signature([0; 64]),
        };
        Self { signature: passport.sign(&unsigned.bytes()), ..unsigned }
    }

    fn bytes(&self) -> Vec<u8> {
        canonical::v2(
            Domain::MailReceipt,
            &[
                self.to.as_bytes(),
                self.keeper.as_bytes(),
                self.from.as_bytes(),
                self.message_id.as_bytes(),
                &[u8::from(self.is_taken)],
            ],
        )
    }

    /// Whether the recipient of `mail` says this to `keeper`.
    pub fn is_about(&self, keeper: &AgentId, mail: &KeptMessage) -> bool {
        (self.to, self.keeper, self.from) == (mail.to, *keeper, mail.from)
            && self.message_id == mail.message_id
            && self.to.verify(&self.bytes(), &self.signature)
    }
}

#[cfg(test)]
mod tests;
