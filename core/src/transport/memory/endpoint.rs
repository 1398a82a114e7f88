//! One node's end of the memory network: hands over what arrives, and can die of it.

use std::{sync::Arc, time::Duration};

use parking_lot::Mutex;
use tokio::sync::{Notify, oneshot};
use tokio_util::sync::CancellationToken;

use super::network::Moment;
use crate::{
    env::Tasks,
    error::{Code, Error, Result},
    transport::{Arrival, Receiver},
    wire::Answer,
};

pub(super) struct Endpoint {
    label: String,
    receiver: Mutex<Option<Arc<dyn Receiver>>>,
    tasks: Tasks,
    closing: CancellationToken,
    crashed: CancellationToken,
}

impl Endpoint {
    pub(super) fn new(label: String) -> Self {
        Self {
            label,
            receiver: Mutex::default(),
            tasks: Tasks::new(),
            closing: CancellationToken::new(),
            crashed: CancellationToken::new(),
        }
    }

    /// Takes arrivals from now on.
    pub(super) fn open(&self, receiver: Arc<dyn Receiver>) -> Result<()> {
        if self.is_closing() {
            return Err(closed());
        }
        let mut current = self.receiver.lock();
        if current.is_some() {
            return Err(Error::new(Code::InvalidArgument, "the memory transport listens already"));
        }
        *current = Some(receiver);
        Ok(())
    }

    /// Hands `arrival` over in a task of the node, and sends the answer into `answered`, which ends
    /// without one when the node dies or closes.
    pub(super) fn deliver(
        self: &Arc<Self>,
        arrival: Arrival,
        crash: Option<(Moment, Arc<Notify>)>,
        answered: oneshot::Sender<Answer>,
    ) {
        let Some(receiver) = self.receiver.lock().clone() else { return };
        let endpoint = Arc::clone(self);
        self.tasks.spawn("memory request", async move {
            let moment = crash.as_ref().map(|(moment, _)| *moment);
            if moment != Some(Moment::Before) {
                let answer = receiver.receive(arrival).await;
                if moment.is_none() {
                    // Whoever asked may have given up.
                    let _ = answered.send(answer);
                    return;
                }
            }
            if let Some((_, happened)) = crash {
                endpoint.crash();
                happened.notify_one();
            }
            // Never goes on: the task is dropped with all others of the node.
            std::future::pending::<()>().await;
        });
    }

    /// Ends everything now, without a word to anybody.
    pub(super) fn crash(&self) {
        self.crashed.cancel();
        self.stop();
    }

    /// Ends everything now.
    pub(super) fn stop(&self) {
        self.closing.cancel();
        drop(self.receiver.lock().take());
        self.tasks.stop();
    }

    /// Takes nothing more, and lets what is being handled finish.
    pub(super) async fn close(&self, patience: Duration) {
        self.closing.cancel();
        drop(self.receiver.lock().take());
        self.tasks.finish(patience).await;
    }

    /// Waits until everything has ended.
    pub(super) async fn ended(&self) {
        self.tasks.stopped().await;
    }

    pub(super) fn has_ended(&self) -> bool {
        self.tasks.is_stopping()
    }

    pub(super) fn label(&self) -> &str {
        &self.label
    }

    pub(super) fn is_listening(&self) -> bool {
        self.receiver.lock().is_some()
    }

    pub(super) fn is_closing(&self) -> bool {
        self.closing.is_cancelled()
    }

    pub(super) fn has_crashed(&self) -> bool {
        self.crashed.is_cancelled()
    }
}

pub(super) fn closed() -> Error {
    Error::new(Code::Closed, "the memory transport is closed")
}
