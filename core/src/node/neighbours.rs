//! Other agents at our port: the documents that list all of us, and what reaches us and is meant for one of them.
//!
//! Nodes that set `shared_port` share a listener and nothing else. A request that names no agent comes to the one that has
//! listened longest. Peers are told our place (`wire::place`), so what they send names us; what names nobody comes from
//! whoever dialled the port itself, as 1.1.1 does with what a scan or a beacon told it. A message has no "to" there: if its
//! sender is no peer of ours but one of theirs, they get it (B14).

use std::sync::Arc;

use serde_json::{Value, json};

use super::{inbound::SourcePass, inner::Inner};
use crate::{
    error::Code,
    transport::{Arrival, Receiver, Roster},
    wire::{
        Answer, Body,
        frame::Frame,
        route::{Endpoint, Route},
    },
};

/// Most agents that a document lists, and most bytes of their entries: what readers of our kind take.
const LISTED: usize = 64;
const LISTED_BYTES: usize = 192 * 1024;

impl Inner {
    /// How we present ourselves among the agents of our port, in the document of `endpoint`.
    pub(super) fn presented(&self, endpoint: Endpoint) -> Option<Value> {
        let state = self.state.lock();
        let me = self.describe(&state);
        match endpoint {
            Endpoint::WellKnown => Some(me.well_known_entry(state.accepts_connections(&self.config))),
            Endpoint::LocalAgents => {
                let (port, tier) = (self.told_port(), self.config.network_tier.name());
                Some(me.local_entry(&state.peers, port, tier))
            }
            _ => None,
        }
    }

    /// The port in the URL that we tell; 0 when there is none.
    pub(super) fn told_port(&self) -> u16 {
        url::Url::parse(&self.own_url()).ok().and_then(|url| url.port()).unwrap_or(0)
    }

    /// A document that lists the agents here, with those who share the port. 1.1.1 lists them in the same order.
    pub(super) fn with_neighbours(
        &self,
        mut answer: Answer,
        endpoint: Endpoint,
        roster: Option<&Roster>,
    ) -> Answer {
        let lists = matches!(endpoint, Endpoint::WellKnown | Endpoint::LocalAgents) && answer.is_ok();
        let (Some(roster), Body::Json(members), true) = (roster, &mut answer.body, lists) else {
            return answer;
        };
        let (mut bytes, mut agents) = (0, Vec::new());
        for neighbour in roster.all().take(LISTED) {
            let Some(entry) = neighbour.receiver.presented(endpoint) else { continue };
            bytes += entry.to_string().len();
            if bytes > LISTED_BYTES {
                break;
            }
            agents.push(entry);
        }
        if endpoint == Endpoint::LocalAgents {
            members.insert("count".into(), json!(agents.len()));
        }
        members.insert("agents".into(), Value::Array(agents));
        answer
    }

    /// Who is meant by a frame that names nobody and comes from no peer of ours: the one here whose peer the sender is.
    /// When it is a peer of several, the sender is told, once it has proven itself; a guess could show one agent what was
    /// meant for another.
    pub(super) fn meant_instead(
        &self,
        frame: &Frame,
        route: &Route,
        arrival: &Arrival,
        source: &SourcePass,
    ) -> Result<Option<Arc<dyn Receiver>>, Answer> {
        let (Some(roster), None) = (&arrival.roster, route.scope) else { return Ok(None) };
        let sender = match frame {
            Frame::Message(message) => message.from,
            Frame::StatusBroadcast(broadcast) => broadcast.from,
            Frame::PeerUpdate(update) => update.from,
            _ => return Ok(None),
        };
        if self.state.lock().peers.get(&sender).is_some() {
            return Ok(None);
        }
        let me = self.me();
        let mut whose = roster.others(&me).filter(|neighbour| neighbour.receiver.is_peer(&sender));
        let Some(only) = whose.next() else { return Ok(None) };
        if whose.next().is_none() {
            return Ok(Some(Arc::clone(&only.receiver)));
        }
        let now = self.now();
        self.verify(frame.clone(), now).map_err(|refusal| self.charge_refused(source, refusal, now))?;
        Err(Answer::refuse(
            421,
            Code::PeerNotConnected,
            "Several agents here know you; send to the URL that the one you mean has told you",
        ))
    }
}
