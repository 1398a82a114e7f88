//! Agent ids: the Ed25519 public key of an agent.

use std::{fmt, str::FromStr};

use ed25519_dalek::VerifyingKey;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::{Signature, decoded, hex_text};
use crate::error::{Code, Error};

/// Who an agent is: its Ed25519 public key, written as 64 lower-case hexadecimal digits.
///
/// Upper-case text is refused, because signatures cover the text of an id.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AgentId([u8; 32]);

impl AgentId {
    /// From the bytes of a public key. Whether they are a curve point shows when a signature is checked.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The bytes of the public key.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Reads a *key* as 1.1.1 does when it verifies: any hex case, white space between bytes. An id in a
    /// frame is read with [`FromStr`] instead, because signatures cover its text.
    pub fn parse_lenient(key: &str) -> Option<Self> {
        hex_text::lenient(key).map(Self)
    }

    /// Whether `signature` over `bytes` was made with this agent's key.
    ///
    /// Strict: a signature with S outside its range, or any key or R of small order, never holds, so
    /// nobody can make a second signature out of one, or a key under which everything verifies.
    pub fn verify(&self, bytes: &[u8], signature: &Signature) -> bool {
        let signature = ed25519_dalek::Signature::from_bytes(signature.as_bytes());
        decoded::key(&self.0).is_some_and(|key| key.verify_strict(bytes, &signature).is_ok())
    }

    /// The X25519 public key of the same agent, for sealing to it. `None` when the id is no curve point
    /// or has small order: with those everybody could compute the shared secret.
    pub fn x25519(&self) -> Option<[u8; 32]> {
        let key = VerifyingKey::from_bytes(&self.0).ok().filter(|key| !key.is_weak())?;
        Some(key.to_montgomery().to_bytes())
    }

    /// The first 12 digits, for people.
    pub fn short(&self) -> String {
        hex::encode(&self.0[..6])
    }
}

impl FromStr for AgentId {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let mut bytes = [0; 32];
        if text.bytes().any(|byte| byte.is_ascii_uppercase())
            || hex::decode_to_slice(text, &mut bytes).is_err()
        {
            let shown: String = text.chars().take(16).collect();
            return Err(Error::new(
                Code::AgentIdInvalid,
                "not an agent id; expected the 64 lower-case hexadecimal digits of a public key",
            )
            .with("given", format!("{shown:?}, {} characters", text.chars().count())));
        }
        Ok(Self(bytes))
    }
}

impl fmt::Display for AgentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // On the stack, because every frame writes ids several times.
        let mut digits = [0; 64];
        hex::encode_to_slice(self.0, &mut digits).map_err(|_| fmt::Error)?;
        f.write_str(std::str::from_utf8(&digits).map_err(|_| fmt::Error)?)
    }
}

impl fmt::Debug for AgentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.short())
    }
}

impl Serialize for AgentId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut digits = [0; 64];
        hex::encode_to_slice(self.0, &mut digits).map_err(serde::ser::Error::custom)?;
        serializer.serialize_str(std::str::from_utf8(&digits).map_err(serde::ser::Error::custom)?)
    }
}

impl<'de> Deserialize<'de> for AgentId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        // Without the code: the error around this one has its own.
        text.parse().map_err(|error: Error| {
            let given = error.context().first().map_or("", |(_, given)| given.as_str());
            de::Error::custom(format_args!("{} (given: {given})", error.message()))
        })
    }
}

impl JsonSchema for AgentId {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "AgentId".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "pattern": "^[0-9a-f]{64}$",
            "description": "An agent's Ed25519 public key as 64 lower-case hexadecimal digits."
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refuses_upper_case_and_wrong_lengths() {
        let id = "03a107bff3ce10be1d70dd18e74bc09967e4d6309ba50d5f1ddc8664125531b8";
        assert_eq!(id.parse::<AgentId>().unwrap().to_string(), id);
        for bad in ["", "03a1", &id.to_uppercase(), &format!("{id}00"), &id.replace('0', "g")] {
            assert_eq!(bad.parse::<AgentId>().unwrap_err().code(), Code::AgentIdInvalid, "{bad}");
        }
    }

    #[test]
    fn a_key_may_be_spelled_in_upper_case() {
        let id = "03a107bff3ce10be1d70dd18e74bc09967e4d6309ba50d5f1ddc8664125531b8";
        assert_eq!(AgentId::parse_lenient(&id.to_uppercase()), id.parse().ok());
    }

    #[test]
    fn keys_of_small_order_verify_nothing_and_cannot_be_sealed_to() {
        // Identity (y = 1), y = 0, y = -1, and the identity with a non-canonical encoding (y = p + 1).
        let mut minus_one = [0xff; 32];
        (minus_one[0], minus_one[31]) = (0xec, 0x7f);
        let mut one_plus_p = [0xff; 32];
        (one_plus_p[0], one_plus_p[31]) = (0xee, 0x7f);
        let mut one = [0; 32];
        one[0] = 1;
        // R = identity and S = 0 satisfies the lenient equation for these keys and any bytes.
        let mut forged = Signature([0; 64]);
        forged.0[0] = 1;
        for key in [one, [0; 32], minus_one, one_plus_p] {
            let id = AgentId::from_bytes(key);
            assert!(!id.verify(b"anything", &forged), "{id}");
            assert_eq!(id.x25519(), None, "{id}");
        }
    }
}
