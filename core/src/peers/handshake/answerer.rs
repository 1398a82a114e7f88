//! The side that is asked: request, challenge and proof, the host's decision.

use std::time::Duration;

use serde_json::{Map, json};

use super::{Context, PeerAction, PeerOutcome, connection, signed_at, stored_url};
use crate::{
    env::Timestamp,
    error::{Code, Error, Result},
    identity::{AgentId, Challenge},
    peers::{
        Connection, LocationRecord, PENDING_LIMIT, PeerEvent, Peers, PendingRequest, Verdict,
        admission::{self, Admission, Facts, Told},
    },
    store::Batch,
    transport::{Outcome, Source},
    wire::{
        AddressClass, Answer,
        frame::{ConnectionProof, ConnectionRequest, Introduction},
        url,
        verify::{Proof, Verified},
    },
};

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
        let told = Told::at(source);
        // Whoever is about to leave asks for a new connection.
        if self.staying(&request.from).is_some() {
            let rows = self.refresh(request, url, proof, source, context.now)?;
            let answer = context.accepted_reply(&request.from, nonce, "Already connected.")?;
            let actions = vec![PeerAction::Flush { agent: request.from }];
            return Ok(Outcome { rows, events: Vec::new(), actions, answer });
        }
        // A recorded request must not bring back what was ended since.
        let sent_at = signed_at(request.signed.as_ref(), proof);
        if sent_at.is_some() && sent_at <= self.agreed_before(&request.from) {
            let sentence = "This request belongs to a connection that has ended; sign a new one";
            return Ok(Outcome::answer(Answer::refuse(409, Code::Replay, sentence)));
        }
        let facts =
            Facts { source, url: url::base(&request.url), full: self.len() >= context.max_connections };
        match admission::admit(context.auto_accept, verdict, facts) {
            Admission::Refuse(sentence) => {
                Ok(Outcome::answer(Answer::refuse(403, Code::PolicyRefused, sentence)))
            }
            Admission::Accept(message) => {
                let introduction = &request.introduction;
                let proven = (proof, signed_at(request.signed.as_ref(), proof));
                let mut kept = connection(request.from, (url, told), introduction, proven, context.now);
                kept.keep_location(LocationRecord::of_handshake(request.signed.as_ref()), context.now);
                let rows = self.connect(kept)?;
                let answer = context.accepted_reply(&request.from, nonce, message)?;
                Ok(self.connected(request.from, context.id("conn-", 4), "auto-accepted", rows, answer))
            }
            Admission::Pend => self.pend(request, (url, told.from), proof, context),
        }
    }

    /// A repeated request changes an existing connection only when the requester is proven (S4), and only
    /// forward in time: recorded bytes must not bring an old address back (S12).
    fn refresh(
        &mut self,
        request: &ConnectionRequest,
        url: String,
        proof: Proof,
        source: &Source,
        now: Timestamp,
    ) -> Result<Batch> {
        let sent_at = signed_at(request.signed.as_ref(), proof);
        let Some(known) = self.get(&request.from) else { return Ok(Batch::new()) };
        if sent_at <= known.last_update {
            // Our answer confirms the connection all the same.
            let is_newer = sent_at > known.agreed_at;
            let confirm = |connection: &mut Connection| connection.agree(sent_at);
            return if is_newer { self.change(&request.from, confirm) } else { Ok(Batch::new()) };
        }
        // As for an update: a peer is posted to at the address it tells (S10).
        let is_outside = !admission::points_inside(source, url::base(&url)) && sent_at > known.placed_at();
        self.change(&request.from, |connection| {
            connection.last_update = sent_at;
            connection.agree(sent_at);
            if is_outside {
                connection.move_to(url, Told::at(source));
                connection.keep_location(LocationRecord::of_handshake(request.signed.as_ref()), now);
            }
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
        (url, told_from): (String, AddressClass),
        proof: Proof,
        context: &Context<'_>,
    ) -> Result<PeerOutcome> {
        let mut rows = self.expire(context.both(), context.request_expiry)?;
        let known = self.pending.values().find(|pending| pending.agent_id == request.from);
        // Only the proven agent itself may change what its pending request says.
        if let Some(known) = known
            && known.shows_key()
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
        // A crowd of unproven requests must not keep a proven one out (S16).
        if is_new && proof != Proof::None && self.pending.len() >= PENDING_LIMIT {
            rows.append(self.drop_oldest_unproven());
        }
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
            told_from,
            display_name: introduction.display_name.clone(),
            bio: introduction.bio.clone(),
            identity_verified: proof != Proof::None,
            challenge_answered: false,
            requested_at: context.now,
            capabilities: if proof == Proof::None { Map::new() } else { introduction.capabilities.clone() },
            wallets: if proof == Proof::None { Map::new() } else { introduction.wallets.clone() },
            peer_created_at: introduction.created_at.clone(),
            mutual: request.mutual,
            signed_at: signed_at(request.signed.as_ref(), proof),
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

    fn drop_oldest_unproven(&mut self) -> Batch {
        let unproven = self.pending.values().filter(|pending| !pending.shows_key());
        let oldest =
            unproven.min_by_key(|pending| pending.requested_at).map(|pending| pending.request_id.clone());
        oldest.map_or_else(Batch::new, |request_id| self.drop_pending(&request_id))
    }

    fn challenge(&mut self, request_id: &str, agent: AgentId, context: &Context<'_>) -> Challenge {
        let challenge = Challenge::issue(agent, context.now, context.random);
        self.challenges.insert(request_id.to_owned(), challenge.clone());
        challenge
    }

    /// Checks the proof of a pending requester. The answer is that of 1.1.1; what it says holds for the key, not for the
    /// address, because the challenge may have been passed on.
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
            pending.challenge_answered = true;
            if let Err(error) = rows.put(crate::store::Table::Pending, request_id, pending) {
                return Outcome::answer(Answer::from_error(&error));
            }
        }
        let answer = Answer::ok(json!({"success": true, "identity_verified": true}));
        Outcome { rows, events: Vec::new(), actions: Vec::new(), answer }
    }

    /// Accepts a pending request on behalf of the host. One that a connection has settled meanwhile, because the asker
    /// accepted a request of ours for instance, is accepted already.
    ///
    /// # Errors
    ///
    /// [`Code::RequestUnknown`], [`Code::ConnectionLimit`].
    pub fn accept(&mut self, request_id: &str, context: &Context<'_>) -> Result<PeerOutcome> {
        if let Some(agent) = self.settled_with(request_id) {
            let answer = Answer::ok(json!({"success": true, "accepted": true, "agent_id": agent}));
            // The row may still be under way: behind it, this one says when it is there.
            let rows = self.change(&agent, |_| {})?;
            return Ok(Outcome { rows, ..Outcome::answer(answer) });
        }
        let request = self.pending.get(request_id).cloned().ok_or_else(|| unknown_request(request_id))?;
        if self.len() >= context.max_connections && self.get(&request.agent_id).is_none() {
            return Err(Error::new(
                Code::ConnectionLimit,
                format!("Connection limit reached ({}); disconnect a peer first", context.max_connections),
            ));
        }
        // Taken out first: what the host accepted itself is accepted once.
        let mut rows = self.drop_pending(request_id);
        rows.append(self.connect(request.granted(context.now))?);
        let answer = Answer::ok(json!({
            "success": true, "accepted": true, "agent_id": request.agent_id, "mutual": request.mutual,
        }));
        let mut outcome = self.connected(request.agent_id, request.request_id, "accepted", rows, answer);
        // The host decided itself: no notice to it.
        outcome.actions.retain(|action| !matches!(action, PeerAction::Notice { .. }));
        outcome.actions.insert(0, PeerAction::Announce { agent: request.agent_id });
        Ok(outcome)
    }

    /// Rejects a pending request on behalf of the host.
    ///
    /// # Errors
    ///
    /// [`Code::RequestUnknown`].
    pub fn reject(&mut self, request_id: &str) -> Result<(PendingRequest, Batch)> {
        let request = self.pending.get(request_id).cloned().ok_or_else(|| unknown_request(request_id))?;
        Ok((request, self.drop_pending(request_id)))
    }
}

impl PendingRequest {
    /// The connection that granting it makes.
    pub(crate) fn granted(&self, now: Timestamp) -> Connection {
        let introduction = Introduction {
            bio: self.bio.clone(),
            display_name: self.display_name.clone(),
            presented_key: None,
            wallets: self.wallets.clone(),
            capabilities: self.capabilities.clone(),
            created_at: self.peer_created_at.clone(),
        };
        let proof = if self.identity_verified { Proof::V2 } else { Proof::None };
        let place = (self.url.clone(), Told::looked_at(self.told_from));
        connection(self.agent_id, place, &introduction, (proof, self.signed_at), now)
    }
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
