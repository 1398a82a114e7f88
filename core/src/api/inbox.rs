//! The inbox as a handle: the next message, and the one after it.

use std::time::Duration;

use crate::{
    error::Result,
    messaging::{Acknowledged, Filter, Message},
    node::Node,
};

/// The messages for an agent, or those that a filter wants. Several inboxes of one node share the work: each
/// message goes to one of them.
#[derive(Clone)]
pub struct Inbox {
    node: Node,
    filter: Filter,
}

impl Inbox {
    pub(super) fn new(node: Node, filter: Filter) -> Self {
        Self { node, filter }
    }

    /// Only messages that `filter` wants.
    #[must_use]
    pub fn filtered(mut self, filter: Filter) -> Self {
        self.filter = filter;
        self
    }

    /// The next message, however long it takes. Acknowledge it when it is handled, or release it: a [`Message`] is
    /// plain data, so one that is only dropped stays handed out until the node is opened again. Cancel-safe.
    ///
    /// # Errors
    ///
    /// [`Closed`](crate::error::Code::Closed) when the node closes.
    pub async fn next(&self) -> Result<Message> {
        loop {
            if let Some(message) = self.node.inner().next_message(&self.filter, None).await? {
                return Ok(message);
            }
        }
    }

    /// The next message, or `None` when none comes within `patience`. Cancel-safe.
    ///
    /// # Errors
    ///
    /// [`Closed`](crate::error::Code::Closed) when the node closes.
    pub async fn next_within(&self, patience: Duration) -> Result<Option<Message>> {
        self.node.inner().next_message(&self.filter, Some(patience)).await
    }

    /// Removes a handled message for good; see [`Messages::acknowledge`](super::Messages::acknowledge).
    ///
    /// # Errors
    ///
    /// [`MessageUnknown`](crate::error::Code::MessageUnknown) when it was acknowledged before.
    pub async fn acknowledge(&self, message: &Message) -> Result<Acknowledged> {
        self.node.inner().acknowledge(message.sequence).await
    }

    /// Gives a message back, to be handed out again after `delay`. False when it is over, or was given back before:
    /// somebody else may have it now.
    pub fn release(&self, message: &Message, delay: Duration) -> bool {
        self.give_back(message.sequence, Some(message.redeliveries), delay)
    }

    /// As [`Inbox::release`], for whoever has only the numbers of a message. Without `redeliveries` it is given back
    /// whoever has it.
    pub fn give_back(&self, sequence: u64, redeliveries: Option<u32>, delay: Duration) -> bool {
        self.node.inner().release(sequence, redeliveries, delay)
    }
}
