//! Frames between two of our nodes that nobody else needs to read: signed over the whole object, fresh, taken once, and
//! sealed when the recipient opens seals.
//!
//! ```text
//! {"from_agent_id", "nonce", "timestamp", "body": {…} | "sealed": {…}, "signature_v2"}
//! ```

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::fields;
use crate::{
    identity::{AgentId, Signature},
    wire::{Answer, canonical::Domain, limits, route::Endpoint, seal::Sealed},
};

/// What a private frame is about. Each kind has an endpoint and a signature domain of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PrivateKind {
    /// The author of messages takes them back.
    Cancel,
    /// Parts of an answer.
    Parts,
}

impl PrivateKind {
    /// What its signature is for.
    pub const fn domain(self) -> Domain {
        match self {
            Self::Cancel => Domain::Cancel,
            Self::Parts => Domain::Parts,
        }
    }

    /// Where it is posted.
    pub const fn endpoint(self) -> Endpoint {
        match self {
            Self::Cancel => Endpoint::Cancel,
            Self::Parts => Endpoint::Parts,
        }
    }

    /// Under which id a frame with this nonce is remembered, and to which its seal is bound.
    pub fn claim_id(self, nonce: &str) -> String {
        format!("{} {nonce}", self.domain().name())
    }
}

/// A message that its author takes back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cancel {
    /// Which.
    pub message_id: String,
    /// SHA-256 of what it says, 64 hexadecimal digits: for the receipt of one that has not arrived.
    pub digest: String,
    /// Why; at most 500 characters.
    #[serde(default)]
    pub reason: Option<String>,
}

/// Parts of an answer, in order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parts {
    /// The question.
    pub in_reply_to: String,
    /// What tells this stream from one of before a restart.
    pub stream: String,
    /// The number of the first, from 0.
    pub first: u64,
    /// 1 to 256, each of at least 1 character, together at most 65,536.
    pub parts: Vec<String>,
}

/// What a private frame says.
#[derive(Clone, Debug, PartialEq)]
pub enum PrivateBody {
    /// Only its recipient can read it; the verifier opens it.
    Sealed(Sealed),
    /// 1 to 50.
    Cancels(Vec<Cancel>),
    /// Of one answer.
    Parts(Parts),
}

impl PrivateBody {
    /// Reads the object of a body.
    ///
    /// # Errors
    ///
    /// The refusal of what no node of ours sends.
    pub fn read(kind: PrivateKind, mut object: Map<String, Value>) -> Result<Self, Answer> {
        match kind {
            PrivateKind::Cancel => cancels(&mut object).map(Self::Cancels),
            PrivateKind::Parts => parts(object).map(Self::Parts),
        }
    }
}

fn is_id(text: &str) -> bool {
    (1..=limits::MESSAGE_ID_CHARS).contains(&text.chars().count()) && !text.chars().any(char::is_control)
}

fn is_digest(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|digit| digit.is_ascii_hexdigit())
}

fn cancels(object: &mut Map<String, Value>) -> Result<Vec<Cancel>, Answer> {
    let bad = || fields::refuse("Field cancels must be a list of 1 to 50 message ids with digests");
    let Some(Value::Array(items)) = fields::take(object, "cancels") else { return Err(bad()) };
    if items.is_empty() || items.len() > limits::CANCELS {
        return Err(bad());
    }
    let cancels: Vec<Cancel> =
        items.into_iter().map(serde_json::from_value).collect::<Result<_, _>>().map_err(|_| bad())?;
    let is_sound = |cancel: &Cancel| {
        let reason = cancel.reason.as_deref().unwrap_or_default();
        is_id(&cancel.message_id)
            && is_digest(&cancel.digest)
            && reason.chars().count() <= limits::CANCEL_REASON_CHARS
    };
    if cancels.iter().all(is_sound) { Ok(cancels) } else { Err(bad()) }
}

fn parts(object: Map<String, Value>) -> Result<Parts, Answer> {
    let bad = || {
        fields::refuse(
            "A frame of parts names a question, a stream, the number of the first part, and 1 to 256 parts",
        )
    };
    let parts: Parts = serde_json::from_value(Value::Object(object)).map_err(|_| bad())?;
    let chars: usize = parts.parts.iter().map(|part| part.chars().count()).sum();
    let is_sound = is_id(&parts.in_reply_to)
        && is_id(&parts.stream)
        && parts.first < limits::STREAM_PARTS
        && (1..=limits::PARTS).contains(&parts.parts.len())
        && chars <= limits::CONTENT_CHARS
        && !parts.parts.iter().any(String::is_empty);
    if is_sound { Ok(parts) } else { Err(bad()) }
}

/// A frame of one node of ours for another.
#[derive(Clone, Debug, PartialEq)]
pub struct PrivateFrame {
    /// What it is about.
    pub kind: PrivateKind,
    /// Who says so.
    pub from: AgentId,
    /// What tells it from the sender's other frames.
    pub nonce: String,
    /// The sender's clock.
    pub timestamp: String,
    /// What it says.
    pub body: PrivateBody,
    /// Over the whole object.
    pub signature_v2: Option<Signature>,
    /// The object as received, for the signature.
    pub object: Map<String, Value>,
}

impl PrivateFrame {
    pub(super) fn decode(kind: PrivateKind, mut object: Map<String, Value>) -> Result<Self, Answer> {
        let original = object.clone();
        let object = &mut object;
        let mut required = |name: &str| -> Result<String, Answer> {
            let text = fields::text(object, name)?.unwrap_or_default();
            if is_id(&text) {
                return Ok(text);
            }
            Err(fields::refuse(format!("Missing {name}, or too long")))
        };
        let (from, nonce, timestamp) =
            (required("from_agent_id")?, required("nonce")?, required("timestamp")?);
        let body = match (fields::take(object, "sealed"), fields::take(object, "body")) {
            (Some(sealed), None) => PrivateBody::Sealed(
                serde_json::from_value(sealed)
                    .map_err(|_| fields::refuse("Field sealed must be a sealed body"))?,
            ),
            (None, Some(Value::Object(body))) => PrivateBody::read(kind, body)?,
            _ => return Err(fields::refuse("Field body must be an object, or sealed in its place")),
        };
        Ok(Self {
            kind,
            from: fields::agent_id(&from, "from_agent_id")?,
            nonce,
            timestamp,
            body,
            signature_v2: fields::signature(object, "signature_v2")?,
            object: original,
        })
    }

    /// Under which id it is remembered, so that a recorded one is taken once.
    pub fn claim_id(&self) -> String {
        self.kind.claim_id(&self.nonce)
    }

    /// The object to sign and send.
    pub fn members(
        from: &AgentId,
        nonce: &str,
        timestamp: &str,
        body: Value,
        is_sealed: bool,
    ) -> Map<String, Value> {
        let name = if is_sealed { "sealed" } else { "body" };
        Map::from_iter([
            (String::from("from_agent_id"), json!(from)),
            (String::from("nonce"), json!(nonce)),
            (String::from("timestamp"), json!(timestamp)),
            (String::from(name), body),
        ])
    }
}
