//! The verb that takes a message back.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Messages;
use crate::{error::Result, messaging::Cancellation, wire::limits};

/// A message to take back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CancelArgs {
    /// Its id, as its receipt names it.
    pub message_id: String,
    /// Why, for the other side: at most 500 characters.
    #[serde(default)]
    #[schemars(length(max = limits::CANCEL_REASON_CHARS))]
    pub reason: Option<String>,
}

impl Messages<'_> {
    /// Takes back a message that this node sent. A copy that waits here is over at once: `failed`, with the reason
    /// `message_cancelled`, and never sent. A peer that took the message, or may have taken it in an attempt whose answer
    /// was lost, is told, for a day and through restarts, when it knows how: if the message still waits there, it is
    /// removed and never handed out, which the peer signs; if its agent has the message in its hands, the agent is told
    /// by the event `message_cancelled` and may finish all the same. The outcome says for each copy which it was;
    /// [`Messages::status`] and the receipt say later what became of it.
    ///
    /// # Errors
    ///
    /// [`crate::error::Code::MessageUnknown`] when it was never sent, or so long ago that it is forgotten (the setting `sent_limit`);
    /// [`crate::error::Code::InvalidArgument`] for a reason that is too long; [`crate::error::Code::StoreUnavailable`] and [`crate::error::Code::StoreFull`].
    pub async fn cancel(&self, args: CancelArgs) -> Result<Cancellation> {
        self.node().inner().cancel(&args.message_id, args.reason.as_deref()).await
    }
}
