//! A message in the hands of Python: given back when nobody has it any more.

use parking_lot::Mutex;
use pyo3::prelude::*;

use crate::runtime::Owned;

/// One hand-out of a message, and the message: whoever drops one drops the other. A Python message holds it and shares
/// its end. In a forked child nothing happens then: the message is the parent's.
#[pyclass(frozen, module = "dmagent._native")]
pub(crate) struct Lease {
    _held: Owned<dmagent::api::Lease>,
    text: Mutex<String>,
}

impl Lease {
    /// The hand-out of the message that `text` holds as JSON.
    pub(crate) fn new(held: dmagent::api::Lease, text: String) -> Self {
        Self { _held: Owned::new(held), text: Mutex::new(text) }
    }
}

#[pymethods]
impl Lease {
    /// The message as JSON text. It is told once: what it says is kept by the message that is made of it.
    fn text(&self) -> String {
        std::mem::take(&mut self.text.lock())
    }
}
