//! Randomness: the system's in production, a seed's in simulations.

use parking_lot::Mutex;
use rand::{Rng as _, SeedableRng as _, rngs::StdRng};

/// Fills buffers with random bytes.
pub trait Random: Send + Sync + 'static {
    /// Overwrites `buffer` with random bytes fit for keys (except in simulations).
    fn fill(&self, buffer: &mut [u8]);

    /// A number in `0..bound`; 0 when `bound` is 0.
    fn below(&self, bound: u64) -> u64 {
        let mut bytes = [0; 8];
        self.fill(&mut bytes);
        u64::from_le_bytes(bytes).checked_rem(bound).unwrap_or(0)
    }
}

/// The operating system's generator.
#[derive(Clone, Copy, Debug)]
pub struct SystemRandom;

impl Random for SystemRandom {
    fn fill(&self, buffer: &mut [u8]) {
        #[expect(clippy::disallowed_methods, reason = "this is the one place that asks for randomness")]
        rand::rng().fill_bytes(buffer);
    }
}

/// A generator that repeats for the same seed. Never for real keys.
pub struct SeededRandom(Mutex<StdRng>);

impl SeededRandom {
    /// A generator for `seed`.
    pub fn new(seed: u64) -> Self {
        Self(Mutex::new(StdRng::seed_from_u64(seed)))
    }
}

impl Random for SeededRandom {
    fn fill(&self, buffer: &mut [u8]) {
        self.0.lock().fill_bytes(buffer);
    }
}
