//! Rate limits: who may ask how often, before and after it has proven who it is.
//!
//! 1.1.1 counts only a few endpoints, and only 600 a minute per claimed sender. Here a source address that
//! has not proven to be a connected peer has a small allowance, all such sources share one (a crowd of
//! addresses gains nothing), and the quota of a peer is touched only after its signature held (S15, S16).
//! Pings have an allowance of their own, because a 1.1.1 peer sends about one a second.
//!
//! A refused request spends nothing anywhere. Time is an argument; when it steps back it stands still.

mod bucket;
mod types;

use std::num::NonZeroU32;

use crate::{env::Timestamp, identity::AgentId};

use bucket::{Bucket, Buckets, GivenTime};
pub use types::{Class, Limit, Limited, Limits, Loopback, PeerRate, SourceKey};

/// How many sources, ping sources and peers are remembered, each.
///
/// A source is remembered once a request of it was accepted. The shared allowance of strangers lets in a
/// few hundred a minute, so a flood of addresses cannot push out one that still waits for its next request.
pub const TRACKED: usize = 4096;

/// The allowances of one node.
pub struct Limiter {
    limits: Limits,
    time: GivenTime,
    strangers: Option<Bucket>,
    sources: Buckets<SourceKey>,
    pings: Buckets<SourceKey>,
    peers: Buckets<AgentId>,
    receipts: Buckets<AgentId>,
}

impl Limiter {
    /// A limiter at which nobody has asked yet.
    pub fn new(limits: Limits) -> Self {
        let time = GivenTime::default();
        Self {
            limits,
            strangers: limits.strangers_total.map(|rate| Bucket::new(rate, time.clone())),
            sources: Buckets::new(TRACKED),
            pings: Buckets::new(TRACKED),
            peers: Buckets::new(TRACKED),
            receipts: Buckets::new(TRACKED),
            time,
        }
    }

    /// Counts a request of a source that has proven nothing yet.
    ///
    /// # Errors
    ///
    /// The limit that is used up. Nothing was spent: the shared allowance of strangers stays whole when the
    /// source's own is used up, and the other way round.
    pub fn source(&mut self, key: &SourceKey, class: Class, now: Timestamp) -> Result<(), Limited> {
        self.time.set(now);
        if self.limits.loopback == Loopback::Exempt && key.is_loopback() {
            return Ok(());
        }
        match class {
            Class::Ping => self.ping(key),
            Class::Stranger => self.stranger(key),
        }
    }

    /// Gives back what [`Limiter::source`] spent for a request that turned out to come from a connected peer.
    pub fn refund(&mut self, key: &SourceKey, class: Class, now: Timestamp) {
        self.time.set(now);
        if self.limits.loopback == Loopback::Exempt && key.is_loopback() {
            return;
        }
        match class {
            Class::Ping => self.pings.refund(key),
            Class::Stranger => {
                self.sources.refund(key);
                if let Some(shared) = &self.strangers {
                    shared.refund();
                }
            }
        }
    }

    /// Counts a request of a connected peer whose signature held.
    ///
    /// # Errors
    ///
    /// The peer's limit, when it is used up. Nothing was spent.
    pub fn peer(&mut self, id: &AgentId, own: PeerRate, now: Timestamp) -> Result<(), Limited> {
        let Some(rate) = self.peer_rate(own) else { return Ok(()) };
        self.time.set(now);
        spend(self.peers.get(id, rate, &self.time), Limit::Peer).map(drop)
    }

    /// Counts a frame of receipts of a connected peer: as many as it may send of everything else, and apart from that,
    /// so that what becomes of our messages costs nobody the room for their own.
    ///
    /// # Errors
    ///
    /// The peer's limit, when it is used up. Nothing was spent.
    pub fn receipts(&mut self, id: &AgentId, own: PeerRate, now: Timestamp) -> Result<(), Limited> {
        let Some(rate) = self.peer_rate(own) else { return Ok(()) };
        self.time.set(now);
        spend(self.receipts.get(id, rate, &self.time), Limit::Peer).map(drop)
    }

    fn peer_rate(&self, own: PeerRate) -> Option<NonZeroU32> {
        match own {
            PeerRate::Standard => self.limits.peer,
            PeerRate::Unlimited => None,
            PeerRate::PerMinute(rate) => Some(rate),
        }
    }

    /// Forgets what a peer spent, when its connection ends.
    pub fn forget_peer(&mut self, id: &AgentId) {
        self.peers.remove(id);
        self.receipts.remove(id);
    }

    /// The limits it was made with.
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// How many sources, ping sources and peers are remembered now; each at most [`TRACKED`].
    pub fn tracked(&self) -> (usize, usize, usize) {
        (self.sources.len(), self.pings.len(), self.peers.len())
    }

    fn ping(&mut self, key: &SourceKey) -> Result<(), Limited> {
        let Some(rate) = self.limits.ping else { return Ok(()) };
        spend(self.pings.get(key, rate, &self.time), Limit::Ping).map(drop)
    }

    fn stranger(&mut self, key: &SourceKey) -> Result<(), Limited> {
        let Some(rate) = self.limits.stranger_per_source else { return self.spend_shared() };
        let own = spend(self.sources.get(key, rate, &self.time), Limit::StrangerPerSource)?;
        self.spend_shared().inspect_err(|_| {
            if own.is_first() {
                self.sources.remove(key);
            } else {
                self.sources.get(key, rate, &self.time).give_back(own);
            }
        })
    }

    fn spend_shared(&self) -> Result<(), Limited> {
        self.strangers.as_ref().map_or(Ok(()), |shared| spend(shared, Limit::StrangersTotal).map(drop))
    }
}

fn spend(bucket: &Bucket, limit: Limit) -> Result<bucket::Before, Limited> {
    bucket.spend().map_err(|retry_after| Limited { limit, per_minute: bucket.per_minute(), retry_after })
}

#[cfg(test)]
mod tests;
