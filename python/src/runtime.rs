//! The threads of this process: a tokio runtime and two couriers, started with the first node.
//!
//! **The end.** `atexit` calls [`shutdown`] while the interpreter still works. A thread of ours that touched Python
//! later would crash the process, so the runtime and the couriers end there, within a bounded time.
//!
//! **Fork.** A forked child has none of its parent's threads. Whatever was made in the parent is useless there, so
//! each handle remembers its process ([`Owned`]): in another one it answers with an error, and dropping it touches
//! nothing. The child may open nodes of its own; they get new threads. Houses stand in a list that only grows,
//! because a lock that some thread held during the fork would stay locked in the child.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        OnceLock,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use dmagent::error::{Code, Error};
use parking_lot::Mutex;
use pyo3::prelude::*;
use tokio::runtime::{Builder, Handle, Runtime};

use crate::{courier::Courier, door, logging};

/// How long the interpreter waits at its end for work that does not stop by itself, such as a name look-up.
const PATIENCE: Duration = Duration::from_secs(2);

/// What one process runs on.
pub(crate) struct House {
    pid: u32,
    /// Spawns. It outlives the runtime; then whatever is spawned is dropped at once.
    pub(crate) handle: Handle,
    runtime: Mutex<Option<Runtime>>,
    /// Tells event loops that calls are done, and asks policies.
    pub(crate) courier: Courier,
    /// Hands over log records; their handlers may be slow.
    pub(crate) reporter: Courier,
    closing: AtomicBool,
}

struct Link {
    house: House,
    next: Slot,
}

type Slot = OnceLock<Box<Link>>;

static FIRST: Slot = OnceLock::new();

/// The house of this process, or the empty place at the end of the list.
fn find() -> Result<&'static House, &'static Slot> {
    let pid = std::process::id();
    let mut slot = &FIRST;
    while let Some(link) = slot.get() {
        if link.house.pid == pid {
            return Ok(&link.house);
        }
        slot = &link.next;
    }
    Err(slot)
}

/// The house of this process if there is one that works.
pub(crate) fn standing() -> Option<&'static House> {
    find().ok().filter(|house| !house.closing.load(Ordering::Acquire))
}

/// The house of this process, built when there is none. The token keeps other threads from forking meanwhile.
pub(crate) fn house(py: Python<'_>) -> PyResult<&'static House> {
    let house = match find() {
        Ok(house) => house,
        Err(slot) => {
            let built = House::build().map_err(|cause| {
                let error = Error::new(Code::Internal, "the threads of the node could not be started");
                door::raise(py, &error.because(cause))
            })?;
            logging::install(py);
            match slot.set(Box::new(Link { house: built, next: OnceLock::new() })) {
                Ok(()) => {}
                // Another thread was faster.
                Err(link) => link.house.close(py),
            }
            find()
                .map_err(|_| door::raise(py, &Error::new(Code::Internal, "the list of threads is broken")))?
        }
    };
    if house.closing.load(Ordering::Acquire) {
        return Err(door::raise(py, &ended()));
    }
    Ok(house)
}

/// What calls get once the interpreter has begun to end.
pub(crate) fn ended() -> Error {
    Error::new(Code::Closed, "the interpreter is ending; open nodes before that")
}

impl House {
    fn build() -> std::io::Result<Self> {
        let runtime =
            Builder::new_multi_thread().worker_threads(2).thread_name("dmagent").enable_all().build()?;
        Ok(Self {
            pid: std::process::id(),
            handle: runtime.handle().clone(),
            runtime: Mutex::new(Some(runtime)),
            courier: Courier::start("dmagent-courier")?,
            reporter: Courier::start("dmagent-reporter")?,
            closing: AtomicBool::new(false),
        })
    }

    fn close(&self, py: Python<'_>) {
        if self.closing.swap(true, Ordering::AcqRel) {
            return;
        }
        let runtime = self.runtime.lock().take();
        // Detached: the couriers, and threads that wait for a call, need the interpreter to come to an end.
        py.detach(|| {
            if let Some(runtime) = runtime {
                runtime.shutdown_timeout(PATIENCE);
            }
            for courier in [&self.courier, &self.reporter] {
                courier.stop();
                courier.join(PATIENCE);
            }
        });
    }
}

/// Ends the threads of this process; registered with `atexit`. Calls fail with `ClosedError` from then on.
#[pyfunction]
pub(crate) fn shutdown(py: Python<'_>) {
    // A forked child that opened no node has nothing to end.
    if let Some(house) = standing() {
        house.close(py);
    }
}

/// A value of the core that belongs to the process it was made in.
pub(crate) struct Owned<T> {
    pid: u32,
    value: Option<T>,
}

impl<T> Owned<T> {
    /// A value of this process.
    pub(crate) fn new(value: T) -> Self {
        Self { pid: std::process::id(), value: Some(value) }
    }

    /// The value, in its own process.
    pub(crate) fn get(&self) -> Result<&T, Error> {
        self.value.as_ref().filter(|_| self.pid == std::process::id()).ok_or_else(|| {
            Error::new(
                Code::Forked,
                "this object belongs to the process that forked this one; open a node here instead",
            )
        })
    }
}

impl<T> Drop for Owned<T> {
    fn drop(&mut self) {
        let value = self.value.take();
        if self.pid != std::process::id() {
            // Its locks and threads are the parent's; so are the files it would clean up.
            std::mem::forget(value);
            return;
        }
        let _inside = find().ok().map(|house| house.handle.enter());
        // A panic must not leave a destructor that the interpreter called.
        drop(catch_unwind(AssertUnwindSafe(|| drop(value))));
    }
}
