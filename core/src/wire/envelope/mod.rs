//! What travels with a message besides what it says: who wrote it, and the limits under which it may be worked on.
//!
//! The author signs an [`Origin`] for each recipient: the digest of the content, how often it may be forwarded, and its
//! limits. Whoever forwards the message carries that unchanged and adds a signed [`Step`] with what it passes on. Each step
//! names the next holder, so the way is a chain that nobody in it can shorten, and any reader checks offline that the author
//! said this, and that no limit was loosened by anybody on the way.
//!
//! All of it stands in one reserved member of the metadata, [`MEMBER`], inside what is signed and sealed. It passes through
//! nodes that do not know it.

mod amount;
mod chain;
mod trace;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

pub use self::{
    amount::Amount,
    chain::{Author, Facts},
    trace::TraceContext,
};
use super::limits as bounds;
use crate::{
    env::Timestamp,
    error::{Code, Error, Result},
    identity::{AgentId, Signature},
};

/// The member of the metadata that holds an [`Origin`]. Hosts may not write it.
pub const MEMBER: &str = "dmagent.envelope";
/// Largest content of that member, in bytes of JSON.
pub const BYTES: usize = 48 * 1024;
/// Longest note of a forwarder, in characters.
pub const NOTE_CHARS: usize = 1_000;
/// Longest name of a unit.
const UNIT_CHARS: usize = 32;

/// A number in a named unit that a message may cost. Whoever passes the message on may only lower it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Budget {
    /// A short name such as `usd` or `tokens`: 1 to 32 letters, digits and `_`, `-`, `.`, `/`, `:`.
    pub unit: String,
    /// A non-negative decimal as text, such as `12.5`, with at most 18 digits before the point and 18 behind it.
    pub amount: Amount,
}

/// The limits under which a message may be worked on. Absent ones limit nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct MessageLimits {
    /// When the message is over, wherever it is then: nobody sends, takes, hands out or forwards it any more.
    pub deadline: Option<Timestamp>,
    /// What it may cost. The mesh sees that it never grows; who spends it is the host's affair.
    pub budget: Option<Budget>,
    /// Which trace it belongs to.
    pub trace: Option<TraceContext>,
}

/// How a host writes a budget in an argument: `12.5 usd`.
pub mod budget_text {
    use serde::{Deserialize as _, Deserializer, Serializer, de};

    use super::Budget;

    /// As text.
    pub fn serialize<S: Serializer>(budget: &Option<Budget>, serializer: S) -> Result<S::Ok, S::Error> {
        match budget {
            Some(Budget { unit, amount }) => serializer.collect_str(&format_args!("{amount} {unit}")),
            None => serializer.serialize_none(),
        }
    }

    /// From text, or null.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Budget>, D::Error> {
        let Some(text) = Option::<String>::deserialize(deserializer)? else { return Ok(None) };
        let (amount, unit) = text
            .split_once(' ')
            .ok_or_else(|| de::Error::custom("budget must be an amount and a unit, such as \"12.5 usd\""))?;
        let amount =
            amount.parse().map_err(|error: crate::error::Error| de::Error::custom(error.message()))?;
        Ok(Some(Budget { unit: unit.to_owned(), amount }))
    }
}

impl MessageLimits {
    /// These limits, unless they are none.
    pub fn some(self) -> Option<Self> {
        (!self.is_empty()).then_some(self)
    }

    /// Whether nothing is limited and no trace named.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Whether every member has its form.
    ///
    /// # Errors
    ///
    /// [`Code::InvalidArgument`], naming the member.
    pub fn check(&self) -> Result<()> {
        if let Some(Budget { unit, .. }) = &self.budget {
            let is_fine = |byte: u8| byte.is_ascii_alphanumeric() || b"_-./:".contains(&byte);
            if !(1..=UNIT_CHARS).contains(&unit.len()) || !unit.bytes().all(is_fine) {
                let sentence =
                    format!("the unit of a budget must have 1 to {UNIT_CHARS} letters, digits and _ - . / :");
                let shown: String = unit.chars().take(64).collect();
                return Err(Error::new(Code::InvalidArgument, sentence).with("value", shown));
            }
        }
        if self.deadline.is_some_and(|deadline| deadline.micros() < 0) {
            return Err(Error::new(Code::InvalidArgument, "deadline must be microseconds since 1970"));
        }
        self.trace.as_ref().map_or(Ok(()), TraceContext::check)
    }

    /// Whether `self` allows nothing that `wider` does not. Traces limit nothing.
    ///
    /// # Errors
    ///
    /// [`Code::LimitsLoosened`], naming the limit.
    pub fn within(&self, wider: &Self) -> Result<()> {
        let loosened = |what: &'static str| Err(Error::new(Code::LimitsLoosened, what));
        match (self.deadline, wider.deadline) {
            (None, Some(_)) => return loosened("the deadline was removed on the way"),
            (Some(now), Some(before)) if now > before => {
                return loosened("the deadline was moved to a later time on the way");
            }
            _ => {}
        }
        match (&self.budget, &wider.budget) {
            (None, Some(_)) => loosened("the budget was removed on the way"),
            (Some(now), Some(before)) if now.unit != before.unit => {
                loosened("the unit of the budget was changed on the way")
            }
            (Some(now), Some(before)) if now.amount > before.amount => {
                loosened("the budget was raised on the way")
            }
            _ => Ok(()),
        }
    }

    /// Whether the deadline has passed.
    pub fn is_over(&self, now: Timestamp) -> bool {
        self.deadline.is_some_and(|deadline| deadline <= now)
    }

    /// The error of a message whose deadline has passed.
    pub fn over() -> Error {
        Error::new(Code::MessageExpired, "the deadline of the message has passed")
    }
}

/// Who wrote a message and what it allowed, signed; and the way since.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Origin {
    /// The author.
    pub agent_id: AgentId,
    /// The id of the message, the same on the whole way.
    pub message_id: String,
    /// To whom the author sent this copy.
    pub to: AgentId,
    /// When, by the author's clock.
    pub sent_at: Timestamp,
    /// How often it may be forwarded, as the author said.
    pub hops: u32,
    /// The limits, as the author said.
    pub limits: MessageLimits,
    /// SHA-256 of content, metadata and reply reference, 64 hexadecimal digits, as in receipts.
    pub digest: String,
    /// Ed25519 by the author over all of the above, 128 hexadecimal digits.
    pub signature: Signature,
    /// Who forwarded it, first to last.
    #[serde(default)]
    pub path: Vec<Step>,
}

/// Who forwarded a message, to whom, and what was left of its limits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Step {
    /// The forwarder.
    pub agent_id: AgentId,
    /// To whom.
    pub to: AgentId,
    /// When, by the forwarder's clock.
    pub sent_at: Timestamp,
    /// How often it may still be forwarded.
    pub hops: u32,
    /// The limits from here on.
    pub limits: MessageLimits,
    /// What the forwarder says about it, at most 1,000 characters: data, never instructions.
    #[serde(default)]
    pub note: Option<String>,
    /// Ed25519 by the forwarder over the above and what came before, 128 hexadecimal digits.
    pub signature: Signature,
}

impl Origin {
    /// The limits that hold now.
    pub fn current(&self) -> &MessageLimits {
        self.path.last().map_or(&self.limits, |step| &step.limits)
    }

    /// Whether it is worth telling a node that may not know it: some limit would be lost otherwise, or the author.
    pub fn says_more_than_hops(&self) -> bool {
        !self.limits.is_empty() || !self.current().is_empty() || !self.path.is_empty()
    }

    /// Everybody who has the message, or had it, as far as this copy knows.
    pub fn known_holders(&self) -> impl Iterator<Item = AgentId> {
        [self.agent_id, self.to].into_iter().chain(self.path.iter().map(|step| step.to))
    }

    /// Takes the reserved member out of `metadata`.
    ///
    /// # Errors
    ///
    /// [`Code::OriginInvalid`] when it is there and is no origin.
    pub fn take(metadata: &mut Map<String, Value>) -> Result<Option<Self>> {
        metadata.remove(MEMBER).map(|value| Self::read(&value)).transpose()
    }

    /// The origin in the reserved member of `metadata`.
    ///
    /// # Errors
    ///
    /// As [`Origin::take`].
    pub fn find(metadata: &Map<String, Value>) -> Result<Option<Self>> {
        metadata.get(MEMBER).map(Self::read).transpose()
    }

    fn read(value: &Value) -> Result<Self> {
        Self::deserialize(value).map_err(|cause| {
            let sentence = format!("the member {MEMBER} of the metadata is no origin");
            Error::new(Code::OriginInvalid, sentence).because(cause)
        })
    }

    /// `metadata` with this in the reserved member.
    ///
    /// # Errors
    ///
    /// [`Code::WireTooLarge`] when the way is too long to be told.
    pub fn put(&self, metadata: &Map<String, Value>) -> Result<Map<String, Value>> {
        let value = serde_json::to_value(self)
            .map_err(|cause| Error::new(Code::Internal, "an origin could not be written").because(cause))?;
        if size(&value) > BYTES {
            return Err(Error::new(
                Code::WireTooLarge,
                "the message was forwarded too often to tell its way",
            ));
        }
        let mut metadata = metadata.clone();
        metadata.insert(MEMBER.to_owned(), value);
        Ok(metadata)
    }
}

fn size(value: &impl Serialize) -> usize {
    serde_json::to_vec(value).map_or(usize::MAX, |bytes| bytes.len())
}

/// Whether metadata is as small as it must be: what the host wrote, and on its own what the nodes wrote.
pub fn fits(metadata: &Map<String, Value>) -> bool {
    let Some(own) = metadata.get(MEMBER) else { return size(metadata) <= bounds::METADATA_BYTES };
    let own = size(own);
    // With its name, quotes, colon and comma.
    let around = own + MEMBER.len() + 4;
    own <= BYTES && size(metadata).saturating_sub(around) <= bounds::METADATA_BYTES
}

#[cfg(test)]
mod tests;
