//! Who wrote a message, and its limits: signed for what we send, checked for what comes, and ended in time.

use std::sync::Arc;

use super::{inner::Inner, outgoing::Outgoing};
use crate::{
    error::{Code, Error, Result},
    messaging::{Message, body_digest, inherit},
    store::Batch,
    wire::{
        envelope::{Author, Facts, MessageLimits, Origin},
        frame::{Body, MessageFrame},
        verify::Proof,
    },
};

impl Inner {
    /// The origin in a message that came. A message whose limits were loosened, whose time is over, or that lies about its
    /// author or its way, is refused. Only from a node that signs as 1.1.1 does, and knows nothing of this, one that does not
    /// hold is as none: whoever is hostile could as well leave it out.
    ///
    /// # Errors
    ///
    /// [`Code::OriginInvalid`], [`Code::LimitsLoosened`], [`Code::MessageExpired`]; [`Code::AlreadyReceived`] for what we wrote
    /// ourselves.
    pub(super) fn believed_origin(&self, message: &MessageFrame, proof: Proof) -> Result<Option<Origin>> {
        let Body::Plain { content, metadata, in_reply_to } = &message.body else { return Ok(None) };
        let check = || -> Result<Option<Origin>> {
            let Some(origin) = Origin::find(metadata)? else { return Ok(None) };
            let digest = body_digest(content, metadata, in_reply_to.as_deref())?;
            origin.verify(Facts {
                me: self.me(),
                from: message.from,
                message_id: &message.message_id,
                hops: message.hops_remaining,
                digest: &digest,
                now: self.now(),
            })?;
            if origin.agent_id == self.me() {
                return Err(Error::new(Code::AlreadyReceived, "This agent wrote the message"));
            }
            Ok(Some(origin))
        };
        match check() {
            Err(error) if error.code() == Code::OriginInvalid && proof < Proof::V2 => Ok(None),
            checked => checked,
        }
    }

    /// What we sign about a message of ours, for each of its recipients. One that nobody may pass on, and that has no limits,
    /// needs nothing.
    pub(super) fn origins(&self, outgoing: &Outgoing, digest: &str) -> Result<Vec<Option<Origin>>> {
        let (limits, hops) = (&outgoing.limits, outgoing.hops);
        let sign = |to| {
            if let Some(forward) = &outgoing.forward
                && let Some(step) = self.step(forward, to, limits)?
            {
                return Ok(Some(step));
            }
            if hops == 0 && limits.is_empty() {
                return Ok(None);
            }
            let message_id = outgoing.message_id.as_str();
            let author = Author { message_id, to, now: self.now(), hops, limits, digest };
            Origin::sign(author, &self.passport).map(Some)
        };
        outgoing.to.iter().copied().map(sign).collect()
    }

    /// What is left for a message that a message of the inbox causes.
    ///
    /// # Errors
    ///
    /// [`Code::MessageUnknown`], and those of [`inherit::inherit`].
    pub(crate) fn inherit(&self, sequence: u64, wanted: inherit::Wanted) -> Result<(u32, MessageLimits)> {
        let cause = self.held(sequence)?;
        inherit::inherit(&cause, wanted, &*self.env.random)
    }

    /// A message that the host can see.
    pub(crate) fn held(&self, sequence: u64) -> Result<Arc<Message>> {
        self.state.lock().inbox.held(sequence)
    }

    /// Ends what is queued and whose deadline has passed: it is handed to nobody any more, and its sender is told.
    pub(crate) fn end_overdue(self: &Arc<Self>) {
        // Hidden at once, whatever the disk does.
        let overdue = self.state.lock().inbox.take_overdue(self.now());
        if overdue.is_empty() {
            return;
        }
        let begun = self.begin(
            |state, now| {
                let (mut rows, mut over) = (Batch::new(), Vec::new());
                for sequence in overdue {
                    rows.append(state.inbox.withdraw(sequence));
                    if let Some((from, message_id)) = state.inbox.origin(sequence) {
                        rows.append(state.given.expired(&from, &message_id, now)?);
                        over.push((sequence, from, message_id));
                    }
                }
                Ok((rows, over))
            },
            |inner, result, over| {
                if result.is_err() {
                    return;
                }
                let mut state = inner.state.lock();
                for (sequence, from, message_id) in over {
                    state.inbox.forget(sequence);
                    if state.given.confirm(&from, &message_id, inner.steady()) {
                        inner.receipt_bell.notify_one();
                    }
                }
            },
        );
        if let Err(error) = begun {
            // The next start, or the recovery of the disk, finds them and comes here again.
            tracing::warn!(%error, "messages whose deadline passed are still on disk");
        }
    }
}
