//! Ids that were seen, so that a signed thing counts once.
//!
//! 1.1.1 keys its memory by the id alone, fills it before it verifies, and lets it grow (S15). Here the
//! key is sender and id, callers claim only after the signature holds, and the memory is bounded in a way
//! that is fair: a sender that fills it loses its own oldest entries, not those of a quieter one.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
};

use super::limits;
use crate::{env::Timestamp, identity::AgentId};

/// Most entries of one sender. More than [`limits::REPLAY_WINDOW`] holds at 1.1.1's 600 requests a minute.
pub const SENDER_ENTRIES: usize = limits::REPLAY_ENTRIES / 2;

/// The memory of seen ids.
#[derive(Debug)]
pub struct ReplayWindow {
    total: usize,
    per_sender: usize,
    senders: HashMap<AgentId, Sender>,
    /// Senders by how much they hold, to find the largest.
    sizes: BTreeSet<(usize, AgentId)>,
    /// Every entry by the moment it is forgotten.
    expiries: BTreeMap<Slot, AgentId>,
    next: u64,
}

/// When an entry is forgotten, and a number that makes it unique.
type Slot = (Timestamp, u64);

#[derive(Debug, Default)]
struct Sender {
    ids: HashMap<Arc<str>, Slot>,
    slots: BTreeMap<Slot, Arc<str>>,
}

impl ReplayWindow {
    /// An empty memory for [`limits::REPLAY_ENTRIES`] in all and [`SENDER_ENTRIES`] of one sender.
    pub fn new() -> Self {
        Self::bounded(limits::REPLAY_ENTRIES, SENDER_ENTRIES)
    }

    /// An empty memory of another size. Both numbers are at least 1.
    pub fn bounded(total: usize, per_sender: usize) -> Self {
        Self {
            total: total.max(1),
            per_sender: per_sender.max(1),
            senders: HashMap::new(),
            sizes: BTreeSet::new(),
            expiries: BTreeMap::new(),
            next: 0,
        }
    }

    /// Whether `sender` used `id` before and that is still remembered at `now`.
    pub fn contains(&self, sender: &AgentId, id: &str, now: Timestamp) -> bool {
        let slot = self.senders.get(sender).and_then(|entries| entries.ids.get(id));
        slot.is_some_and(|(expiry, _)| now <= *expiry)
    }

    /// Remembers `id` for [`limits::REPLAY_WINDOW`]. False, and nothing changes, when it is remembered
    /// already. Call it only for what `sender` has signed.
    pub fn claim(&mut self, sender: &AgentId, id: &str, now: Timestamp) -> bool {
        self.claim_dated(sender, id, now, now)
    }

    /// Like [`ReplayWindow::claim`], for something that carries a timestamp of its own. What is dated in
    /// the future stays fresh for longer, so it is remembered for longer: until it is stale.
    pub fn claim_dated(&mut self, sender: &AgentId, id: &str, dated: Timestamp, now: Timestamp) -> bool {
        self.forget_expired(now);
        if self.contains(sender, id, now) {
            return false;
        }
        let expiry = dated.clamp(now, now + limits::FRESHNESS) + limits::REPLAY_WINDOW;
        self.insert(*sender, id, expiry);
        true
    }

    /// Takes back what [`ReplayWindow::entries`] gave before a restart.
    pub fn load(&mut self, entries: impl IntoIterator<Item = (AgentId, String, Timestamp)>) {
        for (sender, id, expiry) in entries {
            self.insert(sender, &id, expiry);
        }
    }

    /// Everything remembered: sender, id, and the last moment at which it is remembered.
    pub fn entries(&self) -> impl Iterator<Item = (AgentId, &str, Timestamp)> {
        self.senders.iter().flat_map(|(sender, entries)| {
            entries.slots.iter().map(|((expiry, _), id)| (*sender, id.as_ref(), *expiry))
        })
    }

    /// How many entries are held, expired ones included.
    pub fn len(&self) -> usize {
        self.expiries.len()
    }

    /// Whether nothing is held.
    pub fn is_empty(&self) -> bool {
        self.expiries.is_empty()
    }

    fn insert(&mut self, sender: AgentId, id: &str, expiry: Timestamp) {
        if let Some(slot) = self.senders.get(&sender).and_then(|entries| entries.ids.get(id).copied()) {
            self.remove(sender, slot);
        }
        self.make_room(sender);
        let slot = (expiry, self.next);
        self.next += 1;
        let id: Arc<str> = id.into();
        self.resize(sender, |entries| {
            entries.ids.insert(Arc::clone(&id), slot);
            entries.slots.insert(slot, id);
        });
        self.expiries.insert(slot, sender);
    }

    /// Frees a place for one entry of `sender`. The largest sender gives way; among equals the newcomer
    /// itself, so nobody takes from a sender that holds no more.
    fn make_room(&mut self, sender: AgentId) {
        let held = self.held_by(&sender);
        if held >= self.per_sender {
            return self.evict(sender);
        }
        if self.len() < self.total {
            return;
        }
        let Some((most, largest)) = self.sizes.last().copied() else { return };
        if most > held + 1 {
            self.evict(largest);
        } else if held > 0 {
            self.evict(sender);
        } else if let Some(oldest) = self.expiries.values().next().copied() {
            // Everybody holds one entry, and the newcomer none to give.
            self.evict(oldest);
        }
    }

    fn forget_expired(&mut self, now: Timestamp) {
        while let Some((slot, sender)) = self.expiries.first_key_value() {
            if slot.0 >= now {
                break;
            }
            let (slot, sender) = (*slot, *sender);
            self.remove(sender, slot);
        }
    }

    /// Forgets the entry of `sender` that would be forgotten next.
    fn evict(&mut self, sender: AgentId) {
        let first = self.senders.get(&sender).and_then(|entries| entries.slots.keys().next().copied());
        if let Some(slot) = first {
            self.remove(sender, slot);
        }
    }

    fn remove(&mut self, sender: AgentId, slot: Slot) {
        self.expiries.remove(&slot);
        self.resize(sender, |entries| {
            if let Some(id) = entries.slots.remove(&slot) {
                entries.ids.remove(&id);
            }
        });
    }

    /// Changes the entries of `sender` and keeps its place among the sizes.
    fn resize(&mut self, sender: AgentId, change: impl FnOnce(&mut Sender)) {
        let entries = self.senders.entry(sender).or_default();
        self.sizes.remove(&(entries.ids.len(), sender));
        change(entries);
        if entries.ids.is_empty() {
            self.senders.remove(&sender);
        } else {
            self.sizes.insert((entries.ids.len(), sender));
        }
    }

    fn held_by(&self, sender: &AgentId) -> usize {
        self.senders.get(sender).map_or(0, |entries| entries.ids.len())
    }
}

impl Default for ReplayWindow {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

    use super::*;

    const NOW: Timestamp = Timestamp::from_seconds(1_000_000);

    fn agent(number: u8) -> AgentId {
        AgentId::from_bytes([number; 32])
    }

    #[test]
    fn an_id_counts_once_per_sender_until_the_window_has_passed() {
        let mut window = ReplayWindow::new();
        let end = NOW + limits::REPLAY_WINDOW;
        assert!(!window.contains(&agent(1), "msg-1", NOW));
        assert!(window.claim(&agent(1), "msg-1", NOW));
        assert!(!window.claim(&agent(1), "msg-1", end));
        assert!(window.contains(&agent(1), "msg-1", end));
        // Nobody can use up an id of somebody else.
        assert!(window.claim(&agent(2), "msg-1", NOW));
        let later = end + Duration::from_micros(1);
        assert!(!window.contains(&agent(1), "msg-1", later));
        assert!(window.claim(&agent(1), "msg-1", later));
        assert_eq!(window.len(), 1);
    }

    #[test]
    fn what_is_dated_in_the_future_is_remembered_until_it_is_stale() {
        let mut window = ReplayWindow::new();
        let dated = NOW + Duration::from_secs(200);
        assert!(window.claim_dated(&agent(1), "ahead", dated, NOW));
        assert!(window.contains(&agent(1), "ahead", dated + limits::FRESHNESS));
        // A date beyond what is fresh, or in the past, changes nothing for the worse.
        assert!(window.claim_dated(&agent(1), "absurd", Timestamp::from_micros(i64::MAX), NOW));
        assert!(window.claim_dated(&agent(1), "old", Timestamp::from_seconds(0), NOW));
        let times: Vec<_> = window.entries().map(|(_, id, until)| (id, until.since(NOW).as_secs())).collect();
        assert_eq!(times, [("old", 300), ("ahead", 500), ("absurd", 600)]);
    }

    #[test]
    fn a_flood_does_not_push_out_a_quiet_sender() {
        let mut window = ReplayWindow::new();
        assert!(window.claim(&agent(0), "quiet", NOW));
        for number in 0..4 * limits::REPLAY_ENTRIES {
            let flooder = agent(1 + u8::try_from(number % 3).unwrap());
            assert!(window.claim(&flooder, &number.to_string(), NOW));
        }
        assert_eq!(window.len(), limits::REPLAY_ENTRIES);
        assert!(window.contains(&agent(0), "quiet", NOW));
        assert!(!window.contains(&agent(1), "0", NOW));
    }

    #[test]
    fn survives_a_restart() {
        let mut window = ReplayWindow::new();
        for number in 0..3 {
            window.claim(&agent(number), "msg-1", NOW + Duration::from_secs(number.into()));
        }
        let mut restarted = ReplayWindow::new();
        restarted.load(window.entries().map(|(sender, id, until)| (sender, id.to_owned(), until)));
        assert_eq!(restarted.entries().collect::<BTreeSet<_>>(), window.entries().collect());
        assert!(!restarted.claim(&agent(2), "msg-1", NOW));
    }

    fn check(window: &ReplayWindow) {
        assert!(window.len() <= window.total);
        let held = |sender: &Sender| (sender.ids.len(), sender.slots.len());
        assert!(window.senders.values().all(|sender| held(sender).0 == held(sender).1));
        assert!(window.senders.values().all(|sender| (1..=window.per_sender).contains(&held(sender).0)));
        assert_eq!(window.senders.values().map(|sender| held(sender).0).sum::<usize>(), window.len());
        let sizes = window.senders.iter().map(|(id, sender)| (held(sender).0, *id)).collect();
        assert_eq!(window.sizes, sizes);
    }

    proptest! {
        #[test]
        fn stays_bounded_and_takes_only_from_those_who_hold_more(
            claims in prop::collection::vec((0..5_u8, 0..12_u8, 0..40_u64), 0..120),
        ) {
            let mut window = ReplayWindow::bounded(8, 4);
            let mut now = NOW;
            for (sender, id, wait) in claims {
                now = now + Duration::from_secs(wait);
                window.forget_expired(now);
                let before: Vec<_> = (0..5).map(|other| window.held_by(&agent(other))).collect();
                let known = window.contains(&agent(sender), &id.to_string(), now);
                prop_assert_eq!(window.claim(&agent(sender), &id.to_string(), now), !known);
                prop_assert!(window.contains(&agent(sender), &id.to_string(), now));
                check(&window);
                let own = before[usize::from(sender)];
                for other in (0..5).filter(|other| *other != sender) {
                    let had = before[usize::from(other)];
                    let lost = had - window.held_by(&agent(other));
                    prop_assert!(lost == 0 || had > own, "{own} took {lost} of {had}");
                }
            }
        }
    }
}
