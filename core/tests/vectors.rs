//! The bytes of the mesh, against tables made with dmagent 1.1.1.
//!
//! Where this library refuses what 1.1.1 accepts, or the other way round, the test names the rows and the
//! reason, so that no other difference can slip in.

#![expect(clippy::unwrap_used, reason = "a table that does not fit fails the test")]

#[path = "vectors/identity.rs"]
mod identity;
#[path = "vectors/signatures.rs"]
mod signatures;
#[path = "vectors/urls.rs"]
mod urls;

use dmagent::identity::{AgentId, Passport};
use serde_json::Value;

/// The table `mesh/{name}.json`.
fn table(name: &str) -> Value {
    let path = format!("{}/tests/vectors/mesh/{name}.json", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The rows of a table; a table without rows would prove nothing.
fn rows<'a>(table: &'a Value, name: &str) -> &'a [Value] {
    let rows = table[name].as_array().unwrap_or_else(|| panic!("no list {name}"));
    assert!(!rows.is_empty(), "{name} is empty");
    rows
}

fn text<'a>(row: &'a Value, name: &str) -> &'a str {
    row[name].as_str().unwrap_or_else(|| panic!("no text {name} in {row}"))
}

fn bytes(row: &Value, name: &str) -> Vec<u8> {
    hex::decode(text(row, name)).unwrap()
}

fn id(text: &str) -> AgentId {
    text.parse().unwrap()
}

/// The passport of a seed in hexadecimal.
fn passport(seed: &str) -> Passport {
    let seed: [u8; 32] = hex::decode(seed).unwrap().try_into().unwrap();
    Passport::from_seed(seed)
}

/// The passport that the tables call `name`.
fn named(name: &str) -> Passport {
    let keys = table("keys");
    let row = rows(&keys, "keys").iter().find(|row| row["name"] == name).unwrap();
    passport(text(row, "private_key_hex"))
}
