//! The side that asks: the reply, the late acceptance, the proof.

use serde_json::{Map, Value, json};

use super::{Context, PeerAction, PeerOutcome, connection, kept_url, signed_at, stored_url};
use crate::{
    env::Timestamp,
    error::{Code, Error, Result},
    identity::{AgentId, Passport, Signature, challenge},
    peers::{
        LocationRecord, Outstanding, Peers,
        admission::{self, Told},
    },
    store::Batch,
    transport::{Outcome, Source},
    wire::{
        AddressClass, Answer,
        frame::ConnectionAccepted,
        url,
        verify::{Proof, Verified},
    },
};

/// A URL that we dialled was given to us on this machine; it may lead anywhere.
const DIALLED: Told = Told::DIALLED;

impl Peers {
    /// Takes the late acceptance of a request of ours. It must answer something we asked (§6.4).
    pub fn on_accepted(
        &mut self,
        accepted: &Verified<ConnectionAccepted>,
        source: &Source,
        context: &Context<'_>,
    ) -> PeerOutcome {
        let proof = accepted.proof();
        let accepted = accepted.frame();
        let base = url::base(&accepted.url);
        let sent_at = signed_at(accepted.signed.as_ref(), proof);
        let record = LocationRecord::of_handshake(accepted.signed.as_ref());
        match self.staying(&accepted.from) {
            // Told again, or told after somebody else pretended to: the proven word counts, forward in time (S12).
            Some(known) if proof != Proof::None => {
                let is_news = sent_at > known.placed_at();
                let (capabilities, now) = (accepted.introduction.capabilities.clone(), context.now);
                // Where we asked, and where it says itself that it is.
                let place = self
                    .outstanding()
                    .find(|asked| url::base(&asked.url) == base && asked.agent_id == accepted.from);
                let place = place.map(|asked| kept_url(&asked.url, &accepted.url));
                let rows = self.change(&accepted.from, |connection| {
                    if is_news {
                        connection.capabilities = capabilities;
                        place.into_iter().for_each(|url| connection.move_to(url, DIALLED));
                        connection.keep_location(record, now);
                    }
                    connection.agree(sent_at);
                    connection.identity_verified = true;
                    connection.last_activity = Some(now);
                });
                let answered = self.drop_outstanding_if(|asked| is_news && asked.agent_id == accepted.from);
                return told(rows.map(|mut rows| {
                    rows.append(answered);
                    rows
                }));
            }
            // Whoever makes us dial them could otherwise take over the name of a peer (S4).
            Some(known) if known.signs_v2() => return unsigned(),
            _ => {}
        }
        let Some(asked) = self.answered_by(&accepted.from, base).cloned() else {
            return Outcome::answer(Answer::refuse(
                403,
                Code::RequestUnknown,
                "No pending outbound connection request for this agent.",
            ));
        };
        if asked.signs_v2 && proof == Proof::None {
            return unsigned();
        }
        // 1.1.1 signs no acceptance: a peer of it that has proven itself moves by its own signed update (S4).
        if let Some(known) = self.staying(&accepted.from).filter(|known| known.identity_verified) {
            let known = known.clone();
            return told(self.connect(known));
        }
        if self.len() >= context.max_connections && self.get(&accepted.from).is_none() {
            return Outcome::answer(Answer::refuse(429, Code::ConnectionLimit, "Connection limit reached"));
        }
        let place = if asked.went_around() {
            // Asked through the mesh: the address is news, and comes from whoever tells it (S10).
            if admission::points_inside(source, base) {
                let sentence = "That address is on my side, not on yours";
                return Outcome::answer(Answer::refuse(400, Code::UrlInvalid, sentence));
            }
            (stored_url(&accepted.url), Told::at(source))
        } else {
            (kept_url(&asked.url, &accepted.url), DIALLED)
        };
        let mut kept =
            connection(accepted.from, place, &accepted.introduction, (proof, sent_at), context.now);
        kept.keep_location(record, context.now);
        let rows = match self.connect(kept) {
            Ok(rows) => rows,
            Err(error) => return Outcome::answer(Answer::from_error(&error)),
        };
        // Our record stood in the request, which was only words until now: it is told again.
        self.note_told(&accepted.from, false);
        let answer = Answer::ok(json!({"success": true}));
        self.connected(accepted.from, context.id("conn-", 4), "accepted", rows, answer)
    }

    /// Whether a request of ours waits for `agent`, under this name of it.
    pub fn asks(&self, agent: &AgentId, request_id: &str) -> bool {
        self.outstanding().any(|asked| asked.agent_id == *agent && asked.request_id == request_id)
    }

    /// Takes the rejection of a request of ours; nothing when none of that name waits.
    pub fn on_rejected(&mut self, agent: &AgentId, request_id: &str) -> Option<Batch> {
        let is_it = |asked: &Outstanding| asked.agent_id == *agent && asked.request_id == request_id;
        self.asks(agent, request_id).then(|| self.drop_outstanding_if(is_it))
    }

    /// Takes the accepted reply to a request of ours, at the URL that was dialled.
    pub fn on_reply(
        &mut self,
        dialled: &str,
        reply: &Verified<ConnectionAccepted>,
        nonce: &str,
        now: Timestamp,
    ) -> Result<PeerOutcome> {
        let place = (kept_url(dialled, &reply.frame().url), DIALLED);
        self.take_reply(place, reply, nonce, now)
    }

    /// Takes the accepted reply to a request that went through the mesh, at the URL that the agent told from there.
    pub fn on_routed_reply(
        &mut self,
        (claimed, told_from): (String, AddressClass),
        reply: &Verified<ConnectionAccepted>,
        nonce: &str,
        now: Timestamp,
    ) -> Result<PeerOutcome> {
        self.take_reply((stored_url(&claimed), Told::looked_at(told_from)), reply, nonce, now)
    }

    fn take_reply(
        &mut self,
        (url, told): (String, Told),
        reply: &Verified<ConnectionAccepted>,
        nonce: &str,
        now: Timestamp,
    ) -> Result<PeerOutcome> {
        let proof = reply.proof();
        let reply = reply.frame();
        let echoed = reply.signed.as_ref().and_then(|signed| signed.nonce.as_deref());
        if proof != Proof::None && echoed != Some(nonce) {
            return Err(Error::new(Code::PeerMismatch, "the reply answers another request; try again"));
        }
        let sent_at = signed_at(reply.signed.as_ref(), proof);
        let record = LocationRecord::of_handshake(reply.signed.as_ref());
        let rows = match self.get(&reply.from).cloned() {
            // Somebody else at the dialled address could otherwise pull the peer's messages over (S4).
            Some(known) if known.signs_v2() && proof == Proof::None => {
                return Err(Error::new(
                    Code::PeerMismatch,
                    "this peer signs its replies, but the one from that address is unsigned; do not trust it",
                ));
            }
            Some(mut known) => {
                // 1.1.1 signs no reply, and the dialled address may be anybody's: a peer that has proven itself
                // moves by its own signed update (S4).
                let is_same = url::base(&url) == url::base(&known.url);
                // A signed reply can be fetched from the peer and shown elsewhere: what it says itself counts more
                // than where we got it, as long as the peer is there.
                let says_it_stays = known.identity_verified
                    && proof != Proof::None
                    && url::base(&stored_url(&reply.url)) == url::base(&known.url)
                    && !self.health(&known.agent_id).is_unreachable();
                if is_same || !known.identity_verified || (proof != Proof::None && !says_it_stays) {
                    known.move_to(url, told);
                } else if says_it_stays {
                    tracing::info!(peer = known.agent_id.short(), "the peer says that it is where it was");
                } else if self.health(&known.agent_id).is_unreachable() {
                    return Err(Error::new(
                        Code::PeerMismatch,
                        "this peer is known at another address and proves nothing here; disconnect it to start anew",
                    ));
                }
                known.agree(sent_at);
                known.keep_location(record, now);
                known.identity_verified |= proof != Proof::None;
                known.last_activity = Some(now);
                if proof != Proof::None {
                    known.capabilities = reply.introduction.capabilities.clone();
                }
                self.connect(known)?
            }
            None => {
                let proven = (proof, sent_at);
                let mut kept = connection(reply.from, (url, told), &reply.introduction, proven, now);
                kept.keep_location(record, now);
                self.connect(kept)?
            }
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
        signs_v2: bool,
        now: Timestamp,
    ) -> Result<Batch> {
        self.ask(Outstanding {
            signs_v2,
            // Asked through the mesh, the place is the agent itself.
            url: if dialled == agent.to_string() { dialled.to_owned() } else { stored_url(dialled) },
            agent_id: agent,
            request_id,
            asked_at: now,
        })
    }
}

/// The answer to an acceptance that changes nothing but `rows`.
fn told(rows: Result<Batch>) -> PeerOutcome {
    let answer = Answer::ok(json!({"success": true}));
    match rows {
        Ok(rows) => Outcome { rows, ..Outcome::answer(answer) },
        Err(error) => Outcome::answer(Answer::from_error(&error)),
    }
}

fn unsigned() -> PeerOutcome {
    let sentence = "Signature required — this agent signs what it accepts";
    Outcome::answer(Answer::refuse(403, Code::SignatureMissing, sentence))
}

/// Our proof for the challenge of a pending reply.
pub fn proof_body(passport: &Passport, challenge_id: &str, challenge_hex: &str) -> Map<String, Value> {
    let signature: Signature = challenge::prove(passport, challenge_hex);
    let id = passport.agent_id();
    let mut object = Map::new();
    object.insert("challenge_id".into(), json!(challenge_id));
    object.insert("proof_hex".into(), json!(signature));
    object.insert("agent_id".into(), json!(id));
    object.insert("public_key_hex".into(), json!(id));
    object
}
