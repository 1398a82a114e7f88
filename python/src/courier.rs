//! Threads that run Python code for the Rust side, so that no thread of the runtime ever waits for the
//! interpreter lock.
//!
//! A job is posted without waiting. The courier attaches to the interpreter once for all jobs that lie there.
//! It ends before the interpreter does: a thread that enters a finalised interpreter would crash the process.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel},
    time::Duration,
};

use parking_lot::Mutex;
use pyo3::prelude::*;

type Work = Box<dyn FnOnce(Python<'_>) + Send>;

enum Job {
    Run(Work),
    Stop,
}

/// One thread and its queue. Jobs run in the order in which they were posted.
pub(crate) struct Courier {
    jobs: Sender<Job>,
    /// Never receives anything; disconnected when the thread has ended.
    ended: Mutex<Receiver<()>>,
}

impl Courier {
    /// Starts a courier.
    pub(crate) fn start(name: &str) -> std::io::Result<Self> {
        let (jobs, queue) = channel();
        let (alive, ended) = channel();
        std::thread::Builder::new().name(name.to_owned()).spawn(move || {
            let _alive: Sender<()> = alive;
            deliver(&queue);
        })?;
        Ok(Self { jobs, ended: Mutex::new(ended) })
    }

    /// Has a job done soon. After the end it is dropped.
    pub(crate) fn post(&self, work: impl FnOnce(Python<'_>) + Send + 'static) {
        let _ended = self.jobs.send(Job::Run(Box::new(work)));
    }

    /// Lets the thread finish what lies there and end; does not wait.
    pub(crate) fn stop(&self) {
        let _ended_already = self.jobs.send(Job::Stop);
    }

    /// Waits until the thread has ended, `patience` at most. The caller must not be attached to the interpreter.
    pub(crate) fn join(&self, patience: Duration) -> bool {
        self.ended.lock().recv_timeout(patience) == Err(RecvTimeoutError::Disconnected)
    }
}

fn deliver(queue: &Receiver<Job>) {
    while let Ok(first) = queue.recv() {
        let goes_on = Python::try_attach(|py| {
            let mut next = Some(first);
            while let Some(job) = next {
                match job {
                    Job::Stop => return false,
                    // A panic was reported by the hook; the jobs behind it are not to blame.
                    Job::Run(work) => drop(catch_unwind(AssertUnwindSafe(|| work(py)))),
                }
                next = queue.try_recv().ok();
            }
            true
        });
        if goes_on != Some(true) {
            return;
        }
    }
}
