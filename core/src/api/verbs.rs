//! The verb table: every verb of the facade, once.
//!
//! A line names the verb, the typed method that carries it out, its argument struct and its result. From it
//! come the JSON call, the schema, and through the schema the methods of every language.

use schemars::{JsonSchema, SchemaGenerator};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::*;
use crate::{
    discovery::Discovered,
    error::{Code, Error, Result},
    identity::AgentId,
    messaging::{
        Acknowledged, Cancellation, MailboxStatus, Message, OutboxItem, Part, Receipt, log::LogEntry,
    },
    node::Node,
    peers::{BlockedAgent, Peer, PendingRequest},
    trust::PeerOpinion,
    wire::json::culprit,
};

/// The result of a verb that only succeeds or fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Done {}

/// A verb, described.
pub struct Verb {
    /// `noun.verb`.
    pub name: &'static str,
    /// What it does.
    pub doc: &'static str,
    /// The schema of its argument object.
    pub arguments: fn(&mut SchemaGenerator) -> schemars::Schema,
    /// The schema of its result.
    pub result: fn(&mut SchemaGenerator) -> schemars::Schema,
    /// Whether it waits for a message and hands it to its caller, who has it until it is acknowledged or released.
    pub hands_out: bool,
}

macro_rules! verbs {
    ($($(#[doc = $doc:literal])+ $name:literal => $noun:ident.$method:ident($args:ty) -> $result:ty $(, $mark:ident)?;)+) => {
        /// Every verb, by noun.
        pub const VERBS: &[Verb] = &[$(Verb {
            name: $name,
            doc: concat!($($doc),+),
            arguments: |generator| generator.subschema_for::<$args>(),
            result: |generator| generator.subschema_for::<$result>(),
            hands_out: verbs!(@ $($mark)?),
        }),+];

        pub(super) async fn call(node: &Node, verb: &str, arguments: Value) -> Result<Value> {
            match verb {
                $($name => {
                    let arguments: $args = decode(verb, arguments)?;
                    let result: $result = node.$noun().$method(arguments).await?;
                    encode(&result)
                })+
                _ => Err(unknown(verb)),
            }
        }
    };
    (@) => { false };
    (@ hands_out) => { true };
}

verbs! {
    /// Tells about this node.
    "node.info" => own.info(NoArgs) -> NodeInfo;
    /// Changes name, bio or activity of this node.
    "node.update" => own.update(UpdateArgs) -> NodeInfo;
    /// Asks the node at a URL for a connection.
    "peers.connect" => peers.connect(ConnectArgs) -> Peer;
    /// Lists connected peers, and those whose decision is pending.
    "peers.list" => peers.list(NoArgs) -> Vec<Peer>;
    /// Tells about one peer.
    "peers.get" => peers.get(AgentArgs) -> Peer;
    /// Lists requests that wait for a decision.
    "peers.pending" => peers.pending(NoArgs) -> Vec<PendingRequest>;
    /// Accepts a pending request.
    "peers.accept" => peers.accept(RequestArgs) -> Peer;
    /// Rejects a pending request.
    "peers.reject" => peers.reject(RequestArgs) -> PendingRequest;
    /// Ends a connection.
    "peers.disconnect" => peers.disconnect(DisconnectArgs) -> Done;
    /// Asks a peer whom it knows.
    "peers.of" => peers.of(PeersOfArgs) -> Vec<PeerHint>;
    /// Has nothing to do with an agent from now on.
    "peers.block" => peers.block(BlockArgs) -> BlockedAgent;
    /// Ends the block of an agent.
    "peers.unblock" => peers.unblock(AgentArgs) -> Done;
    /// Lists blocked agents.
    "peers.blocked" => peers.blocked(NoArgs) -> Vec<BlockedAgent>;
    /// Sends a message to one or several peers.
    "messages.send" => messages.send(SendArgs) -> Receipt;
    /// Sends a message to one peer and waits for the answer to it.
    "messages.ask" => messages.ask(AskArgs) -> Message, hands_out;
    /// Passes a message of the inbox on, with its author and under its limits.
    "messages.forward" => messages.forward(ForwardArgs) -> Receipt;
    /// Sends a question whose answer may come in parts.
    "messages.ask_stream" => messages.ask_stream(AskArgs) -> OpenedStream;
    /// Waits for the next part of an answer.
    "messages.next_part" => messages.next_part(NextPartArgs) -> Option<Part>;
    /// Writes a part of the answer to a question that is in hands.
    "messages.part" => messages.part(PartArgs) -> WrittenPart;
    /// Sends what was written as the reply.
    "messages.finish" => messages.finish(FinishArgs) -> Receipt;
    /// Tells all peers, or the most trusted, a status.
    "messages.broadcast" => messages.broadcast(BroadcastArgs) -> Receipt;
    /// Waits for the next message.
    "messages.next" => messages.next(NextArgs) -> Option<Message>, hands_out;
    /// Removes a handled message for good, and tells whether the disk knows it or, while it is full, memory alone.
    "messages.acknowledge" => messages.acknowledge(SequenceArgs) -> Acknowledged;
    /// Gives a message back unhandled.
    "messages.release" => messages.release(ReleaseArgs) -> Released;
    /// Lists the inbox without taking anything.
    "messages.list" => messages.list(NoArgs) -> Vec<Message>;
    /// Lists what waits for unreachable peers.
    "messages.outbox" => messages.outbox(NoArgs) -> Vec<OutboxItem>;
    /// Tells how much mail this node keeps for others.
    "messages.mailbox" => messages.mailbox(NoArgs) -> MailboxStatus;
    /// Tells what became of a message that was sent.
    "messages.status" => messages.status(MessageArgs) -> Receipt;
    /// Waits until a message came as far as a state.
    "messages.until" => messages.until(UntilArgs) -> Receipt;
    /// Takes a message back that was sent.
    "messages.cancel" => messages.cancel(CancelArgs) -> Cancellation;
    /// Lists what became of the newest messages that were sent.
    "messages.sent" => messages.sent(NewestArgs) -> Vec<Receipt>;
    /// Lists the newest receipts that this node gave.
    "messages.receipts" => messages.receipts(NewestArgs) -> Vec<GivenReceipt>;
    /// Checks a receipt of any node.
    "messages.verify" => messages.verify(VerifyReceiptArgs) -> ReceiptVerdict;
    /// Lists the newest entries of the conversation log.
    "messages.log" => messages.log(LogArgs) -> Vec<LogEntry>;
    /// Tells a session what is new in the conversation.
    "messages.context" => messages.context(ContextArgs) -> ContextText;
    /// Tells what we think of an agent.
    "trust.get" => trust.get(AgentArgs) -> Option<TrustOf>;
    /// Sets what we think of an agent.
    "trust.set" => trust.set(SetTrustArgs) -> TrustOf;
    /// Lists every impression.
    "trust.list" => trust.list(NoArgs) -> Vec<TrustOf>;
    /// Forgets what we think of an agent.
    "trust.forget" => trust.forget(AgentArgs) -> Done;
    /// Asks a peer what it thinks of an agent.
    "trust.ask" => trust.ask(AskOpinionArgs) -> PeerOpinion;
    /// Lists the routing rules.
    "rules.list" => rules.list(NoArgs) -> Vec<Rule>;
    /// Replaces all routing rules.
    "rules.set" => rules.set(RulesArgs) -> Vec<Rule>;
    /// Tells what the rules would do with a message, without doing it.
    "rules.test" => rules.test(TryArgs) -> RuleTrial;
    /// Makes a group, or replaces its members.
    "groups.set" => groups.set(SetGroupArgs) -> Group;
    /// Lists the groups.
    "groups.list" => groups.list(NoArgs) -> Vec<Group>;
    /// Forgets a group.
    "groups.remove" => groups.remove(GroupArgs) -> Done;
    /// Tells who would get a message for a group, or for whoever matches.
    "groups.find" => groups.find(MembersArgs) -> Vec<AgentId>;
    /// Sends a message to all members of a group, or to exactly one.
    "groups.send" => groups.send(GroupSendArgs) -> GroupReceipt;
    /// Looks around for other agents now.
    "discovery.scan" => discovery.scan(NoArgs) -> Vec<Discovered>;
    /// Lists agents seen lately.
    "discovery.list" => discovery.list(NoArgs) -> Vec<Discovered>;
    /// Signs a text as this agent.
    "passport.sign" => passport.sign(SignArgs) -> Signed;
    /// Checks a signature of any agent.
    "passport.verify" => passport.verify(VerifyArgs) -> Verdict;
}

/// The noun `node` in the table; in Rust its verbs are methods of [`Node`].
struct Own<'a>(&'a Node);

impl Node {
    fn own(&self) -> Own<'_> {
        Own(self)
    }
}

impl Own<'_> {
    async fn info(&self, _: NoArgs) -> Result<NodeInfo> {
        Ok(self.0.info())
    }

    async fn update(&self, args: UpdateArgs) -> Result<NodeInfo> {
        self.0.update(args).await
    }
}

/// [`Verb::hands_out`] by name.
pub(super) fn hands_out(verb: &str) -> bool {
    VERBS.iter().any(|known| known.name == verb && known.hands_out)
}

fn decode<T: serde::de::DeserializeOwned>(verb: &str, arguments: Value) -> Result<T> {
    let members = match arguments {
        Value::Null => Map::new(),
        Value::Object(members) => members,
        _ => {
            return Err(
                Error::new(Code::InvalidArgument, "arguments must be a JSON object").with("verb", verb)
            );
        }
    };
    T::deserialize(&members).map_err(|cause| {
        let sentence = match culprit::<T>(&members) {
            Some((name, _, cause)) => format!("{name}: {cause}"),
            None => cause.to_string(),
        };
        Error::new(Code::InvalidArgument, sentence).with("verb", verb)
    })
}

fn encode(result: &impl Serialize) -> Result<Value> {
    serde_json::to_value(result)
        .map_err(|cause| Error::new(Code::Internal, "a result could not be written as JSON").because(cause))
}

fn unknown(verb: &str) -> Error {
    let shown: String = verb.chars().take(64).collect();
    Error::new(Code::UnknownVerb, "no such verb; the schema lists all").with("verb", shown)
}
