//! The inbox: durable, at least once, bounded.
//!
//! A message is *reserved* (counted, id claimed), committed, then *confirmed*: only then does a consumer see
//! it. `next` hands it out as *leased*; `acknowledge` deletes its row. What was leased but not acknowledged
//! is handed out again after a restart, or after `release`. An acknowledgement that the disk does not take is *owed*:
//! the message is over, and its row goes when the disk works again.
//!
//! Peers, strangers and notices have their own quotas, so none of them can fill the room of the others (S16).

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    sync::Arc,
    time::Duration,
};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::types::{Filter, Message, MessageKind};
use crate::{
    env::{Moment, Timestamp},
    error::{Code, Error, Result},
    identity::AgentId,
    store::{Batch, Row, Table, sequence},
};

/// How full the inbox may get.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct InboxLimits {
    /// Messages of connected peers together. Default: 1,000.
    pub peers: usize,
    /// Messages of one connected peer. Default: 250.
    pub per_peer: usize,
    /// Messages of strangers together. Default: 50.
    pub strangers: usize,
    /// Messages of one stranger. Default: 5.
    pub per_stranger: usize,
    /// Notices of the node itself; a new one replaces the oldest, handed out or not. Default: 50.
    pub notices: usize,
    /// Content of all messages, in bytes; a quarter at most for one peer or all strangers. Default: 32 MiB.
    pub bytes: usize,
}

impl Default for InboxLimits {
    fn default() -> Self {
        Self {
            peers: 1_000,
            per_peer: 250,
            strangers: 50,
            per_stranger: 5,
            notices: 50,
            bytes: 32 * 1024 * 1024,
        }
    }
}

/// The row of the meta table that says which numbers are used up. An acknowledged message leaves no other trace
/// of its number, and a host that repeats an acknowledgement after a restart must not hit another message.
pub const NUMBERS: &str = "inbox_numbers";

/// How many numbers are claimed at a time.
const CLAIM: u64 = 1_024;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Reserved,
    /// Waits for a consumer; what was released with a delay until then for nobody.
    Queued {
        until: Option<Moment>,
    },
    Leased,
}

#[derive(Debug)]
struct Item {
    message: Arc<Message>,
    state: State,
    size: usize,
    /// Numbers below this one are claimed once the message is on disk.
    claims: Option<u64>,
}

/// The messages of a node that wait for its host.
#[derive(Debug, Default)]
pub struct Inbox {
    items: BTreeMap<u64, Item>,
    /// The numbers of what is queued: neither handing out nor counting looks at what was handed out before.
    queued: BTreeSet<u64>,
    /// How many of those are no notices.
    waiting: usize,
    next_sequence: u64,
    /// Numbers below this one count as used after a restart, whether they were or not: the disk says so.
    claimed: u64,
    bytes: usize,
    /// Messages that are over, although their rows may be there.
    owed: BTreeSet<u64>,
    /// What was handed out and is not here any more: whoever has it may still acknowledge it.
    gone: gone::Gone,
    /// When what is queued is over.
    deadlines: BTreeSet<(Timestamp, u64)>,
    /// Questions that somebody waits for the answer of, with whom was asked.
    questions: HashSet<(String, AgentId)>,
    by_kind: HashMap<MessageKind, Held>,
    by_sender: HashMap<AgentId, Held>,
}

/// How much of the room a kind or a sender holds.
#[derive(Clone, Copy, Debug, Default)]
struct Held {
    messages: usize,
    bytes: usize,
}

impl Held {
    fn add(&mut self, size: usize) {
        self.messages += 1;
        self.bytes += size;
    }

    fn remove(&mut self, size: usize) {
        self.messages -= 1;
        self.bytes -= size;
    }
}

/// The part of the bytes that one peer, or all strangers together, may hold: one in so many.
const SHARE: usize = 4;

fn size(message: &Message) -> usize {
    // What a message costs in memory beside its text, roughly.
    const OVERHEAD: usize = 512;
    let metadata = serde_json::to_string(&message.metadata).map_or(0, |text| text.len());
    let way = message.origin.as_ref().map_or(0, |origin| 1 + origin.path.len());
    message.content.len() + metadata + OVERHEAD + way * OVERHEAD
}

impl Inbox {
    /// From the rows of the inbox table, and the row [`NUMBERS`] of the meta table: everything not acknowledged
    /// is queued again.
    ///
    /// # Errors
    ///
    /// [`Code::StoreCorrupt`] when a row cannot be read.
    pub fn load(rows: &[Row], claimed: Option<&Row>) -> Result<Self> {
        let mut inbox = Self::default();
        if let Some(row) = claimed {
            inbox.claimed = row.parse(Table::Meta)?;
            inbox.next_sequence = inbox.claimed;
        }
        for row in rows {
            let message: Message = row.parse(Table::Inbox)?;
            inbox.next_sequence = inbox.next_sequence.max(message.sequence + 1);
            inbox.insert(message, State::Queued { until: None }, None);
        }
        Ok(inbox)
    }

    /// Goes on with the numbers of `before`, which consumers may still hold, and with what it owes the disk.
    pub fn succeed(&mut self, before: &Self) {
        self.next_sequence = self.next_sequence.max(before.next_sequence);
        for sequence in &before.owed {
            self.take(*sequence);
        }
        self.owed.clone_from(&before.owed);
        self.gone.clone_from(&before.gone);
        self.questions.clone_from(&before.questions);
    }

    /// Whether `filter` wants a message that nobody else waits for.
    fn suits(&self, message: &Message, filter: &Filter) -> bool {
        let is_awaited = || match &message.in_reply_to {
            Some(question) if !self.questions.is_empty() => {
                self.questions.contains(&(question.clone(), message.from))
            }
            _ => false,
        };
        filter.matches(message) && (filter.in_reply_to.is_some() || !is_awaited())
    }

    fn insert(&mut self, message: Message, state: State, claims: Option<u64>) {
        let size = size(&message);
        self.bytes += size;
        self.by_kind.entry(message.kind).or_default().add(size);
        if message.kind != MessageKind::Notice {
            self.by_sender.entry(message.from).or_default().add(size);
        }
        let sequence = message.sequence;
        self.items
            .insert(sequence, Item { message: Arc::new(message), state: State::Reserved, size, claims });
        self.move_to(sequence, state);
    }

    /// The one place where a state changes, so that the queue holds what its items say.
    fn move_to(&mut self, sequence: u64, state: State) {
        let Some(item) = self.items.get_mut(&sequence) else { return };
        item.state = state;
        let counts = usize::from(item.message.kind != MessageKind::Notice);
        let deadline = item.message.deadline().map(|deadline| (deadline, sequence));
        if let Some(deadline) = deadline {
            self.deadlines.remove(&deadline);
        }
        if matches!(state, State::Queued { .. }) {
            self.deadlines.extend(deadline);
            if self.queued.insert(sequence) {
                self.waiting += counts;
            }
        } else if self.queued.remove(&sequence) {
            self.waiting -= counts;
        }
    }

    fn take(&mut self, sequence: u64) -> Option<Item> {
        self.move_to(sequence, State::Leased);
        let item = self.items.remove(&sequence)?;
        self.bytes -= item.size;
        if let Some(held) = self.by_kind.get_mut(&item.message.kind) {
            held.remove(item.size);
        }
        if item.message.kind != MessageKind::Notice
            && let Some(held) = self.by_sender.get_mut(&item.message.from)
        {
            held.remove(item.size);
            if held.messages == 0 {
                self.by_sender.remove(&item.message.from);
            }
        }
        Some(item)
    }

    /// Makes room for `message` and returns its number and rows. The number given in it is replaced.
    ///
    /// # Errors
    ///
    /// [`Code::QueueFull`] when the quota of its kind, its sender or the bytes are used up.
    pub fn reserve(&mut self, mut message: Message, limits: &InboxLimits) -> Result<(u64, Batch)> {
        let mut rows = Batch::new();
        let of_kind = self.by_kind.get(&message.kind).copied().unwrap_or_default();
        let of_sender = self.by_sender.get(&message.from).copied().unwrap_or_default();
        // Metadata is bounded by the frame, so one message cannot overshoot by much. Who holds nothing may
        // always hold one message, however small the share.
        let size = message.content.len();
        let takes_too_much = |held: Held| held.messages > 0 && held.bytes + size > limits.bytes / SHARE;
        let full = match message.kind {
            MessageKind::Peer => {
                of_kind.messages >= limits.peers
                    || of_sender.messages >= limits.per_peer
                    || takes_too_much(of_sender)
            }
            MessageKind::Stranger => {
                of_kind.messages >= limits.strangers
                    || of_sender.messages >= limits.per_stranger
                    || takes_too_much(of_kind)
            }
            MessageKind::Notice => false,
        };
        if full || (message.kind != MessageKind::Notice && self.bytes + size > limits.bytes) {
            return Err(Error::new(Code::QueueFull, "Message queue full"));
        }
        if message.kind == MessageKind::Notice {
            // More than one goes when the limit is lower than it was.
            for _ in limits.notices..=of_kind.messages {
                rows.append(self.drop_oldest_notice());
            }
        }
        // Every message that nothing on disk has claimed a number for brings the claim along: the one before it may
        // be refused, as a duplicate for example, and its rows with it.
        let claims = (self.next_sequence >= self.claimed).then_some(self.next_sequence + CLAIM);
        if let Some(claims) = claims {
            rows.put(Table::Meta, NUMBERS, &claims)?;
        }
        message.sequence = self.next_sequence;
        self.next_sequence += 1;
        rows.put(Table::Inbox, sequence::key(message.sequence), &message)?;
        let sequence = message.sequence;
        self.insert(message, State::Reserved, claims);
        Ok((sequence, rows))
    }

    fn drop_oldest_notice(&mut self) -> Batch {
        let mut rows = Batch::new();
        let oldest = self
            .items
            .iter()
            .find(|(_, item)| item.message.kind == MessageKind::Notice)
            .map(|(sequence, item)| (*sequence, item.state));
        if let Some((sequence, state)) = oldest {
            self.take(sequence);
            if state == State::Leased {
                self.gone.replaced(sequence);
            }
            rows.delete(Table::Inbox, sequence::key(sequence));
        }
        rows
    }

    /// Shows a reserved message to consumers: its row is on disk.
    pub fn confirm(&mut self, sequence: u64) -> Option<Arc<Message>> {
        // After a recovery it may have been handed out already.
        if self.items.get(&sequence).is_some_and(|item| item.state == State::Reserved) {
            self.move_to(sequence, State::Queued { until: None });
        }
        let claims = self.items.get_mut(&sequence).and_then(|item| item.claims.take());
        self.claimed = self.claimed.max(claims.unwrap_or_default());
        self.items.get(&sequence).map(|item| Arc::clone(&item.message))
    }

    /// Adds a member to the metadata of a reserved message and returns its row. [`Inbox::confirm`] the message
    /// when that is on disk.
    ///
    /// # Errors
    ///
    /// Only when the message has no JSON form, which cannot happen.
    pub fn annotate(&mut self, sequence: u64, name: &str, value: Value) -> Result<Batch> {
        let mut rows = Batch::new();
        if let Some(item) = self.items.get_mut(&sequence).filter(|item| item.state == State::Reserved) {
            Arc::make_mut(&mut item.message).metadata.insert(name.to_owned(), value);
            rows.put(Table::Inbox, sequence::key(sequence), &*item.message)?;
        }
        Ok(rows)
    }

    /// The rows that remove a reserved message that somebody else has now. [`Inbox::forget`] it when they are
    /// on disk.
    pub fn withdraw(&self, sequence: u64) -> Batch {
        let mut rows = Batch::new();
        if self.items.get(&sequence).is_some_and(|item| item.state == State::Reserved) {
            rows.delete(Table::Inbox, sequence::key(sequence));
        }
        rows
    }

    /// Hands out the oldest message that `filter` wants; it stays leased until acknowledged or released.
    pub fn next(&mut self, filter: &Filter, now: Moment) -> Option<Message> {
        let sequence = *self.queued.iter().find(|sequence| {
            self.items.get(sequence).is_some_and(|item| {
                matches!(item.state, State::Queued { until } if until.is_none_or(|until| until <= now))
                    && self.suits(&item.message, filter)
            })
        })?;
        self.hand_out(sequence)
    }

    /// Hands out this message, when nobody has it or waits for it.
    pub fn lease(&mut self, sequence: u64) -> Option<Message> {
        let item = self.items.get(&sequence)?;
        let is_free =
            matches!(item.state, State::Queued { .. }) && self.suits(&item.message, &Filter::default());
        if is_free { self.hand_out(sequence) } else { None }
    }

    fn hand_out(&mut self, sequence: u64) -> Option<Message> {
        self.move_to(sequence, State::Leased);
        let found = self.items.get_mut(&sequence)?;
        let handed_out = Message::clone(&found.message);
        // The next hand-out of the same message says that it is a repetition.
        Arc::make_mut(&mut found.message).redeliveries += 1;
        Some(handed_out)
    }

    /// When the earliest released message becomes available again.
    pub fn next_available(&self, filter: &Filter) -> Option<Moment> {
        self.queued
            .iter()
            .filter_map(|sequence| self.items.get(sequence))
            .filter(|item| self.suits(&item.message, filter))
            .filter_map(|item| match item.state {
                State::Queued { until } => until,
                _ => None,
            })
            .min()
    }

    /// The rows that remove a handled message. It stays leased until [`Inbox::forget`], so
    /// that a failed commit loses nothing.
    ///
    /// # Errors
    ///
    /// [`Code::MessageUnknown`] when it is not here, or was acknowledged before.
    pub fn acknowledge(&mut self, sequence: u64) -> Result<Batch> {
        if self.gone.may_finish(sequence) {
            return Ok(Batch::new());
        }
        self.require_shown(sequence)?;
        self.move_to(sequence, State::Leased);
        let mut rows = Batch::new();
        rows.delete(Table::Inbox, sequence::key(sequence));
        Ok(rows)
    }

    /// Acknowledges a message whose row the disk does not let go of now. It is over, as long as this process lives.
    ///
    /// # Errors
    ///
    /// As [`Inbox::acknowledge`].
    pub fn owe(&mut self, sequence: u64) -> Result<()> {
        if self.gone.finish(sequence) {
            return Ok(());
        }
        self.require_shown(sequence)?;
        self.take(sequence);
        self.owed.insert(sequence);
        Ok(())
    }

    /// The numbers that are owed to the disk, and the rows that settle them. [`Inbox::settle`] them when those are on
    /// disk.
    pub fn owed(&self) -> (BTreeSet<u64>, Batch) {
        let mut rows = Batch::new();
        for sequence in &self.owed {
            rows.delete(Table::Inbox, sequence::key(*sequence));
        }
        (self.owed.clone(), rows)
    }

    /// The disk has let go of these.
    pub fn settle(&mut self, owed: &BTreeSet<u64>) {
        self.owed.retain(|sequence| !owed.contains(sequence));
    }

    fn require_shown(&self, sequence: u64) -> Result<&Item> {
        match self.items.get(&sequence) {
            Some(item) if item.state != State::Reserved => Ok(item),
            _ => Err(Error::new(Code::MessageUnknown, "no such message, or it was acknowledged before")
                .with("sequence", sequence)),
        }
    }

    /// Who sent a message, and what its sender calls it.
    pub fn origin(&self, sequence: u64) -> Option<(AgentId, String)> {
        let here = self.items.get(&sequence).map(|item| (item.message.from, item.message.message_id.clone()));
        here.or_else(|| self.gone.origin(sequence))
    }

    /// Removes an acknowledged or withdrawn message whose row is gone.
    pub fn forget(&mut self, sequence: u64) {
        self.gone.finish(sequence);
        self.take(sequence);
    }

    /// Returns a leased message to the queue, available again after `delay`. With `redeliveries` only the hand-out
    /// that has this number: whoever got the message since keeps it.
    pub fn release(
        &mut self,
        sequence: u64,
        redeliveries: Option<u32>,
        now: Moment,
        delay: Duration,
    ) -> bool {
        // What is kept counts the hand-out already.
        let is_meant = |held: &Message| {
            redeliveries.is_none_or(|number| held.redeliveries.checked_sub(1) == Some(number))
        };
        match self.items.get(&sequence) {
            Some(item) if item.state == State::Leased && is_meant(&item.message) => {
                self.move_to(sequence, State::Queued { until: Some(now + delay) });
                true
            }
            _ => false,
        }
    }

    /// Everything visible, oldest first, leased messages included.
    pub fn list(&self) -> Vec<Arc<Message>> {
        self.items
            .values()
            .filter(|item| item.state != State::Reserved)
            .map(|item| Arc::clone(&item.message))
            .collect()
    }

    /// How many messages wait, without notices.
    pub fn waiting(&self) -> usize {
        self.waiting
    }

    /// How many messages are here, in whatever state.
    pub fn len(&self) -> usize {
        self.items.len()
    }

    /// Whether nothing is here.
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }
}

mod answers;
mod deadlines;
mod gone;
mod passing;
pub use gone::{InHands, Place};
#[cfg(test)]
mod tests;
