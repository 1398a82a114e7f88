//! What a system makes of a frame or a call: rows, events, actions and an answer. It writes nothing itself.

use crate::{error::Result, store::Batch, wire::Answer};

/// The result of a decision, carried out by the node: commit the rows, publish the events, perform the
/// actions, give the answer, in this order.
#[derive(Clone, Debug)]
pub struct Outcome<Event, Action = std::convert::Infallible> {
    /// Committed in one transaction.
    pub rows: Batch,
    /// Published after the commit.
    pub events: Vec<Event>,
    /// Performed after the commit, in the background.
    pub actions: Vec<Action>,
    /// Given to the other side after the commit.
    pub answer: Answer,
}

impl<Event, Action> Outcome<Event, Action> {
    /// Nothing but an answer.
    pub fn answer(answer: Answer) -> Self {
        Self { rows: Batch::new(), events: Vec::new(), actions: Vec::new(), answer }
    }

    /// Nothing but a refusal made from `error`.
    pub fn of_result(result: Result<Self>) -> Self {
        result.unwrap_or_else(|error| Self::answer(Answer::from_error(&error)))
    }
}
