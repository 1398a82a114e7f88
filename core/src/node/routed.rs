//! Asking for a connection through the mesh: an agent whose id is known, from `peers.of` for instance, and whose address
//! is not (15.2, 15.3).
//!
//! ```text
//! we ──request──► a peer ──► … ──► the agent        the envelope names a route that we chose
//! we ◄─response── a peer ◄── … ◄── the agent        signed by the agent over that route, our id and its own
//! ```
//!
//! A response is believed only when it answers a route of ours, was signed by the agent that we asked, and speaks for that
//! agent (S7). The frame inside meets the same steps as a direct reply; the address in it is the word of an agent that may
//! be anywhere, so it leads no nearer than that.

use std::{collections::HashMap, sync::Arc, time::Duration};

use serde_json::{Map, Value};
use tokio::sync::oneshot;

use super::inner::Inner;
use crate::{
    env::Moment,
    error::{Code, Error, Result},
    identity::AgentId,
    peers::{Connection, Peer, may_be_asked},
    transport::{Grant, Method},
    wire::{
        AddressClass, Answer, NetworkTier,
        frame::{ConnectionAccepted, ConnectionReply, RouteHop, RouteType, RoutedEnvelope},
        json as strict,
        route::{Endpoint, MESH_PREFIX},
        url,
    },
};

/// How often a request may be passed on, as in 1.1.1.
const HOPS: u32 = 10;
/// How long a peer may take to pass a request on.
const HOP_TIMEOUT: Duration = Duration::from_secs(10);
/// How long the answer is waited for.
const PATIENCE: Duration = Duration::from_secs(30);
/// How many requests of ours are on their way at most.
const MOST: usize = 64;

/// Requests of ours that are on their way, by route.
#[derive(Debug, Default)]
pub(crate) struct Asked(HashMap<String, Waiting>);

#[derive(Debug)]
struct Waiting {
    agent: AgentId,
    until: Moment,
    answer: oneshot::Sender<Map<String, Value>>,
}

impl Asked {
    fn insert(&mut self, route_id: &str, waiting: Waiting, now: Moment) -> bool {
        self.0.retain(|_, waiting| waiting.until > now && !waiting.answer.is_closed());
        if self.0.len() >= MOST {
            return false;
        }
        self.0.insert(route_id.to_owned(), waiting);
        true
    }

    /// The request that a response of `agent` on this route answers. It is answered once.
    fn take(&mut self, route_id: &str, agent: &AgentId) -> Option<Waiting> {
        let is_it = self.0.get(route_id).is_some_and(|waiting| waiting.agent == *agent);
        if is_it { self.0.remove(route_id) } else { None }
    }
}

fn unreachable(sentence: &'static str) -> Error {
    Error::new(Code::Unreachable, sentence)
}

impl Inner {
    /// Asks `agent` for a connection through our peers.
    pub(super) async fn ask_around(self: &Arc<Self>, agent: AgentId) -> Result<Peer> {
        if agent == self.me() {
            return Err(Error::new(Code::InvalidArgument, "that is this node's own id"));
        }
        self.notice_told(&agent).await;
        let relays = self.relays(&agent);
        if relays.is_empty() {
            return Err(unreachable(
                "no peer answers that could bring the request there; connect to one first",
            ));
        }
        let nonce = self.id("", 16);
        let payload = {
            let state = self.state.lock();
            let me = self.describe(&state);
            self.handshake(&me, self.now()).request(Some(&agent), &nonce, false)?
        };
        let mut said = String::new();
        for (relay, trust_to_next) in relays {
            let route_id = self.id("route-", 6);
            let (answer, answered) = oneshot::channel();
            let now = self.steady();
            let waiting = Waiting { agent, until: now + HOP_TIMEOUT + PATIENCE, answer };
            if !self.state.lock().asked.insert(&route_id, waiting, now) {
                return Err(Error::new(
                    Code::RateLimited,
                    "too many requests are on their way through the mesh; try again later",
                ));
            }
            let envelope = self.request_envelope(route_id, agent, trust_to_next, payload.clone());
            let endpoint = Endpoint::MeshRoute.name();
            let Ok(sent) = self.post_to_peer(&relay, endpoint, envelope.encode(), HOP_TIMEOUT).await else {
                continue;
            };
            let word = strict::parse_object(&sent.reply.body).unwrap_or_default();
            let word = word.get("status").and_then(Value::as_str).unwrap_or("no answer").to_owned();
            if !matches!(word.as_str(), "delivered" | "forwarded" | "forwarded_direct") {
                said = word.chars().take(64).collect();
                continue;
            }
            return match tokio::time::timeout(PATIENCE, answered).await {
                Ok(Ok(reply)) => self.routed_reply(agent, &relay, reply, &nonce).await,
                _ => Err(unreachable(
                    "the request is on its way through the mesh, and no answer came; try again later",
                )),
            };
        }
        Err(unreachable("none of the peers that were asked can bring the request there").with("said", said))
    }

    fn request_envelope(
        &self,
        route_id: String,
        agent: AgentId,
        trust_to_next: f64,
        payload: Map<String, Value>,
    ) -> RoutedEnvelope {
        RoutedEnvelope {
            route_id,
            route_type: RouteType::ConnectionRequest,
            target: agent,
            source: self.me(),
            hops_remaining: HOPS,
            visited: vec![self.me().to_string()],
            trust_chain: vec![RouteHop { agent: self.me().to_string(), trust_to_next }],
            payload,
            original_path: None,
            original_route_id: None,
            response_signature: None,
        }
    }

    /// Whether `agent`, which signs no replies, answers what is asked at `place`: nodes of 1.1.1 sign the answer to a
    /// request in an envelope, over the route that we chose for it. The signature names no address, so somebody there who
    /// passes everything on to the agent passes for it.
    pub(super) async fn answers_at(&self, agent: AgentId, place: &str, grant: Grant) -> bool {
        let (nonce, route_id) = (self.id("", 16), self.id("route-", 16));
        let payload = {
            let me = self.describe(&self.state.lock());
            self.handshake(&me, self.now()).request(Some(&agent), &nonce, false)
        };
        let Ok(payload) = payload else { return false };
        let (answer, answered) = oneshot::channel();
        let now = self.steady();
        let waiting = Waiting { agent, until: now + HOP_TIMEOUT + PATIENCE, answer };
        if !self.state.lock().asked.insert(&route_id, waiting, now) {
            return false;
        }
        let envelope = self.request_envelope(route_id, agent, 1.0, payload);
        let path = format!("{MESH_PREFIX}{agent}/{}", Endpoint::MeshRoute.name());
        let body = Some(envelope.encode());
        let sent = self.request(url::base(place), Method::Post, path, body, HOP_TIMEOUT, grant).await;
        let word = sent.ok().and_then(|sent| strict::parse_object(&sent.reply.body).ok());
        if word.is_none_or(|word| word.get("status").and_then(Value::as_str) != Some("delivered")) {
            return false;
        }
        matches!(tokio::time::timeout(HOP_TIMEOUT, answered).await, Ok(Ok(_)))
    }

    /// A response for us: whose signature holds, for a route of ours.
    pub(super) fn take_response(&self, envelope: RoutedEnvelope) -> Answer {
        let speaks_for = envelope.payload.get("agent_id").and_then(Value::as_str);
        let route = envelope.original_route_id.as_deref().unwrap_or_default();
        let waiting = match speaks_for {
            Some(agent) if agent == envelope.source.to_string() => {
                self.state.lock().asked.take(route, &envelope.source)
            }
            _ => None,
        };
        let Some(waiting) = waiting else {
            let sentence = "No routed request of this agent waits for that response";
            return Answer::refuse(403, Code::RequestUnknown, sentence);
        };
        // Nobody waits any more: whoever asked will ask again.
        let _ = waiting.answer.send(envelope.payload);
        Answer::ok(serde_json::json!({"status": "delivered"}))
    }

    async fn routed_reply(
        self: &Arc<Self>,
        agent: AgentId,
        relay: &Connection,
        reply: Map<String, Value>,
        nonce: &str,
    ) -> Result<Peer> {
        let reply = ConnectionReply::decode(reply).map_err(|_| {
            Error::new(
                Code::BadAnswer,
                "the agent answered through the mesh, but not to a request for a connection",
            )
        })?;
        match reply {
            ConnectionReply::Accepted(accepted) => {
                if accepted.from != agent {
                    return Err(Error::new(Code::PeerMismatch, "the answer speaks for another agent"));
                }
                let place = self.place_of(&accepted, relay)?;
                let accepted = self.believe_reply(*accepted)?;
                self.join(agent, |peers, now| peers.on_routed_reply(place, &accepted, nonce, now)).await
            }
            ConnectionReply::Pending { from, request_id, .. } => {
                if from != agent {
                    return Err(Error::new(Code::PeerMismatch, "the answer speaks for another agent"));
                }
                // Where it is its acceptance says. Its challenge goes unanswered: the request is signed, and 1.1.1 accepts
                // without.
                self.write(|state, now| {
                    state.peers.on_pending_reply(&agent.to_string(), agent, request_id, false, now)
                })
                .await?;
                self.peer(&agent)
            }
        }
    }

    /// Where the agent says it is, if we may go there: like everything that came in an envelope it may come from anywhere,
    /// and in a network of our own from where the peer is that brought it.
    fn place_of(&self, accepted: &ConnectionAccepted, relay: &Connection) -> Result<(String, AddressClass)> {
        let class = match self.config.network_tier {
            NetworkTier::Global => AddressClass::Global,
            NetworkTier::Local | NetworkTier::Lan => relay.reach(),
        };
        if may_be_asked(&accepted.url, class, &self.own_url(), self.config.network_tier) {
            return Ok((accepted.url.clone(), class));
        }
        Err(Error::new(
            Code::AddressForbidden,
            "the agent accepted, but names an address where this node does not go on the word of others; connect to it yourself",
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_response_is_taken_once_from_whom_was_asked_and_in_time() {
        let (mut asked, now) = (Asked::default(), Moment::ORIGIN);
        let [agent, other] = [1, 2].map(|byte| AgentId::from_bytes([byte; 32]));
        let waiting = |until: u64| {
            let (answer, answered) = oneshot::channel();
            (Waiting { agent, until: now + Duration::from_secs(until), answer }, answered)
        };
        let (first, _kept) = waiting(40);
        assert!(asked.insert("a", first, now));
        assert!(asked.take("b", &agent).is_none(), "another route");
        assert!(asked.take("a", &other).is_none(), "another agent");
        assert!(asked.take("a", &agent).is_some());
        assert!(asked.take("a", &agent).is_none(), "once");
        let mut held = Vec::new();
        for number in 0..MOST {
            let (waiting, kept) = waiting(40);
            held.push(kept);
            assert!(asked.insert(&number.to_string(), waiting, now));
        }
        let (late, _kept) = waiting(80);
        assert!(!asked.insert("late", late, now), "bounded");
        held.pop();
        let (next, _kept) = waiting(80);
        assert!(asked.insert("next", next, now), "nobody waits for one of them any more");
        let (last, _kept) = waiting(99);
        assert!(asked.insert("last", last, now + Duration::from_secs(40)));
        assert_eq!(asked.0.len(), 2, "what is over makes room");
    }
}
