//! Hosts: one that sends one message after another, one that takes and acknowledges, both more or less careful.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use dmagent::{AgentId, Filter, MessageKind, SendArgs, api::NoArgs, peers::PeerState};
use tokio::time::sleep;

use crate::{
    ledger::Ledger,
    world::{Chance, Machine, World},
};

/// What a consumer wants: messages of others.
pub(crate) fn messages() -> Filter {
    Filter { kinds: vec![MessageKind::Peer, MessageKind::Stranger], ..Filter::default() }
}

/// How a consumer behaves, in percent of the messages it takes.
#[derive(Clone, Copy, Default)]
pub(crate) struct Habits {
    /// It dies, with its node, before it acknowledges.
    pub(crate) dies: usize,
    /// It gives the message back.
    pub(crate) releases: usize,
    /// It thinks for up to two seconds.
    pub(crate) dawdles: usize,
}

/// Sends `count` messages to random peers, each after the receipt of the one before.
pub(crate) async fn send_in_turn(
    machines: Vec<Arc<Machine>>,
    me: Arc<Machine>,
    ledger: Arc<Ledger>,
    chance: Chance,
    count: usize,
) {
    let mut numbers = BTreeMap::<AgentId, u64>::new();
    for _ in 0..count {
        sleep(chance.seconds(0, 20)).await;
        let life = me.alive().await;
        let Some(Ok(peers)) = life.run(|node| async move { node.peers().list(NoArgs {}).await }).await else {
            continue;
        };
        let connected: Vec<_> = peers
            .iter()
            .filter(|peer| peer.state == PeerState::Connected)
            .map(|peer| peer.agent_id)
            .collect();
        let Some(to) = chance.pick(&connected).copied() else { continue };
        let number = numbers.entry(to).or_default();
        *number += 1;
        let number = *number;
        let mut args = SendArgs::new(to, number.to_string());
        // An impatient host does not wait for the first attempt to end.
        args.timeout_secs = if chance.percent(30) { 0.05 } else { 10.0 };
        let end = life.run(|node| async move { node.messages().send(args).await }).await;
        let receiver = machines.iter().find(|machine| machine.id == to).expect("nobody else is here");
        ledger.sent(&me, receiver, number, end);
    }
}

/// Takes messages, one after the other, in every life of its machine.
pub(crate) async fn consume(me: Arc<Machine>, ledger: Arc<Ledger>, chance: Chance, habits: Habits) {
    loop {
        let life = me.alive().await;
        let inbox = |node: dmagent::Node| node.inbox().filtered(messages());
        let taken = life.run(|node| async move { inbox(node).next().await }).await;
        let Some(Ok(message)) = taken else {
            // The node that ends and the machine that is off are seen at the same moment, or nearly so.
            sleep(Duration::from_millis(1)).await;
            continue;
        };
        ledger.handed_out(&me, &message);
        if chance.percent(habits.dawdles) {
            sleep(chance.seconds(0, 2)).await;
        }
        if chance.percent(habits.dies) {
            me.die();
        } else if chance.percent(habits.releases) {
            life.run(|node| async move { inbox(node).release(&message, Duration::ZERO) }).await;
        } else {
            let mine = message.clone();
            let end = life.run(|node| async move { inbox(node).acknowledge(&mine).await }).await;
            ledger.acknowledged(&me, &message, end);
        }
    }
}

/// Waits until nothing is under way any more, for `patience` of virtual time at most. False when something is.
pub(crate) async fn settle(world: &World, patience: Duration) -> bool {
    let end = world.now() + patience;
    loop {
        sleep(Duration::from_secs(5)).await;
        let mut idle = true;
        for machine in &world.machines {
            let Some(life) = machine.life() else {
                idle = false;
                break;
            };
            let left = life.run(|node| async move {
                let waiting = node.messages().list(NoArgs {}).await.unwrap_or_default();
                let unread = waiting.iter().filter(|message| message.kind != MessageKind::Notice).count();
                unread + node.info().outbox
            });
            idle &= left.await == Some(0);
        }
        if idle {
            return true;
        }
        if world.now() > end {
            return false;
        }
    }
}
