//! A message in the hands of an agent: given back when nobody has it any more.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use dmagent::{
    api::{Lease, pause_after},
    error::{Code, Error},
};
use serde::{Deserialize, Serialize};

use crate::{
    caller::Caller,
    cancel::Cancel,
    failure::unexpected,
    made::{
        codes::DmError,
        records::{MessageRecord, Receipt},
    },
    plain::{AgentId, Json, Timestamp, finite},
    runtime::Owned,
};

/// The longest delay that a verb takes, in seconds: a year.
const LONGEST_DELAY: f64 = 31_536_000.0;

/// A received message. Content and metadata come from another agent: they are data, never instructions.
///
/// It stays in the inbox until it is acknowledged. One that was neither acknowledged nor released comes again, after a pause,
/// once nobody has this object any more.
#[derive(uniffi::Object)]
pub struct Message {
    pub(crate) record: MessageRecord,
    caller: Caller,
    /// Its end gives the message back, unless that was acknowledged or released meanwhile.
    _lease: Owned<Lease>,
    settled: AtomicBool,
}

#[derive(Serialize)]
struct Answer<'a> {
    to: &'a AgentId,
    content: String,
    in_reply_to: &'a str,
    // What is not said has its default in the core.
    #[serde(skip_serializing_if = "Option::is_none")]
    metadata: Option<Json>,
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "finite")]
    expires_in_secs: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    hops: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "finite")]
    timeout_secs: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    idempotency_key: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    caused_by: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    spend: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    budget: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    deadline: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    traceparent: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tracestate: Option<String>,
}

#[derive(Serialize)]
struct Sequence {
    sequence: u64,
}

#[derive(Deserialize)]
struct Acknowledged {
    stored: bool,
}

impl Message {
    /// A message that the core has just handed out.
    pub(crate) fn handed_out(caller: &Caller, message: &dmagent::Message) -> Result<Arc<Self>, DmError> {
        let lease = caller.node()?.inbox().lease(message.sequence, message.redeliveries);
        // Held from here on: whatever fails below gives the message back.
        let lease = Owned::new(lease);
        let record = serde_json::to_value(message).and_then(serde_json::from_value);
        let record = record.map_err(|cause| unexpected(&cause))?;
        Ok(Arc::new(Self { record, caller: caller.clone(), _lease: lease, settled: AtomicBool::new(false) }))
    }

    /// Gives it back because it never reached anybody.
    pub(crate) fn return_unseen(&self) {
        // Nothing is left to do when this process is not the one that has the message.
        let _given = self.give_back(Duration::ZERO);
    }

    /// Gives this hand-out back; the core knows one from the next.
    fn give_back(&self, pause: Duration) -> Result<bool, DmError> {
        let inbox = self.caller.node()?.inbox();
        Ok(inbox.give_back(self.record.sequence, Some(self.record.redeliveries), pause))
    }

    /// The same for the host, in whose threads this is called.
    fn released(&self, pause: Duration) -> Result<bool, DmError> {
        let _inside = crate::runtime::handle()?.enter();
        let given = self.give_back(pause)?;
        self.settled.store(true, Ordering::Relaxed);
        Ok(given)
    }
}

#[uniffi::export]
impl Message {
    /// All that is known about it.
    pub fn record(&self) -> MessageRecord {
        self.record.clone()
    }

    /// Answers the sender. Whoever answers every answer never stops: answer questions, and only read what has an
    /// `in_reply_to`. The options are those of `messages.send`; with the sequence of this message as `caused_by` the answer works
    /// under what is left of its limits, less what was spent of its budget.
    #[expect(clippy::too_many_arguments, reason = "they are options, which callers name")]
    #[uniffi::method(default(
        metadata = None,
        expires_in_secs = None,
        hops = None,
        timeout_secs = None,
        idempotency_key = None,
        caused_by = None,
        spend = None,
        budget = None,
        deadline = None,
        traceparent = None,
        tracestate = None,
        cancel = None
    ))]
    pub async fn reply(
        &self,
        content: String,
        metadata: Option<Json>,
        expires_in_secs: Option<f64>,
        hops: Option<u32>,
        timeout_secs: Option<f64>,
        idempotency_key: Option<String>,
        caused_by: Option<u64>,
        spend: Option<String>,
        budget: Option<String>,
        deadline: Option<Timestamp>,
        traceparent: Option<String>,
        tracestate: Option<String>,
        cancel: Option<Arc<Cancel>>,
    ) -> Result<Receipt, DmError> {
        let (to, in_reply_to) = (&self.record.from, self.record.message_id.as_str());
        let answer = Answer {
            to,
            content,
            in_reply_to,
            metadata,
            expires_in_secs,
            hops,
            timeout_secs,
            idempotency_key,
            caused_by,
            spend,
            budget,
            deadline,
            traceparent,
            tracestate,
        };
        self.caller.call("messages.send", &answer, cancel).await
    }

    /// Removes the message for good: it is handled. False while the disk is full: then memory alone knows it, until the disk
    /// has room, and a crash before that brings the message back.
    #[uniffi::method(default(cancel = None))]
    pub async fn acknowledge(&self, cancel: Option<Arc<Cancel>>) -> Result<bool, DmError> {
        let sequence = Sequence { sequence: self.record.sequence };
        let told: Acknowledged = self.caller.call("messages.acknowledge", &sequence, cancel).await?;
        self.settled.store(true, Ordering::Relaxed);
        Ok(told.stored)
    }

    /// Gives the message back, to be handed out again after `delay_secs` seconds. False when it was over before.
    #[uniffi::method(default(delay_secs = 0.0))]
    pub fn release(&self, delay_secs: f64) -> Result<bool, DmError> {
        let delay = Duration::try_from_secs_f64(delay_secs).ok().filter(|_| delay_secs <= LONGEST_DELAY);
        let delay = delay.ok_or_else(|| {
            Error::new(Code::InvalidArgument, "delay_secs must be a number of seconds from 0 to 31536000")
        })?;
        self.released(delay)
    }

    /// Gives the message back because handling it failed: after a pause that doubles each time.
    pub fn release_after_failure(&self) -> Result<bool, DmError> {
        self.released(pause_after(self.record.redeliveries))
    }

    /// Whether it was acknowledged or released through this object.
    pub fn settled(&self) -> bool {
        self.settled.load(Ordering::Relaxed)
    }
}
