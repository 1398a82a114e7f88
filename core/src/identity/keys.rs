//! The passport: the key pair that makes an agent who it is.

use std::{fmt, sync::Arc};

use curve25519_dalek::scalar::clamp_integer;
use ed25519_dalek::{Signer as _, SigningKey};
use zeroize::Zeroizing;

use super::{AgentId, Signature};
use crate::env::Random;

/// The Ed25519 key pair of one agent. Clones share one copy of the seed, which is overwritten when the
/// last of them goes; the expanded key exists only while signing and is overwritten after each use.
#[derive(Clone)]
pub struct Passport {
    key: Arc<SigningKey>,
    id: AgentId,
}

impl Passport {
    /// A new key pair.
    pub fn generate(random: &dyn Random) -> Self {
        let mut seed = Zeroizing::new([0; 32]);
        random.fill(seed.as_mut());
        Self::from_seed(seed)
    }

    /// The key pair of a 32-byte seed (RFC 8032's private key).
    pub fn from_seed(seed: impl Into<Zeroizing<[u8; 32]>>) -> Self {
        let key = SigningKey::from_bytes(&seed.into());
        let id = AgentId::from_bytes(key.verifying_key().to_bytes());
        Self { key: Arc::new(key), id }
    }

    /// Signs `bytes`. The same bytes always give the same signature.
    pub fn sign(&self, bytes: &[u8]) -> Signature {
        Signature(self.key.sign(bytes).to_bytes())
    }

    /// The agent: the public half.
    pub const fn agent_id(&self) -> AgentId {
        self.id
    }

    /// The X25519 secret that belongs to [`AgentId::x25519`]: the first half of SHA-512 of the seed,
    /// clamped.
    pub fn x25519_secret(&self) -> X25519Secret {
        X25519Secret(Zeroizing::new(clamp_integer(*Zeroizing::new(self.key.to_scalar_bytes()))))
    }

    /// The seed as 64 lower-case hexadecimal digits, for a backup the owner asked for. Whoever holds
    /// it is this agent.
    pub fn export_seed_hex(&self) -> Zeroizing<String> {
        Zeroizing::new(hex::encode(self.key.as_bytes()))
    }
}

impl fmt::Debug for Passport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Passport({})", self.id.short())
    }
}

/// An X25519 secret key. Overwritten when dropped; never printed.
#[derive(Clone)]
pub struct X25519Secret(Zeroizing<[u8; 32]>);

impl X25519Secret {
    /// The secret shared with the owner of `public`, or `None` when `public` has small order and the
    /// result would be known to everybody. Feed it to a key derivation, never use it as a key.
    pub fn diffie_hellman(&self, public: &[u8; 32]) -> Option<Zeroizing<[u8; 32]>> {
        let secret = x25519_dalek::StaticSecret::from(*self.0);
        let shared = secret.diffie_hellman(&(*public).into());
        shared.was_contributory().then(|| Zeroizing::new(shared.to_bytes()))
    }

    /// The public half.
    pub fn public(&self) -> [u8; 32] {
        x25519_dalek::PublicKey::from(&x25519_dalek::StaticSecret::from(*self.0)).to_bytes()
    }

    /// The clamped scalar, for constructions that need the bytes.
    pub fn expose(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for X25519Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("X25519Secret(…)")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::env::SeededRandom;

    #[test]
    fn debug_shows_the_short_id_and_no_secret() {
        let passport = Passport::generate(&SeededRandom::new(1));
        assert_eq!(format!("{passport:?}"), format!("Passport({})", passport.agent_id().short()));
        assert_eq!(format!("{:?}", passport.x25519_secret()), "X25519Secret(…)");
    }

    #[test]
    fn an_exported_seed_makes_the_same_agent() {
        let passport = Passport::generate(&SeededRandom::new(2));
        let mut seed = [0; 32];
        hex::decode_to_slice(passport.export_seed_hex().as_str(), &mut seed).unwrap();
        assert_eq!(Passport::from_seed(seed).agent_id(), passport.agent_id());
    }

    #[test]
    fn a_public_key_of_small_order_shares_no_secret() {
        let secret = Passport::generate(&SeededRandom::new(3)).x25519_secret();
        for order in [[0; 32], {
            let mut one = [0; 32];
            one[0] = 1;
            one
        }] {
            assert!(secret.diffie_hellman(&order).is_none());
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn any_flipped_bit_breaks_a_signature(
            seed: [u8; 32],
            mut bytes in proptest::collection::vec(any::<u8>(), 1..200),
            at: proptest::sample::Index,
            bit in 0..8_u8,
        ) {
            let passport = Passport::from_seed(seed);
            let signature = passport.sign(&bytes);
            prop_assert!(passport.agent_id().verify(&bytes, &signature));

            let mut other = signature;
            other.0[at.index(64)] ^= 1 << bit;
            prop_assert!(!passport.agent_id().verify(&bytes, &other));

            let mut key = *passport.agent_id().as_bytes();
            key[at.index(32)] ^= 1 << bit;
            prop_assert!(!AgentId::from_bytes(key).verify(&bytes, &signature));

            let place = at.index(bytes.len());
            bytes[place] ^= 1 << bit;
            prop_assert!(!passport.agent_id().verify(&bytes, &signature));
        }

        #[test]
        fn both_ways_to_the_x25519_key_agree(seed: [u8; 32]) {
            let passport = Passport::from_seed(seed);
            prop_assert_eq!(passport.agent_id().x25519(), Some(passport.x25519_secret().public()));
        }
    }
}
