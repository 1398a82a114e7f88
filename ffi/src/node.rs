//! The life of a node, and what it tells about itself.

use std::sync::Arc;

use dmagent_core::{
    Node, NodeConfig,
    error::{Code, Error, Result},
};
use parking_lot::Mutex;
use tokio::sync::watch;

use crate::{
    error::{dm_error, dm_status},
    guard::{Out, guard, value},
    house::{Threads, house},
    policy::Asked,
    text::{dm_string, dm_text},
};

/// A node of the mesh.
pub struct dm_node;

/// An agent id: 64 hexadecimal digits and a NUL.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct dm_agent_id {
    /// The digits and the NUL.
    pub hex: [std::ffi::c_char; 65],
}

impl dm_agent_id {
    pub(crate) fn new(agent: &dmagent_core::AgentId) -> Self {
        let mut hex = [0; 65];
        for (place, digit) in hex.iter_mut().zip(agent.to_string().bytes()) {
            // ASCII fits in either kind of char.
            *place = digit as std::ffi::c_char;
        }
        Self { hex }
    }
}

/// What a `dm_node` leads to.
pub(crate) struct Open {
    /// `None` only while it is dropped.
    node: Option<Node>,
    pub(crate) threads: Arc<Threads>,
    /// Who answers the node's questions, so that its end can be waited for.
    pub(crate) policy: Mutex<Option<Asked>>,
    token: std::ffi::CString,
    /// Whether the handle was freed.
    freed: watch::Sender<bool>,
}

impl Open {
    pub(crate) fn node(&self) -> &Node {
        self.node.as_ref().expect("only dropping takes it")
    }

    /// Waits, in the thread of the program, for what a call does with the node; no longer than the handle lives.
    pub(crate) fn wait<T>(&self, call: impl Future<Output = Result<T>>) -> Result<T> {
        let mut freed = self.freed.subscribe();
        self.threads.wait(async {
            tokio::select! {
                biased;
                done = call => done,
                _ = freed.wait_for(|freed| *freed) => {
                    Err(Error::new(Code::Closed, "the node was freed while this call waited"))
                }
            }
        })
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        // Its tasks end inside the runtime.
        let _inside = self.threads.handle().map(tokio::runtime::Handle::enter);
        self.node.take();
    }
}

/// The node that a handle leads to.
pub(crate) fn opened(node: *const dm_node) -> Result<Arc<Open>> {
    house().get(node, "node")
}

/// Opens a node.
///
/// `preset` is where the settings start: `agent`, also when it is no text (modest defaults under the environment
/// variables), `environment` (the product page's defaults under the environment variables), `internet` or `ephemeral`
/// (neither reads the environment). `settings` is a JSON object that changes them, or no text; its members are in the
/// schema, under `config`.
///
/// Free the node with `dm_node_free`. Blocks. Errors: `DM_CONFIG_INVALID`, `DM_STORE_OWNED` and others of the data folder,
/// `DM_BIND_FAILED`.
///
/// # Safety
///
/// The rules at the head.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dm_node_open(
    preset: dm_text,
    settings: dm_text,
    node: *mut *mut dm_node,
    error: *mut dm_error,
) -> dm_status {
    guard(error, || {
        let out = Out::required("node", node)?;
        let preset = preset.optional("preset")?;
        let settings = settings.optional("settings")?;
        let config =
            NodeConfig::preset(preset.as_deref().unwrap_or("agent"), settings.as_deref().unwrap_or("{}"))?;
        let threads = house().threads()?;
        let node = threads.wait(Node::open(config))?;
        let token = crate::text::terminated(node.local_token());
        let open = Open {
            node: Some(node),
            threads,
            policy: Mutex::new(None),
            token,
            freed: watch::Sender::new(false),
        };
        out.write(house().keep(Arc::new(open)));
        Ok(())
    })
}

/// Closes a node: no more requests are taken, those under way have two seconds to finish, everything queued is on disk, and
/// the data folder is free for another process. Every wait on the node ends with `DM_CLOSED`. The handle stays until
/// `dm_node_free`; closing twice is no error. Blocks. Errors: those of the disk.
///
/// # Safety
///
/// The rules at the head.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dm_node_close(node: *mut dm_node, error: *mut dm_error) -> dm_status {
    guard(error, || {
        let open = opened(node)?;
        let closing = open.node().clone();
        open.threads.wait(async move { closing.close().await })
    })
}

/// Ends the handle and clears the variable. A node that was not closed ends at once: what it accepted is on disk, and
/// callers wait no longer. Messages and event streams that came from it may be freed before or after.
///
/// # Safety
///
/// `node` is NULL or the address of your variable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dm_node_free(node: *mut *mut dm_node) {
    crate::guard::end(node, |handle| {
        let open: Arc<Open> = house().take(handle, "node")?;
        {
            let _inside = open.threads.handle().map(tokio::runtime::Handle::enter);
            open.node().stop();
        }
        open.freed.send_replace(true);
        // The policy's context is dropped by its own thread, once the node asks no more.
        let asked = open.policy.lock().take();
        if let Some(asked) = asked {
            open.node().set_policy(None);
            asked.end();
        }
        Ok(())
    });
}

/// Who the node is. Works on a closed node as well.
///
/// # Safety
///
/// The rules at the head.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dm_node_agent_id(
    node: *const dm_node,
    agent: *mut dm_agent_id,
    error: *mut dm_error,
) -> dm_status {
    guard(error, || {
        let out = Out::required("agent", agent)?;
        out.write(dm_agent_id::new(&opened(node)?.node().agent_id()));
        Ok(())
    })
}

/// The URL that peers are told.
///
/// # Safety
///
/// The rules at the head.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dm_node_url(
    node: *const dm_node,
    url: *mut dm_string,
    error: *mut dm_error,
) -> dm_status {
    guard(error, || {
        let out = Out::required("url", url)?;
        out.write(dm_string::new(opened(node)?.node().info().url));
        Ok(())
    })
}

/// The token of the node's local HTTP interface; it lives as long as the node. No text for a wrong handle. Whoever has it
/// can do everything this node can.
///
/// # Safety
///
/// The rules at the head.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dm_node_local_token(node: *const dm_node) -> dm_text {
    value(dm_text::NONE, || Ok(dm_text::of(&opened(node)?.token)))
}

/// Whether the node was closed; true for a wrong handle.
///
/// # Safety
///
/// The rules at the head.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dm_node_is_closed(node: *const dm_node) -> bool {
    value(true, || Ok(opened(node)?.node().is_closed()))
}
