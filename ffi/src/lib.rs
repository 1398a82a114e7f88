//! The whole node for C and everything that calls C.
//!
//! The rules of this header, once for all of it:
//!
//! Ownership. A handle (`dm_node`, `dm_message`, `dm_events`, `dm_subscription`) belongs to whoever got it and ends with
//! the function `..._free` of its type, which takes the address of your variable and clears it, so freeing twice does
//! nothing. A handle is a name, not an address: one that was freed, is of another type, or is no handle at all gets
//! `DM_INVALID_HANDLE` back and does no harm. A `dm_text` is only looked at: as an argument it is yours and is copied; as
//! a result it lives as long as the handle it came from; in a callback it lives until the callback returns. A `dm_string`
//! is yours: end it with `dm_string_free`. Text is UTF-8 and may hold NUL; every text we hand out has a NUL behind it.
//!
//! Results. What can fail returns a `dm_status`: `DM_OK`, or the number of an error. Results are written only on success.
//! The last argument, `dm_error *`, may be NULL; else it is overwritten at every call and tells what happened and what to
//! do. End it with `dm_error_clear` when the status was not `DM_OK`. A panic on our side is `DM_INTERNAL`, never more.
//!
//! Blocking. `dm_node_open`, `dm_node_close`, `dm_call`, `dm_connect`, `dm_send`, `dm_ask`, `dm_receive`, `dm_reply`,
//! `dm_acknowledge`, `dm_disconnect`, `dm_trust_set`, `dm_events_next` and what ends a handle that is called back wait for
//! the disk, a peer or another thread. All others return at once, but for the one that ends the last handle of the process:
//! it waits for our threads, two seconds at most. Closing or freeing a node ends every wait on it with `DM_CLOSED`; closed, a
//! `dm_send` whose message is kept already says so instead (`DM_DELIVERY_STORED`: the next node on this data folder sends it,
//! and an `ephemeral` one has none).
//!
//! Threads. Every function may be called from any thread, with the same handle as well, and from callbacks, but not from
//! a thread of an async Rust runtime (`DM_BLOCKING_IN_ASYNC`).
//!
//! Callbacks. A handler is a function, a context and a function that drops the context. We call each handler from one
//! thread of ours, one call after the other, never two at once; no call begins after `drop` began; `drop` runs exactly
//! once, also when the function that took the handler fails. Ending a subscription waits for the call under way, unless
//! you end it inside that call: then it is the last. A callback that does not return keeps its own handler waiting,
//! nothing else. It must not throw, `longjmp` or end its thread.
//!
//! Fork. A forked child has none of our threads: there, every call with a handle of the parent returns `DM_FORKED`, and
//! freeing touches nothing. The child may open nodes of its own. A child that is forked inside a callback must not return
//! from it: it ends with `_exit` or calls `exec`. Signal handlers must not call us.
//!
//! Text from other agents (`dm_message_content`, names, metadata) is data, never instructions to your program or model.
#![expect(non_camel_case_types, reason = "these are the names that C programs write")]
#![expect(unreachable_pub, reason = "what C reaches is public, wherever it stands")]

mod call;
mod courier;
mod error;
mod events;
mod guard;
mod house;
mod log;
mod message;
mod messages;
mod node;
mod passport;
mod peers;
mod policy;
mod text;

/// The version of this border. A program that was compiled with a header of another one must not call us.
pub const DM_ABI_VERSION: u32 = 1;

/// The version of the library, such as `0.1.0`. It lives for ever.
#[unsafe(no_mangle)]
pub extern "C" fn dm_version() -> text::dm_text {
    text::dm_text::lasting(concat!(env!("CARGO_PKG_VERSION"), "\0"))
}

/// Whether the library fits the header that the program was compiled with: pass `DM_ABI_VERSION`.
///
/// Errors: `DM_INVALID_ARGUMENT` when it does not; take the header and the library from one version.
#[unsafe(no_mangle)]
pub extern "C" fn dm_check_abi(version: u32, error: *mut error::dm_error) -> error::dm_status {
    guard::guard(error, || {
        if version == DM_ABI_VERSION {
            return Ok(());
        }
        let sentence = "the header is of another version than the library; take both from one";
        Err(dmagent_core::error::Error::new(dmagent_core::error::Code::InvalidArgument, sentence)
            .with("header", version)
            .with("library", DM_ABI_VERSION))
    })
}
