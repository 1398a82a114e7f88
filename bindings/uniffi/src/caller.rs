//! A node that is opened later, and verbs by name.

use std::{
    future::poll_fn,
    sync::{Arc, OnceLock, Weak},
    task::Poll,
};

use dmagent::{
    Node, NodeConfig,
    error::{Code, Error},
};
use parking_lot::Mutex;
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use crate::{
    cancel::Cancel,
    failure::unexpected,
    made::codes::DmError,
    plain::json,
    runtime::{self, Owned},
};

/// The node that all objects of it share. It ends when the host has none of them any more.
#[derive(Clone)]
pub struct Caller {
    shared: Arc<Owned<Home>>,
}

/// A caller that does not keep the node, for what works in the background until the host lets the node go.
#[derive(Clone)]
pub(crate) struct Guest {
    shared: Weak<Owned<Home>>,
    left: CancellationToken,
}

/// What the host holds.
struct Home {
    place: Arc<Place>,
    /// Tells the guests when the host lets go.
    left: CancellationToken,
}

impl Drop for Home {
    fn drop(&mut self) {
        self.left.cancel();
    }
}

/// Where the node stands once it is open.
struct Place {
    config: NodeConfig,
    node: OnceLock<Node>,
    /// One opens it, others wait for that.
    opening: tokio::sync::Mutex<()>,
    closed: Mutex<bool>,
}

impl Caller {
    /// A node with these settings that is not open yet.
    pub(crate) fn new(config: NodeConfig) -> Self {
        let place = Place {
            config,
            node: OnceLock::new(),
            opening: tokio::sync::Mutex::default(),
            closed: Mutex::new(false),
        };
        let home = Home { place: Arc::new(place), left: CancellationToken::new() };
        Self { shared: Arc::new(Owned::new(home)) }
    }

    fn place(&self) -> Result<&Arc<Place>, DmError> {
        Ok(&self.shared.get()?.place)
    }

    /// The same node for one who does not keep it.
    pub(crate) fn guest(&self) -> Result<Guest, DmError> {
        Ok(Guest { shared: Arc::downgrade(&self.shared), left: self.shared.get()?.left.clone() })
    }

    /// Opens the node; once it is open nothing happens.
    pub(crate) async fn open(&self, cancel: Option<Arc<Cancel>>) -> Result<(), DmError> {
        let place = Arc::clone(self.place()?);
        runtime::run(cancel, async move {
            let _one = place.opening.lock().await;
            if *place.closed.lock() {
                return Err(closed());
            }
            if place.node.get().is_none() {
                let node = Node::open(place.config.clone()).await?;
                // Nobody else is here.
                let _set = place.node.set(node);
            }
            Ok(())
        })
        .await
    }

    /// Closes the node. Once begun it goes through, even when the caller is cancelled.
    pub(crate) async fn close(&self) -> Result<(), DmError> {
        let (place, house) = (Arc::clone(self.place()?), runtime::handle()?);
        let mut closing = Box::pin(async move {
            let _one = place.opening.lock().await;
            *place.closed.lock() = true;
            match place.node.get() {
                Some(node) => node.close().await,
                None => Ok(()),
            }
        });
        // It begins here: whoever only began to close finds the node closed.
        let begun = poll_fn(|context| {
            let _inside = house.enter();
            Poll::Ready(closing.as_mut().poll(context))
        });
        if let Poll::Ready(closed) = begun.await {
            return Ok(closed?);
        }
        house.spawn(closing).await.map_err(|_| runtime::gone())??;
        Ok(())
    }

    /// Whether it was closed.
    pub(crate) fn is_closed(&self) -> Result<bool, DmError> {
        let place = self.place()?;
        let closed = *place.closed.lock();
        Ok(closed || place.node.get().is_some_and(Node::is_closed))
    }

    /// The node for a call: a closed one takes none.
    pub(crate) fn open_node(&self) -> Result<&Node, DmError> {
        if *self.place()?.closed.lock() {
            return Err(closed());
        }
        self.node()
    }

    /// The node, also a closed one: it still takes back what it handed out.
    pub(crate) fn node(&self) -> Result<&Node, DmError> {
        self.place()?
            .node
            .get()
            .ok_or_else(|| Error::new(Code::Closed, "the node is not open; call its open() first").into())
    }

    /// Calls a verb with a record, and reads its result as one.
    pub(crate) async fn call<R: DeserializeOwned + Send + 'static>(
        &self,
        verb: &'static str,
        arguments: &impl Serialize,
        cancel: Option<Arc<Cancel>>,
    ) -> Result<R, DmError> {
        let arguments = json(arguments)?;
        let result = self.raw(verb.to_owned(), arguments, cancel).await?;
        serde_json::from_value(result).map_err(|cause| unexpected(&cause))
    }

    /// Calls a verb with JSON.
    pub(crate) async fn raw(
        &self,
        verb: String,
        arguments: Value,
        cancel: Option<Arc<Cancel>>,
    ) -> Result<Value, DmError> {
        let node = self.open_node()?.clone();
        runtime::run(cancel, async move { Ok(node.call(&verb, arguments).await?) }).await
    }
}

fn closed() -> DmError {
    Error::new(Code::Closed, "the node was closed; make a new one").into()
}

impl Guest {
    /// The node, while somebody keeps it.
    pub(crate) fn caller(&self) -> Option<Caller> {
        self.shared.upgrade().map(|shared| Caller { shared })
    }

    /// Ends when the host has let the node go.
    pub(crate) async fn left(&self) {
        self.left.cancelled().await;
    }
}
