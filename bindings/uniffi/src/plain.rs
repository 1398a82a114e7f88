//! Values that are text or numbers in every language, with names that say what they are.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de, ser};
use serde_json::{Map, Value};

/// An agent's Ed25519 public key as 64 lower-case hexadecimal digits.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct AgentId(pub String);
uniffi::custom_newtype!(AgentId, String);

impl fmt::Display for AgentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// An Ed25519 signature as 128 lower-case hexadecimal digits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Signature(pub String);
uniffi::custom_newtype!(Signature, String);

/// A wall-clock moment: microseconds since 1970.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Timestamp(pub i64);
uniffi::custom_newtype!(Timestamp, i64);

/// A JSON object as text, such as `{"type": "chatter"}`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Json(pub String);
uniffi::custom_newtype!(Json, String);

impl Default for Json {
    fn default() -> Self {
        Self("{}".to_owned())
    }
}

impl Serialize for Json {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let object: Map<String, Value> = serde_json::from_str(&self.0)
            .map_err(|cause| ser::Error::custom(format!("text that is no JSON object: {cause}")))?;
        object.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let object = Map::<String, Value>::deserialize(deserializer)?;
        serde_json::to_string(&object).map(Self).map_err(de::Error::custom)
    }
}
