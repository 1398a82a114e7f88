//! The other side of an exchange, while its request is handled: is it still there, and did it get its answer?
//!
//! A request runs to its end even when nobody waits for the answer any more. What only waits can look at its
//! [`Caller`] and end early, and what hands something over for good says there how to take it back.

use std::{fmt, mem, sync::Arc};

use parking_lot::Mutex;
use tokio_util::sync::CancellationToken;

type Undo = Box<dyn FnOnce() + Send>;

/// Who asked, as the receiver sees it. The default is one that stays and gets every answer, for transports that
/// cannot tell.
#[derive(Clone, Default)]
pub struct Caller(Arc<Shared>);

/// The transport's end of a [`Caller`]. Dropped without [`Line::answered`], the caller is gone.
pub(super) struct Line(Arc<Shared>);

#[derive(Default)]
struct Shared {
    hung_up: CancellationToken,
    state: Mutex<State>,
}

enum State {
    Waits(Vec<Undo>),
    Answered,
    Gone,
}

impl Default for State {
    fn default() -> Self {
        Self::Waits(Vec::new())
    }
}

impl Caller {
    /// Waits until the other side has hung up.
    pub async fn gone(&self) {
        self.0.hung_up.cancelled().await;
    }

    /// Runs `undo` when the other side turns out to have hung up before it got the answer; at once when it has
    /// already. Getting it means that the answer was handed to the network: what happens there nobody can know.
    pub fn or_undo(&self, undo: impl FnOnce() + Send + 'static) {
        match &mut *self.0.state.lock() {
            State::Waits(undoes) => return undoes.push(Box::new(undo)),
            State::Answered => return,
            State::Gone => {}
        }
        undo();
    }
}

impl fmt::Debug for Caller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Caller").field("gone", &self.0.hung_up.is_cancelled()).finish()
    }
}

impl Line {
    /// Both ends of an exchange that begins.
    pub(super) fn open() -> (Self, Caller) {
        let shared = Arc::<Shared>::default();
        (Self(Arc::clone(&shared)), Caller(shared))
    }

    /// Whether it matters that the caller gets the answer.
    pub(super) fn matters(&self) -> bool {
        matches!(&*self.0.state.lock(), State::Waits(undoes) if !undoes.is_empty())
    }

    /// The answer is on its way.
    pub(super) fn answered(self) {
        self.0.end(State::Answered);
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        for undo in self.0.end(State::Gone) {
            undo();
        }
    }
}

impl Shared {
    /// Ends the exchange, unless it has ended, and returns what was to be undone.
    fn end(&self, how: State) -> Vec<Undo> {
        let mut state = self.state.lock();
        let State::Waits(undoes) = &mut *state else { return Vec::new() };
        let undoes = mem::take(undoes);
        if matches!(how, State::Gone) {
            self.hung_up.cancel();
        }
        *state = how;
        undoes
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[tokio::test]
    async fn what_nobody_got_is_taken_back_once() {
        let undone = Arc::new(AtomicUsize::new(0));
        let undo = |caller: &Caller| {
            let undone = Arc::clone(&undone);
            caller.or_undo(move || {
                undone.fetch_add(1, Ordering::SeqCst);
            });
        };
        let (line, caller) = Line::open();
        assert!(!line.matters());
        undo(&caller);
        assert!(line.matters());
        line.answered();
        undo(&caller);
        assert_eq!(undone.load(Ordering::SeqCst), 0, "it got the answer");

        let (line, caller) = Line::open();
        undo(&caller);
        drop(line);
        caller.gone().await;
        assert_eq!(undone.load(Ordering::SeqCst), 1, "it hung up");
        undo(&caller);
        assert_eq!(undone.load(Ordering::SeqCst), 2, "it hung up before");
        undo(&Caller::default());
        assert_eq!(undone.load(Ordering::SeqCst), 2, "nothing is known of it");
    }
}
