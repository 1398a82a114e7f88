//! A peer asks what we think of an agent, under its signature.

use serde_json::{Map, Value};

use super::fields;
use crate::{
    identity::{AgentId, Signature},
    wire::{Answer, limits},
};

/// `POST /impression_query`. 1.1.1 asks with an unsigned `GET /impression/{id}` instead.
#[derive(Clone, Debug, PartialEq)]
pub struct ImpressionQuery {
    /// Who asks.
    pub from: AgentId,
    /// About whom.
    pub about: AgentId,
    /// What tells it from the asker's other questions; the answer repeats it.
    pub nonce: String,
    /// The asker's clock.
    pub timestamp: String,
    /// Over the whole object.
    pub signature_v2: Option<Signature>,
    /// The object as received, for the signature.
    pub object: Map<String, Value>,
}

impl ImpressionQuery {
    pub(super) fn decode(mut object: Map<String, Value>) -> Result<Self, Answer> {
        let original = object.clone();
        let object = &mut object;
        let mut required = |name: &str| -> Result<String, Answer> {
            let text = fields::text(object, name)?.unwrap_or_default();
            if text.is_empty() || text.chars().count() > limits::MESSAGE_ID_CHARS {
                return Err(fields::refuse(format!("Missing {name}, or too long")));
            }
            fields::single_line(name, &text)?;
            Ok(text)
        };
        let (from, about) = (required("from_agent_id")?, required("about")?);
        let (nonce, timestamp) = (required("nonce")?, required("timestamp")?);
        Ok(Self {
            from: fields::agent_id(&from, "from_agent_id")?,
            about: fields::agent_id(&about, "about")?,
            nonce,
            timestamp,
            signature_v2: fields::signature(object, "signature_v2")?,
            object: original,
        })
    }

    /// Under which id it is remembered, so that a recorded one is answered once.
    pub fn claim_id(&self) -> String {
        format!("impression_query {}", self.nonce)
    }
}
