//! A message in the hands of JavaScript: given back when nobody has it any more.
//!
//! A message object holds a [`Lease`] and shares its end. Nothing happens then when the message was acknowledged or
//! given back meanwhile: the core knows one hand-out from the next.

use std::time::Duration;

use dmagent::Inbox;
use napi_derive::napi;

use crate::runtime::Owned;

/// One hand-out of a message.
#[napi]
pub struct Lease {
    _held: Owned<Held>,
}

struct Held {
    inbox: Inbox,
    sequence: u64,
    redeliveries: u32,
    pause: Duration,
}

impl Lease {
    /// The hand-out of message `sequence` with this number of `redeliveries`.
    pub(crate) fn new(inbox: Inbox, sequence: u64, redeliveries: u32, pause: Duration) -> Self {
        Self { _held: Owned::new(Held { inbox, sequence, redeliveries, pause }) }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        if self.inbox.give_back(self.sequence, Some(self.redeliveries), self.pause) {
            tracing::info!(
                target: "dmagent::node_js",
                sequence = self.sequence,
                "a message was dropped without being acknowledged; it comes again after a pause"
            );
        }
    }
}
