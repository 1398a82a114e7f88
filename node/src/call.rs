//! The one way into the core for everything that can take time.
//!
//! A [`Call`] holds a future of the core. JavaScript starts it, hears the [`Bell`], and takes what came out. Cancelling
//! reaches the core: the future is dropped. A result that nobody takes is undone, so a message that was handed out at
//! the moment of a cancellation goes back into the inbox.

use std::{panic::AssertUnwindSafe, sync::Arc};

use dmagent::error::{Code, Error, Result};
use futures_util::{FutureExt as _, future::BoxFuture};
use napi_derive::napi;
use parking_lot::Mutex;
use tokio::task::AbortHandle;

use crate::{
    bell::Bell,
    failure::{Failure, panicked},
    node::NativeNode,
    runtime::{self, Owned},
};

/// What a call returns.
pub(crate) enum Answer {
    /// Nothing.
    Nothing,
    /// JSON.
    Text(String),
    /// A new node.
    Node(dmagent::Node),
}

/// An answer, and how to take it back when it never arrives.
pub(crate) struct Outcome {
    answer: Answer,
    undo: Option<Undo>,
}

type Undo = Box<dyn FnOnce() + Send>;

impl Outcome {
    /// An answer that may get lost without harm.
    pub(crate) fn new(answer: Answer) -> Self {
        Self { answer, undo: None }
    }

    /// An answer with what happens when nobody takes it.
    pub(crate) fn or_undo(answer: Answer, undo: impl FnOnce() + Send + 'static) -> Self {
        Self { answer, undo: Some(Box::new(undo)) }
    }

    fn take(mut self) -> Answer {
        self.undo = None;
        std::mem::replace(&mut self.answer, Answer::Nothing)
    }
}

impl Drop for Outcome {
    fn drop(&mut self) {
        if let Some(undo) = self.undo.take() {
            undo();
        }
    }
}

/// What JavaScript gets: at most one of these.
#[napi(object, object_from_js = false)]
#[derive(Default)]
pub struct Taken {
    /// JSON.
    pub text: Option<String>,
    /// A new node.
    pub node: Option<NativeNode>,
    /// What went wrong.
    pub failure: Option<Failure>,
}

impl From<Result<Answer>> for Taken {
    fn from(result: Result<Answer>) -> Self {
        match result {
            Ok(Answer::Nothing) => Self::default(),
            Ok(Answer::Text(text)) => Self { text: Some(text), ..Self::default() },
            Ok(Answer::Node(node)) => Self { node: Some(NativeNode::new(node)), ..Self::default() },
            Err(error) => Self { failure: Some(error.into()), ..Self::default() },
        }
    }
}

type Work = BoxFuture<'static, Result<Outcome>>;

enum Stage {
    Ready(Work),
    Running(Option<AbortHandle>),
    Done(Result<Outcome>),
    /// Taken or cancelled.
    Over,
}

/// What a call and its task share. The lock is held for moments.
struct Shared(Mutex<Stage>);

impl Shared {
    /// Stores what came out, unless nobody wants it any more. True when somebody does.
    fn finish(&self, result: Result<Outcome>) -> bool {
        let mut stage = self.0.lock();
        if !matches!(*stage, Stage::Running(_)) {
            drop(stage);
            // Dropped without the lock: undoing calls the core.
            drop(result);
            return false;
        }
        *stage = Stage::Done(result);
        true
    }

    /// Whatever it was is over; what was not taken is undone by dropping it.
    fn end(&self) {
        let stage = std::mem::replace(&mut *self.0.lock(), Stage::Over);
        if let Stage::Running(Some(task)) = &stage {
            task.abort();
        }
        drop(stage);
    }
}

/// One call into the core. It does nothing until it is started.
#[napi]
pub struct Call {
    shared: Owned<Cancelled>,
}

/// Ends the call with the object: nobody can take the result any more.
struct Cancelled(Arc<Shared>);

impl Drop for Cancelled {
    fn drop(&mut self) {
        self.0.end();
    }
}

impl Call {
    /// A call that carries out `work`.
    pub(crate) fn new(work: impl Future<Output = Result<Outcome>> + Send + 'static) -> Self {
        let shared = Arc::new(Shared(Mutex::new(Stage::Ready(Box::pin(work)))));
        Self { shared: Owned::new(Cancelled(shared)) }
    }
}

#[napi]
impl Call {
    /// Starts it. The bell rings with `number`, once, when `take` will have something.
    #[napi(catch_unwind)]
    pub fn start(&self, bell: &Bell, number: u32) {
        let shared = &self.shared.get().0;
        let mut stage = shared.0.lock();
        let work = match std::mem::replace(&mut *stage, Stage::Running(None)) {
            Stage::Ready(work) => work,
            other => {
                // A call runs only once.
                *stage = other;
                return;
            }
        };
        drop(stage);
        let (bell, done) = (bell.clone(), Arc::clone(shared));
        let runtime = match runtime::handle() {
            Ok(runtime) => runtime,
            Err(error) => {
                shared.finish(Err(error));
                return bell.ring(number);
            }
        };
        let task = runtime.spawn(async move {
            let result = AssertUnwindSafe(work).catch_unwind().await.unwrap_or_else(|_| Err(panicked()));
            if done.finish(result) {
                bell.ring(number);
            }
        });
        if let Stage::Running(abort) = &mut *shared.0.lock() {
            *abort = Some(task.abort_handle());
        }
    }

    /// What came out of a call that is done. Whoever takes it has it.
    #[napi(catch_unwind)]
    pub fn take(&self) -> Taken {
        let mut stage = self.shared.get().0.0.lock();
        match std::mem::replace(&mut *stage, Stage::Over) {
            Stage::Done(result) => result.map(Outcome::take).into(),
            other => {
                *stage = other;
                Err(Error::new(Code::InvalidArgument, "the call has no result to take")).into()
            }
        }
    }

    /// Ends it wherever it is. A result that was not taken is undone.
    #[napi(catch_unwind)]
    pub fn cancel(&self) {
        let _inside = runtime::handle().ok().map(tokio::runtime::Handle::enter);
        self.shared.get().0.end();
    }
}
