//! Envelopes that travel hop by hop (§15).

use serde_json::{Map, Value, json};

use super::fields;
use crate::{
    identity::{AgentId, Signature},
    wire::{Answer, limits},
};

/// What an envelope carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RouteType {
    /// A request for a connection.
    ConnectionRequest,
    /// A frame for another endpoint of the target.
    Message,
    /// The answer to a routed request.
    ConnectionResponse,
}

impl RouteType {
    /// The name on the wire.
    pub const fn name(self) -> &'static str {
        match self {
            Self::ConnectionRequest => "connection_request",
            Self::Message => "message",
            Self::ConnectionResponse => "connection_response",
        }
    }
}

/// One entry of the trust chain: who forwarded, and what it thinks of the next hop. Self-declared.
#[derive(Clone, Debug, PartialEq)]
pub struct RouteHop {
    /// Who forwarded.
    pub agent: String,
    /// Its score of the next hop.
    pub trust_to_next: f64,
}

/// `POST /mesh_route`.
#[derive(Clone, Debug, PartialEq)]
pub struct RoutedEnvelope {
    /// Chosen by the source.
    pub route_id: String,
    /// What it carries.
    pub route_type: RouteType,
    /// Whom it is for.
    pub target: AgentId,
    /// Who says it began the route.
    pub source: AgentId,
    /// How often it may still be forwarded.
    pub hops_remaining: u32,
    /// Who had it already.
    pub visited: Vec<String>,
    /// What the hops said about each other.
    pub trust_chain: Vec<RouteHop>,
    /// The frame inside.
    pub payload: Map<String, Value>,
    /// For `message`: the path it was meant for.
    pub original_path: Option<String>,
    /// For `connection_response`: the route it answers.
    pub original_route_id: Option<String>,
    /// For `connection_response`: the responder's signature.
    pub response_signature: Option<Signature>,
}

/// Most hops an envelope lists.
const MOST_HOPS: usize = 64;

impl RoutedEnvelope {
    pub(super) fn decode(mut object: Map<String, Value>) -> Result<Self, Answer> {
        let object = &mut object;
        let route_id = fields::text(object, "route_id")?.unwrap_or_default();
        let target = fields::text(object, "target_agent_id")?.unwrap_or_default();
        let source = fields::text(object, "source_agent_id")?.unwrap_or_default();
        let kind = fields::text(object, "route_type")?.unwrap_or_default();
        let route_type = match kind.as_str() {
            "connection_request" => RouteType::ConnectionRequest,
            "message" => RouteType::Message,
            "connection_response" => RouteType::ConnectionResponse,
            _ if route_id.is_empty() || target.is_empty() || source.is_empty() => {
                return Err(fields::refuse("Missing required mesh_route fields"));
            }
            other => {
                return Err(fields::refuse(format!(
                    "Unknown route_type: {}",
                    fields::cut(other.to_owned(), 64)
                )));
            }
        };
        if route_id.is_empty() || target.is_empty() || source.is_empty() {
            return Err(fields::refuse(match route_type {
                RouteType::ConnectionResponse => "Missing required fields",
                _ => "Missing required mesh_route fields",
            }));
        }
        fields::single_line("route_id", &route_id)?;
        if route_id.chars().count() > limits::MESSAGE_ID_CHARS {
            return Err(fields::refuse(format!("route_id exceeds {} characters", limits::MESSAGE_ID_CHARS)));
        }
        let original_route_id = fields::text_cut(object, "original_route_id", limits::MESSAGE_ID_CHARS)?;
        Ok(Self {
            route_id,
            route_type,
            target: fields::agent_id(&target, "target_agent_id")?,
            source: fields::agent_id(&source, "source_agent_id")?,
            hops_remaining: fields::hops(object),
            visited: visited(object)?,
            trust_chain: trust_chain(object)?,
            payload: match fields::take(object, "payload") {
                None => Map::new(),
                // A whole frame: the limit of the outer frame bounds it.
                Some(Value::Object(payload)) => payload,
                Some(_) => return Err(fields::refuse("Field payload must be an object")),
            },
            original_path: fields::text_cut(object, "original_path", 256)?,
            original_route_id,
            response_signature: fields::signature(object, "response_signature_hex")?,
        })
    }

    /// The JSON object to send on.
    pub fn encode(&self) -> Map<String, Value> {
        let chain: Vec<_> = self
            .trust_chain
            .iter()
            .map(|hop| json!({"agent_id": hop.agent, "trust_to_next": hop.trust_to_next}))
            .collect();
        let mut object = Map::new();
        let mut put = |name: &str, value: Value| object.insert(name.to_owned(), value);
        put("route_id", json!(self.route_id));
        put("route_type", json!(self.route_type.name()));
        put("target_agent_id", json!(self.target));
        put("source_agent_id", json!(self.source));
        put("hops_remaining", json!(self.hops_remaining));
        put("visited", json!(self.visited));
        put("trust_chain", Value::Array(chain));
        put("payload", Value::Object(self.payload.clone()));
        if let Some(path) = &self.original_path {
            put("original_path", json!(path));
        }
        if let Some(id) = &self.original_route_id {
            put("original_route_id", json!(id));
        }
        if let Some(signature) = &self.response_signature {
            put("response_signature_hex", json!(signature));
        }
        object
    }
}

fn visited(object: &mut Map<String, Value>) -> Result<Vec<String>, Answer> {
    match fields::take(object, "visited") {
        None => Ok(Vec::new()),
        Some(Value::Array(ids)) if ids.len() <= MOST_HOPS => ids
            .into_iter()
            .map(|id| match id {
                Value::String(id) => Ok(fields::cut(id, limits::AGENT_ID_CHARS)),
                _ => Err(fields::refuse("Field visited must be a list of agent ids")),
            })
            .collect(),
        Some(_) => {
            Err(fields::refuse(format!("Field visited must be a list of at most {MOST_HOPS} agent ids")))
        }
    }
}

fn trust_chain(object: &mut Map<String, Value>) -> Result<Vec<RouteHop>, Answer> {
    match fields::take(object, "trust_chain") {
        None => Ok(Vec::new()),
        Some(Value::Array(hops)) if hops.len() <= MOST_HOPS => hops
            .into_iter()
            .map(|hop| match hop {
                Value::Object(mut hop) => Ok(RouteHop {
                    agent: fields::text_cut(&mut hop, "agent_id", limits::AGENT_ID_CHARS)?
                        .unwrap_or_default(),
                    // Missing counts as no trust (§15.1).
                    trust_to_next: hop.get("trust_to_next").and_then(Value::as_f64).unwrap_or(0.0),
                }),
                _ => Err(fields::refuse("Field trust_chain must be a list of objects")),
            })
            .collect(),
        Some(_) => {
            Err(fields::refuse(format!("Field trust_chain must be a list of at most {MOST_HOPS} objects")))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object(value: Value) -> Map<String, Value> {
        match value {
            Value::Object(object) => object,
            _ => Map::new(),
        }
    }

    #[test]
    fn an_envelope_survives_the_wire() {
        let id = "03a107bff3ce10be1d70dd18e74bc09967e4d6309ba50d5f1ddc8664125531b8";
        let envelope = RoutedEnvelope::decode(object(json!({
            "route_id": "route-1", "route_type": "message", "target_agent_id": id, "source_agent_id": id,
            "hops_remaining": 3, "visited": [id], "trust_chain": [{"agent_id": id, "trust_to_next": 0.5}],
            "payload": {"a": 1}, "original_path": "/__darkmatter__/message",
        })))
        .unwrap();
        assert_eq!(RoutedEnvelope::decode(envelope.encode()).unwrap(), envelope);
    }
}
