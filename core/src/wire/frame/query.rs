//! Questions: requests that change nothing (§6.1, 6.11 to 6.16).

use serde_json::{Map, Value};

use super::fields;
use crate::{
    env::Timestamp,
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
    PeerLookup(Lookup),
    /// The most trusted peers, 1 to 50.
    GetPeers(usize),
}

/// The question where an agent is, and how far it goes when the one that is asked does not know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lookup {
    /// Who is looked for.
    pub agent: AgentId,
    /// How often the question may be passed on to other peers: 0 to [`Lookup::MOST_HOPS`]. 1.1.1 knows only 0.
    pub hops: u8,
    /// What the asker knows already: only what the agent signed later is news.
    pub after: Option<Timestamp>,
}

impl Lookup {
    /// A question goes no further than this.
    pub const MOST_HOPS: u8 = 3;

    /// How the question is written behind the mesh prefix and scope.
    pub fn path(&self) -> String {
        let Self { agent, hops, after } = self;
        match (hops, after) {
            (0, _) => format!("peer_lookup/{agent}"),
            (_, None) => format!("peer_lookup/{agent}?hops={hops}"),
            (_, Some(after)) => format!("peer_lookup/{agent}?hops={hops}&after={}", after.micros()),
        }
    }

    /// From the query of the request. What cannot be read counts as absent, as every query does in 1.1.1.
    fn decode(agent: AgentId, query: &str) -> Self {
        let number = |wanted: &str| pairs(query).find(|(name, _)| name == wanted)?.1.parse::<u64>().ok();
        let hops =
            number("hops").map_or(0, |hops| u8::try_from(hops).unwrap_or(u8::MAX).min(Self::MOST_HOPS));
        let after = number("after").and_then(|after| i64::try_from(after).ok()).map(Timestamp::from_micros);
        Self { agent, hops, after }
    }
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
            Endpoint::PeerLookup => Self::PeerLookup(Lookup::decode(argument()?, query)),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lookup_reads_what_it_writes_and_goes_no_further_than_it_may() {
        let agent = AgentId::from_bytes([1; 32]);
        let read = |path: &str| {
            let (place, query) = path.split_once('?').unwrap_or((path, ""));
            assert_eq!(place, format!("peer_lookup/{agent}"));
            Lookup::decode(agent, query)
        };
        for hops in 0..=Lookup::MOST_HOPS {
            for after in [None, Some(Timestamp::from_micros(1_800_000_000_000_001))] {
                let lookup = Lookup { agent, hops, after: after.filter(|_| hops > 0) };
                assert_eq!(read(&lookup.path()), lookup);
            }
        }
        for (query, hops) in
            [("hops=4", 3), ("hops=300", 3), ("hops=-1", 0), ("hops=", 0), ("hops=x", 0), ("", 0)]
        {
            assert_eq!(Lookup::decode(agent, query).hops, hops, "{query}");
        }
        assert_eq!(Lookup::decode(agent, "hops=1&after=99999999999999999999").after, None);
    }
}
