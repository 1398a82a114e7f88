//! Commands as a line of words, for hosts in languages that have no reader of JSON at hand.
//!
//! ```text
//! 7 ⇥ call ⇥ messages.send ⇥ {"to":"ab…","content":"a\tb","hops":3} ⇥ content=a%09b ⇥ hops:=3 ⇥ to=ab…
//! ```
//!
//! The words are the id, the command, its subject (a verb, or nothing), all arguments as JSON, and each argument by
//! itself: `name=` and its text, or `name:=` and its JSON when it is no text. Percent, tab, line feed, carriage return and
//! NUL stand as `%` and two hexadecimal digits.

use serde_json::{Map, Value};

/// The line for a command, without its end.
pub(crate) fn line(id: u64, command: &str, subject: &str, arguments: &Map<String, Value>) -> String {
    let mut words = vec![
        id.to_string(),
        command.to_owned(),
        escaped(subject),
        escaped(&Value::Object(arguments.clone()).to_string()),
    ];
    words.extend(arguments.iter().map(|(name, value)| match value {
        Value::String(text) => format!("{}={}", escaped(name), escaped(text)),
        other => format!("{}:={}", escaped(name), escaped(&other.to_string())),
    }));
    words.join("\t")
}

fn escaped(text: &str) -> String {
    text.chars().fold(String::with_capacity(text.len()), |mut done, c| {
        match c {
            '%' | '\t' | '\n' | '\r' | '\0' => done.push_str(&format!("%{:02x}", c as u32)),
            other => done.push(other),
        }
        done
    })
}
