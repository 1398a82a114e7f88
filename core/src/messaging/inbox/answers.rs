//! Answers that somebody waits for: they are kept for whoever asked.

use super::Inbox;
use crate::{identity::AgentId, messaging::types::Message};

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

    /// Whether an answer of `agent` to this message is here, in whatever state.
    pub fn has_answer(&self, message_id: &str, agent: &AgentId) -> bool {
        let is_it =
            |message: &Message| message.from == *agent && message.in_reply_to.as_deref() == Some(message_id);
        self.items.values().any(|item| is_it(&item.message))
    }
}
