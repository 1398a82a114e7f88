//! The nouns with their verbs, and what a message tells about itself.
//!
//! Made by `cargo xtask gen` from the schema; do not edit.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{arguments::*, codes::DmError, records::*};
use crate::{caller::Caller, cancel::Cancel, handout::Handout, message::Message, node::Node, plain::*};

#[uniffi::export]
impl Node {
    /// Tells about this node.
    #[uniffi::method(default(cancel = None))]
    pub async fn info(&self, cancel: Option<Arc<Cancel>>) -> Result<NodeInfo, DmError> {
        self.caller.call("node.info", &NoArgs {}, cancel).await
    }

    /// Changes name, bio or activity of this node.
    #[uniffi::method(default(arguments = None, cancel = None))]
    pub async fn update(
        &self,
        arguments: Option<UpdateArgs>,
        cancel: Option<Arc<Cancel>>,
    ) -> Result<NodeInfo, DmError> {
        self.caller.call("node.update", &Given(arguments), cancel).await
    }

    /// Verbs about peers.
    pub fn peers(&self) -> Arc<Peers> {
        Arc::new(Peers { caller: self.caller.clone() })
    }

    /// Verbs about messages.
    pub fn messages(&self) -> Arc<Messages> {
        Arc::new(Messages { caller: self.caller.clone() })
    }

    /// Verbs about trust.
    pub fn trust(&self) -> Arc<Trust> {
        Arc::new(Trust { caller: self.caller.clone() })
    }

    /// Verbs about routing rules.
    pub fn rules(&self) -> Arc<Rules> {
        Arc::new(Rules { caller: self.caller.clone() })
    }

    /// Verbs about groups.
    pub fn groups(&self) -> Arc<Groups> {
        Arc::new(Groups { caller: self.caller.clone() })
    }

    /// Verbs about discovery.
    pub fn discovery(&self) -> Arc<Discovery> {
        Arc::new(Discovery { caller: self.caller.clone() })
    }

    /// Verbs about the passport: signatures of this agent, and the check of anybody's.
    pub fn passport(&self) -> Arc<Passport> {
        Arc::new(Passport { caller: self.caller.clone() })
    }
}

/// Verbs about peers.
#[derive(uniffi::Object)]
pub struct Peers {
    caller: Caller,
}

#[uniffi::export]
impl Peers {
    /// Asks the node at a URL for a connection.
    #[uniffi::method(default(cancel = None))]
    pub async fn connect(
        &self,
        arguments: ConnectArgs,
        cancel: Option<Arc<Cancel>>,
    ) -> Result<Peer, DmError> {
        self.caller.call("peers.connect", &arguments, cancel).await
    }

    /// Lists connected peers, and those whose decision is pending.
    #[uniffi::method(default(cancel = None))]
    pub async fn list(&self, cancel: Option<Arc<Cancel>>) -> Result<Vec<Peer>, DmError> {
        self.caller.call("peers.list", &NoArgs {}, cancel).await
    }

    /// Tells about one peer.
    #[uniffi::method(default(cancel = None))]
    pub async fn get(&self, arguments: AgentArgs, cancel: Option<Arc<Cancel>>) -> Result<Peer, DmError> {
        self.caller.call("peers.get", &arguments, cancel).await
    }

    /// Lists requests that wait for a decision.
    #[uniffi::method(default(cancel = None))]
    pub async fn pending(&self, cancel: Option<Arc<Cancel>>) -> Result<Vec<PendingRequest>, DmError> {
        self.caller.call("peers.pending", &NoArgs {}, cancel).await
    }

    /// Accepts a pending request.
    #[uniffi::method(default(cancel = None))]
    pub async fn accept(&self, arguments: RequestArgs, cancel: Option<Arc<Cancel>>) -> Result<Peer, DmError> {
        self.caller.call("peers.accept", &arguments, cancel).await
    }

    /// Rejects a pending request.
    #[uniffi::method(default(cancel = None))]
    pub async fn reject(
        &self,
        arguments: RequestArgs,
        cancel: Option<Arc<Cancel>>,
    ) -> Result<PendingRequest, DmError> {
        self.caller.call("peers.reject", &arguments, cancel).await
    }

    /// Ends a connection.
    #[uniffi::method(default(cancel = None))]
    pub async fn disconnect(
        &self,
        arguments: DisconnectArgs,
        cancel: Option<Arc<Cancel>>,
    ) -> Result<(), DmError> {
        let Done {} = self.caller.call("peers.disconnect", &arguments, cancel).await?;
        Ok(())
    }

    /// Asks a peer whom it knows.
    #[uniffi::method(default(cancel = None))]
    pub async fn of(
        &self,
        arguments: PeersOfArgs,
        cancel: Option<Arc<Cancel>>,
    ) -> Result<Vec<PeerHint>, DmError> {
        self.caller.call("peers.of", &arguments, cancel).await
    }

    /// Has nothing to do with an agent from now on.
    #[uniffi::method(default(cancel = None))]
    pub async fn block(
        &self,
        arguments: BlockArgs,
        cancel: Option<Arc<Cancel>>,
    ) -> Result<BlockedAgent, DmError> {
        self.caller.call("peers.block", &arguments, cancel).await
    }

    /// Ends the block of an agent.
    #[uniffi::method(default(cancel = None))]
    pub async fn unblock(&self, arguments: AgentArgs, cancel: Option<Arc<Cancel>>) -> Result<(), DmError> {
        let Done {} = self.caller.call("peers.unblock", &arguments, cancel).await?;
        Ok(())
    }

    /// Lists blocked agents.
    #[uniffi::method(default(cancel = None))]
    pub async fn blocked(&self, cancel: Option<Arc<Cancel>>) -> Result<Vec<BlockedAgent>, DmError> {
        self.caller.call("peers.blocked", &NoArgs {}, cancel).await
    }
}

/// Verbs about messages.
#[derive(uniffi::Object)]
pub struct Messages {
    caller: Caller,
}

#[uniffi::export]
impl Messages {
    /// Sends a message to one or several peers.
    #[uniffi::method(default(cancel = None))]
    pub async fn send(&self, arguments: SendArgs, cancel: Option<Arc<Cancel>>) -> Result<Receipt, DmError> {
        self.caller.call("messages.send", &arguments, cancel).await
    }

    /// Sends a message to one peer and waits for the answer to it.
    ///
    /// Wait for it, then take it; what nobody takes goes back into the inbox.
    pub fn ask(&self, arguments: AskArgs) -> Result<Arc<Handout>, DmError> {
        Handout::start(&self.caller, "messages.ask", &arguments)
    }

    /// Passes a message of the inbox on, with its author and under its limits.
    #[uniffi::method(default(cancel = None))]
    pub async fn forward(
        &self,
        arguments: ForwardArgs,
        cancel: Option<Arc<Cancel>>,
    ) -> Result<Receipt, DmError> {
        self.caller.call("messages.forward", &arguments, cancel).await
    }

    /// Sends a question whose answer may come in parts.
    #[uniffi::method(default(cancel = None))]
    pub async fn ask_stream(
        &self,
        arguments: AskArgs,
        cancel: Option<Arc<Cancel>>,
    ) -> Result<OpenedStream, DmError> {
        self.caller.call("messages.ask_stream", &arguments, cancel).await
    }

    /// Waits for the next part of an answer.
    #[uniffi::method(default(cancel = None))]
    pub async fn next_part(
        &self,
        arguments: NextPartArgs,
        cancel: Option<Arc<Cancel>>,
    ) -> Result<Option<Part>, DmError> {
        self.caller.call("messages.next_part", &arguments, cancel).await
    }

    /// Writes a part of the answer to a question that is in hands.
    #[uniffi::method(default(cancel = None))]
    pub async fn part(
        &self,
        arguments: PartArgs,
        cancel: Option<Arc<Cancel>>,
    ) -> Result<WrittenPart, DmError> {
        self.caller.call("messages.part", &arguments, cancel).await
    }

    /// Sends what was written as the reply.
    #[uniffi::method(default(cancel = None))]
    pub async fn finish(
        &self,
        arguments: FinishArgs,
        cancel: Option<Arc<Cancel>>,
    ) -> Result<Receipt, DmError> {
        self.caller.call("messages.finish", &arguments, cancel).await
    }

    /// Tells all peers, or the most trusted, a status.
    #[uniffi::method(default(cancel = None))]
    pub async fn broadcast(
        &self,
        arguments: BroadcastArgs,
        cancel: Option<Arc<Cancel>>,
    ) -> Result<Receipt, DmError> {
        self.caller.call("messages.broadcast", &arguments, cancel).await
    }

    /// Waits for the next message.
    ///
    /// Wait for it, then take it; what nobody takes goes back into the inbox.
    #[uniffi::method(default(arguments = None))]
    pub fn next(&self, arguments: Option<NextArgs>) -> Result<Arc<Handout>, DmError> {
        Handout::start(&self.caller, "messages.next", &Given(arguments))
    }

    /// Removes a handled message for good, and tells whether the disk knows it or, while it is full, memory
    /// alone.
    #[uniffi::method(default(cancel = None))]
    pub async fn acknowledge(
        &self,
        arguments: SequenceArgs,
        cancel: Option<Arc<Cancel>>,
    ) -> Result<bool, DmError> {
        let told: Acknowledged = self.caller.call("messages.acknowledge", &arguments, cancel).await?;
        Ok(told.stored)
    }

    /// Gives a message back unhandled.
    #[uniffi::method(default(cancel = None))]
    pub async fn release(
        &self,
        arguments: ReleaseArgs,
        cancel: Option<Arc<Cancel>>,
    ) -> Result<bool, DmError> {
        let told: Released = self.caller.call("messages.release", &arguments, cancel).await?;
        Ok(told.released)
    }

    /// Lists the inbox without taking anything.
    #[uniffi::method(default(cancel = None))]
    pub async fn list(&self, cancel: Option<Arc<Cancel>>) -> Result<Vec<MessageRecord>, DmError> {
        self.caller.call("messages.list", &NoArgs {}, cancel).await
    }

    /// Lists what waits for unreachable peers.
    #[uniffi::method(default(cancel = None))]
    pub async fn outbox(&self, cancel: Option<Arc<Cancel>>) -> Result<Vec<OutboxItem>, DmError> {
        self.caller.call("messages.outbox", &NoArgs {}, cancel).await
    }

    /// Tells how much mail this node keeps for others.
    #[uniffi::method(default(cancel = None))]
    pub async fn mailbox(&self, cancel: Option<Arc<Cancel>>) -> Result<MailboxStatus, DmError> {
        self.caller.call("messages.mailbox", &NoArgs {}, cancel).await
    }

    /// Tells what became of a message that was sent.
    #[uniffi::method(default(cancel = None))]
    pub async fn status(
        &self,
        arguments: MessageArgs,
        cancel: Option<Arc<Cancel>>,
    ) -> Result<Receipt, DmError> {
        self.caller.call("messages.status", &arguments, cancel).await
    }

    /// Waits until a message came as far as a state.
    #[uniffi::method(default(cancel = None))]
    pub async fn until(&self, arguments: UntilArgs, cancel: Option<Arc<Cancel>>) -> Result<Receipt, DmError> {
        self.caller.call("messages.until", &arguments, cancel).await
    }

    /// Takes a message back that was sent.
    #[uniffi::method(default(cancel = None))]
    pub async fn cancel(
        &self,
        arguments: CancelArgs,
        cancel: Option<Arc<Cancel>>,
    ) -> Result<Cancellation, DmError> {
        self.caller.call("messages.cancel", &arguments, cancel).await
    }

    /// Lists what became of the newest messages that were sent.
    #[uniffi::method(default(arguments = None, cancel = None))]
    pub async fn sent(
        &self,
        arguments: Option<NewestArgs>,
        cancel: Option<Arc<Cancel>>,
    ) -> Result<Vec<Receipt>, DmError> {
        self.caller.call("messages.sent", &Given(arguments), cancel).await
    }

    /// Lists the newest receipts that this node gave.
    #[uniffi::method(default(arguments = None, cancel = None))]
    pub async fn receipts(
        &self,
        arguments: Option<NewestArgs>,
        cancel: Option<Arc<Cancel>>,
    ) -> Result<Vec<GivenReceipt>, DmError> {
        self.caller.call("messages.receipts", &Given(arguments), cancel).await
    }

    /// Checks a receipt of any node.
    #[uniffi::method(default(cancel = None))]
    pub async fn verify(
        &self,
        arguments: VerifyReceiptArgs,
        cancel: Option<Arc<Cancel>>,
    ) -> Result<ReceiptVerdict, DmError> {
        self.caller.call("messages.verify", &arguments, cancel).await
    }

    /// Lists the newest entries of the conversation log.
    #[uniffi::method(default(arguments = None, cancel = None))]
    pub async fn log(
        &self,
        arguments: Option<LogArgs>,
        cancel: Option<Arc<Cancel>>,
    ) -> Result<Vec<LogEntry>, DmError> {
        self.caller.call("messages.log", &Given(arguments), cancel).await
    }

    /// Tells a session what is new in the conversation.
    #[uniffi::method(default(cancel = None))]
    pub async fn context(
        &self,
        arguments: ContextArgs,
        cancel: Option<Arc<Cancel>>,
    ) -> Result<ContextText, DmError> {
        self.caller.call("messages.context", &arguments, cancel).await
    }
}

/// Verbs about trust.
#[derive(uniffi::Object)]
pub struct Trust {
    caller: Caller,
}

#[uniffi::export]
impl Trust {
    /// Tells what we think of an agent.
    #[uniffi::method(default(cancel = None))]
    pub async fn get(
        &self,
        arguments: AgentArgs,
        cancel: Option<Arc<Cancel>>,
    ) -> Result<Option<TrustOf>, DmError> {
        self.caller.call("trust.get", &arguments, cancel).await
    }

    /// Sets what we think of an agent.
    #[uniffi::method(default(cancel = None))]
    pub async fn set(
        &self,
        arguments: SetTrustArgs,
        cancel: Option<Arc<Cancel>>,
    ) -> Result<TrustOf, DmError> {
        self.caller.call("trust.set", &arguments, cancel).await
    }

    /// Lists every impression.
    #[uniffi::method(default(cancel = None))]
    pub async fn list(&self, cancel: Option<Arc<Cancel>>) -> Result<Vec<TrustOf>, DmError> {
        self.caller.call("trust.list", &NoArgs {}, cancel).await
    }

    /// Forgets what we think of an agent.
    #[uniffi::method(default(cancel = None))]
    pub async fn forget(&self, arguments: AgentArgs, cancel: Option<Arc<Cancel>>) -> Result<(), DmError> {
        let Done {} = self.caller.call("trust.forget", &arguments, cancel).await?;
        Ok(())
    }

    /// Asks a peer what it thinks of an agent.
    #[uniffi::method(default(cancel = None))]
    pub async fn ask(
        &self,
        arguments: AskOpinionArgs,
        cancel: Option<Arc<Cancel>>,
    ) -> Result<PeerOpinion, DmError> {
        self.caller.call("trust.ask", &arguments, cancel).await
    }
}

/// Verbs about routing rules.
#[derive(uniffi::Object)]
pub struct Rules {
    caller: Caller,
}

#[uniffi::export]
impl Rules {
    /// Lists the routing rules.
    #[uniffi::method(default(cancel = None))]
    pub async fn list(&self, cancel: Option<Arc<Cancel>>) -> Result<Vec<Rule>, DmError> {
        self.caller.call("rules.list", &NoArgs {}, cancel).await
    }

    /// Replaces all routing rules.
    #[uniffi::method(default(cancel = None))]
    pub async fn set(&self, arguments: RulesArgs, cancel: Option<Arc<Cancel>>) -> Result<Vec<Rule>, DmError> {
        self.caller.call("rules.set", &arguments, cancel).await
    }

    /// Tells what the rules would do with a message, without doing it.
    #[uniffi::method(default(cancel = None))]
    pub async fn test(&self, arguments: TryArgs, cancel: Option<Arc<Cancel>>) -> Result<RuleTrial, DmError> {
        self.caller.call("rules.test", &arguments, cancel).await
    }
}

/// Verbs about groups.
#[derive(uniffi::Object)]
pub struct Groups {
    caller: Caller,
}

#[uniffi::export]
impl Groups {
    /// Makes a group, or replaces its members.
    #[uniffi::method(default(cancel = None))]
    pub async fn set(&self, arguments: SetGroupArgs, cancel: Option<Arc<Cancel>>) -> Result<Group, DmError> {
        self.caller.call("groups.set", &arguments, cancel).await
    }

    /// Lists the groups.
    #[uniffi::method(default(cancel = None))]
    pub async fn list(&self, cancel: Option<Arc<Cancel>>) -> Result<Vec<Group>, DmError> {
        self.caller.call("groups.list", &NoArgs {}, cancel).await
    }

    /// Forgets a group.
    #[uniffi::method(default(cancel = None))]
    pub async fn remove(&self, arguments: GroupArgs, cancel: Option<Arc<Cancel>>) -> Result<(), DmError> {
        let Done {} = self.caller.call("groups.remove", &arguments, cancel).await?;
        Ok(())
    }

    /// Tells who would get a message for a group, or for whoever matches.
    #[uniffi::method(default(arguments = None, cancel = None))]
    pub async fn find(
        &self,
        arguments: Option<MembersArgs>,
        cancel: Option<Arc<Cancel>>,
    ) -> Result<Vec<AgentId>, DmError> {
        self.caller.call("groups.find", &Given(arguments), cancel).await
    }

    /// Sends a message to all members of a group, or to exactly one.
    #[uniffi::method(default(cancel = None))]
    pub async fn send(
        &self,
        arguments: GroupSendArgs,
        cancel: Option<Arc<Cancel>>,
    ) -> Result<GroupReceipt, DmError> {
        self.caller.call("groups.send", &arguments, cancel).await
    }
}

/// Verbs about discovery.
#[derive(uniffi::Object)]
pub struct Discovery {
    caller: Caller,
}

#[uniffi::export]
impl Discovery {
    /// Looks around for other agents now.
    #[uniffi::method(default(cancel = None))]
    pub async fn scan(&self, cancel: Option<Arc<Cancel>>) -> Result<Vec<Discovered>, DmError> {
        self.caller.call("discovery.scan", &NoArgs {}, cancel).await
    }

    /// Lists agents seen lately.
    #[uniffi::method(default(cancel = None))]
    pub async fn list(&self, cancel: Option<Arc<Cancel>>) -> Result<Vec<Discovered>, DmError> {
        self.caller.call("discovery.list", &NoArgs {}, cancel).await
    }
}

/// Verbs about the passport: signatures of this agent, and the check of anybody's.
#[derive(uniffi::Object)]
pub struct Passport {
    caller: Caller,
}

#[uniffi::export]
impl Passport {
    /// Signs a text as this agent.
    #[uniffi::method(default(cancel = None))]
    pub async fn sign(&self, arguments: SignArgs, cancel: Option<Arc<Cancel>>) -> Result<Signed, DmError> {
        self.caller.call("passport.sign", &arguments, cancel).await
    }

    /// Checks a signature of any agent.
    #[uniffi::method(default(cancel = None))]
    pub async fn verify(&self, arguments: VerifyArgs, cancel: Option<Arc<Cancel>>) -> Result<bool, DmError> {
        let told: Verdict = self.caller.call("passport.verify", &arguments, cancel).await?;
        Ok(told.valid)
    }
}

#[derive(Deserialize)]
struct Acknowledged {
    stored: bool,
}

#[derive(Deserialize)]
struct Released {
    released: bool,
}

#[derive(Deserialize)]
struct Verdict {
    valid: bool,
}

#[derive(Serialize)]
struct NoArgs {}

#[derive(Deserialize)]
struct Done {}

#[uniffi::export]
impl Message {
    /// 1 to 65,536 characters.
    pub fn content(&self) -> String {
        self.record.content.clone()
    }

    /// To whom it was forwarded from here, and arrived.
    pub fn forwarded_to(&self) -> Vec<AgentId> {
        self.record.forwarded_to.clone()
    }

    /// Who sent it, proven.
    pub fn from(&self) -> AgentId {
        self.record.from.clone()
    }

    /// How often it may still be forwarded.
    pub fn hops_remaining(&self) -> u32 {
        self.record.hops_remaining
    }

    /// The message this one answers.
    pub fn in_reply_to(&self) -> Option<String> {
        self.record.in_reply_to.clone()
    }

    /// Where it belongs.
    pub fn kind(&self) -> MessageKind {
        self.record.kind
    }

    /// The limits under which it may be worked on now; null when nothing limits that.
    pub fn limits(&self) -> Option<MessageLimits> {
        self.record.limits.clone()
    }

    /// The id the sender gave it.
    pub fn message_id(&self) -> String {
        self.record.message_id.clone()
    }

    /// What travels along.
    pub fn metadata(&self) -> Json {
        self.record.metadata.clone()
    }

    /// Who wrote it and the way it came, when its author's node says so. It is here only when all its signatures
    /// hold, for what this message says and for the way to this node.
    pub fn origin(&self) -> Option<Origin> {
        self.record.origin.clone()
    }

    /// When it was stored here.
    pub fn received_at(&self) -> Timestamp {
        self.record.received_at
    }

    /// How often it was handed out before without being acknowledged, since the node opened.
    pub fn redeliveries(&self) -> u32 {
        self.record.redeliveries
    }

    /// Its place in the order of arrival at this node.
    pub fn sequence(&self) -> u64 {
        self.record.sequence
    }

    /// How the sender was proven.
    pub fn verification(&self) -> Verification {
        self.record.verification
    }

    /// Whether its sender waits for the answer in parts: see `messages.part`.
    pub fn wants_stream(&self) -> bool {
        self.record.wants_stream
    }
}
