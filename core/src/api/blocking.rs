//! The synchronous twin, for programs without an async runtime.
//!
//! It owns a small runtime. Calling it from inside an async runtime would block that runtime's thread, so it
//! fails with [`Code::BlockingInAsync`] instead.

use std::{future::Future, sync::Arc, time::Duration};

use serde_json::Value;

use crate::{
    error::{Code, Error, Result},
    identity::AgentId,
    messaging::{Acknowledged, Filter, Message, Receipt},
    node::{Node as AsyncNode, Parts, config::NodeConfig},
    peers::Peer,
};

use super::{ConnectArgs, Recipients, SendArgs};

/// A node whose methods block. Cheap to clone; all clones are the same node.
///
/// ```
/// use dmagent::{NodeConfig, blocking::Node};
///
/// let node = Node::open(NodeConfig::ephemeral())?;
/// assert!(node.peers()?.is_empty());
/// node.close()?;
/// # Ok::<_, dmagent::error::Error>(())
/// ```
#[derive(Clone)]
pub struct Node {
    node: AsyncNode,
    runtime: Arc<Owned>,
}

/// A runtime that does not block when it is dropped inside another one.
struct Owned(Option<tokio::runtime::Runtime>);

impl Drop for Owned {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

impl Owned {
    fn new() -> Result<Self> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .thread_name("dmagent")
            .enable_all()
            .build()
            .map_err(|cause| Error::new(Code::Internal, "the runtime could not be started").because(cause))?;
        Ok(Self(Some(runtime)))
    }

    fn run<T>(&self, future: impl Future<Output = Result<T>>) -> Result<T> {
        if tokio::runtime::Handle::try_current().is_ok() {
            return Err(Error::new(
                Code::BlockingInAsync,
                "this thread runs an async runtime; use the async node there, or another thread",
            ));
        }
        match &self.0 {
            Some(runtime) => runtime.block_on(future),
            None => Err(Error::new(Code::Closed, "the node is closed; open a new one")),
        }
    }
}

impl Node {
    /// Opens a node.
    ///
    /// # Errors
    ///
    /// As the async [`Node::open`](crate::Node::open).
    pub fn open(config: NodeConfig) -> Result<Self> {
        Self::open_with(config, Parts::default())
    }

    /// Opens a node with parts of the caller.
    ///
    /// # Errors
    ///
    /// As the async [`Node::open`](crate::Node::open).
    pub fn open_with(config: NodeConfig, parts: Parts) -> Result<Self> {
        let runtime = Owned::new()?;
        let node = runtime.run(AsyncNode::open_with(config, parts))?;
        Ok(Self { node, runtime: Arc::new(runtime) })
    }

    /// The same node, for futures passed to [`Node::run`].
    pub fn node(&self) -> &AsyncNode {
        &self.node
    }

    /// Waits for any future of the async facade.
    ///
    /// # Errors
    ///
    /// [`Code::BlockingInAsync`], and what the future fails with.
    pub fn run<T>(&self, future: impl Future<Output = Result<T>>) -> Result<T> {
        self.runtime.run(future)
    }

    /// Who this node is.
    pub fn agent_id(&self) -> AgentId {
        self.node.agent_id()
    }

    /// Calls any verb by name.
    ///
    /// # Errors
    ///
    /// As the async [`Node::call`](crate::Node::call).
    pub fn call(&self, verb: &str, arguments: Value) -> Result<Value> {
        self.run(self.node.call(verb, arguments))
    }

    /// Asks the node at `url` for a connection.
    ///
    /// # Errors
    ///
    /// As the async verb.
    pub fn connect(&self, url: &str) -> Result<Peer> {
        self.run(async { self.node.peers().connect(ConnectArgs::new(url)).await })
    }

    /// Every connected and pending peer.
    ///
    /// # Errors
    ///
    /// [`Code::BlockingInAsync`].
    pub fn peers(&self) -> Result<Vec<Peer>> {
        self.run(async { self.node.peers().list(super::NoArgs {}).await })
    }

    /// Sends a message.
    ///
    /// # Errors
    ///
    /// As the async verb.
    pub fn send(&self, to: impl Into<Recipients>, content: impl Into<String>) -> Result<Receipt> {
        self.run(self.node.messages().send(SendArgs::new(to, content)))
    }

    /// The next message that `filter` wants, or `None` when none comes within `patience`.
    ///
    /// # Errors
    ///
    /// As the async verb.
    pub fn next(&self, filter: &Filter, patience: Option<Duration>) -> Result<Option<Message>> {
        self.run(self.node.inner().next_message(filter, patience))
    }

    /// Removes a handled message for good.
    ///
    /// # Errors
    ///
    /// As the async verb.
    pub fn acknowledge(&self, message: &Message) -> Result<Acknowledged> {
        self.run(self.node.inner().acknowledge(message.sequence))
    }

    /// Closes the node.
    ///
    /// # Errors
    ///
    /// Those of the disk.
    pub fn close(&self) -> Result<()> {
        self.run(self.node.close())
    }
}
