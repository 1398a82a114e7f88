//! Every verb by name: the whole node through one function.

use dmagent_core::error::{Code, Error};

use crate::{
    error::{dm_error, dm_status},
    guard::{Out, guard},
    node::{dm_node, opened},
    text::{dm_string, dm_text},
};

/// Calls any verb of the schema, such as `peers.list`, with its arguments as a JSON object (no text for none). The result
/// is JSON text to be ended with `dm_string_free`; `result` may be NULL. A message taken with `messages.next` belongs to
/// the program until `messages.acknowledge` or `messages.release`; `dm_receive` gives it back by itself.
///
/// Blocks. Errors: `DM_UNKNOWN_VERB`, `DM_INVALID_ARGUMENT` names the member, and what the verb fails with.
///
/// # Safety
///
/// The rules at the head.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dm_call(
    node: *mut dm_node,
    verb: dm_text,
    arguments: dm_text,
    result: *mut dm_string,
    error: *mut dm_error,
) -> dm_status {
    guard(error, || {
        let open = opened(node)?;
        let verb = verb.required("verb")?;
        let arguments = match arguments.optional("arguments")? {
            None => serde_json::Value::Null,
            Some(text) => serde_json::from_str(&text).map_err(|cause| {
                Error::new(Code::InvalidArgument, format!("arguments are not JSON: {cause}"))
            })?,
        };
        let answer = open.wait(open.node().call(&verb, arguments))?;
        if let Some(out) = Out::optional(result) {
            out.write(dm_string::new(answer.to_string()));
        }
        Ok(())
    })
}
