//! dmagent: an agent mesh that you link.
//!
//! A process opens a [`Node`] and has, from then on, an identity nobody can forge, peers, an inbox that
//! survives a crash, and trust, without a daemon beside it. The node speaks the wire of dmagent 1.1.1.
//!
//! ```no_run
//! # async fn example() -> dmagent::error::Result<()> {
//! use dmagent::{ConnectArgs, Node, NodeConfig, SendArgs};
//!
//! let node = Node::open(NodeConfig::new()).await?;
//! let bob = node.peers().connect(ConnectArgs::new("http://127.0.0.1:8101")).await?;
//! let receipt = node.send(bob.agent_id, "What is the SOL price?").await?;
//! println!("{:?}", receipt.state);
//!
//! let inbox = node.inbox();
//! let message = inbox.next().await?;
//! node.messages().send(SendArgs::reply(&message, "42")).await?;
//! inbox.acknowledge(&message).await?;
//! # Ok(()) }
//! ```
//!
//! The rooms, in the order of their imports: [`error`], [`mod@env`], [`identity`], [`wire`], [`store`],
//! [`transport`], [`discovery`], [`trust`], [`peers`], [`messaging`], [`node`], [`api`]. Start with [`node`] for
//! how it works, with [`api`] for what it does, with [`docs`] for why.

#![forbid(unsafe_code)]

pub mod api;
pub mod discovery;
pub mod docs;
pub mod env;
pub mod error;
pub mod identity;
pub mod messaging;
pub mod node;
pub mod peers;
pub mod store;
pub mod transport;
pub mod trust;
pub mod wire;

pub use api::{
    BroadcastArgs, ConnectArgs, Inbox, NextArgs, NodeInfo, SendArgs, SequenceArgs, SetTrustArgs, UpdateArgs,
    blocking,
};
pub use identity::AgentId;
pub use messaging::{Acknowledged, Delivery, DeliveryState, Filter, Message, MessageKind, Receipt};
pub use node::{Node, Parts, config::NodeConfig};
