//! The handshake, both sides, as decisions without I/O (§9).
//!
//! ```text
//!            request                      decision
//! asker ───────────────► answerer ───┬─► accepted reply          both connected
//!                                    └─► pending reply+challenge
//! asker ── proof ──────► answerer                                 identity known
//!                        a person or the host accepts
//! asker ◄─ accepted ──── answerer                                 both connected
//! ```
//!
//! Between our nodes request, reply and acceptance are signed and name the other side, so identity is proven
//! at once (S6). From 1.1.1 neither is; such a peer is connected with `identity_verified` false until its
//! first signed frame.

use std::time::Duration;

use serde_json::{Map, Value, json};

use super::{
    admission::{self, Admission, Facts, Verdict},
    table::{PENDING_LIMIT, Peers},
    types::{AutoAccept, Connection, Outstanding, PeerEvent, PendingRequest, SelfDescription},
};
use crate::{
    env::{Random, Timestamp},
    error::{Code, Error, Result},
    identity::{AgentId, Challenge, Passport, Signature},
    store::Batch,
    transport::{Outcome, Source},
    wire::{
        Answer,
        canonical::{self, Domain},
        frame::{ConnectionAccepted, ConnectionProof, ConnectionRequest, HandshakeSignature, Introduction},
        time, url,
        verify::{Proof, Verified},
    },
};

/// What a decision needs beside the table.
pub struct Context<'a> {
    /// Now.
    pub now: Timestamp,
    /// Who we are.
    pub me: &'a SelfDescription,
    /// Our keys.
    pub passport: &'a Passport,
    /// For ids and challenges.
    pub random: &'a dyn Random,
    /// Whose requests are accepted without asking.
    pub auto_accept: AutoAccept,
    /// Most connections.
    pub max_connections: usize,
    /// How long a request may wait.
    pub request_expiry: Duration,
}

/// What to do after a decision was committed.
#[derive(Clone, Debug, PartialEq)]
pub enum PeerAction {
    /// Tell `agent` that its request was accepted.
    Announce {
        /// Whom.
        agent: AgentId,
        /// Where.
        url: String,
    },
    /// Ask our other peers what they think of a newcomer.
    Seed {
        /// About whom.
        agent: AgentId,
    },
    /// Deliver what waits for a peer that just showed itself.
    Flush {
        /// For whom.
        agent: AgentId,
    },
    /// Put a notice into our own inbox.
    Notice {
        /// From whom.
        agent: AgentId,
        /// The request it is about.
        request_id: String,
        /// What became of it.
        status: String,
    },
}

/// The outcome of a handshake step.
pub type PeerOutcome = Outcome<PeerEvent, PeerAction>;

impl Context<'_> {
    fn id(&self, prefix: &str, bytes: usize) -> String {
        let mut buffer = vec![0; bytes];
        self.random.fill(&mut buffer);
        format!("{prefix}{}", hex::encode(buffer))
    }

    /// Adds time, audience, nonce and the second signature to a handshake object.
    pub fn sign(
        &self,
        domain: Domain,
        to: Option<&AgentId>,
        nonce: Option<&str>,
        mut object: Map<String, Value>,
    ) -> Result<Map<String, Value>> {
        object.insert("timestamp".into(), json!(self.now.to_wire()));
        if let Some(to) = to {
            object.insert("to_agent_id".into(), json!(to));
        }
        if let Some(nonce) = nonce {
            object.insert("nonce".into(), json!(nonce));
        }
        let bytes = canonical::object_v2(domain, &self.me.agent_id, to, &object)?;
        object.insert("signature_v2".into(), json!(self.passport.sign(&bytes)));
        Ok(object)
    }

    /// Our connection request, signed for `to` when we know who listens there.
    pub fn request(&self, to: Option<&AgentId>, nonce: &str, mutual: bool) -> Result<Map<String, Value>> {
        let mut object = Map::new();
        object.insert("from_agent_id".into(), json!(self.me.agent_id));
        object.insert("from_agent_url".into(), json!(self.me.url));
        self.me.introduction().write(&self.me.agent_id, &mut object, "from_");
        if mutual {
            object.insert("mutual".into(), json!(true));
        }
        self.sign(Domain::ConnectionRequest, to, Some(nonce), object)
    }

    /// The fields that say: connected, and this is me.
    fn acceptance(&self) -> Map<String, Value> {
        let mut object = Map::new();
        object.insert("agent_id".into(), json!(self.me.agent_id));
        object.insert("agent_url".into(), json!(self.me.url));
        self.me.introduction().write(&self.me.agent_id, &mut object, "");
        object
    }

    /// Our late acceptance of a pending request.
    pub fn accepted(&self, to: &AgentId) -> Result<Map<String, Value>> {
        self.sign(Domain::ConnectionAccepted, Some(to), None, self.acceptance())
    }

    fn accepted_reply(&self, to: &AgentId, nonce: Option<&str>, message: &str) -> Result<Answer> {
        let mut object = self.acceptance();
        object.insert("auto_accepted".into(), json!(true));
        object.insert("message".into(), json!(message));
        let signed = self.sign(Domain::ConnectionReply, Some(to), nonce, object)?;
        Ok(Answer::ok(Value::Object(signed)))
    }
}

/// A connection made from what the other side told, at the URL we should use.
fn connection(
    agent: AgentId,
    url: String,
    introduction: &Introduction,
    proof: Proof,
    now: Timestamp,
) -> Connection {
    let proven = proof != Proof::None;
    Connection {
        agent_id: agent,
        url,
        bio: introduction.bio.clone(),
        display_name: introduction.display_name.clone(),
        connected_at: now,
        last_activity: Some(now),
        messages_sent: 0,
        messages_received: 0,
        messages_declined: 0,
        wallets: if proven { introduction.wallets.clone() } else { Map::new() },
        addresses: Map::new(),
        capabilities: introduction.capabilities.clone(),
        identity_verified: proven,
        peer_created_at: introduction.created_at.clone(),
        rate_limit: 0,
        last_update: None,
    }
}

/// Which URL to keep: the claimed one when it lies at the origin that was dialled (it may carry a scope),
/// else the dialled one, which is known to work.
pub fn kept_url(dialled: &str, claimed: &str) -> String {
    let base = url::base(dialled);
    match (url::scope(claimed), url::base(claimed) == base) {
        (Some(scope), true) => format!("{base}{}{scope}", crate::wire::route::MESH_PREFIX),
        _ => match url::scope(dialled) {
            Some(scope) => format!("{base}{}{scope}", crate::wire::route::MESH_PREFIX),
            None => base.to_owned(),
        },
    }
}

fn stored_url(claimed: &str) -> String {
    kept_url(claimed, claimed)
}

impl Peers {
    /// Answers a connection request.
    pub fn on_request(
        &mut self,
        request: &Verified<ConnectionRequest>,
        source: &Source,
        verdict: &Verdict,
        context: &Context<'_>,
    ) -> PeerOutcome {
        Outcome::of_result(self.try_request(request, source, verdict, context))
    }

    fn try_request(
        &mut self,
        request: &Verified<ConnectionRequest>,
        source: &Source,
        verdict: &Verdict,
        context: &Context<'_>,
    ) -> Result<PeerOutcome> {
        let proof = request.proof();
        let request = request.frame();
        if request.from == context.me.agent_id {
            return Ok(Outcome::answer(Answer::refuse(
                400,
                Code::PeerRefused,
                "Rejecting request from self",
            )));
        }
        let nonce = request.signed.as_ref().and_then(|signed| signed.nonce.as_deref());
        let url = stored_url(&request.url);
        if self.get(&request.from).is_some() {
            let rows = self.refresh(request, url, proof, context.now)?;
            let answer = context.accepted_reply(&request.from, nonce, "Already connected.")?;
            let actions = vec![PeerAction::Flush { agent: request.from }];
            return Ok(Outcome { rows, events: Vec::new(), actions, answer });
        }
        let facts =
            Facts { source, url: url::base(&request.url), full: self.len() >= context.max_connections };
        match admission::admit(context.auto_accept, verdict, facts) {
            Admission::Refuse(sentence) => {
                Ok(Outcome::answer(Answer::refuse(403, Code::PolicyRefused, sentence)))
            }
            Admission::Accept(message) => {
                let rows =
                    self.connect(connection(request.from, url, &request.introduction, proof, context.now))?;
                let answer = context.accepted_reply(&request.from, nonce, message)?;
                Ok(self.connected(request.from, context.id("conn-", 4), "auto-accepted", rows, answer))
            }
            Admission::Pend => self.pend(request, url, proof, context),
        }
    }

    /// Everything that follows from a new connection.
    fn connected(
        &self,
        agent: AgentId,
        request_id: String,
        status: &str,
        rows: Batch,
        answer: Answer,
    ) -> PeerOutcome {
        let display_name = self.get(&agent).and_then(|connection| connection.display_name.clone());
        Outcome {
            rows,
            events: vec![PeerEvent::PeerConnected { agent_id: agent, display_name }],
            actions: vec![
                PeerAction::Notice { agent, request_id, status: status.to_owned() },
                PeerAction::Seed { agent },
                PeerAction::Flush { agent },
            ],
            answer,
        }
    }

    /// A repeated request changes an existing connection only when the requester is proven (S4), and only
    /// forward in time: recorded bytes must not bring an old address back (S12).
    fn refresh(
        &mut self,
        request: &ConnectionRequest,
        url: String,
        proof: Proof,
        now: Timestamp,
    ) -> Result<Batch> {
        let sent_at = request.signed.as_ref().and_then(|signed| time::parse(&signed.timestamp));
        let known = self.get(&request.from).and_then(|connection| connection.last_update);
        if proof == Proof::None || sent_at <= known {
            return Ok(Batch::new());
        }
        self.change(&request.from, |connection| {
            connection.url = url;
            connection.last_update = sent_at;
            connection.identity_verified = true;
            connection.last_activity = Some(now);
            let introduction = &request.introduction;
            connection.bio = introduction.bio.clone();
            connection.display_name = introduction.display_name.clone().or(connection.display_name.take());
            connection.capabilities = introduction.capabilities.clone();
            connection.wallets = introduction.wallets.clone();
        })
    }

    fn pend(
        &mut self,
        request: &ConnectionRequest,
        url: String,
        proof: Proof,
        context: &Context<'_>,
    ) -> Result<PeerOutcome> {
        let mut rows = self.expire(context.now, context.request_expiry);
        let known = self.pending.values().find(|pending| pending.agent_id == request.from);
        // Only the proven agent itself may change what its pending request says.
        if let Some(known) = known
            && known.identity_verified
            && proof == Proof::None
        {
            let (request_id, me) = (known.request_id.clone(), context.me.agent_id);
            let challenge = self.challenge(&request_id, request.from, context);
            return Ok(Outcome { rows, ..Outcome::answer(pending_answer(&me, &request_id, &challenge)) });
        }
        let (request_id, is_new) = match known {
            Some(known) => (known.request_id.clone(), false),
            None => (context.id("req-", 16), true),
        };
        if is_new && self.pending.len() >= PENDING_LIMIT {
            return Ok(Outcome {
                rows,
                ..Outcome::answer(
                    Answer::refuse(429, Code::ConnectionLimit, "Too many pending requests")
                        .retry_after(Duration::from_secs(60)),
                )
            });
        }
        let introduction = &request.introduction;
        let pending = PendingRequest {
            request_id: request_id.clone(),
            agent_id: request.from,
            url,
            display_name: introduction.display_name.clone(),
            bio: introduction.bio.clone(),
            identity_verified: proof != Proof::None,
            requested_at: context.now,
            capabilities: introduction.capabilities.clone(),
            wallets: if proof == Proof::None { Map::new() } else { introduction.wallets.clone() },
            peer_created_at: introduction.created_at.clone(),
            mutual: request.mutual,
        };
        rows.put(crate::store::Table::Pending, request_id.clone(), &pending)?;
        self.pending.insert(request_id.clone(), pending);
        let challenge = self.challenge(&request_id, request.from, context);
        let answer = pending_answer(&context.me.agent_id, &request_id, &challenge);
        let mut outcome = Outcome { rows, events: Vec::new(), actions: Vec::new(), answer };
        if is_new {
            outcome.events.push(PeerEvent::ConnectionRequested {
                request_id: request_id.clone(),
                agent_id: request.from,
                display_name: introduction.display_name.clone(),
            });
            outcome.actions.push(PeerAction::Notice {
                agent: request.from,
                request_id,
                status: "pending".into(),
            });
        }
        Ok(outcome)
    }

    fn challenge(&mut self, request_id: &str, agent: AgentId, context: &Context<'_>) -> Challenge {
        let challenge = Challenge::issue(agent, context.now, context.random);
        self.challenges.insert(request_id.to_owned(), challenge.clone());
        challenge
    }

    /// Checks the proof of a pending requester.
    pub fn on_proof(&mut self, proof: &ConnectionProof, now: Timestamp) -> PeerOutcome {
        let found = self
            .challenges
            .iter()
            .find(|(_, challenge)| challenge.id == proof.challenge_id && challenge.agent == proof.from)
            .map(|(request_id, challenge)| (request_id.clone(), challenge.clone()));
        let Some((request_id, challenge)) = found else {
            return Outcome::answer(Answer::refuse(
                404,
                Code::RequestUnknown,
                "No matching pending request for this challenge",
            ));
        };
        if challenge.check(proof.from, &proof.proof, now).is_err() {
            return Outcome::answer(Answer::refuse(
                403,
                Code::SignatureInvalid,
                "Invalid proof — identity verification failed",
            ));
        }
        let mut rows = Batch::new();
        if let Some(pending) = self.pending.get_mut(&request_id) {
            pending.identity_verified = true;
            if let Err(error) = rows.put(crate::store::Table::Pending, request_id, pending) {
                return Outcome::answer(Answer::from_error(&error));
            }
        }
        let answer = Answer::ok(json!({"success": true, "identity_verified": true}));
        Outcome { rows, events: Vec::new(), actions: Vec::new(), answer }
    }

    /// Accepts a pending request on behalf of the host.
    ///
    /// # Errors
    ///
    /// [`Code::RequestUnknown`], [`Code::ConnectionLimit`].
    pub fn accept(&mut self, request_id: &str, context: &Context<'_>) -> Result<PeerOutcome> {
        let request = self.pending.get(request_id).cloned().ok_or_else(|| unknown_request(request_id))?;
        if self.len() >= context.max_connections && self.get(&request.agent_id).is_none() {
            return Err(Error::new(
                Code::ConnectionLimit,
                format!("Connection limit reached ({}); disconnect a peer first", context.max_connections),
            ));
        }
        let introduction = Introduction {
            bio: request.bio.clone(),
            display_name: request.display_name.clone(),
            presented_key: None,
            wallets: request.wallets.clone(),
            capabilities: request.capabilities.clone(),
            created_at: request.peer_created_at.clone(),
        };
        let proof = if request.identity_verified { Proof::V1 } else { Proof::None };
        let rows = self.connect(connection(
            request.agent_id,
            request.url.clone(),
            &introduction,
            proof,
            context.now,
        ))?;
        let answer = Answer::ok(json!({
            "success": true, "accepted": true, "agent_id": request.agent_id, "mutual": request.mutual,
        }));
        let mut outcome = self.connected(request.agent_id, request.request_id, "accepted", rows, answer);
        // The host decided itself: no notice to it.
        outcome.actions.retain(|action| !matches!(action, PeerAction::Notice { .. }));
        outcome.actions.insert(0, PeerAction::Announce { agent: request.agent_id, url: request.url });
        Ok(outcome)
    }

    /// Rejects a pending request on behalf of the host. As in 1.1.1, the requester is not told.
    ///
    /// # Errors
    ///
    /// [`Code::RequestUnknown`].
    pub fn reject(&mut self, request_id: &str) -> Result<(PendingRequest, Batch)> {
        let request = self.pending.get(request_id).cloned().ok_or_else(|| unknown_request(request_id))?;
        Ok((request, self.drop_pending(request_id)))
    }

    /// Takes the late acceptance of a request of ours. It must answer something we asked (§6.4).
    pub fn on_accepted(
        &mut self,
        accepted: &Verified<ConnectionAccepted>,
        context: &Context<'_>,
    ) -> PeerOutcome {
        let proof = accepted.proof();
        let accepted = accepted.frame();
        let base = url::base(&accepted.url);
        let Some(asked) = self.answered_by(&accepted.from, base).map(|request| request.url.clone()) else {
            return Outcome::answer(Answer::refuse(
                403,
                Code::RequestUnknown,
                "No pending outbound connection request for this agent.",
            ));
        };
        if self.len() >= context.max_connections && self.get(&accepted.from).is_none() {
            return Outcome::answer(Answer::refuse(429, Code::ConnectionLimit, "Connection limit reached"));
        }
        let kept = connection(
            accepted.from,
            kept_url(&asked, &accepted.url),
            &accepted.introduction,
            proof,
            context.now,
        );
        let rows = match self.connect(kept) {
            Ok(rows) => rows,
            Err(error) => return Outcome::answer(Answer::from_error(&error)),
        };
        let answer = Answer::ok(json!({"success": true}));
        self.connected(accepted.from, context.id("conn-", 4), "accepted", rows, answer)
    }

    /// Takes the accepted reply to a request of ours, at the URL that was dialled.
    pub fn on_reply(
        &mut self,
        dialled: &str,
        reply: &Verified<ConnectionAccepted>,
        nonce: &str,
        now: Timestamp,
    ) -> Result<PeerOutcome> {
        let proof = reply.proof();
        let reply = reply.frame();
        if let Some(HandshakeSignature { nonce: Some(echoed), .. }) = &reply.signed
            && echoed != nonce
        {
            return Err(Error::new(Code::PeerMismatch, "the reply answers another request; try again"));
        }
        let url = kept_url(dialled, &reply.url);
        let rows = match self.get(&reply.from).cloned() {
            Some(mut known) => {
                known.url = url;
                known.identity_verified |= proof != Proof::None;
                known.last_activity = Some(now);
                if proof != Proof::None {
                    known.capabilities = reply.introduction.capabilities.clone();
                }
                self.connect(known)?
            }
            None => self.connect(connection(reply.from, url, &reply.introduction, proof, now))?,
        };
        let mut outcome = self.connected(reply.from, String::new(), "accepted", rows, Answer::ok(json!({})));
        // The host asked for this connection: no notice to it.
        outcome.actions.retain(|action| !matches!(action, PeerAction::Notice { .. }));
        Ok(outcome)
    }

    /// Remembers that `agent` at `dialled` will decide later.
    pub fn on_pending_reply(
        &mut self,
        dialled: &str,
        agent: AgentId,
        request_id: String,
        now: Timestamp,
    ) -> Result<Batch> {
        self.ask(Outstanding {
            url: url::base(dialled).to_owned(),
            agent_id: agent,
            request_id,
            asked_at: now,
        })
    }
}

/// Our proof for the challenge of a pending reply.
pub fn proof_body(passport: &Passport, challenge_id: &str, challenge_hex: &str) -> Map<String, Value> {
    let signature: Signature = crate::identity::challenge::prove(passport, challenge_hex);
    let id = passport.agent_id();
    let mut object = Map::new();
    object.insert("challenge_id".into(), json!(challenge_id));
    object.insert("proof_hex".into(), json!(signature));
    object.insert("agent_id".into(), json!(id));
    object.insert("public_key_hex".into(), json!(id));
    object
}

fn unknown_request(request_id: &str) -> Error {
    Error::new(Code::RequestUnknown, format!("No pending request with ID '{request_id}'"))
}

fn pending_answer(me: &AgentId, request_id: &str, challenge: &Challenge) -> Answer {
    Answer::ok(json!({
        "auto_accepted": false,
        "request_id": request_id,
        "agent_id": me,
        "challenge_id": challenge.id,
        "challenge_hex": hex::encode(challenge.nonce),
        "message": "Connection request queued; prove your identity with the challenge while the agent decides.",
    }))
}
