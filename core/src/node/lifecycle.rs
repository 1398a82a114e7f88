//! The handle of a node, and its end.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use super::{
    calls::LocalVerbs,
    compose::{self, Parts},
    config::NodeConfig,
    inner::Inner,
};
use crate::{error::Result, identity::AgentId};

/// How long a closing node waits for its tasks.
const PATIENCE: Duration = Duration::from_secs(5);

/// How long a closing node waits for peers to hear that it has ended their connection.
const FAREWELL: Duration = Duration::from_secs(1);

/// A node of the mesh. Cheap to clone; all clones are the same node.
#[derive(Clone)]
pub struct Node(Arc<Handle>);

/// Ends the node when its last handle goes.
struct Handle {
    inner: Arc<Inner>,
    is_owner: bool,
}

impl Drop for Handle {
    fn drop(&mut self) {
        if self.is_owner {
            self.inner.end_now();
        }
    }
}

impl Node {
    pub(crate) async fn compose(config: NodeConfig, parts: Parts, verbs: LocalVerbs) -> Result<Self> {
        let node = compose::open(config, parts, verbs).await?;
        Ok(Self(Arc::new(Handle { inner: Arc::clone(&node.0.inner), is_owner: true })))
    }

    /// A handle that does not end the node when it is dropped.
    pub(crate) fn from_inner(inner: Arc<Inner>) -> Self {
        Self(Arc::new(Handle { inner, is_owner: false }))
    }

    pub(crate) fn inner(&self) -> &Arc<Inner> {
        &self.0.inner
    }

    /// Who this node is.
    pub fn agent_id(&self) -> AgentId {
        self.0.inner.me()
    }

    /// Closes the node: no more requests are taken, those under way finish, everything queued is on disk, and
    /// the data folder is free for another process. Closing twice is no error.
    pub async fn close(&self) -> Result<()> {
        self.0.inner.close().await
    }

    /// Ends the node at once, as dropping its last handle does: tasks stop at their next await, what was not acknowledged
    /// stays on disk. For hosts whose handles live longer than they mean to use the node; others [`Node::close`].
    pub fn stop(&self) {
        self.0.inner.end_now();
    }

    /// Whether [`Node::close`] was called.
    pub fn is_closed(&self) -> bool {
        self.0.inner.closed.load(Ordering::Acquire)
    }
}

impl std::fmt::Debug for Node {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Node({})", self.agent_id().short())
    }
}

impl Inner {
    async fn close(self: &Arc<Self>) -> Result<()> {
        if self.closed.swap(true, Ordering::AcqRel) {
            return Ok(());
        }
        // Consumers that wait for messages learn it.
        self.inbox_bell.notify_waiters();
        if tokio::time::timeout(FAREWELL, self.notices_told()).await.is_err() {
            tracing::info!("a peer was not told in time that its connection has ended");
        }
        let mapping = self.port_mapping.lock().take();
        if let Some(mapping) = mapping {
            mapping.remove().await;
        }
        self.switchboard.close().await;
        if !self.env.tasks.close(PATIENCE).await {
            tracing::warn!("some tasks did not end in time");
        }
        self.events.end();
        self.save_rest();
        compose::clean(self);
        // The store holds the folder to the end of this.
        self.store.close().await
    }

    /// The end without waiting: tasks stop at their next await, and what was not acknowledged stays on disk.
    fn end_now(&self) {
        if self.closed.swap(true, Ordering::AcqRel) {
            return;
        }
        self.inbox_bell.notify_waiters();
        self.env.tasks.stop();
        self.events.end();
        self.save_rest();
        compose::clean(self);
        // Queued at once; the store's own thread carries it out and then gives the folder free.
        drop(self.store.close());
    }

    /// Queues what memory alone knows, before the store closes its queue: what was counted since the last round of
    /// upkeep, and acknowledgements that the disk did not take. Should it fail again, these numbers are lost and
    /// those messages come again.
    fn save_rest(&self) {
        let mut state = self.state.lock();
        match state.save_counters() {
            Ok(mut rows) => {
                rows.append(state.inbox.owed().1);
                match state.given.held() {
                    Ok(held) => drop(rows.append(held)),
                    Err(error) => tracing::warn!(%error, "the last receipts were not saved"),
                }
                if !rows.is_empty() {
                    drop(self.store.commit(rows));
                }
            }
            Err(error) => tracing::warn!(%error, "the last counters were not saved"),
        }
    }
}
