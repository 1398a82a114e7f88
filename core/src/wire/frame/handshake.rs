//! The frames of the handshake: request, reply, proof, acceptance (§6.2 to 6.4).
//!
//! The fields of 1.1.1 keep their names. Ours add `to_agent_id`, `timestamp`, `nonce` and `signature_v2`,
//! a signature over the whole object, which proves the sender's identity in the request itself (S6).

use serde_json::{Map, Value, json};

use super::fields;
use crate::{
    error::Code,
    identity::{AgentId, Signature},
    wire::{Answer, limits, url},
};

/// What every side of a handshake tells about itself.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Introduction {
    /// At most 1,000 characters.
    pub bio: String,
    /// At most 100 characters.
    pub display_name: Option<String>,
    /// The key presented; must be the text of the id.
    pub presented_key: Option<String>,
    /// Chain to address. Only believed when signed (S12).
    pub wallets: Map<String, Value>,
    /// What the agent can do beyond 1.1.1.
    pub capabilities: Map<String, Value>,
    /// When the agent was created, as it says.
    pub created_at: Option<String>,
}

/// The second signature of a handshake object, with what it binds.
#[derive(Clone, Debug, PartialEq)]
pub struct HandshakeSignature {
    /// Whom it is for, when the signer knew.
    pub to: Option<AgentId>,
    /// The signer's clock.
    pub timestamp: String,
    /// Random text that ties an answer to its request.
    pub nonce: Option<String>,
    /// Over the whole object.
    pub signature: Signature,
    /// The object that was signed.
    pub object: Map<String, Value>,
}

/// `POST /connection_request`.
#[derive(Clone, Debug, PartialEq)]
pub struct ConnectionRequest {
    /// The claimed requester.
    pub from: AgentId,
    /// Where it says it listens, as given.
    pub url: String,
    /// About the requester.
    pub introduction: Introduction,
    /// Asked by a third agent through `admin_connect`.
    pub mutual: bool,
    /// Present from our own nodes.
    pub signed: Option<HandshakeSignature>,
}

/// `POST /connection_proof`.
#[derive(Clone, Debug, PartialEq)]
pub struct ConnectionProof {
    /// Which challenge.
    pub challenge_id: String,
    /// Whose proof.
    pub from: AgentId,
    /// Over the challenge.
    pub proof: Signature,
}

/// `POST /connection_accepted`.
#[derive(Clone, Debug, PartialEq)]
pub struct ConnectionAccepted {
    /// Who accepted.
    pub from: AgentId,
    /// Where it listens, as given (1.1.1 appends `/mcp`).
    pub url: String,
    /// About the accepting agent.
    pub introduction: Introduction,
    /// Present from our own nodes.
    pub signed: Option<HandshakeSignature>,
}

/// The answer to a connection request.
#[derive(Clone, Debug, PartialEq)]
pub enum ConnectionReply {
    /// Connected.
    Accepted(Box<ConnectionAccepted>),
    /// Somebody over there decides later.
    Pending {
        /// Who will decide.
        from: AgentId,
        /// Their name for our request.
        request_id: String,
        /// To prove our identity, when they ask.
        challenge: Option<(String, String)>,
    },
}

fn introduction(object: &mut Map<String, Value>, prefix: &str) -> Result<Introduction, Answer> {
    let name = |field: &str| format!("{prefix}{field}");
    Ok(Introduction {
        bio: fields::text_cut(object, &name("agent_bio"), limits::BIO_CHARS)?.unwrap_or_default(),
        display_name: fields::name(object, &name("agent_display_name"))?,
        presented_key: fields::key(object, &name("agent_public_key_hex"))?,
        wallets: fields::text_map(object, "wallets")?,
        capabilities: fields::object(object, "capabilities")?,
        created_at: fields::text_cut(object, "created_at", 64)?,
    })
}

fn signed(object: &Map<String, Value>) -> Result<Option<HandshakeSignature>, Answer> {
    let mut copy = object.clone();
    let Some(signature) = fields::signature(&mut copy, "signature_v2")? else { return Ok(None) };
    let to = match fields::text(&mut copy, "to_agent_id")? {
        None => None,
        Some(text) => Some(fields::agent_id(&text, "to_agent_id")?),
    };
    Ok(Some(HandshakeSignature {
        to,
        timestamp: fields::text_cut(&mut copy, "timestamp", 64)?.unwrap_or_default(),
        nonce: fields::text_cut(&mut copy, "nonce", 64)?,
        signature,
        object: object.clone(),
    }))
}

/// The rules of §5.2 for a URL that a peer claims.
pub(super) fn peer_url(text: &str) -> Result<(), Answer> {
    if url::parse_any(text).is_ok() {
        return Ok(());
    }
    // Asked again for the sentence that 1.1.1 gives: it knows HTTP only.
    url::parse(text).map(|_| ()).map_err(|error| Answer::refuse(400, Code::UrlInvalid, error.message()))
}

impl ConnectionRequest {
    pub(super) fn decode(mut object: Map<String, Value>) -> Result<Self, Answer> {
        let signed = signed(&object)?;
        let object = &mut object;
        let from = fields::text(object, "from_agent_id")?.unwrap_or_default();
        let url = fields::text(object, "from_agent_url")?.unwrap_or_default();
        let missing: Vec<_> = [("from_agent_id", &from), ("from_agent_url", &url)]
            .iter()
            .filter(|(_, value)| value.is_empty())
            .map(|(name, _)| *name)
            .collect();
        if !missing.is_empty() {
            return Err(fields::refuse(format!("Missing required fields: {}", missing.join(", "))));
        }
        if from.chars().count() > limits::AGENT_ID_CHARS {
            return Err(fields::refuse("agent_id too long"));
        }
        peer_url(&url)?;
        Ok(Self {
            from: fields::agent_id(&from, "from_agent_id")?,
            url,
            introduction: introduction(object, "from_")?,
            mutual: fields::flag(object, "mutual")?,
            signed,
        })
    }
}

impl ConnectionProof {
    pub(super) fn decode(mut object: Map<String, Value>) -> Result<Self, Answer> {
        let object = &mut object;
        let mut missing = Vec::new();
        let mut take = |name: &'static str| -> Result<String, Answer> {
            let text = fields::text(object, name)?.unwrap_or_default();
            if text.is_empty() {
                missing.push(name);
            }
            Ok(text)
        };
        let challenge_id = take("challenge_id")?;
        let proof = take("proof_hex")?;
        let agent = take("agent_id")?;
        let key = take("public_key_hex")?;
        if !missing.is_empty() {
            return Err(fields::refuse(format!("Missing required fields: {}", missing.join(", "))));
        }
        if key != agent {
            return Err(fields::refuse("Public key must match agent_id"));
        }
        Ok(Self {
            challenge_id: fields::cut(challenge_id, limits::MESSAGE_ID_CHARS),
            from: fields::agent_id(&agent, "agent_id")?,
            proof: Signature::parse_lenient(&proof).unwrap_or(Signature([0xff; 64])),
        })
    }
}

impl ConnectionAccepted {
    /// Also parses the accepted reply to a request, which has the same fields.
    pub fn decode(mut object: Map<String, Value>) -> Result<Self, Answer> {
        let signed = signed(&object)?;
        let object = &mut object;
        let from = fields::text(object, "agent_id")?.unwrap_or_default();
        let url = fields::text(object, "agent_url")?.unwrap_or_default();
        if from.is_empty() || url.is_empty() {
            return Err(fields::refuse("Missing required fields: agent_id, agent_url"));
        }
        if from.chars().count() > limits::AGENT_ID_CHARS {
            return Err(fields::refuse("agent_id too long"));
        }
        peer_url(&url)?;
        Ok(Self {
            from: fields::agent_id(&from, "agent_id")?,
            url,
            introduction: introduction(object, "")?,
            signed,
        })
    }
}

impl ConnectionReply {
    /// Parses the body of a 200 answer to a request.
    pub fn decode(mut object: Map<String, Value>) -> Result<Self, Answer> {
        if object.get("auto_accepted").and_then(Value::as_bool) == Some(true) {
            return Ok(Self::Accepted(Box::new(ConnectionAccepted::decode(object)?)));
        }
        let object = &mut object;
        let from = fields::text(object, "agent_id")?.unwrap_or_default();
        let challenge_id = fields::text_cut(object, "challenge_id", limits::MESSAGE_ID_CHARS)?;
        let challenge = fields::text_cut(object, "challenge_hex", limits::MESSAGE_ID_CHARS)?;
        Ok(Self::Pending {
            from: fields::agent_id(&from, "agent_id")?,
            request_id: fields::text_cut(object, "request_id", limits::MESSAGE_ID_CHARS)?.unwrap_or_default(),
            challenge: challenge_id.zip(challenge),
        })
    }
}

impl Introduction {
    /// Writes the fields with the prefix of a request (`from_`) or of a reply (empty).
    pub fn write(&self, from: &AgentId, object: &mut Map<String, Value>, prefix: &str) {
        let mut put = |name: String, value: Value| object.insert(name, value);
        // Never null: 1.1.1 fails on a bio of null.
        put(format!("{prefix}agent_bio"), json!(self.bio));
        put(format!("{prefix}agent_public_key_hex"), json!(from));
        put(format!("{prefix}agent_display_name"), json!(self.display_name));
        put("wallets".into(), Value::Object(self.wallets.clone()));
        put("capabilities".into(), Value::Object(self.capabilities.clone()));
        put("created_at".into(), json!(self.created_at));
    }
}
