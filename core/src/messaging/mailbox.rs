//! Mail that this node keeps for others: bounded, on disk, handed over in order, deleted with the recipient's word.
//!
//! Memory holds who wrote to whom and how much; the sealed bodies stay on disk until they are handed over.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    env::Timestamp,
    error::{Code, Error, Result},
    identity::AgentId,
    store::{Batch, Row, Table, sequence},
    wire::mail::KeptMessage,
};

/// Most messages, and most bytes, from one sender.
pub const PER_SENDER: Quota = Quota { messages: 200, bytes: 4 * 1024 * 1024 };
/// Most messages, and most bytes, for one recipient.
pub const PER_RECIPIENT: Quota = Quota { messages: 1_000, bytes: 16 * 1024 * 1024 };
/// Most messages, and most bytes, in all.
pub const TOTAL: Quota = Quota { messages: 10_000, bytes: 64 * 1024 * 1024 };

/// How much may be kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quota {
    /// How many messages.
    pub messages: usize,
    /// How many bytes of their sealed bodies.
    pub bytes: usize,
}

/// How much is kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct MailboxStatus {
    /// Whether this node keeps mail for others: the setting `mailbox`.
    pub offered: bool,
    /// How many agents left their pre-keys here, so that mail for them is kept.
    pub recipients: usize,
    /// How many one-time keys of theirs are left here.
    pub one_time_keys: usize,
    /// How many messages are kept, at most 10,000.
    pub messages: usize,
    /// How many bytes their sealed bodies have, at most 67,108,864.
    pub bytes: usize,
}

/// What is known of a kept message without its body.
#[derive(Clone, Debug, PartialEq)]
pub struct Kept {
    /// Its place in the order of arrival.
    pub sequence: u64,
    /// Who sent it.
    pub from: AgentId,
    /// For whom.
    pub to: AgentId,
    /// Its id.
    pub message_id: String,
    /// The size of its sealed body.
    pub bytes: usize,
    /// When it is over.
    pub expires_at: Timestamp,
}

/// The row of a kept message.
#[derive(Serialize, Deserialize)]
struct Stored {
    sequence: u64,
    mail: KeptMessage,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Used {
    messages: usize,
    bytes: usize,
}

impl Used {
    fn fits(self, bytes: usize, quota: Quota) -> bool {
        self.messages < quota.messages && self.bytes + bytes <= quota.bytes
    }
}

/// The mail.
#[derive(Debug, Default)]
pub struct Mailbox {
    kept: BTreeMap<u64, Kept>,
    by_message: HashMap<(AgentId, AgentId, String), u64>,
    for_recipient: BTreeMap<AgentId, BTreeSet<u64>>,
    expiries: BTreeSet<(Timestamp, u64)>,
    senders: HashMap<AgentId, Used>,
    recipients: HashMap<AgentId, Used>,
    total: Used,
    next_sequence: u64,
}

impl Mailbox {
    /// From the rows of the table.
    ///
    /// # Errors
    ///
    /// [`Code::StoreCorrupt`] when a row cannot be read.
    pub fn load(rows: &[Row]) -> Result<Self> {
        let mut mailbox = Self::default();
        for row in rows {
            let Stored { sequence, mail } = row.parse(Table::Mailbox)?;
            mailbox.next_sequence = mailbox.next_sequence.max(sequence + 1);
            mailbox.insert(sequence, &mail);
        }
        Ok(mailbox)
    }

    /// Goes on with the numbers of `before`, which may still be handed over.
    pub fn succeed(&mut self, before: &Self) {
        self.next_sequence = self.next_sequence.max(before.next_sequence);
    }

    /// The message in a row.
    ///
    /// # Errors
    ///
    /// [`Code::StoreCorrupt`] when the row cannot be read.
    pub fn read(sequence: u64, value: String) -> Result<KeptMessage> {
        let row = Row { key: sequence::key(sequence), value };
        row.parse::<Stored>(Table::Mailbox).map(|stored| stored.mail)
    }

    /// Keeps a message. One that the sender sealed anew takes the place of its earlier copy. Returns the rows.
    ///
    /// # Errors
    ///
    /// [`Code::QueueFull`] when the sender, the recipient or everybody together has too much here.
    pub fn put(&mut self, mail: &KeptMessage) -> Result<Batch> {
        let name = (mail.from, mail.to, mail.message_id.clone());
        let earlier = self.by_message.get(&name).and_then(|sequence| self.kept.get(sequence)).cloned();
        if let Some(earlier) = &earlier {
            self.drop_from_memory(earlier.sequence);
        }
        let bytes = mail.sealed.ciphertext.len();
        let of = |used: &HashMap<AgentId, Used>, agent| used.get(agent).copied().unwrap_or_default();
        let full = if !of(&self.senders, &mail.from).fits(bytes, PER_SENDER) {
            Some("this mailbox keeps enough mail of this sender")
        } else if !of(&self.recipients, &mail.to).fits(bytes, PER_RECIPIENT) {
            Some("this mailbox keeps enough mail for this recipient")
        } else if !self.total.fits(bytes, TOTAL) {
            Some("this mailbox is full")
        } else {
            None
        };
        if let Some(sentence) = full {
            if let Some(earlier) = earlier {
                self.enter(earlier);
            }
            return Err(Error::new(Code::QueueFull, sentence));
        }
        let sequence = earlier.map_or(self.next_sequence, |earlier| earlier.sequence);
        self.next_sequence = self.next_sequence.max(sequence + 1);
        let mut rows = Batch::new();
        rows.put(Table::Mailbox, sequence::key(sequence), &Stored { sequence, mail: mail.clone() })?;
        self.insert(sequence, mail);
        Ok(rows)
    }

    fn insert(&mut self, sequence: u64, mail: &KeptMessage) {
        self.enter(Kept {
            sequence,
            from: mail.from,
            to: mail.to,
            message_id: mail.message_id.clone(),
            bytes: mail.sealed.ciphertext.len(),
            expires_at: mail.expires_at,
        });
    }

    fn enter(&mut self, kept: Kept) {
        let add = |used: &mut Used| {
            used.messages += 1;
            used.bytes += kept.bytes;
        };
        add(self.senders.entry(kept.from).or_default());
        add(self.recipients.entry(kept.to).or_default());
        add(&mut self.total);
        self.by_message.insert((kept.from, kept.to, kept.message_id.clone()), kept.sequence);
        self.for_recipient.entry(kept.to).or_default().insert(kept.sequence);
        self.expiries.insert((kept.expires_at, kept.sequence));
        self.kept.insert(kept.sequence, kept);
    }

    fn drop_from_memory(&mut self, sequence: u64) -> Option<Kept> {
        let kept = self.kept.remove(&sequence)?;
        let subtract = |used: &mut HashMap<AgentId, Used>, agent: &AgentId| {
            if let Some(used) = used.get_mut(agent) {
                used.messages -= 1;
                used.bytes -= kept.bytes;
            }
            used.retain(|_, used| used.messages > 0);
        };
        subtract(&mut self.senders, &kept.from);
        subtract(&mut self.recipients, &kept.to);
        self.total.messages -= 1;
        self.total.bytes -= kept.bytes;
        self.by_message.remove(&(kept.from, kept.to, kept.message_id.clone()));
        self.expiries.remove(&(kept.expires_at, sequence));
        if let Some(queue) = self.for_recipient.get_mut(&kept.to) {
            queue.remove(&sequence);
            if queue.is_empty() {
                self.for_recipient.remove(&kept.to);
            }
        }
        Some(kept)
    }

    /// The oldest message for `to` that comes after the place `after`.
    pub fn next_for(&self, to: &AgentId, after: Option<u64>) -> Option<&Kept> {
        let queue = self.for_recipient.get(to)?;
        let from = after.map_or(0, |after| after + 1);
        queue.range(from..).next().and_then(|sequence| self.kept.get(sequence))
    }

    /// For whom there is mail.
    pub fn recipients(&self) -> impl Iterator<Item = &AgentId> {
        self.for_recipient.keys()
    }

    /// Lets go of a message: its recipient said so. Returns the rows.
    pub fn remove(&mut self, sequence: u64) -> Batch {
        let mut rows = Batch::new();
        if self.drop_from_memory(sequence).is_some() {
            rows.delete(Table::Mailbox, sequence::key(sequence));
        }
        rows
    }

    /// Lets go of everything that is over at `now`.
    pub fn tidy(&mut self, now: Timestamp) -> Batch {
        let over: Vec<u64> =
            self.expiries.iter().take_while(|(at, _)| *at < now).map(|(_, sequence)| *sequence).collect();
        let mut rows = Batch::new();
        for sequence in over {
            rows.append(self.remove(sequence));
        }
        rows
    }

    /// Lets go of all mail for an agent and of all mail of it: it is not connected any more, or blocked.
    pub fn part(&mut self, agent: &AgentId) -> Batch {
        let of: Vec<u64> = self
            .kept
            .values()
            .filter(|kept| kept.to == *agent || kept.from == *agent)
            .map(|kept| kept.sequence)
            .collect();
        let mut rows = Batch::new();
        for sequence in of {
            rows.append(self.remove(sequence));
        }
        rows
    }

    /// How many messages are kept, and how many bytes.
    pub fn used(&self) -> (usize, usize) {
        (self.total.messages, self.total.bytes)
    }
}

#[cfg(test)]
mod tests;
