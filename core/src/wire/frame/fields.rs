//! Readers of single fields. Each refuses a wrong type with a sentence that names the field.

use serde_json::{Map, Value};

use crate::{
    error::Code,
    identity::{AgentId, Signature},
    wire::{Answer, envelope, limits},
};

/// A refusal of one field.
pub(super) fn refuse(sentence: impl Into<String>) -> Answer {
    Answer::refuse(400, Code::WireField, sentence)
}

fn wrong(name: &str, expected: &str) -> Answer {
    refuse(format!("Field {name} must be {expected}"))
}

/// Takes a member out; `null` counts as absent.
pub(super) fn take(object: &mut Map<String, Value>, name: &str) -> Option<Value> {
    object.remove(name).filter(|value| !value.is_null())
}

/// Optional text.
pub(super) fn text(object: &mut Map<String, Value>, name: &str) -> Result<Option<String>, Answer> {
    match take(object, name) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(wrong(name, "text")),
    }
}

/// Optional text that is cut to `most` characters, as 1.1.1 cuts bios and names.
pub(super) fn text_cut(
    object: &mut Map<String, Value>,
    name: &str,
    most: usize,
) -> Result<Option<String>, Answer> {
    Ok(text(object, name)?.map(|text| cut(text, most)))
}

/// An optional name: one line without control characters, which would otherwise reach terminals, logs and the
/// context of language models. Nothing readable is left of some names; those are absent.
pub(super) fn name(object: &mut Map<String, Value>, name: &str) -> Result<Option<String>, Answer> {
    let readable = |text: String| text.chars().filter(|character| !character.is_control()).collect();
    Ok(text(object, name)?
        .map(readable)
        .map(|text| cut(text, limits::DISPLAY_NAME_CHARS))
        .filter(|text| !text.trim().is_empty()))
}

/// The first `most` characters.
pub(super) fn cut(mut text: String, most: usize) -> String {
    if let Some((end, _)) = text.char_indices().nth(most) {
        text.truncate(end);
    }
    text
}

/// An optional object of bounded size; absent is empty.
pub(super) fn object(object: &mut Map<String, Value>, name: &str) -> Result<Map<String, Value>, Answer> {
    match take(object, name) {
        None => Ok(Map::new()),
        Some(Value::Object(members)) => {
            // The frame as a whole is bounded, so this serialisation is, too.
            if !envelope::fits(&members) {
                return Err(Answer::refuse(
                    413,
                    Code::WireTooLarge,
                    format!("Field {name} exceeds {} bytes", limits::METADATA_BYTES),
                ));
            }
            Ok(members)
        }
        Some(_) => Err(wrong(name, "an object")),
    }
}

/// An optional object of text values (wallets, addresses).
pub(super) fn text_map(object: &mut Map<String, Value>, name: &str) -> Result<Map<String, Value>, Answer> {
    let members = self::object(object, name)?;
    if members.values().all(Value::is_string) { Ok(members) } else { Err(wrong(name, "an object of texts")) }
}

/// An optional flag; absent is false.
pub(super) fn flag(object: &mut Map<String, Value>, name: &str) -> Result<bool, Answer> {
    match take(object, name) {
        None => Ok(false),
        Some(Value::Bool(flag)) => Ok(flag),
        Some(_) => Err(wrong(name, "true or false")),
    }
}

/// Hops: anything that is not a usable number becomes the default, as in 1.1.1.
pub(super) fn hops(object: &mut Map<String, Value>) -> u32 {
    take(object, "hops_remaining")
        .and_then(|value| value.as_u64())
        .and_then(|hops| u32::try_from(hops).ok())
        .filter(|hops| *hops <= limits::MAX_HOPS)
        .unwrap_or(limits::DEFAULT_HOPS)
}

/// Ids, timestamps and other signed single-line fields: LF would make the signed text ambiguous (S13).
pub(super) fn single_line(name: &str, text: &str) -> Result<(), Answer> {
    if text.chars().any(|character| character.is_control()) {
        return Err(wrong(name, "text without control characters"));
    }
    Ok(())
}

/// A required agent id. `too_long` and the length rule are 1.1.1's.
pub(super) fn agent_id(text: &str, name: &str) -> Result<AgentId, Answer> {
    if text.chars().count() > limits::AGENT_ID_CHARS {
        return Err(refuse(format!("{name} too long")));
    }
    text.parse().map_err(|_| {
        Answer::refuse(
            403,
            Code::AgentIdInvalid,
            format!("{name} must be the agent's public key: 64 lower-case hexadecimal digits"),
        )
    })
}

/// An optional presented key. Any hex case is a key, but only the lower-case text equals an id (S5).
pub(super) fn key(object: &mut Map<String, Value>, name: &str) -> Result<Option<String>, Answer> {
    Ok(text_cut(object, name, limits::AGENT_ID_CHARS)?.filter(|key| !key.is_empty()))
}

/// An optional signature. Text that is no signature becomes one that never verifies, so that the refusal
/// is the one for a wrong signature, as in 1.1.1.
pub(super) fn signature(object: &mut Map<String, Value>, name: &str) -> Result<Option<Signature>, Answer> {
    Ok(text(object, name)?
        .filter(|text| !text.is_empty())
        .map(|text| Signature::parse_lenient(&text).unwrap_or(Signature([0xff; 64]))))
}
