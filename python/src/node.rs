//! The node as a handle: verbs by name with JSON text, and the few operations that are no verbs.

use std::time::Duration;

use dmagent::{
    NodeConfig,
    api::pause_after,
    error::{Code, Error},
};
use parking_lot::Mutex;
use pyo3::{PyTraverseError, PyVisit, prelude::*};
use serde::Deserialize;
use serde_json::Value;

use crate::{
    door::{self, Answer, Call, Outcome},
    events::Events,
    lease::Lease,
    policy::PythonPolicy,
    runtime::{self, Owned},
};

/// A node of the core.
#[pyclass(frozen, module = "dmagent._native")]
pub(crate) struct Node {
    node: Owned<dmagent::Node>,
    /// What the policy of the node calls; the core has only a weak reference. Locked while detached from the interpreter,
    /// or not waited for.
    handler: Mutex<Option<Py<PyAny>>>,
}

/// Opens a node with the settings of a preset, changed by a JSON object of settings.
///
/// The presets: `agent` (modest defaults under the environment), `environment` (the product page's defaults under the
/// environment), `internet` and `ephemeral` (neither reads the environment).
#[pyfunction]
pub(crate) fn open(py: Python<'_>, preset: &str, settings: &str) -> PyResult<Call> {
    // Before the settings are read: a warning about them goes to Python's log.
    runtime::house(py)?;
    // Read now, by the thread that may change the environment.
    let config = NodeConfig::preset(preset, settings).map_err(|error| door::raise(py, &error))?;
    Ok(Call::new(async move { Ok(Outcome::new(Answer::Node(dmagent::Node::open(config).await?))) }))
}

impl Node {
    /// The handle of a node of this process.
    pub(crate) fn new(node: dmagent::Node) -> Self {
        Self { node: Owned::new(node), handler: Mutex::new(None) }
    }

    fn node(&self, py: Python<'_>) -> PyResult<&dmagent::Node> {
        self.node.get().map_err(|error| door::raise(py, &error))
    }

    /// A call of a verb. `made` makes the answer of the result as JSON text, and of the message that it hands out.
    fn calling(
        &self,
        py: Python<'_>,
        verb: String,
        arguments: String,
        made: impl FnOnce(&dmagent::Node, String, Option<HandedOut>) -> Answer + Send + 'static,
    ) -> PyResult<Call> {
        let node = self.node(py)?.clone();
        Ok(Call::new(async move {
            let arguments = serde_json::from_str(&arguments).map_err(|cause| {
                Error::new(Code::InvalidArgument, format!("arguments are not JSON: {cause}"))
            })?;
            let result = node.call(&verb, arguments).await?;
            let message = HandedOut::by(&verb, &result);
            let answer = made(&node, result.to_string(), message);
            // A message that was handed out must not get lost on the way to Python.
            Ok(match message {
                Some(HandedOut { sequence, redeliveries }) => Outcome::or_undo(answer, move || {
                    // False when the node closed meanwhile: then it is handed out after the next start.
                    let _released = node.inbox().give_back(sequence, Some(redeliveries), Duration::ZERO);
                }),
                None => Outcome::new(answer),
            })
        }))
    }
}

#[pymethods]
impl Node {
    /// Who this node is.
    #[getter]
    fn agent_id(&self, py: Python<'_>) -> PyResult<String> {
        Ok(self.node(py)?.agent_id().to_string())
    }

    /// Whether it was closed.
    #[getter]
    fn closed(&self, py: Python<'_>) -> PyResult<bool> {
        Ok(self.node(py)?.is_closed())
    }

    /// The token of the local API.
    #[getter]
    fn local_token(&self, py: Python<'_>) -> PyResult<String> {
        Ok(self.node(py)?.local_token().to_owned())
    }

    /// A call of a verb; arguments and result are JSON text.
    fn call(&self, py: Python<'_>, verb: String, arguments: String) -> PyResult<Call> {
        self.calling(py, verb, arguments, |_, text, _| Answer::Text(text))
    }

    /// A call of a verb that hands a message out: as a `Lease`, or as `None` when there is none.
    fn hand_out(&self, py: Python<'_>, verb: String, arguments: String) -> PyResult<Call> {
        self.calling(py, verb, arguments, |node, text, message| {
            message.map_or(Answer::Nothing, |message| {
                Answer::Message(Lease::new(node.inbox().lease(message.sequence, message.redeliveries), text))
            })
        })
    }

    /// Gives a hand-out of a message back, to be handed out again after `delay` seconds, or without them after the
    /// pause of one that could not be handled; false when it is over.
    fn release(
        &self,
        py: Python<'_>,
        sequence: u64,
        redeliveries: u32,
        delay: Option<f64>,
    ) -> PyResult<bool> {
        let node = self.node(py)?;
        let delay = delay.map_or_else(|| Ok(pause_after(redeliveries)), |delay| span(py, "delay", delay))?;
        Ok(py.detach(|| node.inbox().give_back(sequence, Some(redeliveries), delay)))
    }

    /// Everything that happens from now on.
    fn events(&self, py: Python<'_>) -> PyResult<Events> {
        Ok(Events::new(self.node(py)?.events()))
    }

    /// Asks `handler` from now on, with the methods named; `None` lets the settings decide.
    ///
    /// The core gets a weak reference to `handler`: what it leads to may lead back to this node, which the garbage
    /// collector could not see there. It sees the one here. `own_thread` is for handlers that block.
    #[pyo3(signature = (handler, methods, own_thread))]
    fn set_policy(
        &self,
        py: Python<'_>,
        handler: Option<Bound<'_, PyAny>>,
        methods: Vec<String>,
        own_thread: bool,
    ) -> PyResult<()> {
        let node = self.node(py)?;
        let policy = match &handler {
            Some(handler) => Some(PythonPolicy::asking(py, handler, methods, own_thread)?),
            None => None,
        };
        let handler = handler.map(Bound::unbind);
        // One step: of several threads that come here, the same one has the last word with both.
        let former = py.detach(|| {
            let mut held = self.handler.lock();
            node.set_policy(policy);
            std::mem::replace(&mut *held, handler)
        });
        drop(former);
        Ok(())
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        // One that is being exchanged looks as if somebody else had it.
        self.handler.try_lock().map_or(Ok(()), |handler| visit.call(&*handler))
    }

    fn __clear__(&self) {
        let handler = self.handler.try_lock().and_then(|mut handler| handler.take());
        // Without the lock: its end may run anything.
        drop(handler);
    }

    /// A call that closes the node. Once started it goes through, even when it is cancelled.
    fn close(&self, py: Python<'_>) -> PyResult<Call> {
        let node = self.node(py)?.clone();
        Ok(Call::new(async move {
            #[expect(clippy::disallowed_methods, reason = "half a close would leave the store open")]
            let closing = tokio::spawn(async move { node.close().await });
            closing.await.map_err(|_| runtime::ended())??;
            Ok(Outcome::new(Answer::Nothing))
        }))
    }
}

/// The numbers of a message that a result hands out.
#[derive(Clone, Copy, Deserialize)]
struct HandedOut {
    sequence: u64,
    #[serde(default)]
    redeliveries: u32,
}

impl HandedOut {
    fn by(verb: &str, result: &Value) -> Option<Self> {
        matches!(verb, "messages.next" | "messages.ask").then(|| Self::deserialize(result).ok()).flatten()
    }
}

fn span(py: Python<'_>, name: &str, seconds: f64) -> PyResult<Duration> {
    Duration::try_from_secs_f64(seconds).map_err(|_| {
        let sentence = format!("{name} must be a number of seconds from 0");
        door::raise(py, &Error::new(Code::InvalidArgument, sentence))
    })
}
