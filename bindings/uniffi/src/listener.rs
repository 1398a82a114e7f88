//! Objects of the host that hear messages and events, one at a time.
//!
//! The node holds them: a listener works until it is cancelled or the node ends. It does not hold the node in turn, so that
//! one that nobody has any more ends, and its listeners with it.

use std::sync::Arc;

use async_trait::async_trait;
use tokio_util::sync::CancellationToken;

use crate::{
    caller::Guest,
    events::Events,
    handout::Handout,
    inbox::Inbox,
    made::{
        arguments::NextArgs,
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

/// A listener at work. The node holds it until it is cancelled here, the node closes, or nobody has the node any more;
/// letting go of this object changes nothing.
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
        let (guest, filter) = inbox.for_guest()?;
        let node = guest.clone();
        Self::start(node, async move { while hear_message(&guest, &filter, listener.as_ref()).await {} })
    }

    /// Hands events of a node to `listener`.
    pub(crate) fn to_events(
        node: Guest,
        events: Events,
        listener: Box<dyn EventListener>,
    ) -> Result<Arc<Self>, DmError> {
        Self::start(node, async move { while hear_event(&events, listener.as_ref()).await {} })
    }

    fn start(node: Guest, work: impl Future<Output = ()> + Send + 'static) -> Result<Arc<Self>, DmError> {
        let cancel = CancellationToken::new();
        let given_up = cancel.clone();
        // The task has the listener. It is a guest: a listener alone keeps no node.
        runtime::handle()?.spawn(async move {
            tokio::select! {
                biased;
                () = given_up.cancelled() => {}
                () = node.left() => {}
                () = work => {}
            }
        });
        Ok(Arc::new(Self { cancel }))
    }
}

/// Hands over one message; false when there will be none any more.
async fn hear_message(guest: &Guest, filter: &NextArgs, listener: &dyn MessageListener) -> bool {
    let Some(handout) =
        guest.caller().map(|caller| Handout::start_as_guest(&caller, "messages.next", filter))
    else {
        return false;
    };
    let message = async {
        let handout = handout?;
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
