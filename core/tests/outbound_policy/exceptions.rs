//! Who may vouch for an address near a node that reaches the internet: the address that told it, whoever dialled it or
//! let it in, and nobody else.

use std::net::Ipv4Addr;

use dmagent::{Node, error::Code, peers::AutoAccept, transport::Grant, wire::NetworkTier};
use serde_json::{Value, json};

use crate::{
    lab::{Dns, answering, client, outcome},
    support::{
        self,
        actor::{Actor, Object},
        http::Client,
    },
};

#[tokio::test]
async fn a_near_url_that_was_only_told_leads_back_to_the_address_that_told_it() {
    let server = answering(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}").await;
    let teller = [127, 0, 0, 2].into();
    let at = |host: &str| format!("http://{host}:{}", server.port);
    for (host, leads_to, tier, expected) in [
        ("127.0.0.2", "127.0.0.2", NetworkTier::Global, Ok(200)),
        ("127.0.0.1", "127.0.0.1", NetworkTier::Global, Err(Code::AddressForbidden)),
        ("127.0.0.1", "127.0.0.1", NetworkTier::Lan, Ok(200)),
        ("name.example", "127.0.0.2", NetworkTier::Global, Ok(200)),
        ("name.example", "127.0.0.1", NetworkTier::Global, Err(Code::AddressForbidden)),
        ("name.example", "192.168.1.1", NetworkTier::Global, Err(Code::AddressForbidden)),
    ] {
        let client = client(tier, Dns::giving(&[&[leads_to.parse().unwrap()]])).await;
        assert_eq!(
            outcome(&client, &at(host), Grant::At(teller)).await,
            expected,
            "{host} {leads_to} {tier:?}"
        );
        // What was asked for one teller is not kept open for another.
        let other = outcome(&client, &at(host), Grant::At([127, 0, 0, 9].into())).await;
        let is_refused = tier == NetworkTier::Global;
        assert_eq!(other, if is_refused { Err(Code::AddressForbidden) } else { Ok(200) }, "{host} {tier:?}");
    }
}

struct Scene {
    node: Node,
    /// A proxy of the operator, which tells where a request really came from.
    proxy: Client,
}

impl Scene {
    async fn open(tier: NetworkTier) -> Self {
        let mut config = support::unlimited();
        config.network_tier = tier;
        config.auto_accept = AutoAccept::Lan;
        config.trusted_proxies = vec![Ipv4Addr::LOCALHOST.into()];
        let node = support::open(config, Actor::new(1).passport).await;
        let proxy = Client::new(support::address(&node));
        Self { node, proxy }
    }

    async fn post(&mut self, from: &str, endpoint: &str, object: &Object) -> Value {
        let (path, body) = (format!("/__darkmatter__/{endpoint}"), serde_json::to_vec(object).unwrap());
        self.proxy.send("POST", &path, &[("x-forwarded-for", from)], &body).await.json()
    }

    /// Why the node cannot ask `peer` anything.
    async fn why_not(&self, peer: &Actor) -> Code {
        let asked = self.node.call("peers.of", json!({"agent": peer.id()})).await;
        asked.expect_err("nobody there answers as a peer does").code()
    }
}

#[tokio::test]
async fn a_neighbour_makes_the_node_ask_no_other_neighbour() {
    let (this, other) = ("http://127.0.0.1:9", "http://192.168.1.1:8100");
    for (tier, told) in [(NetworkTier::Lan, this), (NetworkTier::Global, this), (NetworkTier::Global, other)]
    {
        let mut scene = Scene::open(tier).await;
        let (peer, me) = (Actor::new(2), scene.node.agent_id());
        let said = scene.post("192.168.1.7", "connection_request", &peer.request(&me, told, true)).await;
        assert_eq!(said["auto_accepted"], json!(true), "{said}");
        assert_eq!(scene.why_not(&peer).await, Code::AddressForbidden, "{tier:?} {told}");
        // Nor with an update.
        scene.post("192.168.1.7", "peer_update", &peer.update(&me, "http://192.168.1.2:8100")).await;
        let is_told = scene.node.call("peers.get", json!({"agent": peer.id()})).await.unwrap();
        assert_eq!(is_told["url"], json!("http://192.168.1.2:8100"));
        if tier == NetworkTier::Global {
            assert_eq!(scene.why_not(&peer).await, Code::AddressForbidden);
        }
        scene.node.close().await.unwrap();
    }
}

#[tokio::test]
async fn the_nodes_own_origin_and_a_dialled_one_are_allowed() {
    let mut scene = Scene::open(NetworkTier::Global).await;
    let me = scene.node.agent_id();
    let mut config = support::unlimited();
    config.auto_accept = AutoAccept::Loopback;
    let friend = support::open(config, Actor::new(3).passport).await;
    let asked = json!({"url": friend.info().url});
    scene.node.call("peers.connect", asked).await.unwrap();
    // A neighbour tells an origin that is nearer to the node than itself. A person let it in, or not: what counts is that
    // the node talks to that origin anyway.
    let peer = Actor::new(2);
    let said =
        scene.post("192.168.1.7", "connection_request", &peer.request(&me, &friend.info().url, true)).await;
    assert_eq!(said["auto_accepted"], json!(true), "{said}");
    assert_ne!(
        scene.why_not(&peer).await,
        Code::AddressForbidden,
        "the origin of a proven peer that was dialled"
    );
    let stranger = Actor::new(4);
    let own = scene.node.info().url;
    scene.post("192.168.1.8", "connection_request", &stranger.request(&me, &own, true)).await;
    assert_ne!(scene.why_not(&stranger).await, Code::AddressForbidden, "its own origin");
    scene.node.close().await.unwrap();
    friend.close().await.unwrap();
}

#[tokio::test]
async fn an_answer_that_is_not_json_is_no_answer_of_a_peer() {
    let page = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 13\r\n\r\n<html></html>";
    let portal = answering(page).await;
    let mut config = support::unlimited();
    config.auto_accept = AutoAccept::Loopback;
    let node = support::open(config, Actor::new(1).passport).await;
    let (peer, mut caller) = (Actor::new(2), Client::new(support::address(&node)));
    let request = peer.request(&node.agent_id(), &portal.url(), true);
    let body = serde_json::to_vec(&request).unwrap();
    assert_eq!(
        caller.post("/__darkmatter__/connection_request", body).await.json()["auto_accepted"],
        json!(true)
    );

    let asked = node.call("peers.of", json!({"agent": peer.id()})).await;
    assert_eq!(asked.unwrap_err().code(), Code::BadAnswer);
    let sent = json!({"to": peer.id(), "content": "hello", "timeout_secs": 20});
    let delivery = node.call("messages.send", sent).await.unwrap()["deliveries"][0].clone();
    assert_eq!((&delivery["state"], &delivery["reason"]["code"]), (&json!("stored"), &json!("bad_answer")));
    node.close().await.unwrap();
}
