//! Whether an answer is like the recorded one.

use serde_json::Value;

/// Members whose value is the same in every run.
const STABLE: [&str; 21] = [
    "accepted",
    "agent_id",
    "auto_accepted",
    "consumed",
    "darkmatter",
    "error",
    "from_agent_id",
    "has_impression",
    "identity_verified",
    "is_waiting",
    "logged",
    "mutual",
    "protocol_version",
    "public_key_hex",
    "routed_to",
    "score",
    "status",
    "success",
    "updated",
    "verified",
    "your_ip",
];

/// The first place where `ours` lacks something of `theirs`, or says something else. What we say beyond it does
/// not disturb a 1.1.1 peer.
pub(crate) fn difference(ours: &Value, theirs: &Value, place: &str) -> Option<String> {
    match (ours, theirs) {
        (Value::Object(ours), Value::Object(theirs)) => theirs.iter().find_map(|(name, theirs)| {
            let place = format!("{place}.{name}");
            let Some(ours) = ours.get(name) else { return Some(format!("{place} is missing")) };
            if STABLE.contains(&name.as_str()) && ours != theirs {
                return Some(format!("{place} is {ours}, recorded {theirs}"));
            }
            difference(ours, theirs, &place)
        }),
        (Value::Array(ours), Value::Array(theirs)) => {
            // Lists differ in length; their entries have one shape.
            let (Some(ours), Some(theirs)) = (ours.first(), theirs.first()) else { return None };
            let unordered = place.ends_with("messages") || place.ends_with("connections");
            if unordered {
                members(ours, theirs, place)
            } else {
                difference(ours, theirs, &format!("{place}[0]"))
            }
        }
        (Value::Null, _) | (_, Value::Null) => None,
        _ if std::mem::discriminant(ours) == std::mem::discriminant(theirs) => None,
        _ => Some(format!("{place} is {ours}, recorded {theirs}")),
    }
}

/// Only the names: which entry comes first depends on what happened before.
fn members(ours: &Value, theirs: &Value, place: &str) -> Option<String> {
    let names = theirs.as_object()?.keys();
    names
        .filter(|name| ours.get(name.as_str()).is_none())
        .map(|name| format!("{place}[0].{name} is missing"))
        .next()
}
