//! The node as a handle: verbs by name with JSON text, and the few operations that are no verbs.

use std::time::Duration;

use dmagent::{
    NodeConfig,
    api::pause_after,
    error::{Code, Error},
};
use napi::bindgen_prelude::{BigInt, Function, Result};
use napi_derive::napi;
use serde_json::Value;

use crate::{
    call::{Answer, Call, Outcome},
    events::Events,
    failure::panicked,
    lease::Lease,
    policy::{JsPolicy, Question},
    runtime::{self, Owned},
};

/// A node of the core.
#[napi]
pub struct NativeNode {
    node: Owned<dmagent::Node>,
}

/// A call that opens a node with the settings of a preset, changed by a JSON object of settings.
///
/// The presets: `agent` (modest defaults under the environment), `environment` (the product page's defaults under the
/// environment), `internet` and `ephemeral` (neither reads the environment).
#[napi(catch_unwind)]
pub fn open(preset: String, settings: String) -> Call {
    // Read now, by the thread that may change the environment.
    let config = NodeConfig::preset(&preset, &settings);
    Call::new(async move { Ok(Outcome::new(Answer::Node(dmagent::Node::open(config?).await?))) })
}

impl NativeNode {
    /// The handle of a node.
    pub(crate) fn new(node: dmagent::Node) -> Self {
        Self { node: Owned::new(node) }
    }
}

#[napi]
impl NativeNode {
    /// Who this node is.
    #[napi(getter, catch_unwind)]
    pub fn agent_id(&self) -> String {
        self.node.get().agent_id().to_string()
    }

    /// Whether it was closed.
    #[napi(getter, catch_unwind)]
    pub fn closed(&self) -> bool {
        self.node.get().is_closed()
    }

    /// The token of the local API.
    #[napi(getter, catch_unwind)]
    pub fn local_token(&self) -> String {
        self.node.get().local_token().to_owned()
    }

    /// A call of a verb; arguments and result are JSON.
    #[napi(catch_unwind)]
    pub fn call(&self, verb: String, arguments: String) -> Call {
        let node = self.node.get().clone();
        Call::new(async move {
            let arguments = serde_json::from_str(&arguments).map_err(|cause| {
                Error::new(Code::InvalidArgument, format!("arguments are not JSON: {cause}"))
            })?;
            let result = node.call(&verb, arguments).await?;
            let text = Answer::Text(result.to_string());
            // A message that was handed out must not get lost on the way to JavaScript.
            Ok(match leased(&verb, &result) {
                Some(sequence) => Outcome::or_undo(text, move || {
                    // False when the node closed meanwhile: then it is handed out after the next start.
                    let _released = node.inbox().give_back(sequence, None, Duration::ZERO);
                }),
                None => Outcome::new(text),
            })
        })
    }

    /// Gives a hand-out of a message back, to be handed out again after `delay` seconds, or without them after the pause
    /// of one that could not be handled; false when it is over.
    #[napi(catch_unwind)]
    pub fn release(&self, sequence: BigInt, redeliveries: u32, delay: Option<f64>) -> Result<bool> {
        let _inside = runtime::handle().ok().map(tokio::runtime::Handle::enter);
        let delay = delay.map_or_else(|| Ok(pause_after(redeliveries)), span)?;
        Ok(self.node.get().inbox().give_back(sequence.get_u64().1, Some(redeliveries), delay))
    }

    /// What gives a message that was handed out with this number of `redeliveries` back when nobody has it any more.
    #[napi(catch_unwind)]
    pub fn lease(&self, sequence: BigInt, redeliveries: u32) -> Lease {
        Lease { _held: Owned::new(self.node.get().inbox().lease(sequence.get_u64().1, redeliveries)) }
    }

    /// Everything that happens from now on.
    #[napi(catch_unwind)]
    pub fn events(&self) -> Events {
        Events::new(self.node.get().events())
    }

    /// Asks `handler` from now on, with the methods named; without a handler the settings decide.
    #[napi(catch_unwind)]
    pub fn set_policy(
        &self,
        handler: Option<Function<'_, Question, ()>>,
        methods: Vec<String>,
    ) -> Result<()> {
        let policy = handler.map(|handler| JsPolicy::asking(&handler, methods)).transpose()?;
        self.node.get().set_policy(policy);
        Ok(())
    }

    /// A call that closes the node. Once started it goes through, even when it is cancelled.
    #[napi(catch_unwind)]
    pub fn close(&self) -> Call {
        let node = self.node.get().clone();
        Call::new(async move {
            let closing = runtime::handle()?.spawn(async move { node.close().await });
            closing.await.map_err(|_| panicked())??;
            Ok(Outcome::new(Answer::Nothing))
        })
    }
}

/// The message that a result hands out.
fn leased(verb: &str, result: &Value) -> Option<u64> {
    matches!(verb, "messages.next" | "messages.ask").then(|| result.get("sequence")?.as_u64()).flatten()
}

fn span(seconds: f64) -> Result<Duration> {
    Duration::try_from_secs_f64(seconds).map_err(|cause| napi::Error::from_reason(cause.to_string()))
}
