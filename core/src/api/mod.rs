//! The facade: the only door the bindings use.
//!
//! ```text
//! node.peers().connect(…)      node.messages().send(…)      node.trust().set(…)
//! node.discovery().scan()      node.passport().sign(…)      node.info() / node.update(…)
//! node.rules().set(…)         node.groups().send(…)
//! ```
//!
//! Every verb is one typed method (one argument struct in, one record out) and one line in the verb table
//! ([`VERBS`]). From the table come [`Node::call`](crate::Node::call), the schema in `include/`, and the methods of every
//! language. [`blocking`] is the synchronous twin.
//!
//! All futures here are cancel-safe: dropping one leaves the node before or after the change, never between.

mod ask;
pub mod blocking;
mod cancel;
mod discovery;
mod forward;
mod groups;
mod inbox;
mod lease;
mod listener;
mod log;
mod messages;
mod node;
mod passport;
mod peers;
mod receipts;
mod rules;
mod schema;
mod streams;
mod trust;
mod verbs;

pub use ask::AskArgs;
pub use cancel::CancelArgs;
pub use discovery::{Discoveries, NoArgs};
pub use forward::ForwardArgs;
pub use groups::{Group, GroupArgs, GroupReceipt, GroupSendArgs, Groups, MembersArgs, SetGroupArgs};
pub use inbox::Inbox;
pub use lease::{Lease, pause_after};
pub use listener::{Heard, Listener};
pub use log::{LogRecord, LogSink, log_to};
pub use messages::{
    BroadcastArgs, ContextArgs, ContextText, LogArgs, Messages, NextArgs, Recipients, ReleaseArgs, Released,
    SendArgs, SequenceArgs,
};
pub use node::{NodeInfo, UpdateArgs};
pub use passport::{SignArgs, Signed, Signing, Verdict, VerifyArgs};
pub use peers::{
    AgentArgs, BlockArgs, ConnectArgs, Connections, DisconnectArgs, PeerHint, PeersOfArgs, RequestArgs,
};
pub use receipts::{GivenReceipt, MessageArgs, NewestArgs, ReceiptVerdict, UntilArgs, VerifyReceiptArgs};
pub use rules::{Fate, Rule, RuleTrial, Rules, RulesArgs, TryArgs};
pub use schema::schema;
pub use streams::{AnswerStream, AskStream, FinishArgs, NextPartArgs, OpenedStream, PartArgs, WrittenPart};
pub use trust::{AskOpinionArgs, Impressions, SetTrustArgs, TrustOf};
pub use verbs::{Done, VERBS, Verb};
