//! Messages: from another agent to the host, and from the host to other agents.
//!
//! | file | story |
//! |---|---|
//! | [`inbound`] | what becomes of a message whose sender is proven |
//! | [`claims`] | which ids were taken before |
//! | [`inbox`] | durable, at least once, bounded |
//! | [`compose`] | signed and sealed frames for a peer |
//! | [`sealers`] | keys for the next messages |
//! | [`forwarding`] | the same message to others, and to nobody twice |
//! | [`idempotency`] | keys of the host under which a message is sent once |
//! | [`inherit`] | the limits of a message that is sent because of another |
//! | [`outbox`] | what waits for an unreachable peer |
//! | [`receipts`] | what became of a message, on both sides |
//! | [`groups`] | named sets of agents, and conditions that peers meet |
//! | [`prekeys`], [`bundles`] | keys that are destroyed after use: our own, and those of others |
//! | [`mailbox`] | mail that this node keeps for others |
//! | [`rules`], [`rule_book`] | keep, forward, answer or drop; which rules hold |
//! | [`log`] | the newest 500 entries of the conversation |
//! | [`context`] | the log, told to a session |

pub mod bundles;
pub mod cancels;
pub mod claims;
pub mod compose;
pub mod context;
mod delivery;
pub mod forwarding;
pub mod groups;
pub mod idempotency;
pub mod inbound;
pub mod inbox;
pub mod inherit;
pub mod log;
pub mod mailbox;
pub mod outbox;
pub mod prekeys;
pub mod receipts;
pub mod rule_book;
pub mod rules;
pub mod sealers;
pub mod streams;
mod types;

pub use bundles::Bundles;
pub use cancels::{CancelOutcome, Cancellation, CancelledCopy};
pub use delivery::{Custodian, Delivery, DeliveryState, Reason, Receipt};
pub(crate) use delivery::{TAKEN_BACK, THROWN_AWAY, TOO_LATE};
pub use inbox::{Inbox, InboxLimits};
pub use mailbox::{Mailbox, MailboxStatus};
pub use outbox::Outbox;
pub use prekeys::PreKeys;
pub use receipts::{Given, Sent};
pub use rules::{RouterMode, RoutingRule};
pub use sealers::Sealers;
pub use streams::Part;
pub use types::{
    Acknowledged, Filter, Message, MessageEvent, MessageKind, OutboxItem, Verification, body_digest,
};

use std::time::Duration;

/// How long a claimed message id is remembered: longer than any outbox of ours keeps trying (one day), so
/// that the last attempt is still recognised.
pub const CLAIM_LIFETIME: Duration = Duration::from_secs(25 * 3600);
/// How long the ids of agents that sign as 1.1.1 does are remembered. They do not repeat, and a replay
/// is stale after 300 s; twice that covers clocks that are ahead.
pub const CLAIM_LIFETIME_V1: Duration = Duration::from_secs(600);
