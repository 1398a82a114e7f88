//! Routing rules: does an incoming message stay, go on to others, get an answer, or end here?
//!
//! A [`RouterMode`] names a chain of deciders; the first that does not pass wins. Rules are tried by
//! priority, highest first, in list order on ties; the first whose conditions all hold decides. Modes and
//! rule members are those of 1.1.1.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::identity::AgentId;

/// Which deciders a message goes through. Settings refuse an unknown name; [`RouterMode::from_name`] takes it
/// for [`RouterMode::Spawn`], as 1.1.1 does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RouterMode {
    /// Rules, then keep the message.
    RulesFirst,
    /// Only rules: a message that no rule decides passes, which leaves it in the inbox.
    RulesOnly,
    /// No rules: keep every message.
    QueueOnly,
    /// Rules, then keep the message. The default; despite its name it starts nothing.
    #[default]
    Spawn,
}

impl RouterMode {
    /// The mode called `name`; [`RouterMode::Spawn`] when there is none of that name.
    pub fn from_name(name: &str) -> Self {
        match name {
            "rules_first" => Self::RulesFirst,
            "rules_only" => Self::RulesOnly,
            "queue_only" => Self::QueueOnly,
            _ => Self::Spawn,
        }
    }
}

/// What a rule does with a message that meets its conditions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RuleAction {
    /// Keep the message.
    Handle,
    /// Send it to `forward_to` and keep nothing.
    Forward,
    /// Answer with `response_text` and keep nothing. It answers what a connected peer says first: a message that is an
    /// answer itself, or repeats the answer of a rule, is none of its business, so that two nodes never answer each other
    /// for ever.
    Answer,
    /// Keep nothing.
    Drop,
    /// Ask no further rule; the next decider of the chain decides.
    Pass,
    /// A word from a newer version: acts like `pass`.
    #[serde(other)]
    Unknown,
}

/// One rule. Conditions that are absent hold for every message; those present must all hold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RoutingRule {
    /// Its name.
    pub rule_id: String,
    /// What happens when it matches.
    pub action: RuleAction,
    /// Higher is tried first.
    #[serde(default)]
    pub priority: i64,
    /// Whether it is tried at all.
    #[serde(default = "enabled")]
    pub enabled: bool,
    /// Text that the content contains, in any letter case.
    #[serde(default)]
    pub keyword: Option<String>,
    /// Who sent the message.
    #[serde(default)]
    pub from_agent_id: Option<AgentId>,
    /// A metadata key that is present, with any value unless `metadata_value` is given.
    #[serde(default)]
    pub metadata_key: Option<String>,
    /// The text form of the value under `metadata_key`; means nothing without a key.
    #[serde(default)]
    pub metadata_value: Option<String>,
    /// Who gets a forwarded message.
    #[serde(default)]
    pub forward_to: Vec<AgentId>,
    /// What `answer` says, 1 to 4,000 characters; nothing to other actions, and to 1.1.1.
    #[serde(default)]
    pub response_text: Option<String>,
}

fn enabled() -> bool {
    true
}

/// The parts of a message that rules look at.
#[derive(Clone, Copy, Debug)]
pub struct MessageView<'a> {
    /// The text.
    pub content: &'a str,
    /// Who sent it.
    pub from: &'a AgentId,
    /// Its metadata.
    pub metadata: &'a Map<String, Value>,
    /// Whether it names a message that it answers.
    pub is_reply: bool,
}

/// The member of the metadata that marks what a rule answered. Those who pass it on keep it.
pub const ANSWERED_BY_RULE: &str = "answered_by_rule";

impl MessageView<'_> {
    /// Whether a rule may answer it.
    fn may_be_answered(&self) -> bool {
        // 1.1.1 has the reference in the metadata alone.
        let names_one = self.metadata.get("in_reply_to").is_some_and(|reference| !reference.is_null());
        !self.is_reply && !names_one && !self.metadata.contains_key(ANSWERED_BY_RULE)
    }
}

/// What happens to a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// It stays in the inbox.
    Handle,
    /// It is sent to these agents and then ends here. Never empty, never the sender, each named once.
    /// The caller skips those it is not connected to.
    Forward {
        /// Who gets it.
        to: Vec<AgentId>,
    },
    /// It is answered with this text and then ends here. The caller keeps it when the sender is no peer.
    Answer {
        /// The rule that answers.
        rule_id: String,
        /// What to say.
        text: String,
    },
    /// It ends here.
    Drop,
    /// Nobody decided; it stays in the inbox.
    Pass,
}

/// Decides about `message`.
pub fn decide(mode: RouterMode, rules: &[RoutingRule], message: MessageView<'_>) -> Decision {
    let by_rule = || matching_rule(rules, message).map_or(Decision::Pass, |rule| outcome(rule, message));
    match mode {
        RouterMode::QueueOnly => Decision::Handle,
        RouterMode::RulesOnly => by_rule(),
        RouterMode::RulesFirst | RouterMode::Spawn => match by_rule() {
            Decision::Pass => Decision::Handle,
            decided => decided,
        },
    }
}

/// The rule that decides about `message`, for reports; none when no enabled rule matches.
pub fn matching_rule<'r>(rules: &'r [RoutingRule], message: MessageView<'_>) -> Option<&'r RoutingRule> {
    // Lower-case once, not once per rule: content may be long and rules may be many.
    let content = message.content.to_lowercase();
    let applies = |rule: &RoutingRule| rule.action != RuleAction::Answer || message.may_be_answered();
    let holds =
        |rule: &RoutingRule| rule.enabled && applies(rule) && conditions_hold(rule, message, &content);
    let matching = rules.iter().filter(|rule| holds(rule));
    // `max_by_key` keeps the last of equals, so the list is read from its end.
    matching.rev().max_by_key(|rule| rule.priority)
}

/// Whether all conditions of `rule` hold, enabled or not.
pub fn matches(rule: &RoutingRule, message: MessageView<'_>) -> bool {
    conditions_hold(rule, message, &message.content.to_lowercase())
}

fn conditions_hold(rule: &RoutingRule, message: MessageView<'_>, lower_content: &str) -> bool {
    let keyword = rule.keyword.as_ref().is_none_or(|word| lower_content.contains(&word.to_lowercase()));
    let sender = rule.from_agent_id.as_ref().is_none_or(|id| id == message.from);
    let metadata = match rule.metadata_key.as_deref() {
        None | Some("") => true,
        Some(key) => message
            .metadata
            .get(key)
            .is_some_and(|value| rule.metadata_value.as_deref().is_none_or(|text| reads(value, text))),
    };
    keyword && sender && metadata
}

/// Whether `text` is a text form of `value`: JSON's, or that of 1.1.1, where `true` reads `True`.
fn reads(value: &Value, text: &str) -> bool {
    match value {
        Value::String(string) => string == text,
        Value::Bool(true) => text == "True" || text == "true",
        Value::Bool(false) => text == "False" || text == "false",
        Value::Null => text == "None" || text == "null",
        Value::Number(number) => number.to_string() == text,
        Value::Array(_) | Value::Object(_) => {
            serde_json::from_str::<Value>(text).is_ok_and(|given| given == *value)
        }
    }
}

fn outcome(rule: &RoutingRule, message: MessageView<'_>) -> Decision {
    match rule.action {
        RuleAction::Handle => Decision::Handle,
        RuleAction::Drop => Decision::Drop,
        RuleAction::Pass | RuleAction::Unknown => Decision::Pass,
        RuleAction::Answer => match &rule.response_text {
            Some(text) if !text.trim().is_empty() => {
                Decision::Answer { rule_id: rule.rule_id.clone(), text: text.clone() }
            }
            _ => Decision::Pass,
        },
        RuleAction::Forward => {
            let mut to = Vec::with_capacity(rule.forward_to.len());
            for id in &rule.forward_to {
                if id != message.from && !to.contains(id) {
                    to.push(*id);
                }
            }
            // 1.1.1 would forward to nobody and drop the message; we would rather keep it.
            if to.is_empty() { Decision::Pass } else { Decision::Forward { to } }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn id(byte: u8) -> AgentId {
        AgentId::from_bytes([byte; 32])
    }

    fn rule(value: Value) -> RoutingRule {
        serde_json::from_value(value).unwrap()
    }

    fn forwards_to(ids: &[AgentId]) -> RoutingRule {
        rule(json!({"rule_id": "f", "action": "forward", "forward_to": ids}))
    }

    #[test]
    fn a_message_is_never_sent_back_to_its_sender_nor_twice_to_one_agent() {
        let (from, metadata) = (id(1), Map::new());
        let view = MessageView { content: "", from: &from, metadata: &metadata, is_reply: false };
        let rules = [forwards_to(&[id(1), id(2), id(2), id(3)])];
        assert_eq!(decide(RouterMode::Spawn, &rules, view), Decision::Forward { to: vec![id(2), id(3)] });
    }

    #[test]
    fn a_message_that_could_only_go_back_to_its_sender_is_kept() {
        let (from, metadata) = (id(1), Map::new());
        let view = MessageView { content: "", from: &from, metadata: &metadata, is_reply: false };
        assert_eq!(decide(RouterMode::Spawn, &[forwards_to(&[id(1)])], view), Decision::Handle);
        assert_eq!(decide(RouterMode::RulesOnly, &[forwards_to(&[])], view), Decision::Pass);
    }

    #[test]
    fn metadata_is_compared_by_its_text() {
        let (from, metadata) =
            (id(1), json!({"n": 1.5, "t": true, "none": null, "s": "x", "list": [1, "a"]}));
        let metadata = metadata.as_object().unwrap();
        let view = MessageView { content: "", from: &from, metadata, is_reply: false };
        for (key, value, holds) in [
            ("n", "1.5", true),
            ("t", "true", true),
            ("t", "True", true),
            ("t", "yes", false),
            ("none", "None", true),
            ("s", "x", true),
            ("s", "\"x\"", false),
            ("list", "[1, \"a\"]", true),
            ("list", "[1]", false),
            ("absent", "x", false),
        ] {
            let condition =
                rule(json!({"rule_id": "m", "action": "drop", "metadata_key": key, "metadata_value": value}));
            assert_eq!(matches(&condition, view), holds, "{key} {value}");
        }
    }

    #[test]
    fn a_rule_answers_what_is_said_first_and_never_an_answer() {
        let (from, plain) = (id(1), Map::new());
        let rules = [
            rule(json!({"rule_id": "away", "action": "answer", "response_text": "back at nine"})),
            rule(json!({"rule_id": "rest", "action": "drop", "priority": -1})),
            rule(json!({"rule_id": "mute", "action": "answer", "priority": -2})),
        ];
        let decide = |metadata: &Map<String, Value>, is_reply| {
            let view = MessageView { content: "", from: &from, metadata, is_reply };
            (decide(RouterMode::Spawn, &rules, view), matching_rule(&rules, view).unwrap().rule_id.clone())
        };
        let answer = Decision::Answer { rule_id: "away".into(), text: "back at nine".into() };
        assert_eq!(decide(&plain, false), (answer, "away".into()));
        assert_eq!(decide(&plain, true), (Decision::Drop, "rest".into()));
        for metadata in
            [json!({"in_reply_to": "msg-1"}), json!({ANSWERED_BY_RULE: "theirs", "forwarded": true})]
        {
            assert_eq!(decide(metadata.as_object().unwrap(), false), (Decision::Drop, "rest".into()));
        }
        let view = MessageView { content: "", from: &from, metadata: &plain, is_reply: false };
        assert_eq!(super::decide(RouterMode::RulesOnly, &rules[2..], view), Decision::Pass, "nothing to say");
    }

    #[test]
    fn a_keyword_matches_letters_beyond_ascii_in_any_case() {
        let (from, metadata) = (id(1), Map::new());
        let view =
            MessageView { content: "GRÜSSE aus Köln", from: &from, metadata: &metadata, is_reply: false };
        assert!(matches(&rule(json!({"rule_id": "k", "action": "drop", "keyword": "grüsse"})), view));
    }

    #[test]
    fn settings_refuse_an_unknown_mode_and_rules_survive_words_of_a_newer_version() {
        assert!(serde_json::from_value::<RouterMode>(json!("later")).is_err());
        assert_eq!(RouterMode::from_name("later"), RouterMode::Spawn);
        assert_eq!(serde_json::to_value(RouterMode::Spawn).unwrap(), json!("spawn"));
        assert_eq!(rule(json!({"rule_id": "x", "action": "later"})).action, RuleAction::Unknown);
    }
}
