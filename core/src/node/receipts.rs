//! Receipts in motion: signing what became of messages of others, telling them, and hearing what became of ours.

use std::{sync::Arc, time::Duration};

use serde_json::{Map, json};

use super::{inner::Inner, state::State};
use crate::{
    error::{Code, Error, Result},
    identity::AgentId,
    messaging::{DeliveryState, Message, MessageEvent, Reason, Receipt, TAKEN_BACK, THROWN_AWAY, TOO_LATE},
    peers::Connection,
    store::Batch,
    transport::Outcome,
    wire::{
        Answer,
        frame::Receipts,
        receipt::{SignedReceipt, Statement},
        verify::Verified,
    },
};

use super::actions::Action;

/// How long a frame of receipts may take.
const TELL_TIMEOUT: Duration = Duration::from_secs(5);
/// The longest sleep between two looks at what is to be told.
const ROUND: Duration = Duration::from_secs(60);

impl Inner {
    /// Whether this peer is told what becomes of its messages.
    pub(super) fn tells(&self, peer: Option<&Connection>) -> bool {
        self.config.receipts && peer.is_some_and(Connection::gives_receipts)
    }

    /// A peer showed itself: what waits for it is due.
    pub(super) fn wake(&self, state: &mut State, agent: &AgentId) {
        let now = self.both();
        if state.outbox.wake(agent, now) {
            self.outbox_bell.notify_one();
        }
        if state.given.wake(agent, now.steady) {
            self.receipt_bell.notify_one();
        }
        if self.may_have_mail(state, agent) {
            self.mail_bell.notify_one();
        }
        if state.recalls.wake(agent, now.steady) {
            self.recall_bell.notify_one();
        }
    }

    /// The answer to a message, with what we say about it.
    pub(super) fn with_receipt(&self, mut answer: Answer, statement: Option<Statement>) -> Answer {
        if let (Some(statement), crate::wire::Body::Json(members)) = (statement, &mut answer.body) {
            members.insert("receipt".into(), json!(statement.sign(&self.passport)));
        }
        answer
    }

    /// A message is in the hands of the host.
    pub(super) fn note_delivered(&self, state: &mut State, message: &Message) {
        if state.given.delivered(&message.from, &message.message_id, self.both()) {
            self.receipt_bell.notify_one();
        }
    }

    /// Tells senders what became of their messages, until the node closes.
    pub(crate) async fn run_receipts(self: &Arc<Self>) {
        loop {
            let (due, next) = {
                let now = self.both();
                let mut state = self.state.lock();
                // Whoever brings the disk back rings.
                let is_ready = self.ready().is_ok();
                let due = if is_ready { state.given.due(now) } else { Vec::new() };
                (due, state.given.wait(now.steady).filter(|_| is_ready))
            };
            for (agent, statements) in due {
                let inner = Arc::clone(self);
                self.env.tasks.spawn("receipts", async move { inner.tell_receipts(agent, statements).await });
            }
            let wait = next.unwrap_or(ROUND).clamp(Duration::from_millis(1), ROUND);
            tokio::select! {
                biased;
                () = tokio::time::sleep(wait) => {}
                () = self.receipt_bell.notified() => {}
            }
        }
    }

    async fn tell_receipts(self: &Arc<Self>, agent: AgentId, statements: Vec<Statement>) {
        let peer = self.state.lock().peers.get(&agent).cloned();
        let Some(peer) = peer.filter(|peer| self.tells(Some(peer))) else {
            return self.state.lock().given.part(&agent);
        };
        let receipts: Vec<_> =
            statements.iter().map(|statement| statement.clone().sign(&self.passport)).collect();
        let body = Map::from_iter([(String::from("receipts"), json!(receipts))]);
        let sent = self.post_to_peer(&peer, "receipts", body, TELL_TIMEOUT).await;
        let now = self.steady();
        let mut state = self.state.lock();
        match sent {
            // What the peer refuses it will not want later.
            Ok(sent) if sent.reply.status < 500 && ![408, 429].contains(&sent.reply.status) => {
                state.given.told(&agent, &statements, now);
            }
            Ok(sent) => state.given.postpone(&agent, now, sent.reply.retry_after),
            Err(_) => state.given.postpone(&agent, now, None),
        }
        drop(state);
        self.receipt_bell.notify_one();
    }

    /// Receipts of a peer about our messages. What they say about messages that we do not know, or did not say, is passed
    /// over: the peer may remember more than we do.
    pub(super) fn hear_receipts(
        &self,
        state: &mut State,
        receipts: &Verified<Receipts>,
    ) -> Outcome<MessageEvent, Action> {
        let mut heard = || -> Result<(Batch, Vec<MessageEvent>, usize)> {
            let (mut rows, mut events, mut known) = (Batch::new(), Vec::new(), 0);
            for receipt in &receipts.frame().receipts {
                known += usize::from(state.sent.fits(receipt));
                let (changed, risen) = state.sent.note(receipt)?;
                rows.append(changed);
                if risen.is_some() {
                    let (ended, event) = self.end_by_receipt(state, receipt)?;
                    rows.append(ended);
                    events.extend(event);
                }
                events.extend(risen.and_then(|risen| event_of(receipt, risen)));
            }
            Ok((rows, events, known))
        };
        match heard() {
            Err(error) => Outcome::answer(Answer::from_error(&error)),
            Ok((rows, events, known)) => Outcome {
                rows,
                events,
                actions: Vec::new(),
                answer: Answer::ok(json!({"status": "received", "known": known})),
            },
        }
    }

    /// What became of a message of ours.
    pub(crate) fn sent_status(&self, message_id: &str) -> Result<Receipt> {
        self.state.lock().sent.status(message_id).ok_or_else(|| {
            let sentence =
                "no such message was sent, or so long ago that it is forgotten; see the setting sent_limit";
            Error::new(Code::MessageUnknown, sentence).with("message_id", message_id)
        })
    }

    /// Waits until all copies of a message came as far as `state`. Fails as soon as one cannot.
    pub(crate) async fn sent_until(
        &self,
        message_id: &str,
        state: DeliveryState,
        patience: Option<Duration>,
    ) -> Result<Receipt> {
        let deadline = patience.map(|patience| tokio::time::Instant::now() + patience);
        loop {
            // Registered before looking, so that no ring between looking and waiting is lost.
            let mut bell = std::pin::pin!(self.sent_bell.notified());
            bell.as_mut().enable();
            let receipt = self.sent_status(message_id)?;
            if receipt.state >= state {
                return Ok(receipt);
            }
            end_of_ladder(&receipt, state)?;
            self.ready_to_wait()?;
            let late = async {
                match deadline {
                    Some(deadline) => tokio::time::sleep_until(deadline).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                biased;
                () = bell => {}
                () = late => {
                    let sentence = format!("the message did not come as far as {state} in time; it is {}", receipt.state);
                    return Err(Error::new(Code::Timeout, sentence).with("message_id", message_id));
                }
                () = self.env.tasks.stopped() => return Err(closed()),
            }
        }
    }

    fn ready_to_wait(&self) -> Result<()> {
        if self.closed.load(std::sync::atomic::Ordering::Acquire) { Err(closed()) } else { Ok(()) }
    }

    /// The newest receipts this node gave, oldest first.
    pub(crate) fn given_receipts(&self, limit: usize) -> Vec<SignedReceipt> {
        let statements = self.state.lock().given.list(limit);
        statements.into_iter().map(|statement| statement.sign(&self.passport)).collect()
    }
}

fn closed() -> Error {
    Error::new(Code::Closed, "the node was closed while waiting")
}

/// Why a copy will never come as far as `state`.
fn end_of_ladder(receipt: &Receipt, state: DeliveryState) -> Result<()> {
    for delivery in &receipt.deliveries {
        let told = |code, sentence: String| Err(Error::new(code, sentence).with("to", delivery.to));
        if delivery.state.is_failure() {
            let is_cancelled = |reason: &Reason| reason.code == Code::MessageCancelled.name();
            let code = match delivery.state {
                _ if delivery.reason.as_ref().is_some_and(is_cancelled) => Code::MessageCancelled,
                DeliveryState::Expired => Code::MessageExpired,
                DeliveryState::Refused => Code::PeerRefused,
                _ => Code::PeerNotConnected,
            };
            let reason = delivery.reason.as_ref().map_or("no reason given", |reason| reason.text.as_str());
            return told(code, format!("the message is {}: {reason}", delivery.state));
        }
        // An answer shows without the help of the peer.
        if delivery.state == DeliveryState::Accepted
            && !delivery.gives_receipts
            && [DeliveryState::Delivered, DeliveryState::Handled].contains(&state)
        {
            let sentence = "the peer tells nothing beyond accepted; wait for accepted or answered";
            return told(Code::NoReceipts, sentence.to_owned());
        }
    }
    Ok(())
}

fn event_of(receipt: &SignedReceipt, risen: DeliveryState) -> Option<MessageEvent> {
    let (message_id, to) = (receipt.message_id.clone(), receipt.to);
    step_event(message_id, to, risen, receipt.reply_id.clone())
}

/// The event of a step up the ladder, or off it.
pub(super) fn step_event(
    message_id: String,
    to: AgentId,
    state: DeliveryState,
    reply_id: Option<String>,
) -> Option<MessageEvent> {
    match state {
        DeliveryState::Delivered => Some(MessageEvent::MessageDelivered { message_id, to }),
        DeliveryState::Handled => Some(MessageEvent::MessageHandled { message_id, to }),
        DeliveryState::Answered => Some(MessageEvent::MessageAnswered { message_id, to, reply_id }),
        DeliveryState::Failed => {
            let reason = Reason::new(Code::MessageCancelled, TAKEN_BACK);
            Some(MessageEvent::MessageFailed { message_id, to, reason })
        }
        DeliveryState::Refused => {
            let reason = Reason::new(Code::PeerRefused, THROWN_AWAY);
            Some(MessageEvent::MessageFailed { message_id, to, reason })
        }
        DeliveryState::Expired => {
            let reason = Reason::new(Code::MessageExpired, TOO_LATE);
            Some(MessageEvent::MessageFailed { message_id, to, reason })
        }
        _ => None,
    }
}
