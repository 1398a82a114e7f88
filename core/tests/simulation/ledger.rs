//! What senders were promised and what receivers did. Every message carries a number that grows per pair.

use std::collections::{BTreeMap, BTreeSet};

use dmagent::{
    Acknowledged, AgentId, DeliveryState, Message, Receipt,
    error::{Code, Result},
    messaging::claims,
    store::{MemoryDisk, MemoryStore, Range, Store as _, Table},
};
use parking_lot::Mutex;

use crate::world::Machine;

/// Receiver, sender, id: what makes a message one message.
pub(crate) type Copy = (usize, AgentId, String);

/// The book of one simulation.
#[derive(Default)]
pub(crate) struct Ledger(Mutex<Book>);

#[derive(Default)]
struct Book {
    /// Sends that returned stored or accepted, with the number of the message.
    promised: BTreeMap<Copy, u64>,
    /// The host knows that the acknowledgement is on disk.
    acknowledged: BTreeSet<Copy>,
    /// The machine died during the acknowledgement, or its disk was full: on disk or not.
    undecided: BTreeSet<Copy>,
    /// Numbers in the order of their first hand-out, by receiver and sender.
    first: BTreeMap<(usize, AgentId), Vec<u64>>,
    seen: BTreeSet<Copy>,
    /// Everything that happened at the borders, in order.
    history: Vec<String>,
    broken: Vec<String>,
    accepted: usize,
    redelivered: usize,
}

/// What a run amounted to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Totals {
    pub(crate) promised: usize,
    pub(crate) accepted: usize,
    pub(crate) redelivered: usize,
}

impl Ledger {
    /// A send came to its end; `None` means that the sender died during it.
    pub(crate) fn sent(&self, from: &Machine, to: &Machine, number: u64, end: Option<Result<Receipt>>) {
        let mut book = self.0.lock();
        let said = match &end {
            None => "died".to_owned(),
            Some(Ok(receipt)) => format!("{:?}", receipt.state),
            Some(Err(error)) => error.code().name().to_owned(),
        };
        book.history.push(format!("{} sent {number} to {}: {said}", from.label, to.label));
        match end {
            Some(Ok(receipt)) if receipt.state != DeliveryState::Failed => {
                if receipt.state == DeliveryState::Accepted {
                    book.accepted += 1;
                    if !has_taken(&to.disk, &from.id, &receipt.message_id) {
                        book.broken.push(format!("{} is accepted and not on the disk", receipt.message_id));
                    }
                }
                book.promised.insert((to.index, from.id, receipt.message_id), number);
            }
            Some(Ok(receipt)) => book.broken.push(format!("failed without need: {receipt:?}")),
            // Nobody was promised anything.
            None => {}
            Some(Err(error)) => {
                let excused = [Code::Closed, Code::StoreFull, Code::StoreUnavailable];
                if !excused.contains(&error.code()) {
                    book.broken.push(format!("{} could not send: {error}", from.label));
                }
            }
        }
    }

    /// A host got a message out of its inbox.
    pub(crate) fn handed_out(&self, to: &Machine, message: &Message) {
        let mut book = self.0.lock();
        let copy = (to.index, message.from, message.message_id.clone());
        book.history.push(format!("{} took {} ({})", to.label, message.message_id, message.redeliveries));
        if book.acknowledged.contains(&copy) {
            book.broken.push(format!("{} got {} after its acknowledgement", to.label, message.message_id));
        }
        if !book.seen.insert(copy) {
            book.redelivered += 1;
            return;
        }
        let number = message.content.parse().expect("messages carry their number");
        book.first.entry((to.index, message.from)).or_default().push(number);
    }

    /// An acknowledgement came to its end; `None` means that the machine died during it.
    pub(crate) fn acknowledged(&self, to: &Machine, message: &Message, end: Option<Result<Acknowledged>>) {
        let mut book = self.0.lock();
        let copy = (to.index, message.from, message.message_id.clone());
        match end {
            Some(Ok(Acknowledged { stored: true })) => {
                book.history.push(format!("{} acknowledged {}", to.label, message.message_id));
                book.acknowledged.insert(copy);
            }
            _ => {
                book.undecided.insert(copy);
            }
        }
    }

    /// Receiver, sender and id of everything that receivers know to have acknowledged.
    pub(crate) fn acknowledged_copies(&self) -> Vec<Copy> {
        self.0.lock().acknowledged.iter().cloned().collect()
    }

    /// What a receiver has acknowledged, or has died acknowledging.
    pub(crate) fn acknowledged_ids(&self, to: &Machine) -> Vec<String> {
        let book = self.0.lock();
        let ended = book.acknowledged.union(&book.undecided);
        ended.filter(|copy| copy.0 == to.index).map(|copy| copy.2.clone()).collect()
    }

    /// Everything that happened, in order.
    pub(crate) fn history(&self) -> Vec<String> {
        self.0.lock().history.clone()
    }

    /// Compares promises and deeds. Call it when inboxes and outboxes are empty.
    pub(crate) fn audit(&self) -> Totals {
        let book = self.0.lock();
        let mut broken = book.broken.clone();
        for (copy, number) in &book.promised {
            if !book.acknowledged.contains(copy) && !book.undecided.contains(copy) {
                broken.push(format!("{} (number {number}) was promised and is lost", copy.2));
            }
        }
        for ((to, from), numbers) in &book.first {
            if !numbers.is_sorted() {
                broken.push(format!("m{to:02} got from {} out of order: {numbers:?}", from.short()));
            }
        }
        if !broken.is_empty() {
            let end: Vec<_> = book.history.iter().rev().take(40).rev().cloned().collect();
            panic!("{}\n\nthe end of the history:\n{}", broken.join("\n"), end.join("\n"));
        }
        Totals { promised: book.promised.len(), accepted: book.accepted, redelivered: book.redelivered }
    }
}

/// Whether a disk says that a message was taken.
pub(crate) fn has_taken(disk: &MemoryDisk, from: &AgentId, message_id: &str) -> bool {
    rows(disk, Table::Seen).iter().any(|key| *key == claims::key(from, message_id))
}

/// The keys of a table.
pub(crate) fn rows(disk: &MemoryDisk, table: Table) -> Vec<String> {
    use futures_util::FutureExt as _;
    let scan = MemoryStore::open(disk).scan(table, Range::all());
    let rows = scan.now_or_never().expect("memory answers at once").expect("memory does not fail");
    rows.into_iter().map(|row| row.key).collect()
}
