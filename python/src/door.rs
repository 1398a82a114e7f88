//! The one way into the core for everything that can take time.
//!
//! A [`Call`] holds a future of the core. Python awaits it (`start`, later `take`) or blocks on it (`wait`); both
//! release the interpreter, turn a panic into an error, and raise errors by the table of codes. Cancelling reaches
//! the core: the future is dropped. A result that nobody takes is undone, so a message that was handed out at the
//! moment of a cancellation goes back into the inbox. So is one that was taken and did not reach the program, because
//! a signal handler raised on the way: `cancel` undoes what was taken too, for as long as somebody has the call.

use std::{
    panic::AssertUnwindSafe,
    sync::Arc,
    time::{Duration, Instant},
};

use dmagent::error::{Code, Error, Result};
use futures_util::{FutureExt as _, future::BoxFuture};
use parking_lot::{Condvar, Mutex};
use pyo3::prelude::*;
use tokio::task::AbortHandle;

use crate::{
    lease::Lease,
    logging,
    node::Node,
    runtime::{self, Owned},
};

/// How often a blocked thread looks for signals such as Ctrl-C.
const BLINK: Duration = Duration::from_millis(50);

/// What a call returns to Python.
pub(crate) enum Answer {
    /// Nothing.
    Nothing,
    /// Usually JSON.
    Text(String),
    /// A message that was handed out.
    Message(Lease),
    /// A new node.
    Node(dmagent::Node),
}

/// An answer, and how to take it back when it never arrives.
pub(crate) struct Outcome {
    answer: Answer,
    undo: Option<Undo>,
}

type Undo = Box<dyn FnOnce() + Send>;

impl Outcome {
    /// An answer that may get lost without harm.
    pub(crate) fn new(answer: Answer) -> Self {
        Self { answer, undo: None }
    }

    /// An answer with what happens when nobody takes it.
    pub(crate) fn or_undo(answer: Answer, undo: impl FnOnce() + Send + 'static) -> Self {
        Self { answer, undo: Some(Box::new(undo)) }
    }

    fn take(mut self) -> (Answer, Option<Undo>) {
        (std::mem::replace(&mut self.answer, Answer::Nothing), self.undo.take())
    }
}

impl Drop for Outcome {
    fn drop(&mut self) {
        if let Some(undo) = self.undo.take() {
            undo();
        }
    }
}

type Work = BoxFuture<'static, Result<Outcome>>;

enum Stage {
    Ready(Work),
    Running(Option<AbortHandle>),
    Done(Result<Outcome>),
    /// Somebody has the answer; what takes it back when that comes to nothing.
    Taken(Option<Undo>),
    /// Cancelled, or failed.
    Over,
}

/// What a call and its task share. Locks are held for moments and never while waiting for the interpreter.
struct Shared {
    stage: Mutex<Stage>,
    done: Condvar,
    notify: Mutex<Option<Py<PyAny>>>,
}

impl Shared {
    /// Stores what came out, unless nobody wants it any more, and tells whoever waits.
    fn finish(self: &Arc<Self>, result: Result<Outcome>) {
        let mut stage = self.stage.lock();
        if !matches!(*stage, Stage::Running(_)) {
            drop(stage);
            // Dropped without the lock: undoing calls the core.
            drop(result);
            return;
        }
        *stage = Stage::Done(result);
        drop(stage);
        self.done.notify_all();
        let notify = self.notify.lock().take();
        if let (Some(notify), Some(house)) = (notify, runtime::standing()) {
            let shared = Arc::clone(self);
            house.courier.post(move |py| {
                if notify.call0(py).is_err() {
                    // The event loop is closed: nobody will come.
                    shared.end();
                }
            });
        }
    }

    /// Whatever it was is over; returns nothing, undoes what is undone by dropping.
    fn end(&self) {
        // Without the lock: undoing calls the core.
        let stage = std::mem::replace(&mut *self.stage.lock(), Stage::Over);
        match stage {
            Stage::Running(Some(task)) => task.abort(),
            Stage::Taken(Some(undo)) => undo(),
            other => drop(other),
        }
    }

    /// Nobody has the call any more. What was taken stays with whoever took it.
    fn leave(&self) {
        let mut stage = self.stage.lock();
        if !matches!(*stage, Stage::Taken(_)) {
            drop(stage);
            return self.end();
        }
        let taken = std::mem::replace(&mut *stage, Stage::Over);
        drop(stage);
        drop(taken);
    }

    fn failed_with(&self, code: Code) -> bool {
        matches!(&*self.stage.lock(), Stage::Done(Err(error)) if error.code() == code)
    }

    /// Waits a moment; true when done.
    fn wait(&self, patience: Duration) -> bool {
        let deadline = Instant::now() + patience;
        let mut stage = self.stage.lock();
        while matches!(*stage, Stage::Running(_)) {
            if self.done.wait_until(&mut stage, deadline).timed_out() {
                return !matches!(*stage, Stage::Running(_));
            }
        }
        true
    }
}

/// Says `Closed` when the task is dropped before it finished, which happens when the runtime ends.
struct Completion(Option<Arc<Shared>>);

impl Completion {
    fn finish(mut self, result: Result<Outcome>) {
        if let Some(shared) = self.0.take() {
            shared.finish(result);
        }
    }
}

impl Drop for Completion {
    fn drop(&mut self) {
        if let Some(shared) = self.0.take() {
            shared.finish(Err(runtime::ended()));
        }
    }
}

/// One call into the core. It does nothing until it is started or waited for.
#[pyclass(frozen, module = "dmagent._native")]
pub(crate) struct Call(Owned<Arc<Shared>>);

impl Call {
    /// A call that carries out `work`.
    pub(crate) fn new(work: impl Future<Output = Result<Outcome>> + Send + 'static) -> Self {
        Self(Owned::new(Arc::new(Shared {
            stage: Mutex::new(Stage::Ready(Box::pin(work))),
            done: Condvar::new(),
            notify: Mutex::new(None),
        })))
    }

    fn shared(&self, py: Python<'_>) -> PyResult<&Arc<Shared>> {
        self.0.get().map_err(|error| raise(py, &error))
    }

    fn launch(&self, py: Python<'_>, notify: Option<Py<PyAny>>) -> PyResult<&Arc<Shared>> {
        let shared = self.shared(py)?;
        let house = runtime::house(py)?;
        logging::refresh(py);
        let mut stage = shared.stage.lock();
        let work = match std::mem::replace(&mut *stage, Stage::Over) {
            Stage::Ready(work) => work,
            _ => return Err(raise(py, &Error::new(Code::InvalidArgument, "a call runs only once"))),
        };
        *shared.notify.lock() = notify;
        *stage = Stage::Running(None);
        drop(stage);
        let completion = Completion(Some(Arc::clone(shared)));
        let task = house.handle.spawn(async move {
            let result = AssertUnwindSafe(work).catch_unwind().await.unwrap_or_else(|_| {
                Err(Error::new(Code::Internal, "the library panicked; please report what the log says"))
            });
            completion.finish(result);
        });
        if let Stage::Running(abort) = &mut *shared.stage.lock() {
            *abort = Some(task.abort_handle());
        }
        Ok(shared)
    }
}

#[pymethods]
impl Call {
    /// Starts it. `notify` is called once, from another thread, when `take` will have something.
    fn start(&self, py: Python<'_>, notify: Py<PyAny>) -> PyResult<()> {
        self.launch(py, Some(notify)).map(drop)
    }

    /// The result of a call that is done; raises what went wrong. Until the call is gone, `cancel` takes it back.
    fn take(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        let shared = self.shared(py)?;
        let mut stage = shared.stage.lock();
        if !matches!(*stage, Stage::Done(_)) {
            return Err(raise(py, &Error::new(Code::InvalidArgument, "the call has no result to take")));
        }
        let Stage::Done(result) = std::mem::replace(&mut *stage, Stage::Over) else { unreachable!() };
        let answer = result.map(|outcome| {
            let (answer, undo) = outcome.take();
            *stage = Stage::Taken(undo);
            answer
        });
        drop(stage);
        match answer.map_err(|error| raise(py, &error))? {
            Answer::Nothing => Ok(py.None()),
            Answer::Text(text) => Ok(text.into_pyobject(py)?.into_any().unbind()),
            Answer::Message(lease) => Ok(Py::new(py, lease)?.into_any()),
            Answer::Node(node) => Ok(Py::new(py, Node::new(node))?.into_any()),
        }
    }

    /// Blocks until it is done; Ctrl-C and other signal handlers run meanwhile and may end it by raising.
    fn wait(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        let house = runtime::house(py)?;
        let _inside = house.enter();
        let shared = self.launch(py, None)?;
        while !py.detach(|| shared.wait(BLINK)) {
            if house.is_closing() {
                shared.end();
                return Err(house.farewell(py));
            }
            if let Err(interruption) = py.check_signals() {
                shared.end();
                return Err(interruption);
            }
        }
        // A signal that came beside the result is heard now: on the way back its handler would meet a result in nobody's
        // hands.
        if let Err(interruption) = py.check_signals() {
            shared.end();
            return Err(interruption);
        }
        // The call ended because the house did.
        if house.is_closing() && shared.failed_with(Code::Closed) {
            return Err(house.farewell(py));
        }
        self.take(py)
    }

    /// Ends it wherever it is. The result is undone, also when it was taken.
    fn cancel(&self) {
        if let Ok(shared) = self.0.get() {
            shared.end();
        }
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        if let Ok(shared) = self.0.get() {
            shared.leave();
        }
    }
}

/// The Python exception for an error of the core.
pub(crate) fn raise(py: Python<'_>, error: &Error) -> PyErr {
    let made = || {
        let context: Vec<(&str, &str)> =
            error.context().iter().map(|(key, value)| (*key, value.as_str())).collect();
        let arguments = (error.code().name(), error.message(), context);
        py.import("dmagent._errors")?.call_method1("from_native", arguments)
    };
    made().map_or_else(|failure| failure, PyErr::from_value)
}
