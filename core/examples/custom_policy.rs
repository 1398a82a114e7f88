//! An agent that decides for itself whom it talks to: `cargo run --example custom_policy`.

use std::{collections::HashSet, sync::Arc};

use async_trait::async_trait;
use dmagent::{
    AgentId, ConnectArgs, Filter, MessageKind, Node, NodeConfig, SendArgs,
    error::{Code, Result},
    node::host::{
        ConnectionQuestion, ConnectionVerdict, MessageQuestion, MessageVerdict, Policy, RouteVerdict,
    },
};
use serde_json::json;

/// Lets friends in, takes no advertisements, and does not disturb the agent with chatter.
///
/// A method that fails or takes too long means the safe answer: a connection waits for a decision, and a message stays
/// with its sender.
struct Doorkeeper {
    friends: HashSet<AgentId>,
}

#[async_trait]
impl Policy for Doorkeeper {
    async fn admit_connection(&self, question: ConnectionQuestion) -> Result<ConnectionVerdict> {
        // The id is proven; the name is whatever the other side likes.
        Ok(if self.friends.contains(&question.agent_id) {
            ConnectionVerdict::Accept
        } else {
            ConnectionVerdict::Refuse { reason: "I only talk to friends".into() }
        })
    }

    async fn admit_message(&self, question: MessageQuestion) -> Result<MessageVerdict> {
        Ok(if question.content.to_lowercase().contains("buy now") {
            MessageVerdict::Refuse { reason: "No advertisements".into() }
        } else {
            MessageVerdict::Accept
        })
    }

    async fn route(&self, question: MessageQuestion) -> Result<RouteVerdict> {
        let chatter = question.metadata.get("type").is_some_and(|kind| kind == "chatter");
        Ok(if chatter { RouteVerdict::Drop } else { RouteVerdict::Default })
    }
}

/// The settings of a node that listens on loopback and keeps nothing.
fn named(name: &str) -> NodeConfig {
    let mut settings = NodeConfig::ephemeral();
    settings.display_name = Some(name.into());
    settings.http = true;
    settings
}

#[tokio::main]
async fn main() -> Result<()> {
    let alice = Node::open(named("alice")).await?;
    let mallory = Node::open(named("mallory")).await?;
    let bob = Node::open(named("bob")).await?;
    bob.set_policy(Some(Arc::new(Doorkeeper { friends: HashSet::from([alice.agent_id()]) })));

    let url = bob.info().url;
    match mallory.peers().connect(ConnectArgs::new(url.clone())).await {
        Err(error) if error.code() == Code::PeerRefused => {
            println!("mallory is refused: {}", error.code().name())
        }
        other => drop(other?),
    }
    let peer = alice.peers().connect(ConnectArgs::new(url)).await?;
    println!("alice is {}", peer.state);

    let advertisement = alice.send(peer.agent_id, "Buy now!").await?;
    println!("the advertisement is {}", advertisement.state);
    let mut chatter = SendArgs::new(peer.agent_id, "Nice weather");
    chatter.metadata.insert("type".into(), json!("chatter"));
    alice.messages().send(chatter).await?;
    alice.send(peer.agent_id, "Your house is on fire").await?;
    let inbox = bob.inbox().filtered(Filter { kinds: vec![MessageKind::Peer], ..Filter::default() });
    let message = inbox.next().await?;
    println!("bob reads: {}", message.content);
    inbox.acknowledge(&message).await?;

    for node in [alice, mallory, bob] {
        node.close().await?;
    }
    Ok(())
}
