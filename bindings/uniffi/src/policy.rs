//! An object of the host as its policy.
//!
//! The core asks and waits as long as its setting allows. A method that fails or is late is a policy that failed: the core
//! then takes the safe answer.

use std::sync::Arc;

use async_trait::async_trait;
use dmagent::{
    error::{Code, Error, Result},
    node::host,
};
use serde::{Serialize, de::DeserializeOwned};

use crate::made::{
    codes::DmError,
    records::{ConnectionQuestion, ConnectionVerdict, MessageQuestion, MessageVerdict, RouteVerdict},
};

/// Decisions of the program around the node. A method that fails or takes too long means the safe answer: a connection waits
/// for a decision, a message stays with its sender, routing follows the rules.
#[uniffi::export(callback_interface)]
#[async_trait]
pub trait Policy: Send + Sync {
    /// Whether to connect.
    async fn admit_connection(&self, question: ConnectionQuestion) -> Result<ConnectionVerdict, DmError>;

    /// Whether to take a message.
    async fn admit_message(&self, question: MessageQuestion) -> Result<MessageVerdict, DmError>;

    /// Where a message goes.
    async fn route(&self, question: MessageQuestion) -> Result<RouteVerdict, DmError>;
}

/// A policy of the host where the core asks.
pub(crate) struct HostPolicy(Box<dyn Policy>);

impl HostPolicy {
    /// Asks `policy`.
    pub(crate) fn asking(policy: Box<dyn Policy>) -> Arc<dyn host::Policy> {
        Arc::new(Self(policy))
    }
}

/// What the core says, in our words, or the other way round.
fn translated<T: DeserializeOwned>(said: &impl Serialize) -> Result<T> {
    serde_json::to_value(said)
        .and_then(serde_json::from_value)
        .map_err(|cause| Error::new(Code::PolicyRefused, format!("the answer cannot be used: {cause}")))
}

fn failed(error: DmError) -> Error {
    Error::new(Code::PolicyRefused, error.to_string())
}

#[async_trait]
impl host::Policy for HostPolicy {
    async fn admit_connection(&self, question: host::ConnectionQuestion) -> Result<host::ConnectionVerdict> {
        translated(&self.0.admit_connection(translated(&question)?).await.map_err(failed)?)
    }

    async fn admit_message(&self, question: host::MessageQuestion) -> Result<host::MessageVerdict> {
        translated(&self.0.admit_message(translated(&question)?).await.map_err(failed)?)
    }

    async fn route(&self, question: host::MessageQuestion) -> Result<host::RouteVerdict> {
        translated(&self.0.route(translated(&question)?).await.map_err(failed)?)
    }
}
