//! What became of the messages we sent: one entry for each copy, kept after the outbox let go of it.
//!
//! A state only goes up the ladder. What a peer says beyond `accepted` counts when it signed it, for this message, for us,
//! and for what we said in it.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde::{Deserialize, Serialize};

use crate::{
    env::Timestamp,
    error::Result,
    identity::AgentId,
    messaging::{
        cancels::Recall,
        delivery::{Custodian, Delivery, DeliveryState, Reason, Receipt},
    },
    store::{Batch, Row, Table, sequence},
    wire::receipt::{ReceiptState, ReceiptText, SignedReceipt},
};

/// One copy, as stored.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Copy {
    sequence: u64,
    message_id: String,
    digest: String,
    #[serde(flatten)]
    delivery: Delivery,
    /// Since its recipient is to let go of it.
    #[serde(default)]
    recall: Option<Recall>,
}

/// A copy that is about to be sent.
#[derive(Clone, Copy, Debug)]
pub struct Departure<'a> {
    /// The id of the message.
    pub message_id: &'a str,
    /// For whom.
    pub to: AgentId,
    /// What it says, as receipts name it.
    pub digest: &'a str,
    /// Whether that peer gives receipts.
    pub gives_receipts: bool,
}

/// The copies whose fate is known or awaited.
#[derive(Debug, Default)]
pub struct Sent {
    copies: BTreeMap<u64, Copy>,
    of_message: HashMap<String, Vec<u64>>,
    /// Copies whose state cannot change any more, or only by an answer.
    finished: BTreeSet<u64>,
    next_sequence: u64,
}

impl From<ReceiptState> for DeliveryState {
    fn from(state: ReceiptState) -> Self {
        match state {
            ReceiptState::Accepted => Self::Accepted,
            ReceiptState::Delivered => Self::Delivered,
            ReceiptState::Handled => Self::Handled,
            ReceiptState::Answered => Self::Answered,
            ReceiptState::Refused => Self::Refused,
            ReceiptState::Expired => Self::Expired,
            ReceiptState::Cancelled => Self::Failed,
        }
    }
}

impl Sent {
    /// From the rows of the table.
    ///
    /// # Errors
    ///
    /// [`crate::error::Code::StoreCorrupt`] when a row cannot be read.
    pub fn load(rows: &[Row]) -> Result<Self> {
        let mut sent = Self::default();
        for row in rows {
            sent.insert(row.parse(Table::Sent)?);
        }
        Ok(sent)
    }

    /// Goes on with what `before` knows beyond the disk: messages under way.
    pub fn succeed(&mut self, before: &Self) {
        self.next_sequence = self.next_sequence.max(before.next_sequence);
        for copy in before.copies.values() {
            if self.find(&copy.message_id, &copy.delivery.to).is_none() {
                self.insert(copy.clone());
            }
        }
    }

    fn insert(&mut self, copy: Copy) {
        self.next_sequence = self.next_sequence.max(copy.sequence + 1);
        self.of_message.entry(copy.message_id.clone()).or_default().push(copy.sequence);
        if is_finished(&copy.delivery) {
            self.finished.insert(copy.sequence);
        }
        self.copies.insert(copy.sequence, copy);
    }

    fn find(&self, message_id: &str, to: &AgentId) -> Option<u64> {
        let copies = self.of_message.get(message_id)?;
        copies
            .iter()
            .copied()
            .find(|sequence| self.copies.get(sequence).is_some_and(|copy| copy.delivery.to == *to))
    }

    /// A copy is on its way; until something is known about it, the outbox keeps it for the disk.
    pub fn begin(&mut self, departure: Departure<'_>) {
        let Departure { message_id, to, digest, gives_receipts } = departure;
        if self.find(message_id, &to).is_some() {
            return;
        }
        let delivery = Delivery { gives_receipts, ..Delivery::stored(to) };
        let sequence = self.next_sequence;
        self.insert(Copy {
            sequence,
            message_id: message_id.to_owned(),
            digest: digest.to_owned(),
            delivery,
            recall: None,
        });
    }

    /// The disk did not take the message: what nobody has yet is not on its way.
    pub fn forget_waiting(&mut self, message_id: &str) {
        let Some(copies) = self.of_message.get_mut(message_id) else { return };
        let is_waiting =
            |copy: Option<&Copy>| copy.is_some_and(|copy| copy.delivery.state == DeliveryState::Stored);
        copies.retain(|sequence| {
            let waits = is_waiting(self.copies.get(sequence));
            if waits {
                self.copies.remove(sequence);
            }
            !waits
        });
        if copies.is_empty() {
            self.of_message.remove(message_id);
        }
    }

    /// Whether `receipt` of a copy is about what we said, when we know that copy.
    pub fn fits(&self, receipt: &SignedReceipt) -> bool {
        self.find(&receipt.message_id, &receipt.to)
            .and_then(|sequence| self.copies.get(&sequence))
            .is_some_and(|copy| copy.digest == receipt.digest)
    }

    /// The attempt ended the way of this copy through the outbox. Returns the rows.
    ///
    /// # Errors
    ///
    /// Only when the copy has no JSON form, which cannot happen.
    pub fn settle(
        &mut self,
        message_id: &str,
        to: &AgentId,
        now: Timestamp,
        end: Settlement,
    ) -> Result<Batch> {
        self.change(message_id, to, |delivery| {
            match end {
                Settlement::Accepted { via, proof } => {
                    delivery.via = Some(via);
                    delivery.rise(DeliveryState::Accepted, now);
                    if let Some(proof) = proof {
                        delivery.prove(proof);
                    }
                }
                // A peer that told of it before had it.
                Settlement::Over { state, reason, proof }
                    if delivery.state <= DeliveryState::Stored && !delivery.is_let_go() =>
                {
                    delivery.state = state;
                    delivery.at = Some(now);
                    delivery.reason = Some(reason);
                    delivery.proof = proof.map(ReceiptText);
                }
                Settlement::Over { .. } => {}
            }
            true
        })
        .map(|(rows, _)| rows)
    }

    /// A verified receipt arrived. Returns the rows, and the new state when it is one.
    ///
    /// # Errors
    ///
    /// As [`Sent::settle`].
    pub fn note(&mut self, receipt: &SignedReceipt) -> Result<(Batch, Option<DeliveryState>)> {
        // Nobody lets go of what we did not take back.
        let is_wanted =
            receipt.state != ReceiptState::Cancelled || self.is_recalled(&receipt.message_id, &receipt.to);
        if !self.fits(receipt) || !is_wanted {
            return Ok((Batch::new(), None));
        }
        self.change(&receipt.message_id, &receipt.to, |delivery| delivery.prove(receipt.clone()))
    }

    /// The recipient answered. Returns the rows, and the new state when it is one.
    ///
    /// # Errors
    ///
    /// As [`Sent::settle`].
    pub fn answered(
        &mut self,
        message_id: &str,
        by: &AgentId,
        reply_id: &str,
        now: Timestamp,
    ) -> Result<(Batch, Option<DeliveryState>)> {
        self.change(message_id, by, |delivery| {
            let is_first = delivery.reply_id.is_none();
            if is_first {
                delivery.reply_id = Some(reply_id.to_owned());
                delivery.rise(DeliveryState::Answered, now);
            }
            is_first
        })
    }

    /// Somebody else keeps a copy. Returns the rows; none when the copy is not waiting any more.
    ///
    /// # Errors
    ///
    /// As [`Sent::settle`].
    pub fn kept(&mut self, message_id: &str, to: &AgentId, custodian: Custodian) -> Result<Batch> {
        self.change(message_id, to, |delivery| {
            if delivery.state != DeliveryState::Stored {
                return false;
            }
            delivery.kept_by.retain(|known| known.agent_id != custodian.agent_id);
            delivery.kept_by.push(custodian);
            true
        })
        .map(|(rows, _)| rows)
    }

    /// Who keeps a copy.
    pub fn keepers(&self, message_id: &str, to: &AgentId) -> Vec<AgentId> {
        let copy = self.find(message_id, to).and_then(|sequence| self.copies.get(&sequence));
        let custodians = copy.into_iter().flat_map(|copy| &copy.delivery.kept_by);
        custodians.map(|custodian| custodian.agent_id).collect()
    }

    fn change(
        &mut self,
        message_id: &str,
        to: &AgentId,
        change: impl FnOnce(&mut Delivery) -> bool,
    ) -> Result<(Batch, Option<DeliveryState>)> {
        let mut rows = Batch::new();
        let found = self.find(message_id, to);
        let Some(copy) = found.and_then(|sequence| self.copies.get_mut(&sequence)) else {
            return Ok((rows, None));
        };
        let before = copy.delivery.state;
        if !change(&mut copy.delivery) {
            return Ok((rows, None));
        }
        if is_finished(&copy.delivery) {
            self.finished.insert(copy.sequence);
        }
        rows.put(Table::Sent, sequence::key(copy.sequence), copy)?;
        let state = copy.delivery.state;
        Ok((rows, (state != before).then_some(state)))
    }

    /// Lets go of the oldest copies beyond `limit`, those first whose fate is settled, and tells `gone` of each. Returns
    /// the rows.
    pub fn trim(&mut self, limit: usize, mut gone: impl FnMut(&str, Delivery)) -> Batch {
        let mut rows = Batch::new();
        while self.copies.len() > limit {
            // What still waits is the outbox's, which has a limit of its own.
            let Some(sequence) = self.finished.pop_first().or_else(|| self.oldest_accepted()) else { break };
            let Some(copy) = self.copies.remove(&sequence) else { continue };
            if let Some(copies) = self.of_message.get_mut(&copy.message_id) {
                copies.retain(|other| *other != sequence);
                if copies.is_empty() {
                    self.of_message.remove(&copy.message_id);
                }
            }
            rows.delete(Table::Sent, sequence::key(sequence));
            gone(&copy.message_id, copy.delivery);
        }
        rows
    }

    fn oldest_accepted(&self) -> Option<u64> {
        let is_away = |copy: &&Copy| copy.delivery.state != DeliveryState::Stored;
        self.copies.values().find(is_away).map(|copy| copy.sequence)
    }

    /// What is known about a message; nothing when it was never sent, or so long ago that it is forgotten.
    pub fn status(&self, message_id: &str) -> Option<Receipt> {
        let copies = self.of_message.get(message_id)?;
        let deliveries =
            copies.iter().filter_map(|sequence| self.copies.get(sequence)).map(|copy| copy.delivery.clone());
        Some(Receipt::new(message_id.to_owned(), deliveries.collect()))
    }

    /// The newest `limit` messages, oldest first.
    pub fn list(&self, limit: usize) -> Vec<Receipt> {
        let mut seen = BTreeSet::new();
        let newest = self.copies.values().rev().filter(|copy| seen.insert(&copy.message_id)).take(limit);
        let mut receipts: Vec<_> = newest.filter_map(|copy| self.status(&copy.message_id)).collect();
        receipts.reverse();
        receipts
    }
}

/// How the way of a copy through the outbox ended.
#[derive(Clone, Debug)]
pub enum Settlement {
    /// The peer took it.
    Accepted {
        /// Which transport carried it.
        via: String,
        /// What the peer signed about that.
        proof: Option<SignedReceipt>,
    },
    /// It will not be delivered.
    Over {
        /// Refused, expired or failed.
        state: DeliveryState,
        /// Why.
        reason: Reason,
        /// What the peer signed about that.
        proof: Option<SignedReceipt>,
    },
}

/// Whether nothing more is expected to happen to a copy.
fn is_finished(delivery: &Delivery) -> bool {
    match delivery.state {
        DeliveryState::Stored => false,
        DeliveryState::Accepted | DeliveryState::Delivered => !delivery.gives_receipts,
        _ => true,
    }
}

mod recall;
#[cfg(test)]
mod tests;
