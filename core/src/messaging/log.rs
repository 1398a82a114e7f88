//! The conversation log: the newest entries of what we sent and received, as a ring.
//!
//! Entries are numbered from 0 for the life of the node, and readers remember numbers. Trimming the ring
//! therefore moves nothing: 1.1.1 remembered positions, which were wrong as soon as the log was full.

use std::collections::VecDeque;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{
    error::{Code, Error, Result},
    identity::AgentId,
    store::{Batch, Row, Table},
};

/// How many entries are kept.
pub const ENTRIES: usize = 500;
/// Longest content of an entry, in characters.
pub const CONTENT_CHARS: usize = 10_000;
/// Longest content of a summary, in characters.
pub const SUMMARY_CHARS: usize = 25_000;

/// What kind of exchange an entry records.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum EntryType {
    /// A message to several agents, or one marked as broadcast.
    Broadcast,
    /// A message sent on.
    Forward,
    /// A status of ours.
    StatusBroadcast,
    /// A peer's status.
    MeshObservation,
    /// A summary of earlier entries.
    Summary,
    /// A message to one agent; unknown words are read as this.
    #[serde(other)]
    Direct,
}

/// Which way an entry went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// To us.
    Inbound,
    /// From us.
    Outbound,
}

/// One entry, with the members of 1.1.1.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct LogEntry {
    /// The id of the message.
    pub message_id: String,
    /// Its text, cut to [`CONTENT_CHARS`] ([`SUMMARY_CHARS`] for summaries).
    pub content: String,
    /// Who sent it.
    pub from_agent_id: AgentId,
    /// To whom.
    #[serde(default)]
    pub to_agent_ids: Vec<AgentId>,
    /// When it was logged, in the text form of the mesh. Text, because imported logs may hold anything.
    pub timestamp: String,
    /// What kind of exchange it was.
    pub entry_type: EntryType,
    /// Which way it went.
    pub direction: Direction,
    /// Our score of the sender then; 0 for what we sent.
    #[serde(default)]
    pub trust_at_time: f64,
    /// The metadata of the message.
    #[serde(default)]
    pub metadata: Map<String, Value>,
}

/// The newest [`ENTRIES`] entries.
#[derive(Clone, Debug, Default)]
pub struct ConversationLog {
    entries: VecDeque<(u64, LogEntry)>,
    next: u64,
}

impl ConversationLog {
    /// An empty log.
    pub fn new() -> Self {
        Self::default()
    }

    /// The log as stored in [`Table::Log`]. More than [`ENTRIES`] rows are kept until the next append.
    ///
    /// # Errors
    ///
    /// [`Code::StoreCorrupt`] when a row is no entry or its key no number.
    pub fn load(rows: &[Row]) -> Result<Self> {
        let mut entries = VecDeque::with_capacity(rows.len());
        for row in rows {
            entries.push_back((number(row)?, row.parse(Table::Log)?));
        }
        entries.make_contiguous().sort_by_key(|(number, _)| *number);
        let next = entries.back().map_or(0, |(number, _)| number.saturating_add(1));
        Ok(Self { entries, next })
    }

    /// Adds an entry, its content cut; returns the rows that change, those trimmed from the ring included.
    pub fn append(&mut self, mut entry: LogEntry) -> Result<Batch> {
        let limit = if entry.entry_type == EntryType::Summary { SUMMARY_CHARS } else { CONTENT_CHARS };
        if let Some((end, _)) = entry.content.char_indices().nth(limit) {
            entry.content.truncate(end);
        }
        let mut batch = Batch::new();
        batch.put(Table::Log, key(self.next), &entry)?;
        self.entries.push_back((self.next, entry));
        self.next = self.next.saturating_add(1);
        while self.entries.len() > ENTRIES {
            if let Some((oldest, _)) = self.entries.pop_front() {
                batch.delete(Table::Log, key(oldest));
            }
        }
        Ok(batch)
    }

    /// Takes the newest inbound entry of a message back, in memory: its row was refused.
    pub(super) fn retract(&mut self, message_id: &str, from: &AgentId) {
        let found = self.entries.iter().rposition(|(_, entry)| {
            entry.direction == Direction::Inbound
                && entry.message_id == message_id
                && entry.from_agent_id == *from
        });
        if let Some(position) = found {
            self.entries.remove(position);
        }
    }

    /// The entries from `number` on, oldest first, each with its number.
    pub fn since(
        &self,
        number: u64,
    ) -> impl DoubleEndedIterator<Item = (u64, &LogEntry)> + ExactSizeIterator {
        let start = self.entries.partition_point(|(have, _)| *have < number);
        self.entries.range(start..).map(|(number, entry)| (*number, entry))
    }

    /// The number that the next entry gets.
    pub fn next_number(&self) -> u64 {
        self.next
    }

    /// How many entries are kept now.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }
}

/// The key of an entry: sixteen digits, so that keys sort as numbers do.
fn key(number: u64) -> String {
    format!("{number:016x}")
}

fn number(row: &Row) -> Result<u64> {
    u64::from_str_radix(&row.key, 16).map_err(|cause| {
        Error::new(Code::StoreCorrupt, "a log entry has no number as key; restore the database from a backup")
            .with("key", &row.key)
            .because(cause)
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::store::Op;

    fn entry(content: &str) -> LogEntry {
        LogEntry {
            message_id: "msg-1".into(),
            content: content.into(),
            from_agent_id: AgentId::from_bytes([1; 32]),
            to_agent_ids: vec![],
            timestamp: "2026-05-19T12:34:56.789012+00:00".into(),
            entry_type: EntryType::Direct,
            direction: Direction::Inbound,
            trust_at_time: 0.0,
            metadata: Map::new(),
        }
    }

    fn apply(rows: &mut BTreeMap<String, String>, batch: Batch) {
        for op in batch.ops {
            match op {
                Op::Put { key, value, .. } => rows.insert(key, value),
                Op::Delete { key, .. } => rows.remove(&key),
            };
        }
    }

    fn stored(rows: &BTreeMap<String, String>) -> Vec<Row> {
        rows.iter().map(|(key, value)| Row { key: key.clone(), value: value.clone() }).collect()
    }

    #[test]
    fn keeps_the_newest_entries_and_deletes_the_rows_of_the_others() {
        let (mut log, mut rows) = (ConversationLog::new(), BTreeMap::new());
        for index in 0..ENTRIES + 7 {
            apply(&mut rows, log.append(entry(&index.to_string())).unwrap());
        }
        assert_eq!((log.len(), rows.len()), (ENTRIES, ENTRIES));
        let mut again = ConversationLog::load(&stored(&rows)).unwrap();
        assert!(again.since(0).eq(log.since(0)));
        assert_eq!(again.since(0).next().unwrap().1.content, "7");
        apply(&mut rows, again.append(entry("new")).unwrap());
        assert_eq!(again.since(0).next_back().unwrap().0, (ENTRIES + 7) as u64);
    }

    #[test]
    fn a_reader_finds_its_place_after_entries_were_trimmed() {
        let mut log = ConversationLog::new();
        for index in 0..ENTRIES {
            log.append(entry(&index.to_string())).unwrap();
        }
        let place = log.next_number();
        for index in 0..3 {
            log.append(entry(&format!("new {index}"))).unwrap();
        }
        let read: Vec<_> = log.since(place).map(|(_, entry)| entry.content.as_str()).collect();
        assert_eq!(read, ["new 0", "new 1", "new 2"]);
    }

    #[test]
    fn content_is_cut_by_characters_and_a_summary_may_be_longer() {
        let mut log = ConversationLog::new();
        log.append(entry(&"ü".repeat(CONTENT_CHARS + 1))).unwrap();
        log.append(LogEntry { entry_type: EntryType::Summary, ..entry(&"ü".repeat(SUMMARY_CHARS + 1)) })
            .unwrap();
        let lengths: Vec<_> = log.since(0).map(|(_, entry)| entry.content.chars().count()).collect();
        assert_eq!(lengths, [CONTENT_CHARS, SUMMARY_CHARS]);
    }

    #[test]
    fn a_log_longer_than_the_ring_shrinks_with_the_next_entry() {
        let value = serde_json::to_string(&entry("old")).unwrap();
        let rows: Vec<_> =
            (0..ENTRIES as u64 + 20).map(|n| Row { key: key(n), value: value.clone() }).collect();
        let mut log = ConversationLog::load(&rows).unwrap();
        let batch = log.append(entry("new")).unwrap();
        assert_eq!((log.len(), batch.ops.len()), (ENTRIES, 22));
    }

    #[test]
    fn a_row_without_a_number_is_reported_as_corruption() {
        let row = Row { key: "x".into(), value: serde_json::to_string(&entry("")).unwrap() };
        assert_eq!(ConversationLog::load(&[row]).unwrap_err().code(), Code::StoreCorrupt);
    }
}
