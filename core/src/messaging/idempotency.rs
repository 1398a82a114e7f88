//! Idempotency keys: a host that does not know whether its call came through repeats it with the same key, and the
//! message goes out once.
//!
//! A key is written in the commit of the outbox rows, and nothing leaves before that commit. So after a crash there is
//! either no key and no message, or both, and the repeated call finds the first one. A key is kept until no copy of its
//! message can be under way any more and no recipient can be asked to take one again: the life of the message and
//! [`CLAIM_LIFETIME`]. Nothing makes room before that: a node that keeps [`MOST`] keys refuses new ones.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::{
    CLAIM_LIFETIME,
    delivery::{Delivery, Receipt},
};
use crate::{
    env::Timestamp,
    error::{Code, Error, Result},
    identity::AgentId,
    store::{Batch, Row, Table},
};

/// How many keys are kept.
pub const MOST: usize = 100_000;
/// The longest key, in characters.
pub const KEY_CHARS: usize = 128;
/// How much of a digest is kept; nobody but the host chooses what goes in.
const DIGEST_BYTES: usize = 16;

/// What a call said, to tell a repetition from another message under the same key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Said {
    /// Digest of content, metadata and reply reference.
    pub body: String,
    /// Digest of the recipients, in any order.
    pub to: String,
    /// Digest of what says how to send.
    pub options: String,
}

/// A key with what is said under it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Keyed {
    /// What stands for the key.
    digest: String,
    said: Said,
}

/// What was sent under a key, as stored.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FirstSend {
    /// The message.
    pub message_id: String,
    /// For whom, in the order given.
    pub to: Vec<AgentId>,
    said: Said,
    /// From when on the key may be forgotten.
    until: Timestamp,
    /// What became of copies that the table of sent messages let go of.
    #[serde(default)]
    fates: Vec<Delivery>,
}

/// A digest of texts, each behind its length.
pub fn digest_of<'a>(parts: impl IntoIterator<Item = &'a [u8]>) -> String {
    let mut digest = Sha256::new();
    for part in parts {
        digest.update((part.len() as u64).to_be_bytes());
        digest.update(part);
    }
    URL_SAFE_NO_PAD.encode(&digest.finalize()[..DIGEST_BYTES])
}

impl Keyed {
    /// A key of the host, checked.
    ///
    /// # Errors
    ///
    /// [`Code::InvalidArgument`] when it has no characters, or more than [`KEY_CHARS`].
    pub fn new(key: &str, said: Said) -> Result<Self> {
        Ok(Self { digest: key_digest(key)?, said })
    }
}

fn key_digest(key: &str) -> Result<String> {
    let length = key.chars().count();
    if !(1..=KEY_CHARS).contains(&length) {
        let sentence = format!("idempotency_key must have 1 to {KEY_CHARS} characters, not {length}");
        return Err(Error::new(Code::InvalidArgument, sentence));
    }
    Ok(digest_of([key.as_bytes()]))
}

impl FirstSend {
    /// What is known of the message: what the tables say, and what they let go of, in the order of the recipients.
    pub fn receipt(&self, known: Option<Receipt>) -> Receipt {
        let known = known.map(|receipt| receipt.deliveries).unwrap_or_default();
        let of = |agent: &AgentId| {
            let mut all = known.iter().chain(&self.fates);
            all.find(|delivery| delivery.to == *agent).cloned().unwrap_or_else(|| Delivery::stored(*agent))
        };
        Receipt::new(self.message_id.clone(), self.to.iter().map(of).collect())
    }
}

/// The keys whose time is not over.
#[derive(Debug, Default)]
pub struct Keys {
    sends: HashMap<String, FirstSend>,
    of_message: HashMap<String, String>,
    ends: BTreeSet<(Timestamp, String)>,
}

impl Keys {
    /// From the rows of the table.
    ///
    /// # Errors
    ///
    /// [`Code::StoreCorrupt`] when a row cannot be read.
    pub fn load(rows: &[Row]) -> Result<Self> {
        let mut keys = Self::default();
        for row in rows {
            keys.insert(row.key.clone(), row.parse(Table::Keys)?);
        }
        Ok(keys)
    }

    fn insert(&mut self, digest: String, send: FirstSend) {
        self.of_message.insert(send.message_id.clone(), digest.clone());
        self.ends.insert((send.until, digest.clone()));
        self.sends.insert(digest, send);
    }

    /// What was sent under this key before; nothing when it is new.
    ///
    /// # Errors
    ///
    /// [`Code::IdempotencyKeyReused`] when the key stands for something else.
    pub fn find(&self, keyed: &Keyed) -> Result<Option<&FirstSend>> {
        let Some(first) = self.sends.get(&keyed.digest) else { return Ok(None) };
        let (is, was) = (&keyed.said, &first.said);
        let other = if is.body != was.body {
            "another body"
        } else if is.to != was.to {
            "other recipients"
        } else if is.options != was.options {
            "other options"
        } else {
            return Ok(Some(first));
        };
        let sentence = format!(
            "this idempotency_key was used with {other}; repeat the call as it was, or use a new key"
        );
        Err(Error::new(Code::IdempotencyKeyReused, sentence).with("message_id", &first.message_id))
    }

    /// The id of the message that was sent under a key of the host.
    ///
    /// # Errors
    ///
    /// [`Code::InvalidArgument`] when it can be no key.
    pub fn message_of(&self, key: &str) -> Result<Option<String>> {
        Ok(self.sends.get(&key_digest(key)?).map(|first| first.message_id.clone()))
    }

    /// Whether one more key fits.
    ///
    /// # Errors
    ///
    /// [`Code::QueueFull`] when `most` are kept.
    pub fn check_room(&self, most: usize) -> Result<()> {
        if self.sends.len() < most {
            return Ok(());
        }
        let sentence =
            "too many idempotency keys are kept; wait until the oldest are over, or send without a key";
        Err(Error::new(Code::QueueFull, sentence).with("kept", self.sends.len()))
    }

    /// A new key, in the batch that stores its message, which gives up at `expires_at`.
    ///
    /// # Errors
    ///
    /// Only when the record has no JSON form, which cannot happen.
    pub fn begin(
        &mut self,
        keyed: Keyed,
        message_id: &str,
        to: &[AgentId],
        expires_at: Timestamp,
    ) -> Result<Batch> {
        let Keyed { digest, said } = keyed;
        let send = FirstSend {
            message_id: message_id.to_owned(),
            to: to.to_vec(),
            said,
            until: expires_at + CLAIM_LIFETIME,
            fates: Vec::new(),
        };
        let mut rows = Batch::new();
        rows.put(Table::Keys, digest.clone(), &send)?;
        self.insert(digest, send);
        Ok(rows)
    }

    /// The row of a key once more. Its commit ends after the first one, so whoever waits for it knows that the message
    /// is on disk.
    ///
    /// # Errors
    ///
    /// As [`Keys::begin`].
    pub fn again(&self, keyed: &Keyed) -> Result<Batch> {
        let mut rows = Batch::new();
        if let Some(send) = self.sends.get(&keyed.digest) {
            rows.put(Table::Keys, keyed.digest.clone(), send)?;
        }
        Ok(rows)
    }

    /// Whether this message has a key.
    pub fn knows(&self, message_id: &str) -> bool {
        self.of_message.contains_key(message_id)
    }

    /// The table of sent messages lets go of a copy: the key remembers what became of it.
    ///
    /// # Errors
    ///
    /// As [`Keys::begin`].
    pub fn remember(&mut self, message_id: &str, fate: Delivery) -> Result<Batch> {
        let mut rows = Batch::new();
        let Some(digest) = self.of_message.get(message_id) else { return Ok(rows) };
        if let Some(send) = self.sends.get_mut(digest) {
            send.fates.retain(|known| known.to != fate.to);
            send.fates.push(fate);
            rows.put(Table::Keys, digest.clone(), send)?;
        }
        Ok(rows)
    }

    /// Forgets the keys whose time is over.
    pub fn expire(&mut self, now: Timestamp) -> Batch {
        let mut rows = Batch::new();
        while let Some((_, digest)) = self.ends.first().filter(|(until, _)| *until < now).cloned() {
            self.ends.pop_first();
            if let Some(send) = self.sends.remove(&digest) {
                self.of_message.remove(&send.message_id);
            }
            rows.delete(Table::Keys, digest);
        }
        rows
    }

    /// How many keys are kept.
    pub fn len(&self) -> usize {
        self.sends.len()
    }

    /// Whether none is kept.
    pub fn is_empty(&self) -> bool {
        self.sends.is_empty()
    }
}

/// The digest of recipients, in whatever order and however often they are named.
pub fn recipients_digest(to: &[AgentId]) -> String {
    let distinct: BTreeMap<_, ()> = to.iter().map(|agent| (*agent.as_bytes(), ())).collect();
    digest_of(distinct.keys().map(|agent| &agent[..]))
}

#[cfg(test)]
mod tests;
