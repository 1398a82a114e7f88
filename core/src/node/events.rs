//! Everything observable, in order, to any number of listeners.
//!
//! Each [`EventStream`] is a bounded ring: a listener that is too slow loses the oldest events and is told
//! how many. Events are published after the commit they tell about, never before.

use parking_lot::RwLock;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio::sync::broadcast;

use crate::{
    discovery::Discovered, env::Timestamp, identity::AgentId, messaging::MessageEvent, peers::PeerEvent,
};

/// How many events a slow listener may lag behind.
const CAPACITY: usize = 256;

/// What happened to the node itself, or to trust.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum NodeEvent {
    /// An impression changed by hand or by a rule.
    TrustChanged {
        /// Of whom.
        agent_id: AgentId,
        /// The new score.
        score: f64,
    },
    /// Somebody was found.
    AgentDiscovered {
        /// Who and where.
        found: Discovered,
    },
    /// The disk failed: nothing is accepted until it works again.
    StorageFailed {
        /// What happened.
        error: String,
    },
    /// The disk works again.
    StorageRecovered,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum EventBody {
    /// To a message.
    Message(MessageEvent),
    /// To a connection.
    Peer(PeerEvent),
    /// To the node.
    Node(NodeEvent),
}

/// One event. In JSON its members stand beside `at` and `type`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Event {
    /// When it was published.
    pub at: Timestamp,
    /// What happened.
    #[serde(flatten)]
    pub body: EventBody,
}

impl From<MessageEvent> for EventBody {
    fn from(event: MessageEvent) -> Self {
        Self::Message(event)
    }
}

impl From<PeerEvent> for EventBody {
    fn from(event: PeerEvent) -> Self {
        Self::Peer(event)
    }
}

impl From<NodeEvent> for EventBody {
    fn from(event: NodeEvent) -> Self {
        Self::Node(event)
    }
}

/// What a stream yields.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Observed {
    /// Something happened.
    Event(Event),
    /// The listener was too slow: this many events are lost to it.
    Missed {
        /// How many.
        missed: u64,
    },
}

/// Where events are published until the node ends.
pub(crate) struct EventBus(RwLock<Option<broadcast::Sender<Event>>>);

impl EventBus {
    pub(crate) fn new() -> Self {
        Self(RwLock::new(Some(broadcast::Sender::new(CAPACITY))))
    }

    pub(crate) fn publish(&self, at: Timestamp, body: impl Into<EventBody>) {
        if let Some(sender) = &*self.0.read() {
            // Nobody listening is no error.
            let _ = sender.send(Event { at, body: body.into() });
        }
    }

    pub(crate) fn subscribe(&self) -> EventStream {
        EventStream(match &*self.0.read() {
            Some(sender) => sender.subscribe(),
            None => broadcast::channel(1).1,
        })
    }

    /// Nothing is published any more; listeners read what there is and see the end.
    pub(crate) fn end(&self) {
        self.0.write().take();
    }
}

/// A listener. Dropping it ends the subscription.
pub struct EventStream(broadcast::Receiver<Event>);

impl EventStream {
    /// The next event; `None` once the node is closed and everything was read. Cancel-safe.
    pub async fn next(&mut self) -> Option<Observed> {
        match self.0.recv().await {
            Ok(event) => Some(Observed::Event(event)),
            Err(broadcast::error::RecvError::Lagged(missed)) => Some(Observed::Missed { missed }),
            Err(broadcast::error::RecvError::Closed) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_slow_listener_is_told_how_much_it_missed() {
        let bus = EventBus::new();
        let mut stream = bus.subscribe();
        for _ in 0..CAPACITY + 3 {
            bus.publish(Timestamp::from_seconds(1), NodeEvent::StorageRecovered);
        }
        assert_eq!(stream.next().await, Some(Observed::Missed { missed: 3 }));
        assert!(matches!(stream.next().await, Some(Observed::Event(_))));
        drop(bus);
        for _ in 0..CAPACITY {
            stream.next().await;
        }
        assert_eq!(stream.next().await, None);
    }

    #[tokio::test]
    async fn the_end_of_the_node_ends_its_listeners_old_and_new() {
        let bus = EventBus::new();
        let mut stream = bus.subscribe();
        bus.publish(Timestamp::from_seconds(1), NodeEvent::StorageRecovered);
        bus.end();
        bus.publish(Timestamp::from_seconds(2), NodeEvent::StorageRecovered);
        assert!(
            matches!(stream.next().await, Some(Observed::Event(event)) if event.at.micros() == 1_000_000)
        );
        assert_eq!(stream.next().await, None);
        assert_eq!(bus.subscribe().next().await, None);
    }

    #[test]
    fn an_event_is_one_flat_object() {
        let event = Event { at: Timestamp::from_micros(7), body: NodeEvent::StorageRecovered.into() };
        assert_eq!(
            serde_json::to_value(&event).unwrap(),
            serde_json::json!({"at": 7, "type": "storage_recovered"})
        );
    }
}
