//! `${bob.id}`, `${receipt.message_id}`, `${"x" * 65537}`: what a step says before it is known.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::Result;

/// What was saved, and what is known about the nodes.
#[derive(Debug, Default)]
pub(crate) struct Variables(BTreeMap<String, Value>);

impl Variables {
    pub(crate) fn set(&mut self, name: &str, value: Value) {
        self.0.insert(name.to_owned(), value);
    }

    /// A value with every variable in it replaced. A text that is nothing but one variable becomes its value, of
    /// whatever type; inside a text a variable must be a text or a number.
    pub(crate) fn fill(&self, value: &Value) -> Result<Value> {
        Ok(match value {
            Value::String(text) => self.text(text)?,
            Value::Array(items) => items.iter().map(|item| self.fill(item)).collect::<Result<_>>()?,
            Value::Object(members) => Value::Object(self.members(members)?),
            other => other.clone(),
        })
    }

    pub(crate) fn members(&self, members: &Map<String, Value>) -> Result<Map<String, Value>> {
        members.iter().map(|(name, value)| Ok((name.clone(), self.fill(value)?))).collect()
    }

    fn text(&self, text: &str) -> Result<Value> {
        let (mut rest, mut filled) = (text, String::new());
        while let Some((before, after)) = rest.split_once("${") {
            let (name, behind) =
                after.split_once('}').ok_or_else(|| format!("`{text}` has a `${{` without its end"))?;
            let value = self.value(name.trim())?;
            if before.is_empty() && behind.is_empty() && filled.is_empty() {
                return Ok(value);
            }
            filled.push_str(before);
            match value {
                Value::String(part) => filled.push_str(&part),
                Value::Number(number) => filled.push_str(&number.to_string()),
                other => return Err(format!("`${{{name}}}` is {other}, which is no part of a text")),
            }
            rest = behind;
        }
        filled.push_str(rest);
        Ok(Value::String(filled))
    }

    fn value(&self, name: &str) -> Result<Value> {
        if let Some((part, times)) = name.split_once('*') {
            let part: String = serde_json::from_str(part.trim())
                .map_err(|_| format!("`{name}`: what is repeated is text in quotes"))?;
            let times: usize = times.trim().parse().map_err(|_| format!("`{name}`: repeated how often?"))?;
            return Ok(Value::String(part.repeat(times)));
        }
        let mut path = name.split('.');
        let first = path.next().unwrap_or_default();
        let start = self.0.get(first).ok_or_else(|| {
            let known = self.0.keys().cloned().collect::<Vec<_>>().join(", ");
            format!("`${{{name}}}`: nothing is called `{first}`; there are {known}")
        })?;
        path.try_fold(start, |value, part| match value {
            Value::Array(items) => part.parse::<usize>().ok().and_then(|index| items.get(index)),
            other => other.get(part),
        })
        .cloned()
        .ok_or_else(|| format!("`${{{name}}}` leads nowhere in {start}"))
    }
}
