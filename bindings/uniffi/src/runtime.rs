//! The threads of this process: one tokio runtime for all nodes, started with the first.
//!
//! **Calls** run on these threads, whoever waits for them. Giving a call up ends it: the future is dropped there.
//!
//! **The end.** A thread of ours that called into a virtual machine that is being taken down would crash the process. So
//! whoever embeds us calls [`shutdown_runtime`] before that: calls fail with `closed` from then on.
//!
//! **Fork.** A forked child has none of its parent's threads, and a lock that some thread held during the fork stays locked
//! there. Each process therefore has a house of its own, in a list that only grows. Values remember their process
//! (`Owned`): in another one they answer with an error, and dropping them touches nothing.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, OnceLock},
    time::Duration,
};

use dmagent::error::{Code, Error};
use parking_lot::Mutex;
use tokio::{
    runtime::{Builder, Handle, Runtime},
    task::JoinHandle,
};

use crate::{
    cancel::Cancel,
    failure::{cancelled, panicked},
    made::codes::DmError,
};

/// How long the end waits for work that does not stop by itself, such as a name look-up.
const PATIENCE: Duration = Duration::from_secs(2);

struct House {
    pid: u32,
    /// Spawns. It outlives the runtime; then whatever is spawned is dropped at once.
    handle: Handle,
    runtime: Mutex<Option<Runtime>>,
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

/// Where futures of the core run.
pub(crate) fn handle() -> Result<&'static Handle, DmError> {
    if let Err(slot) = find() {
        let runtime =
            Builder::new_multi_thread().worker_threads(2).thread_name("dmagent").enable_all().build();
        let runtime = runtime.map_err(|cause| {
            Error::new(Code::Internal, format!("the threads of the node could not be started: {cause}"))
        })?;
        let house = House {
            pid: std::process::id(),
            handle: runtime.handle().clone(),
            runtime: Mutex::new(Some(runtime)),
        };
        // Another thread may have been faster; then this house goes, and its threads with it.
        if let Err(link) = slot.set(Box::new(Link { house, next: OnceLock::new() }))
            && let Some(runtime) = link.house.runtime.lock().take()
        {
            runtime.shutdown_background();
        }
    }
    find()
        .map(|house| &house.handle)
        .map_err(|_| Error::new(Code::Internal, "the list of threads is broken").into())
}

/// A task that ends when nobody waits for it any more.
struct Task<T>(JoinHandle<T>);

impl<T> Drop for Task<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Carries out `work` on the threads of this process, until it is done, `cancel` says so, or this future is dropped.
pub(crate) async fn run<T: Send + 'static>(
    cancel: Option<Arc<Cancel>>,
    work: impl Future<Output = Result<T, DmError>> + Send + 'static,
) -> Result<T, DmError> {
    let mut task = Task(handle()?.spawn(async move {
        let Some(cancel) = cancel else { return work.await };
        tokio::select! {
            biased;
            () = cancel.token.cancelled() => Err(cancelled()),
            result = work => result,
        }
    }));
    (&mut task.0).await.unwrap_or_else(|ended| Err(if ended.is_panic() { panicked() } else { gone() }))
}

/// What calls get once the runtime has ended.
pub(crate) fn gone() -> DmError {
    Error::new(Code::Closed, "the library was shut down; open nodes before that").into()
}

/// Ends the threads of this process, for the moment before it ends, and waits for that, two seconds at most: every call
/// fails with `closed` from then on. The package for Ruby calls it by itself, and a Java machine ends well without.
//
// It waits here and is not asynchronous, because whoever told the host that it is over would be one more thread in the host.
#[uniffi::export]
pub fn shutdown_runtime() {
    let Some(runtime) = find().ok().and_then(|house| house.runtime.lock().take()) else { return };
    // A thread of its own: this may be called by one of those that end.
    let closer = std::thread::Builder::new()
        .name("dmagent-closer".to_owned())
        .spawn(move || runtime.shutdown_timeout(PATIENCE));
    if let Ok(closer) = closer {
        // Nothing in it panics, and there is nobody to tell.
        let _ended = closer.join();
    }
}

/// A value of the core that belongs to the process it was made in. Its end may need the runtime, and a panic in it must not
/// reach a garbage collector.
pub(crate) struct Owned<T: Send + 'static> {
    pid: u32,
    value: Option<T>,
}

impl<T: Send + 'static> Owned<T> {
    /// A value of this process.
    pub(crate) fn new(value: T) -> Self {
        Self { pid: std::process::id(), value: Some(value) }
    }

    /// The value, in its own process.
    pub(crate) fn get(&self) -> Result<&T, DmError> {
        self.value.as_ref().filter(|_| self.pid == std::process::id()).ok_or_else(|| {
            let sentence =
                "this object belongs to the process that forked this one; spawn a fresh process for another node";
            Error::new(Code::Forked, sentence).into()
        })
    }
}

impl<T: Send + 'static> Drop for Owned<T> {
    fn drop(&mut self) {
        let value = self.value.take();
        // In another process its locks and threads are the parent's, and so are the files it would clean up. Without the
        // threads of this one the process is about to end.
        let house = find().ok().filter(|house| self.pid == house.pid && house.runtime.lock().is_some());
        let Some(house) = house else { return std::mem::forget(value) };
        // There, because its end may call the host's code, which a garbage collector must not do.
        house.handle.spawn(async move { drop(catch_unwind(AssertUnwindSafe(|| drop(value)))) });
    }
}
