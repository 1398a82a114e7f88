//! Every setting of a node, with its default, in one place.
//!
//! A [`NodeConfig`] comes from code, from JSON ([`NodeConfig::from_json`]) or from the environment
//! ([`NodeConfig::from_env`]). Its defaults are modest: loopback only, nothing contacted that was not asked
//! for. [`NodeConfig::internet`] is the preset for a node that wants to be found.
//!
//! Precedence, highest first: what code sets, environment (when asked for), defaults.

mod environment;
mod fault;
mod validate;

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::PathBuf,
    time::Duration,
};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use environment::{Environment, ProcessEnvironment, VARIABLES, Variable};

use crate::{
    discovery,
    error::{Code, Error, Result},
    messaging::{InboxLimits, RouterMode, RoutingRule},
    peers::AutoAccept,
    store::Durability,
    trust::Sharing,
    wire::{
        NetworkTier,
        limiter::Limits,
        route::{Access, Endpoint},
    },
};

/// The settings of one node. Unknown members in JSON are refused, so that a typing error shows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct NodeConfig {
    /// The folder whose `.darkmatter` holds passport and database. Default: the nearest folder, from the
    /// current one upwards, that has a passport; else the current one.
    pub project_dir: Option<PathBuf>,
    /// What `DARKMATTER_PROJECT_DIR` names: this folder if it has a passport, else the nearest one from the
    /// current folder upwards that has; a new passport goes here. `project_dir` wins over it. Default: none.
    pub preferred_dir: Option<PathBuf>,
    /// Keep nothing on disk: a fresh identity that ends with the process. Default: false.
    pub ephemeral: bool,
    /// What a resolved commit promises. Default: `grouped`.
    pub durability: Durability,

    /// The name peers see, at most 100 characters. Default: the stored one, else a random one.
    pub display_name: Option<String>,
    /// What peers read about the agent, at most 1,000 characters. Default: the stored one.
    pub bio: Option<String>,
    /// What the agent offers beyond the mesh, told to peers in the handshake: a small JSON object.
    pub capabilities: serde_json::Map<String, serde_json::Value>,

    /// The address to listen at. Default: `127.0.0.1`.
    pub host: IpAddr,
    /// The port to listen at; 0 lets the system choose. Default: 0.
    pub port: u16,
    /// Whether other nodes of this process may listen at the same host and port: those that say so too. Each has a place
    /// below it, `/agents/` and its id, and tells peers that. Default: false.
    pub shared_port: bool,
    /// Whether to listen and dial over HTTP at all. Default: true.
    pub http: bool,
    /// Whether the nodes of this process that say so too reach each other without a socket, at `memory://agent-`
    /// and the first 32 digits of the agent id. Default: false.
    pub memory: bool,
    /// The base URL that others reach this node at, when that differs from where it listens.
    pub public_url: Option<String>,
    /// Proxies whose `X-Forwarded-For` is believed. Default: none.
    pub trusted_proxies: Vec<IpAddr>,
    /// Ask the router for a port mapping when the tier is `global` and no public URL is set. Default: false.
    pub upnp: bool,

    /// Which addresses the node talks to. Default: `lan` (loopback and private networks).
    pub network_tier: NetworkTier,
    /// Whether the node looks for others. Default: `off`.
    pub discovery: discovery::Mode,
    /// The loopback ports that discovery scans, first and last. Default: 8100 to 8200.
    pub discovery_ports: (u16, u16),
    /// Base URLs of entry nodes. Default: none.
    pub bootstrap_peers: Vec<String>,
    /// Be an entry node: accept everybody, answer root paths too. Default: false.
    pub bootstrap_mode: bool,

    /// Most connections. Default: 50.
    pub max_connections: usize,
    /// Whose requests are accepted without asking. Default: `loopback`.
    pub auto_accept: AutoAccept,
    /// How long a request may wait for a decision, in seconds. Default: 3,600.
    pub request_expiry_secs: u64,
    /// Rate limits.
    pub limits: Limits,
    /// Who may call an endpoint, where that differs from the default.
    pub access_overrides: std::collections::BTreeMap<String, AccessName>,

    /// How full the inbox may get.
    pub inbox: InboxLimits,
    /// How long a message waits for an unreachable peer, in seconds, when the sender gives no time. Default: 86,400.
    pub outbox_expiry_secs: u64,
    /// Most messages that wait for unreachable peers; those being sent at the moment may be as many again.
    /// Default: 10,000.
    pub outbox_limit: usize,
    /// Seal message bodies for peers that can open them. Default: true.
    pub seal: bool,
    /// Tell senders what becomes of their messages, and take such receipts. Default: true.
    pub receipts: bool,
    /// Of how many sent copies the node remembers what became of them, beside those that wait. Default: 1,000.
    pub sent_limit: usize,
    /// Keep mail for peers that ask for it while they are away, and say so to all. Default: false.
    pub mailbox: bool,
    /// Let peers that keep mail keep ours: leave our pre-keys with them, and messages for those who left theirs. Only with
    /// `seal`. Default: true.
    pub use_mailboxes: bool,
    /// How long a message waits for its recipient itself, in seconds, before others are asked to keep it, too.
    /// Default: 60.
    pub mailbox_after_secs: u64,
    /// How routing rules and the queue work together. Default: `spawn` (rules, then queue).
    pub router_mode: RouterMode,
    /// Rules for incoming messages.
    pub routing_rules: Vec<RoutingRule>,

    /// Who is told what we think of others: `connected` peers (the default), `trusted` ones (score above 0), or `none`.
    /// Nobody is told about itself.
    pub share_impressions: Sharing,
    /// Who is told the notes along. 1.1.1 signs no question, so with the default, `trusted`, it hears none.
    pub share_notes: Sharing,

    /// How often an idle peer is pinged, in seconds; 0 for never. Default: 20, so that silence is found within 30 s: a ping
    /// may take 4 s, and a second one follows it after 1 s.
    pub ping_interval_secs: u64,
    /// How long the host's policy may think, in milliseconds. Default: 2,000.
    pub policy_timeout_ms: u64,
    /// How long negative trust may last before the peer is disconnected, in seconds. Default: 3,600.
    pub negative_trust_secs: u64,
}

/// The tier words of `access_overrides`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AccessName {
    /// Everyone.
    Public,
    /// Connected peers.
    Peer,
    /// This machine, with the token.
    Local,
}

impl From<AccessName> for Access {
    fn from(name: AccessName) -> Self {
        match name {
            AccessName::Public => Self::Public,
            AccessName::Peer => Self::Peer,
            AccessName::Local => Self::Local,
        }
    }
}

impl Default for NodeConfig {
    fn default() -> Self {
        Self {
            project_dir: None,
            preferred_dir: None,
            ephemeral: false,
            durability: Durability::default(),
            display_name: None,
            bio: None,
            capabilities: serde_json::Map::new(),
            host: IpAddr::V4(Ipv4Addr::LOCALHOST),
            port: 0,
            shared_port: false,
            http: true,
            memory: false,
            public_url: None,
            trusted_proxies: Vec::new(),
            upnp: false,
            network_tier: NetworkTier::Lan,
            discovery: discovery::Mode::Off,
            discovery_ports: (8100, 8200),
            bootstrap_peers: Vec::new(),
            bootstrap_mode: false,
            max_connections: 50,
            auto_accept: AutoAccept::Loopback,
            request_expiry_secs: 3600,
            limits: Limits::default(),
            access_overrides: std::collections::BTreeMap::new(),
            inbox: InboxLimits::default(),
            outbox_expiry_secs: 86_400,
            outbox_limit: 10_000,
            seal: true,
            receipts: true,
            sent_limit: 1_000,
            mailbox: false,
            use_mailboxes: true,
            mailbox_after_secs: 60,
            router_mode: RouterMode::Spawn,
            routing_rules: Vec::new(),
            share_impressions: Sharing::Connected,
            share_notes: Sharing::Trusted,
            ping_interval_secs: 20,
            policy_timeout_ms: 2_000,
            negative_trust_secs: 3_600,
        }
    }
}

impl NodeConfig {
    /// The defaults: an agent inside a program, on loopback.
    pub fn new() -> Self {
        Self::default()
    }

    /// A node that keeps nothing and listens nowhere: tests, many nodes in one process.
    pub fn ephemeral() -> Self {
        Self { ephemeral: true, durability: Durability::Memory, http: false, ..Self::default() }
    }

    /// The behaviour of the product page of 1.1.1: all addresses, port 8100, discovery with an entry node,
    /// a port mapping, requests from the LAN accepted.
    pub fn internet() -> Self {
        Self {
            host: IpAddr::V4(Ipv4Addr::UNSPECIFIED),
            port: 8100,
            upnp: true,
            network_tier: NetworkTier::Global,
            discovery: discovery::Mode::On,
            bootstrap_peers: vec![String::from("https://loseylabs.ai")],
            auto_accept: AutoAccept::Lan,
            ..Self::default()
        }
    }

    /// From a JSON object; members that are absent keep their default.
    ///
    /// # Errors
    ///
    /// [`Code::ConfigInvalid`] names the member and what is allowed.
    pub fn from_json(text: &str) -> Result<Self> {
        fault::read(fault::object(text)?)?.validated()
    }

    /// The settings of a preset by its name, changed by a JSON object: how other languages begin. `agent` is the modest
    /// defaults under the variables of the process, `environment` the product page's defaults under them; `internet` and
    /// `ephemeral` do not read the environment.
    ///
    /// # Errors
    ///
    /// [`Code::InvalidArgument`] for another name, [`Code::ConfigInvalid`] names the member and what is allowed.
    pub fn preset(name: &str, changes: &str) -> Result<Self> {
        let base = match name {
            "agent" => Self::new().overlay(&ProcessEnvironment)?,
            "environment" => Self::internet().overlay(&ProcessEnvironment)?,
            "internet" => Self::internet(),
            "ephemeral" => Self::ephemeral(),
            _ => {
                let sentence = "preset must be agent, environment, internet or ephemeral";
                return Err(Error::new(Code::InvalidArgument, sentence).with("preset", name));
            }
        };
        base.changed(changes)
    }

    /// These settings, changed by a JSON object. Of `inbox` and `limits` the members that are absent stay as they
    /// are; every other member replaces what was there.
    ///
    /// # Errors
    ///
    /// [`Code::ConfigInvalid`] names the member and what is allowed.
    pub fn changed(mut self, changes: &str) -> Result<Self> {
        let changes = fault::object(changes)?;
        // JSON cannot say every path, so those that are not changed go round it.
        let kept =
            |name: &str, path: &mut Option<PathBuf>| path.take().filter(|_| !changes.contains_key(name));
        let project_dir = kept("project_dir", &mut self.project_dir);
        let preferred_dir = kept("preferred_dir", &mut self.preferred_dir);
        let mut settings = match serde_json::to_value(&self).map_err(|cause| fault::unusable(&cause))? {
            serde_json::Value::Object(members) => members,
            _ => serde_json::Map::new(),
        };
        for (name, value) in changes {
            match (settings.entry(name.as_str()).or_insert(serde_json::Value::Null), value) {
                (serde_json::Value::Object(group), serde_json::Value::Object(members))
                    if ["inbox", "limits"].contains(&name.as_str()) =>
                {
                    group.extend(members);
                }
                (slot, value) => *slot = value,
            }
        }
        let config: Self = fault::read(settings)?;
        let (project_dir, preferred_dir) =
            (project_dir.or(config.project_dir), preferred_dir.or(config.preferred_dir));
        Self { project_dir, preferred_dir, ..config }.validated()
    }

    /// [`NodeConfig::internet`], changed by the `DARKMATTER_*` variables of the process; the table
    /// [`VARIABLES`] lists them.
    ///
    /// # Errors
    ///
    /// [`Code::ConfigInvalid`] names the variable, its value and what is allowed.
    pub fn from_env() -> Result<Self> {
        Self::internet().overlay(&ProcessEnvironment)?.validated()
    }

    /// Checks what types cannot.
    ///
    /// # Errors
    ///
    /// [`Code::ConfigInvalid`] names the member, its value and what is allowed.
    pub fn validated(self) -> Result<Self> {
        validate::validate(&self)?;
        Ok(self)
    }

    /// Who may call `endpoint`.
    pub(crate) fn access(&self, endpoint: Endpoint) -> Access {
        // The local API never opens: a typing error must not give a stranger the inbox.
        match self.access_overrides.get(endpoint.name()) {
            Some(name) if endpoint.access() != Access::Local => (*name).into(),
            _ => endpoint.access(),
        }
    }

    /// The endpoints of the local API that `access_overrides` would open, in vain.
    pub(crate) fn vain_overrides(&self) -> impl Iterator<Item = &'static str> {
        Endpoint::ALL
            .iter()
            .filter(|endpoint| endpoint.access() == Access::Local)
            .map(|endpoint| endpoint.name())
            .filter(|name| self.access_overrides.get(*name).is_some_and(|given| *given != AccessName::Local))
    }

    pub(crate) fn bind_address(&self) -> SocketAddr {
        SocketAddr::new(self.host, self.port)
    }

    pub(crate) fn outbox_expiry(&self) -> Duration {
        Duration::from_secs(self.outbox_expiry_secs)
    }

    pub(crate) fn request_expiry(&self) -> Duration {
        Duration::from_secs(self.request_expiry_secs)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_member_of_the_wrong_type_is_named() {
        for (member, value) in
            [("port", "\"8100\""), ("host", "\"localhost\""), ("discovery", "true"), ("limits", "7")]
        {
            let text = format!("{{\"display_name\": \"alice\", \"{member}\": {value}}}");
            for refused in [NodeConfig::from_json(&text), NodeConfig::new().changed(&text)] {
                let error = refused.unwrap_err();
                assert_eq!(error.code(), Code::ConfigInvalid);
                let told = error.to_string();
                assert!(told.contains(member) && told.contains(value), "{told}");
            }
        }
        assert!(NodeConfig::from_json(r#"{"port": 1, "port": 2}"#).is_err(), "one member, two values");
    }

    #[test]
    fn changes_replace_members_and_extend_groups() {
        let base =
            NodeConfig { port: 8101, bootstrap_peers: vec!["http://a".into()], ..NodeConfig::default() };
        let changed = base
            .clone()
            .changed(r#"{"display_name": "alice", "inbox": {"notices": 7}, "bootstrap_peers": []}"#)
            .unwrap();
        assert_eq!(changed.port, 8101);
        assert_eq!(changed.display_name.as_deref(), Some("alice"));
        assert_eq!(changed.inbox, InboxLimits { notices: 7, ..base.inbox });
        assert!(changed.bootstrap_peers.is_empty());
    }

    #[test]
    fn changes_that_mean_nothing_are_named() {
        for changes in
            [r#"{"prot": 1}"#, r#"{"port": "x"}"#, r#"{"port": 70000}"#, "[]", "{", r#"{"inbox": {"n": 1}}"#]
        {
            let error = NodeConfig::default().changed(changes).unwrap_err();
            assert_eq!(error.code(), Code::ConfigInvalid, "{changes}");
        }
    }
}
