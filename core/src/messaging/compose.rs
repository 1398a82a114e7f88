//! Making frames to send: which form a peer understands, signed, and sealed when it can open seals.

use serde_json::{Map, Value, json};

use crate::{
    env::{Random, Timestamp},
    error::Result,
    identity::{AgentId, Passport},
    peers::Connection,
    wire::{
        canonical::{self, BodyDigest, Domain},
        frame::{Body, MessageFrame},
        seal::Sealer,
        sealed_body,
    },
};

/// A message before it is signed.
#[derive(Clone, Copy, Debug)]
pub struct Draft<'a> {
    /// The same in every attempt.
    pub message_id: &'a str,
    /// What to say.
    pub content: &'a str,
    /// What travels along.
    pub metadata: &'a Map<String, Value>,
    /// The message this one answers.
    pub in_reply_to: Option<&'a str>,
    /// How often it may be forwarded.
    pub hops: u32,
}

impl<'a> Draft<'a> {
    /// What answers nothing and goes no further than its reader.
    pub fn for_reader_only(message_id: &'a str, content: &'a str, metadata: &'a Map<String, Value>) -> Self {
        Self { message_id, content, metadata, in_reply_to: None, hops: 0 }
    }
}

/// Which forms the recipient understands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// 1.1.1: signed over sender, id, time and content.
    V1,
    /// Ours, readable.
    V2,
    /// Ours, sealed.
    Sealed,
}

impl Form {
    /// The best form for `peer`.
    pub fn for_peer(peer: &Connection, seal: bool) -> Self {
        if seal && peer.opens_seals() {
            Self::Sealed
        } else if peer.signs_v2() {
            Self::V2
        } else {
            Self::V1
        }
    }
}

/// Metadata as it is signed: the reply reference stands in it, where 1.1.1 looks for it.
pub fn metadata_with_reply(metadata: &Map<String, Value>, in_reply_to: Option<&str>) -> Map<String, Value> {
    let mut metadata = metadata.clone();
    if let Some(original) = in_reply_to {
        metadata.entry("in_reply_to").or_insert_with(|| json!(original));
    }
    metadata
}

/// The JSON object of a message for one recipient, signed now.
///
/// # Errors
///
/// [`crate::error::Code::WireField`] when the metadata has no canonical form;
/// [`crate::error::Code::SealBroken`] when the recipient's id is no usable key.
pub fn message(
    draft: Draft<'_>,
    to: &AgentId,
    form: Form,
    passport: &Passport,
    now: Timestamp,
    random: &dyn Random,
) -> Result<Map<String, Value>> {
    message_with(draft, to, form, passport, now, || Sealer::new(to, random))
}

/// [`message`], sealed with a key that is there already.
///
/// # Errors
///
/// As [`message`].
pub fn message_with(
    draft: Draft<'_>,
    to: &AgentId,
    form: Form,
    passport: &Passport,
    now: Timestamp,
    sealer: impl FnOnce() -> Result<Sealer>,
) -> Result<Map<String, Value>> {
    let from = passport.agent_id();
    let metadata = metadata_with_reply(draft.metadata, draft.in_reply_to);
    let timestamp = now.to_wire();
    let mut frame = MessageFrame {
        message_id: draft.message_id.to_owned(),
        from,
        presented_key: None,
        timestamp,
        hops_remaining: draft.hops,
        body: Body::Plain {
            content: draft.content.to_owned(),
            metadata,
            in_reply_to: draft.in_reply_to.map(str::to_owned),
        },
        signature: None,
        to: None,
        signature_v2: None,
    };
    if form == Form::V1 {
        let bytes = canonical::message(&from, &frame.message_id, &frame.timestamp, draft.content);
        frame.signature = Some(passport.sign(&bytes));
        return Ok(frame.encode());
    }
    let digest = match (&frame.body, form) {
        (Body::Plain { content, metadata, in_reply_to }, Form::Sealed) => {
            let plaintext = sealed_body::encode(content, metadata, in_reply_to.as_deref());
            let sealed = sealer()?.seal(&from, draft.message_id, &plaintext)?;
            let digest = BodyDigest::sealed(&sealed.enc, &sealed.ciphertext);
            frame.body = Body::Sealed(sealed);
            digest
        }
        (Body::Plain { content, metadata, in_reply_to }, _) => {
            BodyDigest::plain(content, metadata, in_reply_to.as_deref())?
        }
        (Body::Sealed(sealed), _) => BodyDigest::sealed(&sealed.enc, &sealed.ciphertext),
    };
    frame.to = Some(*to);
    let bytes =
        canonical::message_v2(&from, to, &frame.message_id, &frame.timestamp, frame.hops_remaining, &digest);
    frame.signature_v2 = Some(passport.sign(&bytes));
    Ok(frame.encode())
}

/// The JSON object of a status broadcast for one peer, under our signature or, for 1.1.1, under its own, which
/// whoever receives it could pass off as a message to somebody else (S13).
///
/// # Errors
///
/// [`crate::error::Code::WireField`] when the metadata has no canonical form.
pub fn broadcast(
    draft: Draft<'_>,
    to: &AgentId,
    form: Form,
    passport: &Passport,
    now: Timestamp,
) -> Result<Map<String, Value>> {
    let from = passport.agent_id();
    let timestamp = now.to_wire();
    let mut metadata = draft.metadata.clone();
    metadata.insert("type".into(), json!("status_broadcast"));
    let mut object = Map::new();
    object.insert("message_id".into(), json!(draft.message_id));
    object.insert("from_agent_id".into(), json!(from));
    object.insert("from_public_key_hex".into(), json!(from));
    object.insert("content".into(), json!(draft.content));
    object.insert("metadata".into(), Value::Object(metadata));
    object.insert("timestamp".into(), json!(timestamp));
    if form == Form::V1 {
        let bytes = canonical::message(&from, draft.message_id, &timestamp, draft.content);
        object.insert("signature_hex".into(), json!(passport.sign(&bytes)));
    } else {
        sign_object(Domain::StatusBroadcast, to, passport, &mut object)?;
    }
    Ok(object)
}

/// Adds our signature over a whole object for one recipient.
///
/// # Errors
///
/// [`crate::error::Code::WireField`] when the object has no canonical form.
pub fn sign_object(
    domain: Domain,
    to: &AgentId,
    passport: &Passport,
    object: &mut Map<String, Value>,
) -> Result<()> {
    let bytes = canonical::object_v2(domain, &passport.agent_id(), Some(to), object)?;
    object.insert("signature_v2".into(), json!(passport.sign(&bytes)));
    Ok(())
}
