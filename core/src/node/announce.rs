//! Telling peers who and where we are, and asking them what they think of a newcomer.

use std::{sync::Arc, time::Duration};

use futures_util::{StreamExt as _, stream};
use serde_json::{Map, Value, json};

use super::inner::Inner;
use crate::{
    error::{Code, Error, Result},
    identity::AgentId,
    messaging::{
        Delivery, DeliveryState, Reason, Receipt,
        compose::{self, Draft, Form},
        log::{Direction, EntryType, LogEntry},
    },
    peers::Connection,
    transport::Method,
    trust::Opinion,
    wire::{
        canonical::{self, Domain},
        json as strict,
        route::MESH_PREFIX,
        url,
    },
};

/// How many peers are asked or told at the same time.
const AT_ONCE: usize = 16;
/// How long a broadcast or an update may take.
const TELL_TIMEOUT: Duration = Duration::from_secs(5);

impl Inner {
    /// Tells every peer our address, name and bio (§14.3). A peer that cannot be reached is told when it shows
    /// itself again.
    pub(crate) async fn announce_self(self: &Arc<Self>) {
        let peers: Vec<Connection> = self.state.lock().peers.iter().cloned().collect();
        stream::iter(peers)
            .for_each_concurrent(AT_ONCE, |peer| async move { self.announce_to(&peer).await })
            .await;
    }

    /// Tells a peer that showed itself what it missed, in the background.
    pub(crate) fn announce_missed(self: &Arc<Self>, agent: &AgentId) {
        let Some(peer) = self.state.lock().peers.take_untold(agent) else { return };
        let inner = Arc::clone(self);
        self.env.tasks.spawn("announce", async move { inner.announce_to(&peer).await });
    }

    async fn announce_to(self: &Arc<Self>, peer: &Connection) {
        let sent = match self.update_body(peer) {
            Ok(body) => self.post_to_peer(peer, "peer_update", body, TELL_TIMEOUT).await,
            Err(error) => return tracing::error!(%error, "an update could not be signed"),
        };
        let reached = sent.is_ok();
        // What the peer does not want it will not want later; what it cannot take now, it may.
        let told = sent.is_ok_and(|sent| sent.reply.status < 500 && sent.reply.status != 429);
        {
            let mut state = self.state.lock();
            state.peers.note_told(&peer.agent_id, told);
            if reached {
                self.wake(&mut state, &peer.agent_id);
            }
        }
        self.note_reached(&peer.agent_id, reached);
    }

    pub(super) fn update_body(&self, peer: &Connection) -> Result<Map<String, Value>> {
        let me = self.describe(&self.state.lock());
        let url = self.url_for(peer);
        let timestamp = self.signing_time().to_wire();
        let bytes = canonical::peer_update(&me.agent_id, &url, &timestamp);
        let mut object = self.own_object();
        object.insert("new_url".into(), json!(url));
        object.insert("addresses".into(), json!({"http": url}));
        object.insert("timestamp".into(), json!(timestamp));
        object.insert("bio".into(), json!(me.bio));
        object.insert("display_name".into(), json!(me.display_name));
        object.insert("public_key_hex".into(), json!(me.agent_id));
        object.insert("wallets".into(), json!({}));
        object.insert("signature".into(), json!(self.passport.sign(&bytes)));
        if peer.signs_v2() {
            // What a newer version can do is known to peers that connected with an older one.
            object.insert("capabilities".into(), json!(me.capabilities));
            compose::sign_object(Domain::PeerUpdate, &peer.agent_id, &self.passport, &mut object)?;
        }
        Ok(object)
    }

    /// Asks the peers we trust what they think of a newcomer, and begins with that (§13.4). The newcomer is not
    /// asked about itself, and nobody waits for this (B27).
    pub(crate) async fn seed_trust(self: &Arc<Self>, newcomer: AgentId) {
        let recommenders: Vec<Connection> = {
            let state = self.state.lock();
            if state.trust.get(&newcomer).is_some() {
                return;
            }
            let trusted = |agent: &AgentId| state.trust.score(agent).is_some_and(|score| score > 0.0);
            state
                .peers
                .iter()
                .filter(|peer| peer.agent_id != newcomer && trusted(&peer.agent_id))
                .cloned()
                .collect()
        };
        let opinions: Vec<Opinion> = stream::iter(recommenders)
            .map(|peer| async move {
                let said = self.opinion(&peer, newcomer).await.ok().filter(|said| said.has_impression)?;
                Some(Opinion { agent_id: peer.agent_id, score: said.score })
            })
            .buffer_unordered(AT_ONCE)
            .filter_map(std::future::ready)
            .collect()
            .await;
        if opinions.is_empty() {
            return;
        }
        let seeded = self
            .write(|state, now| {
                if state.trust.get(&newcomer).is_some() || state.peers.get(&newcomer).is_none() {
                    return Ok(crate::store::Batch::new());
                }
                state.trust.seed(newcomer, &opinions, now)
            })
            .await;
        if let Err(error) = seeded {
            tracing::warn!(%error, "trust could not be seeded");
        }
    }

    /// What a peer answers to a question: at the scoped path first, the only one that 1.1.1 answers (B1), then at the
    /// bare one.
    pub(super) async fn ask_peer(
        &self,
        peer: &Connection,
        question: &str,
        patience: Duration,
    ) -> Option<Map<String, Value>> {
        let base = url::base(&peer.url);
        let mut scopes = vec![format!("{}/", peer.agent_id)];
        if !peer.signs_v2() {
            scopes.push(String::new());
        }
        for scope in scopes {
            let path = format!("{MESH_PREFIX}{scope}{question}");
            let sent = self.request(base, Method::Get, path, None, patience, peer.grant()).await.ok()?;
            if sent.reply.status == 200 {
                return strict::parse_object(&sent.reply.body).ok();
            }
        }
        None
    }

    /// Sends a status broadcast to every peer, or to the `top` most trusted. It is not kept for peers that
    /// cannot be reached now.
    pub(crate) async fn broadcast(
        self: &Arc<Self>,
        content: String,
        metadata: Map<String, Value>,
        top: Option<usize>,
    ) -> Result<Receipt> {
        let message_id = self.id("msg-", 16);
        let peers: Vec<Connection> = {
            let state = self.state.lock();
            let ranked = state.trust.ranking(state.peers.iter().map(|peer| peer.agent_id));
            let ranked = ranked.into_iter().filter_map(|agent| state.peers.get(&agent).cloned());
            ranked.take(top.unwrap_or(usize::MAX)).collect()
        };
        if peers.is_empty() {
            return Err(Error::new(Code::PeerNotConnected, "nobody is connected who could be told"));
        }
        let to: Vec<AgentId> = peers.iter().map(|peer| peer.agent_id).collect();
        self.write(|state, now| {
            state.log.append(LogEntry {
                message_id: message_id.clone(),
                content: content.clone(),
                from_agent_id: self.me(),
                to_agent_ids: to.clone(),
                timestamp: now.to_wire(),
                entry_type: EntryType::StatusBroadcast,
                direction: Direction::Outbound,
                trust_at_time: 0.0,
                metadata: metadata.clone(),
            })
        })
        .await?;
        let told = |peer: Connection| {
            let draft = Draft::for_reader_only(&message_id, &content, &metadata);
            async move { self.tell(&peer, draft).await }
        };
        let deliveries = stream::iter(peers).map(told).buffered(AT_ONCE).collect().await;
        Ok(Receipt::new(message_id, deliveries))
    }

    async fn tell(&self, peer: &Connection, draft: Draft<'_>) -> Delivery {
        let form = Form::for_peer(peer, self.config.seal);
        let body = compose::broadcast(draft, &peer.agent_id, form, &self.passport, self.signing_time());
        let sent = match body {
            Ok(body) => self.post_to_peer(peer, "status_broadcast", body, TELL_TIMEOUT).await,
            Err(error) => Err(error),
        };
        let (state, reason, via) = match sent {
            Ok(sent) if (200..300).contains(&sent.reply.status) => {
                (DeliveryState::Accepted, None, Some(sent.via.to_owned()))
            }
            Ok(sent) => {
                let code = crate::error::Code::PeerRefused;
                (
                    DeliveryState::Failed,
                    Some(Reason::new(code, format!("status {}", sent.reply.status))),
                    None,
                )
            }
            Err(error) => (DeliveryState::Failed, Some(Reason::new(error.code(), error.message())), None),
        };
        Delivery { state, reason, via, ..Delivery::stored(peer.agent_id) }
    }
}
