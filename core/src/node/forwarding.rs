//! Forwarding in motion: for the host, and as routing rules say.

use std::{sync::Arc, time::Duration};

use super::{inner::Inner, outgoing::Outgoing, state::State};
use crate::{
    error::{Code, Error, Result},
    identity::AgentId,
    messaging::{
        Message, OutboxItem, Receipt,
        forwarding::{self, Onward, Passing},
        log::EntryType,
    },
    store::Batch,
    wire::envelope::{MessageLimits, Origin},
};

/// A message that is passed on.
#[derive(Clone, Debug)]
pub(crate) struct Forward {
    pub(crate) item: Arc<Message>,
    /// Also to those who have it.
    pub(crate) force: bool,
    pub(crate) note: Option<String>,
    /// What becomes of it when a copy is accepted; nothing when it was given up before.
    pub(crate) passing: Option<Passing>,
}

/// How a host passes a message on.
#[derive(Clone, Debug)]
pub(crate) struct Wish {
    pub(crate) to: Vec<AgentId>,
    pub(crate) keep: bool,
    pub(crate) force: bool,
    pub(crate) note: Option<String>,
    /// What is given here goes on instead of what came; it may only be tighter.
    pub(crate) limits: MessageLimits,
    /// How long to wait for the first attempts.
    pub(crate) wait: Duration,
}

impl Inner {
    /// Passes a message of the inbox on, as the host says.
    pub(crate) async fn forward(self: &Arc<Self>, item: Arc<Message>, wish: Wish) -> Result<Receipt> {
        let came = item.limits.clone().unwrap_or_default();
        let limits = MessageLimits {
            deadline: wish.limits.deadline.or(came.deadline),
            budget: wish.limits.budget.or_else(|| came.budget.clone()),
            trace: wish.limits.trace.or_else(|| came.trace.clone()),
        };
        limits.within(&came)?;
        let passing = Some(Passing { sequence: item.sequence, keep: wish.keep });
        let forward = Forward { item, force: wish.force, note: wish.note, passing };
        self.send(self.onward(forward, wish.to, limits, wish.wait)?).await
    }

    /// Passes a message on as a routing rule says, to those who do not have it. What cannot be forwarded comes back into our
    /// own inbox.
    pub(super) async fn forward_by_rule(self: &Arc<Self>, to: Vec<AgentId>, kept: u64) {
        let Some(item) = self.state.lock().inbox.item(kept) else { return };
        let known = forwarding::known(&item, &self.me());
        let (known, unknown): (Vec<_>, Vec<_>) = to.into_iter().partition(|agent| known.contains(agent));
        let connected: Vec<_> = {
            let state = self.state.lock();
            unknown.into_iter().filter(|agent| state.peers.get(agent).is_some()).collect()
        };
        let sent = if !connected.is_empty() {
            let limits = item.limits.clone().unwrap_or_default();
            let forward = Forward { item, force: false, note: None, passing: None };
            match self.onward(forward, connected, limits, Duration::from_secs(10)) {
                Ok(outgoing) => self.send(Outgoing { passes_on: Some(kept), ..outgoing }).await.map(|_| ()),
                Err(error) => Err(error),
            }
        } else if known.is_empty() {
            Err(Error::new(Code::PeerNotConnected, "none of the agents to forward to is connected"))
        } else {
            Err(Error::new(Code::AlreadyReceived, "all agents to forward to have the message already"))
        };
        if let Err(error) = sent {
            self.keep_after_all(kept, "forward_failed", &error).await;
        }
    }

    fn onward(
        &self,
        forward: Forward,
        to: Vec<AgentId>,
        limits: MessageLimits,
        wait: Duration,
    ) -> Result<Outgoing> {
        let item = &forward.item;
        let Onward { metadata, in_reply_to } = forwarding::onward(item, &self.me())?;
        let Some(hops) = item.hops_remaining.checked_sub(1) else {
            return Err(Error::new(Code::HopsExhausted, "the message may not be forwarded any more"));
        };
        Ok(Outgoing {
            message_id: item.message_id.clone(),
            to,
            content: item.content.clone(),
            metadata,
            in_reply_to,
            hops,
            expires_in: self.config.outbox_expiry(),
            wait,
            entry_type: Some(EntryType::Forward),
            passes_on: None,
            key: None,
            limits,
            forward: Some(forward),
        })
    }

    /// The next step on the way of a message that has an origin.
    pub(super) fn step(
        &self,
        forward: &Forward,
        to: AgentId,
        limits: &MessageLimits,
    ) -> Result<Option<Origin>> {
        let Some(origin) = &forward.item.origin else { return Ok(None) };
        origin.pass_on(to, limits, forward.note.as_deref(), self.now(), &self.passport).map(Some)
    }
}

/// Whether a message may be passed on, now that nothing else changes.
pub(super) fn check(state: &State, me: &AgentId, forward: &Forward, to: &[AgentId]) -> Result<()> {
    let sequence = forward.item.sequence;
    // Another call may have handed it over meanwhile, or passed it on.
    let Some(item) = state.inbox.item(sequence) else {
        let sentence = "no such message, or it was acknowledged before";
        return Err(Error::new(Code::MessageUnknown, sentence).with("sequence", sequence));
    };
    let copies = state.outbox.of_message(&item.message_id);
    let of_item = |copy: &&OutboxItem| copy.passing.is_some_and(|passing| passing.sequence == sequence);
    let pending: Vec<_> = copies.iter().filter(of_item).map(|copy| copy.to).collect();
    forwarding::check(&item, &pending, to, me, forward.force)
}

/// A copy arrived: the rows of what becomes of the message in the inbox, and its place when it is over.
pub(super) fn arrived(
    state: &mut State,
    passing: Option<Passing>,
    to: AgentId,
) -> Result<(Batch, Option<u64>)> {
    let Some(Passing { sequence, keep }) = passing else { return Ok((Batch::new(), None)) };
    if keep {
        return Ok((state.inbox.note_fork(sequence, to)?, None));
    }
    let Some((from, message_id)) = state.inbox.origin(sequence) else { return Ok((Batch::new(), None)) };
    let mut rows = state.inbox.hand_over(sequence);
    rows.append(state.given.passed_on(&from, &message_id)?);
    Ok((rows, Some(sequence)))
}
