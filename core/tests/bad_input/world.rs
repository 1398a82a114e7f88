//! The node under attack, and a good request for each of its endpoints.

use dmagent::{
    ConnectArgs, Node,
    messaging::compose::Form,
    wire::route::{Access, Endpoint, MESH_PREFIX, Method, WELL_KNOWN},
};
use serde_json::{Value, json};

use super::support::{
    self,
    actor::{Actor, Object, object},
    http::{Client, Reply},
};

/// Nobody listens there.
const NOWHERE: &str = "http://127.0.0.1:9";
/// What is looked at to see whether anything changed.
const VIEWS: [&str; 8] = [
    "node.info",
    "peers.list",
    "peers.pending",
    "messages.list",
    "messages.outbox",
    "messages.log",
    "trust.list",
    "discovery.list",
];

pub(crate) struct World {
    pub(crate) node: Node,
    /// Connected, signs in our form, seals.
    pub(crate) peer: Actor,
    /// The keys of a node that we asked and that has not decided.
    asked: Actor,
    asked_node: Node,
    /// Without a token.
    pub(crate) client: Client,
    local: Client,
    state: Vec<Value>,
    /// A question to `peer` whose answer may come in parts.
    stream: String,
}

impl World {
    pub(crate) async fn open() -> Self {
        let mut config = support::unlimited();
        config.mailbox = true;
        let node = support::open(config, Actor::new(1).passport).await;
        let (peer, asked) = (Actor::new(2), Actor::new(3));
        let asked_node = support::open(support::unlimited(), Actor::new(3).passport).await;
        let to = support::address(&node);
        let client = Client::new(to);
        let local = Client::new(to).with_token(node.local_token());
        let mut world =
            Self { node, peer, asked, asked_node, client, local, state: Vec::new(), stream: String::new() };
        world.befriend().await;
        let question = json!({"to": world.peer.id(), "content": "well?"});
        let opened = world.node.call("messages.ask_stream", question).await.unwrap();
        world.stream = opened["stream_id"].as_str().unwrap().to_owned();
        world
    }

    async fn befriend(&mut self) {
        let request = self.peer.request(&self.node.agent_id(), NOWHERE, true);
        let request_id = self.pend(&request).await["request_id"].as_str().unwrap().to_owned();
        self.node.call("peers.accept", json!({"request_id": request_id})).await.unwrap();
        self.ask().await;
        self.node.call("trust.set", json!({"agent": self.peer.id(), "score": 0.5})).await.unwrap();
        self.note_state().await;
    }

    async fn pend(&mut self, request: &Object) -> Value {
        let path = format!("{MESH_PREFIX}connection_request");
        let reply = self.client.post(&path, serde_json::to_vec(request).unwrap()).await;
        assert_eq!(reply.status, 200, "{}", reply.text());
        reply.json()
    }

    /// Asks the other node, unless a request waits there already.
    async fn ask(&self) {
        if let Ok(peer) = self.node.call("peers.get", json!({"agent": self.asked.id()})).await
            && peer["state"] == "connected"
        {
            self.node.call("peers.disconnect", json!({"agent": self.asked.id()})).await.unwrap();
        }
        let asked = self.node.peers().connect(ConnectArgs::new(self.asked_node.info().url)).await.unwrap();
        assert_eq!(asked.agent_id, self.asked.id());
    }

    /// The bare path of an endpoint and the scoped one.
    pub(crate) fn paths(&self, endpoint: Endpoint) -> Vec<String> {
        let tail = match endpoint {
            Endpoint::WellKnown => return vec![WELL_KNOWN.to_owned()],
            Endpoint::Impression | Endpoint::PeerLookup => format!("{}/{}", endpoint.name(), self.peer.id()),
            Endpoint::InboxConsume => "inbox/consume".to_owned(),
            endpoint => endpoint.name().to_owned(),
        };
        vec![format!("{MESH_PREFIX}{tail}"), format!("{MESH_PREFIX}{}/{tail}", self.node.agent_id())]
    }

    /// A good body for a POST to `endpoint`: taken as it is, refused after any change that matters.
    pub(crate) async fn template(&mut self, endpoint: Endpoint) -> Object {
        let us = self.node.agent_id();
        match endpoint {
            Endpoint::ConnectionRequest => Actor::new(4).request(&us, NOWHERE, true),
            Endpoint::ConnectionProof => {
                let asker = Actor::new(5);
                let pending = self.pend(&asker.plain_request(NOWHERE)).await;
                let text = |name: &str| pending[name].as_str().unwrap().to_owned();
                asker.proof(&text("challenge_id"), &text("challenge_hex"))
            }
            Endpoint::ConnectionAccepted => {
                self.ask().await;
                self.asked.acceptance(&us, &self.asked_node.info().url)
            }
            Endpoint::Message => self.peer.message(&us, Form::V2, "hello"),
            Endpoint::StatusBroadcast => self.peer.broadcast(&us, Form::V2, "hello"),
            Endpoint::Receipts => self
                .peer
                .receipts(&us, &[("msg-1", dmagent::wire::receipt::ReceiptState::Handled, "00".repeat(32))]),
            Endpoint::PeerUpdate => self.peer.update(&us, NOWHERE),
            Endpoint::Ping => {
                object(json!({"agent_id": self.peer.id(), "timestamp": self.peer.now().to_wire()}))
            }
            Endpoint::MeshRoute => {
                let message = self.peer.message(&us, Form::Sealed, "hello");
                self.peer.envelope(&us, message)
            }
            Endpoint::Cancel => self.peer.cancel(&us, "msg-1", &"00".repeat(32)),
            Endpoint::Parts => self.peer.parts(&us, &self.stream, 0, &["part"]),
            Endpoint::ImpressionQuery => self.peer.impression_query(&us, &Actor::new(9).id()),
            Endpoint::Mailbox => self.peer.publication(&us),
            Endpoint::KeptMessage => {
                object(json!({"keeper": Actor::new(7).id(), "mail": self.peer.mail(&us, "hello")}))
            }
            Endpoint::GetPeers => object(json!({"n": 3})),
            Endpoint::AcceptPending => {
                let pending = self.pend(&Actor::new(6).request(&us, NOWHERE, false)).await;
                match pending["request_id"].as_str() {
                    Some(request_id) => object(json!({"request_id": request_id})),
                    // Accepted in an earlier round.
                    None => {
                        self.node.call("peers.disconnect", json!({"agent": pending_id()})).await.unwrap();
                        let pending = self.pend(&Actor::new(6).request(&us, NOWHERE, false)).await;
                        object(json!({"request_id": pending["request_id"]}))
                    }
                }
            }
            Endpoint::SetImpression => {
                object(json!({"agent_id": self.peer.id(), "score": 0.25, "note": "n"}))
            }
            Endpoint::Config => object(json!({"status": "active", "display_name": "new name"})),
            Endpoint::InboxConsume => object(json!({"message_ids": ["msg-unknown"]})),
            Endpoint::Call => object(json!({"verb": "peers.get", "args": {"agent": self.peer.id()}})),
            other => panic!("{other:?} takes no POST"),
        }
    }

    pub(crate) async fn send(
        &mut self,
        endpoint: Endpoint,
        method: Method,
        path: &str,
        body: &[u8],
    ) -> Reply {
        let method = match method {
            Method::Get => "GET",
            Method::Post => "POST",
        };
        self.raw(endpoint, method, path, body).await
    }

    /// With the token, where one is needed.
    pub(crate) async fn raw(&mut self, endpoint: Endpoint, method: &str, path: &str, body: &[u8]) -> Reply {
        let client = if endpoint.access() == Access::Local { &mut self.local } else { &mut self.client };
        client.send(method, path, &[], body).await
    }

    async fn look(&self) -> Vec<Value> {
        let mut views = Vec::new();
        for verb in VIEWS {
            let mut view = self.node.call(verb, json!({})).await.unwrap();
            // The node finds out by itself, whenever it gets to it, that nobody listens there.
            // Notices of good requests are stored a moment after their answer.
            if let Some(entries) = view.as_array_mut() {
                entries.retain(|entry| entry["kind"] != "notice");
            }
            for entry in view.as_array_mut().into_iter().flatten() {
                let Some(entry) = entry.as_object_mut() else { continue };
                entry.remove("unreachable");
                entry.remove("health");
                // The question waits in the outbox for nobody.
                for moving in ["attempts", "next_attempt", "last_reason"] {
                    entry.remove(moving);
                }
                // Whoever is there may answer our own ping in between.
                if entry.get("url").is_some_and(|url| url != NOWHERE) {
                    entry.remove("last_activity");
                }
            }
            views.push(view);
        }
        views
    }

    /// What counts as unchanged from now on.
    pub(crate) async fn note_state(&mut self) {
        self.state = self.look().await;
    }

    /// The first view that is not what it was.
    pub(crate) async fn state_changed(&mut self) -> Option<String> {
        let now = self.look().await;
        let differs = VIEWS.iter().zip(self.state.iter().zip(&now)).find(|(_, (was, is))| was != is);
        let said = differs.map(|(verb, (was, is))| format!("{verb} changed from {was} to {is}"));
        self.state = now;
        said
    }

    pub(crate) async fn close(self) {
        self.node.close().await.unwrap();
        self.asked_node.close().await.unwrap();
    }
}

fn pending_id() -> dmagent::AgentId {
    Actor::new(6).id()
}
