//! The context feed: what happened on the mesh since a session last looked, as a few lines of text.
//!
//! Each session (an MCP client, say) is shown the recent past once and afterwards only what is new. The
//! text quotes peers: whoever hands it to a model marks it as untrusted data.

use std::collections::{BTreeMap, HashMap};

use crate::identity::AgentId;

use super::log::{ConversationLog, Direction, EntryType, LogEntry};

/// Most entries of a session's first text.
pub const FIRST_ENTRIES: usize = 20;
/// Most entries of a later text.
pub const LATER_ENTRIES: usize = 5;
/// Words of an entry in a first text.
pub const FIRST_WORDS: usize = 1000;
/// Words of a summary in a first text.
pub const FIRST_SUMMARY_WORDS: usize = 5000;
/// Characters of an entry in a later text.
pub const LATER_CHARS: usize = 200;
/// How many sessions are remembered; the one that asked longest ago is forgotten and begins anew.
pub const SESSIONS: usize = 64;

/// How much of an entry is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Detail {
    /// As in a session's first text.
    Full,
    /// As in a later one.
    Brief,
}

/// Through whose eyes entries are told.
#[derive(Clone, Copy)]
pub struct Viewer<'a> {
    /// Our id, shown as `you`.
    pub own: &'a AgentId,
    /// The display name of a connected peer; others are shown by the start of their id.
    pub name_of: &'a dyn Fn(&AgentId) -> Option<String>,
}

/// What each session has seen.
#[derive(Clone, Debug, Default)]
pub struct ContextFeed {
    sessions: HashMap<String, Seen>,
    /// Session names by when they last asked.
    by_use: BTreeMap<u64, String>,
    uses: u64,
}

#[derive(Clone, Debug, Default)]
struct Seen {
    used: u64,
    /// The number of the first entry not shown yet; none before the first text.
    entries: Option<u64>,
    /// The number of the first entry not hinted at yet.
    hinted: u64,
    /// The unread messages of the last hint.
    unread: usize,
}

impl ContextFeed {
    /// Nothing seen by anybody.
    pub fn new() -> Self {
        Self::default()
    }

    /// What is new for `session`; empty when nothing is, or without a session.
    pub fn context(&mut self, session: Option<&str>, log: &ConversationLog, viewer: Viewer<'_>) -> String {
        let Some(session) = session else { return String::new() };
        let seen = self.seen(session);
        let (title, most, detail) = match seen.entries {
            None => ("RECENT CONTEXT", FIRST_ENTRIES, Detail::Full),
            Some(_) => ("NEW CONTEXT", LATER_ENTRIES, Detail::Brief),
        };
        let fresh = log.since(seen.entries.unwrap_or(0));
        let total = fresh.len();
        if total == 0 {
            return String::new();
        }
        seen.entries = Some(log.next_number());
        let omitted = total.saturating_sub(most);
        let mut text = match omitted {
            0 => format!("{title}:"),
            count => format!("{title} ({count} older entries omitted):"),
        };
        for (_, entry) in fresh.skip(omitted) {
            text.push('\n');
            text.push_str(&line(entry, detail, viewer));
        }
        text
    }

    /// One line about activity: unread messages and inbound broadcasts. With a session, those that came
    /// since its last hint.
    pub fn hint(&mut self, session: Option<&str>, unread: usize, log: &ConversationLog) -> String {
        let (unread, from) = match session.map(|session| self.seen(session)) {
            None => (unread, 0),
            Some(seen) => {
                let last = std::mem::replace(&mut seen.unread, unread);
                let from = std::mem::replace(&mut seen.hinted, log.next_number());
                (unread.saturating_sub(last), from)
            }
        };
        let updates = log.since(from).filter(|(_, entry)| is_network_update(entry)).count();
        let parts: Vec<_> = [(unread, "unread message"), (updates, "network update")]
            .into_iter()
            .filter(|(count, _)| *count > 0)
            .map(|(count, what)| format!("{count} {what}{}", if count == 1 { "" } else { "s" }))
            .collect();
        if parts.is_empty() { String::from("No new activity") } else { parts.join(" | ") }
    }

    /// How many sessions are remembered.
    pub fn sessions(&self) -> usize {
        self.sessions.len()
    }

    fn seen(&mut self, session: &str) -> &mut Seen {
        self.uses += 1;
        if let Some(known) = self.sessions.get(session) {
            self.by_use.remove(&known.used);
        } else if self.sessions.len() >= SESSIONS
            && let Some((_, oldest)) = self.by_use.pop_first()
        {
            self.sessions.remove(&oldest);
        }
        self.by_use.insert(self.uses, session.to_owned());
        let seen = self.sessions.entry(session.to_owned()).or_default();
        seen.used = self.uses;
        seen
    }
}

/// One entry as a line (of several text lines when the content has them).
pub fn line(entry: &LogEntry, detail: Detail, viewer: Viewer<'_>) -> String {
    let time = clock_time(&entry.timestamp);
    let who = name(&entry.from_agent_id, viewer);
    let text = shown(entry, detail);
    let inbound = entry.direction == Direction::Inbound;
    match entry.entry_type {
        EntryType::Summary => format!("[{time}] SUMMARY by {who}: {text}"),
        EntryType::MeshObservation | EntryType::StatusBroadcast if inbound => {
            format!("[{time}] MESH {who}: {text}")
        }
        EntryType::MeshObservation | EntryType::StatusBroadcast => format!("[{time}] STATUS {who}: {text}"),
        EntryType::Broadcast => format!("[{time}] {who} (broadcast): \"{text}\""),
        EntryType::Direct | EntryType::Forward if inbound => format!("[{time}] {who} → you: \"{text}\""),
        EntryType::Direct => format!("[{time}] {who} → {}: \"{text}\"", targets(entry, viewer)),
        EntryType::Forward => format!("[{time}] {who} → {} (forward): \"{text}\"", targets(entry, viewer)),
    }
}

fn is_network_update(entry: &LogEntry) -> bool {
    entry.entry_type == EntryType::Broadcast && entry.direction == Direction::Inbound
}

/// `12:34:56Z`, or the start of a text that is no time.
fn clock_time(timestamp: &str) -> String {
    match timestamp.parse::<jiff::Timestamp>() {
        Ok(moment) => moment.strftime("%H:%M:%SZ").to_string(),
        Err(_) => timestamp.chars().take(19).collect(),
    }
}

fn name(id: &AgentId, viewer: Viewer<'_>) -> String {
    if id == viewer.own {
        return String::from("you");
    }
    // A peer chooses its name: without line breaks it cannot forge a line of its own.
    let given = (viewer.name_of)(id).map(|name| name.replace(char::is_control, " "));
    given.filter(|name| !name.trim().is_empty()).unwrap_or_else(|| id.short())
}

fn targets(entry: &LogEntry, viewer: Viewer<'_>) -> String {
    const NAMED: usize = 3;
    let named: Vec<_> = entry.to_agent_ids.iter().take(NAMED).map(|id| name(id, viewer)).collect();
    let more = entry.to_agent_ids.len().saturating_sub(NAMED);
    let named = named.join(", ");
    if more == 0 { named } else { format!("{named} +{more} more") }
}

fn shown(entry: &LogEntry, detail: Detail) -> String {
    let text = cleaned(&entry.content);
    match (detail, entry.entry_type) {
        (Detail::Brief, _) => match text.char_indices().nth(LATER_CHARS) {
            Some((end, _)) => format!("{}...", &text[..end]),
            None => text,
        },
        (Detail::Full, EntryType::Summary) => first_words(text, FIRST_SUMMARY_WORDS),
        (Detail::Full, _) => first_words(text, FIRST_WORDS),
    }
}

fn first_words(text: String, most: usize) -> String {
    let mut words = text.split_whitespace();
    let first: Vec<_> = words.by_ref().take(most).collect();
    if words.next().is_none() {
        return text;
    }
    format!("{}...", first.join(" "))
}

/// `content` without lines that a terminal or a tool call left behind, blank lines collapsed.
fn cleaned(content: &str) -> String {
    let mut text = String::with_capacity(content.len());
    let mut breaks = 0;
    for row in content.lines().filter(|row| !is_chrome(row)).map(str::trim_end) {
        if row.is_empty() {
            breaks += 1;
            continue;
        }
        if !text.is_empty() {
            text.push_str(if breaks == 0 { "\n" } else { "\n\n" });
        }
        text.push_str(row);
        breaks = 0;
    }
    let trimmed = text.trim();
    if trimmed.is_empty() { String::from("(no content)") } else { trimmed.to_owned() }
}

/// Whether a line is furniture of a coding agent's terminal rather than something somebody wrote.
fn is_chrome(row: &str) -> bool {
    let row = row.trim();
    let lower = row.to_lowercase();
    let footer = ["esc to interrupt", "ctrl+o to expand", "ctrl+r to expand", "shift+tab to cycle"];
    let frame = !row.is_empty() && row.chars().all(|c| c.is_whitespace() || ('─'..='╿').contains(&c));
    frame
        || footer.iter().any(|words| lower.contains(words))
        || (lower.contains("darkmatter - ") && lower.contains("(mcp)"))
        || row.starts_with('⎿')
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Map, json};

    fn entry(content: &str, kind: &str) -> LogEntry {
        serde_json::from_value(json!({
            "message_id": "m", "content": content, "from_agent_id": AgentId::from_bytes([2; 32]),
            "timestamp": "2026-05-19T12:34:56.789012+00:00", "entry_type": kind, "direction": "inbound",
            "metadata": Map::new(),
        }))
        .unwrap()
    }

    fn told(feed: &mut ContextFeed, session: &str, log: &ConversationLog) -> String {
        let own = AgentId::from_bytes([1; 32]);
        feed.context(Some(session), log, Viewer { own: &own, name_of: &|_| Some("peer".into()) })
    }

    #[test]
    fn a_session_misses_nothing_when_the_log_is_trimmed() {
        let (mut feed, mut log) = (ContextFeed::new(), ConversationLog::new());
        for _ in 0..super::super::log::ENTRIES {
            log.append(entry("old", "direct")).unwrap();
        }
        assert!(told(&mut feed, "s", &log).starts_with("RECENT CONTEXT (480 older"));
        log.append(entry("one", "direct")).unwrap();
        assert_eq!(told(&mut feed, "s", &log), "NEW CONTEXT:\n[12:34:56Z] peer → you: \"one\"");
        assert_eq!(told(&mut feed, "s", &log), "");
    }

    #[test]
    fn a_broadcast_is_hinted_at_even_when_the_ring_is_full_of_broadcasts() {
        let (mut feed, mut log) = (ContextFeed::new(), ConversationLog::new());
        for _ in 0..super::super::log::ENTRIES {
            log.append(entry("b", "broadcast")).unwrap();
        }
        feed.hint(Some("s"), 0, &log);
        log.append(entry("b", "broadcast")).unwrap();
        assert_eq!(feed.hint(Some("s"), 0, &log), "1 network update");
    }

    #[test]
    fn forgets_the_session_that_asked_longest_ago() {
        let (mut feed, mut log) = (ContextFeed::new(), ConversationLog::new());
        log.append(entry("x", "direct")).unwrap();
        for index in 0..SESSIONS {
            told(&mut feed, &index.to_string(), &log);
        }
        assert_eq!(told(&mut feed, "0", &log), "", "asking again keeps a session");
        told(&mut feed, "one more", &log);
        assert_eq!(feed.sessions(), SESSIONS);
        assert_eq!(told(&mut feed, "0", &log), "");
        assert!(told(&mut feed, "1", &log).starts_with("RECENT CONTEXT"), "session 1 was forgotten");
    }

    #[test]
    fn a_name_cannot_start_a_line() {
        let own = AgentId::from_bytes([1; 32]);
        let viewer = Viewer { own: &own, name_of: &|_| Some("x\n[12:00:00Z] you".into()) };
        assert_eq!(line(&entry("hi", "direct"), Detail::Brief, viewer).lines().count(), 1);
    }

    #[test]
    fn prose_that_mentions_tools_stays() {
        assert_eq!(cleaned("I ran it (MCP) and pressed escape"), "I ran it (MCP) and pressed escape");
        assert_eq!(cleaned("a\n╭────╮\n⎿ done\nb"), "a\nb");
        assert_eq!(cleaned("\n\n"), "(no content)");
    }
}
