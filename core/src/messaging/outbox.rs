//! The outbox: messages that wait for a peer that cannot be reached now.
//!
//! Every attempt carries the same message id, so the receiver's claim makes the delivery exactly once even
//! when an answer was lost. A message leaves the outbox when the peer took it, refused it, or it expired.
//!
//! Order: what is sent to a peer after the receipt of an earlier message for it never overtakes that one.
//! Messages sent side by side travel side by side.
//!
//! Each peer has a queue of its own, and indexes say what is due: a long queue for a peer that is gone costs the
//! others nothing.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    time::Duration,
};

use super::{delivery::Reason, types::OutboxItem};
use crate::{
    env::{Moment, Now, Timestamp},
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
    queues: BTreeMap<AgentId, Queue>,
    /// When the oldest message of each peer is tried next, unless it is under way.
    attempts: BTreeSet<(Moment, AgentId)>,
    /// When each message that is not under way expires, however many wait before it.
    expiries: BTreeSet<(Timestamp, u64)>,
    /// The copies of each message.
    messages: HashMap<String, Vec<u64>>,
    /// How many are under way.
    busy: usize,
    next_sequence: u64,
}

#[derive(Debug)]
struct Entry {
    item: OutboxItem,
    stage: Stage,
    /// When it is tried next, whatever the wall clock does until then.
    due: Moment,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// Its next attempt is planned.
    Waiting,
    /// Somebody is sending it right now, and its host waits for the outcome.
    Busy,
    /// Somebody is sending it right now, and its host was told that it waits.
    Overdue,
}

/// The messages for one peer.
#[derive(Debug, Default)]
struct Queue {
    sequences: BTreeSet<u64>,
    /// Those that a later message must not overtake: all but the busy ones.
    before_others: usize,
    /// The entry of this peer among the attempts.
    planned: Option<Moment>,
}

impl Outbox {
    /// From the rows of the outbox table. Whatever was under way when the process ended is tried again, and an attempt
    /// that is further away than any wait, because the wall clock was set back, is due.
    ///
    /// # Errors
    ///
    /// [`Code::StoreCorrupt`] when a row cannot be read.
    pub fn load(rows: &[Row], now: Now) -> Result<Self> {
        let mut outbox = Self::default();
        for row in rows {
            let item: OutboxItem = row.parse(Table::Outbox)?;
            outbox.next_sequence = outbox.next_sequence.max(item.sequence + 1);
            let wait = Some(item.next_attempt.since(now.wall)).filter(|wait| *wait <= LONGEST_WAIT);
            outbox.insert(item, Stage::Waiting, now.steady + wait.unwrap_or_default());
        }
        Ok(outbox)
    }

    /// Goes on with the numbers of `before`, whose last attempts may still be under way.
    pub fn succeed(&mut self, before: &Self) {
        self.next_sequence = self.next_sequence.max(before.next_sequence);
    }

    /// Whether one message for each of `to` fits under `limit`, which bounds those that wait and, on its own,
    /// those under way.
    ///
    /// # Errors
    ///
    /// [`Code::QueueFull`] when they do not all fit; ask before the first [`Outbox::push`].
    pub fn check_room(&self, to: &[AgentId], limit: usize) -> Result<()> {
        let now = to.iter().filter(|agent| self.sends_now(agent)).count();
        let waiting = self.items.len() - self.busy;
        if (now == 0 || self.busy + now <= limit) && (now == to.len() || waiting + to.len() - now <= limit) {
            return Ok(());
        }
        let sentence = "the outbox is full; wait for peers to return, or raise outbox_limit";
        Err(Error::new(Code::QueueFull, sentence).with("waiting", self.items.len()))
    }

    fn sends_now(&self, agent: &AgentId) -> bool {
        self.queues.get(agent).is_none_or(|queue| queue.before_others == 0)
    }

    /// Takes a message in; its number is given here. When nothing older waits for the same peer it is busy
    /// from the start, because the caller sends it at once; else it waits behind them.
    ///
    /// # Errors
    ///
    /// Only when the message has no JSON form, which cannot happen.
    pub fn push(&mut self, mut item: OutboxItem) -> Result<(u64, bool, Batch)> {
        let sends_now = self.sends_now(&item.to);
        item.sequence = self.next_sequence;
        let mut rows = Batch::new();
        rows.put(Table::Outbox, sequence::key(item.sequence), &item)?;
        self.next_sequence += 1;
        let sequence = item.sequence;
        self.insert(item, if sends_now { Stage::Busy } else { Stage::Waiting }, Moment::PAST);
        Ok((sequence, sends_now, rows))
    }

    fn insert(&mut self, item: OutboxItem, stage: Stage, due: Moment) {
        let (sequence, to) = (item.sequence, item.to);
        self.messages.entry(item.message_id.clone()).or_default().push(sequence);
        self.queues.entry(to).or_default().sequences.insert(sequence);
        self.items.insert(sequence, Entry { item, stage, due });
        self.enter(sequence);
        self.plan(&to);
    }

    /// Counts an entry by its stage.
    fn enter(&mut self, sequence: u64) {
        let Some(Entry { item, stage, .. }) = self.items.get(&sequence) else { return };
        if *stage == Stage::Waiting {
            self.expiries.insert((item.expires_at, sequence));
        } else {
            self.busy += 1;
        }
        if *stage != Stage::Busy
            && let Some(queue) = self.queues.get_mut(&item.to)
        {
            queue.before_others += 1;
        }
    }

    /// Undoes [`Outbox::enter`].
    fn leave(&mut self, sequence: u64) {
        let Some(Entry { item, stage, .. }) = self.items.get(&sequence) else { return };
        if *stage == Stage::Waiting {
            self.expiries.remove(&(item.expires_at, sequence));
        } else {
            self.busy -= 1;
        }
        if *stage != Stage::Busy
            && let Some(queue) = self.queues.get_mut(&item.to)
        {
            queue.before_others -= 1;
        }
    }

    /// Moves an entry to another stage, lets `change` change it, and plans its peer anew.
    fn move_to(&mut self, sequence: u64, stage: Stage, change: impl FnOnce(&mut Entry)) {
        self.leave(sequence);
        let Some(entry) = self.items.get_mut(&sequence) else { return };
        entry.stage = stage;
        change(entry);
        let to = entry.item.to;
        self.enter(sequence);
        self.plan(&to);
    }

    /// Plans the next attempt for a peer: its oldest message, unless that is under way.
    fn plan(&mut self, peer: &AgentId) {
        let Some(queue) = self.queues.get_mut(peer) else { return };
        if let Some(planned) = queue.planned.take() {
            self.attempts.remove(&(planned, *peer));
        }
        let Some(oldest) = queue.sequences.first().and_then(|sequence| self.items.get(sequence)) else {
            self.queues.remove(peer);
            return;
        };
        if oldest.stage == Stage::Waiting {
            queue.planned = Some(oldest.due);
            self.attempts.insert((oldest.due, *peer));
        }
    }

    /// The oldest message for each peer that is due, and everything that has expired, now marked as under way.
    /// A peer whose oldest message is under way gets no second one, so that order holds.
    pub fn due(&mut self, now: Now) -> Vec<OutboxItem> {
        let peers = self.attempts.iter().take_while(|(at, _)| *at <= now.steady);
        let oldest = peers.filter_map(|(_, peer)| self.queues.get(peer)?.sequences.first().copied());
        let expired =
            self.expiries.iter().take_while(|(at, _)| *at <= now.wall).map(|(_, sequence)| *sequence);
        let due: BTreeSet<u64> = oldest.chain(expired).collect();
        due.into_iter()
            .filter_map(|sequence| {
                self.move_to(sequence, Stage::Overdue, |_| {});
                self.items.get(&sequence).map(|entry| entry.item.clone())
            })
            .collect()
    }

    /// How long until the next message is due.
    pub fn wait(&self, now: Now) -> Option<Duration> {
        let attempt = self.attempts.first().map(|(at, _)| at.since(now.steady));
        let expiry = self.expiries.first().map(|(at, _)| at.since(now.wall));
        attempt.into_iter().chain(expiry).min()
    }

    /// A peer showed itself: the oldest message that waits for it is due now, and the others follow it.
    pub fn wake(&mut self, peer: &AgentId, now: Now) -> bool {
        let oldest = self.queues.get(peer).and_then(|queue| queue.sequences.first().copied());
        let Some(oldest) = oldest else { return false };
        let is_waiting = self.items.get(&oldest).is_some_and(|entry| entry.stage == Stage::Waiting);
        if is_waiting {
            self.move_to(oldest, Stage::Waiting, |entry| {
                entry.due = entry.due.min(now.steady);
                entry.item.next_attempt = entry.item.next_attempt.min(now.wall);
            });
        }
        is_waiting
    }

    /// The host of a message that is under way was told that it waits: what comes later waits behind it.
    pub fn overdue(&mut self, sequence: u64) {
        if self.items.get(&sequence).is_some_and(|entry| entry.stage == Stage::Busy) {
            self.move_to(sequence, Stage::Overdue, |_| {});
        }
    }

    /// Whether somebody is sending it right now.
    pub fn is_under_way(&self, sequence: u64) -> bool {
        self.items.get(&sequence).is_some_and(|entry| entry.stage != Stage::Waiting)
    }

    /// The message was accepted, refused or expired: it leaves.
    pub fn finish(&mut self, sequence: u64) -> Batch {
        let mut rows = Batch::new();
        self.leave(sequence);
        let Some(Entry { item, .. }) = self.items.remove(&sequence) else { return rows };
        rows.delete(Table::Outbox, sequence::key(sequence));
        if let Some(copies) = self.messages.get_mut(&item.message_id) {
            copies.retain(|copy| *copy != sequence);
            if copies.is_empty() {
                self.messages.remove(&item.message_id);
            }
        }
        if let Some(queue) = self.queues.get_mut(&item.to) {
            queue.sequences.remove(&sequence);
        }
        self.plan(&item.to);
        rows
    }

    /// The attempt failed for a reason that may pass: it waits, at least `hint` when the peer named a time.
    pub fn postpone(
        &mut self,
        sequence: u64,
        now: Now,
        hint: Option<Duration>,
        reason: Reason,
    ) -> Result<Batch> {
        let mut rows = Batch::new();
        self.move_to(sequence, Stage::Waiting, |Entry { item, due, .. }| {
            item.attempts = item.attempts.saturating_add(1);
            let doubled = FIRST_WAIT.saturating_mul(1 << item.attempts.saturating_sub(1).min(16));
            let wait = doubled.min(LONGEST_WAIT).max(hint.unwrap_or(Duration::ZERO).min(LONGEST_WAIT));
            item.next_attempt = now.wall + wait;
            *due = now.steady + wait;
            item.was_limited |= reason.code == Code::RateLimited.name();
            item.last_reason = Some(reason);
        });
        if let Some(entry) = self.items.get(&sequence) {
            rows.put(Table::Outbox, sequence::key(sequence), &entry.item)?;
        }
        Ok(rows)
    }

    /// Moves what lies in the future of a wall clock that was set back: a message sent after now counts as sent now
    /// and keeps the lifetime it was given, and the next attempt is named as it will come. Returns the rows.
    ///
    /// # Errors
    ///
    /// Only when a message has no JSON form, which cannot happen.
    pub fn correct(&mut self, now: Now) -> Result<Batch> {
        let is_ahead = |entry: &Entry| {
            let OutboxItem { created_at, next_attempt, .. } = entry.item;
            entry.stage == Stage::Waiting && (created_at > now.wall || next_attempt > now.wall + LONGEST_WAIT)
        };
        let ahead: Vec<u64> =
            self.items.iter().filter(|(_, entry)| is_ahead(entry)).map(|(sequence, _)| *sequence).collect();
        let mut rows = Batch::new();
        for sequence in ahead {
            self.move_to(sequence, Stage::Waiting, |Entry { item, due, .. }| {
                let ahead = item.created_at.since(now.wall);
                item.created_at = item.created_at - ahead;
                item.expires_at = item.expires_at - ahead;
                item.next_attempt = now.wall + due.since(now.steady);
            });
            if let Some(entry) = self.items.get(&sequence) {
                rows.put(Table::Outbox, sequence::key(sequence), &entry.item)?;
            }
        }
        Ok(rows)
    }

    /// The copies of one message that still wait.
    pub fn of_message(&self, message_id: &str) -> Vec<OutboxItem> {
        let copies = self.messages.get(message_id).into_iter().flatten();
        copies.filter_map(|sequence| self.items.get(sequence)).map(|entry| entry.item.clone()).collect()
    }

    /// Peers whose oldest message was tried in vain and is older than `since`.
    pub fn patient(&self, since: Timestamp) -> Vec<AgentId> {
        let oldest = |queue: &Queue| self.items.get(queue.sequences.first()?).map(|entry| &entry.item);
        let is_patient = |item: &OutboxItem| item.attempts > 0 && item.created_at <= since;
        self.queues
            .iter()
            .filter(|(_, queue)| oldest(queue).is_some_and(is_patient))
            .map(|(peer, _)| *peer)
            .collect()
    }

    /// The oldest `limit` messages for a peer.
    pub fn queue(&self, peer: &AgentId, limit: usize) -> Vec<OutboxItem> {
        let sequences = self.queues.get(peer).into_iter().flat_map(|queue| &queue.sequences);
        let items = sequences.filter_map(|sequence| self.items.get(sequence));
        items.map(|entry| entry.item.clone()).take(limit).collect()
    }

    /// The copy of a message for a peer, unless it is under way: then its own attempt tells what becomes of it.
    pub fn waiting(&self, message_id: &str, peer: &AgentId) -> Option<&OutboxItem> {
        let sequences = self.messages.get(message_id)?;
        let mut entries = sequences.iter().filter_map(|sequence| self.items.get(sequence));
        let found = entries.find(|entry| entry.item.to == *peer && entry.stage == Stage::Waiting);
        found.map(|entry| &entry.item)
    }

    /// Everything that waits, oldest first.
    pub fn list(&self) -> Vec<OutboxItem> {
        self.items.values().map(|entry| entry.item.clone()).collect()
    }

    /// Everything for one peer leaves: it was disconnected.
    pub fn drop_peer(&mut self, peer: &AgentId) -> (Vec<OutboxItem>, Batch) {
        let sequences: Vec<u64> =
            self.queues.get(peer).into_iter().flat_map(|queue| queue.sequences.iter().copied()).collect();
        let (mut dropped, mut rows) = (Vec::new(), Batch::new());
        for sequence in sequences {
            dropped.extend(self.items.get(&sequence).map(|entry| entry.item.clone()));
            rows.append(self.finish(sequence));
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
mod tests;
