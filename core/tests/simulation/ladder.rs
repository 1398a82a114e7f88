//! What senders are told about their messages: the ladder only goes up, over crashes of either side, and every step
//! beyond the first is signed by the recipient.

use std::{collections::BTreeMap, sync::Arc};

use dmagent::{
    AgentId, Delivery, DeliveryState,
    api::NewestArgs,
    wire::receipt::{ReceiptText, SignedReceipt},
};
use parking_lot::Mutex;
use tokio::time::sleep;

use crate::{
    ledger::Ledger,
    world::{Chance, Machine},
};

/// Sender, recipient, id.
type Copy = (usize, AgentId, String);

/// How far each copy came, as its sender was told.
#[derive(Default)]
pub(crate) struct Ladder(Mutex<Steps>);

#[derive(Default)]
struct Steps {
    highest: BTreeMap<Copy, DeliveryState>,
    broken: Vec<String>,
    proofs: usize,
}

/// Looks again and again what the node of `me` knows about what it sent.
pub(crate) async fn watch(me: Arc<Machine>, ladder: Arc<Ladder>, chance: Chance) {
    loop {
        ladder.look(&me).await;
        sleep(chance.seconds(0, 5)).await;
    }
}

impl Ladder {
    /// Looks once, as soon as the machine is on.
    pub(crate) async fn look(&self, me: &Machine) {
        let life = me.alive().await;
        let sent = life.run(|node| async move { node.messages().sent(NewestArgs { limit: 1_000 }).await });
        let Some(Ok(receipts)) = sent.await else { return };
        let mut steps = self.0.lock();
        for receipt in receipts {
            for delivery in &receipt.deliveries {
                steps.note(me, &receipt.message_id, delivery);
            }
        }
    }

    /// Panics when a ladder went down, a proof does not hold, or a sender was not told of an acknowledgement. Returns
    /// how many proofs were checked. Call it when everything has been told.
    pub(crate) fn audit(&self, machines: &[Arc<Machine>], ledger: &Ledger) -> usize {
        let mut steps = self.0.lock();
        for (to, from, message_id) in ledger.acknowledged_copies() {
            let sender = machines.iter().find(|machine| machine.id == from).expect("nobody else is here");
            let copy = (sender.index, machines[to].id, message_id);
            let told = steps.highest.get(&copy).copied();
            // A sender that died before its row was written does not know what it sent.
            if told.is_some_and(|told| told < DeliveryState::Handled) {
                steps.broken.push(format!("{} was acknowledged, its sender knows {told:?}", copy.2));
            }
        }
        assert!(steps.broken.is_empty(), "{}", steps.broken.join("\n"));
        steps.proofs
    }
}

impl Steps {
    fn note(&mut self, me: &Machine, message_id: &str, delivery: &Delivery) {
        let copy = (me.index, delivery.to, message_id.to_owned());
        let before = self.highest.insert(copy, delivery.state);
        if before.is_some_and(|before| before > delivery.state) {
            let (label, now) = (&me.label, delivery.state);
            self.broken.push(format!("{label}: {message_id} went from {before:?} down to {now}"));
        }
        if delivery.state <= DeliveryState::Accepted || before == Some(delivery.state) {
            return;
        }
        match &delivery.proof {
            Some(ReceiptText(receipt)) if is_proof(receipt, me, message_id, delivery) => self.proofs += 1,
            proof => self.broken.push(format!("{message_id} is {} without proof: {proof:?}", delivery.state)),
        }
    }
}

fn is_proof(receipt: &SignedReceipt, me: &Machine, message_id: &str, delivery: &Delivery) -> bool {
    receipt.is_valid()
        && receipt.from == me.id
        && receipt.to == delivery.to
        && receipt.message_id == message_id
        && DeliveryState::from(receipt.state) == delivery.state
}
