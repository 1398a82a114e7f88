//! Opinions: asking a peer what it thinks of an agent, and telling peers what we think.

use std::{sync::Arc, time::Duration};

use super::inner::Inner;
use crate::{
    env::Timestamp,
    error::{Code, Error, Result},
    identity::AgentId,
    messaging::inbound as messages,
    peers::{Connection, documents},
    transport::{Method, Sent},
    trust::{
        PeerOpinion,
        opinion::{self, Question},
        sharing::{Asker, shared},
    },
    wire::{
        Answer,
        frame::ImpressionQuery,
        json as strict,
        route::{Endpoint, MESH_PREFIX},
        url,
    },
};

/// How long an opinion may take, as in 1.1.1.
const OPINION_TIMEOUT: Duration = Duration::from_secs(3);

impl Inner {
    /// What `peer` says about `about`.
    pub(crate) async fn ask_opinion(self: &Arc<Self>, peer: &AgentId, about: AgentId) -> Result<PeerOpinion> {
        let peer = {
            let state = self.state.lock();
            state.blocks.check(peer)?;
            state.peers.require(peer)?.clone()
        };
        self.opinion(&peer, about).await
    }

    /// A peer that signs opinions must do so: an unsigned answer in its place could be anybody's.
    pub(super) async fn opinion(&self, peer: &Connection, about: AgentId) -> Result<PeerOpinion> {
        let nonce = self.id("", 16);
        let question = Question { peer: peer.agent_id, me: self.me(), about, nonce: &nonce };
        if peer.signs_opinions() {
            let body = question.signed(&self.passport, self.signing_time())?;
            let name = Endpoint::ImpressionQuery.name();
            let sent = self.post_to_peer(peer, name, body, OPINION_TIMEOUT).await?;
            return question.believe(document(&sent)?, self.now());
        }
        let base = url::base(&peer.url);
        // The scoped path first, the only one that 1.1.1 answers (B1), then the bare one.
        let scoped = format!("{MESH_PREFIX}{}/impression/{about}", peer.agent_id);
        let bare = format!("{MESH_PREFIX}impression/{about}");
        let get = |path| self.request(base, Method::Get, path, None, OPINION_TIMEOUT, peer.grant());
        let mut sent = get(scoped).await?;
        if sent.reply.status != 200 {
            sent = get(bare).await?;
        }
        question.take(document(&sent)?)
    }

    /// Answers the signed question of a connected peer. Nothing is stored, and a recorded question is answered once.
    pub(super) fn answer_impression_query(&self, query: &ImpressionQuery, now: Timestamp) -> Answer {
        let mut state = self.state.lock();
        if !state.replay.claim(&query.from, &query.claim_id(), now) {
            return messages::duplicate();
        }
        let asker = Asker::Peer { agent: query.from, score: state.trust.score(&query.from) };
        let (scores, notes) = (self.config.share_impressions, self.config.share_notes);
        let shared = shared(state.trust.get(&query.about), &query.about, asker, scores, notes);
        let at = self.signing_time();
        match opinion::answer(&query.from, &query.about, &query.nonce, shared, &self.passport, at) {
            Ok(members) => Answer::ok(members.into()),
            Err(error) => Answer::from_error(&error),
        }
    }

    /// Answers the unsigned question of 1.1.1.
    pub(super) fn answer_impression(&self, state: &super::state::State, about: &AgentId) -> Answer {
        let (scores, notes) = (self.config.share_impressions, self.config.share_notes);
        let shared = shared(state.trust.get(about), about, Asker::Unsigned, scores, notes);
        documents::impression_document(about, shared)
    }
}

/// The object of an answer with status 200.
fn document(sent: &Sent) -> Result<serde_json::Map<String, serde_json::Value>> {
    if sent.reply.status != 200 {
        return Err(Error::new(Code::PeerRefused, "the peer does not tell what it thinks")
            .with("status", sent.reply.status));
    }
    strict::parse_object(&sent.reply.body)
        .map_err(|_| Error::new(Code::BadAnswer, "the peer's answer is no opinion"))
}
