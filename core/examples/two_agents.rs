//! Two agents in one process ask and answer: `cargo run --example two_agents`.

use dmagent::{
    ConnectArgs, Filter, MessageKind, Node, NodeConfig, SendArgs, SetTrustArgs, api::AskArgs, error::Result,
};

/// Answers questions until somebody says goodbye.
async fn answer(node: Node) -> Result<()> {
    let inbox = node.inbox().filtered(Filter { kinds: vec![MessageKind::Peer], ..Filter::default() });
    loop {
        let message = inbox.next().await?;
        let goodbye = message.content == "Goodbye";
        if !goodbye {
            println!("bob is asked: {}", message.content);
            node.messages().send(SendArgs::reply(&message, "42")).await?;
        }
        // Only now: what was not acknowledged comes again, also after a crash.
        inbox.acknowledge(&message).await?;
        if goodbye {
            return Ok(());
        }
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
    let (alice, bob) = (Node::open(named("alice")).await?, Node::open(named("bob")).await?);
    #[expect(
        clippy::disallowed_methods,
        reason = "an example is a program of its own, not a part of the node"
    )]
    let answering = tokio::spawn(answer(bob.clone()));
    let peer = alice.peers().connect(ConnectArgs::new(bob.info().url)).await?;
    println!("alice is {}", peer.state);

    let heard = alice.messages().ask(AskArgs::new(peer.agent_id, "What is the answer?")).await?;
    println!("alice hears: {}", heard.content);
    alice.inbox().acknowledge(&heard).await?;

    let note = Some("answers questions".into());
    let trusted = alice.trust().set(SetTrustArgs { agent: peer.agent_id, score: 0.8, note }).await?;
    println!("alice trusts bob: {}", trusted.impression.score);
    alice.send(peer.agent_id, "Goodbye").await?;
    answering.await.expect("answering does not panic")?;
    alice.close().await?;
    bob.close().await
}
