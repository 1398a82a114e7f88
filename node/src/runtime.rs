//! The threads of this process: one tokio runtime for all nodes in all of its JavaScript threads.
//!
//! It starts with the first call and never ends: whatever a JavaScript thread leaves behind when it is terminated is
//! cleaned up here. The library stays loaded for that reason, see `build.rs`.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::OnceLock,
};

use dmagent::error::{Code, Error, Result};
use tokio::runtime::{Builder, Handle, Runtime};

static RUNTIME: OnceLock<std::io::Result<Runtime>> = OnceLock::new();

/// Where futures of the core run.
pub(crate) fn handle() -> Result<&'static Handle> {
    let built = RUNTIME.get_or_init(|| {
        Builder::new_multi_thread().worker_threads(2).thread_name("dmagent").enable_all().build()
    });
    built.as_ref().map(Runtime::handle).map_err(|cause| {
        let sentence = format!("the threads of the node could not be started: {cause}");
        Error::new(Code::Internal, sentence)
    })
}

/// A value of the core in the hands of JavaScript. Its end may need the runtime, and a panic in it must not reach the
/// garbage collector.
pub(crate) struct Owned<T>(Option<T>);

impl<T> Owned<T> {
    /// A value that JavaScript lets go when it likes.
    pub(crate) fn new(value: T) -> Self {
        Self(Some(value))
    }

    /// The value.
    pub(crate) fn get(&self) -> &T {
        self.0.as_ref().expect("it is taken only when this is dropped")
    }
}

impl<T> Drop for Owned<T> {
    fn drop(&mut self) {
        let value = self.0.take();
        let _inside = handle().ok().map(Handle::enter);
        drop(catch_unwind(AssertUnwindSafe(|| drop(value))));
    }
}
