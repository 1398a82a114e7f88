//! Steps 7 to 9 of the inbound path: what a system decided is committed, then shown, published and answered.

use std::sync::{Arc, atomic::Ordering};

use super::{actions::Action, events::EventBody, inner::Inner, receipts::step_event, state::State};
use crate::{
    env::Timestamp,
    error::{Code, Result},
    identity::AgentId,
    messaging::{body_digest, inbound as messages, rules},
    peers::{PeerAction, PeerEvent},
    store::Batch,
    transport::Outcome,
    wire::{
        Answer,
        envelope::Origin,
        frame::{Body, MessageFrame, StatusBroadcast},
        receipt::{ReceiptState, Statement},
        verify::Verified,
    },
};

/// An outcome of any system, with what concludes it.
pub(super) struct Settled {
    rows: Batch,
    events: Vec<EventBody>,
    actions: Vec<Action>,
    answer: Answer,
    reserved: Option<u64>,
    kept: Option<u64>,
    claim: Option<(AgentId, String)>,
    /// Whether the message was added to the counters of its sender.
    is_counted: bool,
    /// What its sender is told about it.
    statement: Option<Statement>,
}

impl Settled {
    pub(super) fn new<E: Into<EventBody>, A: Into<Action>>(outcome: Outcome<E, A>) -> Self {
        Self {
            rows: outcome.rows,
            events: outcome.events.into_iter().map(Into::into).collect(),
            actions: outcome.actions.into_iter().map(Into::into).collect(),
            answer: outcome.answer,
            reserved: None,
            kept: None,
            claim: None,
            is_counted: false,
            statement: None,
        }
    }

    /// With rows that belong to the taking of a message; without a message there is no place for them.
    pub(super) fn along_with(mut self, rows: impl FnOnce() -> Batch) -> Self {
        if !self.rows.is_empty() {
            self.rows.append(rows());
        }
        self
    }

    pub(super) fn split(mut self) -> (Batch, Self) {
        (std::mem::take(&mut self.rows), self)
    }
}

impl Inner {
    pub(super) fn settle_message(
        &self,
        state: &mut State,
        message: Verified<MessageFrame>,
        (decision, origin): (Option<rules::Decision>, Option<Origin>),
        now: Timestamp,
    ) -> Settled {
        let sender = message.frame().from;
        let id = message.frame().message_id.clone();
        if sender == self.me() {
            let answer = Answer::refuse(400, Code::PeerRefused, "Rejecting message from self");
            return Settled::new::<PeerEvent, PeerAction>(Outcome::answer(answer));
        }
        let decision = decision.unwrap_or_else(|| match &message.frame().body {
            Body::Plain { content, metadata, in_reply_to } => rules::decide(
                self.config.router_mode,
                state.rules.rules(),
                rules::MessageView { content, from: &sender, metadata, is_reply: in_reply_to.is_some() },
            ),
            Body::Sealed(_) => rules::Decision::Handle,
        });
        let rules = messages::Rules {
            now,
            me: self.me(),
            limits: &self.config.inbox,
            is_awaited: self.waiting.load(Ordering::Relaxed) > 0,
            decision,
            origin,
        };
        let digest = self.digest_for(state, message.frame());
        let answers = answered_by(message.frame());
        let mut inbound = messages::receive(message, state.tables(), rules);
        let claim = (!inbound.outcome.rows.is_empty()).then(|| (sender, id.clone()));
        let statement = match (&claim, digest) {
            (Some(claim), Some(digest)) => self.begin_receipt(state, &mut inbound, claim, digest),
            _ => None,
        };
        if let Some(answered) = answers.filter(|_| inbound.reserved.is_some()) {
            match state.sent.answered(&answered, &sender, &id, now) {
                Ok((rows, risen)) => {
                    inbound.outcome.rows.append(rows);
                    let step = risen.and_then(|risen| step_event(answered, sender, risen, Some(id)));
                    inbound.outcome.events.extend(step);
                }
                Err(error) => tracing::error!(%error, "an answer could not be noted"),
            }
        }
        Settled {
            reserved: inbound.reserved,
            kept: inbound.kept,
            claim,
            is_counted: inbound.is_counted,
            statement,
            ..Settled::new(inbound.outcome)
        }
    }

    /// The digest for a receipt, when its sender gets one.
    fn digest_for(&self, state: &State, message: &MessageFrame) -> Option<String> {
        if message.signature_v2.is_none() || !self.tells(state.peers.get(&message.from)) {
            return None;
        }
        match &message.body {
            Body::Plain { content, metadata, in_reply_to } => {
                body_digest(content, metadata, in_reply_to.as_deref()).ok()
            }
            Body::Sealed(_) => None,
        }
    }

    /// What the sender is told about a message that is taken now; its rows join those of the message.
    fn begin_receipt(
        &self,
        state: &mut State,
        inbound: &mut messages::Inbound,
        (sender, id): &(AgentId, String),
        digest: String,
    ) -> Option<Statement> {
        if inbound.reserved.or(inbound.kept).is_some() {
            return match state.given.accept(*sender, id, digest, self.both()) {
                Ok(Some(rows)) => {
                    inbound.outcome.rows.append(rows);
                    state.given.statement(sender, id)
                }
                Ok(None) => None,
                Err(error) => {
                    tracing::error!(%error, "a receipt could not be written");
                    None
                }
            };
        }
        // Taken and thrown away: nothing is kept about it but what the sender keeps.
        inbound.is_dropped.then(|| Statement {
            message_id: id.clone(),
            from: *sender,
            state: ReceiptState::Refused,
            at: self.now(),
            digest,
            reply_id: None,
        })
    }

    /// The answer to a message that was taken before, with what became of it.
    pub(super) fn known_message(&self, sender: &AgentId, id: &str) -> Answer {
        let statement = self.state.lock().given.statement(sender, id);
        self.with_receipt(messages::duplicate(), statement)
    }

    pub(super) fn settle_broadcast(
        &self,
        state: &mut State,
        broadcast: &Verified<StatusBroadcast>,
        now: Timestamp,
    ) -> Settled {
        let claim = broadcast.proven().map(|sender| (sender, broadcast.frame().claim_id()));
        let outcome = messages::observe(broadcast, state.tables(), now, self.me(), self.id("status-", 4));
        Settled { claim, ..Settled::new(outcome) }
    }

    /// After the commit: show the message, publish, act, answer.
    pub(super) fn conclude(self: &Arc<Self>, result: Result<()>, settled: Settled) -> Result<Answer, Answer> {
        let now = self.now();
        let mut state = self.state.lock();
        match result {
            Ok(()) => {
                if let Some(sequence) = settled.reserved {
                    state.inbox.confirm(sequence);
                }
                if let Some((sender, id)) = &settled.claim {
                    state.replay.claim(sender, id, now);
                }
                drop(state);
                self.publish(settled.events);
                if settled.reserved.is_some() {
                    self.inbox_bell.notify_waiters();
                }
                self.sent_bell.notify_waiters();
                for action in settled.actions {
                    self.act(action);
                }
                Ok(self.with_receipt(settled.answer, settled.statement))
            }
            Err(error) => {
                for sequence in settled.reserved.into_iter().chain(settled.kept) {
                    state.inbox.cancel(sequence);
                }
                if let Some((sender, id)) = &settled.claim {
                    state.peers.stay(sender, id);
                }
                if let Some((sender, id)) = settled.claim.as_ref().filter(|_| settled.statement.is_some()) {
                    state.given.retract(sender, id);
                }
                if let (Code::StorePrecondition, Some((sender, id))) = (error.code(), &settled.claim) {
                    messages::retract(sender, id, settled.is_counted, state.tables());
                    state.replay.claim(sender, id, now);
                }
                drop(state);
                Err(match (error.code(), &settled.claim) {
                    (Code::StorePrecondition, Some((sender, id))) => self.known_message(sender, id),
                    (Code::StorePrecondition, None) => messages::duplicate(),
                    _ => Answer::from_error(&error).retry_after(std::time::Duration::from_secs(5)),
                })
            }
        }
    }
}

/// The message of ours that this one answers.
fn answered_by(message: &MessageFrame) -> Option<String> {
    let Body::Plain { metadata, in_reply_to, .. } = &message.body else { return None };
    let in_metadata = || metadata.get("in_reply_to").and_then(serde_json::Value::as_str).map(str::to_owned);
    in_reply_to.clone().or_else(in_metadata)
}
