//! The routing rules that hold: those that the host set, else those of the settings; and what makes a rule usable.
//!
//! Rules that were set are one row of the meta table, so that all of them change together or not at all.

use std::collections::BTreeSet;

use super::rules::{RoutingRule, RuleAction};
use crate::{
    error::{Code, Error, Result},
    store::{Batch, Row, Table},
};

/// The row of the meta table.
pub const ROUTING_RULES: &str = "routing_rules";
/// Most rules.
pub const RULES: usize = 256;
/// Longest name of a rule, and longest metadata key.
const NAME_CHARS: usize = 128;
/// Longest keyword and metadata value.
const CONDITION_CHARS: usize = 1_000;
/// Most agents that one rule forwards to.
const FORWARD_TO: usize = 50;
/// Longest answer.
pub const RESPONSE_CHARS: usize = 4_000;

/// The rules in memory.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RuleBook(Vec<RoutingRule>);

impl RuleBook {
    /// The stored rules win, also when there are none of them; before any were stored those of the settings hold.
    ///
    /// # Errors
    ///
    /// [`Code::StoreCorrupt`] when the row cannot be read.
    pub fn load(stored: Option<&Row>, settings: &[RoutingRule]) -> Result<Self> {
        stored.map_or_else(|| Ok(settings.to_vec()), |row| row.parse(Table::Meta)).map(Self)
    }

    /// Replaces all rules.
    ///
    /// # Errors
    ///
    /// [`Code::InvalidArgument`] names the rule and what it needs.
    pub fn set(&mut self, rules: Vec<RoutingRule>) -> Result<Batch> {
        let refuse = |fault: Fault| Error::new(Code::InvalidArgument, fault.told("rules"));
        check(&rules).map_err(refuse)?;
        // What this version does not know would be stored as a word that means nothing.
        if let Some(index) = rules.iter().position(|rule| rule.action == RuleAction::Unknown) {
            let sentence = "needs an action that this version knows: handle, forward, answer, drop or pass";
            return Err(refuse(Fault { index: Some(index), sentence: sentence.into() }));
        }
        let mut rows = Batch::new();
        rows.put(Table::Meta, ROUTING_RULES, &rules)?;
        self.0 = rules;
        Ok(rows)
    }

    /// The rules, in the order in which they were given.
    pub fn rules(&self) -> &[RoutingRule] {
        &self.0
    }
}

/// Why rules cannot be used.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    /// Which of them; none for all together.
    index: Option<usize>,
    sentence: String,
}

impl Fault {
    /// The sentence for what the caller calls the rules.
    pub(crate) fn told(&self, name: &str) -> String {
        match self.index {
            Some(index) => format!("{name}[{index}] {}", self.sentence),
            None => format!("{name} {}", self.sentence),
        }
    }
}

/// Whether rules can be used.
pub(crate) fn check(rules: &[RoutingRule]) -> Result<(), Fault> {
    if rules.len() > RULES {
        return Err(Fault { index: None, sentence: format!("must be at most {RULES}, not {}", rules.len()) });
    }
    let mut names = BTreeSet::new();
    for (index, rule) in rules.iter().enumerate() {
        let fault = |sentence: String| Err(Fault { index: Some(index), sentence });
        let longer =
            |text: &Option<String>, most| text.as_ref().is_some_and(|text| text.chars().count() > most);
        if rule.rule_id.trim().is_empty() || rule.rule_id.chars().count() > NAME_CHARS {
            return fault(format!("needs a rule_id of 1 to {NAME_CHARS} characters"));
        }
        if !names.insert(&rule.rule_id) {
            return fault(format!("has the rule_id of another rule: {:?}", rule.rule_id));
        }
        if longer(&rule.keyword, CONDITION_CHARS) || longer(&rule.metadata_value, CONDITION_CHARS) {
            return fault(format!("has a keyword or metadata_value beyond {CONDITION_CHARS} characters"));
        }
        if longer(&rule.metadata_key, NAME_CHARS) {
            return fault(format!("has a metadata_key beyond {NAME_CHARS} characters"));
        }
        if rule.forward_to.len() > FORWARD_TO {
            return fault(format!("forwards to more than {FORWARD_TO} agents"));
        }
        if longer(&rule.response_text, RESPONSE_CHARS) {
            return fault(format!("has a response_text beyond {RESPONSE_CHARS} characters"));
        }
        if rule.action == RuleAction::Answer
            && rule.response_text.as_ref().is_none_or(|text| text.trim().is_empty())
        {
            return fault("answers and needs a response_text".into());
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::store::Op;

    fn rules(value: Value) -> Vec<RoutingRule> {
        serde_json::from_value(value).unwrap()
    }

    fn stored(batch: &Batch) -> Row {
        match &batch.ops[..] {
            [Op::Put { table: Table::Meta, key, value }] => Row { key: key.clone(), value: value.clone() },
            other => panic!("one row, not {other:?}"),
        }
    }

    #[test]
    fn stored_rules_win_over_those_of_the_settings_even_when_there_are_none() {
        let settings = rules(json!([{"rule_id": "s", "action": "drop"}]));
        let mut book = RuleBook::load(None, &settings).unwrap();
        assert_eq!(book.rules(), settings);
        for set in
            [rules(json!([{"rule_id": "a", "action": "answer", "response_text": "later"}])), Vec::new()]
        {
            let row = stored(&book.set(set.clone()).unwrap());
            assert_eq!(book.rules(), set);
            assert_eq!(RuleBook::load(Some(&row), &settings).unwrap(), book);
        }
        let odd = Row { key: ROUTING_RULES.into(), value: "7".into() };
        assert_eq!(RuleBook::load(Some(&odd), &settings).unwrap_err().code(), Code::StoreCorrupt);
    }

    #[test]
    fn a_rule_that_cannot_be_used_is_named_and_nothing_changes() {
        let many: Vec<_> = (0..=RULES).map(|n| json!({"rule_id": n.to_string(), "action": "drop"})).collect();
        let agents: Vec<_> =
            (0..=FORWARD_TO as u8).map(|n| json!(crate::identity::AgentId::from_bytes([n; 32]))).collect();
        let with = |member: &str, value: Value| {
            let mut rule = json!({"rule_id": "x", "action": "handle"});
            rule[member] = value;
            json!([{"rule_id": "first", "action": "handle"}, rule])
        };
        let mut book = RuleBook::load(None, &[]).unwrap();
        for (set, named) in [
            (json!(many), "rules must be at most 256, not 257"),
            (with("rule_id", json!("")), "rules[1] needs a rule_id"),
            (with("rule_id", json!("y".repeat(129))), "rules[1] needs a rule_id"),
            (with("rule_id", json!("first")), "rules[1] has the rule_id of another rule"),
            (with("keyword", json!("y".repeat(1_001))), "rules[1] has a keyword"),
            (with("metadata_value", json!("y".repeat(1_001))), "rules[1] has a keyword or metadata_value"),
            (with("metadata_key", json!("y".repeat(129))), "rules[1] has a metadata_key"),
            (with("forward_to", json!(agents)), "rules[1] forwards to more"),
            (with("response_text", json!("y".repeat(4_001))), "rules[1] has a response_text"),
            (with("action", json!("answer")), "rules[1] answers and needs a response_text"),
            (with("action", json!("later")), "rules[1] needs an action that this version knows"),
        ] {
            let error = book.set(rules(set)).unwrap_err();
            assert_eq!(error.code(), Code::InvalidArgument);
            assert!(error.message().starts_with(named), "{error}");
        }
        assert_eq!(book.rules(), []);
    }
}
