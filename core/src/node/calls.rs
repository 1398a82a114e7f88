//! Verbs over the local API: one call, and what becomes of a message whose caller has hung up.

use std::{pin::Pin, sync::Arc, time::Duration};

use serde_json::{Value, json};

use super::{Node, inner::Inner};
use crate::{
    error::{Code, Error, Result},
    transport::Caller,
    wire::{
        Answer,
        limiter::{Limits, Loopback},
    },
};

/// Most calls that wait for a message at once.
const WAITING_CALLS: usize = 64;
/// When a call that found no place may come again.
const COME_AGAIN: Duration = Duration::from_secs(1);

/// A verb that runs.
pub(crate) type Running = Pin<Box<dyn Future<Output = Result<Value>> + Send>>;

/// The verbs, as the local API sees them. The facade passes them in, because they live to the right of this room.
#[derive(Clone, Copy)]
pub(crate) struct LocalVerbs {
    /// Runs a verb.
    pub(crate) call: fn(Node, String, Value) -> Running,
    /// Whether a verb waits for a message and hands it to its caller.
    pub(crate) hands_out: fn(&str) -> bool,
}

/// How many calls may wait at once. Each holds a connection, and half of those that this machine may have are for
/// other requests, those of peers among them.
pub(crate) fn places(limits: &Limits) -> usize {
    match limits.connections_per_source {
        Some(most) if limits.loopback == Loopback::Limited => {
            WAITING_CALLS.min(most.get() as usize / 2).max(1)
        }
        _ => WAITING_CALLS,
    }
}

impl Inner {
    /// Runs a verb for `caller`. One that waits for a message ends when the caller has hung up, and a message that the
    /// caller did not get goes back: it would be leased to nobody.
    pub(crate) async fn call_for(
        self: &Arc<Self>,
        caller: &Caller,
        verb: String,
        arguments: Value,
    ) -> Result<Answer> {
        let hands_out = (self.verbs.hands_out)(&verb);
        let call = (self.verbs.call)(Node::from_inner(Arc::clone(self)), verb, arguments);
        if !hands_out {
            return Ok(Answer::ok(json!({"result": call.await?})));
        }
        let Ok(_place) = self.waiting_calls.try_acquire() else {
            let sentence = "too many calls wait for a message; wait with fewer, or answer those that do";
            return Ok(Answer::refuse(429, Code::RateLimited, sentence).retry_after(COME_AGAIN));
        };
        let result = tokio::select! {
            biased;
            () = caller.gone() => return Err(Error::new(Code::Closed, "the caller has hung up")),
            result = call => result?,
        };
        if let Some((sequence, redeliveries)) = handed_out(&result) {
            let inner = Arc::clone(self);
            caller.or_undo(move || {
                // False when the message is over meanwhile, or was given back by its number.
                let _released = inner.release(sequence, Some(redeliveries), Duration::ZERO);
            });
        }
        Ok(Answer::ok(json!({"result": result})))
    }
}

/// The number of a message, and of this hand-out of it.
fn handed_out(result: &Value) -> Option<(u64, u32)> {
    let redeliveries = u32::try_from(result.get("redeliveries")?.as_u64()?).ok()?;
    Some((result.get("sequence")?.as_u64()?, redeliveries))
}
