//! The records and settings of discovery.

use std::net::Ipv4Addr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{env::Timestamp, identity::AgentId};

/// How far discovery reaches: the one setting that decides whom it contacts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// Nobody: no socket is opened, nothing is sent.
    Off,
    /// This machine and the local network: loopback scan, multicast, scan of private networks. The default.
    #[default]
    Lan,
    /// Also the bootstrap peers in the settings.
    On,
}

/// Where and how to look.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// How far to look.
    pub mode: Mode,
    /// First port of this machine that is scanned.
    pub first_port: u16,
    /// Last port of this machine that is scanned.
    pub last_port: u16,
    /// The multicast group.
    pub group: Ipv4Addr,
    /// Its UDP port; 0 lets the system choose one, for tests.
    pub group_port: u16,
    /// The addresses of the interfaces to use; absent for every usable one, empty for none.
    pub interfaces: Option<Vec<Ipv4Addr>>,
    /// Base URLs to which a connection is kept, in mode [`Mode::On`].
    pub bootstrap: Vec<String>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            mode: Mode::default(),
            first_port: 8100,
            last_port: 8200,
            group: Ipv4Addr::new(239, 77, 68, 77),
            group_port: 8470,
            interfaces: None,
            bootstrap: Vec::new(),
        }
    }
}

/// How an agent was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum FoundBy {
    /// It announced itself on the local network.
    Multicast,
    /// A scan of this machine.
    Localhost,
    /// A scan of the local network.
    Lan,
    /// A bootstrap peer.
    Bootstrap,
}

/// An agent that can be contacted. Name and bio are what it says of itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Discovered {
    /// Who it says it is; proven only when `signed`.
    pub agent_id: AgentId,
    /// Its base URL, scoped (`…/__darkmatter__/{agent_id}`) when several agents share a port.
    pub url: String,
    /// Its name; empty when it has none.
    pub display_name: String,
    /// Its bio, cut.
    pub bio: String,
    /// Whether it takes connection requests.
    pub accepting: bool,
    /// How it was found.
    pub source: FoundBy,
    /// Whether it signed what it says. A scan result is only a claim.
    pub signed: bool,
    /// When it was last seen.
    pub seen_at: Timestamp,
}

/// What discovery tells the node.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Finding {
    /// An agent is new, or reachable elsewhere than before.
    Agent(Discovered),
    /// It is time to ask this bootstrap peer for a connection; report the result to
    /// [`Discovery::bootstrap_result`](super::Discovery::bootstrap_result).
    BootstrapDue {
        /// Its base URL, as in the settings.
        base: String,
    },
}

/// What a node says of itself on the local network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Announcement {
    /// Its id.
    pub agent_id: AgentId,
    /// Its name; empty when it has none.
    pub display_name: String,
    /// Its bio; cut when sent.
    pub bio: String,
    /// The port of its HTTP transport.
    pub port: u16,
    /// Whether others listen there, too.
    pub shares_port: bool,
    /// Whether it is active.
    pub active: bool,
    /// Whether it takes connection requests.
    pub accepting: bool,
}
