//! Everything a node takes from its surroundings: time, randomness and tasks.
//!
//! Pure rule files receive `now` and random bytes as arguments; services take them from [`Env`]. Only
//! this folder reads the system clock, asks the system for randomness or spawns.

mod clock;
mod moment;
mod random;
mod signing;
mod tasks;
mod timestamp;

use std::sync::Arc;

pub use clock::{Clock, SystemClock, VirtualClock};
pub use moment::{Ages, Moment, Now};
pub use random::{Random, SeededRandom, SystemRandom};
pub use signing::SigningTimes;
pub use tasks::Tasks;
pub use timestamp::Timestamp;

/// The surroundings of one node. Cheap to clone.
#[derive(Clone)]
pub struct Env {
    /// Wall clock and steady clock.
    pub clock: Arc<dyn Clock>,
    /// Source of keys, nonces and ids.
    pub random: Arc<dyn Random>,
    /// The node's tasks; all end when it closes.
    pub tasks: Tasks,
}

impl Env {
    /// The real clock and the system's randomness.
    pub fn system() -> Self {
        Self { clock: Arc::new(SystemClock), random: Arc::new(SystemRandom), tasks: Tasks::new() }
    }

    /// Time that follows tokio's (pausable) clock, and randomness from a seed: for simulations.
    pub fn simulated(start: Timestamp, seed: u64) -> Self {
        Self {
            clock: Arc::new(VirtualClock::starting_at(start)),
            random: Arc::new(SeededRandom::new(seed)),
            tasks: Tasks::new(),
        }
    }

    /// Now, by this node's wall clock.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Now, by this node's steady clock.
    pub fn steady(&self) -> Moment {
        self.clock.steady()
    }

    /// Now, by both clocks.
    pub fn both(&self) -> Now {
        Now { wall: self.now(), steady: self.steady() }
    }

    /// `prefix` followed by `bytes` random bytes in hexadecimal, for instance `msg-` and 6.
    pub fn id(&self, prefix: &str, bytes: usize) -> String {
        let mut buffer = vec![0; bytes];
        self.random.fill(&mut buffer);
        format!("{prefix}{}", hex::encode(buffer))
    }
}
