//! The verb that sends a question and waits for its answer.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{
    Messages, Recipients, SendArgs,
    messages::{LONGEST_WAIT, seconds},
};
use crate::{
    error::{Code, Error, Result},
    identity::AgentId,
    messaging::{DeliveryState, Filter, Message},
};

/// A question.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AskArgs {
    /// Whom to ask: a connected or pending peer.
    pub to: AgentId,
    /// 1 to 65,536 characters.
    pub content: String,
    /// What travels along: a JSON object of at most 64 KiB.
    #[serde(default)]
    pub metadata: Map<String, Value>,
    /// The message this one answers.
    #[serde(default)]
    pub in_reply_to: Option<String>,
    /// How long to wait for the answer, in seconds; absent for as long as it takes.
    #[serde(default)]
    #[schemars(range(min = 0.0, max = LONGEST_WAIT))]
    pub timeout_secs: Option<f64>,
}

impl AskArgs {
    /// A plain question.
    pub fn new(to: AgentId, content: impl Into<String>) -> Self {
        Self { to, content: content.into(), metadata: Map::new(), in_reply_to: None, timeout_secs: None }
    }
}

impl Messages<'_> {
    /// Sends a message and waits for the answer to it. The answer is a message of the inbox that only this call gets:
    /// acknowledge it when it is handled. A question for a peer that cannot be reached waits for it, as any message.
    ///
    /// # Errors
    ///
    /// Those of [`Messages::send`]; [`Code::PeerRefused`] when the question cannot be delivered; [`Code::Timeout`] when
    /// no answer came: the question is not taken back, and a late answer comes as a message.
    pub async fn ask(&self, args: AskArgs) -> Result<Message> {
        let inner = self.node().inner();
        let patience =
            args.timeout_secs.map(|secs| seconds("timeout_secs", secs, LONGEST_WAIT)).transpose()?;
        let question = SendArgs {
            metadata: args.metadata,
            in_reply_to: args.in_reply_to,
            ..SendArgs::new(Recipients::One(args.to), args.content)
        };
        let message_id = inner.new_message_id();
        let _expected = inner.expect_answer(&message_id, args.to);
        let filter =
            Filter { from: vec![args.to], in_reply_to: Some(message_id.clone()), ..Filter::default() };
        let sent = self.send_as(message_id, question);
        let answer = inner.next_message(&filter, patience);
        tokio::pin!(sent, answer);
        // The answer may overtake the receipt.
        let receipt = tokio::select! {
            biased;
            answer = &mut answer => return answer?.ok_or_else(late),
            receipt = &mut sent => receipt?,
        };
        if receipt.state == DeliveryState::Failed {
            let reason = receipt.deliveries.into_iter().find_map(|delivery| delivery.reason);
            let reason = reason.map_or_else(|| "no reason given".to_owned(), |reason| reason.text);
            return Err(
                Error::new(Code::PeerRefused, "the question was not delivered").with("reason", reason)
            );
        }
        answer.await?.ok_or_else(late)
    }
}

fn late() -> Error {
    Error::new(Code::Timeout, "no answer came in time; a late one comes as a message")
}
