//! The one place that spawns. Tasks have names, are tracked, and end when the node closes.

use std::{future::Future, time::Duration};

use tokio_util::{sync::CancellationToken, task::TaskTracker};
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

#[cfg(test)]
mod tests {
    use super::*;

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
