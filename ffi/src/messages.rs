//! Messages on their way: sent, asked, received, answered.

use std::{sync::Arc, time::Duration};

use dmagent_core::{
    DeliveryState, Filter, NextArgs, Receipt, SendArgs,
    api::AskArgs,
    error::{Code, Error, Result},
};
use serde_json::{Map, Value};

use crate::{
    error::{dm_error, dm_status},
    guard::{Out, guard},
    house::house,
    message::{Held, dm_message, held},
    node::{dm_node, opened},
    peers::agent,
    text::{dm_string, dm_text},
};

/// How far a message got: the least of its copies.
#[repr(C)]
pub enum dm_delivery_state {
    /// It cannot be delivered; the receipt says why.
    DM_DELIVERY_FAILED = 0,
    /// It is on our disk, and will be sent when the peer can be reached.
    DM_DELIVERY_STORED = 1,
    /// It is on the peer's disk.
    DM_DELIVERY_ACCEPTED = 2,
    /// It is in the hands of the agent over there.
    DM_DELIVERY_DELIVERED = 3,
    /// The agent over there acknowledged it.
    DM_DELIVERY_HANDLED = 4,
    /// The agent over there answered.
    DM_DELIVERY_ANSWERED = 5,
    /// The peer does not take it; the receipt has its words.
    DM_DELIVERY_REFUSED = 6,
    /// It waited for the peer as long as it was allowed to.
    DM_DELIVERY_EXPIRED = 7,
}

/// The longest wait that a verb takes.
const YEAR: Duration = Duration::from_secs(31_536_000);

/// A span that the program wrote in milliseconds; none for a negative one.
///
/// Whoever waits for longer than a year waits as long as it takes.
pub(crate) fn span(milliseconds: i64) -> Option<Duration> {
    u64::try_from(milliseconds).ok().map(Duration::from_millis).filter(|span| *span <= YEAR)
}

fn state(receipt: &Receipt) -> dm_delivery_state {
    match receipt.state {
        DeliveryState::Accepted => dm_delivery_state::DM_DELIVERY_ACCEPTED,
        DeliveryState::Stored => dm_delivery_state::DM_DELIVERY_STORED,
        DeliveryState::Failed => dm_delivery_state::DM_DELIVERY_FAILED,
        DeliveryState::Delivered => dm_delivery_state::DM_DELIVERY_DELIVERED,
        DeliveryState::Handled => dm_delivery_state::DM_DELIVERY_HANDLED,
        DeliveryState::Answered => dm_delivery_state::DM_DELIVERY_ANSWERED,
        DeliveryState::Refused => dm_delivery_state::DM_DELIVERY_REFUSED,
        DeliveryState::Expired => dm_delivery_state::DM_DELIVERY_EXPIRED,
    }
}

/// Writes the receipt to whoever wants it.
fn told(receipt: &Receipt, short: *mut dm_delivery_state, long: *mut dm_string) -> Result<()> {
    let json = serde_json::to_string(receipt)
        .map_err(|cause| Error::new(Code::Internal, "a receipt has no JSON form").because(cause))?;
    if let Some(out) = Out::optional(short) {
        out.write(state(receipt));
    }
    if let Some(out) = Out::optional(long) {
        out.write(dm_string::new(json));
    }
    Ok(())
}

/// The members that `options` may hold beside the typed arguments.
fn arguments<T: serde::de::DeserializeOwned>(options: dm_text, fixed: &[(&str, Value)]) -> Result<T> {
    let invalid = |sentence: String| Error::new(Code::InvalidArgument, sentence).with("argument", "options");
    let mut members = match options.optional("options")? {
        None => Map::new(),
        Some(text) => serde_json::from_str::<Map<String, Value>>(&text)
            .map_err(|cause| invalid(format!("options must be a JSON object: {cause}")))?,
    };
    for (name, value) in fixed {
        if members.insert((*name).to_owned(), value.clone()).is_some() {
            return Err(invalid(format!("options must not hold `{name}`: it is an argument of its own")));
        }
    }
    serde_json::from_value(Value::Object(members)).map_err(|cause| invalid(format!("options: {cause}")))
}

/// Sends a message to a connected or pending peer. `options` is a JSON object with more members of the verb
/// `messages.send` (such as `metadata`, `in_reply_to`, `expires_in_secs`, `timeout_secs`), or no text. `delivered` tells how
/// far it got, `receipt` the same in full as JSON, to be ended with `dm_string_free`; either may be NULL.
///
/// Blocks until the first attempt ended, or `timeout_secs` (10). Errors: `DM_PEER_NOT_CONNECTED`, `DM_INVALID_ARGUMENT`,
/// `DM_QUEUE_FULL`, those of the disk.
///
/// # Safety
///
/// The rules at the head.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dm_send(
    node: *mut dm_node,
    to: dm_text,
    content: dm_text,
    options: dm_text,
    delivered: *mut dm_delivery_state,
    receipt: *mut dm_string,
    error: *mut dm_error,
) -> dm_status {
    guard(error, || {
        let open = opened(node)?;
        let fixed =
            [("to", agent(to, "to")?.to_string().into()), ("content", content.required("content")?.into())];
        let arguments: SendArgs = arguments(options, &fixed)?;
        let sent = open.wait(async { open.node().messages().send(arguments).await })?;
        told(&sent, delivered, receipt)
    })
}

/// Sends a message and waits for the answer to it: a `dm_message` like that of `dm_receive`. A negative timeout waits as
/// long as it takes.
///
/// Blocks. Errors: those of `dm_send`, and `DM_TIMEOUT`: the message is sent or waits all the same, and a late answer comes
/// with `dm_receive`.
///
/// # Safety
///
/// The rules at the head.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dm_ask(
    node: *mut dm_node,
    to: dm_text,
    content: dm_text,
    options: dm_text,
    timeout_ms: i64,
    answer: *mut *mut dm_message,
    error: *mut dm_error,
) -> dm_status {
    guard(error, || {
        let open = opened(node)?;
        let out = Out::required("answer", answer)?;
        let timeout = span(timeout_ms).map_or(Value::Null, |span| span.as_secs_f64().into());
        let fixed = [
            ("to", agent(to, "to")?.to_string().into()),
            ("content", content.required("content")?.into()),
            ("timeout_secs", timeout),
        ];
        let arguments: AskArgs = arguments(options, &fixed)?;
        let message = open.wait(async { open.node().messages().ask(arguments).await })?;
        out.write(house().keep(Arc::new(Held::new(message, open)?)));
        Ok(())
    })
}

/// Waits for the next message. `filter` is a JSON object with members of the verb `messages.next` (`from`, `in_reply_to`,
/// `kinds`), or no text for any. A negative timeout waits as long as it takes, 0 not at all. When none comes in time the
/// call succeeds and `*message` is NULL.
///
/// The message is durable and comes at least once: end it with `dm_acknowledge` when it is handled. One that is freed
/// without, comes again after a pause (a second, twice as long each time, five minutes at most); one that dies with the
/// process comes again after the next start.
///
/// Blocks. Errors: `DM_CLOSED` when the node is closed meanwhile.
///
/// # Safety
///
/// The rules at the head.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dm_receive(
    node: *mut dm_node,
    filter: dm_text,
    timeout_ms: i64,
    message: *mut *mut dm_message,
    error: *mut dm_error,
) -> dm_status {
    guard(error, || {
        let open = opened(node)?;
        let out = Out::required("message", message)?;
        let wanted: NextArgs = arguments(filter, &[("timeout_secs", Value::Null)])?;
        let filter = Filter { from: wanted.from, in_reply_to: wanted.in_reply_to, kinds: wanted.kinds };
        let inbox = open.node().inbox().filtered(filter);
        let patience = span(timeout_ms);
        let found = open.wait(async {
            match patience {
                Some(patience) => inbox.next_within(patience).await,
                None => inbox.next().await.map(Some),
            }
        })?;
        out.write(match found {
            Some(message) => house().keep(Arc::new(Held::new(message, open)?)),
            None => std::ptr::null_mut(),
        });
        Ok(())
    })
}

/// Answers a message. `options`, `delivered`, `receipt` and errors as in `dm_send`.
///
/// # Safety
///
/// The rules at the head.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dm_reply(
    message: *mut dm_message,
    content: dm_text,
    options: dm_text,
    delivered: *mut dm_delivery_state,
    receipt: *mut dm_string,
    error: *mut dm_error,
) -> dm_status {
    guard(error, || {
        let held = held(message)?;
        let fixed = [
            ("to", held.message.from.to_string().into()),
            ("content", content.required("content")?.into()),
            ("in_reply_to", held.message.message_id.clone().into()),
        ];
        let arguments: SendArgs = arguments(options, &fixed)?;
        let sent = held.open.wait(async { held.open.node().messages().send(arguments).await })?;
        told(&sent, delivered, receipt)
    })
}
