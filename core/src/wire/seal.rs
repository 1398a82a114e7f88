//! Sealed messages between our nodes: HPKE (RFC 9180) to the recipient's passport (S14).
//!
//! Suite: DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, ChaCha20-Poly1305, mode base. Every message has its own
//! ephemeral key, so a stolen sender key opens nothing; a stolen recipient key opens what was sent to it.
//! Sender, recipient and message id are bound as associated data: a sealed body cannot be moved to
//! another message. Who sealed it is proven by the second signature, which covers the sealed bytes
//! (see [`BodyDigest::sealed`](super::canonical::BodyDigest::sealed)).

use std::convert::Infallible;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use hpke::{
    Deserializable as _, HpkeError, OpModeR, OpModeS, Serializable as _,
    aead::{AeadCtxS, ChaCha20Poly1305},
    kdf::HkdfSha256,
    kem::X25519HkdfSha256,
    rand_core::{TryCryptoRng, TryRng},
    setup_sender_with_rng, single_shot_open,
};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::canonical;
use crate::{
    env::Random,
    error::{Code, Error, Result},
    identity::{AgentId, Passport},
};

/// The suite's name in JSON.
pub const SUITE: &str = "hpke-x25519-sha256-chacha20poly1305";
/// Binds every key to this use of HPKE.
const INFO: &[u8] = b"dmagent/2 sealed message";

type Kem = X25519HkdfSha256;

/// A sealed body. JSON form: `suite`, and `enc` and `ciphertext` in Base64 with padding.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Form", into = "Form")]
pub struct Sealed {
    /// The ephemeral public key.
    pub enc: [u8; 32],
    /// The sealed bytes and their tag of 16 bytes.
    pub ciphertext: Vec<u8>,
}

/// A key to seal one message with. Agreeing on it is nearly all the work of a seal and needs only the recipient, so it
/// can be done ahead of time.
pub struct Sealer {
    to: AgentId,
    enc: [u8; 32],
    context: AeadCtxS<ChaCha20Poly1305, HkdfSha256, Kem>,
}

impl Sealer {
    /// A key that only `to` can agree on.
    ///
    /// # Errors
    ///
    /// `AgentIdInvalid` when the recipient's id is not a usable key: no curve point, or of small order.
    pub fn new(to: &AgentId, random: &dyn Random) -> Result<Self> {
        let key = to.x25519().ok_or_else(|| unusable(to))?;
        let (enc, context) = agree(&key, INFO, random).map_err(|error| unusable(to).because(error))?;
        Ok(Self { to: *to, enc, context })
    }

    /// Seals `plaintext` as part of message `message_id` of `from`. Each message needs a sealer of its own.
    ///
    /// # Errors
    ///
    /// `AgentIdInvalid` when the cipher fails, which it does not for anything that fits into memory.
    pub fn seal(mut self, from: &AgentId, message_id: &str, plaintext: &[u8]) -> Result<Sealed> {
        let bound = associated_data(from, &self.to, message_id);
        let sealed = self.context.seal(plaintext, &bound);
        let ciphertext = sealed.map_err(|error| unusable(&self.to).because(error))?;
        Ok(Sealed { enc: self.enc, ciphertext })
    }
}

fn unusable(to: &AgentId) -> Error {
    Error::new(Code::AgentIdInvalid, "nothing can be sealed to this agent; its id is not a usable key")
        .with("agent", to.short())
}

/// Seals `plaintext` so that only `to` can open it, as part of message `message_id` of `from`.
///
/// # Errors
///
/// Those of [`Sealer`].
pub fn seal(
    to: &AgentId,
    from: &AgentId,
    message_id: &str,
    plaintext: &[u8],
    random: &dyn Random,
) -> Result<Sealed> {
    Sealer::new(to, random)?.seal(from, message_id, plaintext)
}

/// Opens what `from` sealed to us as part of message `message_id`.
///
/// # Errors
///
/// `SealBroken`, the same for every reason, so that a sender learns nothing by trying.
pub fn open(
    passport: &Passport,
    from: &AgentId,
    message_id: &str,
    sealed: &Sealed,
) -> Result<Zeroizing<Vec<u8>>> {
    let bound = associated_data(from, &passport.agent_id(), message_id);
    open_with(passport.x25519_secret().expose(), INFO, &bound, sealed).map_err(|_| {
        Error::new(Code::SealBroken, "the sealed body does not open; it was sealed to another key or changed")
    })
}

fn associated_data(from: &AgentId, to: &AgentId, message_id: &str) -> Vec<u8> {
    canonical::framed("sealed_message", &[from.as_bytes(), to.as_bytes(), message_id.as_bytes()])
}

type Agreed = ([u8; 32], AeadCtxS<ChaCha20Poly1305, HkdfSha256, Kem>);

/// The ephemeral public key, and the key agreed on by it.
fn agree(key: &[u8; 32], info: &[u8], random: &dyn Random) -> Result<Agreed, HpkeError> {
    let key = <Kem as hpke::Kem>::PublicKey::from_bytes(key)?;
    // Refuses a shared secret of zeros.
    let (enc, context) = setup_sender_with_rng::<_, _, Kem>(&OpModeS::Base, &key, info, &mut Bytes(random))?;
    Ok((enc.to_bytes().into(), context))
}

/// A fresh key pair, secret first.
pub fn key_pair(random: &dyn Random) -> (Zeroizing<[u8; 32]>, [u8; 32]) {
    let mut seed = Zeroizing::new([0; 32]);
    random.fill(&mut *seed);
    let (secret, public) = <Kem as hpke::Kem>::derive_keypair(&*seed);
    (Zeroizing::new(secret.to_bytes().into()), public.to_bytes().into())
}

/// The public key of a secret; nothing when the bytes are no secret.
pub(crate) fn public_of(secret: &[u8; 32]) -> Option<[u8; 32]> {
    let secret = <Kem as hpke::Kem>::PrivateKey::from_bytes(secret).ok()?;
    Some(<Kem as hpke::Kem>::sk_to_pk(&secret).to_bytes().into())
}

/// Seals `plaintext` to any key of this suite.
pub(in crate::wire) fn seal_with(
    key: &[u8; 32],
    info: &[u8],
    bound: &[u8],
    plaintext: &[u8],
    random: &dyn Random,
) -> Result<Sealed, HpkeError> {
    let (enc, mut context) = agree(key, info, random)?;
    Ok(Sealed { enc, ciphertext: context.seal(plaintext, bound)? })
}

pub(in crate::wire) fn open_with(
    secret: &[u8; 32],
    info: &[u8],
    bound: &[u8],
    sealed: &Sealed,
) -> Result<Zeroizing<Vec<u8>>, HpkeError> {
    let secret = <Kem as hpke::Kem>::PrivateKey::from_bytes(secret)?;
    let enc = <Kem as hpke::Kem>::EncappedKey::from_bytes(&sealed.enc)?;
    single_shot_open::<ChaCha20Poly1305, HkdfSha256, Kem>(
        &OpModeR::Base,
        &secret,
        &enc,
        info,
        &sealed.ciphertext,
        bound,
    )
    .map(Zeroizing::new)
}

/// Our randomness in the form that HPKE takes.
struct Bytes<'a>(&'a dyn Random);

impl TryRng for Bytes<'_> {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        let mut bytes = [0; 4];
        self.0.fill(&mut bytes);
        Ok(u32::from_le_bytes(bytes))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        let mut bytes = [0; 8];
        self.0.fill(&mut bytes);
        Ok(u64::from_le_bytes(bytes))
    }

    fn try_fill_bytes(&mut self, buffer: &mut [u8]) -> Result<(), Infallible> {
        self.0.fill(buffer);
        Ok(())
    }
}

impl TryCryptoRng for Bytes<'_> {}

/// The JSON form.
#[derive(Serialize, Deserialize)]
struct Form {
    suite: String,
    enc: String,
    ciphertext: String,
}

impl From<Sealed> for Form {
    fn from(sealed: Sealed) -> Self {
        Self {
            suite: SUITE.to_owned(),
            enc: STANDARD.encode(sealed.enc),
            ciphertext: STANDARD.encode(sealed.ciphertext),
        }
    }
}

impl TryFrom<Form> for Sealed {
    type Error = &'static str;

    fn try_from(form: Form) -> Result<Self, Self::Error> {
        if form.suite != SUITE {
            return Err("the body is sealed with a suite that this node does not know");
        }
        let decode = |text| STANDARD.decode(text).map_err(|_| "a sealed body is not Base64");
        let enc = decode(form.enc)?.try_into().map_err(|_| "a sealed body has a key of the wrong length")?;
        Ok(Self { enc, ciphertext: decode(form.ciphertext)? })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::env::SeededRandom;

    /// Gives the same bytes every time.
    struct Fixed(Vec<u8>);

    impl Random for Fixed {
        fn fill(&self, buffer: &mut [u8]) {
            buffer.copy_from_slice(&self.0);
        }
    }

    fn bytes<const N: usize>(text: &str) -> [u8; N] {
        hex::decode(text).unwrap().try_into().unwrap()
    }

    fn passports() -> (Passport, Passport) {
        (Passport::from_seed([1; 32]), Passport::from_seed([2; 32]))
    }

    /// RFC 9180, appendix A.2.1, first encryption.
    #[test]
    fn agrees_with_the_vector_of_the_standard() {
        let ephemeral =
            Fixed(bytes::<32>("909a9b35d3dc4713a5e72a4da274b55d3d3821a37e5d099e74a647db583a904b").to_vec());
        let public = bytes("4310ee97d88cc1f088a5576c77ab0cf5c3ac797f3d95139c6c84b5429c59662a");
        let secret = bytes("8057991eef8f1f1af18f4a9491d16a1ce333f695d4db8e38da75975c4478e0fb");
        let info = b"Ode on a Grecian Urn";
        let (enc, mut context) = agree(&public, info, &ephemeral).unwrap();
        let ciphertext = context.seal(b"Beauty is truth, truth beauty", b"Count-0").unwrap();
        let sealed = Sealed { enc, ciphertext };
        assert_eq!(
            hex::encode(sealed.enc),
            "1afa08d3dec047a643885163f1180476fa7ddb54c6a8029ea33f95796bf2ac4a"
        );
        assert_eq!(
            hex::encode(&sealed.ciphertext),
            "1c5250d8034ec2b784ba2cfd69dbdb8af406cfe3ff938e131f0def8c8b60b4db21993c62ce81883d2dd1b51a28"
        );
        let opened = open_with(&secret, info, b"Count-0", &sealed).unwrap();
        assert_eq!(opened.as_slice(), b"Beauty is truth, truth beauty");
    }

    #[test]
    fn only_the_recipient_opens_it_and_only_as_the_message_it_belongs_to() {
        let (from, to) = passports();
        let random = SeededRandom::new(1);
        let sealed = seal(&to.agent_id(), &from.agent_id(), "msg-1", b"hi", &random).unwrap();
        assert_eq!(open(&to, &from.agent_id(), "msg-1", &sealed).unwrap().as_slice(), b"hi");

        let stranger = Passport::from_seed([3; 32]);
        for failed in [
            open(&stranger, &from.agent_id(), "msg-1", &sealed),
            open(&from, &from.agent_id(), "msg-1", &sealed),
            open(&to, &stranger.agent_id(), "msg-1", &sealed),
            open(&to, &from.agent_id(), "msg-2", &sealed),
        ] {
            assert_eq!(failed.unwrap_err().code(), Code::SealBroken);
        }
    }

    #[test]
    fn the_same_text_is_never_sealed_to_the_same_bytes() {
        let (from, to) = passports();
        let random = SeededRandom::new(2);
        let sealed = || seal(&to.agent_id(), &from.agent_id(), "msg-1", b"hi", &random).unwrap();
        let (first, second) = (sealed(), sealed());
        assert!(first.enc != second.enc && first.ciphertext != second.ciphertext);
    }

    #[test]
    fn ids_and_ephemeral_keys_of_small_order_are_refused() {
        let (from, to) = passports();
        let mut one = [0; 32];
        one[0] = 1;
        for weak in [[0; 32], one] {
            let random = SeededRandom::new(3);
            let sealed = seal(&AgentId::from_bytes(weak), &from.agent_id(), "m", b"hi", &random);
            assert_eq!(sealed.unwrap_err().code(), Code::AgentIdInvalid);
            let forged = Sealed { enc: weak, ciphertext: vec![0; 18] };
            assert_eq!(open(&to, &from.agent_id(), "m", &forged).unwrap_err().code(), Code::SealBroken);
        }
    }

    #[test]
    fn the_json_form_names_its_suite_and_is_exact() {
        let sealed = Sealed { enc: [7; 32], ciphertext: vec![1, 2, 3, 4] };
        let form = serde_json::to_value(&sealed).unwrap();
        assert_eq!(
            form,
            json!({"suite": SUITE, "enc": format!("{}c=", "BwcH".repeat(10) + "Bw"), "ciphertext": "AQIDBA=="})
        );
        assert_eq!(serde_json::from_value::<Sealed>(form.clone()).unwrap(), sealed);
        for (member, bad) in [
            ("suite", "none"),
            ("enc", "BwcH"),
            ("ciphertext", "AQIDBA"),
            ("ciphertext", "AQIDBB=="),
            ("ciphertext", "AQID BA=="),
        ] {
            let mut changed = form.clone();
            changed[member] = json!(bad);
            assert!(serde_json::from_value::<Sealed>(changed).is_err(), "{member} {bad}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]

        #[test]
        fn any_flipped_bit_keeps_it_closed(
            plaintext: Vec<u8>,
            seed: u64,
            at: prop::sample::Index,
            bit in 0..8_u8,
        ) {
            let (from, to) = passports();
            let random = SeededRandom::new(seed);
            let sealed = seal(&to.agent_id(), &from.agent_id(), "msg-1", &plaintext, &random).unwrap();
            prop_assert_eq!(sealed.ciphertext.len(), plaintext.len() + 16);
            prop_assert_eq!(&*open(&to, &from.agent_id(), "msg-1", &sealed).unwrap(), &plaintext);

            let mut changed = sealed.clone();
            changed.enc[at.index(32)] ^= 1 << bit;
            prop_assert!(open(&to, &from.agent_id(), "msg-1", &changed).is_err());

            let mut changed = sealed.clone();
            let place = at.index(changed.ciphertext.len());
            changed.ciphertext[place] ^= 1 << bit;
            prop_assert!(open(&to, &from.agent_id(), "msg-1", &changed).is_err());

            let mut sender = *from.agent_id().as_bytes();
            sender[at.index(32)] ^= 1 << bit;
            prop_assert!(open(&to, &AgentId::from_bytes(sender), "msg-1", &sealed).is_err());
        }
    }
}
