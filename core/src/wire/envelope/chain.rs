//! Signing the origin of a message and each step of its way, and checking both.

use serde_json::{Map, Value, json};

use super::{MessageLimits, NOTE_CHARS, Origin, Step};
use crate::{
    env::Timestamp,
    error::{Code, Error, Result},
    identity::{AgentId, Passport},
    wire::{
        canonical::{self, Domain},
        limits as bounds,
    },
};

/// What an author says about a message for one recipient.
#[derive(Clone, Copy, Debug)]
pub struct Author<'a> {
    /// The id of the message.
    pub message_id: &'a str,
    /// For whom.
    pub to: AgentId,
    /// Now.
    pub now: Timestamp,
    /// How often it may be forwarded.
    pub hops: u32,
    /// Its limits.
    pub limits: &'a MessageLimits,
    /// What it says, as receipts name it.
    pub digest: &'a str,
}

/// What a reader knows of the frame in which an origin came.
#[derive(Clone, Copy, Debug)]
pub struct Facts<'a> {
    /// The reader.
    pub me: AgentId,
    /// The proven sender.
    pub from: AgentId,
    /// The id in the frame.
    pub message_id: &'a str,
    /// The hops in the frame.
    pub hops: u32,
    /// The digest of what was read.
    pub digest: &'a str,
    /// Now.
    pub now: Timestamp,
}

fn members(value: &Value) -> Map<String, Value> {
    value.as_object().cloned().unwrap_or_default()
}

fn broken(sentence: &'static str) -> Error {
    Error::new(Code::OriginInvalid, sentence)
}

impl Origin {
    /// The origin of a message of ours.
    ///
    /// # Errors
    ///
    /// [`Code::WireField`] when it has no canonical form: a time beyond 2^53 microseconds.
    pub fn sign(author: Author<'_>, passport: &Passport) -> Result<Self> {
        let Author { message_id, to, now, hops, limits, digest } = author;
        let (message_id, digest, limits) = (message_id.to_owned(), digest.to_owned(), limits.clone());
        let agent_id = passport.agent_id();
        let mut origin = Self {
            agent_id,
            message_id,
            to,
            sent_at: now,
            hops,
            limits,
            digest,
            // Nobody sees this one.
            signature: crate::identity::Signature([0; 64]),
            path: Vec::new(),
        };
        origin.signature = passport.sign(&origin.bytes()?);
        Ok(origin)
    }

    /// What the author signs.
    fn bytes(&self) -> Result<Vec<u8>> {
        let Self { agent_id, message_id, to, sent_at, hops, limits, digest, .. } = self;
        let object = json!({
            "message_id": message_id, "sent_at": sent_at, "hops": hops, "limits": limits, "digest": digest,
        });
        canonical::object_v2(Domain::Origin, agent_id, Some(to), &members(&object))
    }

    /// The same message on its way to `to`, passed on by us. The limits may only be lower than they are.
    ///
    /// # Errors
    ///
    /// [`Code::HopsExhausted`], [`Code::MessageExpired`], [`Code::LimitsLoosened`]; [`Code::WireField`] as in
    /// [`Origin::sign`].
    pub fn pass_on(
        &self,
        to: AgentId,
        limits: &MessageLimits,
        note: Option<&str>,
        now: Timestamp,
        passport: &Passport,
    ) -> Result<Self> {
        let left = self.path.last().map_or(self.hops, |step| step.hops);
        let Some(hops) = left.checked_sub(1) else {
            return Err(Error::new(Code::HopsExhausted, "the message may not be forwarded any more"));
        };
        if self.current().is_over(now) {
            return Err(MessageLimits::over());
        }
        limits.within(self.current())?;
        let mut next = self.clone();
        let step = Step {
            agent_id: passport.agent_id(),
            to,
            sent_at: now,
            hops,
            limits: limits.clone(),
            note: note.map(str::to_owned),
            signature: self.signature,
        };
        let signature = passport.sign(&self.step_bytes(self.path.len(), &step)?);
        next.path.push(Step { signature, ..step });
        Ok(next)
    }

    /// What the forwarder of step `index` signs: the signature before it is part of that, so no step fits elsewhere.
    pub(super) fn step_bytes(&self, index: usize, step: &Step) -> Result<Vec<u8>> {
        let before = match index.checked_sub(1).and_then(|index| self.path.get(index)) {
            Some(before) => before.signature,
            None => self.signature,
        };
        let object = json!({
            "message_id": self.message_id, "sent_at": step.sent_at, "hops": step.hops, "limits": step.limits,
            "note": step.note, "before": before,
        });
        canonical::object_v2(Domain::ForwardStep, &step.agent_id, Some(&step.to), &members(&object))
    }

    /// Whether the author wrote this message for somebody, it came here by the way it tells, and nobody loosened a limit.
    ///
    /// # Errors
    ///
    /// [`Code::OriginInvalid`], [`Code::LimitsLoosened`], or [`Code::MessageExpired`] when its time is over.
    pub fn verify(&self, facts: Facts<'_>) -> Result<()> {
        let Facts { me, from, message_id, hops, digest, now } = facts;
        if self.message_id != message_id {
            return Err(broken("the origin is of another message"));
        }
        if self.digest != digest {
            return Err(broken("the message does not say what its author signed"));
        }
        let (last, holder) = match self.path.last() {
            Some(step) => (step.agent_id, step.to),
            None => (self.agent_id, self.to),
        };
        if last != from || holder != me {
            return Err(broken("the message did not come by the way that it tells"));
        }
        if hops > self.path.last().map_or(self.hops, |step| step.hops) {
            return Err(Error::new(Code::LimitsLoosened, "the hops were raised on the way"));
        }
        if self.current().is_over(now) {
            return Err(MessageLimits::over());
        }
        self.verify_way()
    }

    /// The part of [`Origin::verify`] that needs nothing but the origin itself: signatures, and limits against each other.
    ///
    /// # Errors
    ///
    /// [`Code::OriginInvalid`] or [`Code::LimitsLoosened`].
    pub fn verify_way(&self) -> Result<()> {
        let most = bounds::MAX_HOPS;
        if self.hops > most || self.path.len() > most as usize {
            return Err(broken("the way of the message is longer than any may be"));
        }
        let limits = [&self.limits].into_iter().chain(self.path.iter().map(|step| &step.limits));
        for limits in limits {
            limits.check().map_err(|error| broken("a limit has no valid form").because(error))?;
        }
        if !self.agent_id.verify(&self.bytes()?, &self.signature) {
            return Err(broken("the signature of the author does not hold"));
        }
        let (mut holder, mut hops, mut limits) = (self.to, self.hops, &self.limits);
        for (index, step) in self.path.iter().enumerate() {
            if step.agent_id != holder {
                return Err(broken("the way of the message has a gap"));
            }
            if step.note.as_ref().is_some_and(|note| note.chars().count() > NOTE_CHARS) {
                return Err(broken("a note of a forwarder is too long"));
            }
            if step.hops >= hops {
                return Err(Error::new(Code::LimitsLoosened, "the hops were raised on the way"));
            }
            step.limits.within(limits)?;
            if !step.agent_id.verify(&self.step_bytes(index, step)?, &step.signature) {
                return Err(broken("the signature of a forwarder does not hold"));
            }
            (holder, hops, limits) = (step.to, step.hops, &step.limits);
        }
        Ok(())
    }
}
