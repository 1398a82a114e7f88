//! Whom this node has nothing to do with, whatever they sign: kept on disk until the host changes its mind.
//!
//! A blocked agent is refused before anything of it is counted, claimed or stored, so that what it sends costs no disk.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    env::Timestamp,
    error::{Code, Error, Result},
    identity::AgentId,
    store::{Batch, Row, Table},
    wire::Answer,
};

/// Most agents that may be blocked. Each costs some hundred bytes.
pub const BLOCKED_LIMIT: usize = 10_000;
/// How long the reason may be.
const REASON_CHARS: usize = 200;

/// An agent that is blocked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct BlockedAgent {
    /// Who.
    pub agent_id: AgentId,
    /// Why, for people here; nobody is told.
    pub reason: Option<String>,
    /// Since when.
    pub blocked_at: Timestamp,
}

/// The block list.
#[derive(Clone, Debug, Default)]
pub struct Blocks(BTreeMap<AgentId, BlockedAgent>);

impl Blocks {
    /// From the rows of [`Table::Blocked`].
    ///
    /// # Errors
    ///
    /// [`Code::StoreCorrupt`] when a row cannot be read.
    pub fn load(rows: &[Row]) -> Result<Self> {
        let read = |row: &Row| row.parse::<BlockedAgent>(Table::Blocked).map(|agent| (agent.agent_id, agent));
        rows.iter().map(read).collect::<Result<_>>().map(Self)
    }

    /// Blocks an agent. One that is blocked already stays so since it was, with the new reason if one is given.
    ///
    /// # Errors
    ///
    /// [`Code::InvalidArgument`] for a reason of the wrong length, and when [`BLOCKED_LIMIT`] agents are blocked.
    pub fn block(
        &mut self,
        agent: AgentId,
        reason: Option<String>,
        now: Timestamp,
    ) -> Result<(BlockedAgent, Batch)> {
        let refuse = |sentence: String| Err(Error::new(Code::InvalidArgument, sentence));
        if reason.as_ref().is_some_and(|text| text.trim().is_empty() || text.chars().count() > REASON_CHARS) {
            return refuse(format!(
                "reason must have 1 to {REASON_CHARS} characters; leave it out to give none"
            ));
        }
        let known = self.0.get(&agent);
        if known.is_none() && self.0.len() >= BLOCKED_LIMIT {
            return refuse(format!("at most {BLOCKED_LIMIT} agents can be blocked; unblock some first"));
        }
        let blocked = BlockedAgent {
            agent_id: agent,
            reason: reason.or_else(|| known?.reason.clone()),
            blocked_at: known.map_or(now, |known| known.blocked_at),
        };
        let mut rows = Batch::new();
        rows.put(Table::Blocked, agent.to_string(), &blocked)?;
        self.0.insert(agent, blocked.clone());
        Ok((blocked, rows))
    }

    /// Lets an agent be as any other again; nothing happens when it is not blocked.
    pub fn unblock(&mut self, agent: &AgentId) -> Batch {
        let mut rows = Batch::new();
        if self.0.remove(agent).is_some() {
            rows.delete(Table::Blocked, agent.to_string());
        }
        rows
    }

    /// Whether an agent is blocked.
    pub fn contains(&self, agent: &AgentId) -> bool {
        self.0.contains_key(agent)
    }

    /// Fails when an agent is blocked.
    ///
    /// # Errors
    ///
    /// [`Code::PeerBlocked`].
    pub fn check(&self, agent: &AgentId) -> Result<()> {
        if !self.contains(agent) {
            return Ok(());
        }
        Err(Error::new(Code::PeerBlocked, "the agent is blocked here; unblock it first")
            .with("agent", agent.short()))
    }

    /// Every blocked agent, in the order of the ids.
    pub fn iter(&self) -> impl Iterator<Item = &BlockedAgent> {
        self.0.values()
    }
}

/// What a blocked agent hears, whatever it sent.
pub(crate) fn refusal() -> Answer {
    Answer::refuse(403, Code::PeerBlocked, "This agent has blocked the sender")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Op;

    const NOW: Timestamp = Timestamp::from_seconds(1_700_000_000);

    fn id(number: usize) -> AgentId {
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&number.to_be_bytes());
        AgentId::from_bytes(bytes)
    }

    fn rows(batch: &Batch) -> Vec<Row> {
        let row = |op: &Op| match op {
            Op::Put { key, value, .. } => Some(Row { key: key.clone(), value: value.clone() }),
            Op::Delete { .. } => None,
        };
        batch.ops.iter().filter_map(row).collect()
    }

    #[test]
    fn a_blocked_agent_is_known_after_a_restart_until_it_is_unblocked() {
        let mut blocks = Blocks::default();
        let (blocked, batch) = blocks.block(id(1), Some("spam".into()), NOW).unwrap();
        let mut again = Blocks::load(&rows(&batch)).unwrap();
        assert_eq!(again.iter().collect::<Vec<_>>(), [&blocked]);
        assert_eq!(again.check(&id(1)).unwrap_err().code(), Code::PeerBlocked);
        again.check(&id(2)).unwrap();
        assert_eq!(again.unblock(&id(1)).ops, [Op::Delete { table: Table::Blocked, key: id(1).to_string() }]);
        again.check(&id(1)).unwrap();
        assert!(again.unblock(&id(1)).is_empty());
    }

    #[test]
    fn blocked_again_it_keeps_its_time_and_a_reason_that_is_not_given_anew() {
        let mut blocks = Blocks::default();
        let later = NOW + std::time::Duration::from_secs(9);
        blocks.block(id(1), Some("spam".into()), NOW).unwrap();
        let reason = |blocked: &BlockedAgent| (blocked.reason.clone().unwrap(), blocked.blocked_at);
        assert_eq!(reason(&blocks.block(id(1), None, later).unwrap().0), ("spam".into(), NOW));
        assert_eq!(reason(&blocks.block(id(1), Some("lies".into()), later).unwrap().0), ("lies".into(), NOW));
    }

    #[test]
    fn the_list_and_its_reasons_are_bounded() {
        let mut blocks = Blocks::default();
        for reason in [String::new(), " ".into(), "x".repeat(REASON_CHARS + 1)] {
            assert_eq!(blocks.block(id(0), Some(reason), NOW).unwrap_err().code(), Code::InvalidArgument);
        }
        for number in 0..BLOCKED_LIMIT {
            blocks.block(id(number), None, NOW).unwrap();
        }
        assert_eq!(blocks.block(id(BLOCKED_LIMIT), None, NOW).unwrap_err().code(), Code::InvalidArgument);
        blocks.block(id(0), Some("still".into()), NOW).unwrap();
    }

    #[test]
    fn a_row_that_cannot_be_read_is_told() {
        let row = Row { key: id(1).to_string(), value: "{}".into() };
        assert_eq!(Blocks::load(&[row]).unwrap_err().code(), Code::StoreCorrupt);
    }
}
