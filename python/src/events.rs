//! The events of a node as a handle.

use dmagent::{
    api::Listener,
    error::{Code, Error},
    node::events::EventStream,
};
use pyo3::prelude::*;

use crate::{
    door::{self, Answer, Call, Outcome},
    runtime::Owned,
};

/// A listener. It loses the oldest events when it is too slow, and says how many.
#[pyclass(frozen, module = "dmagent._native")]
pub(crate) struct Events(Owned<Listener>);

impl Events {
    /// A listener of `stream`.
    pub(crate) fn new(stream: EventStream) -> Self {
        Self(Owned::new(Listener::new(stream)))
    }
}

#[pymethods]
impl Events {
    /// A call for the next event as JSON text; `None` once the node is closed and all was read.
    fn next(&self, py: Python<'_>) -> PyResult<Call> {
        let listener = self.0.get().map_err(|error| door::raise(py, &error))?.clone();
        Ok(Call::new(async move {
            let Some(heard) = listener.next().await else { return Ok(Outcome::new(Answer::Nothing)) };
            let text = serde_json::to_string(heard.event()).map_err(|cause| {
                Error::new(Code::Internal, "an event could not be written as JSON").because(cause)
            })?;
            Ok(Outcome::or_undo(Answer::Text(text), move || heard.give_back()))
        }))
    }
}
