//! The library's log in a JavaScript function. There is one for the process, whichever thread set it last.

use std::sync::{
    OnceLock,
    atomic::{AtomicUsize, Ordering},
};

use dmagent::api::{LogRecord, LogSink, log_to};
use napi::{
    Result, Status,
    bindgen_prelude::{FnArgs, Function},
    threadsafe_function::{ThreadsafeFunction, ThreadsafeFunctionCallMode},
};
use napi_derive::napi;
use parking_lot::Mutex;
use tracing::Level;

/// Records that may wait for the handler; a flood loses records rather than memory.
const WAITING: usize = 1024;
/// How bad something is, from the least to the most that can be wanted.
const LEVELS: [(&str, Level); 5] = [
    ("error", Level::ERROR),
    ("warn", Level::WARN),
    ("info", Level::INFO),
    ("debug", Level::DEBUG),
    ("trace", Level::TRACE),
];

/// Level, part of the library, text.
pub type Line = FnArgs<(String, String, String)>;
type Handler = ThreadsafeFunction<Line, (), Line, Status, false, true, WAITING>;

/// How many of [`LEVELS`] are wanted now; 0 when nobody listens.
static WANTED: AtomicUsize = AtomicUsize::new(0);
static LOST: AtomicUsize = AtomicUsize::new(0);
static HANDLER: Mutex<Option<Handler>> = Mutex::new(None);

struct Sink;

impl LogSink for Sink {
    fn wants(&self, level: Level) -> bool {
        let wanted = WANTED.load(Ordering::Relaxed);
        LEVELS[..wanted].iter().any(|(_, listed)| *listed == level)
    }

    fn take(&self, record: LogRecord) {
        let handler = HANDLER.lock();
        let Some(handler) = &*handler else { return };
        let lost = LOST.swap(0, Ordering::Relaxed);
        if lost > 0 {
            tell(
                handler,
                Level::WARN,
                "dmagent",
                format!("{lost} records were lost: the handler is too slow"),
            );
        }
        tell(handler, record.level, record.target, record.text);
    }
}

fn tell(handler: &Handler, level: Level, target: &str, text: String) {
    let name = LEVELS.iter().find(|(_, listed)| *listed == level).map_or("trace", |(name, _)| name);
    let line = (name.to_owned(), target.to_owned(), text).into();
    if handler.call(line, ThreadsafeFunctionCallMode::NonBlocking) == Status::QueueFull {
        LOST.fetch_add(1, Ordering::Relaxed);
    }
}

/// Sends the log of this library, up to the level named, to `handler(level, target, text)`, or without one to nobody.
/// False when the log of this process belongs to somebody else, or there is no such level.
#[napi(catch_unwind)]
pub fn set_log(most: String, handler: Option<Function<'_, Line, ()>>) -> Result<bool> {
    static INSTALLED: OnceLock<bool> = OnceLock::new();
    let Some(number) = LEVELS.iter().position(|(name, _)| *name == most) else { return Ok(false) };
    if !*INSTALLED.get_or_init(|| log_to(Sink)) {
        return Ok(false);
    }
    let handler = match handler {
        Some(handler) => Some(
            handler.build_threadsafe_function::<Line>().weak::<true>().max_queue_size::<WAITING>().build()?,
        ),
        None => None,
    };
    // One step: of several threads that come here, the same one has the last word with both.
    let mut current = HANDLER.lock();
    WANTED.store(if handler.is_some() { number + 1 } else { 0 }, Ordering::Relaxed);
    let former = std::mem::replace(&mut *current, handler);
    drop(current);
    // Dropped without the lock: its end may log.
    drop(former);
    Ok(true)
}
