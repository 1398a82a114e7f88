//! Objects of the host that hear messages and events, one at a time.

use std::sync::Arc;

use async_trait::async_trait;
use tokio_util::sync::CancellationToken;

use crate::{
    events::Events,
    inbox::Inbox,
    made::{
        codes::{Code, DmError},
        events::Event,
    },
    message::Message,
    runtime,
};

/// Hears messages.
#[uniffi::export(callback_interface)]
#[async_trait]
pub trait MessageListener: Send + Sync {
    /// Handles a message. When it returns, the message is acknowledged; when it fails, the message comes again after a
    /// pause.
    async fn on_message(&self, message: Arc<Message>) -> Result<(), DmError>;
}

/// Hears events.
#[uniffi::export(callback_interface)]
#[async_trait]
pub trait EventListener: Send + Sync {
    /// Hears an event. A failure is logged, and the next event comes.
    async fn on_event(&self, event: Event) -> Result<(), DmError>;
}

/// A listener at work. It stops when it is cancelled, when nobody has this object any more, or when the node closes.
#[derive(uniffi::Object)]
pub struct Listening {
    cancel: CancellationToken,
}

impl Listening {
    /// Hands messages to `listener`.
    pub(crate) fn to_messages(
        inbox: Inbox,
        listener: Box<dyn MessageListener>,
    ) -> Result<Arc<Self>, DmError> {
        Self::start(async move { while hear_message(&inbox, listener.as_ref()).await {} })
    }

    /// Hands events to `listener`.
    pub(crate) fn to_events(events: Events, listener: Box<dyn EventListener>) -> Result<Arc<Self>, DmError> {
        Self::start(async move { while hear_event(&events, listener.as_ref()).await {} })
    }

    fn start(work: impl Future<Output = ()> + Send + 'static) -> Result<Arc<Self>, DmError> {
        let cancel = CancellationToken::new();
        let given_up = cancel.clone();
        runtime::handle()?.spawn(async move {
            tokio::select! {
                biased;
                () = given_up.cancelled() => {}
                () = work => {}
            }
        });
        Ok(Arc::new(Self { cancel }))
    }
}

/// Hands over one message; false when there will be none any more.
async fn hear_message(inbox: &Inbox, listener: &dyn MessageListener) -> bool {
    let message = async {
        let handout = inbox.next(None)?;
        handout.wait().await?;
        handout.take()
    };
    let message = match message.await {
        Ok(Some(message)) => message,
        Ok(None) => return true,
        Err(error) => {
            if error.failure().is_none_or(|failure| failure.code != Code::Closed) {
                tracing::error!(target: "dmagent::uniffi", %error, "a listener for messages has ended");
            }
            return false;
        }
    };
    let settled = match listener.on_message(Arc::clone(&message)).await {
        // A listener may settle a message by itself.
        _ if message.settled() => return true,
        Ok(()) => message.acknowledge(None).await.map(drop),
        Err(error) => {
            tracing::error!(target: "dmagent::uniffi", %error, "a listener failed at a message, which comes again");
            message.release_after_failure().map(drop)
        }
    };
    if let Err(error) = settled {
        tracing::warn!(target: "dmagent::uniffi", %error, "a message was not settled");
    }
    true
}

/// Hands over one event; false when there will be none any more.
async fn hear_event(events: &Events, listener: &dyn EventListener) -> bool {
    if !matches!(events.wait().await, Ok(true)) {
        return false;
    }
    if let Ok(Some(event)) = events.take()
        && let Err(error) = listener.on_event(event).await
    {
        tracing::error!(target: "dmagent::uniffi", %error, "a listener failed at an event");
    }
    true
}

#[uniffi::export]
impl Listening {
    /// Stops. A message that the listener has is not acknowledged any more, and comes again after a pause.
    pub fn cancel(&self) {
        self.cancel.cancel();
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        self.cancel.cancel();
    }
}
