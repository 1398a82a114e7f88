//! Several nodes at one port: they share the listener and nothing else.

#![expect(clippy::unwrap_used, reason = "what does not fit fails the test")]

mod support;

use std::{net::SocketAddr, time::Duration};

use dmagent::{
    AgentId, ConnectArgs, Node, NodeConfig, SendArgs,
    api::{DisconnectArgs, NoArgs},
    discovery,
    error::Code,
    messaging::{Filter, MessageKind, compose::Form},
    peers::AutoAccept,
    wire::limiter::{Limits, Loopback},
};
use serde_json::{Value, json};

use self::support::{
    actor::{Actor, Object},
    http::{Client, Reply},
};

const PATIENCE: Duration = Duration::from_secs(20);

fn alone(port: u16) -> NodeConfig {
    let mut config = support::unlimited();
    (config.port, config.auto_accept) = (port, AutoAccept::Loopback);
    config
}

fn sharing(port: u16) -> NodeConfig {
    let mut config = alone(port);
    config.shared_port = true;
    config
}

async fn tenant(port: u16, seed: u8) -> Node {
    support::open(sharing(port), Actor::new(seed).passport).await
}

/// Three nodes at a port that the first one got.
async fn three() -> [Node; 3] {
    let first = tenant(0, 1).await;
    let port = port(&first);
    [first, tenant(port, 2).await, tenant(port, 3).await]
}

fn port(node: &Node) -> u16 {
    node.info().port.unwrap()
}

/// The address of the port that the node listens at.
fn address(node: &Node) -> SocketAddr {
    let url = node.info().url;
    let (port, id) = url.strip_prefix("http://").unwrap().split_once("/agents/").unwrap();
    assert_eq!(id.parse::<AgentId>().unwrap(), node.agent_id());
    port.parse().unwrap()
}

fn at(node: &Node, path: &str) -> String {
    format!("/agents/{}{path}", node.agent_id())
}

fn scoped(node: &Node, path: &str) -> String {
    format!("/__darkmatter__/{}/{path}", node.agent_id())
}

async fn close(nodes: impl IntoIterator<Item = Node>) {
    for node in nodes {
        node.close().await.unwrap();
    }
}

async fn say(from: &Node, to: &Node, content: &str) {
    from.messages().send(SendArgs::new(to.agent_id(), content)).await.unwrap();
    let filter = Filter { kinds: vec![MessageKind::Peer], ..Filter::default() };
    let inbox = to.inbox().filtered(filter);
    let message = inbox.next_within(PATIENCE).await.unwrap().expect("the message comes");
    assert_eq!((message.from, message.content.as_str()), (from.agent_id(), content));
    inbox.acknowledge(&message).await.unwrap();
}

/// What lies in the inbox of a node, notices aside.
async fn contents(node: &Node) -> Vec<String> {
    let address = address(node);
    let mut client = Client::new(address).with_token(node.local_token());
    let listed = client.get(&at(node, "/__darkmatter__/inbox")).await.json();
    let messages = listed["messages"].as_array().unwrap().iter();
    messages.filter(|m| m["verified"] == true).map(|m| m["content"].as_str().unwrap().to_owned()).collect()
}

async fn post(to: SocketAddr, path: &str, body: &Object) -> Reply {
    Client::new(to).post(path, serde_json::to_vec(body).unwrap()).await
}

/// Makes `actor` a peer of `node`, as a node of 1.1.1 that listens at `url`.
async fn befriend(node: &Node, actor: &Actor, url: &str) {
    let (path, request) = (at(node, "/__darkmatter__/connection_request"), actor.plain_request(url));
    assert_eq!(post(address(node), &path, &request).await.json()["auto_accepted"], true);
}

#[tokio::test(flavor = "multi_thread")]
async fn neighbours_and_an_outsider_write_to_each_other() {
    let tenants = three().await;
    let outside = support::open(alone(0), Actor::new(9).passport).await;
    let all: Vec<&Node> = tenants.iter().chain([&outside]).collect();
    for (index, from) in all.iter().enumerate() {
        for to in &all[index + 1..] {
            let peer = from.peers().connect(ConnectArgs::new(to.info().url)).await.unwrap();
            assert_eq!((peer.agent_id, peer.url.as_str()), (to.agent_id(), to.info().url.as_str()));
            assert!(peer.identity_verified);
        }
    }
    for from in &all {
        for to in all.iter().filter(|to| to.agent_id() != from.agent_id()) {
            say(from, to, &format!("from {}", from.agent_id())).await;
        }
    }
    // Whoever dials the port gets the first; whoever dials a scope, the scoped one. Both learn the place.
    let port_url = format!("http://{}", address(&tenants[0]));
    for (url, whom) in [
        (port_url.clone(), &tenants[0]),
        (format!("{port_url}/__darkmatter__/{}", tenants[2].agent_id()), &tenants[2]),
    ] {
        let newcomer = support::open(alone(0), Actor::new(10).passport).await;
        let peer = newcomer.peers().connect(ConnectArgs::new(url)).await.unwrap();
        assert_eq!((peer.agent_id, peer.url), (whom.agent_id(), whom.info().url));
        newcomer.peers().disconnect(DisconnectArgs { agent: peer.agent_id, reason: None }).await.unwrap();
        newcomer.close().await.unwrap();
    }
    close(tenants).await;
    outside.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_documents_list_everybody_in_the_order_of_coming() {
    let tenants = three().await;
    let ids: Vec<Value> = tenants.iter().map(|node| json!(node.agent_id())).collect();
    let mut client = Client::new(address(&tenants[0]));
    for (index, tenant) in tenants.iter().enumerate() {
        let document = client.get(&at(tenant, "/.well-known/darkmatter.json")).await.json();
        assert_eq!(document["agent_id"], ids[index]);
        let status = client.get(&scoped(tenant, "status")).await.json();
        assert_eq!(status["agent_id"], ids[index]);
        for path in [at(tenant, "/__darkmatter__/local_agents"), scoped(tenant, "local_agents")] {
            let listed = client.get(&path).await.json();
            assert_eq!(listed["count"], 3, "{path}");
            let named: Vec<Value> =
                listed["agents"].as_array().unwrap().iter().map(|agent| agent["agent_id"].clone()).collect();
            assert_eq!(named, ids);
            assert!(listed["agents"].as_array().unwrap().iter().all(|a| a["port"] == port(&tenants[0])));
        }
    }
    let document = client.get("/.well-known/darkmatter.json").await.json();
    assert_eq!(document["agent_id"], ids[0], "the first speaks for the port");
    for (agent, id) in document["agents"].as_array().unwrap().iter().zip(&ids) {
        let id = id.as_str().unwrap();
        assert_eq!(agent["agent_id"], *id);
        let end = format!("/agents/{id}/__darkmatter__/{id}");
        assert!(agent["mesh_url"].as_str().unwrap().ends_with(&end), "{agent}");
    }
    close(tenants).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_documents_have_the_members_of_recorded_ones() {
    let recorded: Value = serde_json::from_str(include_str!("vectors/mesh/http_multitenant.json")).unwrap();
    let a = tenant(0, 1).await;
    let b = tenant(port(&a), 2).await;
    let mut client = Client::new(address(&a));
    let members = |document: &Value| -> Vec<String> {
        let ours_or_theirs = ["capabilities", "mcp_url"];
        let names =
            document.as_object().unwrap().keys().filter(|name| !ours_or_theirs.contains(&name.as_str()));
        names.cloned().collect()
    };
    for step in recorded["steps"].as_array().unwrap() {
        let url = step["request"]["url"].as_str().unwrap();
        let path = format!("/{}", url.splitn(4, '/').nth(3).unwrap());
        let second = step["response"]["json"]["agents"][1]["agent_id"].as_str();
        let path = match path.strip_prefix("/__darkmatter__/").and_then(|rest| rest.split_once("/status")) {
            Some(_) => scoped(&b, "status"),
            None => path,
        };
        let (ours, theirs) = (client.get(&path).await.json(), &step["response"]["json"]);
        assert_eq!(members(&ours), members(theirs), "{path}");
        if second.is_some() {
            assert_eq!(ours["agents"].as_array().unwrap().len(), 2);
            for (ours, theirs) in
                std::iter::zip(ours["agents"].as_array().unwrap(), theirs["agents"].as_array().unwrap())
            {
                assert_eq!(members(ours), members(theirs), "{path}");
            }
        }
    }
    close([a, b]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_nobody_has_or_two_names_lead_nowhere() {
    let [a, b, c] = three().await;
    let (nobody, mut client) = (Actor::new(77).id(), Client::new(address(&a)));
    for path in
        [format!("/__darkmatter__/{nobody}/status"), format!("/agents/{nobody}/__darkmatter__/status")]
    {
        let reply = client.get(&path).await;
        assert_eq!((reply.status, &reply.json()["error"]), (503, &json!("Agent not initialized")), "{path}");
    }
    let (of_a, of_b) = (a.agent_id(), b.agent_id());
    for path in [
        format!("/agents/{of_a}/__darkmatter__/{of_b}/status"),
        format!("/__darkmatter__/{of_a}/__darkmatter__/{of_b}/status"),
        format!("/__darkmatter__/{of_a}/agents/{of_b}/__darkmatter__/status"),
        format!("/agents/{of_a}/agents/{of_b}/__darkmatter__/status"),
        format!("/agents/{of_a}/../{of_b}/__darkmatter__/status"),
        format!("/agents//{of_b}/__darkmatter__/status"),
    ] {
        assert_eq!(client.get(&path).await.status, 404, "{path}");
    }
    let doubled = format!("/__darkmatter__/{of_b}/__darkmatter__/status");
    assert_eq!(client.get(&doubled).await.json()["agent_id"], json!(of_b));
    close([a, b, c]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_for_one_is_nothing_for_another() {
    let [a, b, c] = three().await;
    let (actor, to) = (Actor::new(9), address(&a));
    let message = |form| actor.message(&a.agent_id(), form, "for a");
    for form in [Form::Sealed, Form::V2] {
        let message = message(form);
        for path in [at(&b, "/__darkmatter__/message"), scoped(&c, "message")] {
            assert_eq!(post(to, &path, &message).await.status, 403, "{path}");
        }
        assert_eq!(post(to, &scoped(&a, "message"), &message).await.status, 200);
        assert_eq!(post(to, &at(&a, "/__darkmatter__/message"), &message).await.status, 409, "once");
    }
    // The same id is another message for another agent: what one has seen, the others have not.
    let id = actor.fresh("msg-");
    for node in [&a, &b, &c] {
        let message = actor.message_called(&id, &node.agent_id(), Form::Sealed, "the same id");
        assert_eq!(post(to, &scoped(node, "message"), &message).await.status, 200);
        assert_eq!(post(to, &scoped(node, "message"), &message).await.status, 409);
    }
    assert_eq!(contents(&b).await, ["the same id"]);
    close([a, b, c]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_token_of_one_opens_nothing_of_another() {
    let [a, b, c] = three().await;
    let mut client = Client::new(address(&a)).with_token(a.local_token());
    for node in [&b, &c] {
        for path in [at(node, "/__darkmatter__/inbox"), scoped(node, "inbox"), scoped(node, "connections")] {
            assert_eq!(client.get(&path).await.status, 401, "{path}");
        }
        let update = json!({"verb": "node.update", "args": {"bio": "taken over"}}).to_string();
        assert_eq!(client.post(&scoped(node, "call"), update).await.status, 401);
        assert_ne!(node.info().bio, "taken over");
    }
    assert_eq!(client.get("/__darkmatter__/inbox").await.status, 200, "bare is the first");
    assert_eq!(client.get(&scoped(&a, "inbox")).await.status, 200);
    close([a, b, c]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_at_one_uses_up_nothing_of_another() {
    let limited = |port| {
        let mut config = sharing(port);
        config.limits = Limits { stranger_per_source: std::num::NonZeroU32::new(5), ..config.limits };
        config
    };
    let a = support::open(limited(0), Actor::new(1).passport).await;
    let b = support::open(limited(port(&a)), Actor::new(2).passport).await;
    let mut client = Client::new(address(&a));
    let mut statuses = Vec::new();
    for _ in 0..20 {
        statuses.push(client.post(&at(&a, "/__darkmatter__/message"), "{}").await.status);
    }
    assert!(statuses.contains(&429), "{statuses:?}");
    for _ in 0..5 {
        assert_eq!(client.post(&at(&b, "/__darkmatter__/message"), "{}").await.status, 400);
    }
    close([a, b]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_ends_and_the_others_go_on() {
    let [a, b, c] = three().await;
    let (to, of_a, of_b) = (address(&a), a.agent_id(), b.agent_id());
    // A connection that was made before lives on.
    let mut client = Client::new(to);
    assert_eq!(client.get("/__darkmatter__/status").await.json()["agent_id"], json!(of_a));
    a.close().await.unwrap();
    assert_eq!(
        client.get("/__darkmatter__/status").await.json()["agent_id"],
        json!(of_b),
        "the next in line"
    );
    assert_eq!(client.get(&format!("/__darkmatter__/{of_a}/status")).await.status, 503);
    // One that is stopped, and still held, is not asked either.
    b.stop();
    let mut new = Client::new(to);
    assert_eq!(new.get("/__darkmatter__/status").await.json()["agent_id"], json!(c.agent_id()));
    assert_eq!(new.get(&format!("/__darkmatter__/{of_b}/status")).await.status, 503);
    assert_eq!(new.get("/__darkmatter__/local_agents").await.json()["count"], 1);
    let again = tenant(to.port(), 2).await;
    assert_eq!(new.get(&scoped(&again, "status")).await.json()["agent_id"], json!(of_b), "it may come back");
    drop(b);
    close([again, c]).await;
    let fresh = support::open(alone(to.port()), Actor::new(5).passport);
    fresh.await.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn who_does_not_fit_is_told_and_changes_nothing() {
    let a = tenant(0, 1).await;
    let refused = async |change: &dyn Fn(&mut NodeConfig), seed| {
        let mut config = sharing(port(&a));
        change(&mut config);
        let parts = dmagent::Parts { passport: Some(Actor::new(seed).passport), ..dmagent::Parts::default() };
        let error = Node::open_with(config, parts).await.expect_err("does not fit");
        let told = error.to_string();
        let mut client = Client::new(address(&a));
        let listed = client.get("/__darkmatter__/local_agents").await.json();
        assert_eq!((&listed["count"], client.get(&scoped(&a, "status")).await.status), (&json!(1), 200));
        (error.code(), told)
    };
    type Change<'a> = &'a dyn Fn(&mut NodeConfig);
    let settings: [(&str, Change<'_>); 4] = [
        ("trusted_proxies", &|config| config.trusted_proxies = vec!["10.0.0.1".parse().unwrap()]),
        ("network_tier", &|config| config.network_tier = dmagent::wire::NetworkTier::Local),
        ("limits.connections_per_source", &|config| config.limits.connections_per_source = None),
        ("limits.loopback", &|config| config.limits.loopback = Loopback::Exempt),
    ];
    for (setting, change) in settings {
        let (code, told) = refused(change, 2).await;
        assert_eq!(code, Code::ConfigInvalid);
        assert!(told.contains(setting), "{told}");
    }
    assert_eq!(refused(&|_| {}, 1).await.0, Code::BindFailed, "the same agent twice");
    assert_eq!(refused(&|config| config.shared_port = false, 2).await.0, Code::BindFailed);
    let (code, told) = refused(&|config| config.http = false, 2).await;
    assert!(code == Code::ConfigInvalid && told.contains("shared_port"), "{told}");
    let b = tenant(port(&a), 2).await;
    close([a, b]).await;

    let single = support::open(support::unlimited(), Actor::new(1).passport).await;
    let mut config = sharing(support::address(&single).port());
    config.ephemeral = true;
    let error = Node::open(config).await.unwrap_err();
    assert!(error.code() == Code::BindFailed && error.to_string().contains("shared_port"), "{error}");
    single.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_names_nobody_goes_to_the_one_whose_peer_sent_it() {
    let [a, b, c] = three().await;
    let (to, peer, both) = (address(&a), Actor::new(20), Actor::new(21));
    befriend(&b, &peer, "http://127.0.0.1:9").await;
    befriend(&b, &both, "http://127.0.0.1:9").await;
    befriend(&c, &both, "http://127.0.0.1:9").await;
    let bare = "/__darkmatter__/message";
    let plain = |actor: &Actor, text| actor.message(&a.agent_id(), Form::V1, text);

    assert_eq!(post(to, bare, &plain(&peer, "for b")).await.status, 200);
    assert_eq!(post(to, bare, &plain(&Actor::new(22), "a stranger's")).await.status, 200);
    let reply = post(to, bare, &plain(&both, "for whom")).await;
    assert_eq!((reply.status, &reply.json()["code"]), (421, &json!("peer_not_connected")), "{reply:?}");
    // Only who proves itself hears whose peer it is.
    let mut forged = plain(&both, "forged");
    forged["content"] = json!("changed");
    assert_eq!(post(to, bare, &forged).await.status, 403);
    assert_eq!(post(to, &at(&c, bare), &plain(&both, "for c")).await.status, 200);
    befriend(&a, &both, "http://127.0.0.1:9").await;
    assert_eq!(post(to, bare, &plain(&both, "for a")).await.status, 200, "a peer of the one that is dialled");

    assert_eq!(contents(&a).await, ["a stranger's", "for a"]);
    assert_eq!((contents(&b).await, contents(&c).await), (vec!["for b".into()], vec!["for c".into()]));
    close([a, b, c]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scan_finds_the_neighbours_too() {
    // Nobody else's network is scanned.
    let near = |port| {
        let mut config = sharing(port);
        config.network_tier = dmagent::wire::NetworkTier::Local;
        config
    };
    let a = support::open(near(0), Actor::new(1).passport).await;
    let b = support::open(near(port(&a)), Actor::new(2).passport).await;
    let mut config = near(port(&a));
    (config.discovery, config.discovery_ports) = (discovery::Mode::Lan, (port(&a), port(&a)));
    let looking = support::open(config, Actor::new(4).passport).await;
    let found = looking.discovery().scan(NoArgs {}).await.unwrap();
    let mut urls: Vec<_> = found.into_iter().map(|agent| (agent.agent_id, agent.url)).collect();
    let mut expected: Vec<_> = [&a, &b].map(|node| (node.agent_id(), node.info().url)).into();
    urls.sort();
    expected.sort();
    assert_eq!(urls, expected);
    close([looking, a, b]).await;
}
