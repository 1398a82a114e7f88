//! Messages that were handed out and are not in the inbox any more: notices that made room for newer ones, messages that
//! were handed over to others, and messages whose author took them back. Whoever has one may finish it; it is not handed out again.

use std::collections::{BTreeMap, BTreeSet};

use super::{Inbox, State};
use crate::{
    identity::AgentId,
    store::{Batch, Table, sequence},
};

/// How many replaced and handed-over messages may still be acknowledged; the oldest are unknown after that. As many messages that were
/// taken back.
const KEPT: usize = 1_024;

/// A message in the hands of the host that its author took back.
#[derive(Clone, Debug)]
struct Recalled {
    from: AgentId,
    message_id: String,
    /// What a release of the last hand-out says.
    redeliveries: Option<u32>,
}

/// What is in hands and not here.
#[derive(Clone, Debug, Default)]
pub(super) struct Gone {
    notices: BTreeSet<u64>,
    recalled: BTreeMap<u64, Recalled>,
}

impl Gone {
    /// A notice made room, or a message was handed over.
    pub(super) fn replaced(&mut self, sequence: u64) {
        self.notices.insert(sequence);
        if self.notices.len() > KEPT {
            self.notices.pop_first();
        }
    }

    /// Whether somebody may still acknowledge it. A notice is finished by that.
    pub(super) fn may_finish(&mut self, sequence: u64) -> bool {
        self.notices.remove(&sequence) || self.recalled.contains_key(&sequence)
    }

    /// It is finished. Returns whether it was here.
    pub(super) fn finish(&mut self, sequence: u64) -> bool {
        self.notices.remove(&sequence) || self.recalled.remove(&sequence).is_some()
    }

    /// Who sent it, and what its sender calls it.
    pub(super) fn origin(&self, sequence: u64) -> Option<(AgentId, String)> {
        self.recalled.get(&sequence).map(|recalled| (recalled.from, recalled.message_id.clone()))
    }
}

/// A message that was handed out.
#[derive(Clone, Copy, Debug)]
pub enum InHands<'a> {
    /// The host has it.
    Held(&'a super::Message),
    /// The host has it, and its author took it back.
    Recalled,
}

/// Where a message is that its author takes back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// On its way to the disk, or to others.
    Reserved,
    /// Nobody has it.
    Queued,
    /// The host has it.
    Leased,
}

impl Inbox {
    /// Finds the messages of `from` that `wanted` names.
    pub fn places(&self, from: &AgentId, wanted: &BTreeSet<&str>) -> BTreeMap<String, (u64, Place)> {
        let meant = |item: &&super::Item| {
            item.message.from == *from && wanted.contains(item.message.message_id.as_str())
        };
        // Notices carry the id of the agent they are about.
        let is_its = |item: &&super::Item| item.message.kind != super::MessageKind::Notice;
        self.items
            .values()
            .filter(|item| is_its(item) && meant(item))
            .map(|item| {
                let place = match item.state {
                    State::Reserved => Place::Reserved,
                    State::Queued { .. } => Place::Queued,
                    State::Leased => Place::Leased,
                };
                (item.message.message_id.clone(), (item.message.sequence, place))
            })
            .collect()
    }

    /// What is in the hands of the host: the message of `from`, or that its author took it back.
    pub fn in_hands(&self, from: &AgentId, message_id: &str) -> Option<InHands<'_>> {
        let is_its = |item: &&super::Item| {
            item.state == State::Leased
                && item.message.from == *from
                && item.message.message_id == message_id
                && item.message.kind != super::MessageKind::Notice
        };
        if let Some(item) = self.items.values().find(is_its) {
            return Some(InHands::Held(&item.message));
        }
        let mut recalled = self.gone.recalled.values();
        recalled.any(|gone| gone.from == *from && gone.message_id == message_id).then_some(InHands::Recalled)
    }

    /// The author of a queued message takes it back: nobody sees it from now on. [`Inbox::forget`] it when these rows
    /// are on disk.
    pub fn hide(&mut self, sequence: u64) -> Batch {
        self.move_to(sequence, State::Reserved);
        let mut rows = Batch::new();
        rows.delete(Table::Inbox, sequence::key(sequence));
        rows
    }

    /// The author of a message takes it back that the host has. It leaves the inbox; the host may still acknowledge it,
    /// and gives it back with [`Inbox::return_recalled`].
    pub fn recall(&mut self, sequence: u64) -> Batch {
        let mut rows = Batch::new();
        if let Some(item) = self.take(sequence) {
            let recalled = Recalled {
                from: item.message.from,
                message_id: item.message.message_id.clone(),
                redeliveries: item.message.redeliveries.checked_sub(1),
            };
            self.gone.recalled.insert(sequence, recalled);
            if self.gone.recalled.len() > KEPT {
                self.gone.recalled.pop_first();
            }
            rows.delete(Table::Inbox, sequence::key(sequence));
        }
        rows
    }

    /// The host gives back what its author took back. Returns whose and which message it was, unless `redeliveries`
    /// names an older hand-out than the last.
    pub fn return_recalled(&mut self, sequence: u64, redeliveries: Option<u32>) -> Option<(AgentId, String)> {
        let recalled = self.gone.recalled.get(&sequence)?;
        if redeliveries.is_some() && redeliveries != recalled.redeliveries {
            return None;
        }
        self.gone.recalled.remove(&sequence).map(|recalled| (recalled.from, recalled.message_id))
    }
}
