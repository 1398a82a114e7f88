//! Ed25519 signatures: 64 bytes, written as 128 lower-case hexadecimal digits.

use std::{borrow::Cow, fmt};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::hex_text;

/// An Ed25519 signature. Whether it holds says [`AgentId::verify`](super::AgentId::verify).
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Signature(pub [u8; 64]);

impl Signature {
    /// Reads what 1.1.1 accepts: any hex case, white space between bytes.
    pub fn parse_lenient(text: &str) -> Option<Self> {
        hex_text::lenient(text).map(Self)
    }

    /// The bytes R and S.
    pub const fn as_bytes(&self) -> &[u8; 64] {
        &self.0
    }
}

impl fmt::Display for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Signature({}…)", hex::encode(&self.0[..6]))
    }
}

impl Serialize for Signature {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Signature {
    /// Lenient, because 1.1.1 verifies any spelling of a signature.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<'de, str>::deserialize(deserializer)?;
        Self::parse_lenient(&text)
            .ok_or_else(|| de::Error::custom("not a signature; expected 128 hexadecimal digits"))
    }
}

impl JsonSchema for Signature {
    fn schema_name() -> Cow<'static, str> {
        "Signature".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "pattern": "^[0-9a-f]{128}$",
            "description": "An Ed25519 signature as 128 lower-case hexadecimal digits."
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_written_in_lower_case_and_read_in_any() {
        let signature = Signature([0xab; 64]);
        let text = serde_json::to_string(&signature).unwrap();
        assert_eq!(text, format!("\"{}\"", "ab".repeat(64)));
        assert_eq!(serde_json::from_str::<Signature>(&text.to_uppercase()).unwrap(), signature);
        assert!(serde_json::from_str::<Signature>("\"abab\"").is_err());
    }
}
