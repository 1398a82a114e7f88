//! Two agents meet, and one greets the other: `cargo run --example hello_mesh`.

use dmagent::{ConnectArgs, Filter, MessageKind, Node, NodeConfig};

#[tokio::main]
async fn main() -> dmagent::error::Result<()> {
    let mut settings = NodeConfig::ephemeral(); // nothing on disk: for trying and testing
    settings.http = true;
    let (alice, bob) = (Node::open(settings.clone()).await?, Node::open(settings).await?);
    let peer = alice.peers().connect(ConnectArgs::new(bob.info().url)).await?;
    let receipt = alice.send(peer.agent_id, "Hello, mesh!").await?;
    println!("alice's message is {}", receipt.state);

    // Notices of the node come through the inbox, too; here only messages are wanted.
    let inbox = bob.inbox().filtered(Filter { kinds: vec![MessageKind::Peer], ..Filter::default() });
    let message = inbox.next().await?;
    println!("bob reads: {}", message.content);
    inbox.acknowledge(&message).await?; // before this line a crash brings it back
    alice.close().await?;
    bob.close().await
}
