//! The encryption that 1.1.1 has as library functions and no node ever uses.
//!
//! Kept for completeness, for hosts that exchange such envelopes by other means. Our nodes never produce
//! or accept them: one static key serves both directions of a pair of agents for ever, and nothing but the
//! text is bound. They use [`seal`](super::seal) instead.

use chacha20poly1305::{ChaCha20Poly1305, KeyInit as _, aead::Aead as _};
use hkdf::Hkdf;
use serde::Serialize;
use serde_json::{Map, Value, json};
use sha2::Sha256;
use zeroize::Zeroizing;

use super::canonical;
use crate::{
    env::Random,
    error::{Code, Error, Result},
    identity::{AgentId, Passport},
};

/// What a message says, before it is signed. Serialises in the order of 1.1.1.
#[derive(Clone, Debug, Serialize)]
pub struct LegacyMessage {
    /// Its id.
    pub message_id: String,
    /// Its text.
    pub content: String,
    /// Hops that are left.
    pub hops_remaining: u32,
    /// Anything else.
    pub metadata: Map<String, Value>,
    /// ISO 8601 with an offset.
    pub timestamp: String,
    /// The message it answers.
    pub in_reply_to: Option<String>,
}

/// Encrypts for `recipient`. The result is the object `nonce`, `ciphertext`, `sender_public_key_hex`, all
/// in hexadecimal. A nonce must never be used twice for the same two agents; take [`nonce`].
///
/// # Errors
///
/// `AgentIdInvalid` when the recipient's id is not a usable key.
pub fn encrypt(
    passport: &Passport,
    recipient: &AgentId,
    nonce: [u8; 12],
    plaintext: &[u8],
) -> Result<Map<String, Value>> {
    let unusable = || Error::new(Code::AgentIdInvalid, "cannot encrypt; the recipient's id is no usable key");
    let ciphertext = cipher(passport, recipient)
        .and_then(|cipher| cipher.encrypt(&nonce.into(), plaintext).ok())
        .ok_or_else(unusable)?;
    Ok(object(json!({
        "nonce": hex::encode(nonce),
        "ciphertext": hex::encode(ciphertext),
        "sender_public_key_hex": passport.agent_id().to_string(),
    })))
}

/// Decrypts what `sender` encrypted for us. The sender is the one the caller expects, whatever the object
/// says.
///
/// # Errors
///
/// `SealBroken`, whatever is wrong.
pub fn decrypt(
    passport: &Passport,
    sender: &AgentId,
    encrypted: &Map<String, Value>,
) -> Result<Zeroizing<Vec<u8>>> {
    let member = |name| hex::decode(encrypted.get(name)?.as_str()?).ok();
    let decrypted = || {
        let nonce: [u8; 12] = member("nonce")?.try_into().ok()?;
        let ciphertext = member("ciphertext")?;
        cipher(passport, sender)?.decrypt(&nonce.into(), ciphertext.as_slice()).ok()
    };
    decrypted().map(Zeroizing::new).ok_or_else(|| {
        Error::new(Code::SealBroken, "Decryption failed: wrong key, or the object is damaged or incomplete")
    })
}

/// Signs `message` and, when a recipient is given, puts it into an encrypted envelope.
///
/// # Errors
///
/// Those of [`encrypt`].
pub fn prepare_outbound(
    passport: &Passport,
    message: &LegacyMessage,
    encrypt_for: Option<(&AgentId, [u8; 12])>,
) -> Result<Map<String, Value>> {
    let from = passport.agent_id();
    let signed = Signed {
        message,
        from_agent_id: from,
        from_public_key_hex: from,
        signature_hex: passport.sign(&canonical::message(
            &from,
            &message.message_id,
            &message.timestamp,
            &message.content,
        )),
    };
    let Some((recipient, nonce)) = encrypt_for else {
        return Ok(object(serde_json::to_value(&signed).unwrap_or_default()));
    };
    let encrypted = encrypt(passport, recipient, nonce, &Zeroizing::new(python_json(&signed)))?;
    Ok(object(json!({"e2e_encrypted": true, "encrypted_payload": encrypted, "from_agent_id": from})))
}

/// A random nonce.
pub fn nonce(random: &dyn Random) -> [u8; 12] {
    let mut nonce = [0; 12];
    random.fill(&mut nonce);
    nonce
}

#[derive(Serialize)]
struct Signed<'a> {
    #[serde(flatten)]
    message: &'a LegacyMessage,
    from_agent_id: AgentId,
    from_public_key_hex: AgentId,
    signature_hex: crate::identity::Signature,
}

fn cipher(passport: &Passport, peer: &AgentId) -> Option<ChaCha20Poly1305> {
    let shared = passport.x25519_secret().diffie_hellman(&peer.x25519()?)?;
    let mut key = Zeroizing::new([0; 32]);
    Hkdf::<Sha256>::new(None, shared.as_ref()).expand(b"darkmatter-e2e-v1", key.as_mut()).ok()?;
    ChaCha20Poly1305::new_from_slice(key.as_ref()).ok()
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(members) => members,
        _ => Map::new(),
    }
}

/// JSON as 1.1.1's language writes it: a space behind commas and colons, everything else in ASCII.
fn python_json(value: &impl Serialize) -> Vec<u8> {
    let mut text = Vec::new();
    // Strings, numbers and maps with text keys always serialise, and a vector takes every byte.
    let _ = value.serialize(&mut serde_json::Serializer::with_formatter(&mut text, Python));
    text
}

struct Python;

impl serde_json::ser::Formatter for Python {
    fn begin_array_value<W: ?Sized + std::io::Write>(
        &mut self,
        out: &mut W,
        first: bool,
    ) -> std::io::Result<()> {
        out.write_all(if first { b"" } else { b", " })
    }

    fn begin_object_key<W: ?Sized + std::io::Write>(
        &mut self,
        out: &mut W,
        first: bool,
    ) -> std::io::Result<()> {
        out.write_all(if first { b"" } else { b", " })
    }

    fn begin_object_value<W: ?Sized + std::io::Write>(&mut self, out: &mut W) -> std::io::Result<()> {
        out.write_all(b": ")
    }

    fn write_string_fragment<W: ?Sized + std::io::Write>(
        &mut self,
        out: &mut W,
        text: &str,
    ) -> std::io::Result<()> {
        for character in text.chars() {
            // DEL is ASCII, and that language leaves it as it is.
            if character.is_ascii() {
                out.write_all(&[character as u8])?;
                continue;
            }
            for unit in character.encode_utf16(&mut [0; 2]) {
                write!(out, "\\u{unit:04x}")?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::env::SeededRandom;

    #[test]
    fn writes_text_as_python_does() {
        let value = json!({"a": [1, "é🚀\u{7f}\n\""], "b": {"c": null, "d": []}});
        let text = String::from_utf8(python_json(&value)).unwrap();
        assert_eq!(
            text,
            "{\"a\": [1, \"\\u00e9\\ud83d\\ude80\u{7f}\\n\\\"\"], \"b\": {\"c\": null, \"d\": []}}"
        );
    }

    #[test]
    fn a_pair_of_agents_shares_one_key_in_both_directions() {
        let (a, b) = (Passport::from_seed([1; 32]), Passport::from_seed([2; 32]));
        let random = SeededRandom::new(1);
        let encrypted = encrypt(&a, &b.agent_id(), nonce(&random), b"hi").unwrap();
        assert_eq!(decrypt(&b, &a.agent_id(), &encrypted).unwrap().as_slice(), b"hi");
        // This is why it is not used: the sender's own key opens it as well.
        assert_eq!(decrypt(&a, &b.agent_id(), &encrypted).unwrap().as_slice(), b"hi");
    }
}
