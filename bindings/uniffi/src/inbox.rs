//! The messages for an agent, one after another.

use std::sync::Arc;

use crate::{
    caller::{Caller, Guest},
    handout::Handout,
    made::{arguments::NextArgs, codes::DmError, records::MessageKind},
};

/// The messages for an agent, or those that a filter wants.
#[derive(uniffi::Object)]
pub struct Inbox {
    caller: Caller,
    filter: NextArgs,
}

impl Inbox {
    /// What `filter` wants; notices of the node itself only when it names them.
    pub(crate) fn new(caller: Caller, filter: Option<NextArgs>) -> Self {
        let mut filter = filter.unwrap_or_else(|| NextArgs {
            from: Vec::new(),
            in_reply_to: None,
            kinds: Vec::new(),
            timeout_secs: None,
        });
        if filter.kinds.is_empty() {
            filter.kinds = vec![MessageKind::Peer, MessageKind::Stranger];
        }
        Self { caller, filter }
    }

    /// The node for one who does not keep it, and what is wanted of it.
    pub(crate) fn for_guest(self) -> Result<(Guest, NextArgs), DmError> {
        Ok((self.caller.guest()?, self.filter))
    }
}

#[uniffi::export]
impl Inbox {
    /// The next message, within `timeout_secs` seconds when they are given, however long it takes otherwise. Wait for it,
    /// then take it; what nobody takes goes back.
    #[uniffi::method(default(timeout_secs = None))]
    pub fn next(&self, timeout_secs: Option<f64>) -> Result<Arc<Handout>, DmError> {
        let timeout_secs = timeout_secs.or(self.filter.timeout_secs);
        Handout::start(&self.caller, "messages.next", &NextArgs { timeout_secs, ..self.filter.clone() })
    }
}
