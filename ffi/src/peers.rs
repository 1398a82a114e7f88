//! Peers and trust.

use dmagent_core::{
    AgentId, ConnectArgs, SetTrustArgs,
    api::{AgentArgs, DisconnectArgs},
    error::{Code, Error, Result},
    peers::PeerState,
};

use crate::{
    error::{dm_error, dm_status},
    guard::{Out, guard},
    node::{dm_agent_id, dm_node, opened},
    text::dm_text,
};

/// An agent id that the program wrote into the argument `name`.
pub(crate) fn agent(text: dm_text, name: &'static str) -> Result<AgentId> {
    read_agent(&text.required(name)?, name)
}

fn read_agent(text: &str, name: &'static str) -> Result<AgentId> {
    text.parse().map_err(|_| {
        Error::new(
            Code::AgentIdInvalid,
            format!("{name} must be an agent id, 64 lower-case hexadecimal digits"),
        )
        .with("argument", name)
    })
}

/// Asks the node at `url` for a connection. `expect` is who must answer there, or no text. `peer` is who answered, and
/// `pending` whether somebody over there has yet to decide; either may be NULL. Messages to a pending peer wait for it.
///
/// Blocks. Errors: `DM_UNREACHABLE`, `DM_ADDRESS_FORBIDDEN`, `DM_PEER_MISMATCH`, `DM_PEER_REFUSED`.
///
/// # Safety
///
/// The rules at the head.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dm_connect(
    node: *mut dm_node,
    url: dm_text,
    expect: dm_text,
    peer: *mut dm_agent_id,
    pending: *mut bool,
    error: *mut dm_error,
) -> dm_status {
    guard(error, || {
        let open = opened(node)?;
        let mut arguments = ConnectArgs::new(url.required("url")?);
        arguments.expect = expect.optional("expect")?.map(|text| read_agent(&text, "expect")).transpose()?;
        let found = open.wait(async { open.node().peers().connect(arguments).await })?;
        if let Some(out) = Out::optional(peer) {
            out.write(dm_agent_id::new(&found.agent_id));
        }
        if let Some(out) = Out::optional(pending) {
            out.write(found.state == PeerState::Pending);
        }
        Ok(())
    })
}

/// Ends the connection with a peer; `reason` is for the peer and the log, or no text. Blocks. Errors:
/// `DM_PEER_NOT_CONNECTED`.
///
/// # Safety
///
/// The rules at the head.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dm_disconnect(
    node: *mut dm_node,
    peer: dm_text,
    reason: dm_text,
    error: *mut dm_error,
) -> dm_status {
    guard(error, || {
        let open = opened(node)?;
        let arguments = DisconnectArgs { agent: agent(peer, "peer")?, reason: reason.optional("reason")? };
        open.wait(async { open.node().peers().disconnect(arguments).await })?;
        Ok(())
    })
}

/// What we think of an agent, -1 (distrust) to 1 (trust). `known` tells whether we have an impression at all, and may be
/// NULL; without one the score is 0.
///
/// # Safety
///
/// The rules at the head.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dm_trust_get(
    node: *mut dm_node,
    agent_id: dm_text,
    score: *mut f64,
    known: *mut bool,
    error: *mut dm_error,
) -> dm_status {
    guard(error, || {
        let open = opened(node)?;
        let out = Out::required("score", score)?;
        let arguments = AgentArgs { agent: agent(agent_id, "agent_id")? };
        let found = open.wait(async { open.node().trust().get(arguments).await })?;
        out.write(found.as_ref().map_or(0.0, |found| found.impression.score));
        if let Some(out) = Out::optional(known) {
            out.write(found.is_some());
        }
        Ok(())
    })
}

/// Sets what we think of an agent, -1 to 1; it need not be connected. `note` says why; no text keeps the note that is
/// there. Blocks. Errors: `DM_TRUST_OUT_OF_RANGE`.
///
/// # Safety
///
/// The rules at the head.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dm_trust_set(
    node: *mut dm_node,
    agent_id: dm_text,
    score: f64,
    note: dm_text,
    error: *mut dm_error,
) -> dm_status {
    guard(error, || {
        let open = opened(node)?;
        let arguments =
            SetTrustArgs { agent: agent(agent_id, "agent_id")?, score, note: note.optional("note")? };
        open.wait(async { open.node().trust().set(arguments).await })?;
        Ok(())
    })
}
