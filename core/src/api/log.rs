//! The log of this library for a host that is not written in Rust: records in its own hands, nothing of other crates.
//!
//! A Rust program needs none of this: it subscribes to `tracing` as always.

use std::fmt::{Debug, Write as _};

use tracing::{
    Event, Level, Metadata, Subscriber,
    field::{Field, Visit},
    span,
    subscriber::Interest,
};

/// A line of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogRecord {
    /// How bad it is.
    pub level: Level,
    /// The part of the library that speaks, such as `dmagent::node::inbound`.
    pub target: &'static str,
    /// The source file.
    pub file: &'static str,
    /// The line there, or 0.
    pub line: u32,
    /// The sentence and its facts.
    pub text: String,
}

/// Who takes the log. It is called by whatever thread has something to say, inside the library: it must be quick, and
/// must not call the library.
pub trait LogSink: Send + Sync + 'static {
    /// Whether records of this level are wanted now. Asked before a record is made.
    fn wants(&self, level: Level) -> bool;
    /// Takes a record.
    fn take(&self, record: LogRecord);
}

/// Sends the log of this library to `sink` from now on, for the life of the process. False when the process has
/// somebody for the log already.
pub fn log_to(sink: impl LogSink) -> bool {
    tracing::subscriber::set_global_default(Bridge(sink)).is_ok()
}

struct Bridge<S>(S);

impl<S: LogSink> Subscriber for Bridge<S> {
    fn register_callsite(&self, metadata: &'static Metadata<'static>) -> Interest {
        if is_ours(metadata) { Interest::sometimes() } else { Interest::never() }
    }

    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        is_ours(metadata) && self.0.wants(*metadata.level())
    }

    fn event(&self, event: &Event<'_>) {
        let mut text = Text::default();
        event.record(&mut text);
        let metadata = event.metadata();
        self.0.take(LogRecord {
            level: *metadata.level(),
            target: metadata.target(),
            file: metadata.file().unwrap_or("dmagent"),
            line: metadata.line().unwrap_or(0),
            text: text.message + &text.fields,
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

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use parking_lot::Mutex;

    use super::*;

    #[derive(Clone, Default)]
    struct Kept(Arc<Mutex<Vec<LogRecord>>>);

    impl LogSink for Kept {
        fn wants(&self, level: Level) -> bool {
            level <= Level::INFO
        }

        fn take(&self, record: LogRecord) {
            self.0.lock().push(record);
        }
    }

    #[test]
    fn a_sink_gets_wanted_records_of_this_library_alone() {
        let kept = Kept::default();
        tracing::subscriber::with_default(Bridge(kept.clone()), || {
            tracing::info!(peer = 7, "it happened");
            tracing::debug!("not wanted");
            tracing::error!(target: "hyper", "not ours");
        });
        let records = kept.0.lock();
        let [record] = records.as_slice() else { panic!("{records:?}") };
        assert_eq!((record.level, record.text.as_str()), (Level::INFO, "it happened peer=7"));
        assert!(record.target.starts_with("dmagent::") && record.line > 0);
    }
}
