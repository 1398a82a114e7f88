//! Waiting for a message, so that none gets lost when whoever waits is cancelled.
//!
//! A [`Handout`] begins when it is made. [`wait`](Handout::wait) may be cancelled and called again; the message stays here
//! until [`take`](Handout::take). One that nobody takes goes back into the inbox.

use std::sync::Arc;

use dmagent::Message as CoreMessage;
use parking_lot::Mutex;
use serde::Serialize;
use serde_json::Value;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::{
    caller::{Caller, Guest},
    failure::{cancelled, unexpected},
    made::codes::DmError,
    message::Message,
    plain::json,
    runtime,
};

type Outcome = Result<Option<Arc<Message>>, DmError>;

/// A message that is waited for.
#[derive(uniffi::Object)]
pub struct Handout {
    desk: Arc<Desk>,
    done: watch::Receiver<bool>,
    cancel: CancellationToken,
    /// Whoever waits for a message of a node keeps it.
    _kept: Option<Caller>,
}

/// Where the message lies until it is taken. The lock is held for moments.
struct Desk(Mutex<Stage>);

enum Stage {
    Waiting,
    Done(Outcome),
    Taken,
    Cancelled,
}

impl Desk {
    fn put(&self, outcome: Outcome) {
        let mut stage = self.0.lock();
        if matches!(*stage, Stage::Waiting) {
            *stage = Stage::Done(outcome);
            return;
        }
        drop(stage);
        return_unseen(outcome);
    }

    fn end(&self) {
        let mut stage = self.0.lock();
        let former = match *stage {
            Stage::Waiting | Stage::Done(_) => std::mem::replace(&mut *stage, Stage::Cancelled),
            Stage::Taken | Stage::Cancelled => return,
        };
        drop(stage);
        if let Stage::Done(outcome) = former {
            return_unseen(outcome);
        }
    }
}

fn return_unseen(outcome: Outcome) {
    if let Ok(Some(message)) = outcome {
        let _inside = runtime::handle().ok().map(tokio::runtime::Handle::enter);
        message.return_unseen();
    }
}

impl Handout {
    /// Begins to wait with a verb that hands out a message.
    pub(crate) fn start(
        caller: &Caller,
        verb: &'static str,
        arguments: &impl Serialize,
    ) -> Result<Arc<Self>, DmError> {
        Self::begin(caller, verb, arguments, Some(caller.clone()))
    }

    /// The same for a guest, who looks by itself whether the node is still there.
    pub(crate) fn start_as_guest(
        caller: &Caller,
        verb: &'static str,
        arguments: &impl Serialize,
    ) -> Result<Arc<Self>, DmError> {
        Self::begin(caller, verb, arguments, None)
    }

    fn begin(
        caller: &Caller,
        verb: &'static str,
        arguments: &impl Serialize,
        kept: Option<Caller>,
    ) -> Result<Arc<Self>, DmError> {
        let node = caller.open_node()?.clone();
        let arguments = json(arguments)?;
        let (told, done) = watch::channel(false);
        let (desk, cancel) = (Arc::new(Desk(Mutex::new(Stage::Waiting))), CancellationToken::new());
        let (put, given_up, guest) = (Arc::clone(&desk), cancel.clone(), caller.guest()?);
        runtime::handle()?.spawn(async move {
            let result = tokio::select! {
                biased;
                () = given_up.cancelled() => return,
                result = node.call(verb, arguments) => result,
            };
            put.put(result.map_err(DmError::from).and_then(|result| read(&guest, result)));
            // Nobody waits when the object is gone.
            told.send_replace(true);
        });
        Ok(Arc::new(Self { desk, done, cancel, _kept: kept }))
    }
}

/// The message in a result.
fn read(guest: &Guest, result: Value) -> Outcome {
    let message: Option<CoreMessage> = serde_json::from_value(result).map_err(|cause| unexpected(&cause))?;
    // Without anybody who keeps the node it is about to end; what it did not acknowledge comes with its next start.
    let caller = guest.caller().ok_or_else(runtime::gone)?;
    message.map(|message| Message::handed_out(&caller, &message)).transpose()
}

#[uniffi::export]
impl Handout {
    /// Waits until there is something to take. It may be cancelled and called again; nothing gets lost.
    pub async fn wait(&self) -> Result<(), DmError> {
        let mut done = self.done.clone();
        tokio::select! {
            biased;
            () = self.cancel.cancelled() => Err(cancelled()),
            // It ends without a word when the threads do.
            ended = done.wait_for(|done| *done) => ended.map(drop).map_err(|_| runtime::gone()),
        }
    }

    /// The message; none when no message came within the time given. Whoever takes it has it: the second time there is
    /// none. Fails when waiting failed, or is not over.
    pub fn take(&self) -> Result<Option<Arc<Message>>, DmError> {
        let mut stage = self.desk.0.lock();
        match std::mem::replace(&mut *stage, Stage::Taken) {
            Stage::Done(outcome) => outcome,
            Stage::Taken => Ok(None),
            other @ Stage::Cancelled => {
                *stage = other;
                Err(cancelled())
            }
            other @ Stage::Waiting => {
                *stage = other;
                let sentence = "there is no message yet; call wait() first";
                Err(dmagent::error::Error::new(dmagent::error::Code::InvalidArgument, sentence).into())
            }
        }
    }

    /// Gives up: `wait` ends with `CancelledError`, and a message that was not taken goes back into the inbox.
    pub fn cancel(&self) {
        self.cancel.cancel();
        self.desk.end();
    }
}

impl Drop for Handout {
    fn drop(&mut self) {
        self.cancel();
    }
}
