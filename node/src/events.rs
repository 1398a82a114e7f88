//! The events of a node as a handle.

use std::{collections::VecDeque, sync::Arc};

use dmagent::{
    error::{Code, Error},
    node::events::EventStream,
};
use napi_derive::napi;
use parking_lot::Mutex;

use crate::{
    call::{Answer, Call, Outcome},
    runtime::Owned,
};

/// A listener. It loses the oldest events when it is too slow, and says how many.
#[napi]
pub struct Events {
    listener: Owned<Arc<Listener>>,
}

struct Listener {
    stream: tokio::sync::Mutex<EventStream>,
    /// Events whose listener was cancelled before it got them.
    returned: Mutex<VecDeque<String>>,
}

impl Events {
    /// A listener of `stream`.
    pub(crate) fn new(stream: EventStream) -> Self {
        let stream = tokio::sync::Mutex::new(stream);
        Self { listener: Owned::new(Arc::new(Listener { stream, returned: Mutex::default() })) }
    }
}

#[napi]
impl Events {
    /// A call for the next event as JSON; for nothing once the node is closed and all was read.
    #[napi(catch_unwind)]
    pub fn next(&self) -> Call {
        let listener = Arc::clone(self.listener.get());
        Call::new(async move {
            let mut stream = listener.stream.lock().await;
            let returned = listener.returned.lock().pop_front();
            let text = match returned {
                Some(text) => text,
                None => match stream.next().await {
                    None => return Ok(Outcome::new(Answer::Nothing)),
                    Some(observed) => serde_json::to_string(&observed).map_err(|cause| {
                        Error::new(Code::Internal, "an event could not be written as JSON").because(cause)
                    })?,
                },
            };
            drop(stream);
            let kept = text.clone();
            Ok(Outcome::or_undo(Answer::Text(text), move || listener.returned.lock().push_front(kept)))
        })
    }
}
