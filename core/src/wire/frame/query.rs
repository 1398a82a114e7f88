//! Questions: requests that change nothing (§6.1, 6.11 to 6.16).

use serde_json::{Map, Value};

use super::fields;
use crate::{
    identity::AgentId,
    wire::{
        Answer, json,
        route::{Endpoint, Route},
    },
};

/// A question of a peer.
#[derive(Clone, Debug, PartialEq)]
pub enum Query {
    /// The document that introduces the node.
    WellKnown,
    /// A short self-description.
    Status,
    /// The agents of this host.
    LocalAgents,
    /// Who the node is and whom it knows.
    NetworkInfo,
    /// What the node thinks of an agent.
    Impression(AgentId),
    /// Where a peer can be reached.
    PeerLookup(AgentId),
    /// The most trusted peers, 1 to 50.
    GetPeers(usize),
}

/// Most peers one answer names.
const MOST_PEERS: i64 = 50;
/// Peers named when the question gives no usable number.
const DEFAULT_PEERS: i64 = 10;

impl Query {
    pub(super) fn decode(route: &Route, query: &str, body: &[u8]) -> Result<Self, Answer> {
        let argument = || -> Result<AgentId, Answer> {
            // An id that no agent can have is known to nobody.
            route.argument.as_deref().unwrap_or_default().parse().map_err(|_| {
                Answer::refuse(404, crate::error::Code::AgentIdInvalid, "Not connected to that agent")
            })
        };
        Ok(match route.endpoint {
            Endpoint::WellKnown => Self::WellKnown,
            Endpoint::Status => Self::Status,
            Endpoint::LocalAgents => Self::LocalAgents,
            Endpoint::NetworkInfo => Self::NetworkInfo,
            Endpoint::Impression => Self::Impression(argument()?),
            Endpoint::PeerLookup => Self::PeerLookup(argument()?),
            Endpoint::GetPeers => Self::GetPeers(peer_count(query, body)),
            _ => return Err(Answer::not_found()),
        })
    }
}

/// `n` from the query or the body; unusable values mean the default, bad JSON is tolerated (§6.16).
fn peer_count(query: &str, body: &[u8]) -> usize {
    let from_body = || -> Option<i64> {
        let mut object: Map<String, Value> = json::parse_object(body).ok()?;
        match fields::take(&mut object, "n")? {
            Value::Number(number) => number.as_i64().or_else(|| number.as_f64().map(|n| n as i64)),
            Value::String(text) => text.trim().parse().ok(),
            Value::Bool(flag) => Some(i64::from(flag)),
            _ => None,
        }
    };
    let from_query =
        || pairs(query).find(|(name, _)| name == "n").and_then(|(_, value)| value.trim().parse().ok());
    let n = from_query().or_else(from_body).unwrap_or(DEFAULT_PEERS);
    usize::try_from(n.clamp(1, MOST_PEERS)).unwrap_or(1)
}

/// The name and value pairs of a query.
pub fn pairs(query: &str) -> impl Iterator<Item = (std::borrow::Cow<'_, str>, std::borrow::Cow<'_, str>)> {
    url::form_urlencoded::parse(query.as_bytes())
}
