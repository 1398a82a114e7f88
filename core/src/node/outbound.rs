//! The outbound path: from the host to the disk of a peer.
//!
//! ```text
//! send ─┬─ commit(outbox row) ──┐
//!       └─ first attempt ───────┴─► receipt: stored | accepted | failed
//!                                   later attempts: the outbox loop, same message id
//! ```
//!
//! The row and the first attempt run side by side: the receipt waits for the row, unless every peer accepted
//! the message before. A crash between them leaves at worst a message that the peer has and we tell nobody
//! about; a crash after the row leaves one that is sent again, which the receiver's claim makes harmless. What is sent
//! under an idempotency key leaves after the row is on disk, so that no crash separates the key from the message.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use serde_json::{Map, Value};

use super::{attempt::Attempt, forwarding, inner::Inner, outgoing::Outgoing, relay, state::State};
use crate::{
    env::Timestamp,
    error::{Code, Error, Result},
    identity::AgentId,
    messaging::{
        Delivery, DeliveryState, MessageEvent, OutboxItem, Reason, Receipt,
        compose::Form,
        idempotency::{self, FirstSend},
        log::{Direction, EntryType, LogEntry},
        receipts::sent::{Departure, Settlement},
    },
    peers::{Connection, PeerEvent},
    store::Batch,
    transport::{Grant, Method, Request, Sent},
    wire::{
        envelope::{MessageLimits, Origin},
        route::MESH_PREFIX,
        url,
    },
};

/// How long one delivery may take.
pub(super) const DELIVERY_TIMEOUT: Duration = Duration::from_secs(5);
/// How long the row of a message waits for the end of its first attempt, so that a peer that answers at once costs one
/// commit and not two.
const ROW_PATIENCE: Duration = Duration::from_millis(5);

impl Inner {
    /// An id for a message of ours.
    pub(crate) fn new_message_id(&self) -> String {
        self.id("msg-", 16)
    }

    /// Stores and sends a message; see the module docs for what the receipt means.
    pub(crate) async fn send(self: &Arc<Self>, mut outgoing: Outgoing) -> Result<Receipt> {
        let digest = outgoing.check()?;
        let mut seen = std::collections::BTreeSet::new();
        outgoing.to.retain(|agent| seen.insert(*agent));
        let message_id = outgoing.message_id.clone();
        let wait = outgoing.wait;
        let targets = outgoing.to.clone();
        let (sender, mut attempts) = tokio::sync::mpsc::unbounded_channel();
        let passes_on = outgoing.passes_on;
        let origins = self.origins(&outgoing, &digest)?;
        let (mut first, mut is_queued) = (None, false);
        let stored = {
            self.transact(
                |state, now| {
                    if let Some(key) = &outgoing.key
                        && let Some(known) = state.keys.find(key)?
                    {
                        first = Some(known.clone());
                        return Ok((state.keys.again(key)?, (sender, Vec::new())));
                    }
                    let (mut rows, mut leaving) = self.enqueue(state, now, &outgoing, (&digest, origins))?;
                    is_queued = true;
                    if outgoing.key.is_none() {
                        leaving.drain(..).for_each(|item| self.attempt_now(item, sender.clone()));
                        rows.wait_for_others(ROW_PATIENCE);
                    }
                    Ok((rows, (sender, leaving)))
                },
                move |inner, result, (sender, leaving)| {
                    if result.is_ok() {
                        leaving.into_iter().for_each(|item| inner.attempt_now(item, sender.clone()));
                    }
                    if let (Ok(()), Some(sequence)) = (&result, passes_on) {
                        inner.state.lock().inbox.handed_over(sequence);
                    }
                    inner.outbox_bell.notify_one();
                    result
                },
            )
        };
        let (gathered, stored) = first_attempts(targets.len(), wait, &mut attempts, stored).await;
        match first {
            // What is known of the id is of an earlier copy.
            None if !is_queued => stored.and_then(|()| self.sent_status(&message_id)),
            None => self.receipt(message_id, &targets, gathered, stored),
            // Somebody else waits for the first call, or nobody does any more: this one waits for the disk alone.
            Some(first) => stored.map(|()| self.first_receipt(&first)),
        }
    }

    /// The rows of a message, and its copies that nothing older keeps from leaving. All or nobody: when this fails,
    /// nothing has changed.
    fn enqueue(
        &self,
        state: &mut State,
        now: Timestamp,
        outgoing: &Outgoing,
        (digest, origins): (&str, Vec<Option<Origin>>),
    ) -> Result<(Batch, Vec<OutboxItem>)> {
        let id = &outgoing.message_id;
        if outgoing.limits.is_over(now) {
            return Err(MessageLimits::over());
        }
        for agent in &outgoing.to {
            state.blocks.check(agent)?;
            let pending = state.peers.outstanding().any(|request| request.agent_id == *agent);
            if !pending {
                state.peers.require(agent)?;
            }
        }
        if let Some(forward) = &outgoing.forward {
            forwarding::check(state, &self.me(), forward, &outgoing.to)?;
        }
        state.outbox.check_room(&outgoing.to, self.config.outbox_limit)?;
        let expires_at = now + outgoing.expires_in;
        let expires_at = outgoing.limits.deadline.map_or(expires_at, |deadline| deadline.min(expires_at));
        let mut rows = Batch::new();
        if let Some(key) = &outgoing.key {
            state.keys.check_room(idempotency::MOST)?;
            rows.append(state.keys.begin(key.clone(), id, &outgoing.to, expires_at)?);
        }
        let mut leaving = Vec::new();
        for (agent, origin) in outgoing.to.iter().zip(origins) {
            let item = OutboxItem {
                sequence: 0,
                message_id: id.clone(),
                to: *agent,
                content: outgoing.content.clone(),
                metadata: outgoing.metadata.clone(),
                in_reply_to: outgoing.in_reply_to.clone(),
                hops: outgoing.hops,
                created_at: now,
                expires_at,
                attempts: 0,
                next_attempt: now,
                last_reason: None,
                was_limited: false,
                origin,
                passing: outgoing.forward.as_ref().and_then(|forward| forward.passing),
            };
            let (sequence, sends_now, item_rows) = state.outbox.push(item.clone())?;
            rows.append(item_rows);
            let peer = state.peers.get(agent);
            state.sent.begin(Departure {
                message_id: id,
                to: *agent,
                digest,
                gives_receipts: self.config.receipts && peer.is_some_and(Connection::gives_receipts),
            });
            if sends_now {
                leaving.push(OutboxItem { sequence, ..item });
            }
        }
        if let Some(sequence) = outgoing.passes_on {
            rows.append(state.inbox.withdraw(sequence));
            if let Some((from, message_id)) = state.inbox.origin(sequence) {
                rows.append(state.given.passed_on(&from, &message_id)?);
            }
        }
        let entry_type = outgoing.entry_type.unwrap_or(if outgoing.to.len() == 1 {
            EntryType::Direct
        } else {
            EntryType::Broadcast
        });
        rows.append(state.log.append(LogEntry {
            message_id: id.clone(),
            content: outgoing.content.clone(),
            from_agent_id: self.me(),
            to_agent_ids: outgoing.to.clone(),
            timestamp: now.to_wire(),
            entry_type,
            direction: Direction::Outbound,
            trust_at_time: 0.0,
            metadata: outgoing.metadata.clone(),
        })?);
        Ok((rows, leaving))
    }

    /// What became of a message whose call is repeated.
    fn first_receipt(&self, first: &FirstSend) -> Receipt {
        let state = self.state.lock();
        let mut receipt = first.receipt(state.sent.status(&first.message_id));
        let waiting = state.outbox.of_message(&first.message_id);
        for delivery in &mut receipt.deliveries {
            if delivery.state == DeliveryState::Stored {
                delivery.reason = waiting_reason(&waiting, &delivery.to);
            }
        }
        receipt
    }

    fn receipt(
        &self,
        message_id: String,
        targets: &[AgentId],
        gathered: Vec<Delivery>,
        stored: Result<()>,
    ) -> Result<Receipt> {
        let deliveries: Vec<_> = {
            let mut state = self.state.lock();
            let waiting = state.outbox.of_message(&message_id);
            // From here on the host knows that these wait: what it sends next must not overtake them.
            waiting.iter().for_each(|item| state.outbox.overdue(item.sequence));
            let known = state.sent.status(&message_id).map(|receipt| receipt.deliveries).unwrap_or_default();
            let of = |agent: &AgentId| {
                let is_its = |delivery: &&Delivery| delivery.to == *agent;
                // What the attempt brought; the peer may have done more meanwhile, which is told later.
                let known = known.iter().find(is_its);
                let found = gathered.iter().find(is_its).or(known).cloned();
                let mut delivery = found.unwrap_or_else(|| Delivery::stored(*agent));
                delivery.gives_receipts = known.is_some_and(|known| known.gives_receipts);
                if delivery.state == DeliveryState::Stored {
                    delivery.reason = waiting_reason(&waiting, agent);
                }
                delivery
            };
            targets.iter().map(of).collect()
        };
        // What the disk did not take is only true when the peer has it.
        if let Err(error) = stored
            && deliveries.iter().any(|delivery| delivery.state == DeliveryState::Stored)
        {
            self.state.lock().sent.forget_waiting(&message_id);
            return Err(error);
        }
        Ok(Receipt::new(message_id, deliveries))
    }

    fn attempt_now(self: &Arc<Self>, item: OutboxItem, report: tokio::sync::mpsc::UnboundedSender<Delivery>) {
        let inner = Arc::clone(self);
        self.env.tasks.spawn("deliver", async move {
            let delivery = inner.deliver(item).await;
            let _ = report.send(delivery);
        });
    }

    /// One attempt for one outbox item, with everything that follows from it.
    pub(crate) async fn deliver(self: &Arc<Self>, item: OutboxItem) -> Delivery {
        let (to, sequence, message_id) = (item.to, item.sequence, item.message_id.clone());
        let attempt = if item.expires_at <= self.now() {
            let text = match &item.last_reason {
                Some(reason) => format!("expired before the peer could be reached; last: {}", reason.text),
                None => String::from("expired before the peer could be reached"),
            };
            Attempt::over(Reason::new(Code::MessageExpired, text))
        } else {
            self.attempt(&item).await
        };
        let delivery = attempt.delivery(to);
        let is_later = matches!(attempt, Attempt::Later { .. });
        let is_accepted = delivery.state >= DeliveryState::Accepted;
        let noted = self.begin(
            |state, now| {
                let mut rows = Batch::new();
                let mut events = Vec::new();
                let mut handed_over = None;
                match &attempt {
                    Attempt::Accepted { via, proof } => {
                        rows.append(state.outbox.finish(sequence));
                        let end = Settlement::Accepted { via: (*via).to_owned(), proof: proof.clone() };
                        rows.append(state.sent.settle(&message_id, &to, now, end)?);
                        rows.append(state.trim_sent(self.config.sent_limit)?);
                        let (passed, over) = forwarding::arrived(state, item.passing, to)?;
                        rows.append(passed);
                        handed_over = over;
                        if let Some(answered) = &item.in_reply_to {
                            rows.append(state.given.answered(&to, answered, &message_id, self.both())?);
                            self.receipt_bell.notify_one();
                        }
                        // It takes messages: the next one need not wait for its own time.
                        state.outbox.wake(&to, self.both());
                        if state.given.wake(&to, self.steady()) {
                            self.receipt_bell.notify_one();
                        }
                        state.peers.count_sent(&to, now);
                        if state.peers.get(&to).is_some() {
                            rows.append(state.trust.record_sent(to, true, now)?);
                        }
                        events.push(
                            MessageEvent::MessageAccepted { message_id, to, via: (*via).to_owned() }.into(),
                        );
                    }
                    Attempt::Over { state: end, reason, proof } => {
                        let left = state.outbox.finish(sequence);
                        // It may have been taken back meanwhile, which was told.
                        let is_news = !left.is_empty();
                        rows.append(left);
                        if is_news || proof.is_some() {
                            let (state_of, reason) = (*end, reason.clone());
                            let end = Settlement::Over { state: state_of, reason, proof: proof.clone() };
                            rows.append(state.sent.settle(&message_id, &to, now, end)?);
                            rows.append(state.trim_sent(self.config.sent_limit)?);
                        }
                        if is_news {
                            let reason = reason.clone();
                            events.push(MessageEvent::MessageFailed { message_id, to, reason }.into());
                        }
                    }
                    Attempt::Later { reason, hint, .. } => {
                        rows.append(state.outbox.postpone(sequence, self.both(), *hint, reason.clone())?);
                    }
                }
                let reached = !matches!(attempt, Attempt::Later { reached: false, .. });
                // What went around says nothing about the way to the peer itself.
                let is_direct = !matches!(attempt, Attempt::Accepted { via: relay::VIA, .. });
                if is_direct && state.peers.note_reached(&to, reached, self.both()) {
                    events.push(PeerEvent::PeerReachability { agent_id: to, reachable: reached }.into());
                }
                if is_accepted {
                    // Lost in a crash, it costs one more attempt, which the peer knows for a copy.
                    rows.wait_for_others(ROW_PATIENCE);
                }
                Ok((rows, (events, handed_over)))
            },
            move |inner, result, (events, over): (Vec<super::events::EventBody>, Option<u64>)| {
                if result.is_ok() {
                    inner.publish(events);
                    if let Some(sequence) = over {
                        inner.state.lock().inbox.handed_over(sequence);
                    }
                }
                inner.outbox_bell.notify_one();
                if is_later {
                    inner.mail_bell.notify_one();
                }
                inner.sent_bell.notify_waiters();
                inner.upkeep_bell.notify_one();
            },
        );
        // What the peer has is true at once; everything else only when the disk says so, too.
        if is_accepted {
            self.outbox_bell.notify_one();
            self.prepare_seal(to);
        } else if let Ok(noted) = noted {
            let _ = noted.await;
        }
        delivery
    }

    /// While the host reads its receipt: who has sent to a peer often sends again.
    fn prepare_seal(self: &Arc<Self>, to: AgentId) {
        let peer = self.state.lock().peers.get(&to).map(|peer| Form::for_peer(peer, self.config.seal));
        if peer == Some(Form::Sealed) {
            let inner = Arc::clone(self);
            self.env.tasks.spawn("seal", async move { inner.sealers.prepare(&to) });
        }
    }

    /// Posts to a connected peer, at its scoped path, so that nobody else behind the same address can take it.
    pub(crate) async fn post_to_peer(
        &self,
        peer: &Connection,
        endpoint: &str,
        body: Map<String, Value>,
        timeout: Duration,
    ) -> Result<Sent> {
        let path = format!("{MESH_PREFIX}{}/{endpoint}", peer.agent_id);
        self.request(url::base(&peer.url), Method::Post, path, Some(body), timeout, peer.grant()).await
    }

    /// Sends any request to a base URL.
    pub(crate) async fn request(
        &self,
        base: &str,
        method: Method,
        path: String,
        body: Option<Map<String, Value>>,
        timeout: Duration,
        grant: Grant,
    ) -> Result<Sent> {
        let body = match body {
            None => Bytes::new(),
            Some(object) => Bytes::from(serde_json::to_vec(&object).map_err(|cause| {
                Error::new(Code::Internal, "a request could not be written as JSON").because(cause)
            })?),
        };
        let grant = self.vouched(base, grant);
        self.switchboard.send(base, Request { method, path, body, timeout, grant }).await
    }
}

/// Why a copy still waits.
fn waiting_reason(waiting: &[OutboxItem], agent: &AgentId) -> Option<Reason> {
    let item = waiting.iter().find(|item| item.to == *agent);
    item.and_then(|item| item.last_reason.clone()).or_else(|| {
        let sentence =
            "no answer yet, or waiting behind earlier messages for this peer; the node keeps trying";
        Some(Reason::new(Code::Timeout, sentence))
    })
}

/// Waits for the first attempts, which run while the disk works, and for the row, unless every peer has the message:
/// then it needs no row of ours.
async fn first_attempts(
    count: usize,
    patience: Duration,
    attempts: &mut tokio::sync::mpsc::UnboundedReceiver<Delivery>,
    stored: impl Future<Output = Result<Result<()>>>,
) -> (Vec<Delivery>, Result<()>) {
    let deadline = tokio::time::Instant::now() + patience;
    let mut stored = std::pin::pin!(stored);
    let mut row = None;
    let mut gathered = Vec::new();
    while gathered.len() < count {
        tokio::select! {
            biased;
            delivery = attempts.recv() => match delivery {
                Some(delivery) => gathered.push(delivery),
                // All attempts that run now have reported.
                None => break,
            },
            result = &mut stored, if row.is_none() => row = Some(result),
            () = tokio::time::sleep_until(deadline) => break,
        }
    }
    let is_everywhere =
        gathered.len() == count && gathered.iter().all(|delivery| delivery.state >= DeliveryState::Accepted);
    let row = match row {
        Some(row) => row,
        None if is_everywhere => Ok(Ok(())),
        None => stored.await,
    };
    (gathered, row.and_then(|row| row))
}
