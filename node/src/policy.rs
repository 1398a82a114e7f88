//! A JavaScript object as the host's policy.
//!
//! The core asks; the question is posted to the JavaScript thread, and the core waits for the [`Reply`], as long as its
//! setting allows. A handler that throws, is gone, or drops its reply is a policy that failed: the core then takes the
//! safe answer.

use std::sync::Arc;

use async_trait::async_trait;
use dmagent::{
    error::{Code, Error, Result},
    node::host::{
        ConnectionQuestion, ConnectionVerdict, MessageQuestion, MessageVerdict, Policy, RouteVerdict,
    },
};
use napi::{
    Status,
    bindgen_prelude::{FnArgs, Function},
    threadsafe_function::{ThreadsafeFunction, ThreadsafeFunctionCallMode},
};
use napi_derive::napi;
use parking_lot::Mutex;
use serde::{Serialize, de::DeserializeOwned};
use tokio::sync::oneshot;

type Verdict = Result<String, String>;

/// Where a handler puts its verdict.
#[napi]
pub struct Reply {
    sender: Mutex<Option<oneshot::Sender<Verdict>>>,
}

impl Reply {
    fn send(&self, verdict: Verdict) {
        if let Some(sender) = self.sender.lock().take() {
            // The core may have stopped waiting.
            let _late = sender.send(verdict);
        }
    }
}

#[napi]
impl Reply {
    /// The verdict as JSON.
    #[napi(catch_unwind)]
    pub fn answer(&self, verdict: String) {
        self.send(Ok(verdict));
    }

    /// No verdict, and why.
    #[napi(catch_unwind)]
    pub fn fail(&self, why: String) {
        self.send(Err(why));
    }

    /// Whether a verdict is still wanted.
    #[napi(getter, catch_unwind)]
    pub fn wanted(&self) -> bool {
        self.sender.lock().as_ref().is_some_and(|sender| !sender.is_closed())
    }
}

/// Method, question as JSON, and where the verdict goes.
pub type Question = FnArgs<(String, String, Reply)>;

/// A handler: `handler(method, question as JSON, reply)`.
pub(crate) struct JsPolicy {
    /// Weak: a policy alone does not keep the event loop alive.
    handler: ThreadsafeFunction<Question, (), Question, Status, false, true>,
    methods: Vec<String>,
}

impl JsPolicy {
    /// A policy that asks `handler` when a method is named, and has no opinion otherwise.
    pub(crate) fn asking(
        handler: &Function<'_, Question, ()>,
        methods: Vec<String>,
    ) -> napi::Result<Arc<dyn Policy>> {
        let handler = handler.build_threadsafe_function::<Question>().weak::<true>().build()?;
        Ok(Arc::new(Self { handler, methods }))
    }

    /// Asks; `None` when the object has no such method.
    async fn ask<T: DeserializeOwned>(
        &self,
        method: &'static str,
        question: &(impl Serialize + Sync),
    ) -> Result<Option<T>> {
        if !self.methods.iter().any(|name| name == method) {
            return Ok(None);
        }
        let question = serde_json::to_string(question)
            .map_err(|cause| Error::new(Code::Internal, "a question could not be written").because(cause))?;
        let (sender, verdict) = oneshot::channel();
        let reply = Reply { sender: Mutex::new(Some(sender)) };
        // When it cannot be posted the reply is dropped, which the next lines see.
        let _status = self
            .handler
            .call((method.to_owned(), question, reply).into(), ThreadsafeFunctionCallMode::NonBlocking);
        let verdict = verdict
            .await
            .map_err(|_| Error::new(Code::PolicyRefused, "the policy is gone"))?
            .map_err(|why| Error::new(Code::PolicyRefused, why))?;
        serde_json::from_str(&verdict).map(Some).map_err(|cause| {
            Error::new(Code::PolicyRefused, format!("the policy's answer cannot be used: {cause}"))
        })
    }
}

#[async_trait]
impl Policy for JsPolicy {
    async fn admit_connection(&self, question: ConnectionQuestion) -> Result<ConnectionVerdict> {
        self.ask("admit_connection", &question).await.map(Option::unwrap_or_default)
    }

    async fn admit_message(&self, question: MessageQuestion) -> Result<MessageVerdict> {
        self.ask("admit_message", &question).await.map(Option::unwrap_or_default)
    }

    async fn route(&self, question: MessageQuestion) -> Result<RouteVerdict> {
        self.ask("route", &question).await.map(Option::unwrap_or_default)
    }
}
