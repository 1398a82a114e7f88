//! How far a copy of a sent message came: the ladder, why it ended, who says so, and the receipt of a send.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    env::Timestamp,
    error::Code,
    identity::AgentId,
    wire::{
        prekeys::KeyKind,
        receipt::{ReceiptState, ReceiptText, SignedReceipt},
    },
};

/// What is known about one copy of a sent message: a ladder from `stored` to `answered`, and below it the ends that are none
/// of its steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum DeliveryState {
    /// It will not be delivered; the reason says why.
    Failed,
    /// It waited for the peer, or for the agent over there, as long as it was allowed to.
    Expired,
    /// The peer does not take it; the reason has its words.
    Refused,
    /// On our disk; the peer has not answered yet. The node keeps trying until the message expires.
    Stored,
    /// The peer answered that it took the message. A peer of our kind answers only after its disk has it.
    Accepted,
    /// Handed to the agent over there.
    Delivered,
    /// The agent over there acknowledged it.
    Handled,
    /// The agent over there answered.
    Answered,
}

impl DeliveryState {
    /// Whether this is no step of the ladder: nothing more is expected.
    pub fn is_failure(self) -> bool {
        self < Self::Stored
    }
}

impl fmt::Display for DeliveryState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Failed => "failed",
            Self::Expired => "expired",
            Self::Refused => "refused",
            Self::Stored => "stored",
            Self::Accepted => "accepted",
            Self::Delivered => "delivered",
            Self::Handled => "handled",
            Self::Answered => "answered",
        })
    }
}

/// Why a copy is not accepted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Reason {
    /// A stable code name, see the table of error codes.
    pub code: String,
    /// A sentence. After a refusal it contains the peer's words, which are data.
    pub text: String,
}

impl Reason {
    /// From a code and a sentence.
    pub fn new(code: Code, text: impl Into<String>) -> Self {
        Self { code: code.name().to_owned(), text: text.into() }
    }
}

/// Why a message is refused that the peer took and threw away.
pub(crate) const THROWN_AWAY: &str = "the peer took the message and threw it away";
/// Why a message is expired that the peer took.
pub(crate) const TOO_LATE: &str = "the deadline passed before the agent over there had the message";

/// Why a message failed that its sender took back.
pub(crate) const TAKEN_BACK: &str = "the sender took the message back";

/// One copy of a sent message.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Delivery {
    /// For whom.
    pub to: AgentId,
    /// How far it came.
    pub state: DeliveryState,
    /// Why not further.
    pub reason: Option<Reason>,
    /// Which transport carried it, once accepted.
    pub via: Option<String>,
    /// When it came that far: by the peer's clock where `proof` says it, else by ours.
    #[serde(default)]
    pub at: Option<Timestamp>,
    /// Whether the peer tells what becomes of the message. Of one that does not, such as dmagent 1.1.1, nothing is known
    /// beyond `accepted`, but an answer.
    #[serde(default)]
    pub gives_receipts: bool,
    /// The id of the answer.
    #[serde(default)]
    pub reply_id: Option<String>,
    /// The furthest state that the peer signed: a text that `messages.verify` checks, on any node.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub proof: Option<ReceiptText>,
    /// Who says that it keeps the message for the peer, until the peer can be reached: at most 2 agents.
    #[serde(default)]
    pub kept_by: Vec<Custodian>,
}

/// Somebody else that keeps a message for a peer which cannot be reached. It is the keeper's own word: whether the peer ever
/// gets the message shows its receipt.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Custodian {
    /// Who.
    pub agent_id: AgentId,
    /// Until when.
    pub until: Timestamp,
    /// To what kind of key of the recipient this copy is sealed.
    pub sealed_to: KeyKind,
    /// What the keeper signed: a JSON object that names sender, recipient, message and the digest of the kept copy.
    pub proof: String,
}

impl Delivery {
    /// A copy of which nothing is known yet.
    pub fn stored(to: AgentId) -> Self {
        Self {
            to,
            state: DeliveryState::Stored,
            reason: None,
            via: None,
            at: None,
            gives_receipts: false,
            reply_id: None,
            proof: None,
            kept_by: Vec::new(),
        }
    }

    /// Whether the peer signed that it let go of the message.
    pub(super) fn is_let_go(&self) -> bool {
        let ends = [ReceiptState::Cancelled, ReceiptState::Refused, ReceiptState::Expired];
        self.proof.as_ref().is_some_and(|proof| ends.contains(&proof.0.state))
    }

    /// Goes up the ladder, never down. After its signed end only that an agent finished with the message counts.
    pub(super) fn rise(&mut self, state: DeliveryState, at: Timestamp) {
        if state > self.state && (state >= DeliveryState::Handled || !self.is_let_go()) {
            self.state = state;
            self.at = Some(at);
            self.reason = None;
        }
    }

    /// Takes what the peer signed. Returns whether that changes anything.
    pub(super) fn prove(&mut self, receipt: SignedReceipt) -> bool {
        if self.proof.as_ref().is_some_and(|proof| proof.0.state >= receipt.state) {
            return false;
        }
        if receipt.state == ReceiptState::Refused {
            // What an agent has seen is not refused any more.
            if self.state > DeliveryState::Accepted {
                return false;
            }
            self.state = DeliveryState::Refused;
            self.at = Some(receipt.at);
            self.reason = Some(Reason::new(Code::PeerRefused, THROWN_AWAY));
        } else if receipt.state == ReceiptState::Expired {
            // What an agent has done is not undone.
            if self.state > DeliveryState::Delivered {
                return false;
            }
            self.state = DeliveryState::Expired;
            self.at = Some(receipt.at);
            self.reason = Some(Reason::new(Code::MessageExpired, TOO_LATE));
        } else if receipt.state == ReceiptState::Cancelled {
            if self.state >= DeliveryState::Handled {
                return false;
            }
            self.state = DeliveryState::Failed;
            self.at = Some(receipt.at);
            self.reason = Some(Reason::new(Code::MessageCancelled, TAKEN_BACK));
        } else {
            self.rise(receipt.state.into(), receipt.at);
            self.reply_id = self.reply_id.take().or_else(|| receipt.reply_id.clone());
        }
        self.proof = Some(ReceiptText(receipt));
        true
    }
}

/// The honest answer to a send.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Receipt {
    /// The id of the message.
    pub message_id: String,
    /// The least of the copies.
    pub state: DeliveryState,
    /// One per recipient, in the order given.
    pub deliveries: Vec<Delivery>,
}

impl Receipt {
    /// A receipt for `deliveries`.
    pub fn new(message_id: String, deliveries: Vec<Delivery>) -> Self {
        let least = deliveries.iter().map(|delivery| delivery.state).min();
        Self { message_id, state: least.unwrap_or(DeliveryState::Accepted), deliveries }
    }
}
