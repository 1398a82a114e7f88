//! The listening side: connections, with bounds on their number and their patience.
//!
//! hyper without a framework. Each connection is one task, each request is one call of
//! [`Desk::serve`]; nothing else stands between the socket and the receiver.

use std::{convert::Infallible, net::SocketAddr, pin::pin, sync::Arc, time::Duration};

use hyper::{server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::Semaphore,
};
use tokio_util::sync::CancellationToken;

use super::{
    HttpConfig,
    crowd::{Crowd, Slot},
    exchange::Desk,
    stall::Impatient,
    tenants::Tenants,
    turnaway::Turnaway,
    unsent::{Unsent, has_ended},
};
use crate::env::Tasks;

/// Longest head of a request, and the read buffer of a connection.
const HEAD_BYTES: usize = 64 * 1024;
/// How long to leave the listener alone after it failed, for instance for want of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// How long a connection may keep us waiting.
#[derive(Clone, Copy, Debug)]
pub(super) struct Patience {
    /// For a complete head, which includes the idle time between two requests.
    pub(super) head: Duration,
    /// For a write that makes no progress.
    pub(super) write: Duration,
}

/// A listening server.
pub(super) struct Server {
    pub(super) desk: Desk,
    crowd: Arc<Crowd>,
    turnaway: Turnaway,
    slots: Arc<Semaphore>,
    patience: Patience,
    pub(super) tasks: Tasks,
    pub(super) closing: CancellationToken,
}

impl Server {
    /// A server without tenants. Its connections are `tasks`, and end with `closing`.
    pub(super) fn new(config: &HttpConfig, tasks: Tasks, closing: CancellationToken) -> Arc<Self> {
        let connections = config.connections.clamp(1, Semaphore::MAX_PERMITS);
        let desk = Desk {
            tenants: Tenants::default(),
            connections,
            proxies: config.trusted_proxies.clone(),
            body_patience: config.body_timeout,
        };
        Arc::new(Self {
            desk,
            crowd: Crowd::new(config.connections_per_source, config.exempt_loopback),
            turnaway: Turnaway::new(),
            slots: Arc::new(Semaphore::new(connections)),
            patience: Patience { head: config.head_timeout, write: config.write_timeout },
            tasks,
            closing,
        })
    }

    /// Accepts connections, so many at a time, until the server closes. Those beyond wait in the
    /// system's backlog.
    pub(super) async fn run(self: Arc<Self>, listener: TcpListener) {
        let accepting = async {
            // The semaphore is never closed.
            while let Ok(permit) = Arc::clone(&self.slots).acquire_owned().await {
                match listener.accept().await {
                    Ok((stream, peer)) => {
                        let slot = if self.desk.proxies.contains(peer.ip().to_canonical()) {
                            Some(Slot::unshared(permit))
                        } else {
                            self.crowd.admit(peer.ip(), permit)
                        };
                        if let Some(slot) = slot {
                            let connection = Arc::clone(&self).connection(stream, peer, slot);
                            self.tasks.spawn("http connection", connection);
                        } else if let Some(turning_away) = self.turnaway.turn(stream) {
                            self.tasks.spawn("http turnaway", turning_away);
                        }
                    }
                    Err(error) => {
                        tracing::warn!(%error, "cannot accept a connection");
                        tokio::time::sleep(ACCEPT_PAUSE).await;
                    }
                }
            }
        };
        tokio::select! {
            biased;
            () = self.closing.cancelled() => {}
            () = accepting => {}
        }
    }

    async fn connection(self: Arc<Self>, stream: TcpStream, peer: SocketAddr, slot: Slot) {
        // Answers are small and written at once; waiting for more to send only delays them.
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "cannot set TCP_NODELAY");
        }
        // Held by every running request too: one whose caller hung up still counts.
        let slot = Arc::new(slot);
        let unsent = Unsent::default();
        let stream =
            unsent.watch(Impatient::new(stream, self.patience.write), |stream| has_ended(stream.get_ref()));
        let service = service_fn(|request| {
            let (server, slot, unsent) = (Arc::clone(&self), Arc::clone(&slot), unsent.clone());
            async move { Ok::<_, Infallible>(server.desk.serve(request, peer, slot, &unsent).await) }
        });
        let serving = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(self.patience.head)
            .max_buf_size(HEAD_BYTES)
            .serve_connection(TokioIo::new(stream), service);
        let mut serving = pin!(serving);
        let ended = tokio::select! {
            biased;
            ended = serving.as_mut() => ended,
            () = self.closing.cancelled() => {
                serving.as_mut().graceful_shutdown();
                serving.await
            }
        };
        if let Err(error) = ended {
            tracing::debug!(%peer, %error, "connection ended early");
        }
    }
}
