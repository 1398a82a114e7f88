//! Pre-keys of others: what they published here, and what we learned from those who keep them.
//!
//! A bundle is replaced by a later one and never by an earlier one, also after a restart: a mailbox that serves an old
//! bundle, whose secret may have been stolen since, is found out. One-time keys are handed out once each.

use std::collections::{BTreeMap, HashMap};

use serde::{Deserialize, Serialize};

use super::prekeys::PER_MAILBOX;
use crate::{
    env::{Moment, Timestamp},
    error::{Code, Error, Result},
    identity::AgentId,
    store::{Batch, Row, Table},
    wire::prekeys::{Bundle, OneTimeKey, Publication},
};

/// Of how many agents bundles are kept. Connections, whose bundles these are, are fewer.
pub const AGENTS: usize = 1_000;
/// How many one-time keys of one agent somebody gets in an hour. Then the rotating key has to do.
pub const DRAWS: u32 = 10;
const HOUR: std::time::Duration = std::time::Duration::from_secs(3600);
/// Of how many pairs draws are counted; beyond them nobody new gets one-time keys until an hour is over.
const COUNTED: usize = 4_096;

/// What is known of one agent, as stored.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Held {
    bundle: Bundle,
    /// Whether the agent left it here itself, so that mail for it is kept.
    is_ours_to_serve: bool,
    one_time: Vec<OneTimeKey>,
}

/// The bundles of others.
#[derive(Default)]
pub struct Bundles {
    of: BTreeMap<AgentId, Held>,
    draws: HashMap<(AgentId, AgentId), (Moment, u32)>,
}

fn stale() -> Error {
    Error::new(Code::Stale, "these pre-keys are older than others of the same agent that are known")
}

impl Bundles {
    /// From the rows of the table.
    ///
    /// # Errors
    ///
    /// [`Code::StoreCorrupt`] when a row cannot be read.
    pub fn load(rows: &[Row]) -> Result<Self> {
        let mut bundles = Self::default();
        for row in rows {
            let held: Held = row.parse(Table::Bundles)?;
            bundles.of.insert(held.bundle.agent_id, held);
        }
        Ok(bundles)
    }

    /// The newest bundle of an agent.
    pub fn get(&self, agent: &AgentId) -> Option<&Bundle> {
        self.of.get(agent).map(|held| &held.bundle)
    }

    /// Whether the agent wants its mail kept here.
    pub fn serves(&self, agent: &AgentId) -> bool {
        self.of.get(agent).is_some_and(|held| held.is_ours_to_serve)
    }

    /// How many agents want their mail kept here, and how many one-time keys of theirs are here.
    pub fn served(&self) -> (usize, usize) {
        let served = self.of.values().filter(|held| held.is_ours_to_serve);
        served.fold((0, 0), |(agents, keys), held| (agents + 1, keys + held.one_time.len()))
    }

    /// How many one-time keys of an agent are left to hand out.
    pub fn left(&self, agent: &AgentId) -> usize {
        self.of.get(agent).map_or(0, |held| held.one_time.len())
    }

    /// An agent, whose signature on the request holds, leaves its keys with `me`.
    ///
    /// # Errors
    ///
    /// [`Code::SignatureInvalid`] when a signature inside does not hold, [`Code::Stale`] for an older bundle,
    /// [`Code::KeyMismatch`] when the bundle does not name `me`, [`Code::QueueFull`] when there is no room.
    pub fn take(
        &mut self,
        from: &AgentId,
        me: &AgentId,
        publication: Publication,
        now: Timestamp,
    ) -> Result<Batch> {
        let Publication { bundle, one_time } = publication;
        if bundle.agent_id != *from || !bundle.mailboxes.contains(me) {
            let sentence =
                "the pre-keys are of another agent, or do not name this node among their mailboxes";
            return Err(Error::new(Code::KeyMismatch, sentence));
        }
        if !bundle.is_valid() || !one_time.iter().all(|key| key.is_valid(from)) {
            return Err(Error::new(Code::SignatureInvalid, "a pre-key is not signed by its agent"));
        }
        if !self.of.contains_key(from) && self.of.len() >= AGENTS {
            return Err(Error::new(Code::QueueFull, "no more agents can leave their pre-keys here"));
        }
        let mut kept = match self.of.get(from) {
            Some(held) if bundle.issued_at < held.bundle.issued_at => return Err(stale()),
            Some(held) => held.one_time.clone(),
            None => Vec::new(),
        };
        kept.retain(|key| now <= key.valid_until);
        for key in one_time {
            if kept.len() < PER_MAILBOX && !kept.contains(&key) {
                kept.push(key);
            }
        }
        self.put(Held { bundle, is_ours_to_serve: true, one_time: kept })
    }

    /// A bundle that somebody told us about its agent. Returns the rows, none when it is known.
    ///
    /// # Errors
    ///
    /// [`Code::SignatureInvalid`], or [`Code::Stale`] when we know a later one.
    pub fn learn(&mut self, bundle: &Bundle) -> Result<Batch> {
        if !bundle.is_valid() {
            return Err(Error::new(Code::SignatureInvalid, "the pre-keys are not signed by their agent"));
        }
        let held = match self.of.get(&bundle.agent_id) {
            Some(held) if bundle.issued_at < held.bundle.issued_at => return Err(stale()),
            Some(held) if bundle == &held.bundle => return Ok(Batch::new()),
            Some(held) => Held { bundle: bundle.clone(), ..held.clone() },
            // Forgotten, the next one is believed at its first sight.
            None if self.of.len() >= AGENTS => return Ok(Batch::new()),
            None => Held { bundle: bundle.clone(), is_ours_to_serve: false, one_time: Vec::new() },
        };
        self.put(held)
    }

    fn put(&mut self, held: Held) -> Result<Batch> {
        let mut rows = Batch::new();
        rows.put(Table::Bundles, held.bundle.agent_id.to_string(), &held)?;
        self.of.insert(held.bundle.agent_id, held);
        Ok(rows)
    }

    /// A one-time key of `of` for `asker`, which nobody gets again, when there is one and the asker did not have many. The
    /// rows must be on disk before it is told.
    ///
    /// # Errors
    ///
    /// Only when a row has no JSON form, which cannot happen.
    pub fn draw(
        &mut self,
        of: &AgentId,
        asker: AgentId,
        now: Timestamp,
        steady: Moment,
    ) -> Result<(Option<OneTimeKey>, Batch)> {
        let Some(held) = self.of.get_mut(of) else { return Ok((None, Batch::new())) };
        held.one_time.retain(|key| now <= key.valid_until);
        if held.one_time.is_empty() {
            return Ok((None, Batch::new()));
        }
        if self.draws.len() >= COUNTED {
            self.draws.retain(|_, (since, _)| steady < *since + HOUR);
        }
        let is_new = !self.draws.contains_key(&(asker, *of));
        if is_new && self.draws.len() >= COUNTED {
            return Ok((None, Batch::new()));
        }
        let (since, count) = self.draws.entry((asker, *of)).or_insert((steady, 0));
        if steady >= *since + HOUR {
            (*since, *count) = (steady, 0);
        }
        if *count >= DRAWS {
            return Ok((None, Batch::new()));
        }
        *count += 1;
        let key = held.one_time.remove(0);
        let mut rows = Batch::new();
        rows.put(Table::Bundles, of.to_string(), &*held)?;
        Ok((Some(key), rows))
    }

    /// Lets go of an agent: it is not connected any more. What we know stays known until its keys are useless, so that
    /// an old bundle does not pass for a new one.
    pub fn part(&mut self, agent: &AgentId) -> Result<Batch> {
        let Some(held) = self.of.get(agent).filter(|held| held.is_ours_to_serve).cloned() else {
            return Ok(Batch::new());
        };
        self.put(Held { is_ours_to_serve: false, one_time: Vec::new(), ..held })
    }

    /// Forgets bundles that nobody can use any more and that are nobody's wish.
    pub fn tidy(&mut self, now: Timestamp) -> Batch {
        let mut rows = Batch::new();
        self.of.retain(|agent, held| {
            let is_kept = held.is_ours_to_serve || held.bundle.is_usable(now);
            if !is_kept {
                rows.delete(Table::Bundles, agent.to_string());
            }
            is_kept
        });
        rows
    }
}

#[cfg(test)]
mod tests;
