//! Messages of the inbox that are passed on: they stay, or are over once somebody else has them.

use std::sync::Arc;

use super::{Inbox, State};
use crate::{
    error::{Code, Error, Result},
    identity::AgentId,
    messaging::types::Message,
    store::{Batch, Table, sequence},
};

impl Inbox {
    /// A message in whatever state.
    pub fn item(&self, sequence: u64) -> Option<Arc<Message>> {
        self.items.get(&sequence).map(|item| Arc::clone(&item.message))
    }

    /// Forgets a reserved message: its row could not be written.
    pub fn cancel(&mut self, sequence: u64) {
        self.take(sequence);
    }

    /// The message with this id that the host can see.
    ///
    /// # Errors
    ///
    /// [`Code::MessageUnknown`]; [`Code::InvalidArgument`] when several senders use the id.
    pub fn called(&self, message_id: &str) -> Result<Arc<Message>> {
        let mut found = self.items.values().filter(|item| item.state != State::Reserved);
        let mut found = found.by_ref().filter(|item| item.message.message_id == message_id);
        match (found.next(), found.next()) {
            (Some(item), None) => Ok(Arc::clone(&item.message)),
            (None, _) => {
                Err(Error::new(Code::MessageUnknown, "no such message").with("message_id", message_id))
            }
            (Some(_), Some(_)) => {
                let sentence = "several messages have this id; name one by its sequence";
                Err(Error::new(Code::InvalidArgument, sentence).with("message_id", message_id))
            }
        }
    }

    /// A copy arrived at `to`, and the message stays. Returns its row.
    ///
    /// # Errors
    ///
    /// Only when the message has no JSON form, which cannot happen.
    pub fn note_fork(&mut self, sequence: u64, to: AgentId) -> Result<Batch> {
        let mut rows = Batch::new();
        if let Some(item) = self.items.get_mut(&sequence)
            && !item.message.forwarded_to.contains(&to)
        {
            Arc::make_mut(&mut item.message).forwarded_to.push(to);
            rows.put(Table::Inbox, sequence::key(sequence), &*item.message)?;
        }
        Ok(rows)
    }

    /// A copy arrived and the message is over: nobody gets it any more. Returns the rows that remove it; [`Inbox::handed_over`]
    /// when they are on disk. Whoever has it may still acknowledge it.
    pub fn hand_over(&mut self, sequence: u64) -> Batch {
        let mut rows = Batch::new();
        let Some(item) = self.items.get(&sequence) else { return rows };
        if item.state == State::Leased {
            self.gone.replaced(sequence);
        }
        self.move_to(sequence, State::Reserved);
        rows.delete(Table::Inbox, sequence::key(sequence));
        rows
    }

    /// The rows of [`Inbox::hand_over`] are on disk.
    pub fn handed_over(&mut self, sequence: u64) {
        self.take(sequence);
    }
}
