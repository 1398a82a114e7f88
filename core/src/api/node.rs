//! Opening a node, and what it tells about itself.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::verbs;
use crate::{
    env::Timestamp,
    error::Result,
    identity::AgentId,
    node::{LocalVerbs, Node, Parts, config::NodeConfig, events::EventStream, host::Policy},
};

/// A node, as its host sees it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct NodeInfo {
    /// Who it is.
    pub agent_id: AgentId,
    /// Its name.
    pub display_name: String,
    /// What peers read about it.
    pub bio: String,
    /// Whether it takes messages and requests.
    pub active: bool,
    /// The URL told to peers.
    pub url: String,
    /// The base URLs it listens at.
    pub addresses: Vec<String>,
    /// The port it listens at; null when it listens at none. With `shared_port` other nodes of this process name it to listen
    /// there, too.
    pub port: Option<u16>,
    /// When this agent was created.
    pub created_at: Timestamp,
    /// The version of this library.
    pub version: String,
    /// Connected peers.
    pub peers: usize,
    /// Requests that wait for a decision.
    pub pending_requests: usize,
    /// Messages that wait for the host, notices not counted.
    pub unread: usize,
    /// Messages that wait for unreachable peers.
    pub outbox: usize,
    /// The data folder; null for an ephemeral node.
    pub data_dir: Option<String>,
}

/// What to change about a node. Absent members stay as they are.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct UpdateArgs {
    /// 1 to 100 characters.
    pub display_name: Option<String>,
    /// At most 1,000 characters.
    pub bio: Option<String>,
    /// False answers messages and requests with 503 until it is true again; not kept over a restart.
    pub active: Option<bool>,
}

impl Node {
    /// Opens a node with `config`.
    ///
    /// # Errors
    ///
    /// [`Code::ConfigInvalid`], [`Code::PassportExposed`], [`Code::PassportMalformed`],
    /// [`Code::StoreOwned`] (a node of this folder runs already, here or in another process; the error carries its address),
    /// [`Code::StoreCorrupt`], [`Code::StoreNewer`], [`Code::BindFailed`].
    ///
    /// [`Code::ConfigInvalid`]: crate::error::Code::ConfigInvalid
    /// [`Code::PassportExposed`]: crate::error::Code::PassportExposed
    /// [`Code::PassportMalformed`]: crate::error::Code::PassportMalformed
    /// [`Code::StoreOwned`]: crate::error::Code::StoreOwned
    /// [`Code::StoreCorrupt`]: crate::error::Code::StoreCorrupt
    /// [`Code::StoreNewer`]: crate::error::Code::StoreNewer
    /// [`Code::BindFailed`]: crate::error::Code::BindFailed
    ///
    /// ```
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// use dmagent::{Node, NodeConfig};
    ///
    /// let node = Node::open(NodeConfig::ephemeral()).await?;
    /// println!("{}", node.agent_id());
    /// node.close().await?;
    /// # Ok::<_, dmagent::error::Error>(()) }).unwrap();
    /// ```
    pub async fn open(config: NodeConfig) -> Result<Self> {
        Self::open_with(config, Parts::default()).await
    }

    /// Opens a node with parts of the caller: other transports, a store, keys, a policy.
    ///
    /// # Errors
    ///
    /// As [`Node::open`].
    pub async fn open_with(config: NodeConfig, parts: Parts) -> Result<Self> {
        let verbs = LocalVerbs {
            call: |node, verb, arguments| Box::pin(async move { node.call(&verb, arguments).await }),
            hands_out: verbs::hands_out,
        };
        Self::compose(config, parts, verbs).await
    }

    /// Opens a node as the `DARKMATTER_*` variables say, with the defaults of the product page.
    ///
    /// # Errors
    ///
    /// As [`Node::open`].
    pub async fn from_env() -> Result<Self> {
        Self::open(NodeConfig::from_env()?).await
    }

    /// Calls any verb by name, with its arguments as a JSON object.
    ///
    /// # Errors
    ///
    /// [`UnknownVerb`](crate::error::Code::UnknownVerb),
    /// [`InvalidArgument`](crate::error::Code::InvalidArgument) names the member, and what the verb fails with.
    pub async fn call(&self, verb: &str, arguments: Value) -> Result<Value> {
        verbs::call(self, verb, arguments).await
    }

    /// What the node tells about itself.
    pub fn info(&self) -> NodeInfo {
        let inner = self.inner();
        let state = inner.state.lock();
        NodeInfo {
            agent_id: inner.me(),
            display_name: state.profile.display_name.clone(),
            bio: state.profile.bio.clone(),
            active: state.profile.active,
            url: inner.own_url(),
            addresses: inner.addresses.read().clone(),
            port: inner.port(),
            created_at: state.profile.created_at,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            peers: state.peers.len(),
            pending_requests: state.peers.pending().len(),
            unread: state.inbox.waiting(),
            outbox: state.outbox.len(),
            data_dir: inner.data_dir.as_ref().map(|folder| folder.display().to_string()),
        }
    }

    /// Changes name, bio or activity; peers are told in the background.
    ///
    /// # Errors
    ///
    /// [`InvalidArgument`](crate::error::Code::InvalidArgument) for texts that are too long.
    pub async fn update(&self, args: UpdateArgs) -> Result<NodeInfo> {
        let inner = self.inner();
        if args.display_name.is_some() || args.bio.is_some() {
            inner.set_profile(args.display_name, args.bio).await?;
        }
        if let Some(active) = args.active {
            inner.ready()?;
            inner.state.lock().profile.active = active;
        }
        Ok(self.info())
    }

    /// Everything that happens from now on.
    pub fn events(&self) -> EventStream {
        self.inner().events.subscribe()
    }

    /// Asks `policy` about connections and messages from now on; `None` lets the settings decide.
    pub fn set_policy(&self, policy: Option<std::sync::Arc<dyn Policy>>) {
        self.inner().set_policy(policy);
    }

    /// The token of the local API, for programs of this machine.
    pub fn local_token(&self) -> &str {
        self.inner().token.expose()
    }
}
