//! What a binding hands back, in the form of the schema, and whether an error is what the table of codes says.
//!
//! A binding may hand back less than the record: nothing instead of an empty one, and the value instead of a record with
//! a single member. Here both become the record again, so that one scenario fits every language.

use std::{collections::BTreeMap, sync::OnceLock};

use dmagent::error::{Code, Retry};
use serde_json::{Map, Value, json};

use super::Result;

/// The members of the result of each verb that is a record with at most one of them.
fn small() -> &'static BTreeMap<String, Option<String>> {
    static FOUND: OnceLock<BTreeMap<String, Option<String>>> = OnceLock::new();
    FOUND.get_or_init(|| {
        let schema = dmagent::api::schema();
        let resolved = |result: &Value| match result["$ref"].as_str() {
            Some(reference) => schema.pointer(reference.trim_start_matches('#')).cloned().unwrap_or_default(),
            None => result.clone(),
        };
        let verbs = schema["verbs"].as_array().cloned().unwrap_or_default();
        let records = verbs.iter().filter_map(|verb| {
            let result = resolved(&verb["result"]);
            let none = Map::new();
            let members = match result.get("properties") {
                Some(members) => members.as_object()?,
                None if result["type"] == "object" => &none,
                None => return None,
            };
            (members.len() <= 1).then(|| {
                (verb["name"].as_str().unwrap_or_default().to_owned(), members.keys().next().cloned())
            })
        });
        records.collect()
    })
}

/// The result of a verb as the record of the schema.
pub(crate) fn record(verb: &str, found: Value) -> Value {
    match small().get(verb) {
        Some(None) if found.is_null() => json!({}),
        Some(Some(member)) if !found.is_object() => json!({member: found}),
        _ => found,
    }
}

/// Whether an error is a whole one: its code exists, and what else is told about it is what the table says.
pub(crate) fn check(error: &Map<String, Value>) -> Result<Code> {
    let told = || Value::Object(error.clone());
    let name = error.get("code").and_then(Value::as_str).unwrap_or_default();
    let code = Code::ALL.iter().find(|code| code.name() == name);
    let Some(code) = code else { return Err(format!("no error has the code of {}", told())) };
    let table = [
        ("number", json!(code.number())),
        ("retryable", json!(code.retry() == Retry::Later)),
        ("class", json!(code.host().name())),
    ];
    for (member, value) in table {
        // Not every language has numbers, or classes; all have the hint.
        let found = error.get(member).unwrap_or(&Value::Null);
        if *found != value && (!found.is_null() || member == "retryable") {
            return Err(format!("{member} must be {value} for this code, but the host tells {}", told()));
        }
    }
    if error.get("message").and_then(Value::as_str).is_none_or(str::is_empty) {
        return Err(format!("an error says what happened in `message`, but the host tells {}", told()));
    }
    let known = ["code", "number", "retryable", "class", "message", "context"];
    match error.keys().find(|member| !known.contains(&member.as_str())) {
        Some(member) => Err(format!("no error has a member `{member}`: {}", told())),
        None => Ok(*code),
    }
}
