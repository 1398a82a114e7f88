//! The node as an object: settings in, the nouns, the inbox, events, and what the host decides.

use std::sync::Arc;

use dmagent::{
    NodeConfig,
    error::{Code, Error},
};

use crate::{
    caller::Caller,
    cancel::Cancel,
    events::Events,
    inbox::Inbox,
    listener::{EventListener, Listening, MessageListener},
    made::{arguments::NextArgs, codes::DmError, settings::Settings},
    plain::{AgentId, json},
    policy::{HostPolicy, Policy},
};

/// What the settings of a node begin with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, uniffi::Enum)]
pub enum Preset {
    /// Modest defaults: it listens on loopback and contacts nobody unasked. The `DARKMATTER_*` variables change them.
    Agent,
    /// The behaviour of the product page, under the `DARKMATTER_*` variables.
    Environment,
    /// A node that wants to be found. It does not read the environment.
    Internet,
    /// A node that keeps nothing and, unless `http` is true, listens nowhere. It does not read the environment.
    Ephemeral,
}

impl Preset {
    fn name(self) -> &'static str {
        match self {
            Self::Agent => "agent",
            Self::Environment => "environment",
            Self::Internet => "internet",
            Self::Ephemeral => "ephemeral",
        }
    }
}

/// An agent's place on the mesh. Make it, open it, close it. When nobody has the object any more the node ends at once; what
/// it accepted is on disk.
#[derive(uniffi::Object)]
pub struct Node {
    pub(crate) caller: Caller,
}

#[uniffi::export]
impl Node {
    /// A node that is not open yet. The environment, where the preset wants it, is read now.
    #[uniffi::constructor(default(settings = None, preset = None))]
    pub fn new(settings: Option<Settings>, preset: Option<Preset>) -> Result<Arc<Self>, DmError> {
        let text = match settings {
            Some(settings) => json(&settings)?.to_string(),
            None => "{}".to_owned(),
        };
        Self::with_json(text, preset)
    }

    /// The same, with the settings as a JSON object: there null can be said, too.
    #[uniffi::constructor(default(preset = None))]
    pub fn with_json(settings: String, preset: Option<Preset>) -> Result<Arc<Self>, DmError> {
        let config = NodeConfig::preset(preset.unwrap_or(Preset::Agent).name(), &settings)?;
        Ok(Arc::new(Self { caller: Caller::new(config) }))
    }

    /// A node with the behaviour of the product page, as the `DARKMATTER_*` variables say.
    #[uniffi::constructor]
    pub fn from_env() -> Result<Arc<Self>, DmError> {
        Self::with_json("{}".to_owned(), Some(Preset::Environment))
    }

    /// Opens it. Nothing else works before; once it is open nothing happens. One that failed may be tried again.
    #[uniffi::method(default(cancel = None))]
    pub async fn open(&self, cancel: Option<Arc<Cancel>>) -> Result<(), DmError> {
        self.caller.open(cancel).await
    }

    /// Closes it: requests under way finish, everything is on disk, the data folder is free. Twice is no error: the second
    /// waits for the first. Once begun it goes through, even when the caller is cancelled, and every later call fails with
    /// `closed`.
    pub async fn close(&self) -> Result<(), DmError> {
        self.caller.close().await
    }

    /// Whether it was closed.
    pub fn closed(&self) -> Result<bool, DmError> {
        self.caller.is_closed()
    }

    /// Who this node is.
    pub fn agent_id(&self) -> Result<AgentId, DmError> {
        Ok(AgentId(self.caller.node()?.agent_id().to_string()))
    }

    /// The token of the local API, for programs of this machine.
    pub fn local_token(&self) -> Result<String, DmError> {
        Ok(self.caller.node()?.local_token().to_owned())
    }

    /// Calls any verb by name; arguments and result are JSON. A message that a verb hands out this way is yours until you
    /// acknowledge or release it, and one that a cancelled call was about to return comes again with the next start:
    /// `messages().next` has neither trap.
    #[uniffi::method(default(cancel = None))]
    pub async fn call(
        &self,
        verb: String,
        arguments: String,
        cancel: Option<Arc<Cancel>>,
    ) -> Result<String, DmError> {
        let arguments = serde_json::from_str(&arguments)
            .map_err(|cause| Error::new(Code::InvalidArgument, format!("arguments are not JSON: {cause}")))?;
        Ok(self.caller.raw(verb, arguments, cancel).await?.to_string())
    }

    /// The messages for the agent, from peers and strangers unless `filter` names other kinds. Several inboxes share the
    /// work: each message goes to one of them.
    #[uniffi::method(default(filter = None))]
    pub fn inbox(&self, filter: Option<NextArgs>) -> Arc<Inbox> {
        Arc::new(Inbox::new(self.caller.clone(), filter))
    }

    /// Everything that happens from now on.
    pub fn events(&self) -> Result<Arc<Events>, DmError> {
        Ok(Arc::new(Events::new(self.caller.node()?.events())))
    }

    /// Hands each message to `listener`, one at a time, until that is cancelled or the node closes; the node holds the
    /// listener meanwhile, and what this returns is needed for cancelling alone. When the listener returns, the message is
    /// acknowledged; when it fails, the message comes again after a pause.
    #[uniffi::method(default(filter = None))]
    pub fn on_message(
        &self,
        listener: Box<dyn MessageListener>,
        filter: Option<NextArgs>,
    ) -> Result<Arc<Listening>, DmError> {
        Listening::to_messages(Inbox::new(self.caller.clone(), filter), listener)
    }

    /// Hands each event to `listener`, one at a time, until that is cancelled or the node closes; the node holds the listener
    /// meanwhile, and what this returns is needed for cancelling alone.
    pub fn on_event(&self, listener: Box<dyn EventListener>) -> Result<Arc<Listening>, DmError> {
        let events = Events::new(self.caller.node()?.events());
        Listening::to_events(self.caller.guest()?, events, listener)
    }

    /// Asks `policy` about connections and messages from now on; none leaves them to the settings.
    pub fn set_policy(&self, policy: Option<Box<dyn Policy>>) -> Result<(), DmError> {
        self.caller.node()?.set_policy(policy.map(HostPolicy::asking));
        Ok(())
    }
}
