//! Why settings cannot be read, in words for whoever wrote them: the member, with its group, and what is allowed.

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::NodeConfig;
use crate::{
    error::{Code, Error, Result},
    messaging::InboxLimits,
    wire::{
        json::{JsonError, culprit, parse_object},
        limiter::Limits,
    },
};

/// One JSON object in which no name appears twice, on any level: the reader of `text` must see what the writer meant.
pub(super) fn object(text: &str) -> Result<Map<String, Value>> {
    parse_object(text.as_bytes()).map_err(|reason| match (reason, serde_json::from_str::<Map<_, _>>(text)) {
        // This one says where.
        (JsonError::Syntax | JsonError::NotAnObject, Err(cause)) => unusable(&cause),
        _ => unusable(&reason),
    })
}

/// The settings in an object.
pub(super) fn read(members: Map<String, Value>) -> Result<NodeConfig> {
    // A list would be taken for the members in the order of their declaration.
    for group in ["limits", "inbox"] {
        if let Some(list @ Value::Array(_)) = members.get(group) {
            return Err(
                Error::new(Code::ConfigInvalid, format!("{group} must be an object")).with("value", list)
            );
        }
    }
    serde_json::from_value(Value::Object(members.clone()))
        .map_err(|cause| named(&members).unwrap_or_else(|| unusable(&cause)))
}

pub(super) fn unusable(cause: &impl std::fmt::Display) -> Error {
    Error::new(Code::ConfigInvalid, format!("the configuration cannot be used: {cause}"))
}

/// The error of the first member that cannot be used. What the parser says of them all names none.
fn named(members: &Map<String, Value>) -> Option<Error> {
    let (name, value, cause) = first::<NodeConfig>(members)?;
    let inside = match (name, value) {
        ("limits", Value::Object(group)) => first::<Limits>(group),
        ("inbox", Value::Object(group)) => first::<InboxLimits>(group),
        _ => None,
    };
    let (path, value, cause) = match inside {
        Some((member, value, cause)) => (format!("{name}.{member}"), value, cause),
        None => (name.to_owned(), value, cause),
    };
    let shown: String = value.to_string().chars().take(100).collect();
    // What is wrong inside a list or an object is no word about the member.
    let is_inside = matches!(value, Value::Array(_) | Value::Object(_))
        && !["invalid type: sequence", "invalid type: map"].iter().any(|start| cause.starts_with(start));
    let error = match allowed(&cause).filter(|_| !is_inside) {
        Some(allowed) if name == "limits" && allowed.starts_with("a whole number") => {
            Error::new(Code::ConfigInvalid, format!("{path} must be {allowed}, or null for no limit"))
        }
        Some(allowed) => Error::new(Code::ConfigInvalid, format!("{path} must be {allowed}")),
        None => unusable(&format!("{path}: {cause}")),
    };
    Some(error.with("value", shown))
}

/// The member of a `T` that cannot be used, and why. Of a word that is no text, the reason names the words there are.
fn first<T: DeserializeOwned>(members: &Map<String, Value>) -> Option<(&str, &Value, String)> {
    let (name, value, cause) = culprit::<T>(members)?;
    let as_text = Map::from_iter([(name.to_owned(), Value::String(String::new()))]);
    let words =
        culprit::<T>(&as_text).map(|(.., cause)| cause).filter(|cause| cause.starts_with("unknown variant"));
    Some((name, value, words.unwrap_or(cause)))
}

/// What the parser expected, without the names of its types; none when it says something else.
fn allowed(cause: &str) -> Option<String> {
    if cause.starts_with("unknown field") {
        return None;
    }
    let (_, expected) = cause.rsplit_once(", expected ")?;
    if cause.starts_with("unknown variant") {
        return Some(expected.replace('`', ""));
    }
    let words = match expected {
        "a nonzero u32" => "a whole number, 1 to 4,294,967,295",
        "u16" => "a whole number, 0 to 65,535",
        "u32" => "a whole number, 0 to 4,294,967,295",
        "u64" | "usize" => "a whole number, 0 to 18,446,744,073,709,551,615",
        "a boolean" => "true or false",
        "a string" | "path string" => "text",
        "a sequence" => "a list",
        "a map" => "an object",
        expected if expected.starts_with("struct ") => "an object",
        _ => return None,
    };
    Some(words.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_member_that_cannot_be_used_is_named_with_its_group_and_what_is_allowed() {
        for (settings, told) in [
            (
                r#"{"limits": {"peer": 0}}"#,
                "limits.peer must be a whole number, 1 to 4,294,967,295, or null for no limit",
            ),
            (r#"{"limits": {"ping": 1, "peer": 1.5}}"#, "limits.peer must be a whole number, 1 to"),
            (r#"{"limits": {"ping": "x"}}"#, "limits.ping must be a whole number, 1 to"),
            (r#"{"limits": {"ping": 4294967296}}"#, "limits.ping must be a whole number, 1 to"),
            (r#"{"limits": {"loopback": 7}}"#, "limits.loopback must be limited or exempt"),
            (r#"{"limits": {"loopback": "x"}}"#, "limits.loopback must be limited or exempt"),
            (r#"{"limits": {"n": 1}}"#, "limits.n: unknown field"),
            (r#"{"limits": 7}"#, "limits must be an object"),
            (r#"{"limits": []}"#, "limits must be an object"),
            (r#"{"inbox": [0, 0, 0, 0, 0, 0]}"#, "inbox must be an object"),
            (r#"{"inbox": {"notices": -1}}"#, "inbox.notices must be a whole number, 0 to 18"),
            (r#"{"inbox": {"peers": null}}"#, "inbox.peers must be a whole number, 0 to 18"),
            (r#"{"inbox": {"n": 1}}"#, "inbox.n: unknown field"),
            (r#"{"port": 70000}"#, "port must be a whole number, 0 to 65,535"),
            (r#"{"port": [1]}"#, "port must be a whole number, 0 to 65,535"),
            (r#"{"routing_rules": [{"rule_id": 1}]}"#, "routing_rules: invalid type"),
            (r#"{"http": 1}"#, "http must be true or false"),
            (r#"{"durability": false}"#, "durability must be one of memory, grouped, each"),
            (r#"{"prot": 1}"#, "prot: unknown field"),
        ] {
            for error in [
                NodeConfig::from_json(settings).unwrap_err(),
                NodeConfig::new().changed(settings).unwrap_err(),
            ] {
                assert_eq!(error.code(), Code::ConfigInvalid);
                assert!(error.message().contains(told), "{error}");
            }
        }
    }

    #[test]
    fn no_name_appears_twice_on_any_level() {
        for settings in [
            r#"{"port": 1, "port": 2}"#,
            r#"{"limits": {"peer": 1, "peer": 2}}"#,
            r#"{"access_overrides": {"status": "peer", "status": "local"}}"#,
        ] {
            for error in [
                NodeConfig::from_json(settings).unwrap_err(),
                NodeConfig::new().changed(settings).unwrap_err(),
            ] {
                assert!(error.message().contains("A name appears twice"), "{error}");
            }
        }
    }
}
