//! Messages that their author takes back.
//!
//! ```text
//! author                                          recipient
//!   waits in the outbox ──► failed, never sent
//!   taken by the peer   ──► signed frame ──────►  queued: gone for good, signed as `cancelled`
//!   (until it is told, for a day)                 in the host's hands: event; it may still finish
//!                                                 not here yet: its id is claimed, it is never taken
//!                                                 over: stays what it is
//! ```
//!
//! Who has still to be told stands beside the fate of the copies in [`Sent`], so a restart forgets nothing.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Sent;
use crate::{
    env::{Moment, Now, Timestamp},
    identity::AgentId,
    wire::{frame::Cancel, limits},
};

/// The first and the longest wait after a recipient could not be told; a sign of life of it cuts the wait short.
const FIRST_WAIT: Duration = Duration::from_secs(1);
const LONGEST_WAIT: Duration = Duration::from_secs(300);
/// How long a recipient is told: as long as an outbox of ours waits.
const PERSISTENCE: Duration = Duration::from_secs(86_400);

/// How many messages that have not come one peer may take back within an hour: each leaves a claimed id behind.
const AHEAD: usize = 200;
const HOUR: Duration = Duration::from_secs(3_600);

/// What became of taking back one copy of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum CancelOutcome {
    /// It waited here and never left: nobody has it.
    Withdrawn,
    /// The peer has it, or may have it, and is told until it answers, for a day. Its receipts say what became of the
    /// message; an agent that has it in its hands may still handle it.
    Telling,
    /// It is over: handled, answered, or never delivered.
    TooLate,
    /// The peer has it, or may have it, and does not know how to take a message back, as dmagent 1.1.1.
    CannotTell,
}

/// What became of taking back a message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Cancellation {
    /// The id of the message.
    pub message_id: String,
    /// One for each recipient.
    pub copies: Vec<CancelledCopy>,
}

/// What became of taking back one copy of a message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CancelledCopy {
    /// For whom it was.
    pub to: AgentId,
    /// What became of taking it back.
    pub outcome: CancelOutcome,
}

/// A recipient is to let go of a message; as stored, beside what is known about the copy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recall {
    /// Why, for the other side.
    pub reason: Option<String>,
    /// When the host said so.
    pub at: Timestamp,
    /// Whether there is nobody to tell any more.
    pub is_told: bool,
}

/// What one recipient has to be told.
#[derive(Debug, Default)]
struct News {
    messages: BTreeSet<String>,
    /// When; nothing while a frame is under way.
    due: Option<Moment>,
    failures: u32,
}

/// Who is to be told next: one frame per recipient at a time.
#[derive(Debug, Default)]
pub struct Recalls(BTreeMap<AgentId, News>);

impl Recalls {
    /// Everything that `sent` has not told yet, due now.
    pub fn load(sent: &Sent, now: Moment) -> Self {
        let mut recalls = Self::default();
        for (agent, message_id) in sent.untold_recalls() {
            recalls.add(agent, message_id, now);
        }
        recalls
    }

    /// A recipient is to be told.
    pub fn add(&mut self, agent: AgentId, message_id: &str, now: Moment) {
        let news = self.0.entry(agent).or_default();
        let is_first = news.messages.is_empty();
        news.messages.insert(message_id.to_owned());
        if is_first {
            news.due = Some(now);
        }
    }

    /// What is to be told now: for each recipient one frame, which is under way until [`Recalls::told`] or
    /// [`Recalls::postpone`]. What was in vain for a day, or is forgotten, is not told any more.
    pub fn due(&mut self, sent: &Sent, now: Now) -> Vec<(AgentId, Vec<Cancel>)> {
        let mut frames = Vec::new();
        for (agent, news) in &mut self.0 {
            if news.due.is_none_or(|due| due > now.steady) {
                continue;
            }
            news.messages.retain(|message_id| {
                sent.recall_of(message_id, agent).is_some_and(|(_, at)| at + PERSISTENCE >= now.wall)
            });
            let first = news.messages.iter().take(limits::CANCELS);
            let cancels: Vec<_> =
                first.filter_map(|id| sent.recall_of(id, agent)).map(|(cancel, _)| cancel).collect();
            news.due = None;
            if !cancels.is_empty() {
                frames.push((*agent, cancels));
            }
        }
        self.0.retain(|_, news| !news.messages.is_empty());
        frames
    }

    /// How long until something is due.
    pub fn wait(&self, now: Moment) -> Option<Duration> {
        self.0.values().filter_map(|news| news.due).map(|due| due.since(now)).min()
    }

    /// The recipient answered.
    pub fn told(&mut self, agent: &AgentId, cancels: &[Cancel], now: Moment) {
        let Some(news) = self.0.get_mut(agent) else { return };
        for cancel in cancels {
            news.messages.remove(&cancel.message_id);
        }
        news.failures = 0;
        news.due = Some(now);
        if news.messages.is_empty() {
            self.0.remove(agent);
        }
    }

    /// The recipient could not be told; it is tried again, after `hint` at least.
    pub fn postpone(&mut self, agent: &AgentId, now: Moment, hint: Option<Duration>) {
        let Some(news) = self.0.get_mut(agent) else { return };
        let wait = FIRST_WAIT.saturating_mul(1 << news.failures.min(16)).min(LONGEST_WAIT);
        news.failures = news.failures.saturating_add(1);
        news.due = Some(now + wait.max(hint.unwrap_or_default().min(LONGEST_WAIT)));
    }

    /// The recipient showed itself. Returns whether there is something to tell it.
    pub fn wake(&mut self, agent: &AgentId, now: Moment) -> bool {
        let Some(news) = self.0.get_mut(agent) else { return false };
        // Nothing is due while a frame is under way.
        news.due = news.due.map(|due| due.min(now));
        news.due.is_some()
    }

    /// The recipient is no peer any more.
    pub fn part(&mut self, agent: &AgentId) {
        self.0.remove(agent);
    }
}

/// How many messages peers took back before they came, in this hour.
#[derive(Debug, Default)]
pub struct Ahead {
    since: Option<Moment>,
    counts: BTreeMap<AgentId, usize>,
}

impl Ahead {
    /// Whether `agent` may take back one more.
    pub fn allows(&mut self, agent: &AgentId, now: Moment) -> bool {
        if self.since.is_none_or(|since| now.since(since) >= HOUR) {
            self.since = Some(now);
            self.counts.clear();
        }
        let count = self.counts.entry(*agent).or_default();
        let allows = *count < AHEAD;
        *count += usize::from(allows);
        allows
    }
}

#[cfg(test)]
mod tests;
