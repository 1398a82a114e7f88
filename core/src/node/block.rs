//! Blocking an agent: from the commit on it is a stranger that hears nothing but a refusal.

use std::sync::Arc;

use super::inner::Inner;
use crate::{
    error::{Code, Error, Result},
    identity::AgentId,
    messaging::{MessageEvent, Reason},
    peers::{BlockedAgent, PeerEvent},
};

/// Why a message fails that waited for an agent when it was blocked.
const UNDELIVERED: &str = "the agent was blocked before it was delivered";

impl Inner {
    /// Blocks `agent`, ends its connection, and forgets requests of either direction and what waits for it, all in one
    /// commit. A peer is told that the connection is over, and not why.
    pub(crate) async fn block(
        self: &Arc<Self>,
        agent: AgentId,
        reason: Option<String>,
    ) -> Result<BlockedAgent> {
        if agent == self.me() {
            return Err(Error::new(Code::InvalidArgument, "agent is this node itself"));
        }
        self.transact(
            |state, now| {
                let (blocked, mut rows) = state.blocks.block(agent, reason, now)?;
                let ended = state.peers.disconnect(&agent).map(|(connection, removal)| {
                    rows.append(removal);
                    (connection, self.signing_time())
                });
                state.limiter.forget_peer(&agent);
                rows.append(state.peers.drop_requests(&agent));
                let (dropped, outbox_rows) = state.outbox.drop_peer(&agent);
                rows.append(outbox_rows);
                rows.append(super::mail::part(state, &agent)?);
                Ok((rows, (blocked, ended, dropped)))
            },
            move |inner, result, (blocked, ended, dropped)| {
                result?;
                inner.publish(dropped.into_iter().map(|item| MessageEvent::MessageFailed {
                    message_id: item.message_id,
                    to: item.to,
                    reason: Reason::new(Code::PeerBlocked, UNDELIVERED),
                }));
                if let Some((connection, at)) = ended {
                    inner.publish([PeerEvent::PeerDisconnected {
                        agent_id: agent,
                        reason: "the agent was blocked".to_owned(),
                    }]);
                    inner.tell_end(connection, "no reason given", at);
                }
                Ok(blocked)
            },
        )
        .await?
    }

    /// Lets `agent` be a stranger like any other.
    pub(crate) async fn unblock(self: &Arc<Self>, agent: &AgentId) -> Result<()> {
        self.write(|state, _| Ok(state.blocks.unblock(agent))).await
    }

    /// Whether `agent` is blocked.
    pub(crate) fn is_blocked(&self, agent: &AgentId) -> bool {
        self.state.lock().blocks.contains(agent)
    }
}
