//! Verbs about receipts: what became of a message, and the proof of it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{
    Messages,
    messages::{LONGEST_WAIT, seconds},
};
use crate::{
    env::Timestamp,
    error::{Code, Error, Result},
    identity::AgentId,
    messaging::{DeliveryState, Receipt, body_digest},
    node::Node,
    wire::receipt::{ReceiptState, ReceiptText, SignedReceipt},
};

/// Most entries that one call lists.
const LISTED: usize = 10_000;

/// A message that was sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MessageArgs {
    /// Its id, as its receipt names it.
    pub message_id: String,
}

/// How far a message shall come.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct UntilArgs {
    /// Its id, as its receipt names it.
    pub message_id: String,
    /// `accepted`, `delivered`, `handled` or `answered`.
    pub state: DeliveryState,
    /// How long to wait, in seconds; absent for as long as it takes, 0 for not at all.
    #[serde(default)]
    #[schemars(range(min = 0.0, max = LONGEST_WAIT))]
    pub timeout_secs: Option<f64>,
}

/// How many.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct NewestArgs {
    /// At most this many, the newest; 1 to 10,000. Default: 50.
    #[schemars(range(min = 1, max = LISTED))]
    pub limit: usize,
}

impl Default for NewestArgs {
    fn default() -> Self {
        Self { limit: 50 }
    }
}

impl NewestArgs {
    fn checked(&self) -> Result<usize> {
        if (1..=LISTED).contains(&self.limit) {
            return Ok(self.limit);
        }
        let sentence = format!("limit must be 1 to {LISTED}, not {}", self.limit);
        Err(Error::new(Code::InvalidArgument, sentence))
    }
}

/// A receipt to check.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct VerifyReceiptArgs {
    /// The text that stands in `proof`, or in what `messages.receipts` lists.
    pub receipt: String,
    /// What the message is said to say, to check that, too.
    #[serde(default)]
    pub content: Option<String>,
    /// What travelled along; counts with `content`.
    #[serde(default)]
    pub metadata: Map<String, Value>,
    /// The message it answered; counts with `content`.
    #[serde(default)]
    pub in_reply_to: Option<String>,
}

/// What a receipt says, and whether it holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ReceiptVerdict {
    /// True when `to` signed exactly this. Otherwise the rest says nothing.
    pub valid: bool,
    /// Whether it is about a message that says this; null when no content was given.
    pub content_matches: Option<bool>,
    /// Of which message.
    pub message_id: String,
    /// Who sent the message.
    pub from: AgentId,
    /// Who got the message and signed the receipt.
    pub to: AgentId,
    /// How far it came.
    pub state: ReceiptState,
    /// Since when, by the clock of the recipient.
    pub at: Timestamp,
    /// The id of the answer, when it was answered.
    pub reply_id: Option<String>,
}

/// A receipt that this node gave.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct GivenReceipt {
    /// Of which message.
    pub message_id: String,
    /// Who sent the message.
    pub from: AgentId,
    /// How far it came here.
    pub state: ReceiptState,
    /// Since when.
    pub at: Timestamp,
    /// The id of the answer, when it was answered.
    pub reply_id: Option<String>,
    /// The signed text, which `messages.verify` checks, on any node.
    pub receipt: String,
}

impl Receipt {
    /// Waits until the message came as far as `state`, with every recipient, at most `patience`. `node` sent the message.
    ///
    /// # Errors
    ///
    /// Those of [`Messages::until`].
    pub async fn until(
        &self,
        node: &Node,
        state: DeliveryState,
        patience: Option<std::time::Duration>,
    ) -> Result<Self> {
        let timeout_secs = patience.map(|patience| patience.as_secs_f64());
        node.messages().until(UntilArgs { message_id: self.message_id.clone(), state, timeout_secs }).await
    }
}

impl Messages<'_> {
    /// What became of a message: for each recipient how far it came, and what the recipient signed about that.
    ///
    /// # Errors
    ///
    /// [`Code::MessageUnknown`] when it was never sent, or so long ago that it is forgotten (the setting `sent_limit`).
    pub async fn status(&self, args: MessageArgs) -> Result<Receipt> {
        self.node().inner().sent_status(&args.message_id)
    }

    /// Waits until a message came as far as a state, with every recipient.
    ///
    /// # Errors
    ///
    /// [`Code::MessageUnknown`]; [`Code::InvalidArgument`] for a state that is no step of the ladder; [`Code::NoReceipts`]
    /// when a peer tells nothing beyond accepted; [`Code::PeerRefused`], [`Code::MessageExpired`] and
    /// [`Code::PeerNotConnected`] when the message will not come that far; [`Code::Timeout`]; [`Code::Closed`].
    pub async fn until(&self, args: UntilArgs) -> Result<Receipt> {
        if args.state <= DeliveryState::Stored {
            let sentence =
                format!("state must be accepted, delivered, handled or answered, not {}", args.state);
            return Err(Error::new(Code::InvalidArgument, sentence));
        }
        let patience =
            args.timeout_secs.map(|secs| seconds("timeout_secs", secs, LONGEST_WAIT)).transpose()?;
        self.node().inner().sent_until(&args.message_id, args.state, patience).await
    }

    /// What became of the newest messages that this node sent, oldest first.
    ///
    /// # Errors
    ///
    /// [`Code::InvalidArgument`].
    pub async fn sent(&self, args: NewestArgs) -> Result<Vec<Receipt>> {
        let limit = args.checked()?;
        Ok(self.node().inner().state.lock().sent.list(limit))
    }

    /// The newest receipts that this node gave to others, oldest first. They are signed again for this; the same
    /// statement has the same signature.
    ///
    /// # Errors
    ///
    /// [`Code::InvalidArgument`].
    pub async fn receipts(&self, args: NewestArgs) -> Result<Vec<GivenReceipt>> {
        let signed = self.node().inner().given_receipts(args.checked()?);
        let given = |signed: SignedReceipt| {
            let receipt = ReceiptText(signed.clone()).to_string();
            let SignedReceipt { message_id, from, state, at, reply_id, .. } = signed;
            GivenReceipt { message_id, from, state, at, reply_id, receipt }
        };
        Ok(signed.into_iter().map(given).collect())
    }

    /// Checks a receipt that any node gave to any other, against nothing but itself and what the message said.
    ///
    /// # Errors
    ///
    /// [`Code::InvalidArgument`] when the text is no receipt at all; [`Code::WireField`] when the metadata has no
    /// canonical form. A receipt that does not hold is an answer, not an error.
    pub async fn verify(&self, args: VerifyReceiptArgs) -> Result<ReceiptVerdict> {
        let text: ReceiptText = args.receipt.parse().map_err(|cause: serde_json::Error| {
            let sentence = "receipt is no receipt; it must be the text that stands in `proof`";
            Error::new(Code::InvalidArgument, sentence).because(cause)
        })?;
        let ReceiptText(receipt) = text;
        let content_matches = match &args.content {
            None => None,
            Some(content) => {
                let digest = body_digest(content, &args.metadata, args.in_reply_to.as_deref())?;
                Some(digest == receipt.digest)
            }
        };
        let valid = receipt.is_valid();
        let SignedReceipt { message_id, from, to, state, at, reply_id, .. } = receipt;
        Ok(ReceiptVerdict { valid, content_matches, message_id, from, to, state, at, reply_id })
    }
}
