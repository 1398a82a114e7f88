//! A network inside one process, as bad as a test wants it.
//!
//! Nodes that share a [`MemoryNetwork`] reach each other at `memory://label`. The network can be slow,
//! lose requests or answers, deliver twice, fall apart into partitions, and kill a node at a chosen
//! delivery; a seed decides what is left to chance. Waiting is tokio's, so paused time moves it.
//! [`MemoryNetwork::of_process`] is the one for every day: perfect, and without a trace.
//!
//! | file | story |
//! |---|---|
//! | `network` | labels, partitions, crashes, the trace |
//! | `chance` | what happens to one request, from the seed |
//! | `endpoint` | one node's end: hands over, closes, dies |

mod chance;
mod endpoint;
mod network;
#[cfg(test)]
mod tests;

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;
use tokio::{sync::oneshot, time::sleep};

pub use self::{
    chance::Conditions,
    network::{CrashPlan, Event, Fate, MemoryNetwork, Moment},
};
use self::{
    endpoint::{Endpoint, closed},
    network::{Landing, Parcel, Shared},
};
use super::{
    ANSWER_BYTES, Arrival, CLOSING_PATIENCE, Caller, Receiver, Reply, Request, Source, Transport, failed,
    retry_after_seconds, too_large,
};
use crate::{
    error::{Code, Error, Result},
    wire::{Answer, limits},
};

const SCHEME: &str = "memory://";

/// One node's access to a [`MemoryNetwork`].
pub struct MemoryTransport {
    network: MemoryNetwork,
    endpoint: Arc<Endpoint>,
}

impl MemoryTransport {
    /// Reaches others from `label`, which is not empty and has no `/`; others reach it after
    /// [`Transport::listen`].
    pub fn new(network: &MemoryNetwork, label: impl Into<String>) -> Self {
        Self { network: network.clone(), endpoint: Arc::new(Endpoint::new(label.into())) }
    }

    /// The base URL of this node.
    pub fn base(&self) -> String {
        format!("{SCHEME}{}", self.endpoint.label())
    }
}

#[async_trait]
impl Transport for MemoryTransport {
    fn name(&self) -> &'static str {
        "memory"
    }

    fn priority(&self) -> u8 {
        0
    }

    fn can_reach(&self, base: &str) -> bool {
        base.starts_with(SCHEME)
    }

    async fn listen(&self, receiver: Arc<dyn Receiver>) -> Result<Vec<String>> {
        let label = self.endpoint.label();
        if label.is_empty() || label.contains('/') {
            return Err(Error::new(Code::InvalidArgument, "a label is not empty and has no /"));
        }
        self.network.shared.open(&self.endpoint, receiver)?;
        Ok(vec![self.base()])
    }

    /// A request or answer that the network loses is only noticed by its absence, so it fails with
    /// `Timeout`; a label where nobody listens fails with `Unreachable`.
    async fn send(&self, base: &str, request: Request) -> Result<Reply> {
        if self.endpoint.is_closing() && !self.endpoint.has_crashed() {
            return Err(closed());
        }
        let travel = self.travel(base, request);
        tokio::select! {
            biased;
            () = self.endpoint.ended() => {
                if self.endpoint.has_crashed() {
                    // A dead node learns nothing any more.
                    std::future::pending::<()>().await;
                }
                Err(closed())
            }
            reply = travel => reply,
        }
    }

    /// Stops listening, lets open exchanges finish within [`CLOSING_PATIENCE`], then drops them.
    async fn close(&self) {
        self.endpoint.close(CLOSING_PATIENCE).await;
        self.network.shared.leave(&self.endpoint);
    }
}

impl MemoryTransport {
    async fn travel(&self, base: &str, request: Request) -> Result<Reply> {
        let address = base.strip_prefix(SCHEME).filter(|address| !address.is_empty());
        let address = address.ok_or_else(|| Error::new(Code::UrlInvalid, "not a memory:// URL"))?;
        let (to, scope) = address.split_at(address.find('/').unwrap_or(address.len()));
        let whole = format!("{}{}", scope.trim_end_matches('/'), request.path);
        let (path, query) = whole.split_once('?').unwrap_or((&whole, ""));
        let arrival = Arrival {
            method: request.method,
            path: path.to_owned(),
            query: query.to_owned(),
            body: request.body,
            source: Source::Process(self.endpoint.label().to_owned()),
            bearer: None,
            authority: Some(to.to_owned()),
            caller: Caller::default(),
            roster: None,
        };
        let parcel = Parcel {
            from: self.endpoint.label().to_owned(),
            to: to.to_owned(),
            method: request.method,
            bytes: arrival.body.len(),
            path: whole,
        };
        let (replied, reply) = oneshot::channel();
        let shared = Arc::clone(&self.network.shared);
        let carrying = carry(Arc::clone(&shared), parcel, arrival, replied);
        shared.travelling.spawn("memory journey", carrying);
        match tokio::time::timeout(request.timeout, reply).await {
            Ok(Ok(reply)) => reply,
            // Nothing comes back from a lost journey, and its sender cannot know.
            Ok(Err(_)) => Err(Error::new(Code::Closed, "the memory network is gone")),
            Err(_) => Err(Error::new(Code::Timeout, "the other node did not answer in time").with("to", to)),
        }
    }
}

impl Drop for MemoryTransport {
    fn drop(&mut self) {
        self.endpoint.stop();
        self.network.shared.leave(&self.endpoint);
    }
}

/// Carries a request there and its answer back. The sender hears nothing of what is lost.
async fn carry(
    shared: Arc<Shared>,
    parcel: Parcel,
    arrival: Arrival,
    mut replied: oneshot::Sender<Result<Reply>>,
) {
    let unreachable = |sentence| Err(Error::new(Code::Unreachable, sentence).with("to", &parcel.to));
    let journey = match shared.depart(&parcel) {
        Ok(journey) => journey,
        Err(error) => return drop(replied.send(Err(error))),
    };
    pause(journey.there).await;
    let (answer, answered) = oneshot::channel();
    let endpoint = match shared.arrive(&parcel, journey.lose_request, Fate::Delivered) {
        // Holds the sender's end open until it gives up.
        Landing::Lost => return replied.closed().await,
        Landing::Refused => return drop(replied.send(unreachable("nobody listens at this label"))),
        Landing::At(endpoint, crash) => {
            if let Some(delay) = journey.copy_after {
                let copying = copy(Arc::clone(&shared), parcel.clone(), arrival.clone(), delay);
                shared.travelling.spawn("memory copy", copying);
            }
            if parcel.bytes > limits::FRAME_BYTES {
                let _ = answer.send(too_large());
            } else {
                endpoint.deliver(arrival, crash, answer);
            }
            endpoint
        }
    };
    let answer = match answered.await {
        Ok(answer) => answer,
        Err(_) if endpoint.has_ended() => {
            shared.died(&parcel);
            return drop(replied.send(unreachable("the other node went away before it answered")));
        }
        Err(_) => failed(),
    };
    pause(journey.back).await;
    if shared.come_back(&parcel, journey.lose_answer, answer.status) {
        let _ = replied.send(reply(&answer));
    } else {
        replied.closed().await;
    }
}

/// Delivers the second copy of a request; nobody waits for its answer.
async fn copy(shared: Arc<Shared>, parcel: Parcel, arrival: Arrival, delay: Duration) {
    pause(delay).await;
    if let Landing::At(endpoint, crash) = shared.arrive(&parcel, false, Fate::Copied)
        && parcel.bytes <= limits::FRAME_BYTES
    {
        let (answer, _) = oneshot::channel();
        endpoint.deliver(arrival, crash, answer);
    }
}

/// Without latency there is no timer, whose resolution would make a perfect network slow.
async fn pause(span: Duration) {
    if !span.is_zero() {
        sleep(span).await;
    }
}

/// What the asking side sees of an answer: the same as over HTTP.
fn reply(answer: &Answer) -> Result<Reply> {
    let (body, _) = answer.encode();
    if body.len() > ANSWER_BYTES {
        return Err(Error::new(Code::BadAnswer, "the answer of the other node is too long")
            .with("limit", ANSWER_BYTES));
    }
    let retry_after = answer.retry_after.map(|wait| Duration::from_secs(retry_after_seconds(wait)));
    Ok(Reply { status: answer.status, body: Bytes::from(body), retry_after })
}
