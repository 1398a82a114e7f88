//! What is to be sent, and whether it can be.

use std::time::Duration;

use serde_json::{Map, Value};

use super::forwarding;
use crate::{
    error::{Code, Error, Result},
    identity::AgentId,
    messaging::{body_digest, idempotency::Keyed, log::EntryType},
    wire::{
        envelope::{self, MessageLimits},
        limits,
    },
};

/// What to send.
#[derive(Clone, Debug)]
pub(crate) struct Outgoing {
    pub(crate) message_id: String,
    pub(crate) to: Vec<AgentId>,
    pub(crate) content: String,
    pub(crate) metadata: Map<String, Value>,
    pub(crate) in_reply_to: Option<String>,
    pub(crate) hops: u32,
    pub(crate) expires_in: Duration,
    /// How long to wait for the first attempts.
    pub(crate) wait: Duration,
    pub(crate) entry_type: Option<EntryType>,
    /// The inbox place of the message that this one passes on; given up in the same commit.
    pub(crate) passes_on: Option<u64>,
    /// Under which key of the host: then a repetition sends nothing.
    pub(crate) key: Option<Keyed>,
    /// What limits the work on it.
    pub(crate) limits: MessageLimits,
    /// The message of the inbox that this one passes on.
    pub(crate) forward: Option<forwarding::Forward>,
}

impl Outgoing {
    /// Refuses what cannot be sent, and returns the digest of what is said.
    pub(super) fn check(&self) -> Result<String> {
        let invalid = |text: String| Err(Error::new(Code::InvalidArgument, text));
        if self.to.is_empty() {
            return invalid("to must name at least one agent".into());
        }
        if self.content.is_empty() || self.content.chars().count() > limits::CONTENT_CHARS {
            return invalid(format!("content must have 1 to {} characters", limits::CONTENT_CHARS));
        }
        if self.hops > limits::MAX_HOPS {
            return invalid(format!("hops must be 0 to {}, not {}", limits::MAX_HOPS, self.hops));
        }
        check_reply(self.in_reply_to.as_deref())?;
        check_metadata(&self.metadata)?;
        self.limits.check()?;
        let size = serde_json::to_vec(&self.metadata).map_or(usize::MAX, |bytes| bytes.len());
        if size > limits::METADATA_BYTES {
            return invalid(format!("metadata must be at most {} bytes of JSON", limits::METADATA_BYTES));
        }
        // Finds values that have no canonical form before anything is stored.
        body_digest(&self.content, &self.metadata, self.in_reply_to.as_deref())
    }
}

/// Refuses the member of the metadata that nodes write.
pub(crate) fn check_metadata(metadata: &Map<String, Value>) -> Result<()> {
    if !metadata.contains_key(envelope::MEMBER) {
        return Ok(());
    }
    let sentence = format!("metadata must have no member {}: nodes write it; use limits", envelope::MEMBER);
    Err(Error::new(Code::InvalidArgument, sentence))
}

/// Refuses a reference that no message can have, to send with or to wait for.
pub(super) fn check_reply(in_reply_to: Option<&str>) -> Result<()> {
    let Some(id) = in_reply_to else { return Ok(()) };
    let (length, most) = (id.chars().count(), limits::MESSAGE_ID_CHARS);
    if (1..=most).contains(&length) {
        return Ok(());
    }
    let sentence = format!("in_reply_to must be a message id of 1 to {most} characters, not of {length}");
    Err(Error::new(Code::InvalidArgument, sentence))
}
