//! Values that are text or numbers in every language, with names that say what they are.

use std::fmt;

use dmagent::error::{Code, Error};
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
            .map_err(|cause| ser::Error::custom(format!("must be text with a JSON object: {cause}")))?;
        object.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let object = Map::<String, Value>::deserialize(deserializer)?;
        serde_json::to_string(&object).map(Self).map_err(de::Error::custom)
    }
}

/// Writes a number, which JSON has only as long as it is finite: another would become null, and mean something else.
pub(crate) fn finite<S: Serializer>(
    number: &(impl Copy + Into<Option<f64>>),
    serializer: S,
) -> Result<S::Ok, S::Error> {
    let number: Option<f64> = (*number).into();
    if let Some(number) = number.filter(|number| !number.is_finite()) {
        return Err(ser::Error::custom(format!("must be a finite number, not {number}")));
    }
    number.serialize(serializer)
}

/// Arguments that need not be given. Those that are read as themselves, so that their members keep their names.
pub(crate) struct Given<T>(pub(crate) Option<T>);

impl<T: Serialize> Serialize for Given<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match &self.0 {
            Some(arguments) => arguments.serialize(serializer),
            None => serializer.serialize_none(),
        }
    }
}

/// Arguments or settings as JSON. What cannot be written is refused by the name of the member.
pub(crate) fn json(given: &impl Serialize) -> Result<Value, Error> {
    serde_path_to_error::serialize(given, serde_json::value::Serializer)
        .map_err(|fault| Error::new(Code::InvalidArgument, format!("{} {}", fault.path(), fault.inner())))
}
