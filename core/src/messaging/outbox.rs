//! The outbox: messages that wait for a peer that cannot be reached now.
//!
//! Every attempt carries the same message id, so the receiver's claim makes the delivery exactly once even
//! when an answer was lost. Per peer the order of sending is kept. A message leaves the outbox when the peer
//! took it, refused it, or it expired.

use std::{collections::BTreeMap, time::Duration};

use super::types::{OutboxItem, Reason};
use crate::{
    env::Timestamp,
    error::{Code, Error, Result},
    identity::AgentId,
    store::{Batch, Row, Table, sequence},
};

/// The first wait after a failed attempt.
const FIRST_WAIT: Duration = Duration::from_secs(1);
/// The longest wait between attempts; a sign of life of the peer cuts it short.
const LONGEST_WAIT: Duration = Duration::from_secs(300);

/// The waiting messages of a node.
#[derive(Debug, Default)]
pub struct Outbox {
    items: BTreeMap<u64, Entry>,
    next_sequence: u64,
}

#[derive(Debug)]
struct Entry {
    item: OutboxItem,
    /// Somebody is sending it right now.
    busy: bool,
}

impl Outbox {
    /// From the rows of the outbox table. Whatever was under way when the process ended is tried again.
    ///
    /// # Errors
    ///
    /// [`Code::StoreCorrupt`] when a row cannot be read.
    pub fn load(rows: &[Row]) -> Result<Self> {
        let mut outbox = Self::default();
        for row in rows {
            let item: OutboxItem = row.parse(Table::Outbox)?;
            outbox.next_sequence = outbox.next_sequence.max(item.sequence + 1);
            outbox.items.insert(item.sequence, Entry { item, busy: false });
        }
        Ok(outbox)
    }

    /// Whether `more` messages fit under `limit`.
    ///
    /// # Errors
    ///
    /// [`Code::QueueFull`] when they do not.
    pub fn check_room(&self, more: usize, limit: usize) -> Result<()> {
        if self.items.len().saturating_add(more) <= limit {
            return Ok(());
        }
        let sentence = "the outbox is full; wait for peers to return, or raise outbox_limit";
        Err(Error::new(Code::QueueFull, sentence).with("waiting", self.items.len()))
    }

    /// Takes a message in; its number is given here. When nothing older waits for the same peer it is busy
    /// from the start, because the caller sends it at once; else it waits behind them.
    ///
    /// # Errors
    ///
    /// Only when the message has no JSON form, which cannot happen.
    pub fn push(&mut self, mut item: OutboxItem) -> Result<(u64, bool, Batch)> {
        let first = !self.items.values().any(|entry| entry.item.to == item.to && !entry.busy);
        item.sequence = self.next_sequence;
        self.next_sequence += 1;
        let mut rows = Batch::new();
        rows.put(Table::Outbox, sequence::key(item.sequence), &item)?;
        let sequence = item.sequence;
        self.items.insert(sequence, Entry { item, busy: first });
        Ok((sequence, first, rows))
    }

    /// The oldest message for each peer that is due, now marked busy. A peer with a busy message gets no
    /// second one, so that order holds.
    pub fn due(&mut self, now: Timestamp) -> Vec<OutboxItem> {
        let mut seen = std::collections::BTreeSet::new();
        let mut due = Vec::new();
        for entry in self.items.values_mut() {
            if !seen.insert(entry.item.to) {
                continue;
            }
            if !entry.busy && (entry.item.next_attempt <= now || entry.item.expires_at <= now) {
                entry.busy = true;
                due.push(entry.item.clone());
            }
        }
        due
    }

    /// When the next message is due.
    pub fn next_due(&self) -> Option<Timestamp> {
        let mut seen = std::collections::BTreeSet::new();
        self.items
            .values()
            .filter(|entry| seen.insert(entry.item.to) && !entry.busy)
            .map(|entry| entry.item.next_attempt.min(entry.item.expires_at))
            .min()
    }

    /// A peer showed itself: what waits for it is due now.
    pub fn wake(&mut self, peer: &AgentId, now: Timestamp) -> bool {
        let mut any = false;
        for entry in self.items.values_mut().filter(|entry| entry.item.to == *peer && !entry.busy) {
            entry.item.next_attempt = entry.item.next_attempt.min(now);
            any = true;
        }
        any
    }

    /// The message was accepted, refused or expired: it leaves.
    pub fn finish(&mut self, sequence: u64) -> Batch {
        let mut rows = Batch::new();
        if self.items.remove(&sequence).is_some() {
            rows.delete(Table::Outbox, sequence::key(sequence));
        }
        rows
    }

    /// The attempt failed for a reason that may pass: it waits, at least `hint` when the peer named a time.
    pub fn postpone(
        &mut self,
        sequence: u64,
        now: Timestamp,
        hint: Option<Duration>,
        reason: Reason,
    ) -> Result<Batch> {
        let mut rows = Batch::new();
        if let Some(entry) = self.items.get_mut(&sequence) {
            entry.busy = false;
            let item = &mut entry.item;
            item.attempts = item.attempts.saturating_add(1);
            let doubled = FIRST_WAIT.saturating_mul(1 << item.attempts.saturating_sub(1).min(16));
            let wait = doubled.min(LONGEST_WAIT).max(hint.unwrap_or(Duration::ZERO).min(LONGEST_WAIT));
            item.next_attempt = now + wait;
            item.last_reason = Some(reason);
            rows.put(Table::Outbox, sequence::key(sequence), item)?;
        }
        Ok(rows)
    }

    /// Gives a busy message back without judging: its attempt was cut off.
    pub fn abandon(&mut self, sequence: u64) {
        if let Some(entry) = self.items.get_mut(&sequence) {
            entry.busy = false;
        }
    }

    /// The copies of one message that still wait.
    pub fn of_message(&self, message_id: &str) -> Vec<OutboxItem> {
        self.items
            .values()
            .filter(|entry| entry.item.message_id == message_id)
            .map(|e| e.item.clone())
            .collect()
    }

    /// Everything that waits, oldest first.
    pub fn list(&self) -> Vec<OutboxItem> {
        self.items.values().map(|entry| entry.item.clone()).collect()
    }

    /// Everything for one peer leaves: it was disconnected.
    pub fn drop_peer(&mut self, peer: &AgentId) -> (Vec<OutboxItem>, Batch) {
        let dropped: Vec<_> = self
            .items
            .values()
            .filter(|entry| entry.item.to == *peer)
            .map(|entry| entry.item.clone())
            .collect();
        let mut rows = Batch::new();
        for item in &dropped {
            rows.append(self.finish(item.sequence));
        }
        (dropped, rows)
    }

    /// How many messages wait.
    pub fn len(&self) -> usize {
        self.items.len()
    }

    /// Whether nothing waits.
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_seconds(100);

    fn item(to: u8, text: &str) -> OutboxItem {
        OutboxItem {
            sequence: 0,
            message_id: text.to_owned(),
            to: AgentId::from_bytes([to; 32]),
            content: text.to_owned(),
            metadata: serde_json::Map::new(),
            in_reply_to: None,
            hops: 10,
            created_at: NOW,
            expires_at: NOW + Duration::from_secs(60),
            attempts: 0,
            next_attempt: NOW,
            last_reason: None,
        }
    }

    fn reason() -> Reason {
        Reason::new(Code::Unreachable, "no answer")
    }

    #[test]
    fn the_order_per_peer_is_kept() {
        let mut outbox = Outbox::default();
        let (first, sends_now, _) = outbox.push(item(1, "a")).unwrap();
        assert!(sends_now);
        outbox.postpone(first, NOW, None, reason()).unwrap();
        let (_, sends_now, _) = outbox.push(item(1, "b")).unwrap();
        assert!(!sends_now, "something older waits");
        assert!(outbox.due(NOW).is_empty());
        let later = NOW + Duration::from_secs(1);
        assert_eq!(outbox.due(later).iter().map(|i| i.content.as_str()).collect::<Vec<_>>(), ["a"]);
        assert!(outbox.due(later).is_empty(), "b waits for a");
        outbox.finish(first);
        assert_eq!(outbox.due(later).iter().map(|i| i.content.as_str()).collect::<Vec<_>>(), ["b"]);
    }

    #[test]
    fn waits_double_up_to_a_bound_and_respect_the_peers_hint() {
        let mut outbox = Outbox::default();
        let (sequence, ..) = outbox.push(item(1, "a")).unwrap();
        let mut waits = Vec::new();
        for _ in 0..12 {
            outbox.postpone(sequence, NOW, None, reason()).unwrap();
            waits.push(outbox.list()[0].next_attempt.since(NOW).as_secs());
        }
        assert_eq!(waits, [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300, 300]);
        outbox.postpone(sequence, NOW, Some(Duration::from_secs(9999)), reason()).unwrap();
        assert_eq!(outbox.list()[0].next_attempt.since(NOW), LONGEST_WAIT);
    }

    #[test]
    fn a_sign_of_life_makes_the_message_due_and_expiry_too() {
        let mut outbox = Outbox::default();
        let (sequence, ..) = outbox.push(item(1, "a")).unwrap();
        for _ in 0..9 {
            outbox.postpone(sequence, NOW, None, reason()).unwrap();
        }
        assert_eq!(outbox.next_due(), Some(NOW + Duration::from_secs(60)), "it expires before it is tried");
        assert!(outbox.wake(&AgentId::from_bytes([1; 32]), NOW));
        assert_eq!(outbox.due(NOW).len(), 1);
    }

    #[test]
    fn a_full_outbox_refuses_and_says_what_to_do() {
        let mut outbox = Outbox::default();
        outbox.push(item(1, "a")).unwrap();
        outbox.check_room(1, 2).unwrap();
        assert_eq!(outbox.check_room(2, 2).unwrap_err().code(), Code::QueueFull);
    }
}
