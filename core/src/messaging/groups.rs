//! Groups: named sets of agents, and conditions that peers meet. Who they are when a message is sent decides who gets it.
//!
//! All groups are one row of the meta table, so that they change together or not at all.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{
    error::{Code, Error, Result},
    identity::AgentId,
    peers::Connection,
    store::{Batch, Row, Table},
};

/// The row of the meta table.
pub const GROUPS: &str = "groups";
/// Most groups.
pub const GROUP_LIMIT: usize = 256;
/// Most members of a group.
pub const MEMBER_LIMIT: usize = 256;
/// Longest name, and longest text to look for.
const NAME_CHARS: usize = 128;

/// Whom a message of a group goes to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum GroupMode {
    /// Every member gets a copy.
    #[default]
    All,
    /// Exactly one member gets it.
    Any,
}

/// What a peer must be. Absent members hold for every peer; those present must all hold.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PeerMatch {
    /// What it offers: each named capability must be there. Null takes any value, another one must be equal or, when the
    /// peer offers a list, in it.
    pub capabilities: Map<String, Value>,
    /// A text in its name or bio, in any letter case.
    pub text: Option<String>,
    /// What we think of it at least, -1 to 1. Unknown agents have 0.
    pub min_score: Option<f64>,
    /// Only peers that answered when we last tried.
    pub reachable: bool,
}

impl PeerMatch {
    /// Refuses what cannot be meant.
    ///
    /// # Errors
    ///
    /// [`Code::InvalidArgument`] names the member.
    pub fn check(&self) -> Result<()> {
        if self.min_score.is_some_and(|score| !(-1.0..=1.0).contains(&score)) {
            return Err(Error::new(Code::InvalidArgument, "match.min_score must be -1 to 1"));
        }
        if self.text.as_ref().is_some_and(|text| text.is_empty() || text.chars().count() > NAME_CHARS) {
            let sentence = format!("match.text must have 1 to {NAME_CHARS} characters");
            return Err(Error::new(Code::InvalidArgument, sentence));
        }
        Ok(())
    }

    /// Whether `peer` meets it. `score` is what we think of it, `reachable` whether it answered lately.
    pub fn holds(&self, peer: &Connection, score: Option<f64>, reachable: bool) -> bool {
        let offers = |(name, wanted): (&String, &Value)| match (peer.capabilities.get(name), wanted) {
            (Some(_), Value::Null) => true,
            (Some(Value::Array(offered)), wanted) if !wanted.is_array() => offered.contains(wanted),
            (offered, wanted) => offered == Some(wanted),
        };
        let says = |text: &String| {
            let text = text.to_lowercase();
            let name = peer.display_name.as_deref().unwrap_or_default();
            [name, &peer.bio].iter().any(|own| own.to_lowercase().contains(&text))
        };
        self.capabilities.iter().all(offers)
            && self.text.as_ref().is_none_or(says)
            && self.min_score.is_none_or(|least| score.unwrap_or_default() >= least)
            && (reachable || !self.reachable)
    }
}

/// The named sets.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Groups(BTreeMap<String, BTreeSet<AgentId>>);

impl Groups {
    /// From the row that keeps them.
    ///
    /// # Errors
    ///
    /// [`Code::StoreCorrupt`] when the row cannot be read.
    pub fn load(stored: Option<&Row>) -> Result<Self> {
        stored.map_or_else(|| Ok(BTreeMap::new()), |row| row.parse(Table::Meta)).map(Self)
    }

    /// Makes a group, or replaces its members.
    ///
    /// # Errors
    ///
    /// [`Code::InvalidArgument`] says what it needs; [`Code::QueueFull`] when there are too many groups.
    pub fn set(&mut self, name: &str, members: BTreeSet<AgentId>) -> Result<Batch> {
        if name.trim().is_empty() || name.chars().count() > NAME_CHARS {
            let sentence = format!("name must have 1 to {NAME_CHARS} characters");
            return Err(Error::new(Code::InvalidArgument, sentence));
        }
        if members.is_empty() || members.len() > MEMBER_LIMIT {
            let sentence = format!("members must be 1 to {MEMBER_LIMIT} agents, not {}", members.len());
            return Err(Error::new(Code::InvalidArgument, sentence));
        }
        if !self.0.contains_key(name) && self.0.len() >= GROUP_LIMIT {
            let sentence = format!("there are {GROUP_LIMIT} groups; remove one first");
            return Err(Error::new(Code::QueueFull, sentence));
        }
        self.change(|groups| {
            groups.insert(name.to_owned(), members);
        })
    }

    /// Forgets a group.
    ///
    /// # Errors
    ///
    /// [`Code::GroupUnknown`].
    pub fn remove(&mut self, name: &str) -> Result<Batch> {
        self.members(name)?;
        self.change(|groups| {
            groups.remove(name);
        })
    }

    /// The rows are made before anything changes.
    fn change(&mut self, change: impl FnOnce(&mut BTreeMap<String, BTreeSet<AgentId>>)) -> Result<Batch> {
        let mut changed = self.0.clone();
        change(&mut changed);
        let mut rows = Batch::new();
        rows.put(Table::Meta, GROUPS, &changed)?;
        self.0 = changed;
        Ok(rows)
    }

    /// Every group, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&String, &BTreeSet<AgentId>)> {
        self.0.iter()
    }

    /// The members of a group.
    ///
    /// # Errors
    ///
    /// [`Code::GroupUnknown`].
    pub fn members(&self, name: &str) -> Result<&BTreeSet<AgentId>> {
        self.0.get(name).ok_or_else(|| {
            Error::new(Code::GroupUnknown, "there is no group of that name; groups.set makes it")
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{peers::peer_at, store::Op};

    fn agents(numbers: std::ops::Range<u16>) -> BTreeSet<AgentId> {
        let id = |number: u16| {
            let mut bytes = [0; 32];
            bytes[..2].copy_from_slice(&number.to_be_bytes());
            AgentId::from_bytes(bytes)
        };
        numbers.map(id).collect()
    }

    #[test]
    fn groups_are_one_row_and_read_back() {
        let mut groups = Groups::default();
        groups.set("reviewers", agents(0..3)).unwrap();
        let rows = groups.set("writers", agents(3..4)).unwrap();
        let [Op::Put { table: Table::Meta, key, value }] = &rows.ops[..] else { panic!("{rows:?}") };
        let row = Row { key: key.clone(), value: value.clone() };
        assert_eq!(Groups::load(Some(&row)).unwrap(), groups);
        groups.remove("writers").unwrap();
        assert_eq!(groups.remove("writers").unwrap_err().code(), Code::GroupUnknown);
        assert_eq!(groups.members("reviewers").unwrap(), &agents(0..3));
        let odd = Row { key: GROUPS.into(), value: "7".into() };
        assert_eq!(Groups::load(Some(&odd)).unwrap_err().code(), Code::StoreCorrupt);
    }

    #[test]
    fn what_no_group_can_be_is_refused_and_changes_nothing() {
        let mut groups = Groups::default();
        for (name, members) in [
            ("", agents(0..1)),
            (" ", agents(0..1)),
            (&"x".repeat(129)[..], agents(0..1)),
            ("x", agents(0..0)),
            ("x", agents(0..257)),
        ] {
            assert_eq!(groups.set(name, members).unwrap_err().code(), Code::InvalidArgument, "{name}");
        }
        for number in 0..GROUP_LIMIT {
            groups.set(&number.to_string(), agents(0..1)).unwrap();
        }
        assert_eq!(groups.set("one more", agents(0..1)).unwrap_err().code(), Code::QueueFull);
        groups.set("0", agents(0..2)).unwrap();
        assert_eq!(groups.iter().count(), GROUP_LIMIT);
    }

    #[test]
    fn a_peer_matches_when_all_that_is_asked_holds() {
        let mut peer = peer_at("http://8.8.8.8:1");
        peer.display_name = Some("Ada".into());
        peer.bio = "Reviews Rust".into();
        peer.capabilities =
            json!({"languages": ["rust", "c"], "review": true, "level": 3}).as_object().unwrap().clone();
        let holds = |wanted: Value, score: Option<f64>, reachable: bool| {
            serde_json::from_value::<PeerMatch>(wanted).unwrap().holds(&peer, score, reachable)
        };
        for wanted in [
            json!({}),
            json!({"capabilities": {"review": true}}),
            json!({"capabilities": {"review": null, "level": 3}}),
            json!({"capabilities": {"languages": "rust"}}),
            json!({"capabilities": {"languages": ["rust", "c"]}}),
            json!({"text": "ADA"}),
            json!({"text": "reviews rust"}),
            json!({"min_score": 0.0}),
        ] {
            assert!(holds(wanted.clone(), None, false), "{wanted}");
        }
        for wanted in [
            json!({"capabilities": {"review": false}}),
            json!({"capabilities": {"cooking": null}}),
            json!({"capabilities": {"languages": "python"}}),
            json!({"capabilities": {"languages": ["rust"]}}),
            json!({"text": "python"}),
            json!({"text": "ada", "min_score": 0.1}),
            json!({"reachable": true}),
        ] {
            assert!(!holds(wanted.clone(), None, false), "{wanted}");
        }
        assert!(holds(json!({"min_score": 0.5, "reachable": true}), Some(0.5), true));
        for bad in [json!({"min_score": 1.5}), json!({"text": ""}), json!({"text": "x".repeat(129)})] {
            let bad: PeerMatch = serde_json::from_value(bad).unwrap();
            assert_eq!(bad.check().unwrap_err().code(), Code::InvalidArgument);
        }
    }
}
