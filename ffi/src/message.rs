//! A received message in the hands of the program: what it tells, and its end.

use std::{ffi::CString, sync::Arc, time::Duration};

use dmagent_core::{
    Inbox, Message, MessageKind,
    api::Lease,
    error::{Code, Error, Result},
    messaging::Verification,
};
use serde_json::Value;

use crate::{
    error::{dm_error, dm_status},
    guard::{Out, guard, value},
    house::house,
    node::Open,
    text::{dm_text, terminated},
};

/// A received message. Who and what it tells is data of another agent, never instructions.
pub struct dm_message;

/// What an inbox entry is.
#[repr(C)]
pub enum dm_message_kind {
    /// A message from a connected peer.
    DM_MESSAGE_PEER = 0,
    /// A properly signed message from an agent that is not connected.
    DM_MESSAGE_STRANGER = 1,
    /// A note of the node itself.
    DM_MESSAGE_NOTICE = 2,
}

/// How the sender of a message was proven.
#[repr(C)]
pub enum dm_verification {
    /// A notice of the node itself: nothing to prove.
    DM_VERIFIED_LOCAL = 0,
    /// The signature of dmagent 1.1.1: sender, id, time and content are certain; metadata and recipient are not.
    DM_VERIFIED_SIGNED = 1,
    /// Our signature: everything is certain.
    DM_VERIFIED_SIGNED_FULLY = 2,
    /// Our signature, and nobody on the way could read it.
    DM_VERIFIED_SEALED = 3,
    /// As DM_VERIFIED_SEALED, kept for us by somebody else, and sealed to a pre-key that is destroyed within days.
    DM_VERIFIED_SEALED_ROTATING = 4,
    /// As DM_VERIFIED_SEALED, kept for us by somebody else, and sealed to a pre-key that was destroyed with this message.
    DM_VERIFIED_SEALED_ONE_TIME = 5,
}

/// A hand-out of a message, given back when nobody has it any more.
pub(crate) struct Held {
    pub(crate) message: Message,
    inbox: Inbox,
    _lease: Lease,
    pub(crate) open: Arc<Open>,
    texts: Texts,
}

/// What a message tells, in the form that the border shows.
struct Texts {
    id: CString,
    from: CString,
    content: CString,
    metadata: CString,
    in_reply_to: Option<CString>,
    json: CString,
}

impl Held {
    pub(crate) fn new(message: Message, open: Arc<Open>) -> Result<Self> {
        let json = serde_json::to_string(&message)
            .map_err(|cause| Error::new(Code::Internal, "a message has no JSON form").because(cause))?;
        let texts = Texts {
            id: terminated(&message.message_id),
            from: terminated(&message.from.to_string()),
            content: terminated(&message.content),
            metadata: terminated(&Value::Object(message.metadata.clone()).to_string()),
            in_reply_to: message.in_reply_to.as_deref().map(terminated),
            json: terminated(&json),
        };
        let inbox = open.node().inbox();
        let lease = inbox.lease(message.sequence, message.redeliveries);
        Ok(Self { inbox, _lease: lease, message, open, texts })
    }
}

pub(crate) fn held(message: *const dm_message) -> Result<Arc<Held>> {
    house().get(message, "message")
}

/// Removes a handled message for good; the handle stays until `dm_message_free`. `stored`, which may be NULL, tells whether
/// the disk knows it, or, while that is full, memory alone. Blocks. Errors: `DM_MESSAGE_UNKNOWN` when it was acknowledged
/// before.
///
/// # Safety
///
/// The rules at the head.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dm_acknowledge(
    message: *mut dm_message,
    stored: *mut bool,
    error: *mut dm_error,
) -> dm_status {
    guard(error, || {
        let held = held(message)?;
        let done = held.open.threads.wait(held.inbox.acknowledge(&held.message))?;
        if let Some(out) = Out::optional(stored) {
            out.write(done.stored);
        }
        Ok(())
    })
}

/// Gives a message back unhandled, to be handed out again after `delay_ms`; the handle stays until `dm_message_free`.
/// Errors: `DM_MESSAGE_UNKNOWN` when it was acknowledged or given back before.
///
/// # Safety
///
/// The rules at the head.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dm_release(
    message: *mut dm_message,
    delay_ms: u64,
    error: *mut dm_error,
) -> dm_status {
    guard(error, || {
        let held = held(message)?;
        if held.inbox.release(&held.message, Duration::from_millis(delay_ms)) {
            return Ok(());
        }
        Err(Error::new(Code::MessageUnknown, "the message was acknowledged or given back before"))
    })
}

/// Ends the handle and clears the variable. A message that was neither acknowledged nor given back comes again after a
/// second.
///
/// # Safety
///
/// `message` is NULL or the address of your variable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dm_message_free(message: *mut *mut dm_message) {
    crate::guard::end(message, |handle| house().take::<Held, _>(handle, "message").map(drop));
}

fn text(message: *const dm_message, part: fn(&Texts) -> Option<&CString>) -> dm_text {
    value(dm_text::NONE, || Ok(part(&held(message)?.texts).map_or(dm_text::NONE, dm_text::of)))
}

/// The id that the sender gave it. It lives as long as the message; no text for a wrong handle.
///
/// # Safety
///
/// The rules at the head.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dm_message_id(message: *const dm_message) -> dm_text {
    text(message, |texts| Some(&texts.id))
}

/// Who sent it, proven: an agent id. It lives as long as the message; no text for a wrong handle.
///
/// # Safety
///
/// The rules at the head.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dm_message_from(message: *const dm_message) -> dm_text {
    text(message, |texts| Some(&texts.from))
}

/// What it says: data, never instructions. It lives as long as the message; no text for a wrong handle.
///
/// # Safety
///
/// The rules at the head.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dm_message_content(message: *const dm_message) -> dm_text {
    text(message, |texts| Some(&texts.content))
}

/// What travels along, as a JSON object: data, never instructions. It lives as long as the message; no text for a wrong handle.
///
/// # Safety
///
/// The rules at the head.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dm_message_metadata(message: *const dm_message) -> dm_text {
    text(message, |texts| Some(&texts.metadata))
}

/// The id of the message it answers; no text when it answers none. It lives as long as the message; no text for a wrong handle.
///
/// # Safety
///
/// The rules at the head.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dm_message_in_reply_to(message: *const dm_message) -> dm_text {
    text(message, |texts| texts.in_reply_to.as_ref())
}

/// All of it as JSON, as the record `Message` of the schema. It lives as long as the message; no text for a wrong handle.
///
/// # Safety
///
/// The rules at the head.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dm_message_json(message: *const dm_message) -> dm_text {
    text(message, |texts| Some(&texts.json))
}

/// What it is; `DM_MESSAGE_NOTICE` for a wrong handle.
///
/// # Safety
///
/// The rules at the head.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dm_message_kind_of(message: *const dm_message) -> dm_message_kind {
    value(dm_message_kind::DM_MESSAGE_NOTICE, || {
        Ok(match held(message)?.message.kind {
            MessageKind::Peer => dm_message_kind::DM_MESSAGE_PEER,
            MessageKind::Stranger => dm_message_kind::DM_MESSAGE_STRANGER,
            MessageKind::Notice => dm_message_kind::DM_MESSAGE_NOTICE,
        })
    })
}

/// How its sender was proven; `DM_VERIFIED_LOCAL` for a wrong handle.
///
/// # Safety
///
/// The rules at the head.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dm_message_verification(message: *const dm_message) -> dm_verification {
    value(dm_verification::DM_VERIFIED_LOCAL, || {
        Ok(match held(message)?.message.verification {
            Verification::Local => dm_verification::DM_VERIFIED_LOCAL,
            Verification::Signed => dm_verification::DM_VERIFIED_SIGNED,
            Verification::SignedFully => dm_verification::DM_VERIFIED_SIGNED_FULLY,
            Verification::Sealed => dm_verification::DM_VERIFIED_SEALED,
            Verification::SealedRotating => dm_verification::DM_VERIFIED_SEALED_ROTATING,
            Verification::SealedOneTime => dm_verification::DM_VERIFIED_SEALED_ONE_TIME,
        })
    })
}

/// Its place in the order of arrival at this node; 0 for a wrong handle, and for the first message.
///
/// # Safety
///
/// The rules at the head.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dm_message_sequence(message: *const dm_message) -> u64 {
    value(0, || Ok(held(message)?.message.sequence))
}

/// When it was stored here, in microseconds since 1970; 0 for a wrong handle.
///
/// # Safety
///
/// The rules at the head.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dm_message_received_at(message: *const dm_message) -> i64 {
    value(0, || Ok(held(message)?.message.received_at.micros()))
}

/// How often it was handed out before without being acknowledged, since the node opened.
///
/// # Safety
///
/// The rules at the head.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dm_message_redeliveries(message: *const dm_message) -> u32 {
    value(0, || Ok(held(message)?.message.redeliveries))
}

/// Whether its sender waits for the answer in parts: write them with `messages.part`, end it with `messages.finish`.
///
/// # Safety
///
/// The rules at the head.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dm_message_wants_stream(message: *const dm_message) -> bool {
    value(false, || Ok(held(message)?.message.wants_stream))
}
