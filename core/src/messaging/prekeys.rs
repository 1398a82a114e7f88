//! Our own pre-keys: making them, telling them, destroying them.
//!
//! ```text
//! rotating   made each PERIOD ── senders use it for VALIDITY ── mail in flight for OVERLAP more ── destroyed
//! one-time   made for one mailbox, which hands it out once ── destroyed with the message that used it,
//!                                                             or with its time, as above
//! ```
//!
//! Secrets are rows of [`Table::PreKeys`] and wiped in memory when dropped. A secret that opened a message leaves the disk in
//! the transaction that stores the opened message: no crash leaves both, and none loses both.

use std::{collections::BTreeMap, time::Duration};

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::{
    env::{Random, Timestamp},
    error::{Code, Error, Result},
    identity::{AgentId, Passport},
    store::{Batch, Row, Table},
    wire::{
        prekeys::{Bundle, KeyKind, KeyName, ONE_TIME_KEYS, OneTimeKey, PublicKey, Publication},
        seal,
    },
};

/// How old the rotating key gets before there is a new one.
pub const PERIOD: Duration = Duration::from_secs(86_400);
/// How long senders may use a key after it was made: so long may its owner be away before mail for it has no forward
/// secrecy any more.
pub const VALIDITY: Duration = Duration::from_secs(4 * 86_400);
/// How long a secret is kept beyond that: as long as mail lives, and an hour for clocks that differ.
pub const OVERLAP: Duration = Duration::from_secs(25 * 3600);
/// How many one-time keys a mailbox has at most to hand out.
pub const PER_MAILBOX: usize = ONE_TIME_KEYS;
/// Most secrets. Keys that were handed out and never used wait for the end of their time.
pub const MOST: usize = 500;

/// The row that says when the last bundle was issued.
const ISSUED_AT: &str = "issued_at";

/// A secret and what is known about it.
struct Secret {
    secret: Zeroizing<[u8; 32]>,
    public: PublicKey,
    made_at: Timestamp,
    valid_until: Timestamp,
}

/// The row of a secret.
#[derive(Serialize, Deserialize)]
struct Stored {
    name: KeyName,
    secret: Zeroizing<String>,
    made_at: Timestamp,
    valid_until: Timestamp,
}

/// The pre-keys of this node.
#[derive(Default)]
pub struct PreKeys {
    secrets: BTreeMap<KeyName, Secret>,
    issued_at: Timestamp,
}

fn row_key(name: &KeyName) -> String {
    format!("{} {}", name.kind.name(), name.id)
}

impl PreKeys {
    /// From the rows of the table.
    ///
    /// # Errors
    ///
    /// [`Code::StoreCorrupt`] when a row cannot be read.
    pub fn load(rows: &[Row]) -> Result<Self> {
        let mut keys = Self::default();
        for row in rows {
            if row.key == ISSUED_AT {
                keys.issued_at = row.parse(Table::PreKeys)?;
                continue;
            }
            let Stored { name, secret, made_at, valid_until } = row.parse(Table::PreKeys)?;
            let mut bytes = Zeroizing::new([0; 32]);
            hex::decode_to_slice(&*secret, &mut *bytes).map_err(|_| {
                let sentence =
                    "a pre-key of the database cannot be read; delete the row, mail for it is lost";
                Error::new(Code::StoreCorrupt, sentence).with("key", &row.key)
            })?;
            let public = PublicKey(seal::public_of(&bytes).ok_or_else(|| {
                Error::new(Code::StoreCorrupt, "a pre-key of the database is no key").with("key", &row.key)
            })?);
            keys.secrets.insert(name, Secret { secret: bytes, public, made_at, valid_until });
        }
        Ok(keys)
    }

    /// The secret of a key, to open something with.
    pub fn secret(&self, name: &KeyName) -> Option<&Zeroizing<[u8; 32]>> {
        self.secrets.get(name).map(|secret| &secret.secret)
    }

    /// How many secrets there are.
    pub fn len(&self) -> usize {
        self.secrets.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.secrets.is_empty()
    }

    /// Destroys what is too old for any mail. Returns the rows.
    pub fn tidy(&mut self, now: Timestamp) -> Batch {
        let mut rows = Batch::new();
        self.secrets.retain(|name, secret| {
            let is_kept = now <= secret.valid_until + OVERLAP;
            if !is_kept {
                rows.delete(Table::PreKeys, row_key(name));
            }
            is_kept
        });
        rows
    }

    /// Destroys a one-time key that opened a message; the others serve on. The rows belong to the batch that stores the
    /// message.
    pub fn used(&mut self, name: &KeyName) -> Batch {
        let mut rows = Batch::new();
        if name.kind == KeyKind::OneTime && self.secrets.remove(name).is_some() {
            rows.delete(Table::PreKeys, row_key(name));
        }
        rows
    }

    /// [`PreKeys::used`] for a key that memory let go of already, when the commit that should have deleted it failed.
    pub fn destroy(&mut self, name: &KeyName) -> Batch {
        let mut rows = Batch::new();
        if name.kind == KeyKind::OneTime {
            self.secrets.remove(name);
            rows.delete(Table::PreKeys, row_key(name));
        }
        rows
    }

    /// Whether the rotating key is so old that there should be a new one.
    pub fn is_due(&self, now: Timestamp) -> bool {
        self.present(now).is_none_or(|present| now.since(present.made_at) >= PERIOD)
    }

    /// The newest rotating key. One from the future, because the clock was set back, waits for its time.
    fn present(&self, now: Timestamp) -> Option<&Secret> {
        let rotating = self.secrets.iter().filter(|(name, _)| name.kind == KeyKind::Rotating);
        rotating
            .map(|(_, secret)| secret)
            .filter(|secret| secret.made_at <= now)
            .max_by_key(|secret| secret.made_at)
    }

    /// What to tell a mailbox that has `left` one-time keys: a bundle that is newer than every one before, and as many
    /// one-time keys as it lacks. The rows must be on disk before anybody is told.
    ///
    /// # Errors
    ///
    /// Only when a row has no JSON form, which cannot happen.
    pub fn publish(
        &mut self,
        mailboxes: Vec<AgentId>,
        left: usize,
        now: Timestamp,
        passport: &Passport,
        random: &dyn Random,
    ) -> Result<(Publication, Batch)> {
        let mut rows = self.tidy(now);
        let (key, valid_until) = match self.present(now) {
            Some(present) if !self.is_due(now) => (present.public, present.valid_until),
            _ => self.make(KeyKind::Rotating, now, random, &mut rows)?,
        };
        let mut one_time = Vec::new();
        while one_time.len() + left < PER_MAILBOX && self.secrets.len() < MOST {
            let (key, valid_until) = self.make(KeyKind::OneTime, now, random, &mut rows)?;
            one_time.push(OneTimeKey::sign(passport, key, valid_until));
        }
        self.issued_at = now.max(Timestamp::from_micros(self.issued_at.micros() + 1));
        rows.put(Table::PreKeys, ISSUED_AT, &self.issued_at)?;
        let bundle = Bundle::sign(passport, self.issued_at, key, valid_until, mailboxes);
        Ok((Publication { bundle, one_time }, rows))
    }

    fn make(
        &mut self,
        kind: KeyKind,
        now: Timestamp,
        random: &dyn Random,
        rows: &mut Batch,
    ) -> Result<(PublicKey, Timestamp)> {
        let (secret, public) = seal::key_pair(random);
        let (name, valid_until) = (KeyName::of(kind, &public), now + VALIDITY);
        let stored = Stored {
            name: name.clone(),
            secret: Zeroizing::new(hex::encode(*secret)),
            made_at: now,
            valid_until,
        };
        rows.put(Table::PreKeys, row_key(&name), &stored)?;
        let public = PublicKey(public);
        self.secrets.insert(name, Secret { secret, public, made_at: now, valid_until });
        Ok((public, valid_until))
    }
}

#[cfg(test)]
mod tests;
