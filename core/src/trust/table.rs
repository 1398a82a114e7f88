//! The table of all impressions. Every change returns the rows it changed; the caller commits them.

use std::collections::{BTreeMap, BTreeSet};

use std::time::Duration;

use crate::{
    env::{Ages, Now, Timestamp},
    error::{Code, Error, Result},
    identity::AgentId,
    store::{Batch, Row, Table},
};

use super::{Impression, Opinion, gate, score, seed};

/// Most impressions that hold nothing but counters of agents that are gone. Ids are free: where everybody is
/// accepted, one stranger can connect, say a word and leave under any number of them. Four thousand cost about a
/// megabyte of memory, and are far more than the peers that may come back.
pub const COUNTERS_ALONE_LIMIT: usize = 4_096;

/// What we think of each agent we have an impression of.
///
/// The table grows by one row per agent that is rated, seeded or exchanges a message with us, so count
/// messages of connected peers only, and [`Trust::trim`] it when it grew by that.
#[derive(Clone, Debug, Default)]
pub struct Trust {
    impressions: BTreeMap<AgentId, Impression>,
    /// Impressions whose counters moved since their row was written.
    unsaved: BTreeSet<AgentId>,
    /// How long scores have been negative.
    ages: Ages<AgentId>,
}

impl Trust {
    /// No impressions.
    pub fn new() -> Self {
        Self::default()
    }

    /// The table as stored in [`Table::Impressions`].
    ///
    /// # Errors
    ///
    /// [`Code::StoreCorrupt`] when a row is no impression, has no agent id as key or a score out of range.
    pub fn load(rows: &[Row]) -> Result<Self> {
        let mut impressions = BTreeMap::new();
        for row in rows {
            let impression: Impression = row.parse(Table::Impressions)?;
            let sound = row.key.parse().and_then(|id| score::checked(impression.score).map(|_| id));
            let id = sound.map_err(|cause| {
                Error::new(
                    Code::StoreCorrupt,
                    "a stored impression is not valid; restore the database from a backup",
                )
                .with("key", &row.key)
                .because(cause)
            })?;
            impressions.insert(id, impression);
        }
        Ok(Self { impressions, ..Self::default() })
    }

    /// Sets a score by hand, and the note if one is given. Counters and flag stay (B20).
    ///
    /// # Errors
    ///
    /// [`Code::TrustOutOfRange`] unless `score` is a number from -1 to 1.
    pub fn set(&mut self, id: AgentId, score: f64, note: Option<String>, now: Timestamp) -> Result<Batch> {
        let changed = score::set(&self.known(&id), score, note, now)?;
        self.keep(id, changed)
    }

    /// Moves a score by an event of weight `delta`.
    ///
    /// # Errors
    ///
    /// [`Code::TrustOutOfRange`] unless `delta` is finite.
    pub fn adjust(&mut self, id: AgentId, delta: f64, now: Timestamp) -> Result<Batch> {
        let changed = score::adjust(&self.known(&id), delta, now)?;
        self.keep(id, changed)
    }

    /// Counts a message to `peer`. Only one that the peer took changes anything: the counter first, then
    /// the score by what the new counters deserve.
    pub fn record_sent(&mut self, peer: AgentId, delivered: bool, now: Timestamp) -> Result<Batch> {
        if !delivered {
            return Ok(Batch::new());
        }
        let mut counted = self.known(&peer);
        counted.msgs_sent = counted.msgs_sent.saturating_add(1);
        let changed = score::adjust(&counted, score::message_sent_delta(&counted), now)?;
        self.keep(peer, changed)
    }

    /// Counts a message from `peer`. Receiving alone moves no score, so only the first is a row at once; see
    /// [`Trust::save_counters`].
    pub fn count_received(&mut self, peer: AgentId, now: Timestamp) -> Result<Batch> {
        let Some(known) = self.impressions.get_mut(&peer) else {
            return self
                .keep(peer, Impression { msgs_received: 1, updated_at: now, ..Impression::default() });
        };
        known.msgs_received = known.msgs_received.saturating_add(1);
        known.updated_at = now;
        self.unsaved.insert(peer);
        Ok(Batch::new())
    }

    /// Forgets what is beyond [`COUNTERS_ALONE_LIMIT`], longest unused first: impressions without score, note or
    /// flag of agents that are not connected.
    pub fn trim(&mut self, is_connected: impl Fn(&AgentId) -> bool) -> Batch {
        let mut batch = Batch::new();
        let mut spare: Vec<_> = self
            .impressions
            .iter()
            .filter(|(id, known)| known.holds_counters_alone() && !is_connected(id))
            .map(|(id, known)| (known.updated_at, *id))
            .collect();
        let Some(beyond) = spare.len().checked_sub(COUNTERS_ALONE_LIMIT).filter(|beyond| *beyond > 0) else {
            return batch;
        };
        spare.sort_unstable();
        for (_, id) in &spare[..beyond] {
            batch.append(self.remove(id));
        }
        batch
    }

    /// Takes the last [`Trust::count_received`] of `peer` back: the message was there before.
    pub fn retract_received(&mut self, peer: &AgentId) {
        if let Some(known) = self.impressions.get_mut(peer) {
            known.msgs_received = known.msgs_received.saturating_sub(1);
            self.unsaved.insert(*peer);
        }
    }

    /// The rows of impressions that only counted since they were written.
    pub fn save_counters(&mut self) -> Result<Batch> {
        let mut rows = Batch::new();
        for id in std::mem::take(&mut self.unsaved) {
            if let Some(impression) = self.impressions.get(&id) {
                rows.put(Table::Impressions, id.to_string(), impression)?;
            }
        }
        Ok(rows)
    }

    /// Gives `newcomer` a first score from what peers say about it, unless it has an impression or nothing
    /// good was said. What it says of itself is left out (B27), and each peer has one say.
    pub fn seed(&mut self, newcomer: AgentId, opinions: &[Opinion], now: Timestamp) -> Result<Batch> {
        if self.impressions.contains_key(&newcomer) {
            return Ok(Batch::new());
        }
        let mut heard = BTreeSet::from([newcomer]);
        let weighted = opinions
            .iter()
            .filter(|opinion| heard.insert(opinion.agent_id))
            .map(|opinion| (self.score(&opinion.agent_id).unwrap_or(0.0), opinion.score.unwrap_or(0.0)));
        let Some(score) = seed::storable(seed::seeded(weighted)) else {
            return Ok(Batch::new());
        };
        self.keep(newcomer, Impression { score, updated_at: now, ..Impression::default() })
    }

    /// Marks an agent as an entry point of the mesh.
    pub fn mark_infrastructure(&mut self, id: AgentId, now: Timestamp) -> Result<Batch> {
        let known = self.known(&id);
        if known.infrastructure {
            return Ok(Batch::new());
        }
        self.keep(id, Impression { infrastructure: true, updated_at: now, ..known })
    }

    /// Forgets an agent.
    pub fn remove(&mut self, id: &AgentId) -> Batch {
        let mut batch = Batch::new();
        if self.impressions.remove(id).is_some() {
            batch.delete(Table::Impressions, id.to_string());
        }
        batch
    }

    /// What we think of `id`.
    pub fn get(&self, id: &AgentId) -> Option<&Impression> {
        self.impressions.get(id)
    }

    /// The score of `id`, if there is an impression.
    pub fn score(&self, id: &AgentId) -> Option<f64> {
        self.get(id).map(|impression| impression.score)
    }

    /// `agents` by score, best first; see [`gate::rank`].
    pub fn ranking(&self, agents: impl IntoIterator<Item = AgentId>) -> Vec<AgentId> {
        let mut agents: Vec<_> = agents.into_iter().collect();
        gate::rank(&mut agents, |id| self.score(id));
        agents
    }

    /// Which agents have been negative for too long, in the order of their ids, whatever happened to the wall clock
    /// meanwhile; and the rows of those whose beginning lay in its future.
    ///
    /// # Errors
    ///
    /// Only when an impression has no JSON form, which cannot happen.
    pub fn due_for_disconnect(&mut self, now: Now, patience: Duration) -> Result<(Vec<AgentId>, Batch)> {
        let negative = self.impressions.iter().filter_map(|(id, known)| Some((*id, known.negative_since?)));
        self.ages.look(now, negative);
        let (mut due, mut rows) = (Vec::new(), Batch::new());
        for (id, known) in &mut self.impressions {
            if let Some(began) = self.ages.corrected(id, now) {
                known.negative_since = Some(began);
                rows.put(Table::Impressions, id.to_string(), known)?;
            }
            if gate::is_due_for_disconnect(known, self.ages.of(id, now.steady), patience) {
                due.push(*id);
            }
        }
        Ok((due, rows))
    }

    /// Takes over what memory alone knows: how long scores have been negative.
    pub fn succeed(&mut self, before: &Self) {
        self.ages.clone_from(&before.ages);
    }

    /// Every impression, in the order of the ids.
    pub fn iter(&self) -> impl Iterator<Item = (&AgentId, &Impression)> {
        self.impressions.iter()
    }

    /// How many impressions there are.
    pub fn len(&self) -> usize {
        self.impressions.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.impressions.is_empty()
    }

    fn known(&self, id: &AgentId) -> Impression {
        self.get(id).cloned().unwrap_or_default()
    }

    fn keep(&mut self, id: AgentId, impression: Impression) -> Result<Batch> {
        let mut batch = Batch::new();
        batch.put(Table::Impressions, id.to_string(), &impression)?;
        self.impressions.insert(id, impression);
        self.unsaved.remove(&id);
        Ok(batch)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{env::Moment, store::Op};

    const NOW: Timestamp = Timestamp::from_seconds(1_700_000_000);

    fn id(byte: u8) -> AgentId {
        AgentId::from_bytes([byte; 32])
    }

    fn rows(batches: &[Batch]) -> Vec<Row> {
        let mut rows = BTreeMap::new();
        for op in batches.iter().flat_map(|batch| &batch.ops) {
            match op {
                Op::Put { key, value, .. } => rows.insert(key.clone(), value.clone()),
                Op::Delete { key, .. } => rows.remove(key),
            };
        }
        rows.into_iter().map(|(key, value)| Row { key, value }).collect()
    }

    #[test]
    fn the_returned_rows_rebuild_the_table() {
        let mut trust = Trust::new();
        let batches = [
            trust.set(id(1), -0.5, Some("late".into()), NOW).unwrap(),
            trust.record_sent(id(2), true, NOW).unwrap(),
            trust.count_received(id(2), NOW).unwrap(),
            trust.save_counters().unwrap(),
            trust.mark_infrastructure(id(3), NOW).unwrap(),
            trust.set(id(4), 0.5, None, NOW).unwrap(),
            trust.remove(&id(4)),
        ];
        let again = Trust::load(&rows(&batches)).unwrap();
        assert_eq!(again.iter().collect::<Vec<_>>(), trust.iter().collect::<Vec<_>>());
        assert_eq!(again.len(), 3);
        assert_eq!(again.get(&id(2)).unwrap().msgs_received, 1);
    }

    #[test]
    fn a_message_that_was_not_delivered_changes_nothing() {
        let mut trust = Trust::new();
        assert!(trust.record_sent(id(1), false, NOW).unwrap().is_empty());
        assert!(trust.is_empty());
    }

    #[test]
    fn a_refused_score_changes_nothing() {
        let mut trust = Trust::new();
        assert_eq!(trust.set(id(1), f64::NAN, None, NOW).unwrap_err().code(), Code::TrustOutOfRange);
        assert_eq!(trust.adjust(id(1), f64::INFINITY, NOW).unwrap_err().code(), Code::TrustOutOfRange);
        assert!(trust.is_empty());
    }

    #[test]
    fn counters_of_agents_that_are_gone_are_kept_up_to_a_bound_and_all_else_for_good() {
        let stranger = |number: usize| {
            let mut bytes = [0; 32];
            bytes[..8].copy_from_slice(&number.to_be_bytes());
            AgentId::from_bytes(bytes)
        };
        let at = |number: usize| NOW + Duration::from_secs(number as u64);
        let mut trust = Trust::new();
        trust.set(id(200), 0.0, Some("a note".into()), NOW).unwrap();
        trust.set(id(201), -0.1, None, NOW).unwrap();
        trust.mark_infrastructure(id(202), NOW).unwrap();
        trust.count_received(id(203), NOW).unwrap();
        let is_connected = |agent: &AgentId| *agent == id(203);
        for number in 0..COUNTERS_ALONE_LIMIT {
            trust.count_received(stranger(number), at(number)).unwrap();
        }
        // The first is used again, so the second is the one that was not for longest.
        trust.count_received(stranger(0), at(COUNTERS_ALONE_LIMIT)).unwrap();
        assert!(trust.trim(is_connected).is_empty());
        trust.count_received(stranger(COUNTERS_ALONE_LIMIT), at(COUNTERS_ALONE_LIMIT + 1)).unwrap();
        let key = stranger(1).to_string();
        assert_eq!(trust.trim(is_connected).ops, [Op::Delete { table: Table::Impressions, key }]);
        assert_eq!(trust.len(), COUNTERS_ALONE_LIMIT + 4);
        assert!(trust.get(&stranger(0)).is_some() && trust.get(&stranger(1)).is_none());
    }

    #[test]
    fn a_newcomer_has_no_say_about_itself_and_a_peer_has_one() {
        let mut trust = Trust::new();
        trust.set(id(1), 0.5, None, NOW).unwrap();
        let says = |byte, score| Opinion { agent_id: id(byte), score: Some(score) };
        let opinions = [says(9, 1.0), says(1, 0.1), says(1, 1.0)];
        trust.seed(id(9), &opinions, NOW).unwrap();
        assert_eq!(trust.score(&id(9)), Some(0.1));
        assert!(trust.seed(id(9), &[says(1, 0.5)], NOW).unwrap().is_empty(), "an impression is kept");
        assert_eq!(trust.score(&id(9)), Some(0.1));
    }

    #[test]
    fn names_the_agents_that_stayed_negative_for_an_hour() {
        let mut trust = Trust::new();
        trust.set(id(1), -0.5, None, NOW).unwrap();
        trust.set(id(2), 0.5, None, NOW).unwrap();
        let later = NOW + gate::NEGATIVE_PATIENCE;
        trust.set(id(3), -0.5, None, later).unwrap();
        let now = Now { wall: later, steady: Moment::ORIGIN };
        assert_eq!(trust.due_for_disconnect(now, gate::NEGATIVE_PATIENCE).unwrap().0, [id(1)]);
    }

    #[test]
    fn distrust_ends_in_time_whatever_happens_to_the_wall_clock() {
        let hour = gate::NEGATIVE_PATIENCE;
        for set_to in [NOW - hour * 9, NOW + hour * 9] {
            let mut trust = Trust::new();
            let start = Now { wall: NOW, steady: Moment::ORIGIN };
            trust.set(id(1), -0.5, None, NOW).unwrap();
            assert!(trust.due_for_disconnect(start, hour).unwrap().0.is_empty());
            let set = Now { wall: set_to, ..start };
            let (due, stored) = trust.due_for_disconnect(set, hour).unwrap();
            assert!(due.is_empty());
            assert_eq!(!stored.is_empty(), set_to < NOW, "what lies in the future is moved, on disk too");
            assert!(trust.get(&id(1)).unwrap().negative_since.unwrap() <= set_to);
            assert_eq!(trust.due_for_disconnect(set + hour, hour).unwrap().0, [id(1)]);
        }
    }

    #[test]
    fn a_stored_score_out_of_range_is_reported_as_corruption() {
        for (key, value) in [(id(1).to_string(), r#"{"score":1.5}"#), ("someone".into(), r#"{"score":0.5}"#)]
        {
            let row = Row { key, value: value.into() };
            assert_eq!(Trust::load(&[row]).unwrap_err().code(), Code::StoreCorrupt);
        }
    }
}
