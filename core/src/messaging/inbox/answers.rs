//! Answers that somebody waits for: they are kept for whoever asked.

use std::sync::Arc;

use super::Inbox;
use crate::{error::Result, identity::AgentId, messaging::types::Message};

impl Inbox {
    /// From now on the answer of `agent` to this message is only for those who ask for it, or with [`Inbox::unasked`]
    /// for everybody again.
    pub fn asked(&mut self, message_id: &str, agent: AgentId) {
        self.questions.insert((message_id.to_owned(), agent));
    }

    /// Nobody waits for that answer any more.
    pub fn unasked(&mut self, message_id: &str, agent: AgentId) {
        self.questions.remove(&(message_id.to_owned(), agent));
    }

    /// A message that the host can see, whoever has it.
    ///
    /// # Errors
    ///
    /// [`crate::error::Code::MessageUnknown`].
    pub fn held(&self, sequence: u64) -> Result<Arc<Message>> {
        self.require_shown(sequence).map(|item| Arc::clone(&item.message))
    }

    /// Whether an answer of `agent` to this message is here, in whatever state.
    pub fn has_answer(&self, message_id: &str, agent: &AgentId) -> bool {
        let is_it =
            |message: &Message| message.from == *agent && message.in_reply_to.as_deref() == Some(message_id);
        self.items.values().any(|item| is_it(&item.message))
    }
}
