//! The handshake, both sides, as decisions without I/O (§9): `answerer` is the side that is asked, `asker`
//! the side that asks.
//!
//! ```text
//!            request                      decision
//! asker ───────────────► answerer ───┬─► accepted reply          both connected
//!                                    └─► pending reply+challenge
//! asker ── proof ──────► answerer                                 key known (1.1.1)
//!                        a person or the host decides
//! asker ◄─ accepted ──── answerer                                 both connected
//! asker ◄─ rejected ──── answerer                                 the request is over
//! ```
//!
//! Between our nodes request, reply and acceptance are signed and name the other side, so identity is proven
//! at once (S6). From 1.1.1 neither is; such a peer is connected with `identity_verified` false until its
//! first signed frame. Its answer to the challenge does not say to whom it was given, so anybody in between may have
//! fetched it; ours is given to those alone who cannot read the signature. A rejection is a signed message, and told
//! between our nodes only.

use std::time::Duration;

use serde_json::{Map, Value, json};

mod answerer;
mod asker;
#[cfg(test)]
mod rights;

pub use asker::proof_body;

use super::{
    admission::Told,
    location::{self, LocationRecord},
    table::Peers,
    types::{AutoAccept, Connection, PeerEvent, SelfDescription},
};
use crate::{
    env::{Moment, Now, Random, SigningTimes, Timestamp},
    error::Result,
    identity::{AgentId, Passport},
    store::Batch,
    transport::Outcome,
    wire::{
        Answer,
        canonical::{self, Domain},
        frame::{HandshakeSignature, Introduction},
        place, time, url,
        verify::Proof,
    },
};

/// What a decision needs beside the table.
pub struct Context<'a> {
    /// Now, by the wall clock.
    pub now: Timestamp,
    /// Now, by the steady clock.
    pub steady: Moment,
    /// Who we are.
    pub me: &'a SelfDescription,
    /// Our keys.
    pub passport: &'a Passport,
    /// The times we sign with.
    pub times: &'a SigningTimes,
    /// For ids and challenges.
    pub random: &'a dyn Random,
    /// Whose requests are accepted without asking.
    pub auto_accept: AutoAccept,
    /// Most connections.
    pub max_connections: usize,
    /// How long a request may wait.
    pub request_expiry: Duration,
}

impl Context<'_> {
    /// Now, by both clocks.
    pub(super) fn both(&self) -> Now {
        Now { wall: self.now, steady: self.steady }
    }
}

/// What to do after a decision was committed.
#[derive(Clone, Debug, PartialEq)]
pub enum PeerAction {
    /// Tell `agent` that its request was accepted.
    Announce {
        /// Whom.
        agent: AgentId,
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

    /// Adds our location, time, audience, nonce and the second signature to a handshake object.
    pub fn sign(
        &self,
        domain: Domain,
        to: Option<&AgentId>,
        nonce: Option<&str>,
        mut object: Map<String, Value>,
    ) -> Result<Map<String, Value>> {
        // For those who will ask where we are: it names nobody, so it can be passed on.
        let location = LocationRecord::sign(self.passport, &self.me.url, self.times, self.now);
        object.insert(location::MEMBER.into(), json!(location));
        object.insert("timestamp".into(), json!(self.times.next(self.now).to_wire()));
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

/// A connection made from what the other side told, at the URL we should use, told from there.
fn connection(
    agent: AgentId,
    (url, told): (String, Told),
    introduction: &Introduction,
    (proof, agreed_at): (Proof, Option<Timestamp>),
    now: Timestamp,
) -> Connection {
    let proven = proof != Proof::None;
    Connection {
        agent_id: agent,
        url,
        told_from: told.from,
        told_by: told.by,
        bio: introduction.bio.clone(),
        display_name: introduction.display_name.clone(),
        connected_at: now,
        last_activity: Some(now),
        messages_sent: 0,
        messages_received: 0,
        messages_declined: 0,
        wallets: if proven { introduction.wallets.clone() } else { Map::new() },
        addresses: Map::new(),
        // Unproven, anybody could claim for a 1.1.1 agent that it signs in our form, and lock it out.
        capabilities: if proven { introduction.capabilities.clone() } else { Map::new() },
        identity_verified: proven,
        peer_created_at: introduction.created_at.clone(),
        rate_limit: 0,
        last_update: None,
        location: None,
        agreed_at,
    }
}

/// When the other side signed a handshake object, by its own clock; nothing when that is not proven.
fn signed_at(signed: Option<&HandshakeSignature>, proof: Proof) -> Option<Timestamp> {
    signed.filter(|_| proof != Proof::None).and_then(|signed| time::parse(&signed.timestamp))
}

/// Which URL to keep: the claimed one when it lies at the origin that was dialled (it may carry a scope, or be a place
/// below it), else the dialled one, which is known to work.
pub fn kept_url(dialled: &str, claimed: &str) -> String {
    let base = url::normal(url::base(dialled));
    let told = url::normal(url::base(claimed));
    if place::of_base(&told).is_some_and(|(port, _)| port == base) {
        return told;
    }
    match url::scope(claimed).filter(|_| told == base).or_else(|| url::scope(dialled)) {
        Some(scope) => format!("{base}{}{scope}", crate::wire::route::MESH_PREFIX),
        None => base,
    }
}

/// The URL to keep of one that only the agent told.
pub(super) fn stored_url(claimed: &str) -> String {
    kept_url(claimed, claimed)
}

impl Peers {
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
}
