//! The program's own decisions: whom to connect to, what to take, where it goes.

use std::{
    ffi::c_void,
    sync::{
        Arc,
        atomic::Ordering,
        mpsc::{SyncSender, sync_channel},
    },
};

use async_trait::async_trait;
use dmagent_core::{
    error::{Code, Error, Result},
    node::host::{
        ConnectionQuestion, ConnectionVerdict, MessageQuestion, MessageVerdict, Policy, RouteVerdict,
    },
};
use parking_lot::Mutex;
use serde_json::{Value, json};
use tokio::sync::oneshot;

use crate::{
    courier::{Context, Courier, dm_drop},
    error::{dm_error, dm_status},
    guard::guard,
    node::{dm_node, opened},
    text::{dm_text, terminated},
};

/// How many questions may wait for a handler. Those beyond get the safe answer at once.
const WAITING: usize = 64;

/// The answer to a question, written by the functions `dm_verdict_...` while the handler runs. One that writes nothing
/// leaves the decision to the settings.
pub struct dm_verdict {
    value: Option<Value>,
}

/// Asked for a decision. The question is JSON text, as in the schema under `connection_question` and `message_question`.
pub type dm_decide =
    Option<unsafe extern "C" fn(context: *mut c_void, question: dm_text, verdict: *mut dm_verdict)>;

/// The decisions a program wants to make. A function that is NULL leaves them to the settings.
#[repr(C)]
pub struct dm_policy {
    /// Handed to each function.
    pub context: *mut c_void,
    /// Whether to connect: `dm_verdict_accept`, `dm_verdict_ask` or `dm_verdict_refuse`.
    pub admit_connection: dm_decide,
    /// Whether to take a message: `dm_verdict_accept` or `dm_verdict_refuse`.
    pub admit_message: dm_decide,
    /// Where a message goes: `dm_verdict_keep`, `dm_verdict_forward` or `dm_verdict_drop`.
    pub route: dm_decide,
    /// Ends `context`; may be NULL.
    pub drop: dm_drop,
}

#[derive(Clone, Copy)]
struct Functions {
    admit_connection: dm_decide,
    admit_message: dm_decide,
    route: dm_decide,
}

struct Question {
    decide: unsafe extern "C" fn(*mut c_void, dm_text, *mut dm_verdict),
    text: String,
    answer: oneshot::Sender<Option<Value>>,
}

/// What the thread that asks is told.
enum Note {
    Ask(Question),
    /// Look whether you are still wanted.
    Look,
}

/// The thread that asks the program.
pub(crate) struct Asked {
    courier: Courier,
    notes: SyncSender<Note>,
}

impl Asked {
    /// No question begins any more, and the context is dropped, unless this is inside a question: then afterwards.
    pub(crate) fn end(self) {
        self.courier.stop();
        // A full queue wakes it as well.
        let _told = self.notes.try_send(Note::Look);
        self.courier.join();
    }
}

struct Asker {
    functions: Functions,
    notes: SyncSender<Note>,
}

impl Asker {
    async fn ask<Q: serde::Serialize, V: serde::de::DeserializeOwned + Default>(
        &self,
        decide: dm_decide,
        question: Q,
    ) -> Result<V> {
        let Some(decide) = decide else { return Ok(V::default()) };
        let text = serde_json::to_string(&question)
            .map_err(|cause| Error::new(Code::Internal, "a question has no JSON form").because(cause))?;
        let (answer, answered) = oneshot::channel();
        self.notes
            .try_send(Note::Ask(Question { decide, text, answer }))
            .map_err(|_| Error::new(Code::QueueFull, "too many questions wait for the policy"))?;
        match answered.await {
            Ok(None) => Ok(V::default()),
            Ok(Some(verdict)) => serde_json::from_value(verdict).map_err(|cause| {
                Error::new(Code::InvalidArgument, "that verdict is none for this question").because(cause)
            }),
            Err(_) => Err(Error::new(Code::Closed, "the policy was taken away")),
        }
    }
}

#[async_trait]
impl Policy for Asker {
    async fn admit_connection(&self, question: ConnectionQuestion) -> Result<ConnectionVerdict> {
        self.ask(self.functions.admit_connection, question).await
    }

    async fn admit_message(&self, question: MessageQuestion) -> Result<MessageVerdict> {
        self.ask(self.functions.admit_message, question).await
    }

    async fn route(&self, question: MessageQuestion) -> Result<RouteVerdict> {
        self.ask(self.functions.route, question).await
    }
}

fn start(functions: Functions, context: Context) -> Result<(Asker, Asked)> {
    let (notes, asked) = sync_channel::<Note>(WAITING);
    let courier = Courier::start("dmagent-policy", move |stopped| {
        let context = context;
        while !stopped.load(Ordering::Acquire) {
            let question = match asked.recv() {
                Ok(Note::Ask(question)) => question,
                Ok(Note::Look) => continue,
                Err(_) => break,
            };
            // When nobody waits any more, the node gave the safe answer.
            if !question.answer.is_closed() {
                let text = terminated(&question.text);
                let mut verdict = dm_verdict { value: None };
                // SAFETY: the program gave this function for this context; nobody else calls it. The verdict lives
                // until it returns.
                unsafe { (question.decide)(context.pointer(), dm_text::of(&text), &raw mut verdict) };
                // The node may have stopped waiting.
                let _late = question.answer.send(verdict.value);
            }
        }
    })?;
    Ok((Asker { functions, notes: notes.clone() }, Asked { courier, notes }))
}

/// Asks the program from now on; NULL lets the settings decide again. The table is copied. A handler that takes longer
/// than the setting `policy_timeout_ms` means the safe answer: a request waits for somebody's decision, a message is
/// refused for now and sent again. See Callbacks at the head; the former policy's context is dropped when this returns,
/// unless it is called from within that policy.
///
/// # Safety
///
/// The rules at the head. The functions may be called with `context` from a thread of ours.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dm_node_set_policy(
    node: *mut dm_node,
    policy: *const dm_policy,
    error: *mut dm_error,
) -> dm_status {
    // SAFETY: the program promises that it is NULL or a table.
    let table = unsafe { policy.as_ref() };
    // First of all, so that the context is dropped whatever fails.
    let asking = Mutex::new(table.map(|table| {
        let functions = Functions {
            admit_connection: table.admit_connection,
            admit_message: table.admit_message,
            route: table.route,
        };
        (functions, Context::new(table.context, table.drop))
    }));
    guard(error, || {
        let open = opened(node)?;
        let started =
            asking.lock().take().map(|(functions, context)| start(functions, context)).transpose()?;
        let (asker, asked) = started.unzip();
        let former = {
            // The node asks whom this keeps, also when several threads come here at once.
            let mut place = open.policy.lock();
            open.node().set_policy(asker.map(|asker| Arc::new(asker) as Arc<dyn Policy>));
            std::mem::replace(&mut *place, asked)
        };
        former.into_iter().for_each(Asked::end);
        Ok(())
    })
}

/// Writes a verdict.
fn decide(verdict: *mut dm_verdict, value: Value) {
    // SAFETY: the program promises that it is NULL or what its handler was given, while the handler runs.
    if let Some(verdict) = unsafe { verdict.as_mut() } {
        verdict.value = Some(value);
    }
}

/// Connect, or take the message.
///
/// # Safety
///
/// `verdict` is NULL or what the running handler was given.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dm_verdict_accept(verdict: *mut dm_verdict) {
    decide(verdict, json!({"verdict": "accept"}));
}

/// Let somebody decide later: the request waits.
///
/// # Safety
///
/// `verdict` is NULL or what the running handler was given.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dm_verdict_ask(verdict: *mut dm_verdict) {
    decide(verdict, json!({"verdict": "ask"}));
}

/// Refuse for good. `reason` is a sentence for the other side; text that is not UTF-8 is left out.
///
/// # Safety
///
/// `verdict` is NULL or what the running handler was given; `reason` follows the rules at the head.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dm_verdict_refuse(verdict: *mut dm_verdict, reason: dm_text) {
    let reason = reason.optional("reason").ok().flatten().unwrap_or_default();
    decide(verdict, json!({"verdict": "refuse", "reason": reason}));
}

/// Into the inbox.
///
/// # Safety
///
/// `verdict` is NULL or what the running handler was given.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dm_verdict_keep(verdict: *mut dm_verdict) {
    decide(verdict, json!({"route": "keep"}));
}

/// To others, and not into the inbox: `to` is a JSON list of agent ids. Those who are not connected are skipped. Text that
/// is no such list counts as a failure of the policy.
///
/// # Safety
///
/// `verdict` is NULL or what the running handler was given; `to` follows the rules at the head.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dm_verdict_forward(verdict: *mut dm_verdict, to: dm_text) {
    let to: Value = to
        .optional("to")
        .ok()
        .flatten()
        .and_then(|text| serde_json::from_str(&text).ok())
        .unwrap_or(Value::Null);
    decide(verdict, json!({"route": "forward", "to": to}));
}

/// Nowhere.
///
/// # Safety
///
/// `verdict` is NULL or what the running handler was given.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dm_verdict_drop(verdict: *mut dm_verdict) {
    decide(verdict, json!({"route": "drop"}));
}
