//! Sends the recorded requests to a node that takes the place of the recorded one.

use dmagent::{
    Node,
    identity::{Passport, challenge},
    peers::AutoAccept,
    wire::{
        NetworkTier,
        route::{Access, Method, Route},
        time,
    },
};
use serde_json::{Value, json};

use super::{
    differences::{self, DIFFERENCES, NOT_SERVED},
    shape,
    support::{
        self, HandClock,
        actor::Actor,
        http::{Client, Reply},
    },
};

pub(crate) struct Replay {
    node: Node,
    clock: HandClock,
    client: Client,
    others: Vec<Node>,
    /// The entry node D of the recordings, when a step asks it.
    entry: Option<Node>,
    /// What was random in the recording, and what takes its place.
    renamed: Vec<(String, String)>,
}

fn table(name: &str) -> Value {
    let path = format!("{}/tests/vectors/mesh/{name}.json", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
    serde_json::from_str(&text).unwrap()
}

/// The keys that the tables call `name`.
fn passport(name: &str) -> Passport {
    let keys = table("keys");
    let row = keys["keys"].as_array().unwrap().iter().find(|row| row["name"] == name).unwrap();
    let seed: [u8; 32] = hex::decode(row["private_key_hex"].as_str().unwrap()).unwrap().try_into().unwrap();
    Passport::from_seed(seed)
}

impl Replay {
    /// A node with the keys of `name` whose clock stands at `now`.
    pub(crate) async fn open(name: &str, now: &str, auto_accept: AutoAccept) -> Self {
        let clock = HandClock::at(time::parse(now).unwrap());
        let node = Self::node(name, &clock, auto_accept).await;
        let client = Client::new(support::address(&node));
        // The addresses of documentation belong to nobody, so we do not talk to them.
        let renamed = [("203.0.113.", "9.9.9."), ("198.51.100.", "9.9.8.")]
            .map(|(theirs, ours)| (theirs.to_owned(), ours.to_owned()));
        Self { node, clock, client, others: Vec::new(), entry: None, renamed: renamed.into() }
    }

    async fn entry(&mut self) -> std::net::SocketAddr {
        if self.entry.is_none() {
            let mut config = support::unlimited();
            config.bootstrap_mode = true;
            self.entry = Some(support::open_at(config, passport("D"), self.clock.env()).await);
        }
        support::address(self.entry.as_ref().unwrap())
    }

    async fn node(name: &str, clock: &HandClock, auto_accept: AutoAccept) -> Node {
        let mut config = support::unlimited();
        config.auto_accept = auto_accept;
        config.network_tier = NetworkTier::Global;
        // The recordings play strangers with `X-Forwarded-For`.
        config.trusted_proxies = vec![std::net::Ipv4Addr::LOCALHOST.into()];
        support::open_at(config, passport(name), clock.env()).await
    }

    /// Connects the agent `name`, which says that it listens at `url`.
    pub(crate) async fn befriend(&mut self, name: &str, url: &str) {
        let actor = Actor { passport: passport(name), ..Actor::at(0, self.clock.env()) };
        let mut request = actor.plain_request(url);
        request.insert("capabilities".into(), json!({}));
        let path = "/__darkmatter__/connection_request";
        let said = self.client.post(path, serde_json::to_vec(&request).unwrap()).await.json();
        if said["auto_accepted"] == false {
            self.node.call("peers.accept", json!({"request_id": said["request_id"]})).await.unwrap();
        }
        self.node.call("trust.set", json!({"agent": actor.id(), "score": 0.003})).await.unwrap();
    }

    /// Runs a node with the keys of `name` and connects it.
    pub(crate) async fn befriend_a_node(&mut self, name: &str) {
        let other = Self::node(name, &self.clock, AutoAccept::Loopback).await;
        self.befriend(name, &other.info().url).await;
        // The later one is the more trusted.
        let score = 0.1 * (self.others.len() + 1) as f64;
        self.node.call("trust.set", json!({"agent": other.agent_id(), "score": score})).await.unwrap();
        self.others.push(other);
    }

    /// Receives one message of another recording.
    pub(crate) async fn receive(&mut self, name: &str, label: &str) {
        let table = table(name);
        let step = table["steps"].as_array().unwrap().iter().find(|step| step["label"] == label).unwrap();
        assert_eq!(self.send(&step["request"]).await.status, 200);
    }

    /// Sends every request of a table and compares.
    pub(crate) async fn run(&mut self, name: &str) {
        let table = table(name);
        let mut wrong = Vec::new();
        let mut differing = 0;
        let steps = table["steps"].as_array().unwrap();
        for step in steps {
            let (label, recorded) = (step["label"].as_str().unwrap(), &step["response"]);
            let reply = self.send(&step["request"]).await;
            assert!(!reply.text().contains("hijack"), "{label}: an unproven request changed a URL (S4)");
            let (ours, theirs) = (reply.json(), &recorded["json"]);
            self.rename(&ours, theirs);
            let path = step["request"]["path"].as_str().unwrap();
            let endpoint = path.rsplit('/').next().unwrap_or_default();
            let alike = alike(&reply, recorded);
            let expected = if NOT_SERVED.contains(&endpoint) {
                Some((404, "not served by this node"))
            } else {
                differences::find(name, label)
            };
            match expected {
                Some((status, reason)) => {
                    differing += usize::from(!NOT_SERVED.contains(&endpoint));
                    if reply.status != status {
                        wrong.push(format!(
                            "{label}: {} {}, expected {status} ({reason})",
                            reply.status,
                            reply.text()
                        ));
                    } else if alike.is_none() {
                        wrong.push(format!(
                            "{label}: answered as recorded, but listed as different ({reason})"
                        ));
                    }
                }
                None => wrong.extend(alike.map(|difference| format!("{label}: {difference}"))),
            }
        }
        assert!(wrong.is_empty(), "{name}:\n{}", wrong.join("\n"));
        assert!(!steps.is_empty());
        let listed = DIFFERENCES.iter().filter(|(of, ..)| *of == name).count();
        assert_eq!(differing, listed, "{name}: each difference is met once");
        self.node.close().await.unwrap();
        for other in self.others.iter().chain(&self.entry) {
            other.close().await.unwrap();
        }
    }

    async fn send(&mut self, request: &Value) -> Reply {
        let method = request["method"].as_str().unwrap();
        let mut path = request["path"].as_str().unwrap().to_owned();
        let body = self.body(request);
        for (theirs, ours) in &self.renamed {
            path = path.replace(theirs, ours);
        }
        let asked = if method == "GET" { Method::Get } else { Method::Post };
        let plain = path.split('?').next().unwrap_or_default();
        let is_local =
            Route::parse(asked, plain, false).is_ok_and(|route| route.endpoint.access() == Access::Local);
        let token = format!("Bearer {}", self.node.local_token());
        let mut headers: Vec<(&str, String)> = Vec::new();
        if let Some(recorded) = request["headers"].as_object() {
            // Our client writes its own host.
            let others = recorded.iter().filter(|(name, _)| *name != "host");
            headers.extend(others.map(|(name, value)| (name.as_str(), value.as_str().unwrap().to_owned())));
        }
        for (theirs, ours) in &self.renamed {
            headers.iter_mut().for_each(|(_, value)| *value = value.replace(theirs, ours));
        }
        if is_local {
            headers.push(("authorization", token));
        }
        let headers: Vec<_> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        if request["node"] == "D" {
            let entry = self.entry().await;
            return Client::new(entry).send(method, &path, &headers, &body).await;
        }
        self.client.send(method, &path, &headers, &body).await
    }

    fn body(&self, request: &Value) -> Vec<u8> {
        let mut text = match (&request["json"], &request["raw_text"], &request["json_abridged"]) {
            (Value::Null, Value::String(text), _) => text.clone(),
            (Value::Null, _, Value::Null) => String::new(),
            (Value::Null, _, abridged) => written_out(abridged).to_string(),
            (json, ..) => json.to_string(),
        };
        for (theirs, ours) in &self.renamed {
            text = text.replace(theirs, ours);
        }
        text.into_bytes()
    }

    /// Ids and challenges are random: what comes later in the recording means ours.
    fn rename(&mut self, ours: &Value, theirs: &Value) {
        for name in ["request_id", "challenge_id"] {
            if let (Some(ours), Some(theirs)) = (ours[name].as_str(), theirs[name].as_str()) {
                self.renamed.push((theirs.to_owned(), ours.to_owned()));
            }
        }
        if let (Some(ours), Some(theirs)) = (ours["challenge_hex"].as_str(), theirs["challenge_hex"].as_str())
        {
            let prove = |hex| json!(challenge::prove(&passport("B"), hex)).as_str().unwrap().to_owned();
            self.renamed.push((prove(theirs), prove(ours)));
        }
    }
}

/// `<65536 chars, first 'x'>` stands for that many.
fn written_out(abridged: &Value) -> Value {
    let mut whole = abridged.clone();
    let text = abridged["content"].as_str().unwrap();
    let count = text.strip_prefix('<').unwrap().split(' ').next().unwrap().parse().unwrap();
    let letter = text.split('\'').nth(1).unwrap();
    whole["content"] = json!(letter.repeat(count));
    whole
}

fn alike(reply: &Reply, recorded: &Value) -> Option<String> {
    if reply.status != recorded["status"] {
        return Some(format!("{} {}, recorded {recorded}", reply.status, reply.text()));
    }
    match &recorded["text"] {
        Value::String(text) => (reply.text() != *text).then(|| format!("{}, recorded {text}", reply.text())),
        _ if !reply.json().is_object() => Some(format!("{}, recorded {recorded}", reply.text())),
        _ => shape::difference(&reply.json(), &recorded["json"], ""),
    }
}
