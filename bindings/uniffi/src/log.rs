//! The library's log in an object of the host. There is one for the process, whoever set it last.
//!
//! Records cross on a thread of their own. Whoever logs may hold a lock, and must not wait for the host's code.

use std::sync::{
    Arc, OnceLock,
    atomic::{AtomicUsize, Ordering},
    mpsc::{Receiver, SyncSender, TrySendError, sync_channel},
};

use dmagent::api::{LogRecord, LogSink as CoreSink, log_to};
use parking_lot::Mutex;
use tracing::Level;

/// Records that may wait for the sink; a flood loses records rather than memory.
const WAITING: usize = 1024;

/// How bad something is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, uniffi::Enum)]
pub enum LogLevel {
    /// Something failed.
    Error,
    /// Something is not as it should be.
    Warn,
    /// Something worth knowing happened.
    Info,
    /// For those who look for a cause.
    Debug,
    /// Everything.
    Trace,
}

impl From<Level> for LogLevel {
    fn from(level: Level) -> Self {
        match level {
            Level::ERROR => Self::Error,
            Level::WARN => Self::Warn,
            Level::INFO => Self::Info,
            Level::DEBUG => Self::Debug,
            Level::TRACE => Self::Trace,
        }
    }
}

/// Takes the log.
#[uniffi::export(callback_interface)]
pub trait LogSink: Send + Sync {
    /// Takes a line: how bad it is, the part of the library that speaks, and what it says. A thread of its own calls it.
    fn take(&self, level: LogLevel, target: String, text: String);
}

/// One more than the level that is wanted; 0 when nobody listens.
static WANTED: AtomicUsize = AtomicUsize::new(0);
static LOST: AtomicUsize = AtomicUsize::new(0);
static SINK: Mutex<Option<Arc<dyn LogSink>>> = Mutex::new(None);

struct Line {
    level: LogLevel,
    target: &'static str,
    text: String,
}

struct Bridge(SyncSender<Line>);

impl CoreSink for Bridge {
    fn wants(&self, level: Level) -> bool {
        (LogLevel::from(level) as usize) < WANTED.load(Ordering::Relaxed)
    }

    fn take(&self, record: LogRecord) {
        let line = Line { level: record.level.into(), target: record.target, text: record.text };
        if let Err(TrySendError::Full(_)) = self.0.try_send(line) {
            LOST.fetch_add(1, Ordering::Relaxed);
        }
    }
}

fn deliver(lines: &Receiver<Line>) {
    for line in lines {
        // Called without the lock: it may wait for a thread that sets another sink.
        let sink = SINK.lock().clone();
        let Some(sink) = sink else { continue };
        let lost = LOST.swap(0, Ordering::Relaxed);
        if lost > 0 {
            let sentence = format!("{lost} records were lost: the sink is too slow");
            sink.take(LogLevel::Warn, "dmagent".to_owned(), sentence);
        }
        sink.take(line.level, line.target.to_owned(), line.text);
    }
}

/// Sends the log of this library, up to `most`, to `sink`, or without one to nobody. False when the log of this process
/// belongs to somebody else.
#[uniffi::export]
pub fn set_log(most: LogLevel, sink: Option<Box<dyn LogSink>>) -> bool {
    static INSTALLED: OnceLock<bool> = OnceLock::new();
    let installed = *INSTALLED.get_or_init(|| {
        let (sender, lines) = sync_channel(WAITING);
        let courier = std::thread::Builder::new().name("dmagent-reporter".to_owned());
        courier.spawn(move || deliver(&lines)).is_ok() && log_to(Bridge(sender))
    });
    if !installed {
        return false;
    }
    WANTED.store(if sink.is_some() { most as usize + 1 } else { 0 }, Ordering::Relaxed);
    let former = std::mem::replace(&mut *SINK.lock(), sink.map(Arc::from));
    // Dropped without the lock: its end is the host's code.
    drop(former);
    true
}

/// Whether an object of yours takes the log. Where none does, a policy or a listener that fails is told of elsewhere.
#[uniffi::export]
pub fn log_is_taken() -> bool {
    WANTED.load(Ordering::Relaxed) > 0
}
