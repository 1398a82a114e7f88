//! A Python object as the host's policy.
//!
//! The core asks; a courier hands the question to Python and the core waits for the [`Reply`], as long as its
//! setting allows. A handler that raises, is gone, or drops its reply is a policy that failed: the core then takes
//! the safe answer.

use std::sync::Arc;

use async_trait::async_trait;
use dmagent::{
    error::{Code, Error, Result},
    node::host::{
        ConnectionQuestion, ConnectionVerdict, MessageQuestion, MessageVerdict, Policy, RouteVerdict,
    },
};
use parking_lot::Mutex;
use pyo3::{prelude::*, types::PyWeakrefReference};
use serde::{Serialize, de::DeserializeOwned};
use tokio::sync::oneshot;

use crate::{
    courier::Courier,
    runtime::{self, House},
};

type Verdict = Result<String, String>;

/// Where a handler puts its verdict.
#[pyclass(frozen, module = "dmagent._native")]
pub(crate) struct Reply(Mutex<Option<oneshot::Sender<Verdict>>>);

impl Reply {
    fn send(&self, verdict: Verdict) {
        if let Some(sender) = self.0.lock().take() {
            // The core may have stopped waiting.
            let _late = sender.send(verdict);
        }
    }
}

#[pymethods]
impl Reply {
    /// The verdict as JSON text.
    fn answer(&self, verdict: String) {
        self.send(Ok(verdict));
    }

    /// No verdict, and why.
    fn fail(&self, why: String) {
        self.send(Err(why));
    }

    /// Whether a verdict is still wanted.
    #[getter]
    fn wanted(&self) -> bool {
        self.0.lock().as_ref().is_some_and(|sender| !sender.is_closed())
    }
}

/// A handler: `handler(method, question_as_json, reply)`.
pub(crate) struct PythonPolicy {
    handler: Arc<Py<PyWeakrefReference>>,
    methods: Vec<String>,
    house: &'static House,
    own: Option<Thread>,
}

/// A thread for a handler that blocks; it ends with the policy.
struct Thread(Courier);

impl Drop for Thread {
    fn drop(&mut self) {
        self.0.stop();
    }
}

impl PythonPolicy {
    /// A policy that asks `handler` when a method is named, and has no opinion otherwise.
    pub(crate) fn asking(
        py: Python<'_>,
        handler: &Bound<'_, PyAny>,
        methods: Vec<String>,
        own_thread: bool,
    ) -> PyResult<Arc<dyn Policy>> {
        let own = own_thread.then(|| Courier::start("dmagent-policy").map(Thread)).transpose()?;
        Ok(Arc::new(Self {
            handler: Arc::new(PyWeakrefReference::new(handler)?.unbind()),
            methods,
            house: runtime::house(py)?,
            own,
        }))
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
        let handler = Arc::clone(&self.handler);
        let courier = self.own.as_ref().map_or(&self.house.courier, |thread| &thread.0);
        courier.post(move |py| {
            if sender.is_closed() {
                return;
            }
            let reply = Reply(Mutex::new(Some(sender)));
            let Some(handler) = handler.bind(py).upgrade() else { return };
            if let Err(failure) =
                Bound::new(py, reply).and_then(|reply| handler.call1((method, question, reply)))
            {
                failure.write_unraisable(py, Some(&handler));
            }
        });
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
impl Policy for PythonPolicy {
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
