//! The inbound path: one request, from the transport to its answer, as one list of steps.
//!
//! Each step takes what the step before it made, and only that step can make it:
//! `Arrival → Frame → Verified → Fresh → Metered → Admitted → Answer`. A later change cannot skip one.

use std::sync::{Arc, Weak};

use async_trait::async_trait;

use super::{
    actions::Action,
    events::EventBody,
    host::{ConnectionQuestion, MessageQuestion},
    inner::Inner,
    state::State,
};
use crate::{
    env::Timestamp,
    error::{Code, Result},
    identity::AgentId,
    messaging::{MessageKind, inbound as messages, rules},
    peers::{AutoAccept, PeerAction, PeerEvent, Verdict, admission, documents},
    store::Batch,
    transport::{Arrival, Outcome, Receiver, Source},
    wire::{
        Answer,
        frame::{Body, Frame, MessageFrame, Query, StatusBroadcast},
        limiter::{Class, Limited, PeerRate, SourceKey},
        route::{Access, Endpoint, Route, RouteError},
        verify::{Believed, Proof, Verified, Verifier},
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
        let now = self.now();
        let source = self.limit_source(&arrival.source, route.endpoint, now)?;
        self.ready().map_err(|error| Answer::from_error(&error))?;
        let frame = Frame::decode(&route, &arrival.query, &arrival.body)
            .map_err(|refusal| self.charge_refused(&source, refusal, now))?;
        self.answer_frame(frame, route.endpoint, source, &arrival.source).await
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
        let fresh = self.check_replay(verified)?;
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
        // A peer that proved itself from here is counted by its own limit, once its signature holds.
        let is_counted = class == Class::Ping || !state.proven.contains(&key, now);
        if is_counted {
            state.limiter.source(&key, class, now).map_err(|limited| too_many(&limited))?;
        }
        Ok(SourcePass { key, class, is_counted, is_direct: true })
    }

    /// Step 3.
    fn verify(&self, frame: Frame, now: Timestamp) -> Result<Verified<Frame>, Answer> {
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
    fn charge_refused(&self, source: &SourcePass, refusal: Answer, now: Timestamp) -> Answer {
        if source.is_counted {
            return refusal;
        }
        match self.state.lock().limiter.source(&source.key, source.class, now) {
            Ok(()) => refusal,
            Err(limited) => too_many(&limited),
        }
    }

    /// Step 4: read only. The claim itself is a precondition of the commit.
    fn check_replay(&self, verified: Verified<Frame>) -> Result<Fresh, Answer> {
        let id = match verified.frame() {
            Frame::Message(message) => Some(message.message_id.as_str()),
            Frame::StatusBroadcast(broadcast) => broadcast.message_id.as_deref(),
            _ => None,
        };
        if let (Some(sender), Some(id)) = (verified.proven(), id)
            && self.state.lock().replay.contains(&sender, id, self.now())
        {
            return Err(messages::duplicate());
        }
        Ok(Fresh(verified))
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
                if source.is_direct {
                    if source.is_counted {
                        state.limiter.refund(&source.key, source.class, now);
                    }
                    state.proven.insert(&source.key, now);
                }
                if let Err(limited) = state.limiter.peer(&sender, rate, now) {
                    // Memory only: a refusal must not cost a write.
                    let _ = state.peers.change(&sender, |connection| connection.messages_declined += 1);
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

    /// Step 6: activity, access tier, then the host's policy.
    async fn admit(
        &self,
        Metered(verified): Metered,
        endpoint: Endpoint,
        pass: &SourcePass,
        source: &Source,
    ) -> Result<Admitted, Answer> {
        let needs_active = matches!(verified.frame(), Frame::Message(_) | Frame::ConnectionRequest(_));
        if needs_active && !self.state.lock().profile.active {
            return Err(Answer::refuse(503, Code::Inactive, "Agent is currently inactive"));
        }
        self.check_access(endpoint, verified.proven(), source)?;
        let policy = self.policy.read().clone();
        // Who comes through the mesh is near nobody: only the host, or an open door, lets it in.
        let is_open = self.config.bootstrap_mode || self.config.auto_accept == AutoAccept::All;
        let verdict = if pass.is_direct || is_open { Verdict::Default } else { Verdict::Ask };
        let mut admitted = Admitted { verified, verdict, decision: None };
        let Some(policy) = policy else { return Ok(admitted) };
        match admitted.verified.frame() {
            Frame::ConnectionRequest(request) => {
                let trust = self.state.lock().trust.score(&request.from);
                let said = policy
                    .connection(ConnectionQuestion {
                        agent_id: request.from,
                        display_name: request.introduction.display_name.clone(),
                        bio: request.introduction.bio.clone(),
                        url: request.url.clone(),
                        source: describe_source(source),
                        identity_verified: admitted.verified.proof() != Proof::None,
                        trust,
                    })
                    .await;
                if said != Verdict::Default {
                    admitted.verdict = said;
                }
            }
            Frame::Message(message) => {
                if let Some(question) = self.question(message) {
                    policy.message(question.clone()).await?;
                    admitted.decision = policy.route(question).await;
                }
            }
            _ => {}
        }
        Ok(admitted)
    }

    fn question(&self, message: &MessageFrame) -> Option<MessageQuestion> {
        let Body::Plain { content, metadata, in_reply_to } = &message.body else { return None };
        let state = self.state.lock();
        let connected = state.peers.get(&message.from).is_some();
        Some(MessageQuestion {
            message_id: message.message_id.clone(),
            from: message.from,
            content: content.clone(),
            metadata: metadata.clone(),
            in_reply_to: in_reply_to.clone(),
            kind: if connected { MessageKind::Peer } else { MessageKind::Stranger },
            trust: state.trust.score(&message.from),
        })
    }

    /// §5.3 and §5.4, by the socket's address (S1).
    fn check_access(
        &self,
        endpoint: Endpoint,
        proven: Option<AgentId>,
        source: &Source,
    ) -> Result<(), Answer> {
        let class = admission::source_class(source);
        if matches!(endpoint, Endpoint::ConnectionRequest | Endpoint::WellKnown)
            && !self.config.network_tier.allows(Some(class))
        {
            let tier = self.config.network_tier.name();
            return Err(Answer::with_status(
                403,
                serde_json::json!({"error": "tier_restricted", "tier": tier, "code": Code::TierRestricted.name()}),
            ));
        }
        let is_peer = || {
            class == crate::wire::AddressClass::Loopback
                || proven.is_some_and(|sender| self.state.lock().peers.get(&sender).is_some())
                || self.comes_from_a_peer(source)
        };
        match self.config.access(endpoint) {
            Access::Peer if !is_peer() => {
                Err(Answer::refuse(403, Code::PeerNotConnected, "This endpoint requires a peer connection"))
            }
            _ => Ok(()),
        }
    }

    /// The address of a peer that proved itself; a claimed URL is not enough.
    fn comes_from_a_peer(&self, source: &Source) -> bool {
        let Source::Socket(address) = source else { return true };
        let state = self.state.lock();
        state.peers.iter().filter(|peer| peer.identity_verified).any(|peer| {
            url::Url::parse(&peer.url)
                .ok()
                .and_then(|url| url.host_str().and_then(|host| host.trim_matches(['[', ']']).parse().ok()))
                == Some(address.ip())
        })
    }

    /// Steps 7 to 9: its system decides, the rows are committed, then events are published and the answer given.
    async fn dispatch(self: &Arc<Self>, admitted: Admitted, source: &Source) -> Result<Answer, Answer> {
        let Admitted { verified, verdict, decision } = admitted;
        let now = self.now();
        let believed = match verified.sort() {
            Believed::Query(query) => return Ok(self.answer_query(query.frame())),
            Believed::Ping(ping) => return Ok(self.answer_ping(ping.frame().from, source, now)),
            Believed::Routed(envelope) => {
                return Ok(self.route_envelope(envelope.into_frame(), source).await);
            }
            believed => believed,
        };
        self.settle(
            |state, now| {
                // Describing ourselves copies more than a message costs, and only the handshake needs it.
                let believed = match believed {
                    Believed::Message(message) => {
                        return Ok(self.settle_message(state, message, decision, now).split());
                    }
                    Believed::StatusBroadcast(broadcast) => {
                        return Ok(self.settle_broadcast(state, &broadcast, now).split());
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
                        Settled::new(state.peers.on_accepted(&accepted, &context))
                    }
                    Believed::PeerUpdate(update) => Settled::new(state.peers.on_update(&update, &me, now)),
                    // Answered above.
                    Believed::Message(_)
                    | Believed::StatusBroadcast(_)
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

    fn settle_broadcast(
        &self,
        state: &mut State,
        broadcast: &Verified<StatusBroadcast>,
        now: Timestamp,
    ) -> Settled {
        let claim = broadcast.proven().zip(broadcast.frame().message_id.clone());
        let outcome = messages::observe(broadcast, state.tables(), now, self.me(), self.id("status-", 4));
        Settled { claim, ..Settled::new(outcome) }
    }

    fn settle_message(
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
            Body::Plain { content, metadata, .. } => rules::decide(
                self.config.router_mode,
                &self.config.routing_rules,
                rules::MessageView { content, from: &sender, metadata },
            ),
            Body::Sealed(_) => rules::Decision::Handle,
        });
        let rules = messages::Rules {
            now,
            me: self.me(),
            limits: &self.config.inbox,
            is_awaited: self.waiting.load(std::sync::atomic::Ordering::Relaxed) > 0,
            decision,
        };
        let inbound = messages::receive(message, state.tables(), rules);
        let claim = (!inbound.outcome.rows.is_empty()).then_some((sender, id));
        Settled { reserved: inbound.reserved, claim, ..Settled::new(inbound.outcome) }
    }

    /// After the commit: show the message, publish, act, answer.
    fn conclude(self: &Arc<Self>, result: Result<()>, settled: Settled) -> Result<Answer, Answer> {
        let now = self.now();
        let mut state = self.state.lock();
        match result {
            Ok(()) => {
                if let Some(sequence) = settled.reserved {
                    state.inbox.confirm(sequence, now);
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
                if let Some(sequence) = settled.reserved {
                    state.inbox.cancel(sequence);
                }
                drop(state);
                Err(match error.code() {
                    Code::StorePrecondition => messages::duplicate(),
                    _ => Answer::from_error(&error).retry_after(std::time::Duration::from_secs(5)),
                })
            }
        }
    }

    fn answer_query(&self, query: &Query) -> Answer {
        let state = self.state.lock();
        let me = self.describe(&state);
        let accepting = state.accepts_connections(&self.config);
        match query {
            Query::WellKnown => me.well_known(accepting),
            Query::Status => {
                let is_waiting = self.waiting.load(std::sync::atomic::Ordering::Relaxed) > 0;
                me.status_document(&state.peers, accepting, is_waiting)
            }
            Query::LocalAgents => {
                let port = url::Url::parse(&me.url).ok().and_then(|url| url.port()).unwrap_or(0);
                me.local_agents(&state.peers, port, self.config.network_tier.name())
            }
            Query::NetworkInfo => me.network_info(&state.peers, accepting),
            Query::Impression(agent) => documents::impression_document(agent, state.trust.get(agent)),
            Query::PeerLookup(agent) => documents::lookup_document(&state.peers, agent),
            Query::GetPeers(n) => me.peers_document(&state.peers, &state.trust, *n),
        }
    }

    /// A ping is unsigned: it shows an address to its sender and decides nothing (S11).
    fn answer_ping(&self, from: Option<AgentId>, source: &Source, now: Timestamp) -> Answer {
        let mut state = self.state.lock();
        // A claimed sign of life is reason enough to try what waits for that peer, not more.
        if let Some(agent) = from
            && state.outbox.wake(&agent, now)
        {
            self.outbox_bell.notify_one();
        }
        drop(state);
        let address = match source {
            Source::Socket(address) => address.ip().to_string(),
            Source::Process(label) => label.clone(),
        };
        Answer::ok(serde_json::json!({
            "your_ip": address,
            "agent_id": self.me(),
            "timestamp": now.to_wire(),
        }))
    }
}

/// A source that step 1 let through.
pub(crate) struct SourcePass {
    key: SourceKey,
    class: Class,
    is_counted: bool,
    /// False for a frame inside an envelope: it says nothing about the address of its sender.
    is_direct: bool,
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
struct Metered(Verified<Frame>);

/// Let in.
struct Admitted {
    verified: Verified<Frame>,
    verdict: Verdict,
    decision: Option<rules::Decision>,
}

/// An outcome of any system, with what concludes it.
struct Settled {
    rows: Batch,
    events: Vec<EventBody>,
    actions: Vec<Action>,
    answer: Answer,
    reserved: Option<u64>,
    claim: Option<(AgentId, String)>,
}

impl Settled {
    fn new<E: Into<EventBody>, A: Into<Action>>(outcome: Outcome<E, A>) -> Self {
        Self {
            rows: outcome.rows,
            events: outcome.events.into_iter().map(Into::into).collect(),
            actions: outcome.actions.into_iter().map(Into::into).collect(),
            answer: outcome.answer,
            reserved: None,
            claim: None,
        }
    }

    fn split(mut self) -> (Batch, Self) {
        (std::mem::take(&mut self.rows), self)
    }
}

fn source_key(source: &Source) -> SourceKey {
    match source {
        Source::Socket(address) => SourceKey::from(address.ip()),
        Source::Process(label) => SourceKey::Process(label.clone()),
    }
}

fn describe_source(source: &Source) -> String {
    match source {
        Source::Socket(address) => address.to_string(),
        Source::Process(label) => label.clone(),
    }
}

/// 429 with the time to wait; the texts are 1.1.1's.
fn too_many(limited: &Limited) -> Answer {
    Answer::refuse(429, Code::RateLimited, crate::error::Error::from(*limited).message().to_owned())
        .retry_after(limited.retry_after)
}
