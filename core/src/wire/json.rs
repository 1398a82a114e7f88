//! JSON from strangers: one object, read once, with nothing left to interpretation.
//!
//! A name that appears twice, a lone surrogate or a second value behind the first is read differently by
//! different readers, so a signature over one reading could be shown for another. All are refused here,
//! together with everything too large or too deep.

use std::{cell::Cell, fmt};

use serde::de::{self, DeserializeSeed, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value, map::Entry};

use super::limits;
use crate::error::{Code, Error};

/// Why bytes are not an acceptable JSON object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JsonError {
    /// More than [`limits::FRAME_BYTES`].
    TooLarge,
    /// Not UTF-8.
    NotUtf8,
    /// Not one complete JSON value. This includes NaN and infinities, numbers too large for a double,
    /// lone surrogates, and anything behind the value.
    Syntax,
    /// JSON, but no object.
    NotAnObject,
    /// A name appears twice in one object.
    DuplicateKey,
    /// Nested deeper than [`limits::FRAME_DEPTH`].
    TooDeep,
}

impl JsonError {
    /// What is wrong, in one sentence fit for a peer.
    pub const fn sentence(self) -> &'static str {
        match self {
            Self::TooLarge => "The body is too large.",
            Self::NotUtf8 => "The body is not UTF-8.",
            Self::Syntax => "Invalid JSON body",
            Self::NotAnObject => "The body must be a JSON object.",
            Self::DuplicateKey => "A name appears twice in one JSON object.",
            Self::TooDeep => "The JSON is nested too deeply.",
        }
    }

    /// The stable code.
    pub const fn code(self) -> Code {
        match self {
            Self::TooLarge => Code::WireTooLarge,
            _ => Code::WireMalformed,
        }
    }
}

impl fmt::Display for JsonError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.sentence())
    }
}

impl std::error::Error for JsonError {}

impl From<JsonError> for Error {
    fn from(reason: JsonError) -> Self {
        Self::new(reason.code(), reason.sentence())
    }
}

/// Reads one JSON object, in a single pass. An integer too large for 64 bits becomes a double, as in
/// every reader that has no big integers; such numbers cannot be signed (see
/// [`BodyDigest::plain`](super::canonical::BodyDigest::plain)).
pub fn parse_object(bytes: &[u8]) -> Result<Map<String, Value>, JsonError> {
    if bytes.len() > limits::FRAME_BYTES {
        return Err(JsonError::TooLarge);
    }
    let text = std::str::from_utf8(bytes).map_err(|_| JsonError::NotUtf8)?;
    let refused = Cell::new(None);
    let mut reader = serde_json::Deserializer::from_str(text);
    let value = Strict { depth: 0, refused: &refused }
        .deserialize(&mut reader)
        .and_then(|value| reader.end().map(|()| value))
        .map_err(|_| refused.get().unwrap_or(JsonError::Syntax))?;
    match value {
        Value::Object(object) => Ok(object),
        _ => Err(JsonError::NotAnObject),
    }
}

/// The member of an object that cannot be a part of a `T`, with its value and the reason: serde's own error names
/// unknown and missing members, but not those of a wrong type.
pub fn culprit<T: de::DeserializeOwned>(members: &Map<String, Value>) -> Option<(&str, &Value, String)> {
    let read =
        |object| serde_json::from_value::<T>(Value::Object(object)).err().map(|cause| cause.to_string());
    let all_are_optional = read(Map::new()).is_none();
    members.iter().find_map(|(name, value)| {
        let cause = read(Map::from_iter([(name.clone(), value.clone())]))?;
        (all_are_optional || !cause.starts_with("missing field")).then_some((name.as_str(), value, cause))
    })
}

/// Builds a value, `depth` levels below the outermost. Its own reasons go to `refused`, because serde
/// carries errors as text.
#[derive(Clone, Copy)]
struct Strict<'a> {
    depth: usize,
    refused: &'a Cell<Option<JsonError>>,
}

impl Strict<'_> {
    fn refuse<E: de::Error>(self, reason: JsonError) -> E {
        self.refused.set(Some(reason));
        E::custom(reason)
    }

    fn deeper<E: de::Error>(self) -> Result<Self, E> {
        if self.depth == limits::FRAME_DEPTH {
            return Err(self.refuse(JsonError::TooDeep));
        }
        Ok(Self { depth: self.depth + 1, ..self })
    }
}

impl<'de> DeserializeSeed<'de> for Strict<'_> {
    type Value = Value;

    fn deserialize<D: de::Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<Value, E> {
        let number = serde_json::Number::from_f64(value).ok_or_else(|| self.refuse(JsonError::Syntax))?;
        Ok(Value::Number(number))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let inner = self.deeper()?;
        let mut values = Vec::new();
        while let Some(value) = items.next_element_seed(inner)? {
            values.push(value);
        }
        Ok(Value::Array(values))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let inner = self.deeper()?;
        let mut object = Map::new();
        while let Some(name) = members.next_key::<String>()? {
            match object.entry(name) {
                Entry::Occupied(_) => return Err(self.refuse(JsonError::DuplicateKey)),
                Entry::Vacant(place) => place.insert(members.next_value_seed(inner)?),
            };
        }
        Ok(Value::Object(object))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn nested(levels: usize) -> String {
        format!("{{\"a\":{}{}}}", "[".repeat(levels - 1), "]".repeat(levels - 1))
    }

    #[test]
    fn reads_every_kind_of_value() {
        let text =
            r#" {"n":null,"t":true,"i":-1,"u":18446744073709551615,"f":1.5,"s":"\ud83d\ude80é","a":[{}]} "#;
        let expected = json!({"n": null, "t": true, "i": -1, "u": u64::MAX, "f": 1.5, "s": "🚀é", "a": [{}]});
        assert_eq!(Value::Object(parse_object(text.as_bytes()).unwrap()), expected);
    }

    #[test]
    fn a_member_that_does_not_fit_is_named() {
        #[derive(serde::Deserialize)]
        struct Args {
            #[serde(rename = "to")]
            _to: String,
            #[serde(rename = "count", default)]
            _count: u8,
        }
        for (members, name) in [
            (json!({"to": 5, "count": 1}), Some("to")),
            (json!({"to": "a", "count": 700}), Some("count")),
            (json!({"count": "one"}), Some("count")),
            (json!({"count": 1}), None),
            (json!({"to": "a"}), None),
        ] {
            let found = culprit::<Args>(members.as_object().unwrap());
            assert_eq!(found.map(|(name, ..)| name), name, "{members}");
        }
    }

    #[test]
    fn refuses_what_readers_disagree_on() {
        use JsonError::{DuplicateKey, NotAnObject, NotUtf8, Syntax};
        let cases: &[(&[u8], JsonError)] = &[
            (b"", Syntax),
            (b"{", Syntax),
            (b"{}{}", Syntax),
            (b"{} x", Syntax),
            (b"{\"a\":1,}", Syntax),
            (b"{'a':1}", Syntax),
            (b"{\"a\":NaN}", Syntax),
            (b"{\"a\":-Infinity}", Syntax),
            (b"{\"a\":1e999}", Syntax),
            (b"{\"a\":01}", Syntax),
            (b"{\"a\":\"\\ud800\"}", Syntax),
            (b"{\"a\":\"\\udc00\"}", Syntax),
            (b"{\"\\ud800\":1}", Syntax),
            (b"{\"a\":\"\n\"}", Syntax),
            (b"\xef\xbb\xbf{}", Syntax),
            (b"{\"a\":\"\xff\"}", NotUtf8),
            (b"[]", NotAnObject),
            (b"5", NotAnObject),
            (b"null", NotAnObject),
            (b"{\"a\":1,\"a\":1}", DuplicateKey),
            (b"{\"a\":[{\"b\":{\"c\":1,\"\\u0063\":2}}]}", DuplicateKey),
        ];
        for (bytes, reason) in cases {
            assert_eq!(parse_object(bytes), Err(*reason), "{}", String::from_utf8_lossy(bytes));
        }
    }

    #[test]
    fn refuses_one_level_and_one_byte_too_much() {
        assert!(parse_object(nested(limits::FRAME_DEPTH).as_bytes()).is_ok());
        assert_eq!(parse_object(nested(limits::FRAME_DEPTH + 1).as_bytes()), Err(JsonError::TooDeep));
        // So deep that a reader without the limit would run out of stack.
        assert_eq!(parse_object(nested(500_000).as_bytes()), Err(JsonError::TooDeep));

        let text = |size: usize| format!("{{\"a\":\"{}\"}}", "x".repeat(size - 8));
        assert!(parse_object(text(limits::FRAME_BYTES).as_bytes()).is_ok());
        assert_eq!(parse_object(text(limits::FRAME_BYTES + 1).as_bytes()), Err(JsonError::TooLarge));
    }

    fn value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            any::<String>().prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 32, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::btree_map(any::<String>(), inner, 0..4)
                    .prop_map(|members| Value::Object(members.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn what_was_written_is_read_back(inner in value()) {
            let object = json!({"inner": inner});
            prop_assert_eq!(Value::Object(parse_object(object.to_string().as_bytes()).unwrap()), object);
        }

        #[test]
        fn no_bytes_make_it_panic(bytes: Vec<u8>) {
            let _ = parse_object(&bytes);
        }

        #[test]
        fn what_it_accepts_every_reader_accepts(text in "[{}\\[\\]\",:a0-9.eE\\\\u+-]{0,24}") {
            if let Ok(object) = parse_object(format!("{{{text}}}").as_bytes()) {
                let other: Value = serde_json::from_str(&format!("{{{text}}}")).unwrap();
                prop_assert_eq!(Value::Object(object), other);
            }
        }
    }
}
