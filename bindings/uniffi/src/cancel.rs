//! How a call is given up where cancelling the caller does not reach us by itself: in Swift, and from another thread.

use std::sync::Arc;

use tokio_util::sync::CancellationToken;

/// Gives calls up. One may be handed to several calls, and stays cancelled: those that come later end at once. They fail
/// with `CancelledError`.
#[derive(uniffi::Object)]
pub struct Cancel {
    pub(crate) token: CancellationToken,
}

#[uniffi::export]
impl Cancel {
    /// One that is not cancelled.
    #[uniffi::constructor]
    pub fn new() -> Arc<Self> {
        Arc::new(Self { token: CancellationToken::new() })
    }

    /// Ends every call that has this.
    pub fn cancel(&self) {
        self.token.cancel();
    }

    /// Whether it was cancelled.
    pub fn is_cancelled(&self) -> bool {
        self.token.is_cancelled()
    }
}
