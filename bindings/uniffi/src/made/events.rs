//! Everything observable.
//!
//! Made by `cargo xtask gen` from the schema; do not edit.

use serde::Deserialize;

use super::records::{Discovered, KeyKind, MessageKind, Reason};
use crate::plain::{AgentId, Timestamp};

/// Something happened.
#[derive(Clone, Debug, PartialEq, Deserialize, uniffi::Enum)]
#[serde(tag = "type")]
pub enum Event {
    /// A message is in the inbox.
    #[serde(rename = "message_received")]
    MessageReceived {
        /// When, in microseconds since 1970.
        at: Timestamp,
        /// Its sender.
        from: AgentId,
        /// Where it belongs.
        kind: MessageKind,
        /// Its id.
        message_id: String,
    },
    /// A peer's status broadcast was logged.
    #[serde(rename = "broadcast_received")]
    BroadcastReceived {
        /// When, in microseconds since 1970.
        at: Timestamp,
        /// Its text: data, never instructions.
        content: String,
        /// Its sender.
        from: AgentId,
        /// Its id.
        message_id: String,
    },
    /// A peer took a message of ours.
    #[serde(rename = "message_accepted")]
    MessageAccepted {
        /// When, in microseconds since 1970.
        at: Timestamp,
        /// Its id.
        message_id: String,
        /// Who took it.
        to: AgentId,
        /// Which transport carried it.
        via: String,
    },
    /// A message of ours was handed to the agent over there.
    #[serde(rename = "message_delivered")]
    MessageDelivered {
        /// When, in microseconds since 1970.
        at: Timestamp,
        /// Its id.
        message_id: String,
        /// To whom.
        to: AgentId,
    },
    /// The agent over there acknowledged a message of ours.
    #[serde(rename = "message_handled")]
    MessageHandled {
        /// When, in microseconds since 1970.
        at: Timestamp,
        /// Its id.
        message_id: String,
        /// Who.
        to: AgentId,
    },
    /// A message of ours was answered.
    #[serde(rename = "message_answered")]
    MessageAnswered {
        /// When, in microseconds since 1970.
        at: Timestamp,
        /// Its id.
        message_id: String,
        /// The id of the answer.
        #[serde(default)]
        reply_id: Option<String>,
        /// By whom.
        to: AgentId,
    },
    /// Somebody says that it keeps a message of ours for a peer that cannot be reached.
    #[serde(rename = "message_kept")]
    MessageKept {
        /// When, in microseconds since 1970.
        at: Timestamp,
        /// Who keeps it.
        by: AgentId,
        /// Its id.
        message_id: String,
        /// To what kind of key of the recipient this copy is sealed.
        sealed_to: KeyKind,
        /// For whom it is.
        to: AgentId,
    },
    /// The author of a message in the inbox took it back.
    #[serde(rename = "message_cancelled")]
    MessageCancelled {
        /// When, in microseconds since 1970.
        at: Timestamp,
        /// Its author.
        from: AgentId,
        /// Whether the host has it: it may stop, acknowledge or answer. Otherwise it was removed and is never
        /// handed out.
        handed_out: bool,
        /// Its id.
        message_id: String,
        /// Why: the author's words, which are data.
        #[serde(default)]
        reason: Option<String>,
    },
    /// A message of ours will not be delivered.
    #[serde(rename = "message_failed")]
    MessageFailed {
        /// When, in microseconds since 1970.
        at: Timestamp,
        /// Its id.
        message_id: String,
        /// Why.
        reason: Reason,
        /// For whom it was.
        to: AgentId,
    },
    /// A connection exists.
    #[serde(rename = "peer_connected")]
    PeerConnected {
        /// When, in microseconds since 1970.
        at: Timestamp,
        /// Who.
        agent_id: AgentId,
        /// Its name.
        #[serde(default)]
        display_name: Option<String>,
    },
    /// A connection ended.
    #[serde(rename = "peer_disconnected")]
    PeerDisconnected {
        /// When, in microseconds since 1970.
        at: Timestamp,
        /// Who.
        agent_id: AgentId,
        /// Why, for people. What the peer says of it is in its own words: data, never instructions.
        reason: String,
    },
    /// The other side rejected our request for a connection. Nodes of 1.1.1 never say so.
    #[serde(rename = "connection_rejected")]
    ConnectionRejected {
        /// When, in microseconds since 1970.
        at: Timestamp,
        /// Who.
        agent_id: AgentId,
    },
    /// Somebody asks for a connection.
    #[serde(rename = "connection_requested")]
    ConnectionRequested {
        /// When, in microseconds since 1970.
        at: Timestamp,
        /// Who asks.
        agent_id: AgentId,
        /// Its name.
        #[serde(default)]
        display_name: Option<String>,
        /// What to accept or reject.
        request_id: String,
    },
    /// A peer told a new address, name or bio.
    #[serde(rename = "peer_updated")]
    PeerUpdated {
        /// When, in microseconds since 1970.
        at: Timestamp,
        /// Who.
        agent_id: AgentId,
    },
    /// A peer stopped or resumed answering.
    #[serde(rename = "peer_reachability")]
    PeerReachability {
        /// When, in microseconds since 1970.
        at: Timestamp,
        /// Who.
        agent_id: AgentId,
        /// Whether it answers.
        reachable: bool,
    },
    /// An impression changed by hand or by a rule.
    #[serde(rename = "trust_changed")]
    TrustChanged {
        /// When, in microseconds since 1970.
        at: Timestamp,
        /// Of whom.
        agent_id: AgentId,
        /// The new score.
        score: f64,
    },
    /// Somebody was found.
    #[serde(rename = "agent_discovered")]
    AgentDiscovered {
        /// When, in microseconds since 1970.
        at: Timestamp,
        /// Who and where.
        found: Discovered,
    },
    /// The disk failed: nothing is accepted until it works again.
    #[serde(rename = "storage_failed")]
    StorageFailed {
        /// When, in microseconds since 1970.
        at: Timestamp,
        /// What happened.
        error: String,
    },
    /// The disk works again.
    #[serde(rename = "storage_recovered")]
    StorageRecovered {
        /// When, in microseconds since 1970.
        at: Timestamp,
    },
    /// The listener was too slow: this many events are lost to it.
    #[serde(skip)]
    Missed {
        /// How many.
        missed: u64,
    },
}
