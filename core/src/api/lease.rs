//! A message in the hands of an agent: given back when nobody has it any more.

use std::time::Duration;

use super::Inbox;

/// The longest pause before a message that could not be handled is handed out again.
const LONGEST_PAUSE: Duration = Duration::from_secs(300);

/// One hand-out of a message. When this is dropped and the message was neither acknowledged nor released, it is handed
/// out again after [`pause_after`]. Nothing happens when somebody else has it by then.
///
/// A [`Message`](crate::Message) is plain data; this is for those who give it out as an object with a life, as the
/// bindings do.
#[must_use = "dropped, it gives the message back"]
pub struct Lease {
    inbox: Inbox,
    sequence: u64,
    redeliveries: u32,
}

/// How long a message that could not be handled, or was only dropped, waits before it is handed out again: one second,
/// twice as long each time, five minutes at most, so that a message nobody can handle does not keep the agent busy.
pub fn pause_after(redeliveries: u32) -> Duration {
    Duration::from_secs(1 << redeliveries.min(10)).min(LONGEST_PAUSE)
}

impl Inbox {
    /// The hand-out of the message with these numbers.
    pub fn lease(&self, sequence: u64, redeliveries: u32) -> Lease {
        Lease { inbox: self.clone(), sequence, redeliveries }
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        let pause = pause_after(self.redeliveries);
        if self.inbox.give_back(self.sequence, Some(self.redeliveries), pause) {
            tracing::info!(
                sequence = self.sequence,
                "a message was dropped without being acknowledged; it comes again in {} s",
                pause.as_secs()
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pause_doubles_up_to_five_minutes() {
        let pauses =
            [0, 1, 2, 8, 9, 10, 64, u32::MAX].map(|redeliveries| pause_after(redeliveries).as_secs());
        assert_eq!(pauses, [1, 2, 4, 256, 300, 300, 300, 300]);
    }
}
