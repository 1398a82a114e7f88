//! The verb that passes a message on.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    Messages, Recipients,
    messages::{LONGEST_WAIT, seconds},
};
use crate::{
    env::Timestamp,
    error::{Code, Error, Result},
    messaging::Receipt,
    node::Wish,
    wire::envelope::{Budget, MessageLimits, NOTE_CHARS, budget_text},
};

/// A message of the inbox to pass on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ForwardArgs {
    /// To whom: connected or pending peers that do not have it, at most 8 for one message.
    pub to: Recipients,
    /// The `sequence` of the message; or say its `message_id`.
    #[serde(default)]
    pub sequence: Option<u64>,
    /// The id of the message, instead of its `sequence`.
    #[serde(default)]
    pub message_id: Option<String>,
    /// Whether it stays in the inbox. Else it is over as soon as one of them has it. Default: false.
    #[serde(default)]
    pub keep: bool,
    /// Something to say about it, at most 1,000 characters.
    #[serde(default)]
    pub note: Option<String>,
    /// Also to those who have it, as far as is known here, but never to its author. Default: false.
    #[serde(default)]
    pub force: bool,
    /// An earlier deadline, in microseconds since 1970.
    #[serde(default)]
    pub deadline: Option<Timestamp>,
    /// A lower budget, an amount and the unit that it has, such as `2.5 usd`.
    #[serde(default, with = "budget_text")]
    #[schemars(with = "Option<String>")]
    pub budget: Option<Budget>,
    /// How long this call waits for the first attempts, in seconds. Default: 10.
    #[serde(default = "default_wait")]
    #[schemars(range(min = 0.0, max = LONGEST_WAIT))]
    pub timeout_secs: f64,
}

fn default_wait() -> f64 {
    10.0
}

impl ForwardArgs {
    /// Hands the message with this `sequence` over.
    pub fn new(sequence: u64, to: impl Into<Recipients>) -> Self {
        Self {
            to: to.into(),
            sequence: Some(sequence),
            message_id: None,
            keep: false,
            note: None,
            force: false,
            deadline: None,
            budget: None,
            timeout_secs: default_wait(),
        }
    }
}

impl Messages<'_> {
    /// Passes a message of the inbox on: the same id and content, one hop less, under its limits or tighter ones. Its author
    /// and its way travel along, signed, so that whoever gets it can check both.
    ///
    /// # Errors
    ///
    /// [`Code::MessageUnknown`]; [`Code::HopsExhausted`]; [`Code::AlreadyReceived`]; [`Code::LimitsLoosened`];
    /// [`Code::MessageExpired`]; [`Code::InvalidArgument`], also for more than 8 agents; and those of [`Messages::send`].
    pub async fn forward(&self, args: ForwardArgs) -> Result<Receipt> {
        let inner = self.node().inner();
        let item = match (args.sequence, &args.message_id) {
            (Some(sequence), None) => inner.held(sequence)?,
            (None, Some(message_id)) => inner.state.lock().inbox.called(message_id)?,
            _ => {
                let sentence = "say which message: its sequence or its message_id, one of them";
                return Err(Error::new(Code::InvalidArgument, sentence));
            }
        };
        if args.note.as_ref().is_some_and(|note| note.chars().count() > NOTE_CHARS) {
            let sentence = format!("note must have at most {NOTE_CHARS} characters");
            return Err(Error::new(Code::InvalidArgument, sentence));
        }
        let to = match args.to {
            Recipients::One(agent) => vec![agent],
            Recipients::Several(agents) => agents,
        };
        let wish = Wish {
            to,
            keep: args.keep,
            force: args.force,
            note: args.note,
            limits: MessageLimits { deadline: args.deadline, budget: args.budget, trace: None },
            wait: seconds("timeout_secs", args.timeout_secs, LONGEST_WAIT)?,
        };
        inner.forward(item, wish).await
    }
}
