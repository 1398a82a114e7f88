//! Envelopes on their way through the mesh (§15): for us, for a peer of ours, or further on.
//!
//! Envelopes are unsigned, so nothing in them is believed but what the frame inside proves. A relay posts
//! only to three paths (S10), takes five envelopes a minute per source from each carrier, and tells the truth about what the
//! target answered (B12).

use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
    time::Duration,
};

use serde_json::{Map, Value, json};

use super::{
    inbound::{SourcePass, source_key},
    inner::Inner,
};
use crate::{
    env::Moment,
    error::Code,
    identity::AgentId,
    peers::{Connection, blocks},
    transport::{Sent, Source},
    trust::chain,
    wire::{
        Answer, Body, canonical,
        frame::{Frame, RouteHop, RouteType, RoutedEnvelope},
        json as strict,
        limiter::SourceKey,
        route::Endpoint,
    },
};

/// How long a route id is remembered.
const ROUTE_LIFETIME: Duration = Duration::from_secs(120);
/// How many route ids are remembered.
const ROUTES: usize = 10_000;
/// Envelopes a source may send within [`SOURCE_WINDOW`].
const PER_SOURCE: usize = 5;
const SOURCE_WINDOW: Duration = Duration::from_secs(60);
/// How long the next hop may take.
const HOP_TIMEOUT: Duration = Duration::from_secs(10);
/// Hops of our answer to a routed request.
const RESPONSE_HOPS: u32 = 10;

/// Route ids seen lately, and how much each source sent.
#[derive(Debug, Default)]
pub(crate) struct Routes {
    seen: HashMap<String, Moment>,
    order: VecDeque<(String, Moment)>,
    sources: HashMap<(SourceKey, AgentId), VecDeque<Moment>>,
}

impl Routes {
    /// Whether a route id is new; it is known from now on.
    fn is_new(&mut self, route_id: &str, now: Moment) -> bool {
        while let Some((oldest, at)) = self.order.front()
            && (now.since(*at) >= ROUTE_LIFETIME || self.order.len() >= ROUTES)
        {
            self.seen.remove(oldest);
            self.order.pop_front();
        }
        if self.seen.contains_key(route_id) {
            return false;
        }
        self.seen.insert(route_id.to_owned(), now);
        self.order.push_back((route_id.to_owned(), now));
        true
    }

    /// Counts an envelope of `source` that `carrier` brought; false when there were too many. The source is only
    /// claimed: what one carrier says in its name must not cost it the envelopes that others bring.
    pub(super) fn allows(&mut self, carrier: SourceKey, source: AgentId, now: Moment) -> bool {
        self.sources.retain(|_, times| {
            times.retain(|at| now.since(*at) < SOURCE_WINDOW);
            !times.is_empty()
        });
        let times = self.sources.entry((carrier, source)).or_default();
        if times.len() >= PER_SOURCE {
            return false;
        }
        times.push_back(now);
        true
    }
}

fn status(status: &str, envelope: &RoutedEnvelope) -> Answer {
    Answer::ok(json!({"status": status, "route_id": envelope.route_id}))
}

/// The endpoints that a routed message may be for.
fn endpoint_of(path: Option<&str>) -> Option<Endpoint> {
    let last = path.unwrap_or("/__darkmatter__/message").rsplit('/').next()?;
    [Endpoint::Message, Endpoint::StatusBroadcast, Endpoint::PeerUpdate]
        .into_iter()
        .find(|e| e.name() == last)
}

impl Inner {
    /// Handles an envelope.
    pub(crate) async fn route_envelope(
        self: &Arc<Self>,
        envelope: RoutedEnvelope,
        source: &Source,
    ) -> Answer {
        if self.is_blocked(&envelope.source) {
            return blocks::refusal();
        }
        if envelope.route_type == RouteType::ConnectionResponse {
            return self.route_response(envelope).await;
        }
        let now = self.steady();
        {
            let mut state = self.state.lock();
            if !state.routes.is_new(&envelope.route_id, now) {
                return status("duplicate", &envelope);
            }
            if envelope.source == self.me() {
                return status("origin", &envelope);
            }
            if !state.routes.allows(source_key(source), envelope.source, now) {
                return status("rate_limited", &envelope);
            }
        }
        if envelope.target == self.me() {
            return self.arrive(envelope, source).await;
        }
        let target = self.state.lock().peers.get(&envelope.target).cloned();
        if let Some(target) = target
            && let Some(answer) = self.hand_over(&envelope, &target).await
        {
            return answer;
        }
        self.pass_on(envelope).await
    }

    /// The envelope is for us.
    async fn arrive(self: &Arc<Self>, envelope: RoutedEnvelope, source: &Source) -> Answer {
        let trust = chain::chain_trust(envelope.trust_chain.iter().map(|hop| Some(hop.trust_to_next)));
        if !chain::passes(trust) {
            return status("insufficient_trust", &envelope);
        }
        let endpoint = match envelope.route_type {
            RouteType::ConnectionRequest => Some(Endpoint::ConnectionRequest),
            _ => endpoint_of(envelope.original_path.as_deref()),
        };
        let Some(endpoint) = endpoint else {
            return Answer::refuse(400, Code::WireField, "A routed message may not be for that path");
        };
        let inner = match Frame::from_object(endpoint, envelope.payload.clone()) {
            // The frame inside meets the same steps as one that came directly. Its sender may be anywhere: of the
            // carrier's address count its window and its tier, which only ever refuse.
            Ok(frame) => match self.check_tier(endpoint, source) {
                Ok(()) => {
                    let pass = SourcePass::relayed(source);
                    Box::pin(self.answer_frame(frame, endpoint, pass, &Source::Unknown)).await
                }
                Err(refusal) => Err(refusal),
            },
            Err(refusal) => Err(refusal),
        };
        let answer = inner.unwrap_or_else(|refusal| refusal);
        if envelope.route_type == RouteType::ConnectionRequest && answer.is_ok() {
            self.respond(&envelope, &answer);
        }
        let said = match &answer.body {
            Body::Json(object) => Value::Object(object.clone()),
            Body::Text(text) => json!({"error": text}),
        };
        let word = if answer.is_ok() { "delivered" } else { "refused" };
        Answer::ok(json!({"status": word, "route_id": envelope.route_id, "delivery": said}))
    }

    /// Sends our answer to a routed request back, signed.
    fn respond(self: &Arc<Self>, envelope: &RoutedEnvelope, answer: &Answer) {
        let Body::Json(payload) = &answer.body else { return };
        let agent = payload.get("agent_id").and_then(Value::as_str).unwrap_or_default();
        let bytes = canonical::route_response(&envelope.route_id, &self.me(), &envelope.source, agent);
        let response = RoutedEnvelope {
            route_id: format!("{}-resp", envelope.route_id),
            route_type: RouteType::ConnectionResponse,
            target: envelope.source,
            source: self.me(),
            hops_remaining: RESPONSE_HOPS,
            visited: vec![self.me().to_string()],
            trust_chain: envelope.trust_chain.clone(),
            payload: payload.clone(),
            original_path: None,
            original_route_id: Some(envelope.route_id.clone()),
            response_signature: Some(self.passport.sign(&bytes)),
        };
        // Directly, or back the way it came: who asks through the mesh often cannot be reached otherwise. Which of
        // the visited brought it is not told: 1.1.1 lists them in no order.
        let visited = envelope.visited.iter().rev().filter_map(|id| id.parse::<AgentId>().ok());
        let mut ways = vec![response.target];
        for agent in visited {
            if !ways.contains(&agent) {
                ways.push(agent);
            }
        }
        let inner = Arc::clone(self);
        self.env.tasks.spawn("routed response", async move {
            for agent in ways {
                let next = inner.state.lock().peers.get(&agent).cloned();
                let Some(next) = next else { continue };
                let sent = inner.post_to_peer(&next, "mesh_route", response.encode(), HOP_TIMEOUT).await;
                if sent.is_ok_and(|sent| sent.reply.status < 300) {
                    return;
                }
            }
        });
    }

    /// The answer to a routed request: to one of ours (`routed`), or on its way to somebody else.
    async fn route_response(self: &Arc<Self>, envelope: RoutedEnvelope) -> Answer {
        if !self.state.lock().routes.is_new(&envelope.route_id, self.steady()) {
            return Answer::ok(json!({"status": "duplicate"}));
        }
        let Some(signature) = &envelope.response_signature else {
            return Answer::refuse(403, Code::SignatureMissing, "Missing response signature");
        };
        let agent = envelope.payload.get("agent_id").and_then(Value::as_str).unwrap_or_default();
        let original = envelope.original_route_id.as_deref().unwrap_or_default();
        let bytes = canonical::route_response(original, &envelope.source, &envelope.target, agent);
        if !envelope.source.verify(&bytes, signature) {
            return Answer::refuse(403, Code::SignatureInvalid, "Invalid response signature");
        }
        if envelope.target == self.me() { self.take_response(envelope) } else { self.pass_on(envelope).await }
    }

    /// The target is our peer. `None` when it cannot be reached, so that another hop may try.
    async fn hand_over(self: &Arc<Self>, envelope: &RoutedEnvelope, target: &Connection) -> Option<Answer> {
        if envelope.route_type == RouteType::ConnectionRequest {
            let onward = self.extended(envelope, target);
            let sent = self.post_to_peer(target, "mesh_route", onward.encode(), HOP_TIMEOUT).await.ok()?;
            return (sent.reply.status < 300).then(|| status("forwarded_direct", envelope));
        }
        let Some(endpoint) = endpoint_of(envelope.original_path.as_deref()) else {
            return Some(Answer::refuse(400, Code::WireField, "A routed message may not be for that path"));
        };
        let sent =
            self.post_to_peer(target, endpoint.name(), envelope.payload.clone(), HOP_TIMEOUT).await.ok()?;
        let word = if sent.reply.status < 300 { "delivered" } else { "refused" };
        Some(Answer::ok(json!({"status": word, "route_id": envelope.route_id, "delivery": said(&sent)})))
    }

    /// To the target of an answer if that is a peer of ours, else to the most trusted peer that did not have it.
    async fn pass_on(self: &Arc<Self>, envelope: RoutedEnvelope) -> Answer {
        if envelope.hops_remaining == 0 {
            return status("ttl_expired", &envelope);
        }
        // Requests and messages for a peer of ours were handed over before; that failed.
        let is_answer = envelope.route_type == RouteType::ConnectionResponse;
        let next = {
            let state = self.state.lock();
            let visited = |agent: &AgentId| {
                let text = agent.to_string();
                *agent == envelope.source || envelope.visited.contains(&text)
            };
            let open = state.peers.iter().map(|peer| peer.agent_id).filter(|agent| !visited(agent));
            let answered = state.peers.get(&envelope.target).filter(|_| is_answer);
            answered
                .or_else(|| state.trust.ranking(open).first().and_then(|agent| state.peers.get(agent)))
                .cloned()
        };
        let Some(next) = next else { return status("dead_end", &envelope) };
        let onward = self.extended(&envelope, &next);
        match self.post_to_peer(&next, "mesh_route", onward.encode(), HOP_TIMEOUT).await {
            Ok(sent) if sent.reply.status < 300 => {
                let mut answer = json!({"status": "forwarded", "route_id": envelope.route_id, "via": next.agent_id.short()});
                // Whoever sent it hears what the target said, as far as the hops tell.
                if let (Some(said), Some(object)) = (said(&sent).remove("delivery"), answer.as_object_mut()) {
                    object.insert("delivery".into(), said);
                }
                Answer::ok(answer)
            }
            _ => status("forward_failed", &envelope),
        }
    }

    /// The envelope with our hop added.
    fn extended(&self, envelope: &RoutedEnvelope, next: &Connection) -> RoutedEnvelope {
        let score = self.state.lock().trust.score(&next.agent_id);
        let mut onward = envelope.clone();
        onward.hops_remaining = envelope.hops_remaining.saturating_sub(1);
        onward.visited.push(self.me().to_string());
        onward
            .trust_chain
            .push(RouteHop { agent: self.me().to_string(), trust_to_next: chain::link_to(score) });
        onward
    }
}

fn said(sent: &Sent) -> Map<String, Value> {
    strict::parse_object(&sent.reply.body).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_route_id_is_new_once_and_forgotten_after_its_lifetime() {
        let mut routes = Routes::default();
        let now = Moment::ORIGIN;
        assert!(routes.is_new("a", now));
        assert!(!routes.is_new("a", now + Duration::from_secs(119)));
        assert!(routes.is_new("a", now + ROUTE_LIFETIME));
    }

    #[test]
    fn a_source_has_five_envelopes_a_minute_from_each_carrier() {
        let mut routes = Routes::default();
        let now = Moment::ORIGIN;
        let [source, other] = [1, 2].map(|byte| AgentId::from_bytes([byte; 32]));
        let carrier = |name: &str| SourceKey::Process(name.to_owned());
        assert_eq!((0..7).filter(|_| routes.allows(carrier("a"), source, now)).count(), 5);
        assert!(routes.allows(carrier("a"), other, now));
        assert!(routes.allows(carrier("b"), source, now));
        assert!(routes.allows(carrier("a"), source, now + SOURCE_WINDOW));
    }
}
