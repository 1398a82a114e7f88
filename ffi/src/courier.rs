//! The threads that call back into the program: one for each handler, so that one that is slow keeps nobody else waiting.

use std::{
    ffi::c_void,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle, ThreadId},
};

use dmagent_core::error::{Code, Error, Result};
use parking_lot::Mutex;

/// Ends a handler's context.
pub type dm_drop = Option<unsafe extern "C" fn(context: *mut c_void)>;

/// The context of a handler, dropped exactly once.
pub(crate) struct Context {
    pointer: *mut c_void,
    drop: dm_drop,
}

// SAFETY: the header tells programs that one thread of ours at a time uses the context, and that it is not theirs.
unsafe impl Send for Context {}
// SAFETY: as above; the handlers are serial.
unsafe impl Sync for Context {}

impl Context {
    pub(crate) fn new(pointer: *mut c_void, drop: dm_drop) -> Self {
        Self { pointer, drop }
    }

    pub(crate) fn pointer(&self) -> *mut c_void {
        self.pointer
    }
}

impl Drop for Context {
    fn drop(&mut self) {
        if let Some(end) = self.drop {
            // SAFETY: the program gave this function for this context, and this is the only call.
            unsafe { end(self.pointer) };
        }
    }
}

/// A thread of ours that can be told to stop, and waited for.
pub(crate) struct Courier {
    id: ThreadId,
    stopped: Arc<AtomicBool>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Courier {
    /// Starts the thread; `work` looks at the flag between two calls, and drops what it holds at its end.
    pub(crate) fn start(name: &str, work: impl FnOnce(&AtomicBool) + Send + 'static) -> Result<Self> {
        let stopped = Arc::new(AtomicBool::new(false));
        let flag = Arc::clone(&stopped);
        let thread =
            thread::Builder::new().name(name.to_owned()).spawn(move || work(&flag)).map_err(|cause| {
                Error::new(Code::Internal, "the thread of a callback could not be started").because(cause)
            })?;
        Ok(Self { id: thread.thread().id(), stopped, thread: Mutex::new(Some(thread)) })
    }

    /// No call begins any more once the one under way has returned.
    pub(crate) fn stop(&self) {
        self.stopped.store(true, Ordering::Release);
    }

    /// Waits for the end, unless this is that thread.
    pub(crate) fn join(&self) {
        if thread::current().id() == self.id {
            return;
        }
        let thread = self.thread.lock().take();
        if let Some(thread) = thread {
            // A panic of the thread was reported by the runtime already.
            let _ended = thread.join();
        }
    }
}
