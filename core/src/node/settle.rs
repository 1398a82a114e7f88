//! Steps 7 to 9 of the inbound path: what a system decided is committed, then shown, published and answered.

use std::sync::{Arc, atomic::Ordering};

use super::{actions::Action, events::EventBody, inner::Inner, state::State};
use crate::{
    env::Timestamp,
    error::{Code, Result},
    identity::AgentId,
    messaging::{inbound as messages, rules},
    peers::{PeerAction, PeerEvent},
    store::Batch,
    transport::Outcome,
    wire::{
        Answer,
        frame::{Body, MessageFrame, StatusBroadcast},
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
        }
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
        decision: Option<rules::Decision>,
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
        };
        let inbound = messages::receive(message, state.tables(), rules);
        let claim = (!inbound.outcome.rows.is_empty()).then_some((sender, id));
        Settled {
            reserved: inbound.reserved,
            kept: inbound.kept,
            claim,
            is_counted: inbound.is_counted,
            ..Settled::new(inbound.outcome)
        }
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
                for action in settled.actions {
                    self.act(action);
                }
                Ok(settled.answer)
            }
            Err(error) => {
                for sequence in settled.reserved.into_iter().chain(settled.kept) {
                    state.inbox.cancel(sequence);
                }
                if let Some((sender, id)) = &settled.claim {
                    state.peers.stay(sender, id);
                }
                if let (Code::StorePrecondition, Some((sender, id))) = (error.code(), &settled.claim) {
                    messages::retract(sender, id, settled.is_counted, state.tables());
                    state.replay.claim(sender, id, now);
                }
                drop(state);
                Err(match error.code() {
                    Code::StorePrecondition => messages::duplicate(),
                    _ => Answer::from_error(&error).retry_after(std::time::Duration::from_secs(5)),
                })
            }
        }
    }
}
