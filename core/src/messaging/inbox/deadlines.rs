//! Messages whose deadline passed before anybody had them: they are not handed out any more.

use super::{Inbox, State};
use crate::env::Timestamp;

impl Inbox {
    /// Hides what is queued and over. Each stays reserved until [`Inbox::forget`], so that its row goes first; should the
    /// process end before, the next one hides it again.
    pub fn take_overdue(&mut self, now: Timestamp) -> Vec<u64> {
        let overdue: Vec<u64> =
            self.deadlines.iter().take_while(|(at, _)| *at <= now).map(|(_, sequence)| *sequence).collect();
        for sequence in &overdue {
            self.move_to(*sequence, State::Reserved);
        }
        overdue
    }
}
