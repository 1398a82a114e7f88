//! Public keys that this thread decoded lately. Finding the curve point of a key is a tenth of a verification, and the
//! same peers write again and again.

use std::cell::RefCell;

use ed25519_dalek::VerifyingKey;

/// How many keys a thread remembers, 200 bytes each: every peer of a usual node, most of the time.
const PLACES: usize = 64;

thread_local! {
    /// A key has one place, by its first byte, and takes it from the one before.
    static KEYS: RefCell<Vec<Option<VerifyingKey>>> = const { RefCell::new(Vec::new()) };
}

/// The key whose bytes these are; `None` when they are no curve point.
pub(super) fn key(bytes: &[u8; 32]) -> Option<VerifyingKey> {
    KEYS.with_borrow_mut(|keys| {
        keys.resize(PLACES, None);
        let place = &mut keys[usize::from(bytes[0]) % PLACES];
        match place {
            Some(known) if known.as_bytes() == bytes => Some(*known),
            _ => {
                let key = VerifyingKey::from_bytes(bytes).ok()?;
                *place = Some(key);
                Some(key)
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identity::Passport;

    #[test]
    fn keys_that_share_a_place_are_not_taken_for_each_other() {
        let ids: Vec<_> = (0..=255).map(|seed| Passport::from_seed([seed; 32]).agent_id()).collect();
        // Twice, so that every place was taken by others in between.
        for id in ids.iter().chain(&ids) {
            assert_eq!(key(id.as_bytes()).unwrap().as_bytes(), id.as_bytes());
            assert_eq!(key(id.as_bytes()), VerifyingKey::from_bytes(id.as_bytes()).ok());
        }
        assert_eq!(key(&[2; 32]), None, "no curve point");
    }
}
