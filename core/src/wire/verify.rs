//! Belief: which frames are taken to come from whom.
//!
//! [`Verifier`] is the only maker of [`Verified`]; every later step of the inbound path takes one. It spends
//! nothing: no id is recorded and no quota touched before the signature holds (S15).

mod believed;
mod mail;

pub use believed::Believed;

use serde_json::{Map, Value};

use super::{
    Answer, canonical,
    canonical::{BodyDigest, Domain},
    frame::{
        Body, ConnectionAccepted, Frame, HandshakeSignature, ImpressionQuery, MessageFrame, PeerUpdate,
        PrivateBody, PrivateFrame, Receipts, StatusBroadcast,
    },
    prekeys::KeyKind,
    receipt::SignedReceipt,
    seal, time,
};
use crate::{
    env::Timestamp,
    error::Code,
    identity::{AgentId, Passport, Signature},
};

/// What we know of a claimed sender before reading on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Relation {
    /// Not connected.
    Stranger,
    /// Connected. A peer that once showed the second signature must keep showing it, so that nobody
    /// between us can strip it.
    Connected {
        /// Whether it signs in our form.
        signs_v2: bool,
    },
}

/// How the sender of a frame was proven.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Proof {
    /// Not at all: the frame is one that 1.1.1 leaves unsigned.
    None,
    /// By 1.1.1's signature.
    V1,
    /// By our signature over everything.
    V2,
    /// By our signature, and the body was sealed for us.
    Sealed,
    /// As [`Proof::Sealed`], to a pre-key that is destroyed within days.
    SealedRotating,
    /// As [`Proof::Sealed`], to a pre-key that is destroyed now.
    SealedOneTime,
}

impl From<KeyKind> for Proof {
    fn from(kind: KeyKind) -> Self {
        match kind {
            KeyKind::Identity => Self::Sealed,
            KeyKind::Rotating => Self::SealedRotating,
            KeyKind::OneTime => Self::SealedOneTime,
        }
    }
}

/// Something whose sender is as certain as its [`Proof`] says.
#[derive(Clone, Debug)]
pub struct Verified<T> {
    frame: T,
    sender: Option<AgentId>,
    proof: Proof,
}

impl<T> Verified<T> {
    /// What was verified.
    pub fn frame(&self) -> &T {
        &self.frame
    }

    /// Takes it out.
    pub fn into_frame(self) -> T {
        self.frame
    }

    /// The sender the frame names; proven unless [`Verified::proof`] is [`Proof::None`].
    pub fn sender(&self) -> Option<AgentId> {
        self.sender
    }

    /// The sender, only when proven.
    pub fn proven(&self) -> Option<AgentId> {
        self.sender.filter(|_| self.proof != Proof::None)
    }

    /// How the sender was proven.
    pub fn proof(&self) -> Proof {
        self.proof
    }
}

/// What verification needs to know.
pub struct Verifier<'a> {
    /// Our keys: to open what is sealed and to know what is for us.
    pub passport: &'a Passport,
    /// Now.
    pub now: Timestamp,
    /// What we know of a claimed sender.
    pub relation: &'a dyn Fn(&AgentId) -> Relation,
}

const INVALID: &str = "Invalid signature — message authenticity could not be verified.";

fn refuse(code: Code, sentence: &str) -> Answer {
    Answer::refuse(403, code, sentence)
}

impl Verifier<'_> {
    /// Decides whether `frame` is believed.
    pub fn verify(&self, frame: Frame) -> Result<Verified<Frame>, Answer> {
        let unproven = |frame, sender| Ok(Verified { frame, sender, proof: Proof::None });
        match frame {
            Frame::Message(message) => {
                let sender = Some(message.from);
                let (message, proof) = self.message(*message)?;
                Ok(Verified { frame: Frame::Message(Box::new(message)), sender, proof })
            }
            Frame::StatusBroadcast(broadcast) => {
                let proof = self.broadcast(&broadcast)?;
                Ok(Verified { sender: Some(broadcast.from), frame: Frame::StatusBroadcast(broadcast), proof })
            }
            Frame::Receipts(receipts) => {
                self.receipts(&receipts)?;
                let sender = Some(receipts.from);
                Ok(Verified { frame: Frame::Receipts(receipts), sender, proof: Proof::V2 })
            }
            Frame::Private(frame) => {
                let sender = Some(frame.from);
                let (frame, proof) = self.private(*frame)?;
                Ok(Verified { frame: Frame::Private(Box::new(frame)), sender, proof })
            }
            Frame::PeerUpdate(update) => {
                let proof = self.update(&update)?;
                Ok(Verified { sender: Some(update.from), frame: Frame::PeerUpdate(update), proof })
            }
            Frame::ConnectionRequest(request) => {
                let key = request.introduction.presented_key.as_deref();
                let proof =
                    self.handshake(Domain::ConnectionRequest, request.from, key, request.signed.as_ref())?;
                Ok(Verified { sender: Some(request.from), frame: Frame::ConnectionRequest(request), proof })
            }
            Frame::ConnectionAccepted(accepted) => {
                let key = accepted.introduction.presented_key.as_deref();
                let proof =
                    self.handshake(Domain::ConnectionAccepted, accepted.from, key, accepted.signed.as_ref())?;
                Ok(Verified {
                    sender: Some(accepted.from),
                    frame: Frame::ConnectionAccepted(accepted),
                    proof,
                })
            }
            // The proof is checked against the challenge by the handshake, which knows it.
            Frame::ConnectionProof(proof) => {
                let sender = Some(proof.from);
                unproven(Frame::ConnectionProof(proof), sender)
            }
            Frame::Ping(ping) => {
                let sender = ping.from;
                unproven(Frame::Ping(ping), sender)
            }
            Frame::ImpressionQuery(query) => {
                let proof = self.impression_query(&query)?;
                Ok(Verified { sender: Some(query.from), frame: Frame::ImpressionQuery(query), proof })
            }
            Frame::Mailbox(request) => {
                self.signed_by_peer(
                    Domain::Mailbox,
                    &request.from,
                    &request.object,
                    &request.timestamp,
                    request.signature_v2.as_ref(),
                )?;
                Ok(Verified { sender: Some(request.from), frame: Frame::Mailbox(request), proof: Proof::V2 })
            }
            Frame::Mail(mail) => {
                self.mail(&mail)?;
                Ok(Verified { sender: Some(mail.mail.from), frame: Frame::Mail(mail), proof: Proof::V2 })
            }
            // Envelopes are unsigned (§15.2); what they carry is verified where it is opened.
            Frame::Routed(envelope) => unproven(Frame::Routed(envelope), None),
            Frame::Query(query) => unproven(Frame::Query(query), None),
        }
    }

    /// Decides whether the accepted reply to our own request is believed.
    pub fn verify_reply(&self, reply: ConnectionAccepted) -> Result<Verified<ConnectionAccepted>, Answer> {
        let key = reply.introduction.presented_key.as_deref();
        let proof = self.handshake(Domain::ConnectionReply, reply.from, key, reply.signed.as_ref())?;
        Ok(Verified { sender: Some(reply.from), frame: reply, proof })
    }

    /// A presented key must be the sender's id, as text (S5).
    fn key_is_id(&self, from: &AgentId, presented: Option<&str>) -> Result<(), Answer> {
        match presented {
            Some(key) if key != from.to_string() => Err(refuse(
                Code::KeyMismatch,
                "Public key mismatch — sender key does not match stored key for this connection.",
            )),
            _ => Ok(()),
        }
    }

    fn fresh(&self, timestamp: &str) -> Result<(), Answer> {
        if time::is_fresh(timestamp, self.now) {
            return Ok(());
        }
        Err(refuse(Code::Stale, "Message timestamp too old — possible replay"))
    }

    /// §7.3, with key = id, and the second signature where the sender has it.
    fn message(&self, message: MessageFrame) -> Result<(MessageFrame, Proof), Answer> {
        self.key_is_id(&message.from, message.presented_key.as_deref())?;
        let relation = (self.relation)(&message.from);
        if let Some(signature) = message.signature_v2 {
            return self.message_v2(message, &signature);
        }
        if relation == (Relation::Connected { signs_v2: true }) {
            return Err(refuse(
                Code::SignatureMissing,
                "Signature required — this peer signs with signature_v2; a message without it is refused.",
            ));
        }
        let (Some(signature), false) = (message.signature, message.timestamp.is_empty()) else {
            return Err(match relation {
                Relation::Connected { .. } => refuse(
                    Code::SignatureMissing,
                    "Signature required — this connection has a known public key.",
                ),
                Relation::Stranger => {
                    refuse(Code::SignatureMissing, "Not connected — unsigned messages require a connection.")
                }
            });
        };
        // Sealed bodies exist only under the second signature.
        let Body::Plain { content, .. } = &message.body else {
            return Err(refuse(Code::SignatureMissing, "A sealed message needs signature_v2"));
        };
        let bytes = canonical::message(&message.from, &message.message_id, &message.timestamp, content);
        if !message.from.verify(&bytes, &signature) {
            return Err(refuse(Code::SignatureInvalid, INVALID));
        }
        self.fresh(&message.timestamp)?;
        Ok((message, Proof::V1))
    }

    fn message_v2(
        &self,
        mut message: MessageFrame,
        signature: &Signature,
    ) -> Result<(MessageFrame, Proof), Answer> {
        let us = self.passport.agent_id();
        if message.to != Some(us) {
            return Err(refuse(Code::KeyMismatch, "This message is signed for another recipient"));
        }
        let digest = match &message.body {
            Body::Plain { content, metadata, in_reply_to } => {
                BodyDigest::plain(content, metadata, in_reply_to.as_deref())
                    .map_err(|error| Answer::from_error(&error))?
            }
            Body::Sealed(sealed) => BodyDigest::sealed(&sealed.enc, &sealed.ciphertext),
        };
        let bytes = canonical::message_v2(
            &message.from,
            &us,
            &message.message_id,
            &message.timestamp,
            message.hops_remaining,
            &digest,
        );
        if !message.from.verify(&bytes, signature) {
            return Err(refuse(Code::SignatureInvalid, INVALID));
        }
        self.fresh(&message.timestamp)?;
        let Body::Sealed(sealed) = &message.body else { return Ok((message, Proof::V2)) };
        let plaintext = seal::open(self.passport, &message.from, &message.message_id, sealed)
            .map_err(|error| Answer::from_error(&error))?;
        message.body = super::sealed_body::decode(&plaintext)?;
        Ok((message, Proof::Sealed))
    }

    fn broadcast(&self, broadcast: &StatusBroadcast) -> Result<Proof, Answer> {
        let relation = (self.relation)(&broadcast.from);
        if relation == Relation::Stranger {
            return Err(refuse(Code::PeerNotConnected, "Not connected"));
        }
        self.key_is_id(&broadcast.from, broadcast.presented_key.as_deref())?;
        if let Some(signature) = &broadcast.signature_v2 {
            self.object(Domain::StatusBroadcast, &broadcast.from, true, &broadcast.object, signature)?;
            self.fresh(&broadcast.timestamp)?;
            return Ok(Proof::V2);
        }
        if relation == (Relation::Connected { signs_v2: true }) {
            return Err(refuse(
                Code::SignatureMissing,
                "Signature required — this peer signs with signature_v2",
            ));
        }
        let id = broadcast.message_id.as_deref().unwrap_or_default();
        let bytes = canonical::message(&broadcast.from, id, &broadcast.timestamp, &broadcast.content);
        match &broadcast.signature {
            None => Err(refuse(
                Code::SignatureMissing,
                "Signature required — this connection has a known public key.",
            )),
            Some(signature) if !broadcast.from.verify(&bytes, signature) => {
                Err(refuse(Code::SignatureInvalid, INVALID))
            }
            Some(_) => self.fresh(&broadcast.timestamp).map(|()| Proof::V1),
        }
    }

    /// All or none: a node that signs one of them wrongly has nothing to tell. There is no time limit: whoever was away
    /// hears of it late, and a receipt that is repeated says nothing new.
    fn receipts(&self, receipts: &Receipts) -> Result<(), Answer> {
        if (self.relation)(&receipts.from) == Relation::Stranger {
            return Err(refuse(Code::PeerNotConnected, "Not connected"));
        }
        let us = self.passport.agent_id();
        if receipts.receipts.iter().any(|receipt| receipt.from != us) {
            return Err(refuse(Code::KeyMismatch, "A receipt is for another agent"));
        }
        if receipts.receipts.iter().all(SignedReceipt::is_valid) {
            Ok(())
        } else {
            Err(refuse(Code::SignatureInvalid, INVALID))
        }
    }

    /// Only peers, only under the second signature; what is sealed is opened after it.
    fn private(&self, mut frame: PrivateFrame) -> Result<(PrivateFrame, Proof), Answer> {
        if (self.relation)(&frame.from) == Relation::Stranger {
            return Err(refuse(Code::PeerNotConnected, "Not connected"));
        }
        let Some(signature) = &frame.signature_v2 else {
            return Err(refuse(Code::SignatureMissing, "Signature required — this frame is signed"));
        };
        self.object(frame.kind.domain(), &frame.from, true, &frame.object, signature)?;
        self.fresh(&frame.timestamp)?;
        let PrivateBody::Sealed(sealed) = &frame.body else { return Ok((frame, Proof::V2)) };
        let plain = seal::open(self.passport, &frame.from, &frame.claim_id(), sealed)
            .map_err(|error| Answer::from_error(&error))?;
        let object = super::json::parse_object(&plain)
            .map_err(|_| Answer::refuse(400, Code::WireField, "The sealed body is not a JSON object"))?;
        frame.body = PrivateBody::read(frame.kind, object)?;
        Ok((frame, Proof::Sealed))
    }

    /// Only peers ask, and only under the second signature.
    fn impression_query(&self, query: &ImpressionQuery) -> Result<Proof, Answer> {
        let signature = query.signature_v2.as_ref();
        self.signed_by_peer(Domain::ImpressionQuery, &query.from, &query.object, &query.timestamp, signature)
            .map(|()| Proof::V2)
    }

    fn signed_by_peer(
        &self,
        domain: Domain,
        from: &AgentId,
        object: &Map<String, Value>,
        timestamp: &str,
        signature: Option<&Signature>,
    ) -> Result<(), Answer> {
        if (self.relation)(from) == Relation::Stranger {
            return Err(refuse(Code::PeerNotConnected, "Not connected"));
        }
        let Some(signature) = signature else {
            return Err(refuse(Code::SignatureMissing, "Signature required — questions are signed"));
        };
        self.object(domain, from, true, object, signature)?;
        self.fresh(timestamp)
    }

    /// §6.8: unknown agents and wrong keys are refused before the signature is looked at.
    fn update(&self, update: &PeerUpdate) -> Result<Proof, Answer> {
        let relation = (self.relation)(&update.from);
        if !update.timestamp.is_empty() && !time::is_fresh(&update.timestamp, self.now) {
            return Err(refuse(Code::Stale, "Timestamp expired"));
        }
        if relation == Relation::Stranger {
            return Err(Answer::refuse(404, Code::PeerNotConnected, "Unknown agent"));
        }
        if update.presented_key.as_deref().is_some_and(|key| key != update.from.to_string()) {
            return Err(refuse(Code::KeyMismatch, "Public key mismatch"));
        }
        if update.timestamp.is_empty() {
            return Err(refuse(Code::SignatureMissing, "Signature required — known public key on file"));
        }
        if let Some(signature) = &update.signature_v2 {
            return self
                .object(Domain::PeerUpdate, &update.from, true, &update.object, signature)
                .map(|()| Proof::V2)
                .map_err(|_| refuse(Code::SignatureInvalid, "Invalid signature"));
        }
        match &update.signature {
            None => Err(refuse(Code::SignatureMissing, "Signature required — known public key on file")),
            Some(_) if relation == (Relation::Connected { signs_v2: true }) => {
                Err(refuse(Code::SignatureMissing, "Signature required — this peer signs with signature_v2"))
            }
            Some(signature) => {
                let bytes = canonical::peer_update(&update.from, &update.new_url, &update.timestamp);
                if update.from.verify(&bytes, signature) {
                    Ok(Proof::V1)
                } else {
                    Err(refuse(Code::SignatureInvalid, "Invalid signature"))
                }
            }
        }
    }

    fn handshake(
        &self,
        domain: Domain,
        from: AgentId,
        presented: Option<&str>,
        signed: Option<&HandshakeSignature>,
    ) -> Result<Proof, Answer> {
        if presented.is_some_and(|key| key != from.to_string()) {
            return Err(refuse(Code::KeyMismatch, "Public key must match agent_id"));
        }
        let Some(signed) = signed else { return Ok(Proof::None) };
        // A signature for somebody else proves nothing to us.
        if signed.to.is_some_and(|to| to != self.passport.agent_id()) {
            return Err(refuse(Code::KeyMismatch, "This handshake is signed for another agent"));
        }
        self.object(domain, &from, signed.to.is_some(), &signed.object, &signed.signature)?;
        if !time::is_fresh(&signed.timestamp, self.now) {
            return Err(refuse(Code::Stale, "Timestamp expired"));
        }
        // Signed without an audience, the same bytes could have been collected by another node.
        Ok(if signed.to.is_some() { Proof::V2 } else { Proof::None })
    }

    fn object(
        &self,
        domain: Domain,
        from: &AgentId,
        for_us: bool,
        object: &Map<String, Value>,
        signature: &Signature,
    ) -> Result<(), Answer> {
        let us = self.passport.agent_id();
        let bytes = canonical::object_v2(domain, from, for_us.then_some(&us), object)
            .map_err(|error| Answer::from_error(&error))?;
        if from.verify(&bytes, signature) { Ok(()) } else { Err(refuse(Code::SignatureInvalid, INVALID)) }
    }
}
