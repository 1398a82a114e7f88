//! A message in the hands of Python: given back when nobody has it any more.

use pyo3::prelude::*;

use crate::runtime::Owned;

/// One hand-out of a message; a Python message holds it and shares its end. Only dropped. In a forked child nothing
/// happens then: the message is the parent's.
#[pyclass(frozen, module = "dmagent._native")]
pub(crate) struct Lease(
    #[expect(dead_code, reason = "its end is its work")] pub(crate) Owned<dmagent::api::Lease>,
);
