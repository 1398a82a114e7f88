//! Verbs about routing rules.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::NoArgs;
use crate::{
    error::{Code, Error, Result},
    identity::AgentId,
    messaging::{
        RoutingRule,
        rules::{Decision, MessageView, RouterMode, decide, matching_rule},
    },
    node::Node,
    wire::limits,
};

/// All rules from now on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RulesArgs {
    /// At most 256 rules; none removes all.
    pub rules: Vec<RoutingRule>,
}

/// A message to try the rules with.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TryArgs {
    /// The text, at most 65,536 characters.
    pub content: String,
    /// Who would send it.
    pub from: AgentId,
    /// Its metadata; `in_reply_to` in it makes it an answer.
    #[serde(default)]
    pub metadata: Map<String, Value>,
}

/// A rule that holds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Rule {
    /// Its members.
    #[serde(flatten)]
    pub rule: RoutingRule,
}

/// What becomes of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Fate {
    /// It stays in the inbox.
    Keep,
    /// It goes on to others.
    Forward,
    /// It is answered.
    Answer,
    /// It ends here.
    Drop,
    /// Its sender is blocked: it is not taken.
    Refuse,
}

/// What the rules would do with a message.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RuleTrial {
    /// What would become of it.
    pub fate: Fate,
    /// The rule that matches; null when none does.
    pub rule_id: Option<String>,
    /// Who would get it: of the agents that the rule names, those that are connected.
    pub forward_to: Vec<AgentId>,
    /// What its sender would hear.
    pub answer: Option<String>,
    /// Why, for people.
    pub reason: String,
}

impl RuleTrial {
    fn new(fate: Fate, reason: impl Into<String>) -> Self {
        Self { fate, rule_id: None, forward_to: Vec::new(), answer: None, reason: reason.into() }
    }
}

/// The noun `rules`.
pub struct Rules<'a>(&'a Node);

impl Node {
    /// Verbs about routing rules.
    pub fn rules(&self) -> Rules<'_> {
        Rules(self)
    }
}

impl Rules<'_> {
    /// The rules that hold, in the order in which they were given: those of `rules.set`, else those of the settings.
    pub async fn list(&self, _: NoArgs) -> Result<Vec<Rule>> {
        let state = self.0.inner().state.lock();
        Ok(state.rules.rules().iter().map(|rule| Rule { rule: rule.clone() }).collect())
    }

    /// Replaces all rules, at once and over restarts: from then on those of the settings do not count, also when the list
    /// is empty. The setting `router_mode` decides whether rules count at all, and the host's policy goes before them.
    ///
    /// # Errors
    ///
    /// [`Code::InvalidArgument`] names the rule and what it needs; then nothing changes.
    pub async fn set(&self, args: RulesArgs) -> Result<Vec<Rule>> {
        let inner = self.0.inner();
        inner.write(|state, _| state.rules.set(args.rules)).await?;
        self.list(NoArgs {}).await
    }

    /// What the rules would do with a message, without doing it. The host's policy is not asked.
    ///
    /// # Errors
    ///
    /// [`Code::InvalidArgument`] for a content that no message can have.
    pub async fn test(&self, args: TryArgs) -> Result<RuleTrial> {
        if args.content.chars().count() > limits::CONTENT_CHARS {
            let sentence = format!("content must have at most {} characters", limits::CONTENT_CHARS);
            return Err(Error::new(Code::InvalidArgument, sentence));
        }
        let inner = self.0.inner();
        let state = inner.state.lock();
        if state.blocks.contains(&args.from) {
            return Ok(RuleTrial::new(Fate::Refuse, "the sender is blocked"));
        }
        let (mode, rules) = (inner.config.router_mode, state.rules.rules());
        let view = MessageView {
            content: &args.content,
            from: &args.from,
            metadata: &args.metadata,
            is_reply: false,
        };
        let is_connected = |agent: &AgentId| state.peers.get(agent).is_some();
        if mode == RouterMode::QueueOnly {
            return Ok(RuleTrial::new(Fate::Keep, "the router mode queue_only asks no rule"));
        }
        let trial = match decide(mode, rules, view) {
            Decision::Drop => RuleTrial::new(Fate::Drop, "the rule drops it"),
            Decision::Forward { to } => {
                let forward_to: Vec<_> = to.into_iter().filter(is_connected).collect();
                if forward_to.is_empty() {
                    RuleTrial::new(Fate::Keep, "none of the agents to forward to is connected")
                } else {
                    RuleTrial { forward_to, ..RuleTrial::new(Fate::Forward, "the rule passes it on") }
                }
            }
            Decision::Answer { text, .. } if is_connected(&args.from) => {
                RuleTrial { answer: Some(text), ..RuleTrial::new(Fate::Answer, "the rule answers it") }
            }
            Decision::Answer { .. } => RuleTrial::new(Fate::Keep, "only connected peers are answered"),
            Decision::Handle | Decision::Pass => RuleTrial::new(Fate::Keep, "no rule takes it away"),
        };
        let rule_id = matching_rule(rules, view).map(|rule| rule.rule_id.clone());
        Ok(RuleTrial { rule_id, ..trial })
    }
}
