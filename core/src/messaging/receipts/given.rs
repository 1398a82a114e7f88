//! What we told senders about their messages, and what they have not heard yet.
//!
//! An entry begins with the commit that takes the message and goes on with the commit that ends it, so a crash forgets
//! neither. In between, that a message was handed out is known to memory alone: it is handed out again after a crash.
//!
//! What is new is told to each sender in the order of arrival, many receipts in one frame, one frame at a time. A sender
//! that cannot be reached hears of it when it shows itself.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    time::Duration,
};

use serde::{Deserialize, Serialize};

use crate::{
    env::{Moment, Now, Timestamp},
    error::Result,
    identity::AgentId,
    messaging::claims,
    store::{Batch, Row, Table},
    wire::{
        limits,
        receipt::{ReceiptState, Statement},
    },
};

/// How many receipts are kept after their message is over and its sender knows it.
const KEPT: usize = 1_000;
/// How many are kept when senders cannot be reached.
const UNTOLD: usize = 10_000;
/// How long the news that a message was handed out waits for the better news that it was handled.
const PATIENCE: Duration = Duration::from_millis(25);
/// The first and the longest wait after a sender could not be told; a sign of life of it cuts the wait short.
const FIRST_WAIT: Duration = Duration::from_secs(1);
const LONGEST_WAIT: Duration = Duration::from_secs(300);
/// How long a sender is told of something: as long as any outbox of ours waits for a peer.
const NEWS: Duration = Duration::from_secs(86_400);

/// One receipt, as stored.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Entry {
    /// The order of arrival.
    sequence: u64,
    #[serde(flatten)]
    statement: Statement,
    /// The furthest state that the sender was told.
    told: ReceiptState,
    /// Whether the message has left the inbox.
    is_over: bool,
    /// Its end is not on the disk yet, so nobody is told of it.
    #[serde(skip)]
    is_held: bool,
    /// Since when its author wants it back that the host has in its hands: on the disk it is over already.
    #[serde(skip)]
    recalled_at: Option<Timestamp>,
}

impl Entry {
    fn is_news(&self) -> bool {
        self.statement.state > self.told && !self.is_held
    }
}

/// What one sender has to be told.
#[derive(Debug, Default)]
struct News {
    entries: BTreeSet<u64>,
    /// When; nothing while a frame is under way.
    due: Option<Moment>,
    is_busy: bool,
    failures: u32,
}

/// The receipts this node gave.
#[derive(Debug, Default)]
pub struct Given {
    entries: BTreeMap<u64, Entry>,
    by_message: HashMap<(AgentId, String), u64>,
    news: BTreeMap<AgentId, News>,
    over: BTreeSet<u64>,
    /// Told since the rows were written.
    untold_rows: BTreeSet<u64>,
    next_sequence: u64,
}

fn key(statement: &Statement) -> String {
    claims::key(&statement.from, &statement.message_id)
}

impl Given {
    /// From the rows of the table. Senders are told again what the disk does not know they heard.
    ///
    /// # Errors
    ///
    /// [`crate::error::Code::StoreCorrupt`] when a row cannot be read.
    pub fn load(rows: &[Row], now: Moment) -> Result<Self> {
        let mut given = Self::default();
        for row in rows {
            let entry: Entry = row.parse(Table::Given)?;
            given.insert(entry, now);
        }
        Ok(given)
    }

    /// Goes on with what `before` knows beyond the disk.
    pub fn succeed(&mut self, before: &Self, now: Moment) {
        self.next_sequence = self.next_sequence.max(before.next_sequence);
        for entry in before.entries.values() {
            if let Some(mine) = self.find(&entry.statement.from, &entry.statement.message_id) {
                let mine = self.entries.get_mut(&mine).expect("found by its number");
                mine.told = mine.told.max(entry.told);
                // The disk says how it ends unless the host, which has it, says otherwise.
                if entry.recalled_at.is_some() {
                    *mine = Entry { told: mine.told, ..entry.clone() };
                    self.over.remove(&mine.sequence);
                }
                if entry.statement.state > mine.statement.state {
                    mine.statement = entry.statement.clone();
                    mine.is_held = entry.is_held;
                    mine.is_over |= entry.is_over;
                }
                let sequence = mine.sequence;
                self.announce(sequence, now);
            }
        }
    }

    fn insert(&mut self, entry: Entry, now: Moment) {
        let sequence = entry.sequence;
        self.next_sequence = self.next_sequence.max(sequence + 1);
        self.by_message.insert((entry.statement.from, entry.statement.message_id.clone()), sequence);
        if entry.is_over {
            self.over.insert(sequence);
        }
        self.entries.insert(sequence, entry);
        self.announce(sequence, now);
    }

    fn find(&self, from: &AgentId, message_id: &str) -> Option<u64> {
        self.by_message.get(&(*from, message_id.to_owned())).copied()
    }

    fn remove(&mut self, sequence: u64) -> Option<Entry> {
        let entry = self.entries.remove(&sequence)?;
        self.by_message.remove(&(entry.statement.from, entry.statement.message_id.clone()));
        self.over.remove(&sequence);
        self.untold_rows.remove(&sequence);
        if let Some(news) = self.news.get_mut(&entry.statement.from) {
            news.entries.remove(&sequence);
        }
        Some(entry)
    }

    /// Plans to tell the sender, from `at` on, unless there is no news.
    fn announce(&mut self, sequence: u64, at: Moment) {
        let Some(entry) = self.entries.get(&sequence).filter(|entry| entry.is_news()) else { return };
        let news = self.news.entry(entry.statement.from).or_default();
        news.entries.insert(sequence);
        // A sender that could not be told has its own time.
        if !news.is_busy && news.failures == 0 {
            news.due = Some(news.due.map_or(at, |due| due.min(at)));
        } else if !news.is_busy {
            news.due.get_or_insert(at);
        }
    }

    /// A message is taken, in the batch that gets these rows. Nothing when it was taken before: then that batch is refused.
    ///
    /// # Errors
    ///
    /// Only when the entry has no JSON form, which cannot happen.
    pub fn accept(
        &mut self,
        from: AgentId,
        message_id: &str,
        digest: String,
        now: Now,
    ) -> Result<Option<Batch>> {
        if self.find(&from, message_id).is_some() {
            return Ok(None);
        }
        let statement = Statement {
            message_id: message_id.to_owned(),
            from,
            state: ReceiptState::Accepted,
            at: now.wall,
            digest,
            reply_id: None,
        };
        let entry = Entry {
            sequence: self.next_sequence,
            statement,
            told: ReceiptState::Accepted,
            is_over: false,
            is_held: false,
            recalled_at: None,
        };
        let mut rows = Batch::new();
        rows.put(Table::Given, key(&entry.statement), &entry)?;
        self.insert(entry, now.steady);
        Ok(Some(rows))
    }

    /// The batch with the message was refused.
    pub fn retract(&mut self, from: &AgentId, message_id: &str) {
        if let Some(sequence) = self.find(from, message_id) {
            self.remove(sequence);
        }
    }

    /// What is said about a message now.
    pub fn statement(&self, from: &AgentId, message_id: &str) -> Option<Statement> {
        let entry = self.entries.get(&self.find(from, message_id)?)?;
        (!entry.is_held).then(|| entry.statement.clone())
    }

    /// A message was handed to the host. Returns whether its sender will be told.
    pub fn delivered(&mut self, from: &AgentId, message_id: &str, now: Now) -> bool {
        let Some(sequence) = self.rise(from, message_id, ReceiptState::Delivered, now.wall) else {
            return false;
        };
        self.announce(sequence, now.steady + PATIENCE);
        true
    }

    /// The host acknowledged a message, in the batch that gets these rows. Nobody is told before [`Given::confirm`].
    ///
    /// # Errors
    ///
    /// As [`Given::accept`].
    pub fn handled(&mut self, from: &AgentId, message_id: &str, now: Timestamp) -> Result<Batch> {
        self.end(from, message_id, ReceiptState::Handled, now)
    }

    fn end(
        &mut self,
        from: &AgentId,
        message_id: &str,
        state: ReceiptState,
        now: Timestamp,
    ) -> Result<Batch> {
        let mut rows = Batch::new();
        let Some(sequence) = self.find(from, message_id) else { return Ok(rows) };
        let is_news = self.rise(from, message_id, state, now).is_some();
        if let Some(entry) = self.entries.get_mut(&sequence) {
            entry.is_over = true;
            entry.recalled_at = None;
            entry.is_held |= is_news;
            rows.put(Table::Given, key(&entry.statement), &Entry { is_held: false, ..entry.clone() })?;
        }
        rows.append(self.trim());
        Ok(rows)
    }

    /// The deadline of a message passed before the host had it, in the batch that gets these rows. Nobody is told before
    /// [`Given::confirm`].
    ///
    /// # Errors
    ///
    /// As [`Given::accept`].
    pub fn expired(&mut self, from: &AgentId, message_id: &str, now: Timestamp) -> Result<Batch> {
        let mut rows = Batch::new();
        let Some(sequence) = self.find(from, message_id) else { return Ok(rows) };
        if let Some(entry) = self.entries.get_mut(&sequence) {
            // Whoever answered or handled it before gave it back in vain: that stays said.
            if entry.statement.state <= ReceiptState::Delivered {
                entry.statement.state = ReceiptState::Expired;
                entry.statement.at = now;
                entry.is_held = true;
            }
            entry.is_over = true;
            rows.put(Table::Given, key(&entry.statement), &Entry { is_held: false, ..entry.clone() })?;
        }
        rows.append(self.trim());
        Ok(rows)
    }

    /// The disk has what [`Given::handled`] or [`Given::expired`] said. Returns whether the sender will be told.
    pub fn confirm(&mut self, from: &AgentId, message_id: &str, now: Moment) -> bool {
        let Some(sequence) = self.find(from, message_id) else { return false };
        self.let_go(sequence, now);
        true
    }

    fn let_go(&mut self, sequence: u64, now: Moment) {
        if let Some(entry) = self.entries.get_mut(&sequence) {
            entry.is_held = false;
            self.over.insert(sequence);
            self.announce(sequence, now);
        }
    }

    /// A message left the inbox without being handled, in the batch that gets these rows: others have it now.
    ///
    /// # Errors
    ///
    /// As [`Given::accept`].
    pub fn passed_on(&mut self, from: &AgentId, message_id: &str) -> Result<Batch> {
        let mut rows = Batch::new();
        let Some(sequence) = self.find(from, message_id) else { return Ok(rows) };
        if let Some(entry) = self.entries.get_mut(&sequence) {
            entry.is_over = true;
            rows.put(Table::Given, key(&entry.statement), entry)?;
        }
        self.over.insert(sequence);
        rows.append(self.trim());
        Ok(rows)
    }

    /// The rows of everything that is held. [`Given::release`] it when they are on disk.
    ///
    /// # Errors
    ///
    /// As [`Given::accept`].
    pub fn held(&self) -> Result<Batch> {
        let mut rows = Batch::new();
        for entry in self.entries.values().filter(|entry| entry.is_held) {
            rows.put(Table::Given, key(&entry.statement), &Entry { is_held: false, ..entry.clone() })?;
        }
        Ok(rows)
    }

    /// What was held is on disk.
    pub fn release(&mut self, now: Moment) {
        let held: Vec<u64> =
            self.entries.values().filter(|entry| entry.is_held).map(|entry| entry.sequence).collect();
        for sequence in held {
            self.let_go(sequence, now);
        }
    }

    /// The host answered a message, and its sender has the answer. Returns the rows.
    ///
    /// # Errors
    ///
    /// As [`Given::accept`].
    pub fn answered(&mut self, from: &AgentId, message_id: &str, reply_id: &str, now: Now) -> Result<Batch> {
        let mut rows = Batch::new();
        let Some(sequence) = self.rise(from, message_id, ReceiptState::Answered, now.wall) else {
            return Ok(rows);
        };
        if let Some(entry) = self.entries.get_mut(&sequence) {
            entry.statement.reply_id = Some(reply_id.to_owned());
            if !entry.is_held {
                rows.put(Table::Given, key(&entry.statement), entry)?;
            }
        }
        self.announce(sequence, now.steady);
        Ok(rows)
    }

    fn rise(&mut self, from: &AgentId, message_id: &str, state: ReceiptState, at: Timestamp) -> Option<u64> {
        let sequence = self.find(from, message_id)?;
        let entry = self.entries.get_mut(&sequence)?;
        if state <= entry.statement.state {
            return None;
        }
        entry.statement.state = state;
        entry.statement.at = at;
        Some(sequence)
    }

    /// What is to be told now: for each sender one frame, which is under way until [`Given::told`] or
    /// [`Given::postpone`].
    pub fn due(&mut self, now: Now) -> Vec<(AgentId, Vec<Statement>)> {
        let mut frames = Vec::new();
        for (agent, news) in &mut self.news {
            if news.due.is_none_or(|due| due > now.steady) {
                continue;
            }
            let (mut statements, mut stale) = (Vec::new(), Vec::new());
            for sequence in &news.entries {
                // What is held is announced again when the disk has it.
                let Some(entry) = self.entries.get(sequence).filter(|entry| entry.is_news()) else {
                    continue;
                };
                if statements.len() == limits::RECEIPTS {
                    break;
                }
                if entry.statement.at + NEWS < now.wall {
                    stale.push(*sequence);
                } else {
                    statements.push(entry.statement.clone());
                }
            }
            for sequence in stale {
                news.entries.remove(&sequence);
            }
            news.due = None;
            if !statements.is_empty() {
                news.is_busy = true;
                frames.push((*agent, statements));
            }
        }
        self.news.retain(|_, news| news.is_busy || !news.entries.is_empty());
        frames
    }

    /// How long until something is due.
    pub fn wait(&self, now: Moment) -> Option<Duration> {
        self.news.values().filter_map(|news| news.due).map(|due| due.since(now)).min()
    }

    /// The sender was told; its row says so with the next [`Given::save`].
    pub fn told(&mut self, agent: &AgentId, statements: &[Statement], now: Moment) {
        for statement in statements {
            let Some(sequence) = self.find(agent, &statement.message_id) else { continue };
            let Some(entry) = self.entries.get_mut(&sequence) else { continue };
            entry.told = entry.told.max(statement.state);
            self.untold_rows.insert(sequence);
            if !entry.is_news()
                && let Some(news) = self.news.get_mut(agent)
            {
                news.entries.remove(&sequence);
            }
        }
        if let Some(news) = self.news.get_mut(agent) {
            news.is_busy = false;
            news.failures = 0;
            news.due = (!news.entries.is_empty()).then_some(now);
        }
    }

    /// The sender could not be told; it is tried again, after `hint` at least.
    pub fn postpone(&mut self, agent: &AgentId, now: Moment, hint: Option<Duration>) {
        let Some(news) = self.news.get_mut(agent) else { return };
        let wait = FIRST_WAIT.saturating_mul(1 << news.failures.min(16)).min(LONGEST_WAIT);
        news.is_busy = false;
        news.failures = news.failures.saturating_add(1);
        news.due = Some(now + wait.max(hint.unwrap_or_default().min(LONGEST_WAIT)));
    }

    /// The sender showed itself. Returns whether there is something to tell it.
    pub fn wake(&mut self, agent: &AgentId, now: Moment) -> bool {
        let Some(news) = self.news.get_mut(agent).filter(|news| !news.is_busy && !news.entries.is_empty())
        else {
            return false;
        };
        news.due = Some(news.due.map_or(now, |due| due.min(now)));
        true
    }

    /// The sender is no peer any more: it takes no news.
    pub fn part(&mut self, agent: &AgentId) {
        self.news.remove(agent);
    }

    /// The rows of what senders were told since the last call.
    ///
    /// # Errors
    ///
    /// As [`Given::accept`].
    pub fn save(&mut self) -> Result<Batch> {
        let mut rows = Batch::new();
        for sequence in std::mem::take(&mut self.untold_rows) {
            if let Some(entry) = self.entries.get(&sequence).filter(|entry| entry.is_over && !entry.is_held) {
                rows.put(Table::Given, key(&entry.statement), entry)?;
            }
        }
        Ok(rows)
    }

    /// Lets go of the oldest receipts of messages that are over.
    fn trim(&mut self) -> Batch {
        let mut rows = Batch::new();
        while self.over.len() > KEPT {
            let Some(oldest) = self.over.first().copied() else { break };
            let is_news = self.entries.get(&oldest).is_some_and(Entry::is_news);
            if is_news && self.over.len() <= UNTOLD {
                break;
            }
            self.over.remove(&oldest);
            if let Some(entry) = self.remove(oldest) {
                rows.delete(Table::Given, key(&entry.statement));
            }
        }
        rows
    }

    /// The newest `limit` receipts, oldest first.
    pub fn list(&self, limit: usize) -> Vec<Statement> {
        let newest = self.entries.values().rev().filter(|entry| !entry.is_held).take(limit);
        let mut statements: Vec<_> = newest.map(|entry| entry.statement.clone()).collect();
        statements.reverse();
        statements
    }
}

mod recalled;
#[cfg(test)]
mod tests;
