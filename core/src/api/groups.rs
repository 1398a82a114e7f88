//! Verbs about groups: messages for a named set of agents, or for whoever matches.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{
    Done, NoArgs,
    messages::{LONGEST_EXPIRY, LONGEST_WAIT, Recipients, SendArgs, default_hops, default_wait},
};
use crate::{
    error::{Code, Error, Result},
    identity::AgentId,
    messaging::{
        Delivery, DeliveryState, Receipt,
        groups::{GroupMode, PeerMatch},
    },
    node::Node,
    wire::{json::culprit, limits},
};

/// A named set of agents.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Group {
    /// Its name.
    pub name: String,
    /// Who is in it.
    pub members: Vec<AgentId>,
}

/// A group to make or to change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SetGroupArgs {
    /// Its name, 1 to 128 characters. A group of that name is replaced.
    pub name: String,
    /// 1 to 256 agents. They need not be peers yet.
    pub members: Vec<AgentId>,
}

/// A group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GroupArgs {
    /// Its name.
    pub name: String,
}

/// Which agents: a group, a list, or all peers that match. With a match beside it, only those of the group or the list that
/// match.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct MembersArgs {
    /// The name of a group.
    pub group: Option<String>,
    /// A list of agents.
    pub to: Vec<AgentId>,
    /// What they must be, as in `groups.send`.
    pub r#match: Map<String, Value>,
}

/// A message for a group.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GroupSendArgs {
    /// 1 to 65,536 characters.
    pub content: String,
    /// The name of a group.
    #[serde(default)]
    pub group: Option<String>,
    /// A list of agents.
    #[serde(default)]
    pub to: Vec<AgentId>,
    /// What they must be: alone, all peers that match; beside a group or a list, those of it that match. Its members, all
    /// of which must hold: `capabilities`, an object of what a peer offers (null takes any value, another one must be equal
    /// or, when the peer offers a list, in it); `text` in its name or bio, in any letter case; `min_score`, what we think of
    /// it at least, -1 to 1, where unknown agents have 0; `reachable`, true for those that answered when we last tried.
    #[serde(default)]
    pub r#match: Map<String, Value>,
    /// `all` or `any`. Default: `all`.
    #[serde(default)]
    pub mode: GroupMode,
    /// What travels along: a JSON object of at most 64 KiB.
    #[serde(default)]
    pub metadata: Map<String, Value>,
    /// The message this one answers.
    #[serde(default)]
    pub in_reply_to: Option<String>,
    /// How often it may be forwarded, 0 to 50. Default: 10.
    #[serde(default = "default_hops")]
    #[schemars(range(max = limits::MAX_HOPS))]
    pub hops: u32,
    /// How long it waits for an unreachable peer, in seconds, at most 86,400. Default: the setting
    /// `outbox_expiry_secs`.
    #[serde(default)]
    #[schemars(range(min = 0.0, max = LONGEST_EXPIRY))]
    pub expires_in_secs: Option<f64>,
    /// How long this call waits for each first attempt, in seconds. Default: 10.
    #[serde(default = "default_wait")]
    #[schemars(range(min = 0.0, max = LONGEST_WAIT))]
    pub timeout_secs: f64,
}

/// What became of a message for a group.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct GroupReceipt {
    /// How it was sent.
    pub mode: GroupMode,
    /// Who has it, or will have it: in mode `any` at most one.
    pub receipt: Receipt,
    /// In mode `any` the members that were asked before and refused it. They do not have it.
    pub passed_over: Vec<Delivery>,
}

/// The noun `groups`.
pub struct Groups<'a>(&'a Node);

impl Node {
    /// Verbs about groups.
    pub fn groups(&self) -> Groups<'_> {
        Groups(self)
    }
}

impl Groups<'_> {
    /// Makes a group, or replaces its members. Groups are kept over restarts.
    ///
    /// # Errors
    ///
    /// [`Code::InvalidArgument`]; [`Code::QueueFull`] when there are 256 groups.
    pub async fn set(&self, args: SetGroupArgs) -> Result<Group> {
        let members: BTreeSet<AgentId> = args.members.into_iter().collect();
        let listed = members.iter().copied().collect();
        self.0.inner().write(|state, _| state.groups.set(&args.name, members)).await?;
        Ok(Group { name: args.name, members: listed })
    }

    /// Every group, by name.
    pub async fn list(&self, _: NoArgs) -> Result<Vec<Group>> {
        let state = self.0.inner().state.lock();
        let group = |(name, members): (&String, &BTreeSet<AgentId>)| Group {
            name: name.clone(),
            members: members.iter().copied().collect(),
        };
        Ok(state.groups.iter().map(group).collect())
    }

    /// Forgets a group.
    ///
    /// # Errors
    ///
    /// [`Code::GroupUnknown`].
    pub async fn remove(&self, args: GroupArgs) -> Result<Done> {
        self.0.inner().write(|state, _| state.groups.remove(&args.name)).await?;
        Ok(Done {})
    }

    /// Who would get a message, without sending one: those that are peers now, the most trusted first.
    ///
    /// # Errors
    ///
    /// [`Code::InvalidArgument`]; [`Code::GroupUnknown`].
    pub async fn find(&self, args: MembersArgs) -> Result<Vec<AgentId>> {
        let named = usize::from(args.group.is_some()) + usize::from(!args.to.is_empty());
        if named > 1 || (named == 0 && args.r#match.is_empty()) {
            let sentence =
                "name a group, a list `to`, or a `match`; a match may stand beside one of the others";
            return Err(Error::new(Code::InvalidArgument, sentence));
        }
        let wanted = read(&args.r#match)?;
        let state = self.0.inner().state.lock();
        let among: Option<BTreeSet<AgentId>> = match (&args.group, args.to.is_empty()) {
            (Some(name), _) => Some(state.groups.members(name)?.clone()),
            (None, false) => Some(args.to.into_iter().collect()),
            (None, true) => None,
        };
        let found = state.peers.iter().filter(|peer| {
            let agent = &peer.agent_id;
            let reachable = !state.peers.health(agent).is_unreachable();
            among.as_ref().is_none_or(|among| among.contains(agent))
                && wanted.holds(peer, state.trust.score(agent), reachable)
        });
        Ok(state.trust.ranking(found.map(|peer| peer.agent_id)))
    }

    /// Sends a message to the members of a group, or to whoever matches.
    ///
    /// In mode `all` each of them gets a copy, with one id. In mode `any` exactly one gets it: of those that answer now, one
    /// whose agent waits for a message, else the most trusted. When that one refuses, the next; when its answer is lost, the
    /// message stays with it, because it may have it.
    ///
    /// # Errors
    ///
    /// Those of [`Messages::send`](super::Messages::send); [`Code::GroupUnknown`]; [`Code::PeerNotConnected`] when no peer is
    /// meant; [`Code::Unreachable`] when in mode `any` none of them answers now.
    pub async fn send(&self, args: GroupSendArgs) -> Result<GroupReceipt> {
        let members = MembersArgs { group: args.group, to: args.to, r#match: args.r#match };
        let members = self.find(members).await?;
        if members.is_empty() {
            return Err(Error::new(Code::PeerNotConnected, "nobody of them is a peer now"));
        }
        let message = SendArgs {
            metadata: args.metadata,
            in_reply_to: args.in_reply_to,
            hops: args.hops,
            expires_in_secs: args.expires_in_secs,
            timeout_secs: args.timeout_secs,
            ..SendArgs::new(Recipients::Several(Vec::new()), args.content)
        };
        let mode = args.mode;
        if mode == GroupMode::All {
            let receipt =
                self.0.messages().send(SendArgs { to: Recipients::Several(members), ..message }).await?;
            return Ok(GroupReceipt { mode, receipt, passed_over: Vec::new() });
        }
        let ready = self.0.inner().ready_first(members).await;
        let mut refused: Vec<Receipt> = Vec::new();
        let told =
            |refused: Vec<Receipt>| refused.into_iter().flat_map(|receipt| receipt.deliveries).collect();
        for member in ready {
            let to = Recipients::One(member);
            let receipt = self.0.messages().send(SendArgs { to, ..message.clone() }).await?;
            if !receipt.deliveries.iter().all(is_certainly_not_there) {
                return Ok(GroupReceipt { mode, receipt, passed_over: told(refused) });
            }
            refused.push(receipt);
        }
        // When all of them said no, the last no stands for the message.
        let receipt = refused
            .pop()
            .ok_or_else(|| Error::new(Code::Unreachable, "none of them answers now; try again later"))?;
        Ok(GroupReceipt { mode, receipt, passed_over: told(refused) })
    }
}

fn read(wanted: &Map<String, Value>) -> Result<PeerMatch> {
    let read = PeerMatch::deserialize(wanted).map_err(|cause| {
        let sentence = match culprit::<PeerMatch>(wanted) {
            Some((name, _, cause)) => format!("match.{name}: {cause}"),
            None => format!("match: {cause}"),
        };
        Error::new(Code::InvalidArgument, sentence)
    })?;
    read.check()?;
    Ok(read)
}

/// Whether the recipient said no. Of what failed or expired otherwise nobody knows: an answer may have been lost.
fn is_certainly_not_there(delivery: &Delivery) -> bool {
    delivery.state == DeliveryState::Refused
}
