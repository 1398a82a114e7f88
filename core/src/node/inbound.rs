//! The inbound path: one request, from the transport to its answer, as one list of steps.
//!
//! Each step takes what the step before it made, and only that step can make it:
//! `Arrival → Frame → Verified → Fresh → Metered → Admitted → Answer`. A later change cannot skip one.

use std::{
    net::{IpAddr, Ipv4Addr},
    sync::{Arc, Weak, atomic::Ordering},
};

use async_trait::async_trait;
use serde_json::Value;

use super::{gate::Admitted, inner::Inner, settle::Settled, state::State};
use crate::{
    env::Timestamp,
    error::Code,
    identity::AgentId,
    messaging::inbound as messages,
    peers::{PeerAction, PeerEvent, blocks, known_update},
    transport::{Arrival, Outcome, Receiver, Source},
    wire::{
        Answer,
        frame::{Frame, PrivateBody, PrivateFrame},
        limiter::{Class, Limited, PeerRate, SourceKey},
        route::{Access, Endpoint, Route, RouteError},
        verify::{Believed, Verified, Verifier},
    },
};

#[async_trait]
impl Receiver for Door {
    async fn receive(&self, arrival: Arrival) -> Answer {
        match self.0.upgrade() {
            Some(inner) => inner.answer(arrival).await.unwrap_or_else(|refusal| refusal),
            None => Answer::refuse(503, Code::Closed, "The node is closed"),
        }
    }

    fn is_gone(&self) -> bool {
        self.0.upgrade().is_none_or(|inner| inner.closed.load(Ordering::Acquire))
    }

    fn presented(&self, endpoint: Endpoint) -> Option<Value> {
        self.0.upgrade()?.presented(endpoint)
    }

    fn is_peer(&self, agent: &AgentId) -> bool {
        self.0.upgrade().is_some_and(|inner| inner.state.lock().peers.get(agent).is_some())
    }
}

/// What the transports hold: it does not keep a node alive that its host has dropped.
pub(crate) struct Door(pub(crate) Weak<Inner>);

impl Inner {
    /// The list.
    pub(crate) async fn answer(self: &Arc<Self>, arrival: Arrival) -> Result<Answer, Answer> {
        let route = self.route(&arrival)?;
        if route.endpoint.access() == Access::Local {
            return self.local(&route, &arrival).await;
        }
        if self.config.access(route.endpoint) == Access::Local {
            self.check_local(&arrival)?;
        }
        let now = self.now();
        let source = self.limit_source(&arrival.source, route.endpoint, now)?;
        self.ready().map_err(|error| Answer::from_error(&error))?;
        let frame = Frame::decode(&route, &arrival.query, &arrival.body)
            .map_err(|refusal| self.charge_refused(&source, refusal, now))?;
        if let Some(other) = self.meant_instead(&frame, &route, &arrival, &source)? {
            // Once: nobody passes it on again.
            return Ok(other.receive(Arrival { roster: None, ..arrival }).await);
        }
        let (endpoint, roster) = (route.endpoint, arrival.roster);
        let answer = self.answer_frame(frame, endpoint, source, &arrival.source).await?;
        Ok(self.with_neighbours(answer, endpoint, roster.as_deref()))
    }

    /// The list from step 3 on, for frames that came directly and for those inside envelopes.
    pub(crate) async fn answer_frame(
        self: &Arc<Self>,
        frame: Frame,
        endpoint: Endpoint,
        pass: SourcePass,
        source: &Source,
    ) -> Result<Answer, Answer> {
        let now = self.now();
        let verified = self.verify(frame, now).map_err(|refusal| self.charge_refused(&pass, refusal, now))?;
        // Nothing of a blocked agent is looked at, also when it is only named: whoever borrows the name loses by it.
        if verified.sender().is_some_and(|sender| self.is_blocked(&sender)) {
            return Err(self.charge_refused(&pass, blocks::refusal(), now));
        }
        let fresh =
            self.check_replay(verified).map_err(|refusal| self.charge_refused(&pass, refusal, now))?;
        let metered = self.limit_peer(fresh, &pass, now)?;
        let admitted = self.admit(metered, endpoint, &pass, source).await?;
        self.dispatch(admitted, source).await
    }

    /// Which endpoint, and is it ours.
    fn route(&self, arrival: &Arrival) -> Result<Route, Answer> {
        let route =
            Route::parse(arrival.method, &arrival.path, self.config.bootstrap_mode).map_err(|error| {
                match error {
                    RouteError::NotFound => Answer::not_found(),
                    RouteError::MethodNotAllowed => Answer::method_not_allowed(),
                }
            })?;
        match route.scope {
            Some(agent) if agent != self.me() => {
                Err(Answer::refuse(503, Code::PeerNotConnected, "Agent not initialized"))
            }
            _ => Ok(route),
        }
    }

    /// Step 1: the window of the source, before any cryptography.
    fn limit_source(
        &self,
        source: &Source,
        endpoint: Endpoint,
        now: Timestamp,
    ) -> Result<SourcePass, Answer> {
        let key = source_key(source);
        let class = match endpoint {
            Endpoint::Ping | Endpoint::WellKnown | Endpoint::Status => Class::Ping,
            _ => Class::Stranger,
        };
        let mut state = self.state.lock();
        // A peer that proved itself from here, or listens here, is counted by its own limit, once its signature
        // holds: strangers cannot use up its way to us.
        let is_peer = state.proven.contains(&key, self.steady())
            || matches!(source, Source::Socket(address) if state.peers.listens_at(address.ip()));
        let is_counted = class == Class::Ping || !is_peer;
        if is_counted {
            state.limiter.source(&key, class, now).map_err(|limited| too_many(&limited))?;
        }
        Ok(SourcePass { key, class, is_counted, is_direct: true })
    }

    /// Step 3.
    pub(super) fn verify(&self, frame: Frame, now: Timestamp) -> Result<Verified<Frame>, Answer> {
        Verifier { passport: &self.passport, now, relation: &|agent| self.relation(agent) }.verify(frame)
    }

    /// A wrong token for the local API costs what a stranger's request costs.
    pub(crate) fn limit_guess(&self, source: &Source) -> Result<(), Answer> {
        let mut state = self.state.lock();
        state
            .limiter
            .source(&source_key(source), Class::Stranger, self.now())
            .map_err(|limited| too_many(&limited))
    }

    /// Whoever sends what does not verify is a stranger, also behind a proven address.
    pub(super) fn charge_refused(&self, source: &SourcePass, refusal: Answer, now: Timestamp) -> Answer {
        if source.is_counted {
            return refusal;
        }
        match self.state.lock().limiter.source(&source.key, source.class, now) {
            Ok(()) => refusal,
            Err(limited) => too_many(&limited),
        }
    }

    /// Step 4: read only. The claim itself is a precondition of the commit. Whoever recorded something can repeat
    /// it, so a repetition neither proves an address nor spends what its signer may send.
    fn check_replay(&self, verified: Verified<Frame>) -> Result<Fresh, Answer> {
        let Some(sender) = verified.proven() else { return Ok(Fresh(verified)) };
        let seen = |id: &str| self.state.lock().replay.contains(&sender, id, self.now());
        let refusal = match verified.frame() {
            Frame::Message(message) => {
                seen(&message.message_id).then(|| self.known_message(&sender, &message.message_id))
            }
            Frame::StatusBroadcast(broadcast) => seen(&broadcast.claim_id()).then(messages::duplicate),
            Frame::ImpressionQuery(query) => seen(&query.claim_id()).then(messages::duplicate),
            Frame::Mail(hand) => seen(&hand.mail.message_id).then(|| self.known_mail(hand)),
            Frame::Private(frame) => seen(&frame.claim_id()).then(messages::duplicate),
            Frame::PeerUpdate(update) => self.state.lock().peers.is_known_update(update).then(known_update),
            _ => None,
        };
        refusal.map_or(Ok(Fresh(verified)), Err)
    }

    /// Step 5: the quota of a proven, connected sender; everybody else is a stranger.
    fn limit_peer(
        &self,
        Fresh(verified): Fresh,
        source: &SourcePass,
        now: Timestamp,
    ) -> Result<Metered, Answer> {
        let mut state = self.state.lock();
        let peer = verified.proven().and_then(|sender| {
            state.peers.get(&sender).map(|connection| (sender, PeerRate::from(connection.rate_limit)))
        });
        match peer {
            Some((sender, rate)) => {
                // Mail is brought by others, and receipts need not be fresh: whoever has some can show them from anywhere.
                let shows_address =
                    source.is_direct && !matches!(verified.frame(), Frame::Mail(_) | Frame::Receipts(_));
                if shows_address {
                    if source.is_counted {
                        state.limiter.refund(&source.key, source.class, now);
                    }
                    state.proven.insert(&source.key, self.steady());
                }
                let is_alive = !matches!(verified.frame(), Frame::Mail(_));
                if is_alive && state.peers.stir(&sender, self.steady()) {
                    self.upkeep_bell.notify_one();
                }
                let spent = match verified.frame() {
                    // Each brings an answer further that we asked for, which is bounded.
                    Frame::Private(frame) if brings_parts(&state, frame) => Ok(()),
                    Frame::Receipts(_) => state.limiter.receipts(&sender, rate, now),
                    _ => state.limiter.peer(&sender, rate, now),
                };
                if let Err(limited) = spent {
                    // Memory only: a refusal must not cost a write.
                    state.peers.count_declined(&sender);
                    return Err(too_many(&limited));
                }
            }
            None if !source.is_counted => {
                state.limiter.source(&source.key, source.class, now).map_err(|limited| too_many(&limited))?;
            }
            None => {}
        }
        Ok(Metered(verified))
    }

    /// Steps 7 to 9: its system decides, the rows are committed, then events are published and the answer given.
    async fn dispatch(self: &Arc<Self>, admitted: Admitted, source: &Source) -> Result<Answer, Answer> {
        let (verified, verdict, routed) = admitted.into_parts();
        let sender = verified.sender();
        let now = self.now();
        let believed = match verified.sort() {
            Believed::ImpressionQuery(query) => {
                return Ok(self.answer_impression_query(query.frame(), now));
            }
            Believed::Private(frame) => return self.hear_private(frame).await,
            Believed::Query(query) => return Ok(self.answer_query(query.frame(), source).await),
            Believed::Ping(ping) => return Ok(self.answer_ping(ping.frame().from, source, now)),
            Believed::Mailbox(request) => {
                return Ok(self.answer_mailbox(request.into_frame(), now).await);
            }
            Believed::Mail(mail) => return self.take_mail(mail).await,
            Believed::Routed(envelope) => {
                return Ok(self.route_envelope(envelope.into_frame(), source).await);
            }
            believed => believed,
        };
        self.settle(
            |state, now| {
                // The host may have blocked it while its own policy thought about it.
                if sender.is_some_and(|sender| state.blocks.contains(&sender)) {
                    let refused = Outcome::answer(blocks::refusal());
                    return Ok(Settled::new::<PeerEvent, PeerAction>(refused).split());
                }
                // Describing ourselves copies more than a message costs, and only the handshake needs it.
                let believed = match believed {
                    Believed::Message(message) => {
                        return Ok(self.settle_message(state, message, routed, now).split());
                    }
                    Believed::StatusBroadcast(broadcast) => {
                        return Ok(self.settle_broadcast(state, &broadcast, now).split());
                    }
                    Believed::Receipts(receipts) => {
                        return Ok(Settled::new(self.hear_receipts(state, &receipts)).split());
                    }
                    believed => believed,
                };
                let me = self.describe(state);
                let context = self.handshake(&me, now);
                let settled = match believed {
                    Believed::ConnectionRequest(request) => {
                        Settled::new(state.peers.on_request(&request, source, &verdict, &context))
                    }
                    Believed::ConnectionProof(proof) => {
                        Settled::new(state.peers.on_proof(proof.frame(), now))
                    }
                    Believed::ConnectionAccepted(accepted) => {
                        Settled::new(state.peers.on_accepted(&accepted, source, &context))
                    }
                    Believed::PeerUpdate(update) => {
                        Settled::new(state.peers.on_update(&update, source, &me, now))
                    }
                    // Answered above.
                    Believed::Message(_)
                    | Believed::StatusBroadcast(_)
                    | Believed::Receipts(_)
                    | Believed::Private(_)
                    | Believed::ImpressionQuery(_)
                    | Believed::Mailbox(_)
                    | Believed::Mail(_)
                    | Believed::Query(_)
                    | Believed::Ping(_)
                    | Believed::Routed(_) => {
                        Settled::new::<PeerEvent, PeerAction>(Outcome::answer(Answer::not_found()))
                    }
                };
                Ok(settled.split())
            },
            |inner, result, settled| inner.conclude(result, settled),
        )
        .await
        .unwrap_or_else(|error| Err(Answer::from_error(&error)))
    }
}

/// A source that step 1 let through.
pub(crate) struct SourcePass {
    key: SourceKey,
    class: Class,
    is_counted: bool,
    /// False for a frame inside an envelope: it says nothing about the address of its sender.
    pub(super) is_direct: bool,
}

impl SourcePass {
    /// For a frame inside an envelope, whose carrier was counted.
    pub(crate) fn relayed(source: &Source) -> Self {
        Self { key: source_key(source), class: Class::Stranger, is_counted: true, is_direct: false }
    }
}

/// Not seen before, as far as memory knows.
struct Fresh(Verified<Frame>);

/// Within the quota of its sender.
pub(super) struct Metered(Verified<Frame>);

impl Metered {
    pub(super) fn into_verified(self) -> Verified<Frame> {
        self.0
    }
}

pub(super) fn source_key(source: &Source) -> SourceKey {
    match source {
        Source::Socket(address) => SourceKey::from(address.ip()),
        Source::Process(label) => SourceKey::Process(label.clone()),
        // All that is unknown shares one window, as if it came from one address.
        Source::Unknown => SourceKey::from(IpAddr::V4(Ipv4Addr::UNSPECIFIED)),
    }
}

/// Whether a frame brings parts of an answer that somebody here waits for.
fn brings_parts(state: &State, frame: &PrivateFrame) -> bool {
    match &frame.body {
        PrivateBody::Parts(parts) => {
            state.asking.is_news(&frame.from, &parts.in_reply_to, parts.first, parts.parts.len())
        }
        _ => false,
    }
}

/// 429 with the time to wait; the texts are 1.1.1's.
fn too_many(limited: &Limited) -> Answer {
    Answer::refuse(429, Code::RateLimited, crate::error::Error::from(*limited).message().to_owned())
        .retry_after(limited.retry_after)
}
