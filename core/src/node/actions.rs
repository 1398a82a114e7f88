//! What follows from a committed decision, in the background.

use std::{sync::Arc, time::Duration};

use serde_json::{Map, Value, json};

use super::{inner::Inner, outgoing::Outgoing};
use crate::{
    error::{Error, Result},
    identity::AgentId,
    messaging::{
        Message, MessageEvent, MessageKind, Verification, inbound::MessageAction, rules::ANSWERED_BY_RULE,
    },
    peers::{PeerAction, PeerEvent},
    transport::Method,
    wire::{envelope::MessageLimits, route::MESH_PREFIX, url},
};

/// An action of any system.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Action {
    Peer(PeerAction),
    Message(MessageAction),
}

impl From<PeerAction> for Action {
    fn from(action: PeerAction) -> Self {
        Self::Peer(action)
    }
}

impl From<MessageAction> for Action {
    fn from(action: MessageAction) -> Self {
        Self::Message(action)
    }
}

/// How often an acceptance is announced before it is left to the other side to ask again.
const ANNOUNCEMENTS: u32 = 4;

impl Inner {
    /// Performs `action` in a task of its own.
    pub(crate) fn act(self: &Arc<Self>, action: Action) {
        let inner = Arc::clone(self);
        self.env.tasks.spawn("action", async move {
            match action {
                Action::Peer(PeerAction::Announce { agent }) => inner.announce(agent).await,
                Action::Peer(PeerAction::Seed { agent }) => inner.seed_trust(agent).await,
                Action::Peer(PeerAction::Flush { agent }) => inner.flush(&agent),
                Action::Peer(PeerAction::Notice { agent, request_id, status }) => {
                    inner.connection_notice(agent, request_id, &status).await;
                }
                Action::Message(MessageAction::Forward { to, kept }) => inner.forward_by_rule(to, kept).await,
                Action::Message(MessageAction::Answer { to, message_id, rule_id, text, kept }) => {
                    inner.answer_by_rule(to, message_id, rule_id, text, kept).await;
                }
                Action::Message(MessageAction::Disconnected { agent, notice, said }) => {
                    if let Err(error) = inner.part_with(agent, &notice, &said).await {
                        tracing::warn!(%error, "a connection that the peer ended could not be removed");
                    }
                }
                Action::Message(MessageAction::Rejected { agent, request_id }) => {
                    if let Err(error) = inner.drop_request(agent, &request_id).await {
                        tracing::warn!(%error, "a request that was rejected could not be removed");
                    }
                }
            }
        });
    }

    /// Makes what waits for a peer due now.
    pub(crate) fn flush(self: &Arc<Self>, agent: &AgentId) {
        let now = self.both();
        let is_back = {
            let mut state = self.state.lock();
            self.wake(&mut state, agent);
            state.peers.note_shown(agent, now)
        };
        if is_back {
            self.publish([PeerEvent::PeerReachability { agent_id: *agent, reachable: true }]);
        }
        self.announce_missed(agent);
        self.mail_bell.notify_one();
        self.upkeep_bell.notify_one();
    }

    /// Tells a requester that it was accepted. A requester that cannot be reached heals it by asking again.
    async fn announce(self: &Arc<Self>, agent: AgentId) {
        let mut wait = Duration::from_secs(1);
        for _ in 0..ANNOUNCEMENTS {
            let (peer, body) = {
                let state = self.state.lock();
                let Some(peer) = state.peers.get(&agent).cloned() else { return };
                let me = self.describe(&state);
                (peer, self.handshake(&me, self.now()).accepted(&agent))
            };
            let body = match body {
                Ok(body) => body,
                Err(error) => return tracing::error!(%error, "an acceptance could not be signed"),
            };
            let path = format!("{MESH_PREFIX}connection_accepted");
            let timeout = Duration::from_secs(15);
            let base = url::base(&peer.url);
            match self.request(base, Method::Post, path, Some(body), timeout, peer.grant()).await {
                Ok(sent) if sent.reply.status < 500 => {
                    if sent.reply.status >= 300 {
                        tracing::info!(
                            peer = agent.short(),
                            status = sent.reply.status,
                            "the requester did not take our acceptance"
                        );
                    }
                    return;
                }
                Ok(_) | Err(_) => tokio::time::sleep(wait).await,
            }
            wait *= 4;
        }
        tracing::info!(peer = agent.short(), "the requester could not be told that it was accepted");
    }

    /// A note of the node itself for its host.
    pub(crate) async fn notice(
        self: &Arc<Self>,
        from: AgentId,
        message_id: String,
        content: String,
        metadata: Map<String, Value>,
    ) -> Result<()> {
        self.transact(
            |state, now| {
                let message = Message {
                    message_id,
                    from,
                    content,
                    metadata,
                    in_reply_to: None,
                    hops_remaining: 0,
                    kind: MessageKind::Notice,
                    verification: Verification::Local,
                    received_at: now,
                    limits: None,
                    origin: None,
                    forwarded_to: Vec::new(),
                    sequence: 0,
                    redeliveries: 0,
                    wants_stream: false,
                };
                let (sequence, rows) = state.inbox.reserve(message, &self.config.inbox)?;
                Ok((rows, sequence))
            },
            |inner, result, sequence| {
                match result {
                    Ok(()) => inner.show(sequence),
                    Err(_) => inner.state.lock().inbox.cancel(sequence),
                }
                result
            },
        )
        .await?
    }

    /// Shows a message whose row is on disk to the host.
    fn show(&self, sequence: u64) {
        let shown = self.state.lock().inbox.confirm(sequence);
        if let Some(message) = shown {
            self.publish([MessageEvent::MessageReceived {
                message_id: message.message_id.clone(),
                from: message.from,
                kind: message.kind,
            }]);
            self.inbox_bell.notify_waiters();
        }
    }

    async fn connection_notice(self: &Arc<Self>, agent: AgentId, request_id: String, status: &str) {
        let (name, bio) = {
            let state = self.state.lock();
            let connected = state.peers.get(&agent).map(|peer| (peer.shown_name(), peer.bio.clone()));
            connected.or_else(|| {
                let pending = state.peers.pending().into_iter().find(|request| request.agent_id == agent)?;
                Some((pending.display_name.unwrap_or_else(|| agent.short()), pending.bio))
            })
        }
        .unwrap_or_else(|| (agent.short(), String::new()));
        let mut content = format!("Connection request ({status}) from {name}.");
        if !bio.is_empty() {
            content.push_str(" Bio: ");
            content.push_str(&bio);
        }
        let metadata = Map::from_iter([
            (String::from("type"), json!("connection_request")),
            (String::from("request_id"), json!(request_id)),
            (String::from("status"), json!(status)),
        ]);
        if let Err(error) = self.notice(agent, request_id, content, metadata).await {
            tracing::warn!(%error, "a notice could not be stored");
        }
    }

    /// Answers a message as a routing rule says. It may not go on from there: whoever passes answers on would make a
    /// new question of it. What cannot be answered comes back into our own inbox.
    async fn answer_by_rule(
        self: &Arc<Self>,
        to: AgentId,
        message_id: String,
        rule_id: String,
        text: String,
        kept: u64,
    ) {
        let outgoing = Outgoing {
            message_id: self.new_message_id(),
            to: vec![to],
            content: text,
            metadata: Map::from_iter([(String::from(ANSWERED_BY_RULE), json!(rule_id))]),
            in_reply_to: Some(message_id),
            hops: 0,
            expires_in: self.config.outbox_expiry(),
            wait: Duration::from_secs(10),
            entry_type: None,
            passes_on: Some(kept),
            key: None,
            limits: MessageLimits::default(),
            forward: None,
        };
        if let Err(error) = self.send(outgoing).await {
            self.keep_after_all(kept, "answer_failed", &error).await;
        }
    }

    /// Shows a message that was to be passed on or answered, with the reason why it was not, to the host.
    pub(super) async fn keep_after_all(self: &Arc<Self>, kept: u64, member: &'static str, error: &Error) {
        // The message itself, not a notice about it: newer notices push out older ones.
        let shown = self.transact(
            |state, _| Ok((state.inbox.annotate(kept, member, json!(error.message()))?, ())),
            move |inner, result, ()| result.map(|()| inner.show(kept)),
        );
        if let Err(error) = shown.await.and_then(|result| result) {
            // Its row stays: the message is there after the next start, or the recovery of the disk.
            tracing::error!(%error, "a message that a rule took away could not be shown");
        }
    }
}
