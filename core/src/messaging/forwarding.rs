//! Passing a message on: the same id and content, one hop less, signed anew, and to nobody who has it already.
//!
//! | the forwarder | the item |
//! |---|---|
//! | keeps it (a fork) | stays, and remembers to whom it went |
//! | hands it over | is over as soon as one target has it |
//!
//! A loop ends because whoever has the message is known: its author, everybody on its way, and those it was forwarded to from
//! here. What a node cannot know its recipients do: an id of an author is taken once. Beneath that the hops run out.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::types::{Message, MessageKind, body_digest};
use crate::{
    error::{Code, Error, Result},
    identity::AgentId,
};

/// To how many agents one node passes one message.
pub const MOST_TARGETS: usize = 8;
/// How many ids of those who had a message without an origin are told.
const MOST_VISITED: usize = 50;
/// Members that a node of ours adds to a message that a rule could not take away.
const ADDED_HERE: [&str; 2] = ["forward_failed", "answer_failed"];

/// What becomes of the message in the inbox when a copy is accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Passing {
    /// Its place in the inbox.
    pub sequence: u64,
    /// Whether it stays there.
    pub keep: bool,
}

/// Who wrote it: the author that signed its origin, else whoever sent it.
pub fn author(item: &Message) -> AgentId {
    item.origin.as_ref().map_or(item.from, |origin| origin.agent_id)
}

/// Everybody who has the message, as far as is known here.
pub fn known(item: &Message, me: &AgentId) -> BTreeSet<AgentId> {
    let visited = item.metadata.get("visited").and_then(Value::as_array);
    let visited = visited.into_iter().flatten().take(MOST_VISITED);
    let visited = visited.filter_map(|id| id.as_str()?.parse::<AgentId>().ok());
    let way = item.origin.iter().flat_map(|origin| origin.known_holders());
    let mut known: BTreeSet<AgentId> = way.chain(visited).collect();
    known.extend([*me, item.from]);
    known.extend(&item.forwarded_to);
    known
}

/// Whether `item` may go to `to`. `pending` are the targets of copies that are under way.
///
/// # Errors
///
/// [`Code::InvalidArgument`] for a notice, or too many targets; [`Code::HopsExhausted`]; [`Code::AlreadyReceived`] for
/// somebody who has it, which `force` overrides for all but its author and ourselves.
pub fn check(item: &Message, pending: &[AgentId], to: &[AgentId], me: &AgentId, force: bool) -> Result<()> {
    if item.kind == MessageKind::Notice {
        let sentence = "a notice of the node itself cannot be forwarded; send its text";
        return Err(Error::new(Code::InvalidArgument, sentence));
    }
    if item.hops_remaining == 0 {
        return Err(Error::new(Code::HopsExhausted, "the message may not be forwarded any more"));
    }
    let received = |sentence: &'static str, agent: &AgentId| {
        Err(Error::new(Code::AlreadyReceived, sentence).with("to", agent))
    };
    let known = known(item, me);
    for agent in to {
        if agent == me || *agent == author(item) {
            return received("the message does not go back to its author, nor to this node", agent);
        }
        if !force && (known.contains(agent) || pending.contains(agent)) {
            return received("that agent has the message already; force sends it all the same", agent);
        }
    }
    let targets: BTreeSet<_> = item.forwarded_to.iter().chain(pending).chain(to).collect();
    if targets.len() > MOST_TARGETS {
        let sentence = format!("one node passes a message to at most {MOST_TARGETS} agents");
        return Err(Error::new(Code::InvalidArgument, sentence).with("targets", targets.len()));
    }
    Ok(())
}

/// What a forwarder says in place of the author, as it has to say it.
#[derive(Clone, Debug, PartialEq)]
pub struct Onward {
    /// The metadata.
    pub metadata: Map<String, Value>,
    /// The message it answers.
    pub in_reply_to: Option<String>,
}

/// The body of `item` as its author signed it. One without an origin gets the words by which 1.1.1 tells of forwarding, and
/// who had it.
///
/// # Errors
///
/// [`Code::OriginInvalid`] when no form of it is what the author signed.
pub fn onward(item: &Message, me: &AgentId) -> Result<Onward> {
    let mut stripped = item.metadata.clone();
    stripped.retain(|name, _| !ADDED_HERE.contains(&name.as_str()));
    let Some(origin) = &item.origin else {
        let visited: Vec<_> = known(item, me).into_iter().take(MOST_VISITED).collect();
        for (name, value) in told(author(item), &item.message_id, me) {
            stripped.insert(name, value);
        }
        stripped.insert("visited".into(), json!(visited));
        return Ok(Onward { metadata: stripped, in_reply_to: item.in_reply_to.clone() });
    };
    // The reference may have come in the metadata alone.
    for metadata in [&item.metadata, &stripped] {
        for in_reply_to in [item.in_reply_to.as_deref(), None] {
            if body_digest(&item.content, metadata, in_reply_to)? == origin.digest {
                let in_reply_to = in_reply_to.map(str::to_owned);
                return Ok(Onward { metadata: metadata.clone(), in_reply_to });
            }
        }
    }
    Err(Error::new(Code::OriginInvalid, "the stored message is not what its author signed"))
}

/// How 1.1.1 tells that a message was forwarded.
pub fn told(author: AgentId, message_id: &str, me: &AgentId) -> [(String, Value); 4] {
    [
        ("forwarded".into(), json!(true)),
        ("forwarded_by".into(), json!(me)),
        ("forwarded_from".into(), json!(author)),
        ("forwarded_message_ids".into(), json!([message_id])),
    ]
}

#[cfg(test)]
mod tests;
