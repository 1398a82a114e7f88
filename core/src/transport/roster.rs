//! Who listens at one place: what agents that share a port know of each other.
//!
//! They share a listener and nothing else. Each may ask the others two things, both of which everybody may know or which
//! stay within the process: how they present themselves in the documents that list all of them, and whether an agent is a
//! peer of theirs.

use std::sync::Arc;

use super::Receiver;
use crate::identity::AgentId;

/// One of those who listen.
#[derive(Clone)]
pub struct Neighbour {
    /// Who.
    pub agent: AgentId,
    /// What its arrivals are handed to.
    pub receiver: Arc<dyn Receiver>,
}

/// All who listen at a place, in the order in which they came.
#[derive(Default)]
pub struct Roster(Vec<Neighbour>);

impl Roster {
    /// Those who listen, in this order.
    pub fn new(neighbours: Vec<Neighbour>) -> Self {
        Self(neighbours)
    }

    /// Everybody who has not ended, `me` too.
    pub fn all(&self) -> impl Iterator<Item = &Neighbour> {
        self.0.iter().filter(|neighbour| !neighbour.receiver.is_gone())
    }

    /// Everybody but `me`.
    pub fn others<'a>(&'a self, me: &'a AgentId) -> impl Iterator<Item = &'a Neighbour> {
        self.all().filter(move |neighbour| neighbour.agent != *me)
    }
}

impl std::fmt::Debug for Roster {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.0.iter().map(|neighbour| neighbour.agent.short())).finish()
    }
}
