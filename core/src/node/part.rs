//! Parting: connections end, requests are rejected, and the other side is told in a signed message.

use std::{sync::Arc, time::Duration};

use serde_json::{Map, json};

use super::{inner::Inner, state::State};
use crate::{
    error::{Code, Result},
    identity::AgentId,
    messaging::{
        MessageEvent, Reason,
        compose::{self, Draft, Form},
    },
    peers::{Connection, PeerEvent, PendingRequest},
    store::Batch,
    transport::{Grant, Method},
    wire::{route::MESH_PREFIX, url},
};

/// How long the other side may take to hear it.
const NOTICE_TIMEOUT: Duration = Duration::from_secs(5);
/// The pauses before a rejection is told again: the first may overtake the answer to the request.
const PAUSES: [Duration; 3] = [Duration::from_secs(1), Duration::from_secs(4), Duration::from_secs(16)];

impl Inner {
    /// Ends a connection and tells the peer, in a signed message that it can check (B10).
    pub(crate) async fn disconnect(self: &Arc<Self>, agent: &AgentId, reason: &str) -> Result<()> {
        let connection = self.state.lock().peers.require(agent)?.clone();
        self.drop_connection(agent, reason).await?;
        let content = format!("This agent has ended the connection: {reason}.");
        let grant = connection.grant();
        self.tell_parting(connection, content, None, grant);
        Ok(())
    }

    /// Rejects a pending request. Whoever proved itself and checks our signature is told; 1.1.1 knows no such notice.
    pub(crate) async fn reject(self: &Arc<Self>, request_id: &str) -> Result<PendingRequest> {
        let request = self
            .transact(
                |state, _| {
                    let (request, rows) = state.peers.reject(request_id)?;
                    Ok((rows, request))
                },
                |_, result, request| result.map(|()| request),
            )
            .await??;
        let asker = request.granted(self.now());
        if asker.identity_verified && asker.signs_v2() {
            let content = "This agent has rejected the request for a connection.".to_owned();
            // The asker chose the URL, and nobody here wants it as a peer: it opens no door of ours (S10).
            self.tell_parting(asker, content, Some(request.request_id.clone()), Grant::None);
        }
        Ok(request)
    }

    /// A courtesy: whoever cannot be reached now finds out by asking, or by the end of its own patience.
    fn tell_parting(
        self: &Arc<Self>,
        peer: Connection,
        content: String,
        request_id: Option<String>,
        grant: Grant,
    ) {
        let inner = Arc::clone(self);
        self.env.tasks.spawn("parting notice", async move {
            let pauses: &[Duration] = if request_id.is_some() { &PAUSES } else { &[] };
            let mut metadata = Map::from_iter([
                (String::from("type"), json!("trust_disconnect_notice")),
                (String::from("peer_id"), json!(inner.me())),
            ]);
            if let Some(request_id) = request_id {
                metadata.insert("request_id".into(), json!(request_id));
            }
            let message_id = inner.id("disconnect-", 6);
            let draft = Draft::for_reader_only(&message_id, &content, &metadata);
            let form = Form::for_peer(&peer, inner.config.seal);
            let (now, random) = (inner.now(), &*inner.env.random);
            let Ok(body) = compose::message(draft, &peer.agent_id, form, &inner.passport, now, random) else {
                return;
            };
            let path = format!("{MESH_PREFIX}{}/message", peer.agent_id);
            let tell = || {
                let (base, body) = (url::base(&peer.url), Some(body.clone()));
                inner.request(base, Method::Post, path.clone(), body, NOTICE_TIMEOUT, grant)
            };
            let mut told = tell().await;
            for pause in pauses {
                if told.is_ok_and(|sent| sent.reply.status < 300) {
                    return;
                }
                tokio::time::sleep(*pause).await;
                told = tell().await;
            }
        });
    }

    /// Removes a connection and what waits for it, without telling the peer.
    pub(crate) async fn drop_connection(self: &Arc<Self>, agent: &AgentId, reason: &str) -> Result<()> {
        let event = PeerEvent::PeerDisconnected { agent_id: *agent, reason: reason.to_owned() };
        self.part(*agent, event, "the connection ended before it was delivered", |state| {
            let (_, rows) = state.peers.disconnect(agent)?;
            state.limiter.forget_peer(agent);
            Some(rows)
        })
        .await
    }

    /// Ends a request of ours that `agent` rejected, with what waits for the acceptance.
    pub(crate) async fn drop_request(self: &Arc<Self>, agent: AgentId, request_id: &str) -> Result<()> {
        let event = PeerEvent::ConnectionRejected { agent_id: agent };
        self.part(agent, event, "the other side rejected the connection", |state| {
            state.peers.on_rejected(&agent, request_id)
        })
        .await
    }

    /// Commits what `leave` removes together with the messages to `agent`, and tells the host. Nothing happens when
    /// there is nothing to leave any more.
    async fn part(
        self: &Arc<Self>,
        agent: AgentId,
        event: PeerEvent,
        reason: &'static str,
        leave: impl FnOnce(&mut State) -> Option<Batch>,
    ) -> Result<()> {
        self.transact(
            |state, _| {
                let Some(mut rows) = leave(state) else { return Ok((Batch::new(), None)) };
                let (dropped, outbox_rows) = state.outbox.drop_peer(&agent);
                rows.append(outbox_rows);
                Ok((rows, Some(dropped)))
            },
            move |inner, result, dropped| {
                result?;
                let Some(dropped) = dropped else { return Ok(()) };
                inner.publish(dropped.into_iter().map(|item| MessageEvent::MessageFailed {
                    message_id: item.message_id,
                    to: item.to,
                    reason: Reason::new(Code::PeerNotConnected, reason),
                }));
                inner.publish([event]);
                Ok(())
            },
        )
        .await?
    }
}
