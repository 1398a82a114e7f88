//! What verbs take.
//!
//! Made by `cargo xtask gen` from the schema; do not edit.

use serde::Serialize;

use super::records::{DeliveryState, GroupMode, MessageKind};
use super::settings::RoutingRule;
use crate::plain::{AgentId, Json, Timestamp, finite};

/// An agent.
#[derive(Clone, Debug, PartialEq, Serialize, uniffi::Record)]
pub struct AgentArgs {
    /// Who.
    pub agent: AgentId,
}

/// A question.
#[derive(Clone, Debug, PartialEq, Serialize, uniffi::Record)]
pub struct AskArgs {
    /// Whom to ask: a connected or pending peer.
    pub to: AgentId,
    /// 1 to 65,536 characters.
    pub content: String,
    /// What it may cost, an amount and a unit such as `12.5 usd`. Whoever passes it on may only lower that; who
    /// spends it is the affair of hosts.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[uniffi(default = None)]
    pub budget: Option<String>,
    /// The `sequence` of a message of the inbox because of which this one is asked, as in `messages.send`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[uniffi(default = None)]
    pub caused_by: Option<u64>,
    /// When the message is over, wherever it is then: nobody sends, takes, hands out or forwards it any more. In
    /// microseconds since 1970.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[uniffi(default = None)]
    pub deadline: Option<Timestamp>,
    /// A name of the host for this question, as in `messages.send`: asked again, it waits for the answer to the
    /// first one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[uniffi(default = None)]
    pub idempotency_key: Option<String>,
    /// The message this one answers.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[uniffi(default = None)]
    pub in_reply_to: Option<String>,
    /// What travels along: a JSON object of at most 64 KiB.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[uniffi(default = None)]
    pub metadata: Option<Json>,
    /// What was spent of the budget of that message already: a decimal as text.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[uniffi(default = None)]
    pub spend: Option<String>,
    /// How long to wait for the answer, in seconds; absent for as long as it takes.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "finite")]
    #[uniffi(default = None)]
    pub timeout_secs: Option<f64>,
    /// Which trace it belongs to, as the header of that name in W3C Trace Context.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[uniffi(default = None)]
    pub traceparent: Option<String>,
    /// What the tracing systems say about that, as the header of that name.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[uniffi(default = None)]
    pub tracestate: Option<String>,
}

/// Whom to ask about whom.
#[derive(Clone, Debug, PartialEq, Serialize, uniffi::Record)]
pub struct AskOpinionArgs {
    /// A connected peer.
    pub peer: AgentId,
    /// The agent that it is asked about.
    pub about: AgentId,
}

/// Whom to have nothing to do with.
#[derive(Clone, Debug, PartialEq, Serialize, uniffi::Record)]
pub struct BlockArgs {
    /// Who; it need not be connected.
    pub agent: AgentId,
    /// Why, for people here: 1 to 200 characters. Nobody else is told.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[uniffi(default = None)]
    pub reason: Option<String>,
}

/// A status broadcast.
#[derive(Clone, Debug, PartialEq, Serialize, uniffi::Record)]
pub struct BroadcastArgs {
    /// 1 to 65,536 characters.
    pub content: String,
    /// What travels along.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[uniffi(default = None)]
    pub metadata: Option<Json>,
    /// Only to this many most trusted peers. Default: to all.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[uniffi(default = None)]
    pub top: Option<u32>,
}

/// A message to take back.
#[derive(Clone, Debug, PartialEq, Serialize, uniffi::Record)]
pub struct CancelArgs {
    /// Its id, as its receipt names it.
    pub message_id: String,
    /// Why, for the other side: at most 500 characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[uniffi(default = None)]
    pub reason: Option<String>,
}

/// Whom to connect to.
#[derive(Clone, Debug, PartialEq, Serialize, uniffi::Record)]
pub struct ConnectArgs {
    /// Where: a base URL (`http://host:port`), also with `/mcp`, `/__darkmatter__` or the agent's scope behind
    /// it. Or an agent id, as `peers.of` gives it: then the request goes through the peers of this node, and
    /// theirs.
    pub url: String,
    /// Fail unless this agent answers there.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[uniffi(default = None)]
    pub expect: Option<AgentId>,
}

/// Whose context.
#[derive(Clone, Debug, PartialEq, Serialize, uniffi::Record)]
pub struct ContextArgs {
    /// A name for the reader: it is told only what is new since it last asked.
    pub session: String,
}

/// Which connection to end.
#[derive(Clone, Debug, PartialEq, Serialize, uniffi::Record)]
pub struct DisconnectArgs {
    /// Who.
    pub agent: AgentId,
    /// Why, for the peer and the log: 1 to 200 characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[uniffi(default = None)]
    pub reason: Option<String>,
}

/// The end of an answer.
#[derive(Clone, Debug, PartialEq, Serialize, uniffi::Record)]
pub struct FinishArgs {
    /// Who asked.
    pub to: AgentId,
    /// The question.
    pub in_reply_to: String,
    /// The last part, when there is one more.
    #[uniffi(default = "")]
    pub content: String,
    /// What travels along: a JSON object of at most 64 KiB.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[uniffi(default = None)]
    pub metadata: Option<Json>,
    /// How long this call waits for the first attempt, in seconds. Default: 10.
    #[serde(serialize_with = "finite")]
    #[uniffi(default = 10.0)]
    pub timeout_secs: f64,
}

/// A message of the inbox to pass on.
#[derive(Clone, Debug, PartialEq, Serialize, uniffi::Record)]
pub struct ForwardArgs {
    /// To whom: connected or pending peers that do not have it, at most 8 for one message.
    pub to: Vec<AgentId>,
    /// A lower budget, an amount and the unit that it has, such as `2.5 usd`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[uniffi(default = None)]
    pub budget: Option<String>,
    /// An earlier deadline, in microseconds since 1970.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[uniffi(default = None)]
    pub deadline: Option<Timestamp>,
    /// Also to those who have it, as far as is known here, but never to its author. Default: false.
    #[uniffi(default = false)]
    pub force: bool,
    /// Whether it stays in the inbox. Else it is over as soon as one of them has it. Default: false.
    #[uniffi(default = false)]
    pub keep: bool,
    /// The id of the message, instead of its `sequence`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[uniffi(default = None)]
    pub message_id: Option<String>,
    /// Something to say about it, at most 1,000 characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[uniffi(default = None)]
    pub note: Option<String>,
    /// The `sequence` of the message; or say its `message_id`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[uniffi(default = None)]
    pub sequence: Option<u64>,
    /// How long this call waits for the first attempts, in seconds. Default: 10.
    #[serde(serialize_with = "finite")]
    #[uniffi(default = 10.0)]
    pub timeout_secs: f64,
}

/// A group.
#[derive(Clone, Debug, PartialEq, Serialize, uniffi::Record)]
pub struct GroupArgs {
    /// Its name.
    pub name: String,
}

/// A message for a group.
#[derive(Clone, Debug, PartialEq, Serialize, uniffi::Record)]
pub struct GroupSendArgs {
    /// 1 to 65,536 characters.
    pub content: String,
    /// How long it waits for an unreachable peer, in seconds, at most 86,400. Default: the setting
    /// `outbox_expiry_secs`.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "finite")]
    #[uniffi(default = None)]
    pub expires_in_secs: Option<f64>,
    /// The name of a group.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[uniffi(default = None)]
    pub group: Option<String>,
    /// How often it may be forwarded, 0 to 50. Default: 10.
    #[uniffi(default = 10)]
    pub hops: u32,
    /// The message this one answers.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[uniffi(default = None)]
    pub in_reply_to: Option<String>,
    /// What they must be: alone, all peers that match; beside a group or a list, those of it that match. Its
    /// members, all of which must hold: `capabilities`, an object of what a peer offers (null takes any value,
    /// another one must be equal or, when the peer offers a list, in it); `text` in its name or bio, in any
    /// letter case; `min_score`, what we think of it at least, -1 to 1, where unknown agents have 0; `reachable`,
    /// true for those that answered when we last tried.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[uniffi(default = None)]
    pub r#match: Option<Json>,
    /// What travels along: a JSON object of at most 64 KiB.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[uniffi(default = None)]
    pub metadata: Option<Json>,
    /// `all` or `any`. Default: `all`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[uniffi(default = None)]
    pub mode: Option<GroupMode>,
    /// How long this call waits for each first attempt, in seconds. Default: 10.
    #[serde(serialize_with = "finite")]
    #[uniffi(default = 10.0)]
    pub timeout_secs: f64,
    /// A list of agents.
    #[uniffi(default = [])]
    pub to: Vec<AgentId>,
}

/// Which entries of the conversation log.
#[derive(Clone, Debug, PartialEq, Serialize, uniffi::Record)]
pub struct LogArgs {
    /// At most this many, the newest. Default: 50.
    #[uniffi(default = 50)]
    pub limit: u64,
}

/// Which agents: a group, a list, or all peers that match. With a match beside it, only those of the group or the
/// list that match.
#[derive(Clone, Debug, PartialEq, Serialize, uniffi::Record)]
pub struct MembersArgs {
    /// The name of a group.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[uniffi(default = None)]
    pub group: Option<String>,
    /// What they must be, as in `groups.send`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[uniffi(default = None)]
    pub r#match: Option<Json>,
    /// A list of agents.
    #[uniffi(default = [])]
    pub to: Vec<AgentId>,
}

/// A message that was sent.
#[derive(Clone, Debug, PartialEq, Serialize, uniffi::Record)]
pub struct MessageArgs {
    /// Its id, as its receipt names it.
    pub message_id: String,
}

/// How many.
#[derive(Clone, Debug, PartialEq, Serialize, uniffi::Record)]
pub struct NewestArgs {
    /// At most this many, the newest; 1 to 10,000. Default: 50.
    #[uniffi(default = 50)]
    pub limit: u64,
}

/// Which message to wait for.
#[derive(Clone, Debug, PartialEq, Serialize, uniffi::Record)]
pub struct NextArgs {
    /// Only from these agents; empty for all.
    #[uniffi(default = [])]
    pub from: Vec<AgentId>,
    /// Only answers to this message.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[uniffi(default = None)]
    pub in_reply_to: Option<String>,
    /// Only these kinds; empty for all.
    #[uniffi(default = [])]
    pub kinds: Vec<MessageKind>,
    /// How long to wait, in seconds; absent for as long as it takes, 0 for not at all.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "finite")]
    #[uniffi(default = None)]
    pub timeout_secs: Option<f64>,
}

/// Which part of which stream.
#[derive(Clone, Debug, PartialEq, Serialize, uniffi::Record)]
pub struct NextPartArgs {
    /// The stream, as `messages.ask_stream` named it.
    pub stream_id: String,
    /// The number of the part; those before it are let go. Default: the one after the last that was handed out.
    /// Whoever may lose a result on the way names it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[uniffi(default = None)]
    pub number: Option<u64>,
}

/// A part of an answer.
#[derive(Clone, Debug, PartialEq, Serialize, uniffi::Record)]
pub struct PartArgs {
    /// Who asked.
    pub to: AgentId,
    /// The question, which this program has in its hands.
    pub in_reply_to: String,
    /// At least 1 character; an answer has at most 65,536 in all, and 16,384 parts.
    pub content: String,
}

/// Whose peers to ask for.
#[derive(Clone, Debug, PartialEq, Serialize, uniffi::Record)]
pub struct PeersOfArgs {
    /// A connected peer.
    pub agent: AgentId,
    /// How many, 1 to 50. Default: 10.
    #[uniffi(default = 10)]
    pub n: u32,
}

/// A message to give back.
#[derive(Clone, Debug, PartialEq, Serialize, uniffi::Record)]
pub struct ReleaseArgs {
    /// Its `sequence`.
    pub sequence: u64,
    /// When it may be handed out again, in seconds from now. Default: 0.
    #[serde(serialize_with = "finite")]
    #[uniffi(default = 0.0)]
    pub delay_secs: f64,
}

/// A pending request.
#[derive(Clone, Debug, PartialEq, Serialize, uniffi::Record)]
pub struct RequestArgs {
    /// Its id, from `peers.pending` or the event.
    pub request_id: String,
}

/// All rules from now on.
#[derive(Clone, Debug, PartialEq, Serialize, uniffi::Record)]
pub struct RulesArgs {
    /// At most 256 rules; none removes all.
    pub rules: Vec<RoutingRule>,
}

/// A message to send.
#[derive(Clone, Debug, PartialEq, Serialize, uniffi::Record)]
pub struct SendArgs {
    /// To whom: connected or pending peers.
    pub to: Vec<AgentId>,
    /// 1 to 65,536 characters.
    pub content: String,
    /// What it may cost, an amount and a unit such as `12.5 usd`. Whoever passes it on may only lower that; who
    /// spends it is the affair of hosts.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[uniffi(default = None)]
    pub budget: Option<String>,
    /// The `sequence` of a message of the inbox because of which this one is sent, an answer for example: it gets
    /// one hop less than that, what is left of its deadline and budget, and a new span of its trace. The members
    /// above may only tighten that.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[uniffi(default = None)]
    pub caused_by: Option<u64>,
    /// When the message is over, wherever it is then: nobody sends, takes, hands out or forwards it any more. In
    /// microseconds since 1970.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[uniffi(default = None)]
    pub deadline: Option<Timestamp>,
    /// How long it waits for an unreachable peer, in seconds, at most 86,400. Default: the setting
    /// `outbox_expiry_secs`.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "finite")]
    #[uniffi(default = None)]
    pub expires_in_secs: Option<f64>,
    /// How often it may be forwarded, 0 to 50. Default: 10.
    #[uniffi(default = 10)]
    pub hops: u32,
    /// A name of the host for this call, 1 to 128 characters. The same call with the same name sends nothing
    /// again, also after a crash, and gives the receipt of the first one. It is kept for 25 hours after the
    /// message expires.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[uniffi(default = None)]
    pub idempotency_key: Option<String>,
    /// The message this one answers.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[uniffi(default = None)]
    pub in_reply_to: Option<String>,
    /// What travels along: a JSON object of at most 64 KiB. Its `type` may mean something to the other node: a
    /// `broadcast` is logged there and not handed out.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[uniffi(default = None)]
    pub metadata: Option<Json>,
    /// What was spent of the budget of that message already: a decimal as text.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[uniffi(default = None)]
    pub spend: Option<String>,
    /// How long this call waits for the first attempts, in seconds. Default: 10. Whatever has not answered by
    /// then is `stored`.
    #[serde(serialize_with = "finite")]
    #[uniffi(default = 10.0)]
    pub timeout_secs: f64,
    /// Which trace it belongs to, as the header of that name in W3C Trace Context.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[uniffi(default = None)]
    pub traceparent: Option<String>,
    /// What the tracing systems say about that, as the header of that name.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[uniffi(default = None)]
    pub tracestate: Option<String>,
}

/// A message of the inbox.
#[derive(Clone, Debug, PartialEq, Serialize, uniffi::Record)]
pub struct SequenceArgs {
    /// Its `sequence`.
    pub sequence: u64,
}

/// A group to make or to change.
#[derive(Clone, Debug, PartialEq, Serialize, uniffi::Record)]
pub struct SetGroupArgs {
    /// Its name, 1 to 128 characters. A group of that name is replaced.
    pub name: String,
    /// 1 to 256 agents. They need not be peers yet.
    pub members: Vec<AgentId>,
}

/// What to think of an agent.
#[derive(Clone, Debug, PartialEq, Serialize, uniffi::Record)]
pub struct SetTrustArgs {
    /// Of whom; it need not be connected.
    pub agent: AgentId,
    /// −1 (distrust) to 1 (trust).
    #[serde(serialize_with = "finite")]
    pub score: f64,
    /// Why, at most 2,000 characters. Absent keeps the note.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[uniffi(default = None)]
    pub note: Option<String>,
}

/// What to sign.
#[derive(Clone, Debug, PartialEq, Serialize, uniffi::Record)]
pub struct SignArgs {
    /// The text; at most 1 MiB. Encode bytes as base64 or hexadecimal first.
    pub data: String,
    /// What the signature is for, at most 200 characters: a signature for one purpose is none for another.
    #[uniffi(default = "")]
    pub context: String,
}

/// A message to try the rules with.
#[derive(Clone, Debug, PartialEq, Serialize, uniffi::Record)]
pub struct TryArgs {
    /// The text, at most 65,536 characters.
    pub content: String,
    /// Who would send it.
    pub from: AgentId,
    /// Its metadata; `in_reply_to` in it makes it an answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[uniffi(default = None)]
    pub metadata: Option<Json>,
}

/// How far a message shall come.
#[derive(Clone, Debug, PartialEq, Serialize, uniffi::Record)]
pub struct UntilArgs {
    /// Its id, as its receipt names it.
    pub message_id: String,
    /// `accepted`, `delivered`, `handled` or `answered`.
    pub state: DeliveryState,
    /// How long to wait, in seconds; absent for as long as it takes, 0 for not at all.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "finite")]
    #[uniffi(default = None)]
    pub timeout_secs: Option<f64>,
}

/// What to change about a node. Absent members stay as they are.
#[derive(Clone, Debug, PartialEq, Serialize, uniffi::Record)]
pub struct UpdateArgs {
    /// False answers messages and requests with 503 until it is true again; not kept over a restart.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[uniffi(default = None)]
    pub active: Option<bool>,
    /// At most 1,000 characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[uniffi(default = None)]
    pub bio: Option<String>,
    /// 1 to 100 characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[uniffi(default = None)]
    pub display_name: Option<String>,
}

/// A signature to check.
#[derive(Clone, Debug, PartialEq, Serialize, uniffi::Record)]
pub struct VerifyArgs {
    /// Who is said to have signed.
    pub agent: AgentId,
    /// The text.
    pub data: String,
    /// Ed25519, 128 hexadecimal digits.
    pub signature: String,
    /// What the signature is for.
    #[uniffi(default = "")]
    pub context: String,
}

/// A receipt to check.
#[derive(Clone, Debug, PartialEq, Serialize, uniffi::Record)]
pub struct VerifyReceiptArgs {
    /// The text that stands in `proof`, or in what `messages.receipts` lists.
    pub receipt: String,
    /// What the message is said to say, to check that, too.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[uniffi(default = None)]
    pub content: Option<String>,
    /// The message it answered; counts with `content`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[uniffi(default = None)]
    pub in_reply_to: Option<String>,
    /// What travelled along; counts with `content`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[uniffi(default = None)]
    pub metadata: Option<Json>,
}
