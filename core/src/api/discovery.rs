//! Verbs about discovery.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{discovery::Discovered, error::Result, node::Node};

/// A verb without arguments.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NoArgs {}

/// The noun `discovery`.
pub struct Discoveries<'a>(&'a Node);

impl Node {
    /// Verbs about discovery.
    pub fn discovery(&self) -> Discoveries<'_> {
        Discoveries(self)
    }
}

impl Discoveries<'_> {
    /// Looks around now; everybody seen within the last 90 seconds. Empty while discovery is off.
    pub async fn scan(&self, _: NoArgs) -> Result<Vec<Discovered>> {
        let discovery = self.0.inner().discovery.read().clone();
        Ok(match discovery {
            Some(discovery) => discovery.scan().await,
            None => Vec::new(),
        })
    }

    /// Everybody seen within the last 90 seconds.
    pub async fn list(&self, _: NoArgs) -> Result<Vec<Discovered>> {
        let discovery = self.0.inner().discovery.read().clone();
        Ok(discovery.map_or_else(Vec::new, |discovery| discovery.list()))
    }
}
