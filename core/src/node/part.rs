//! Parting: connections end, requests are rejected, and the other side is told in a signed message.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use parking_lot::Mutex;
use serde_json::{Map, json};
use tokio::sync::watch;

use super::{inner::Inner, state::State};
use crate::{
    env::Timestamp,
    error::{Code, Result},
    identity::AgentId,
    messaging::{
        DeliveryState, MessageEvent, Reason,
        compose::{self, Draft, Form},
        receipts::sent::Settlement,
    },
    peers::{Connection, PeerEvent, PendingRequest, not_connected},
    store::Batch,
    transport::{Grant, Method},
    wire::{route::MESH_PREFIX, url},
};

/// How long the other side may take to hear it.
const NOTICE_TIMEOUT: Duration = Duration::from_secs(5);
/// The pauses before a rejection is told again: the first may overtake the answer to the request.
const PAUSES: [Duration; 3] = [Duration::from_secs(1), Duration::from_secs(4), Duration::from_secs(16)];

/// Why a message to a peer failed whose connection is over.
const UNDELIVERED: (Code, &str) = (Code::PeerNotConnected, "the connection ended before it was delivered");

/// How much of what a peer says about the end of a connection is told to the host: the longest reason that a node of ours
/// gives, with the sentence around it.
const SAID_CHARS: usize = 250;

/// Notices that are on their way: each channel closes when the other side has heard it, or could not be told.
pub(crate) type Partings = Mutex<BTreeMap<AgentId, watch::Receiver<()>>>;

/// What a notice says.
struct Notice {
    content: String,
    /// The request that it rejects.
    request_id: Option<String>,
    /// When it became true: the other side compares that with what we sign later.
    at: Timestamp,
}

impl Inner {
    /// Ends a connection and tells the peer, in a signed message that it can check (B10).
    pub(crate) async fn disconnect(self: &Arc<Self>, agent: &AgentId, reason: &str) -> Result<()> {
        let event = PeerEvent::PeerDisconnected { agent_id: *agent, reason: reason.to_owned() };
        let mut ended = None;
        self.part(*agent, event, UNDELIVERED, |state| {
            let (connection, rows) = state.peers.disconnect(agent)?;
            ended = Some((connection, self.signing_time()));
            state.limiter.forget_peer(agent);
            Some(rows)
        })
        .await?;
        let Some((connection, at)) = ended else { return Err(not_connected(agent)) };
        self.tell_end(connection, reason, at);
        Ok(())
    }

    /// Tells a peer that its connection was ended at `at`.
    pub(super) fn tell_end(self: &Arc<Self>, connection: Connection, reason: &str, at: Timestamp) {
        let content = format!("This agent has ended the connection: {reason}.");
        let grant = connection.grant();
        self.tell_parting(connection, Notice { content, request_id: None, at }, grant);
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
            let request_id = Some(request.request_id.clone());
            self.tell_parting(asker, Notice { content, request_id, at: self.signing_time() }, Grant::None);
        }
        Ok(request)
    }

    /// Waits while a notice is on its way to `agent`: what we ask now must not arrive before it.
    pub(crate) async fn notice_told(&self, agent: &AgentId) {
        let under_way = self.partings.lock().get(agent).cloned();
        if let Some(mut told) = under_way {
            // Nothing is ever sent: it fails when the other end is gone.
            while told.changed().await.is_ok() {}
        }
    }

    /// Waits while notices are on their way to anybody.
    pub(super) async fn notices_told(&self) {
        let under_way: Vec<_> = self.partings.lock().values().cloned().collect();
        for mut told in under_way {
            while told.changed().await.is_ok() {}
        }
    }

    /// A courtesy: whoever cannot be reached now finds out by asking, or by the end of its own patience. Nothing is told,
    /// or told again, to whoever is connected by then.
    fn tell_parting(self: &Arc<Self>, peer: Connection, notice: Notice, grant: Grant) {
        let Notice { content, request_id, at } = notice;
        let (is_told, told) = watch::channel(());
        self.partings.lock().insert(peer.agent_id, told.clone());
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
            let random = &*inner.env.random;
            let body = compose::message(draft, &peer.agent_id, form, &inner.passport, at, random);
            let path = format!("{MESH_PREFIX}{}/message", peer.agent_id);
            let tell = async || {
                if inner.state.lock().peers.get(&peer.agent_id).is_some() {
                    return true;
                }
                let Ok(body) = &body else { return true };
                let (base, body) = (url::base(&peer.url), Some(body.clone()));
                let sent = inner.request(base, Method::Post, path.clone(), body, NOTICE_TIMEOUT, grant).await;
                sent.is_ok_and(|sent| sent.reply.status < 300)
            };
            let mut is_heard = tell().await;
            drop(is_told);
            inner.partings.lock().retain(|_, other| !other.same_channel(&told));
            for pause in pauses {
                if is_heard {
                    return;
                }
                tokio::time::sleep(*pause).await;
                is_heard = tell().await;
            }
        });
    }

    /// Removes the connection that `agent` ended with `notice`, in which it `said` why, and what waits for it.
    pub(crate) async fn part_with(self: &Arc<Self>, agent: AgentId, notice: &str, said: &str) -> Result<()> {
        // A short line for people, whatever the peer wrote.
        let words: String = said.chars().filter(|c| !c.is_control()).take(SAID_CHARS).collect();
        let reason = format!("the peer ended the connection, and says: {words}");
        let event = PeerEvent::PeerDisconnected { agent_id: agent, reason };
        self.part(agent, event, UNDELIVERED, |state| {
            let (_, rows) = state.peers.left(&agent, notice)?;
            state.limiter.forget_peer(&agent);
            Some(rows)
        })
        .await
    }

    /// Ends a request of ours that `agent` rejected, with what waits for the acceptance. Whoever let our request wait knew
    /// of no connection: one from before it, of which we have not heard the end, is over as well.
    pub(crate) async fn drop_request(self: &Arc<Self>, agent: AgentId, request_id: &str) -> Result<()> {
        let since = |state: &State| state.peers.get(&agent).map(|connection| connection.connected_at);
        let before = since(&self.state.lock());
        let event = PeerEvent::ConnectionRejected { agent_id: agent };
        let why = (Code::PeerRefused, "the other side rejected the connection");
        self.part(agent, event, why, |state| state.peers.on_rejected(&agent, request_id)).await?;
        if before.is_none() {
            return Ok(());
        }
        let reason = "the peer rejected a new request".to_owned();
        let event = PeerEvent::PeerDisconnected { agent_id: agent, reason };
        self.part(agent, event, UNDELIVERED, |state| {
            // Not one that was made meanwhile.
            let (_, rows) = (since(state) == before).then(|| state.peers.disconnect(&agent)).flatten()?;
            state.limiter.forget_peer(&agent);
            Some(rows)
        })
        .await
    }

    /// Commits what `leave` removes together with the messages to `agent`, and tells the host. Nothing happens when
    /// there is nothing to leave any more.
    async fn part(
        self: &Arc<Self>,
        agent: AgentId,
        event: PeerEvent,
        (code, reason): (Code, &'static str),
        leave: impl FnOnce(&mut State) -> Option<Batch>,
    ) -> Result<()> {
        self.transact(
            |state, now| {
                let Some(mut rows) = leave(state) else { return Ok((Batch::new(), None)) };
                let (dropped, outbox_rows) = state.outbox.drop_peer(&agent);
                rows.append(outbox_rows);
                for item in &dropped {
                    let end = Settlement::Over {
                        state: DeliveryState::Failed,
                        reason: Reason::new(code, reason),
                        proof: None,
                    };
                    rows.append(state.sent.settle(&item.message_id, &item.to, now, end)?);
                }
                state.given.part(&agent);
                rows.append(super::mail::part(state, &agent)?);
                state.recalls.part(&agent);
                state.answering.part(&agent);
                Ok((rows, Some(dropped)))
            },
            move |inner, result, dropped| {
                result?;
                let Some(dropped) = dropped else { return Ok(()) };
                inner.publish(dropped.into_iter().map(|item| MessageEvent::MessageFailed {
                    message_id: item.message_id,
                    to: item.to,
                    reason: Reason::new(code, reason),
                }));
                inner.publish([event]);
                inner.sent_bell.notify_waiters();
                Ok(())
            },
        )
        .await?
    }
}
