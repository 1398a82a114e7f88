//! Taking messages back: what waits here is over at once, whoever may have it is told, and what others take back leaves.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use serde_json::{Map, json};

use super::{inner::Inner, state::State};
use crate::{
    env::Timestamp,
    error::{Code, Error, Result},
    identity::AgentId,
    messaging::{
        CancelOutcome, Cancellation, CancelledCopy, Delivery, DeliveryState, MessageEvent, Reason,
        TAKEN_BACK, claims, inbox::Place, receipts::sent::Settlement,
    },
    peers::Connection,
    store::{Batch, Table},
    wire::{
        Answer,
        frame::{Cancel, PrivateKind},
        limits,
    },
};

/// How long a frame may take.
const TELL_TIMEOUT: Duration = Duration::from_secs(5);
/// The longest sleep between two looks at what is to be told.
const ROUND: Duration = Duration::from_secs(60);
/// When to tell again what met a message that was being written.
const SOON: Duration = Duration::from_secs(1);

/// What whoever reads a stream is told.
const STREAM_OVER: &str = "the question was taken back";

/// What taking a message back did to memory.
#[derive(Default)]
struct TakenBack {
    rows: Batch,
    copies: Vec<CancelledCopy>,
    events: Vec<MessageEvent>,
}

/// What the frame of an author did to memory.
#[derive(Default)]
struct Heard {
    rows: Batch,
    events: Vec<MessageEvent>,
    /// Hidden in the inbox until the disk knows.
    hidden: Vec<u64>,
    /// What is said about these, once the disk knows.
    over: Vec<String>,
    /// Claimed before they came.
    claimed: Vec<String>,
    /// Whether one was being written.
    is_early: bool,
}

impl Inner {
    /// Takes a message of ours back.
    pub(crate) async fn cancel(
        self: &Arc<Self>,
        message_id: &str,
        reason: Option<&str>,
    ) -> Result<Cancellation> {
        if reason.is_some_and(|reason| reason.chars().count() > limits::CANCEL_REASON_CHARS) {
            let sentence = format!("reason must have at most {} characters", limits::CANCEL_REASON_CHARS);
            return Err(Error::new(Code::InvalidArgument, sentence));
        }
        let receipt = self.sent_status(message_id)?;
        let id = message_id.to_owned();
        let (steady, known) = (self.steady(), &receipt.deliveries);
        self.transact(
            |state, now| {
                let mut taken = TakenBack::default();
                for delivery in known {
                    let outcome = take_back(state, &mut taken, message_id, delivery, reason, now)?;
                    if outcome == CancelOutcome::Telling {
                        state.recalls.add(delivery.to, message_id, steady);
                    }
                    taken.copies.push(CancelledCopy { to: delivery.to, outcome });
                }
                Ok((std::mem::take(&mut taken.rows), taken))
            },
            move |inner, result, taken| {
                result?;
                inner.publish(taken.events);
                inner.sent_bell.notify_waiters();
                inner.close_stream(&id, Some((Code::MessageCancelled, STREAM_OVER)));
                inner.outbox_bell.notify_one();
                inner.recall_bell.notify_one();
                Ok(Cancellation { message_id: id, copies: taken.copies })
            },
        )
        .await?
    }

    /// [`Inner::cancel`] in the background: nobody waits for the message any more.
    pub(crate) fn abandon(self: &Arc<Self>, message_id: String, reason: &'static str) {
        let inner = Arc::clone(self);
        self.env.tasks.spawn("cancel", async move {
            // Unknown when it never was sent, and a node that closes leaves it.
            if let Err(error) = inner.cancel(&message_id, Some(reason)).await {
                tracing::debug!(%error, message_id, "a question was not taken back");
            }
        });
    }

    /// Tells recipients which messages they are to let go of, until the node closes.
    pub(crate) async fn run_recalls(self: &Arc<Self>) {
        loop {
            let (due, next) = {
                let now = self.both();
                let mut state = self.state.lock();
                let state = &mut *state;
                // Whoever brings the disk back rings.
                let is_ready = self.ready().is_ok();
                let due = if is_ready { state.recalls.due(&state.sent, now) } else { Vec::new() };
                (due, state.recalls.wait(now.steady).filter(|_| is_ready))
            };
            for (agent, cancels) in due {
                let inner = Arc::clone(self);
                self.env.tasks.spawn("recalls", async move { inner.tell_recalls(agent, cancels).await });
            }
            let wait = next.unwrap_or(ROUND).clamp(Duration::from_millis(1), ROUND);
            tokio::select! {
                biased;
                () = tokio::time::sleep(wait) => {}
                () = self.recall_bell.notified() => {}
            }
        }
    }

    async fn tell_recalls(self: &Arc<Self>, agent: AgentId, cancels: Vec<Cancel>) {
        let peer = self.state.lock().peers.get(&agent).cloned();
        let Some(peer) = peer.filter(Connection::takes_cancels) else {
            return self.state.lock().recalls.part(&agent);
        };
        let body = Map::from_iter([(String::from("cancels"), json!(cancels))]);
        let sent = self.post_private(&peer, PrivateKind::Cancel, body, TELL_TIMEOUT).await;
        let hint = match sent {
            // What the peer refuses it will not want later.
            Ok(sent) if sent.reply.status < 500 && ![408, 429].contains(&sent.reply.status) => {
                return self.note_told(agent, cancels).await;
            }
            Ok(sent) => sent.reply.retry_after,
            Err(_) => None,
        };
        self.state.lock().recalls.postpone(&agent, self.steady(), hint);
        self.recall_bell.notify_one();
    }

    async fn note_told(self: &Arc<Self>, agent: AgentId, cancels: Vec<Cancel>) {
        let noted = self.write(|state, _| {
            let mut rows = Batch::new();
            for cancel in &cancels {
                rows.append(state.sent.recall_told(&cancel.message_id, &agent)?);
            }
            Ok(rows)
        });
        if let Err(error) = noted.await {
            tracing::warn!(%error, "a peer may be told twice that a message was taken back");
        }
        self.state.lock().recalls.told(&agent, &cancels, self.steady());
        self.recall_bell.notify_one();
    }

    /// The author of messages takes them back. Only those of `from` are looked at.
    pub(super) async fn hear_cancels(
        self: &Arc<Self>,
        from: AgentId,
        cancels: Vec<Cancel>,
    ) -> std::result::Result<Answer, Answer> {
        let mut taken_before = BTreeSet::new();
        for cancel in &cancels {
            let key = claims::key(&from, &cancel.message_id);
            match self.store.read(Table::Seen, &key).await {
                Ok(Some(_)) => drop(taken_before.insert(cancel.message_id.clone())),
                Ok(None) => {}
                Err(error) => return Err(Answer::from_error(&error)),
            }
        }
        self.settle(
            |state, now| {
                let mut heard = self.let_go(state, from, &cancels, &taken_before, now)?;
                Ok((std::mem::take(&mut heard.rows), heard))
            },
            |inner, result, heard| inner.conclude_cancels(from, result, heard),
        )
        .await
        .unwrap_or_else(|error| Err(Answer::from_error(&error)))
    }

    fn let_go(
        &self,
        state: &mut State,
        from: AgentId,
        cancels: &[Cancel],
        taken_before: &BTreeSet<String>,
        now: Timestamp,
    ) -> Result<Heard> {
        let mut heard = Heard::default();
        let wanted: BTreeSet<&str> = cancels.iter().map(|cancel| cancel.message_id.as_str()).collect();
        let places = state.inbox.places(&from, &wanted);
        let meant: BTreeMap<_, _> =
            cancels.iter().map(|cancel| (cancel.message_id.as_str(), cancel)).collect();
        for (id, cancel) in meant {
            let event = |handed_out| MessageEvent::MessageCancelled {
                message_id: id.to_owned(),
                from,
                reason: cancel.reason.clone(),
                handed_out,
            };
            match places.get(id) {
                Some((_, Place::Reserved)) => heard.is_early = true,
                Some((sequence, Place::Queued)) => {
                    heard.rows.append(state.inbox.hide(*sequence));
                    heard.rows.append(state.given.cancelled(&from, id, now)?);
                    heard.hidden.push(*sequence);
                    heard.over.push(id.to_owned());
                    heard.events.push(event(false));
                }
                Some((sequence, Place::Leased)) => {
                    heard.rows.append(state.inbox.recall(*sequence));
                    heard.rows.append(state.given.recalled(&from, id, now)?);
                    heard.events.push(event(true));
                }
                // It was here, and what became of it stays.
                None if taken_before.contains(id)
                    || state.given.knows(&from, id)
                    || state.replay.contains(&from, id, now) => {}
                // It may come yet, from an attempt that is under way.
                None if !state.ahead.allows(&from, self.steady()) => {}
                None => {
                    claims::reclaim(&mut heard.rows, &from, id, now)?;
                    heard.claimed.push(id.to_owned());
                    if self.tells(state.peers.get(&from)) {
                        let digest = cancel.digest.clone();
                        heard.rows.append(state.given.never_taken(from, id, digest, self.both())?);
                        heard.over.push(id.to_owned());
                    }
                }
            }
        }
        Ok(heard)
    }

    fn conclude_cancels(
        &self,
        from: AgentId,
        result: Result<()>,
        heard: Heard,
    ) -> std::result::Result<Answer, Answer> {
        // The state of a node whose disk failed is read again.
        result.map_err(|error| Answer::from_error(&error).retry_after(SOON))?;
        let (now, steady) = (self.now(), self.steady());
        let mut state = self.state.lock();
        for sequence in heard.hidden {
            state.inbox.forget(sequence);
        }
        for id in heard.claimed {
            state.replay.claim(&from, &id, now);
        }
        for id in heard.over {
            state.given.confirm(&from, &id, steady);
        }
        drop(state);
        self.publish(heard.events);
        self.receipt_bell.notify_one();
        if heard.is_early {
            let sentence = "A message is just being taken; take it back again in a moment";
            return Err(Answer::refuse(503, Code::Timeout, sentence).retry_after(SOON));
        }
        Ok(Answer::ok(json!({"status": "received"})))
    }

    /// The host gave back a message whose author took it back. Returns whether it was one.
    pub(super) fn return_recalled(
        &self,
        state: &mut State,
        sequence: u64,
        redeliveries: Option<u32>,
    ) -> bool {
        let Some((from, message_id)) = state.inbox.return_recalled(sequence, redeliveries) else {
            return false;
        };
        if state.given.let_go_of(&from, &message_id, self.both()) {
            self.receipt_bell.notify_one();
        }
        true
    }
}

/// Takes one copy back, as far as that is up to us.
fn take_back(
    state: &mut State,
    taken: &mut TakenBack,
    message_id: &str,
    delivery: &Delivery,
    reason: Option<&str>,
    now: Timestamp,
) -> Result<CancelOutcome> {
    let to = delivery.to;
    let waiting = state.outbox.of_message(message_id).into_iter().find(|item| item.to == to);
    let is_new =
        waiting.as_ref().is_some_and(|item| item.attempts == 0 && !state.outbox.is_under_way(item.sequence));
    if let Some(item) = &waiting {
        let why = Reason::new(Code::MessageCancelled, TAKEN_BACK);
        let end = Settlement::Over { state: DeliveryState::Failed, reason: why.clone(), proof: None };
        taken.rows.append(state.outbox.finish(item.sequence));
        taken.rows.append(state.sent.settle(message_id, &to, now, end)?);
        taken.events.push(MessageEvent::MessageFailed { message_id: message_id.to_owned(), to, reason: why });
    }
    let was_cancelled =
        delivery.reason.as_ref().is_some_and(|reason| reason.code == Code::MessageCancelled.name());
    let peer = state.peers.get(&to);
    Ok(match (&waiting, delivery.state) {
        // Whoever has not accepted the connection got nothing.
        (Some(_), _) if is_new || peer.is_none() => CancelOutcome::Withdrawn,
        (None, _) if state.sent.is_recalled(message_id, &to) => CancelOutcome::Telling,
        (None, DeliveryState::Failed) if was_cancelled => CancelOutcome::Withdrawn,
        (None, state) if state.is_failure() || state >= DeliveryState::Handled => CancelOutcome::TooLate,
        _ if peer.is_some_and(Connection::takes_cancels) => {
            taken.rows.append(state.sent.recall(message_id, &to, reason, now)?);
            CancelOutcome::Telling
        }
        _ => CancelOutcome::CannotTell,
    })
}
