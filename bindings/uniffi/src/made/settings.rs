//! The settings of a node.
//!
//! Made by `cargo xtask gen` from the schema; do not edit.

use std::collections::HashMap;

use serde::Serialize;

use super::records::{
    AccessName, AutoAccept, Durability, Loopback, Mode, NetworkTier, RouterMode, RuleAction, Sharing,
};
use crate::plain::{AgentId, Json};

/// How full the inbox may get.
#[derive(Clone, Debug, PartialEq, Serialize, uniffi::Record)]
pub struct InboxLimits {
    /// Content of all messages, in bytes; a quarter at most for one peer or all strangers. Default: 32 MiB.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[uniffi(default = None)]
    pub bytes: Option<u64>,
    /// Notices of the node itself; a new one replaces the oldest, handed out or not. Default: 50.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[uniffi(default = None)]
    pub notices: Option<u64>,
    /// Messages of connected peers together. Default: 1,000.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[uniffi(default = None)]
    pub peers: Option<u64>,
    /// Messages of one connected peer. Default: 250.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[uniffi(default = None)]
    pub per_peer: Option<u64>,
    /// Messages of one stranger. Default: 5.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[uniffi(default = None)]
    pub per_stranger: Option<u64>,
    /// Messages of strangers together. Default: 50.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[uniffi(default = None)]
    pub strangers: Option<u64>,
}

/// Requests a minute, and connections at once. `null` means no limit.
#[derive(Clone, Debug, PartialEq, Serialize, uniffi::Record)]
pub struct Limits {
    /// Connections that one source may hold at once; one more is answered 429. In a node all sources together
    /// have 1,024, whatever this says.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[uniffi(default = None)]
    pub connections_per_source: Option<u32>,
    /// Whether sources on this machine are limited like others, in requests of strangers and in connections.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[uniffi(default = None)]
    pub loopback: Option<Loopback>,
    /// For each connected peer, unless it has a limit of its own.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[uniffi(default = None)]
    pub peer: Option<u32>,
    /// For the pings of each source, which count nowhere else.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[uniffi(default = None)]
    pub ping: Option<u32>,
    /// For each source address that has not proven to be a connected peer.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[uniffi(default = None)]
    pub stranger_per_source: Option<u32>,
    /// For all such sources together.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[uniffi(default = None)]
    pub strangers_total: Option<u32>,
}

/// One rule. Conditions that are absent hold for every message; those present must all hold.
#[derive(Clone, Debug, PartialEq, Serialize, uniffi::Record)]
pub struct RoutingRule {
    /// Its name.
    pub rule_id: String,
    /// What happens when it matches.
    pub action: RuleAction,
    /// Whether it is tried at all.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[uniffi(default = None)]
    pub enabled: Option<bool>,
    /// Who gets a forwarded message.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[uniffi(default = None)]
    pub forward_to: Option<Vec<AgentId>>,
    /// Who sent the message.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[uniffi(default = None)]
    pub from_agent_id: Option<AgentId>,
    /// Text that the content contains, in any letter case.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[uniffi(default = None)]
    pub keyword: Option<String>,
    /// A metadata key that is present, with any value unless `metadata_value` is given.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[uniffi(default = None)]
    pub metadata_key: Option<String>,
    /// The text form of the value under `metadata_key`; means nothing without a key.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[uniffi(default = None)]
    pub metadata_value: Option<String>,
    /// Higher is tried first.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[uniffi(default = None)]
    pub priority: Option<i64>,
    /// What `answer` says, 1 to 4,000 characters; nothing to other actions, and to 1.1.1.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[uniffi(default = None)]
    pub response_text: Option<String>,
}

/// The settings of a node. What is absent stays as the preset has it.
#[derive(Clone, Debug, PartialEq, Serialize, uniffi::Record)]
pub struct Settings {
    /// Who may call an endpoint, where that differs from the default.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[uniffi(default = None)]
    pub access_overrides: Option<HashMap<String, AccessName>>,
    /// Whose requests are accepted without asking. Default: `loopback`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[uniffi(default = None)]
    pub auto_accept: Option<AutoAccept>,
    /// What peers read about the agent, at most 1,000 characters. Default: the stored one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[uniffi(default = None)]
    pub bio: Option<String>,
    /// Be an entry node: accept everybody, answer root paths too. Default: false.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[uniffi(default = None)]
    pub bootstrap_mode: Option<bool>,
    /// Base URLs of entry nodes. Default: none.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[uniffi(default = None)]
    pub bootstrap_peers: Option<Vec<String>>,
    /// What the agent offers beyond the mesh, told to peers in the handshake: a small JSON object.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[uniffi(default = None)]
    pub capabilities: Option<Json>,
    /// Whether the node looks for others. Default: `off`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[uniffi(default = None)]
    pub discovery: Option<Mode>,
    /// The loopback ports that discovery scans, first and last. Default: 8100 to 8200.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[uniffi(default = None)]
    pub discovery_ports: Option<Vec<u16>>,
    /// The name peers see, at most 100 characters. Default: the stored one, else a random one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[uniffi(default = None)]
    pub display_name: Option<String>,
    /// What a resolved commit promises. Default: `grouped`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[uniffi(default = None)]
    pub durability: Option<Durability>,
    /// Keep nothing on disk: a fresh identity that ends with the process. Default: false.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[uniffi(default = None)]
    pub ephemeral: Option<bool>,
    /// The address to listen at. Default: `127.0.0.1`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[uniffi(default = None)]
    pub host: Option<String>,
    /// Whether to listen and dial over HTTP at all. Default: true.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[uniffi(default = None)]
    pub http: Option<bool>,
    /// How full the inbox may get.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[uniffi(default = None)]
    pub inbox: Option<InboxLimits>,
    /// Rate limits.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[uniffi(default = None)]
    pub limits: Option<Limits>,
    /// Keep mail for peers that ask for it while they are away, and say so to all. Default: false.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[uniffi(default = None)]
    pub mailbox: Option<bool>,
    /// How long a message waits for its recipient itself, in seconds, before others are asked to keep it, too.
    /// Default: 60.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[uniffi(default = None)]
    pub mailbox_after_secs: Option<u64>,
    /// Most connections. Default: 50.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[uniffi(default = None)]
    pub max_connections: Option<u64>,
    /// Whether the nodes of this process that say so too reach each other without a socket, at `memory://agent-`
    /// and the first 32 digits of the agent id. Default: false.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[uniffi(default = None)]
    pub memory: Option<bool>,
    /// How long negative trust may last before the peer is disconnected, in seconds. Default: 3,600.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[uniffi(default = None)]
    pub negative_trust_secs: Option<u64>,
    /// Which addresses the node talks to. Default: `lan` (loopback and private networks).
    #[serde(skip_serializing_if = "Option::is_none")]
    #[uniffi(default = None)]
    pub network_tier: Option<NetworkTier>,
    /// How long a message waits for an unreachable peer, in seconds, when the sender gives no time. Default:
    /// 86,400.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[uniffi(default = None)]
    pub outbox_expiry_secs: Option<u64>,
    /// Most messages that wait for unreachable peers; those being sent at the moment may be as many again.
    /// Default: 10,000.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[uniffi(default = None)]
    pub outbox_limit: Option<u64>,
    /// How often an idle peer is pinged, in seconds; 0 for never. Default: 20, so that silence is found within 30
    /// s: a ping may take 4 s, and a second one follows it after 1 s.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[uniffi(default = None)]
    pub ping_interval_secs: Option<u64>,
    /// How long the host's policy may think, in milliseconds. Default: 2,000.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[uniffi(default = None)]
    pub policy_timeout_ms: Option<u64>,
    /// The port to listen at; 0 lets the system choose. Default: 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[uniffi(default = None)]
    pub port: Option<u16>,
    /// What `DARKMATTER_PROJECT_DIR` names: this folder if it has a passport, else the nearest one from the
    /// current folder upwards that has; a new passport goes here. `project_dir` wins over it. Default: none.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[uniffi(default = None)]
    pub preferred_dir: Option<String>,
    /// The folder whose `.darkmatter` holds passport and database. Default: the nearest folder, from the current
    /// one upwards, that has a passport; else the current one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[uniffi(default = None)]
    pub project_dir: Option<String>,
    /// The base URL that others reach this node at, when that differs from where it listens.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[uniffi(default = None)]
    pub public_url: Option<String>,
    /// Tell senders what becomes of their messages, and take such receipts. Default: true.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[uniffi(default = None)]
    pub receipts: Option<bool>,
    /// How long a request may wait for a decision, in seconds. Default: 3,600.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[uniffi(default = None)]
    pub request_expiry_secs: Option<u64>,
    /// How routing rules and the queue work together. Default: `spawn` (rules, then queue).
    #[serde(skip_serializing_if = "Option::is_none")]
    #[uniffi(default = None)]
    pub router_mode: Option<RouterMode>,
    /// Rules for incoming messages.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[uniffi(default = None)]
    pub routing_rules: Option<Vec<RoutingRule>>,
    /// Seal message bodies for peers that can open them. Default: true.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[uniffi(default = None)]
    pub seal: Option<bool>,
    /// Of how many sent copies the node remembers what became of them, beside those that wait. Default: 1,000.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[uniffi(default = None)]
    pub sent_limit: Option<u64>,
    /// Who is told what we think of others: `connected` peers (the default), `trusted` ones (score above 0), or
    /// `none`. Nobody is told about itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[uniffi(default = None)]
    pub share_impressions: Option<Sharing>,
    /// Who is told the notes along. 1.1.1 signs no question, so with the default, `trusted`, it hears none.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[uniffi(default = None)]
    pub share_notes: Option<Sharing>,
    /// Whether other nodes of this process may listen at the same host and port: those that say so too. Each has
    /// a place below it, `/agents/` and its id, and tells peers that. Default: false.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[uniffi(default = None)]
    pub shared_port: Option<bool>,
    /// Proxies whose `X-Forwarded-For` is believed. Default: none.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[uniffi(default = None)]
    pub trusted_proxies: Option<Vec<String>>,
    /// Ask the router for a port mapping when the tier is `global` and no public URL is set. Default: false.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[uniffi(default = None)]
    pub upnp: Option<bool>,
    /// Let peers that keep mail keep ours: leave our pre-keys with them, and messages for those who left theirs.
    /// Only with `seal`. Default: true.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[uniffi(default = None)]
    pub use_mailboxes: Option<bool>,
}
