//! Signatures of the node's agent, and the check of anybody's.

use dmagent_core::api::{SignArgs, VerifyArgs};

use crate::{
    error::{dm_error, dm_status},
    guard::{Out, guard},
    node::{dm_node, opened},
    peers::agent,
    text::{dm_string, dm_text},
};

/// Signs a text as this agent. `context` says what the signature is for, or is no text: a signature for one purpose is
/// none for another. The signature is 128 hexadecimal digits, to be ended with `dm_string_free`. Errors:
/// `DM_INVALID_ARGUMENT` for more than 1 MiB of data or 200 characters of context.
///
/// # Safety
///
/// The rules at the head.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dm_passport_sign(
    node: *mut dm_node,
    data: dm_text,
    context: dm_text,
    signature: *mut dm_string,
    error: *mut dm_error,
) -> dm_status {
    guard(error, || {
        let open = opened(node)?;
        let out = Out::required("signature", signature)?;
        let arguments = SignArgs {
            data: data.required("data")?,
            context: context.optional("context")?.unwrap_or_default(),
        };
        let signed = open.wait(async { open.node().passport().sign(arguments).await })?;
        out.write(dm_string::new(signed.signature.to_string()));
        Ok(())
    })
}

/// Checks a signature made by `dm_passport_sign` of any agent. One that does not hold is an answer, `valid` = false, not an
/// error.
///
/// # Safety
///
/// The rules at the head.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dm_passport_verify(
    node: *mut dm_node,
    agent_id: dm_text,
    data: dm_text,
    context: dm_text,
    signature: dm_text,
    valid: *mut bool,
    error: *mut dm_error,
) -> dm_status {
    guard(error, || {
        let open = opened(node)?;
        let out = Out::required("valid", valid)?;
        let arguments = VerifyArgs {
            agent: agent(agent_id, "agent_id")?,
            data: data.required("data")?,
            context: context.optional("context")?.unwrap_or_default(),
            signature: signature.required("signature")?,
        };
        let verdict = open.wait(async { open.node().passport().verify(arguments).await })?;
        out.write(verdict.valid);
        Ok(())
    })
}
