//! The events of a node for a host whose callers may be gone when an event arrives: none is lost, none overtakes another.

use std::sync::Arc;

use tokio::sync::{Mutex, OwnedMutexGuard};

use crate::node::events::{EventStream, Observed};

/// A listener that several callers may wait at; each event goes to one of them. Cheap to clone.
#[derive(Clone)]
pub struct Listener(Arc<Mutex<Source>>);

struct Source {
    stream: EventStream,
    given_back: Option<Observed>,
}

/// An event for a caller. Whoever waits next is served when this is gone: by the event after it, or by this one again if it
/// was given back.
pub struct Heard {
    event: Observed,
    source: OwnedMutexGuard<Source>,
}

impl Listener {
    /// A listener to `stream`.
    pub fn new(stream: EventStream) -> Self {
        Self(Arc::new(Mutex::new(Source { stream, given_back: None })))
    }

    /// The next event; `None` once the node is closed and all was heard. Cancel-safe.
    pub async fn next(&self) -> Option<Heard> {
        let mut source = Arc::clone(&self.0).lock_owned().await;
        let event = match source.given_back.take() {
            Some(event) => event,
            None => source.stream.next().await?,
        };
        Some(Heard { event, source })
    }
}

impl Heard {
    /// The event.
    pub fn event(&self) -> &Observed {
        &self.event
    }

    /// The caller is gone: the next one gets this event.
    pub fn give_back(mut self) {
        self.source.given_back = Some(self.event);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        env::Timestamp,
        node::events::{EventBus, NodeEvent},
    };

    fn moment(heard: &Heard) -> Option<i64> {
        match heard.event() {
            Observed::Event(event) => Some(event.at.seconds()),
            Observed::Missed { .. } => None,
        }
    }

    #[tokio::test]
    async fn an_event_that_is_given_back_goes_to_a_caller_that_waits_already() {
        let bus = EventBus::new();
        let listener = Listener::new(bus.subscribe());
        for second in [1, 2] {
            bus.publish(Timestamp::from_seconds(second), NodeEvent::StorageRecovered);
        }
        let first = listener.next().await.unwrap();
        let (second, ()) = tokio::join!(listener.next(), async {
            tokio::task::yield_now().await;
            first.give_back();
        });
        let second = second.unwrap();
        assert_eq!(moment(&second), Some(1), "in order");
        drop(second);
        assert_eq!(listener.next().await.as_ref().and_then(moment), Some(2));
        bus.end();
        assert!(listener.next().await.is_none());
    }
}
