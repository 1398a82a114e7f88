//! The verb that sends a question and waits for its answer.

use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{
    Messages, Recipients, SendArgs,
    messages::{LONGEST_WAIT, seconds},
};
use crate::{
    env::Timestamp,
    error::{Code, Error, Result},
    identity::AgentId,
    messaging::{DeliveryState, Filter, Message, MessageEvent, Reason},
    node::{
        Inner,
        events::{EventBody, Observed},
    },
    peers::PeerEvent,
    wire::envelope::{Amount, Budget, budget_text},
};

/// A question.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AskArgs {
    /// Whom to ask: a connected or pending peer.
    pub to: AgentId,
    /// 1 to 65,536 characters.
    pub content: String,
    /// What travels along: a JSON object of at most 64 KiB.
    #[serde(default)]
    pub metadata: Map<String, Value>,
    /// The message this one answers.
    #[serde(default)]
    pub in_reply_to: Option<String>,
    /// How long to wait for the answer, in seconds; absent for as long as it takes.
    #[serde(default)]
    #[schemars(range(min = 0.0, max = LONGEST_WAIT))]
    pub timeout_secs: Option<f64>,
    /// A name of the host for this question, as in `messages.send`: asked again, it waits for the answer to the first
    /// one.
    #[serde(default)]
    pub idempotency_key: Option<String>,
    /// When the message is over, wherever it is then: nobody sends, takes, hands out or forwards it any more. In
    /// microseconds since 1970.
    #[serde(default)]
    pub deadline: Option<Timestamp>,
    /// What it may cost, an amount and a unit such as `12.5 usd`. Whoever passes it on may only lower that; who spends it is
    /// the affair of hosts.
    #[serde(default, with = "budget_text")]
    #[schemars(with = "Option<String>")]
    pub budget: Option<Budget>,
    /// Which trace it belongs to, as the header of that name in W3C Trace Context.
    #[serde(default)]
    pub traceparent: Option<String>,
    /// What the tracing systems say about that, as the header of that name.
    #[serde(default)]
    pub tracestate: Option<String>,
    /// The `sequence` of a message of the inbox because of which this one is asked, as in `messages.send`.
    #[serde(default)]
    pub caused_by: Option<u64>,
    /// What was spent of the budget of that message already: a decimal as text.
    #[serde(default)]
    pub spend: Option<Amount>,
}

impl AskArgs {
    /// A plain question.
    pub fn new(to: AgentId, content: impl Into<String>) -> Self {
        Self {
            to,
            content: content.into(),
            metadata: Map::new(),
            in_reply_to: None,
            timeout_secs: None,
            idempotency_key: None,
            deadline: None,
            budget: None,
            traceparent: None,
            tracestate: None,
            caused_by: None,
            spend: None,
        }
    }
}

impl AskArgs {
    /// The message that asks it.
    pub(super) fn into_question(self) -> SendArgs {
        SendArgs {
            metadata: self.metadata,
            in_reply_to: self.in_reply_to,
            idempotency_key: self.idempotency_key,
            deadline: self.deadline,
            budget: self.budget,
            traceparent: self.traceparent,
            tracestate: self.tracestate,
            caused_by: self.caused_by,
            spend: self.spend,
            ..SendArgs::new(Recipients::One(self.to), self.content)
        }
    }
}

impl Messages<'_> {
    /// Sends a message and waits for the answer to it. The answer is a message of the inbox that only this call gets:
    /// acknowledge it when it is handled. A question for a peer that cannot be reached waits for it, as any message.
    ///
    /// # Errors
    ///
    /// Those of [`Messages::send`]; [`Code::PeerRefused`] when the question cannot be delivered, also later;
    /// [`Code::PeerNotConnected`] when the connection ends before the answer; [`Code::MessageCancelled`] when the question
    /// is taken back meanwhile; [`Code::Timeout`] when no answer came; [`Code::MessageUnknown`] when a question that is
    /// repeated under its key was answered and the answer acknowledged.
    ///
    /// When time runs out, or the future is dropped, the question is taken back as by [`Messages::cancel`]. Whoever has it
    /// in its hands by then may still answer: a late answer comes as a message. A question with an idempotency key is not
    /// taken back, because it may be asked again: that call waits for the answer to the first.
    pub async fn ask(&self, args: AskArgs) -> Result<Message> {
        let inner = self.node().inner();
        let patience =
            args.timeout_secs.map(|secs| seconds("timeout_secs", secs, LONGEST_WAIT)).transpose()?;
        let to = args.to;
        let question = args.into_question();
        let first = match &question.idempotency_key {
            Some(key) => inner.state.lock().keys.message_of(key)?,
            None => None,
        };
        let is_first = first.is_none();
        let message_id = first.unwrap_or_else(|| inner.new_message_id());
        let _expected = inner.expect_answer(&message_id, to);
        let mut asking = Asking::new(inner, &message_id);
        if question.idempotency_key.is_some() {
            asking.is_over();
        }
        // Before the question leaves, so that no news about it is missed.
        let mut events = self.node().events();
        let filter = Filter { from: vec![to], in_reply_to: Some(message_id.clone()), ..Filter::default() };
        let sent = self.send_as(message_id.clone(), question);
        let answer = inner.next_message(&filter, patience);
        tokio::pin!(sent, answer);
        // The answer may overtake the receipt.
        let receipt = tokio::select! {
            biased;
            answer = &mut answer => return asking.end(answer),
            receipt = &mut sent => receipt?,
        };
        if receipt.message_id != message_id {
            let sentence =
                "the same question is being asked under this idempotency_key right now; wait for that call";
            return Err(
                Error::new(Code::IdempotencyKeyReused, sentence).with("message_id", receipt.message_id)
            );
        }
        if !is_first && receipt.state == DeliveryState::Answered && !inner.has_answer(&message_id, &to) {
            let sentence = "the question was answered, and the answer acknowledged; messages.status names it";
            return Err(Error::new(Code::MessageUnknown, sentence).with("message_id", message_id));
        }
        if receipt.state.is_failure() {
            let reason = receipt.deliveries.into_iter().find_map(|delivery| delivery.reason);
            asking.is_over();
            return Err(undelivered(reason));
        }
        loop {
            let observed = tokio::select! {
                biased;
                answer = &mut answer => return asking.end(answer),
                observed = events.next() => observed,
            };
            let over = match observed {
                Some(Observed::Event(event)) => end_of_hope(event.body, &message_id, &to),
                // What was missed may have been about the peer.
                Some(Observed::Missed { .. }) => inner.peer(&to).err(),
                // The node closes, which the inbox tells.
                None => return asking.end(answer.await),
            };
            if let Some(error) = over {
                asking.is_over();
                return Err(error);
            }
        }
    }
}

/// A question that somebody waits for the answer of. When nobody does any more, it is taken back.
pub(super) struct Asking {
    inner: Arc<Inner>,
    message_id: Option<String>,
    /// Whoever drops the future may be outside of it.
    runtime: tokio::runtime::Handle,
}

impl Asking {
    fn new(inner: &Arc<Inner>, message_id: &str) -> Self {
        let runtime = tokio::runtime::Handle::current();
        Self { inner: Arc::clone(inner), message_id: Some(message_id.to_owned()), runtime }
    }

    /// There is nothing to take back.
    fn is_over(&mut self) {
        self.message_id = None;
    }

    /// The answer came, or time ran out.
    fn end(&mut self, answer: Result<Option<Message>>) -> Result<Message> {
        match answer {
            Ok(Some(answer)) => {
                self.is_over();
                Ok(answer)
            }
            Ok(None) => Err(late()),
            Err(error) => Err(error),
        }
    }
}

impl Drop for Asking {
    fn drop(&mut self) {
        if let Some(message_id) = self.message_id.take() {
            let _inside = self.runtime.enter();
            self.inner.abandon(message_id, NOBODY_WAITS);
        }
    }
}

/// What the other side is told when the asker gave up.
pub(super) const NOBODY_WAITS: &str = "nobody waits for the answer any more";

const UNDELIVERED: &str = "the question was not delivered";

/// Why no answer to this question of `agent` can come any more.
pub(super) fn end_of_hope(news: EventBody, question: &str, agent: &AgentId) -> Option<Error> {
    match news {
        EventBody::Message(MessageEvent::MessageFailed { message_id, reason, .. })
            if message_id == question =>
        {
            Some(undelivered(Some(reason)))
        }
        EventBody::Peer(PeerEvent::PeerDisconnected { agent_id, reason }) if agent_id == *agent => {
            Some(parted(&reason))
        }
        _ => None,
    }
}

pub(super) fn undelivered(reason: Option<Reason>) -> Error {
    match reason {
        // The question may have arrived all the same: its acceptance and the end of the connection can cross.
        Some(reason) if reason.code == Code::PeerNotConnected.name() => parted(&reason.text),
        Some(reason) if reason.code == Code::MessageCancelled.name() => {
            Error::new(Code::MessageCancelled, "the question was taken back")
        }
        Some(reason) => Error::new(Code::PeerRefused, UNDELIVERED).with("reason", reason.text),
        None => Error::new(Code::PeerRefused, UNDELIVERED).with("reason", "no reason given"),
    }
}

fn parted(reason: &str) -> Error {
    let sentence = "the connection ended before the answer; connect again and ask again";
    Error::new(Code::PeerNotConnected, sentence).with("reason", reason)
}

pub(super) fn late() -> Error {
    Error::new(
        Code::Timeout,
        "no answer came in time; the question is taken back, and a late answer comes as a message",
    )
}
