//! Rust's log in Python's `logging`, under the logger `dmagent`.
//!
//! A record is formatted by the thread that logs and handed to a courier; no thread of the runtime takes the
//! interpreter lock. Whether a level is wanted is one atomic number, read again from Python at calls, at most ten
//! times a second. A flood loses records rather than memory.

use std::{
    fmt::{Debug, Write as _},
    sync::{
        OnceLock,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::Instant,
};

use pyo3::{prelude::*, sync::PyOnceLock};
use tracing::{
    Event, Level, Metadata, Subscriber,
    field::{Field, Visit},
    span,
    subscriber::Interest,
};

use crate::runtime;

/// Records that may wait for Python.
const QUEUE: usize = 2048;
/// How long a level is taken as it was, in milliseconds.
const FRESH: u64 = 100;

/// The lowest level that the logger takes, in Python's numbers.
static THRESHOLD: AtomicUsize = AtomicUsize::new(30);
static WAITING: AtomicUsize = AtomicUsize::new(0);
static LOST: AtomicUsize = AtomicUsize::new(0);

/// Sends records to Python from now on.
pub(crate) fn install(py: Python<'_>) {
    // It is there already when a forked child starts its own threads.
    let _already = tracing::subscriber::set_global_default(Bridge);
    read_level(py);
}

/// Reads the level of the Python logger if that was long ago.
pub(crate) fn refresh(py: Python<'_>) {
    static START: OnceLock<Instant> = OnceLock::new();
    static LAST: AtomicU64 = AtomicU64::new(0);
    let now = u64::try_from(START.get_or_init(Instant::now).elapsed().as_millis()).unwrap_or(u64::MAX);
    if now.saturating_sub(LAST.load(Ordering::Relaxed)) >= FRESH {
        LAST.store(now, Ordering::Relaxed);
        read_level(py);
    }
}

fn read_level(py: Python<'_>) {
    static LOGGER: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    let level = || -> PyResult<usize> {
        let logger = LOGGER.get_or_try_init(py, || {
            py.import("logging")?.call_method1("getLogger", ("dmagent",)).map(Bound::unbind)
        })?;
        let logger = logger.bind(py);
        // A level that is switched off for all loggers counts as well.
        let disabled: usize = logger.getattr("manager")?.getattr("disable")?.extract()?;
        let own: usize = logger.call_method0("getEffectiveLevel")?.extract()?;
        Ok(own.max(disabled + 1))
    };
    if let Ok(level) = level() {
        THRESHOLD.store(level, Ordering::Relaxed);
    }
}

struct Bridge;

impl Subscriber for Bridge {
    fn register_callsite(&self, metadata: &'static Metadata<'static>) -> Interest {
        if is_ours(metadata) { Interest::sometimes() } else { Interest::never() }
    }

    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        is_ours(metadata) && number(*metadata.level()) >= THRESHOLD.load(Ordering::Relaxed)
    }

    fn event(&self, event: &Event<'_>) {
        let Some(house) = runtime::standing() else { return };
        if WAITING.fetch_add(1, Ordering::Relaxed) >= QUEUE {
            WAITING.fetch_sub(1, Ordering::Relaxed);
            LOST.fetch_add(1, Ordering::Relaxed);
            return;
        }
        let mut text = Text::default();
        event.record(&mut text);
        let metadata = event.metadata();
        let record = Record {
            logger: metadata.target().replace("::", "."),
            level: number(*metadata.level()),
            file: metadata.file().unwrap_or("dmagent"),
            line: metadata.line().unwrap_or(0),
            text: text.message + &text.fields,
        };
        house.reporter.post(move |py| {
            WAITING.fetch_sub(1, Ordering::Relaxed);
            let lost = LOST.swap(0, Ordering::Relaxed);
            if lost > 0 {
                let text = format!("{lost} records were lost: the handlers are too slow");
                let told = Record { logger: "dmagent".to_owned(), level: 30, file: "dmagent", line: 0, text };
                told.hand_over(py);
            }
            record.hand_over(py);
        });
    }

    // Spans are not carried over.
    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}

    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}

    fn enter(&self, _: &span::Id) {}

    fn exit(&self, _: &span::Id) {}
}

/// Events of this library; those of others would tell hosts more than they asked for.
fn is_ours(metadata: &Metadata<'_>) -> bool {
    metadata.is_event() && (metadata.target() == "dmagent" || metadata.target().starts_with("dmagent::"))
}

/// Python's number of a level; 5 is below its lowest name.
fn number(level: Level) -> usize {
    match level {
        Level::ERROR => 40,
        Level::WARN => 30,
        Level::INFO => 20,
        Level::DEBUG => 10,
        _ => 5,
    }
}

#[derive(Default)]
struct Text {
    message: String,
    fields: String,
}

impl Visit for Text {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        // Writing to a string cannot fail.
        let _ = match field.name() {
            "message" => write!(self.message, "{value:?}"),
            name => write!(self.fields, " {name}={value:?}"),
        };
    }
}

struct Record {
    logger: String,
    level: usize,
    file: &'static str,
    line: u32,
    text: String,
}

impl Record {
    fn hand_over(self, py: Python<'_>) {
        let hand_over = || -> PyResult<()> {
            let logger = py.import("logging")?.call_method1("getLogger", (&self.logger,))?;
            if logger.call_method1("isEnabledFor", (self.level,))?.extract()? {
                let nothing = py.None();
                let arguments = (self.logger, self.level, self.file, self.line, self.text, (), nothing);
                let record = logger.call_method1("makeRecord", arguments)?;
                logger.call_method1("handle", (record,))?;
            }
            Ok(())
        };
        if let Err(failure) = hand_over() {
            failure.write_unraisable(py, None);
        }
    }
}
