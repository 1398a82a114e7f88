//! The one place that spawns. Tasks have names, are tracked, and end when the node closes.

use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use tokio_util::{
    sync::CancellationToken,
    task::{TaskTracker, task_tracker::TaskTrackerToken},
};
use tracing::Instrument as _;

/// The tasks of one node. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Tasks {
    tracker: TaskTracker,
    stop: CancellationToken,
}

impl Tasks {
    /// No tasks yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Runs `task` until it finishes or the node closes, whichever comes first. It is dropped at its
    /// next await point when the node closes, so its future must be cancel-safe.
    pub fn spawn(&self, name: &'static str, task: impl Future<Output = ()> + Send + 'static) {
        let stop = self.stop.clone();
        let guarded = async move {
            tokio::select! {
                biased;
                () = stop.cancelled() => {}
                () = task => {}
            }
        };
        let span = tracing::debug_span!("task", name);
        #[expect(clippy::disallowed_methods, reason = "this is the one place that spawns")]
        self.tracker.spawn(guarded.instrument(span));
    }

    /// Runs `work` within the calling task, which saves the way to another one and back, and gives its result;
    /// `None` when the node closes first. When the caller is dropped before the end, the rest runs as a task.
    /// Poll what this returns, or drop it: nobody else moves it. Call it inside a tokio runtime.
    pub fn finish_here<T: Send + 'static>(
        &self,
        name: &'static str,
        work: impl Future<Output = T> + Send + 'static,
    ) -> FinishHere<T> {
        let stop = self.stop.clone();
        let guarded = async move {
            tokio::select! {
                biased;
                () = stop.cancelled() => None,
                result = work => Some(result),
            }
        };
        let runtime = tokio::runtime::Handle::current();
        FinishHere { work: Some(Box::pin(guarded)), name, runtime, is_elsewhere: false, tasks: self.clone() }
    }

    /// Counts as a task until it is dropped: for work that others run.
    pub fn hold(&self) -> Held {
        Held { _token: self.tracker.token() }
    }

    /// Whether [`Tasks::stop`] or [`Tasks::close`] was called.
    pub fn is_stopping(&self) -> bool {
        self.stop.is_cancelled()
    }

    /// Waits until the node is told to stop.
    pub async fn stopped(&self) {
        self.stop.cancelled().await;
    }

    /// Tells every task to end, without waiting.
    pub fn stop(&self) {
        self.stop.cancel();
        self.tracker.close();
    }

    /// Tells every task to end and waits for them, `patience` at most. True when all ended.
    pub async fn close(&self, patience: Duration) -> bool {
        self.stop();
        tokio::time::timeout(patience, self.tracker.wait()).await.is_ok()
    }

    /// Lets tasks end by themselves, `patience` at most, then tells the rest to end. True when none had
    /// to be told.
    pub async fn finish(&self, patience: Duration) -> bool {
        self.tracker.close();
        let finished = tokio::time::timeout(patience, self.tracker.wait()).await.is_ok();
        self.stop();
        finished
    }

    /// How many tasks run now.
    pub fn len(&self) -> usize {
        self.tracker.len()
    }

    /// Whether no task runs now.
    pub fn is_empty(&self) -> bool {
        self.tracker.is_empty()
    }
}

/// What [`Tasks::hold`] gives.
#[derive(Debug)]
pub struct Held {
    _token: TaskTrackerToken,
}

/// What [`Tasks::finish_here`] runs.
pub struct FinishHere<T: Send + 'static> {
    work: Option<Pin<Box<dyn Future<Output = Option<T>> + Send>>>,
    name: &'static str,
    runtime: tokio::runtime::Handle,
    is_elsewhere: bool,
    tasks: Tasks,
}

impl<T: Send + 'static> FinishHere<T> {
    /// Whatever the work spawns or waits for belongs to `runtime`, whoever polls this.
    #[must_use]
    pub fn within(mut self, runtime: tokio::runtime::Handle) -> Self {
        (self.runtime, self.is_elsewhere) = (runtime, true);
        self
    }
}

impl<T: Send + 'static> Future for FinishHere<T> {
    type Output = Option<T>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<T>> {
        // Taken out while it is polled: what panics is not polled again.
        let Some(mut work) = self.work.take() else { return Poll::Ready(None) };
        let runtime = self.is_elsewhere.then(|| self.runtime.clone());
        let _entered = runtime.as_ref().map(tokio::runtime::Handle::enter);
        let polled = work.as_mut().poll(cx);
        if polled.is_pending() {
            self.work = Some(work);
        }
        polled
    }
}

impl<T: Send + 'static> Drop for FinishHere<T> {
    fn drop(&mut self) {
        if let Some(work) = self.work.take() {
            // Whoever drops it may not be in a runtime.
            let _entered = self.runtime.enter();
            self.tasks.spawn(self.name, async move {
                work.await;
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_its_caller_drops_is_finished_as_a_task() {
        let tasks = Tasks::new();
        let (go, gone) = tokio::sync::oneshot::channel::<()>();
        let (done, finished) = tokio::sync::oneshot::channel();
        let mut work = tasks.finish_here("work", async move {
            let _ = gone.await;
            let _ = done.send("finished");
        });
        assert!(futures_util::poll!(&mut work).is_pending());
        assert!(tasks.is_empty(), "it runs within its caller");
        std::thread::spawn(move || drop(work)).join().unwrap();
        go.send(()).unwrap();
        assert_eq!(finished.await, Ok("finished"));
        assert_eq!(tasks.finish_here("more", async { 1 }).await, Some(1));
        tasks.stop();
        assert_eq!(tasks.finish_here("late", std::future::pending::<()>()).await, None);
    }

    #[test]
    fn work_spawns_where_it_belongs_whoever_polls_it() {
        let runtime = || tokio::runtime::Builder::new_multi_thread().worker_threads(1).build().unwrap();
        let (ours, theirs) = (runtime(), runtime());
        let tasks = Tasks::new();
        let inner = tasks.clone();
        let (done, finished) = tokio::sync::oneshot::channel();
        ours.block_on(async {
            let work = tasks.finish_here("work", async move {
                inner.spawn("spawned", async move {
                    let _ = done.send(tokio::runtime::Handle::current().id());
                });
            });
            assert_eq!(work.within(theirs.handle().clone()).await, Some(()));
        });
        assert_eq!(theirs.block_on(finished), Ok(theirs.handle().id()));
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_held_is_waited_for() {
        let tasks = Tasks::new();
        let held = tasks.hold();
        assert!(!tasks.finish(Duration::from_secs(1)).await);
        drop(held);
        assert!(tasks.finish(Duration::from_secs(1)).await);
    }

    #[tokio::test]
    async fn closing_ends_a_task_that_never_finishes() {
        let tasks = Tasks::new();
        tasks.spawn("forever", std::future::pending());
        assert!(tasks.close(Duration::from_secs(5)).await);
        assert!(tasks.is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn finishing_waits_for_a_task_that_ends_by_itself() {
        let tasks = Tasks::new();
        tasks.spawn("short", tokio::time::sleep(Duration::from_secs(1)));
        assert!(tasks.finish(Duration::from_secs(2)).await);
        assert!(tasks.is_stopping());
    }

    #[tokio::test(start_paused = true)]
    async fn finishing_stops_a_task_that_does_not_end() {
        let tasks = Tasks::new();
        tasks.spawn("forever", std::future::pending());
        assert!(!tasks.finish(Duration::from_secs(2)).await);
        assert!(tasks.close(Duration::from_secs(2)).await);
    }
}
