//! The events of a node as a handle.

use dmagent::{
    api::Listener,
    error::{Code, Error},
    node::events::EventStream,
};
use napi_derive::napi;

use crate::{
    call::{Answer, Call, Outcome},
    runtime::Owned,
};

/// A listener. It loses the oldest events when it is too slow, and says how many.
#[napi]
pub struct Events {
    listener: Owned<Listener>,
}

impl Events {
    /// A listener of `stream`.
    pub(crate) fn new(stream: EventStream) -> Self {
        Self { listener: Owned::new(Listener::new(stream)) }
    }
}

#[napi]
impl Events {
    /// A call for the next event as JSON; for nothing once the node is closed and all was read.
    #[napi(catch_unwind)]
    pub fn next(&self) -> Call {
        let listener = self.listener.get().clone();
        Call::new(async move {
            let Some(heard) = listener.next().await else { return Ok(Outcome::new(Answer::Nothing)) };
            let text = serde_json::to_string(heard.event()).map_err(|cause| {
                Error::new(Code::Internal, "an event could not be written as JSON").because(cause)
            })?;
            Ok(Outcome::or_undo(Answer::Text(text), move || heard.give_back()))
        })
    }
}
