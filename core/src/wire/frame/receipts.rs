//! What became of messages, told by their recipient.

use serde_json::{Map, Value};

use super::fields;
use crate::{
    identity::AgentId,
    wire::{Answer, limits, receipt::SignedReceipt},
};

/// `POST /receipts`: receipts of one recipient, each signed on its own.
#[derive(Clone, Debug, PartialEq)]
pub struct Receipts {
    /// Who signed all of them.
    pub from: AgentId,
    /// 1 to 50.
    pub receipts: Vec<SignedReceipt>,
}

impl Receipts {
    pub(super) fn decode(mut object: Map<String, Value>) -> Result<Self, Answer> {
        let bad = || fields::refuse("Field receipts must be a list of 1 to 50 receipts of one recipient");
        let Some(Value::Array(items)) = fields::take(&mut object, "receipts") else { return Err(bad()) };
        if items.is_empty() || items.len() > limits::RECEIPTS {
            return Err(bad());
        }
        let receipts: Vec<SignedReceipt> =
            items.into_iter().map(serde_json::from_value).collect::<Result<_, _>>().map_err(|_| bad())?;
        for receipt in &receipts {
            receipt.check()?;
        }
        let from = receipts.first().ok_or_else(bad)?.to;
        if receipts.iter().any(|receipt| receipt.to != from) {
            return Err(bad());
        }
        Ok(Self { from, receipts })
    }
}
