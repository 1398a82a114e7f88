//! The threads of this process: a tokio runtime and two couriers, started with the first node.
//!
//! **The end.** `atexit` calls [`shutdown`] while the interpreter still works. A thread of ours that touched Python
//! later would crash the process, so the runtime and the couriers end there, within a bounded time. A thread of the
//! program that waits for a call then is a daemon: Python joined all others before. It leaves the call with a
//! `SystemExit`, which unwinds it without a word.
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
    thread::{self, ThreadId},
    time::{Duration, Instant},
};

use dmagent::error::{Code, Error};
use parking_lot::{Condvar, Mutex};
use pyo3::{exceptions::PySystemExit, prelude::*};
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
    /// The thread that ended the house.
    closer: OnceLock<ThreadId>,
    /// How many threads of the program are inside a blocking call, and the news that it is one less.
    inside: Mutex<usize>,
    left: Condvar,
}

/// A thread of the program inside a blocking call, for as long as this lives.
pub(crate) struct Inside(&'static House);

impl Drop for Inside {
    fn drop(&mut self) {
        *self.0.inside.lock() -= 1;
        self.0.left.notify_all();
    }
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
    find().ok().filter(|house| !house.is_closing())
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
    if house.is_closing() {
        return Err(house.farewell(py));
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
            closer: OnceLock::new(),
            inside: Mutex::new(0),
            left: Condvar::new(),
        })
    }

    /// Whether the interpreter has begun to end.
    pub(crate) fn is_closing(&self) -> bool {
        self.closing.load(Ordering::Acquire)
    }

    /// Notes that the calling thread is inside a blocking call.
    pub(crate) fn enter(&'static self) -> Inside {
        *self.inside.lock() += 1;
        Inside(self)
    }

    /// What a call raises once the house is closing: an error on the thread that ends the interpreter. Any other is a
    /// daemon thread, which nobody waits for; an error there would be a traceback at the end of a sound program.
    pub(crate) fn farewell(&self, py: Python<'_>) -> PyErr {
        if self.closer.get().is_none_or(|closer| *closer == thread::current().id()) {
            return door::raise(py, &ended());
        }
        PySystemExit::new_err(())
    }

    fn close(&self, py: Python<'_>) {
        // Before the flag: whoever sees that one asks who set it.
        let _first = self.closer.set(thread::current().id());
        if self.closing.swap(true, Ordering::AcqRel) {
            return;
        }
        let runtime = self.runtime.lock().take();
        // Detached: the couriers, and threads that wait for a call, need the interpreter to come to an end.
        py.detach(|| {
            if let Some(runtime) = runtime {
                runtime.shutdown_timeout(PATIENCE);
            }
            self.empty();
            for courier in [&self.courier, &self.reporter] {
                courier.stop();
                courier.join(PATIENCE);
            }
        });
    }

    /// Waits until no thread of the program is inside a blocking call: one that came back later would find the
    /// interpreter gone. It never takes longer than a blink, but for a thread that is kept from the interpreter.
    fn empty(&self) {
        let deadline = Instant::now() + PATIENCE;
        let mut inside = self.inside.lock();
        while *inside > 0 && !self.left.wait_until(&mut inside, deadline).timed_out() {}
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
