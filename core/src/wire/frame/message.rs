//! Messages and status broadcasts as they travel.

use serde_json::{Map, Value, json};

use super::fields;
use crate::{
    error::Code,
    identity::{AgentId, Signature},
    wire::{Answer, limits, seal::Sealed},
};

/// What a message carries, open or sealed.
#[derive(Clone, Debug, PartialEq)]
pub enum Body {
    /// Readable by every hop.
    Plain {
        /// 1 to 65,536 characters.
        content: String,
        /// Passed through; some keys have a meaning (`type`, `in_reply_to`, `forwarded…`).
        metadata: Map<String, Value>,
        /// The message this one answers.
        in_reply_to: Option<String>,
    },
    /// Readable by the recipient.
    Sealed(Sealed),
}

/// A message between agents (§10.1), with our additions `to_agent_id`, `sealed` and `signature_v2`.
#[derive(Clone, Debug, PartialEq)]
pub struct MessageFrame {
    /// Chosen by the sender; at most 128 characters.
    pub message_id: String,
    /// The claimed sender.
    pub from: AgentId,
    /// The key presented along; must be the text of `from`.
    pub presented_key: Option<String>,
    /// The sender's clock, as text, because the signature covers the text.
    pub timestamp: String,
    /// How often the message may still be forwarded.
    pub hops_remaining: u32,
    /// Open or sealed.
    pub body: Body,
    /// 1.1.1's signature, over sender, id, time and content.
    pub signature: Option<Signature>,
    /// The recipient, covered by the second signature.
    pub to: Option<AgentId>,
    /// Our signature, over everything above.
    pub signature_v2: Option<Signature>,
}

impl MessageFrame {
    pub(super) fn decode(mut object: Map<String, Value>) -> Result<Self, Answer> {
        let object = &mut object;
        let sealed = match fields::take(object, "sealed") {
            None => None,
            Some(value) => Some(
                serde_json::from_value::<Sealed>(value)
                    .map_err(|_| fields::refuse("Field sealed must be a sealed body"))?,
            ),
        };
        let message_id = fields::text(object, "message_id")?.unwrap_or_default();
        let content = fields::text(object, "content")?.unwrap_or_default();
        let missing =
            [("message_id", message_id.is_empty()), ("content", content.is_empty() && sealed.is_none())];
        let missing: Vec<_> = missing.iter().filter(|(_, missing)| *missing).map(|(name, _)| *name).collect();
        if !missing.is_empty() {
            return Err(fields::refuse(format!("Missing required fields: {}", missing.join(", "))));
        }
        if content.chars().count() > limits::CONTENT_CHARS {
            return Err(Answer::refuse(
                413,
                Code::WireTooLarge,
                format!("Content exceeds {} bytes", limits::CONTENT_CHARS),
            ));
        }
        // 1.1.1 cuts long ids after verification; a cut id would no longer be the signed one.
        if message_id.chars().count() > limits::MESSAGE_ID_CHARS {
            return Err(fields::refuse(format!(
                "message_id exceeds {} characters",
                limits::MESSAGE_ID_CHARS
            )));
        }
        fields::single_line("message_id", &message_id)?;
        let from = fields::text(object, "from_agent_id")?.filter(|from| !from.is_empty());
        let from = fields::agent_id(
            &from.ok_or_else(|| fields::refuse("Missing from_agent_id."))?,
            "from_agent_id",
        )?;
        let timestamp = fields::text(object, "timestamp")?.unwrap_or_default();
        fields::single_line("timestamp", &timestamp)?;
        let mut metadata = fields::object(object, "metadata")?;
        let in_reply_to = fields::text_cut(object, "in_reply_to", limits::MESSAGE_ID_CHARS)?;
        if let Some(original) = &in_reply_to {
            metadata.entry("in_reply_to").or_insert_with(|| json!(original));
        }
        let to = match fields::text(object, "to_agent_id")? {
            None => None,
            Some(text) => Some(fields::agent_id(&text, "to_agent_id")?),
        };
        let body = match sealed {
            Some(sealed) => Body::Sealed(sealed),
            None => Body::Plain { content, metadata, in_reply_to },
        };
        Ok(Self {
            message_id,
            from,
            presented_key: fields::key(object, "from_public_key_hex")?,
            timestamp,
            hops_remaining: fields::hops(object),
            body,
            signature: fields::signature(object, "signature_hex")?,
            to,
            signature_v2: fields::signature(object, "signature_v2")?,
        })
    }

    /// The JSON object to send.
    pub fn encode(&self) -> Map<String, Value> {
        let mut object = Map::new();
        let mut put = |name: &str, value: Value| object.insert(name.to_owned(), value);
        put("message_id", json!(self.message_id));
        put("from_agent_id", json!(self.from));
        put("from_public_key_hex", json!(self.from));
        put("timestamp", json!(self.timestamp));
        put("hops_remaining", json!(self.hops_remaining));
        match &self.body {
            Body::Plain { content, metadata, in_reply_to } => {
                put("content", json!(content));
                // Never null: 1.1.1 fails on it.
                put("metadata", Value::Object(metadata.clone()));
                put("in_reply_to", json!(in_reply_to));
            }
            Body::Sealed(sealed) => {
                put("sealed", json!(sealed));
            }
        }
        if let Some(signature) = &self.signature {
            put("signature_hex", json!(signature));
        }
        if let Some(to) = &self.to {
            put("to_agent_id", json!(to));
        }
        if let Some(signature) = &self.signature_v2 {
            put("signature_v2", json!(signature));
        }
        object
    }
}

/// A status broadcast (§6.7), bare or wrapped in `payload`.
#[derive(Clone, Debug, PartialEq)]
pub struct StatusBroadcast {
    /// Made up by the receiver when the sender gave none.
    pub message_id: Option<String>,
    /// The claimed sender.
    pub from: AgentId,
    /// The key presented along.
    pub presented_key: Option<String>,
    /// The sender's clock.
    pub timestamp: String,
    /// The text.
    pub content: String,
    /// Passed through.
    pub metadata: Map<String, Value>,
    /// 1.1.1 always signs, so an unsigned broadcast is refused (S11).
    pub signature: Option<Signature>,
    /// Our signature over the whole object.
    pub signature_v2: Option<Signature>,
    /// The object as received, for the second signature.
    pub object: Map<String, Value>,
}

impl StatusBroadcast {
    /// What a repetition is known by: the id, or the signature of one that has none.
    pub fn claim_id(&self) -> String {
        let signature = self.signature_v2.as_ref().or(self.signature.as_ref());
        match &self.message_id {
            Some(id) => id.clone(),
            None => signature.map(ToString::to_string).unwrap_or_default(),
        }
    }

    pub(super) fn decode(mut object: Map<String, Value>) -> Result<Self, Answer> {
        if let Some(Value::Object(inner)) = object.get("payload") {
            object = inner.clone();
        }
        let original = object.clone();
        let object = &mut object;
        let from = fields::text(object, "from_agent_id")?.filter(|from| !from.is_empty());
        let from = fields::agent_id(
            &from.ok_or_else(|| Answer::refuse(403, Code::PeerNotConnected, "Not connected"))?,
            "from_agent_id",
        )?;
        let message_id = fields::text(object, "message_id")?.filter(|id| !id.is_empty());
        if let Some(id) = &message_id {
            fields::single_line("message_id", id)?;
            if id.chars().count() > limits::MESSAGE_ID_CHARS {
                return Err(fields::refuse(format!(
                    "message_id exceeds {} characters",
                    limits::MESSAGE_ID_CHARS
                )));
            }
        }
        let timestamp = fields::text(object, "timestamp")?.unwrap_or_default();
        fields::single_line("timestamp", &timestamp)?;
        let content = fields::text(object, "content")?.unwrap_or_default();
        if content.chars().count() > limits::CONTENT_CHARS {
            return Err(Answer::refuse(
                413,
                Code::WireTooLarge,
                format!("Content exceeds {} bytes", limits::CONTENT_CHARS),
            ));
        }
        Ok(Self {
            message_id,
            from,
            presented_key: fields::key(object, "from_public_key_hex")?,
            timestamp,
            content,
            metadata: fields::object(object, "metadata")?,
            signature: fields::signature(object, "signature_hex")?,
            signature_v2: fields::signature(object, "signature_v2")?,
            object: original,
        })
    }
}
