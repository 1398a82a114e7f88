//! The native half of the Python package `dmagent`: everything here converts, calls the core, and converts back.
//!
//! | file | story |
//! |---|---|
//! | `door` | the one way in: a call that is awaited, waited for, or cancelled |
//! | `runtime` | the threads of this process, their end, and what a fork means for them |
//! | `courier` | the only threads of ours that run Python code |
//! | `node`, `events`, `lease` | the handles |
//! | `policy` | a Python object that the core asks |
//! | `logging` | Rust's log in Python's `logging` |
//!
//! The module is private: `dmagent/` beside it is the package that people import.

mod courier;
mod door;
mod events;
mod lease;
mod logging;
mod node;
mod policy;
mod runtime;

use pyo3::prelude::*;

/// The private module `dmagent._native`.
#[pymodule]
fn _native(module: &Bound<'_, PyModule>) -> PyResult<()> {
    let py = module.py();
    module.add("__version__", env!("CARGO_PKG_VERSION"))?;
    module.add_class::<door::Call>()?;
    module.add_class::<node::Node>()?;
    module.add_class::<events::Events>()?;
    module.add_class::<lease::Lease>()?;
    module.add_class::<policy::Reply>()?;
    module.add_function(wrap_pyfunction!(node::open, module)?)?;
    module.add_function(wrap_pyfunction!(runtime::shutdown, module)?)?;
    // `logging` registers its own end when it is imported, and what was registered first runs last: so its
    // handlers still work while our last records arrive.
    py.import("logging")?;
    py.import("atexit")?.call_method1("register", (module.getattr("shutdown")?,))?;
    Ok(())
}
