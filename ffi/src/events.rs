//! Everything that happens, pulled by the program or pushed to it.

use std::{
    ffi::c_void,
    sync::{Arc, atomic::Ordering},
};

use dmagent_core::{
    error::{Code, Error, Result},
    node::events::{EventStream, Observed},
};
use tokio::sync::Notify;

use crate::{
    courier::{Context, Courier, dm_drop},
    error::{dm_error, dm_status},
    guard::{Out, end, guard},
    house::{Threads, house},
    messages::span,
    node::{dm_node, opened},
    text::{dm_string, dm_text, terminated},
};

/// A listener that is asked for events.
pub struct dm_events;

/// A handler that is told events.
pub struct dm_subscription;

/// Told an event, as JSON text.
pub type dm_event_handler = Option<unsafe extern "C" fn(context: *mut c_void, event: dm_text)>;

struct Pulled {
    stream: tokio::sync::Mutex<EventStream>,
    threads: Arc<Threads>,
}

struct Pushed {
    courier: Courier,
    ended: Arc<Notify>,
}

impl Drop for Pushed {
    fn drop(&mut self) {
        self.courier.stop();
        self.ended.notify_one();
        self.courier.join();
    }
}

fn json(observed: &Observed) -> Result<String> {
    serde_json::to_string(observed)
        .map_err(|cause| Error::new(Code::Internal, "an event has no JSON form").because(cause))
}

/// Listens to everything that happens at a node from now on: the events of the schema, under `event`. A listener that is
/// too slow loses the oldest, and is told how many as `{"missed": 3}`. End it with `dm_events_free`.
///
/// # Safety
///
/// The rules at the head.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dm_events_open(
    node: *mut dm_node,
    events: *mut *mut dm_events,
    error: *mut dm_error,
) -> dm_status {
    guard(error, || {
        let open = opened(node)?;
        let out = Out::required("events", events)?;
        let stream = tokio::sync::Mutex::new(open.node().events());
        out.write(house().keep(Arc::new(Pulled { stream, threads: Arc::clone(&open.threads) })));
        Ok(())
    })
}

/// Waits for the next event: JSON text, to be ended with `dm_string_free`. A negative timeout waits as long as it takes, 0
/// not at all. When none comes in time the call succeeds and `event->data` is NULL.
///
/// Blocks. Errors: `DM_CLOSED` once the node is closed and everything was read.
///
/// # Safety
///
/// The rules at the head.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dm_events_next(
    events: *mut dm_events,
    timeout_ms: i64,
    event: *mut dm_string,
    error: *mut dm_error,
) -> dm_status {
    guard(error, || {
        let pulled: Arc<Pulled> = house().get(events, "events")?;
        let out = Out::required("event", event)?;
        let next = async { pulled.stream.lock().await.next().await };
        let patience = span(timeout_ms);
        let found = pulled.threads.wait(async {
            Ok(match patience {
                Some(patience) => tokio::time::timeout(patience, next).await,
                None => Ok(next.await),
            })
        })?;
        match found {
            Err(_elapsed) => out.write(dm_string { data: std::ptr::null_mut(), len: 0 }),
            Ok(Some(observed)) => out.write(dm_string::new(json(&observed)?)),
            Ok(None) => return Err(Error::new(Code::Closed, "the node is closed and all events were read")),
        }
        Ok(())
    })
}

/// Ends the handle and clears the variable.
///
/// # Safety
///
/// `events` is NULL or the address of your variable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dm_events_free(events: *mut *mut dm_events) {
    end(events, |handle| house().take::<Pulled, _>(handle, "events").map(drop));
}

/// Tells `handler` everything that happens at a node from now on, as `dm_events_next` would; see Callbacks at the head. The
/// calls end with the node, after what happened before, or with `dm_subscription_free`. `drop` ends `context`, and may be NULL.
///
/// # Safety
///
/// The rules at the head. `handler` and `drop` may be called with `context` from a thread of ours.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dm_subscribe(
    node: *mut dm_node,
    handler: dm_event_handler,
    context: *mut c_void,
    drop: dm_drop,
    subscription: *mut *mut dm_subscription,
    error: *mut dm_error,
) -> dm_status {
    // First of all, so that it is dropped whatever fails.
    let context = Context::new(context, drop);
    guard(error, || {
        let open = opened(node)?;
        let out = Out::required("subscription", subscription)?;
        let handler = handler.ok_or_else(|| {
            Error::new(Code::InvalidArgument, "handler must not be NULL").with("argument", "handler")
        })?;
        let mut stream = open.node().events();
        let threads = Arc::clone(&open.threads);
        let ended = Arc::new(Notify::new());
        let end = Arc::clone(&ended);
        let courier = Courier::start("dmagent-events", move |stopped| {
            let context = context;
            while !stopped.load(Ordering::Acquire) {
                let next = threads.wait(async {
                    tokio::select! {
                        observed = stream.next() => Ok(observed),
                        () = end.notified() => Ok(None),
                    }
                });
                let Ok(Some(text)) = next.and_then(|observed| observed.as_ref().map(json).transpose()) else {
                    break;
                };
                let text = terminated(&text);
                // SAFETY: the program gave this function for this context; nobody else calls it.
                unsafe { handler(context.pointer(), dm_text::of(&text)) };
            }
        })?;
        out.write(house().keep(Arc::new(Pushed { courier, ended })));
        Ok(())
    })
}

/// Ends the calls of a subscription, and clears the variable. No call is under way when this returns, unless it is called
/// from within one.
///
/// # Safety
///
/// `subscription` is NULL or the address of your variable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dm_subscription_free(subscription: *mut *mut dm_subscription) {
    end(subscription, |handle| house().take::<Pushed, _>(handle, "subscription").map(drop));
}
