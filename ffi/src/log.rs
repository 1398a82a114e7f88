//! The library's log in a handler of the program.

use std::{
    ffi::c_void,
    sync::{
        OnceLock,
        atomic::{AtomicI32, AtomicUsize, Ordering},
        mpsc::{SyncSender, TrySendError, sync_channel},
    },
};

use dmagent_core::{
    api::{LogRecord, LogSink, log_to},
    error::{Code, Error},
};
use tracing::Level;

use crate::{
    courier::{Context, Courier, dm_drop},
    error::{dm_error, dm_status},
    guard::guard,
    house::house,
    text::{dm_text, terminated},
};

/// Records that may wait for the handler; a flood loses records rather than memory.
const WAITING: usize = 1024;

/// How bad something is that is logged.
#[repr(C)]
#[derive(Clone, Copy)]
pub enum dm_log_level {
    /// Something failed.
    DM_LOG_ERROR = 1,
    /// Something may need attention.
    DM_LOG_WARN = 2,
    /// Something happened.
    DM_LOG_INFO = 3,
    /// For those who look into the library.
    DM_LOG_DEBUG = 4,
    /// Everything.
    DM_LOG_TRACE = 5,
}

/// Told a line of the log, and which part of the library speaks.
pub type dm_log_handler =
    Option<unsafe extern "C" fn(context: *mut c_void, level: dm_log_level, target: dm_text, text: dm_text)>;

/// What the thread of a handler is told.
enum Note {
    Record(LogRecord),
    /// Look whether you are still wanted.
    Look,
}

/// The handler of a process; a forked child has none of its parent's.
pub(crate) struct Listener {
    notes: SyncSender<Note>,
    courier: Courier,
}

/// The most that is wanted now, in the numbers of `dm_log_level`; 0 for nothing.
static WANTED: AtomicI32 = AtomicI32::new(0);
static LOST: AtomicUsize = AtomicUsize::new(0);

struct Sink;

impl LogSink for Sink {
    fn wants(&self, level: Level) -> bool {
        number(level) as i32 <= WANTED.load(Ordering::Relaxed)
    }

    fn take(&self, record: LogRecord) {
        // Who sets the handler at this moment may log as well.
        let Some(listener) = house().log.try_lock() else {
            LOST.fetch_add(1, Ordering::Relaxed);
            return;
        };
        if let Some(listener) = &*listener
            && let Err(TrySendError::Full(_)) = listener.notes.try_send(Note::Record(record))
        {
            LOST.fetch_add(1, Ordering::Relaxed);
        }
    }
}

fn number(level: Level) -> dm_log_level {
    match level {
        Level::ERROR => dm_log_level::DM_LOG_ERROR,
        Level::WARN => dm_log_level::DM_LOG_WARN,
        Level::INFO => dm_log_level::DM_LOG_INFO,
        Level::DEBUG => dm_log_level::DM_LOG_DEBUG,
        Level::TRACE => dm_log_level::DM_LOG_TRACE,
    }
}

/// Sends the log of this library to `handler`, as far as `most` (1 for errors only, to 5 for everything), or with a NULL
/// handler to nobody; see Callbacks at the head. There is one handler in a process: a new one replaces the former, whose
/// context is dropped when this returns, unless it is called from within that handler. A handler that is too slow loses
/// records, and is told how many.
///
/// Errors: `DM_INVALID_ARGUMENT` when the program has another Rust library that took the log of the process.
///
/// # Safety
///
/// The rules at the head. `handler` and `drop` may be called with `context` from a thread of ours.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dm_log_set(
    most: i32,
    handler: dm_log_handler,
    context: *mut c_void,
    drop: dm_drop,
    error: *mut dm_error,
) -> dm_status {
    // First of all, so that it is dropped whatever fails.
    let context = Context::new(context, drop);
    guard(error, || {
        static INSTALLED: OnceLock<bool> = OnceLock::new();
        if !(1..=5).contains(&most) && handler.is_some() {
            let sentence = "most must be 1 (errors) to 5 (everything)";
            return Err(Error::new(Code::InvalidArgument, sentence).with("argument", "most"));
        }
        if !*INSTALLED.get_or_init(|| log_to(Sink)) {
            return Err(Error::new(
                Code::InvalidArgument,
                "the log of this process belongs to somebody else",
            ));
        }
        let listener = handler.map(|handler| listener(handler, context)).transpose()?;
        WANTED.store(if listener.is_some() { most } else { 0 }, Ordering::Relaxed);
        let former = std::mem::replace(&mut *house().log.lock(), listener);
        if let Some(former) = former {
            former.courier.stop();
            // A full queue wakes it as well.
            let _told = former.notes.try_send(Note::Look);
            former.courier.join();
        }
        Ok(())
    })
}

fn listener(
    handler: unsafe extern "C" fn(*mut c_void, dm_log_level, dm_text, dm_text),
    context: Context,
) -> Result<Listener, Error> {
    let (notes, told) = sync_channel(WAITING);
    let courier = Courier::start("dmagent-log", move |stopped| {
        let context = context;
        let tell = |level, target: &str, text: &str| {
            let (target, text) = (terminated(target), terminated(text));
            // SAFETY: the program gave this function for this context; nobody else calls it.
            unsafe { handler(context.pointer(), level, dm_text::of(&target), dm_text::of(&text)) };
        };
        while !stopped.load(Ordering::Acquire) {
            let record = match told.recv() {
                Ok(Note::Record(record)) => record,
                Ok(Note::Look) => continue,
                Err(_) => break,
            };
            let lost = LOST.swap(0, Ordering::Relaxed);
            if lost > 0 {
                let text = format!("{lost} records were lost: the handler is too slow");
                tell(dm_log_level::DM_LOG_WARN, "dmagent", &text);
            }
            tell(number(record.level), record.target, &record.text);
        }
    })?;
    Ok(Listener { notes, courier })
}
