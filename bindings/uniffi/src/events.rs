//! Everything observable, one after another. A listener that is too slow loses the oldest events, and is told how many.

use std::sync::Arc;

use dmagent::node::events::{EventStream, Observed};
use parking_lot::Mutex;
use tokio_util::sync::CancellationToken;

use crate::{
    failure::{cancelled, unexpected},
    made::{codes::DmError, events::Event},
    runtime::{self, Owned},
};

/// A listener. It ends with the object.
#[derive(uniffi::Object)]
pub struct Events {
    ear: Owned<Arc<Ear>>,
    cancel: CancellationToken,
}

struct Ear {
    stream: tokio::sync::Mutex<EventStream>,
    /// What was heard and not taken.
    heard: Mutex<Option<Event>>,
}

impl Events {
    /// A listener of `stream`.
    pub(crate) fn new(stream: EventStream) -> Self {
        let ear = Ear { stream: tokio::sync::Mutex::new(stream), heard: Mutex::new(None) };
        Self { ear: Owned::new(Arc::new(ear)), cancel: CancellationToken::new() }
    }
}

#[uniffi::export]
impl Events {
    /// Waits until there is an event to take: true; or until the node is closed and all was taken: false. It may be
    /// cancelled and called again; nothing gets lost.
    pub async fn wait(&self) -> Result<bool, DmError> {
        let (ear, cancel) = (Arc::clone(self.ear.get()?), self.cancel.clone());
        runtime::run(None, async move {
            let listen = async {
                let mut stream = ear.stream.lock().await;
                if ear.heard.lock().is_some() {
                    return Ok(true);
                }
                let Some(observed) = stream.next().await else { return Ok(false) };
                *ear.heard.lock() = Some(read(&observed)?);
                Ok(true)
            };
            tokio::select! {
                biased;
                () = cancel.cancelled() => Err(cancelled()),
                heard = listen => heard,
            }
        })
        .await
    }

    /// The event that was waited for; none when it was taken.
    pub fn take(&self) -> Result<Option<Event>, DmError> {
        Ok(self.ear.get()?.heard.lock().take())
    }

    /// Ends listening: `wait` ends with `CancelledError`.
    pub fn cancel(&self) {
        self.cancel.cancel();
    }
}

fn read(observed: &Observed) -> Result<Event, DmError> {
    match observed {
        Observed::Missed { missed } => Ok(Event::Missed { missed: *missed }),
        Observed::Event(event) => {
            serde_json::to_value(event).and_then(serde_json::from_value).map_err(|cause| unexpected(&cause))
        }
    }
}
