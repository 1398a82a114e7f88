//! Copies that their recipient is to let go of: kept with what is known about them, so that a restart forgets none.

use super::Sent;
use crate::{
    env::Timestamp,
    error::Result,
    identity::AgentId,
    messaging::cancels::Recall,
    store::{Batch, Table, sequence},
    wire::frame::Cancel,
};

impl Sent {
    /// The recipient of a copy is to let go of it. Returns the rows; none when that was said before.
    ///
    /// # Errors
    ///
    /// As [`Sent::settle`].
    pub fn recall(
        &mut self,
        message_id: &str,
        to: &AgentId,
        reason: Option<&str>,
        now: Timestamp,
    ) -> Result<Batch> {
        self.change_recall(message_id, to, |recall| {
            let is_new = recall.is_none();
            recall.get_or_insert(Recall { reason: reason.map(str::to_owned), at: now, is_told: false });
            is_new
        })
    }

    /// The recipient was told, or will never be. Returns the rows.
    ///
    /// # Errors
    ///
    /// As [`Sent::settle`].
    pub fn recall_told(&mut self, message_id: &str, to: &AgentId) -> Result<Batch> {
        self.change_recall(message_id, to, |recall| {
            recall.as_mut().is_some_and(|recall| !std::mem::replace(&mut recall.is_told, true))
        })
    }

    fn change_recall(
        &mut self,
        message_id: &str,
        to: &AgentId,
        change: impl FnOnce(&mut Option<Recall>) -> bool,
    ) -> Result<Batch> {
        let mut rows = Batch::new();
        let found = self.find(message_id, to);
        if let Some(copy) = found.and_then(|sequence| self.copies.get_mut(&sequence))
            && change(&mut copy.recall)
        {
            rows.put(Table::Sent, sequence::key(copy.sequence), copy)?;
        }
        Ok(rows)
    }

    /// Whether the recipient of a copy is to let go of it.
    pub fn is_recalled(&self, message_id: &str, to: &AgentId) -> bool {
        let copy = self.find(message_id, to).and_then(|sequence| self.copies.get(&sequence));
        copy.is_some_and(|copy| copy.recall.is_some())
    }

    /// What the recipient of a copy has still to be told, and since when.
    pub fn recall_of(&self, message_id: &str, to: &AgentId) -> Option<(Cancel, Timestamp)> {
        let copy = self.copies.get(&self.find(message_id, to)?)?;
        let recall = copy.recall.as_ref().filter(|recall| !recall.is_told)?;
        let cancel = Cancel {
            message_id: message_id.to_owned(),
            digest: copy.digest.clone(),
            reason: recall.reason.clone(),
        };
        Some((cancel, recall.at))
    }

    /// Everybody who has still to be told, with the message.
    pub fn untold_recalls(&self) -> impl Iterator<Item = (AgentId, &str)> {
        let is_untold = |recall: &Option<Recall>| recall.as_ref().is_some_and(|recall| !recall.is_told);
        let copies = self.copies.values().filter(move |copy| is_untold(&copy.recall));
        copies.map(|copy| (copy.delivery.to, copy.message_id.as_str()))
    }
}
