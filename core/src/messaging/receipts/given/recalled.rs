//! What is said about messages whose author took them back.

use super::{Entry, Given, key};
use crate::{
    env::{Now, Timestamp},
    error::Result,
    identity::AgentId,
    store::{Batch, Table},
    wire::receipt::ReceiptState,
};

impl Given {
    /// A message that nobody had in hands leaves the inbox, in the batch that gets these rows. Nobody is told before
    /// [`Given::confirm`].
    ///
    /// # Errors
    ///
    /// As [`Given::accept`].
    pub fn cancelled(&mut self, from: &AgentId, message_id: &str, now: Timestamp) -> Result<Batch> {
        self.end(from, message_id, ReceiptState::Cancelled, now)
    }

    /// The author of a message wants it back that the host has in its hands. On the disk it is over from now on; what
    /// its author is told, [`Given::handled`] or [`Given::let_go_of`] decides.
    ///
    /// # Errors
    ///
    /// As [`Given::accept`].
    pub fn recalled(&mut self, from: &AgentId, message_id: &str, now: Timestamp) -> Result<Batch> {
        let mut rows = Batch::new();
        let found = self.find(from, message_id);
        if let Some(entry) = found.and_then(|sequence| self.entries.get_mut(&sequence)) {
            let at = *entry.recalled_at.get_or_insert(now);
            let mut last = Entry { is_over: true, ..entry.clone() };
            if last.statement.state < ReceiptState::Cancelled {
                last.statement.state = ReceiptState::Cancelled;
                last.statement.at = at;
            }
            rows.put(Table::Given, key(&last.statement), &last)?;
        }
        Ok(rows)
    }

    /// The host gave back what its author wants back. Returns whether its author will be told.
    pub fn let_go_of(&mut self, from: &AgentId, message_id: &str, now: Now) -> bool {
        let Some(sequence) = self.find(from, message_id) else { return false };
        let since = self.entries.get(&sequence).and_then(|entry| entry.recalled_at).unwrap_or(now.wall);
        let is_news = self.rise(from, message_id, ReceiptState::Cancelled, since).is_some();
        if let Some(entry) = self.entries.get_mut(&sequence) {
            entry.is_over = true;
            entry.recalled_at = None;
        }
        self.let_go(sequence, now.steady);
        is_news
    }

    /// A message is taken back before it came, in the batch that claims its id and gets these rows: it will not be taken.
    /// Nobody is told before [`Given::confirm`].
    ///
    /// # Errors
    ///
    /// As [`Given::accept`].
    pub fn never_taken(
        &mut self,
        from: AgentId,
        message_id: &str,
        digest: String,
        now: Now,
    ) -> Result<Batch> {
        if self.accept(from, message_id, digest, now)?.is_none() {
            return Ok(Batch::new());
        }
        self.cancelled(&from, message_id, now.wall)
    }

    /// Whether anything was said about a message.
    pub fn knows(&self, from: &AgentId, message_id: &str) -> bool {
        self.find(from, message_id).is_some()
    }
}
