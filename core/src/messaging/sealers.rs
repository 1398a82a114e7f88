//! Keys to seal the next message to a peer, agreed on while nobody waits: a conversation then pays for a seal what a
//! readable message costs.

use std::{collections::HashMap, sync::Arc};

use parking_lot::Mutex;

use crate::{env::Random, error::Result, identity::AgentId, wire::seal::Sealer};

/// For how many peers a key is kept, a few hundred bytes each.
const PEERS: usize = 256;

/// At most one key for each peer. A key seals one message, and opens nothing that was sent before.
pub struct Sealers {
    ready: Mutex<HashMap<AgentId, Sealer>>,
    random: Arc<dyn Random>,
}

impl Sealers {
    /// No keys yet.
    pub fn new(random: Arc<dyn Random>) -> Self {
        Self { ready: Mutex::default(), random }
    }

    /// The key for `to`: the one that is ready, or a new one.
    ///
    /// # Errors
    ///
    /// Those of [`Sealer::new`].
    pub fn take(&self, to: &AgentId) -> Result<Sealer> {
        let ready = self.ready.lock().remove(to);
        ready.map_or_else(|| Sealer::new(to, &*self.random), Ok)
    }

    /// Makes a key for the next message to `to`, unless there is one.
    pub fn prepare(&self, to: &AgentId) {
        if self.ready.lock().contains_key(to) {
            return;
        }
        // Agreed on without the lock: others seal meanwhile. An id that is no key shows when it is needed.
        if let Ok(sealer) = Sealer::new(to, &*self.random) {
            let mut ready = self.ready.lock();
            if ready.len() >= PEERS {
                // Some belong to peers that are gone; the others are made again after their next message.
                ready.clear();
            }
            ready.insert(*to, sealer);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{env::SeededRandom, identity::Passport, wire::seal};

    #[test]
    fn a_key_that_was_made_ahead_seals_one_message() {
        let (from, to) = (Passport::from_seed([1; 32]), Passport::from_seed([2; 32]));
        let (from_id, to_id) = (from.agent_id(), to.agent_id());
        let sealers = Sealers::new(Arc::new(SeededRandom::new(1)));
        sealers.prepare(&to_id);
        sealers.prepare(&to_id);
        assert_eq!(sealers.ready.lock().len(), 1);
        let sealed: Vec<_> =
            (0..2).map(|_| sealers.take(&to_id).unwrap().seal(&from_id, "msg-1", b"hi").unwrap()).collect();
        assert!(sealed[0].enc != sealed[1].enc && sealed[0].ciphertext != sealed[1].ciphertext);
        for body in &sealed {
            assert_eq!(seal::open(&to, &from_id, "msg-1", body).unwrap().as_slice(), b"hi");
        }
    }

    #[test]
    fn the_keys_that_are_ready_are_bounded() {
        let sealers = Sealers::new(Arc::new(SeededRandom::new(1)));
        for seed in 0..=PEERS {
            let mut bytes = [0; 32];
            bytes[..8].copy_from_slice(&seed.to_le_bytes());
            sealers.prepare(&Passport::from_seed(bytes).agent_id());
            assert!(sealers.ready.lock().len() <= PEERS);
        }
        assert_eq!(sealers.ready.lock().len(), 1);
    }

    #[test]
    fn an_id_that_is_no_key_has_no_key_ready() {
        let sealers = Sealers::new(Arc::new(SeededRandom::new(1)));
        let nobody = AgentId::from_bytes([0; 32]);
        sealers.prepare(&nobody);
        assert!(sealers.ready.lock().is_empty());
        assert!(sealers.take(&nobody).is_err());
    }
}
