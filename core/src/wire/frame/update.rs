//! Address changes and signs of life (§6.8, §6.9).

use serde_json::{Map, Value};

use super::{fields, handshake::peer_url};
use crate::{
    identity::{AgentId, Signature},
    wire::{Answer, limits},
};

/// `POST /peer_update`.
#[derive(Clone, Debug, PartialEq)]
pub struct PeerUpdate {
    /// Whose address changed.
    pub from: AgentId,
    /// The new address.
    pub new_url: String,
    /// The sender's clock.
    pub timestamp: String,
    /// The key presented along.
    pub presented_key: Option<String>,
    /// Over id, URL and time.
    pub signature: Option<Signature>,
    /// Over the whole object.
    pub signature_v2: Option<Signature>,
    /// Cut to 1,000 characters; believed only under the second signature or from 1.1.1 (S12).
    pub bio: Option<String>,
    /// Cut to 100 characters.
    pub display_name: Option<String>,
    /// Transport to address.
    pub addresses: Map<String, Value>,
    /// Chain to address; believed only under the second signature (S12).
    pub wallets: Map<String, Value>,
    /// What it can do; believed only under the second signature.
    pub capabilities: Map<String, Value>,
    /// The object as received, for the second signature.
    pub object: Map<String, Value>,
}

impl PeerUpdate {
    pub(super) fn decode(mut object: Map<String, Value>) -> Result<Self, Answer> {
        let original = object.clone();
        let object = &mut object;
        let agent = fields::text(object, "agent_id")?.unwrap_or_default();
        let new_url = fields::text(object, "new_url")?.unwrap_or_default();
        if agent.is_empty() || new_url.is_empty() {
            return Err(fields::refuse("Missing agent_id or new_url"));
        }
        peer_url(&new_url)?;
        fields::single_line("new_url", &new_url)?;
        let timestamp = fields::text(object, "timestamp")?.unwrap_or_default();
        fields::single_line("timestamp", &timestamp)?;
        Ok(Self {
            from: fields::agent_id(&agent, "agent_id")?,
            new_url,
            timestamp,
            presented_key: fields::key(object, "public_key_hex")?,
            signature: fields::signature(object, "signature")?,
            signature_v2: fields::signature(object, "signature_v2")?,
            bio: fields::text_cut(object, "bio", limits::BIO_CHARS)?,
            display_name: fields::name(object, "display_name")?,
            addresses: fields::text_map(object, "addresses")?,
            wallets: fields::text_map(object, "wallets")?,
            capabilities: fields::object(object, "capabilities")?,
            object: original,
        })
    }
}

/// `POST /ping`. Open to everyone; decides nothing about addresses (S11).
#[derive(Clone, Debug, PartialEq)]
pub struct Ping {
    /// Who says it lives; unproven.
    pub from: Option<AgentId>,
}

impl Ping {
    pub(super) fn decode(mut object: Map<String, Value>) -> Result<Self, Answer> {
        let from = match fields::text(&mut object, "agent_id")?.filter(|id| !id.is_empty()) {
            None => None,
            Some(id) => Some(fields::agent_id(&id, "agent_id")?),
        };
        // Not used, but not a place for other things either (B26).
        fields::text(&mut object, "timestamp")?;
        Ok(Self { from })
    }
}
