//! What one process runs on: its handles and its threads.
//!
//! **Handles** are numbers in the shape of pointers. They lead to values by a table, so a handle that was freed, or is of
//! another type, is found out instead of followed.
//!
//! **Threads** are a tokio runtime that starts with the first node and ends with the last.
//!
//! **Fork.** A forked child has none of its parent's threads, and a lock that some thread held during the fork stays
//! locked there. Each process therefore has a house of its own, in a list that only grows; a handle says which
//! process made it.

use std::{
    any::Any,
    collections::HashMap,
    future::Future,
    sync::{
        Arc, OnceLock, Weak,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use dmagent_core::error::{Code, Error, Result};
use parking_lot::{Mutex, RwLock};
use tokio::runtime::{Builder, Handle, Runtime};

use crate::log::Listener;

/// How long the end of the last node waits for work that does not stop by itself, such as a name look-up.
const PATIENCE: Duration = Duration::from_secs(2);
/// Handles look like pointers to something of this alignment.
const STEP: usize = 16;
/// How many bits of a handle number it within its process; those above tell the process.
const BITS: u32 = if usize::BITS == 64 { 44 } else { 28 };

/// One process.
pub(crate) struct House {
    pid: u32,
    /// What its handles begin with.
    mark: usize,
    next: AtomicUsize,
    handles: RwLock<HashMap<usize, Arc<dyn Any + Send + Sync>>>,
    threads: Mutex<Weak<Threads>>,
    /// Who hears the log of this process.
    pub(crate) log: Mutex<Option<Listener>>,
}

struct Link {
    house: House,
    next: Slot,
}

type Slot = OnceLock<Box<Link>>;

static FIRST: Slot = OnceLock::new();

/// The house of this process.
pub(crate) fn house() -> &'static House {
    let pid = std::process::id();
    let (mut slot, mut mark) = (&FIRST, 1);
    loop {
        let link =
            slot.get_or_init(|| Box::new(Link { house: House::new(pid, mark), next: OnceLock::new() }));
        if link.house.pid == pid {
            return &link.house;
        }
        slot = &link.next;
        mark += 1;
    }
}

impl House {
    fn new(pid: u32, mark: usize) -> Self {
        Self {
            pid,
            mark: mark << BITS,
            next: AtomicUsize::new(1),
            handles: RwLock::default(),
            threads: Mutex::default(),
            log: Mutex::default(),
        }
    }

    /// A handle that leads to `value` until it is taken.
    pub(crate) fn keep<H, T: Send + Sync + 'static>(&self, value: Arc<T>) -> *mut H {
        let number = self.next.fetch_add(1, Ordering::Relaxed) * STEP;
        let handle = self.mark | number & ((1 << BITS) - 1);
        self.handles.write().insert(handle, value);
        handle as *mut H
    }

    fn known<T: Send + Sync + 'static, H>(
        &self,
        handle: *const H,
        what: &'static str,
        find: impl FnOnce(usize) -> Option<Arc<dyn Any + Send + Sync>>,
    ) -> Result<Arc<T>> {
        let number = handle as usize;
        if number == 0 {
            return Err(
                Error::new(Code::InvalidArgument, format!("{what} must not be NULL")).with("argument", what)
            );
        }
        let foreign = number >> BITS;
        if number & !((1 << BITS) - 1) != self.mark && foreign > 0 && foreign < self.mark >> BITS {
            return Err(Error::new(
                Code::Forked,
                "this handle belongs to the process that forked this one; open a node here instead",
            ));
        }
        find(number).and_then(|value| value.downcast().ok()).ok_or_else(|| {
            Error::new(Code::InvalidHandle, format!("{what} was freed before, or is another kind of handle"))
                .with("argument", what)
        })
    }

    /// What `handle` leads to.
    pub(crate) fn get<T: Send + Sync + 'static, H>(
        &self,
        handle: *const H,
        what: &'static str,
    ) -> Result<Arc<T>> {
        self.known(handle, what, |number| self.handles.read().get(&number).cloned())
    }

    /// Ends a handle. What it led to lives on while a call uses it.
    pub(crate) fn take<T: Send + Sync + 'static, H>(
        &self,
        handle: *const H,
        what: &'static str,
    ) -> Result<Arc<T>> {
        self.known(handle, what, |number| {
            let mut handles = self.handles.write();
            handles
                .get(&number)
                .is_some_and(|value| value.is::<T>())
                .then(|| handles.remove(&number))
                .flatten()
        })
    }

    /// The threads, started when there are none.
    pub(crate) fn threads(&self) -> Result<Arc<Threads>> {
        let mut threads = self.threads.lock();
        if let Some(running) = threads.upgrade() {
            return Ok(running);
        }
        let runtime =
            Builder::new_multi_thread().worker_threads(2).thread_name("dmagent").enable_all().build();
        let runtime = runtime
            .map_err(|cause| Error::new(Code::Internal, "the threads could not be started").because(cause))?;
        let started = Arc::new(Threads(Some(runtime)));
        *threads = Arc::downgrade(&started);
        Ok(started)
    }
}

/// The threads of a process. Every handle that needs them holds them.
pub(crate) struct Threads(Option<Runtime>);

impl Threads {
    /// Waits for `future` in the thread of the program.
    pub(crate) fn wait<T>(&self, future: impl Future<Output = Result<T>>) -> Result<T> {
        if Handle::try_current().is_ok() {
            return Err(Error::new(
                Code::BlockingInAsync,
                "this thread runs an async runtime; call from another thread",
            ));
        }
        match &self.0 {
            Some(runtime) => runtime.block_on(future),
            None => Err(Error::new(Code::Closed, "the threads have ended")),
        }
    }

    /// The runtime, for what must be dropped inside it.
    pub(crate) fn handle(&self) -> Option<&Handle> {
        self.0.as_ref().map(Runtime::handle)
    }
}

impl Drop for Threads {
    fn drop(&mut self) {
        let Some(runtime) = self.0.take() else { return };
        if Handle::try_current().is_ok() {
            // One of its own threads: it cannot wait for itself.
            runtime.shutdown_background();
        } else {
            runtime.shutdown_timeout(PATIENCE);
        }
    }
}
