//! How many connections one source may hold at once.
//!
//! A connection costs its holder nothing, and those that send slowly keep theirs for many seconds. Without a
//! share for each source a single one could hold them all, and peers would wait in the backlog.

use std::{collections::HashMap, net::IpAddr, sync::Arc};

use parking_lot::Mutex;
use tokio::sync::OwnedSemaphorePermit;

use crate::wire::limiter::SourceKey;

/// The connections of every source.
pub(super) struct Crowd {
    most: usize,
    exempts_loopback: bool,
    held: Mutex<HashMap<SourceKey, usize>>,
}

/// The right of one connection to be served; given back when it is dropped.
pub(super) struct Slot {
    _permit: OwnedSemaphorePermit,
    share: Option<(Arc<Crowd>, SourceKey)>,
}

impl Crowd {
    pub(super) fn new(most: usize, exempts_loopback: bool) -> Arc<Self> {
        Arc::new(Self { most, exempts_loopback, held: Mutex::default() })
    }

    /// A slot for a connection from `address`; `None` when that source holds its share already.
    pub(super) fn admit(self: &Arc<Self>, address: IpAddr, permit: OwnedSemaphorePermit) -> Option<Slot> {
        let source = SourceKey::from(address);
        if self.exempts_loopback && source.is_loopback() {
            return Some(Slot::unshared(permit));
        }
        let mut held = self.held.lock();
        let count = held.entry(source.clone()).or_default();
        if *count >= self.most {
            return None;
        }
        *count += 1;
        Some(Slot { _permit: permit, share: Some((Arc::clone(self), source)) })
    }
}

impl Slot {
    /// A slot for those that have no share of their own, such as a proxy, whose connections are those of many.
    pub(super) fn unshared(permit: OwnedSemaphorePermit) -> Self {
        Self { _permit: permit, share: None }
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let Some((crowd, source)) = self.share.take() else { return };
        let mut held = crowd.held.lock();
        if let Some(count) = held.get_mut(&source) {
            *count -= 1;
            if *count == 0 {
                held.remove(&source);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::Semaphore;

    use super::*;

    #[test]
    fn a_source_has_its_share_and_leaves_nothing_behind() {
        let (crowd, slots) = (Crowd::new(2, false), Arc::new(Semaphore::new(9)));
        let admit = |address: &str| {
            let permit = Arc::clone(&slots).try_acquire_owned().unwrap();
            crowd.admit(address.parse().unwrap(), permit)
        };
        let held: Vec<_> = (0..3).map(|_| admit("203.0.113.9")).collect();
        assert_eq!(held.iter().flatten().count(), 2);
        // One subscriber, whichever of its addresses it uses.
        let others = [admit("2001:db8::1"), admit("2001:db8::2"), admit("2001:db8::3"), admit("::1")];
        assert_eq!(others.iter().flatten().count(), 3);
        assert_eq!(slots.available_permits(), 4);
        drop((held, others));
        assert!(crowd.held.lock().is_empty());
        assert_eq!(slots.available_permits(), 9);
        assert!(admit("203.0.113.9").is_some());
    }

    #[test]
    fn this_machine_may_be_exempt() {
        let (crowd, slots) = (Crowd::new(1, true), Arc::new(Semaphore::new(9)));
        let admit = |address: &str| {
            let permit = Arc::clone(&slots).try_acquire_owned().unwrap();
            crowd.admit(address.parse().unwrap(), permit)
        };
        let near: Vec<_> =
            ["127.0.0.1", "127.0.0.1", "::1", "::1"].map(admit).into_iter().flatten().collect();
        assert_eq!(near.len(), 4);
        assert_eq!(["203.0.113.9", "203.0.113.9"].map(admit).into_iter().flatten().count(), 1);
    }
}
