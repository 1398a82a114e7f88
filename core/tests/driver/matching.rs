//! Whether what came is what was expected.
//!
//! An object matches when every member it names matches; other members do not matter. A list matches item by item.
//! An object with a member that starts with `$` is a test: `{"$any": true}`, `{"$has": […]}` and the others below.

use serde_json::{Map, Value};

use super::Result;

/// `Ok` when `found` matches `wanted`; else a sentence that names the place.
pub(crate) fn matches(wanted: &Value, found: &Value) -> Result {
    at("", wanted, found)
}

fn at(place: &str, wanted: &Value, found: &Value) -> Result {
    let differs = || Err(format!("{}: expected {wanted}, found {found}", shown(place)));
    match (wanted, found) {
        (Value::Object(tests), _) if tests.keys().any(|name| name.starts_with('$')) => {
            tests.iter().try_for_each(|(name, argument)| test(place, name, argument, found))
        }
        (Value::Object(wanted), Value::Object(found)) => members(place, wanted, found),
        (Value::Array(wanted), Value::Array(items)) => {
            if wanted.len() != items.len() {
                let (count, all) = (items.len(), Value::from(items.clone()));
                return Err(format!(
                    "{}: expected {} items, found {count}: {all}",
                    shown(place),
                    wanted.len()
                ));
            }
            let mut pairs = wanted.iter().zip(items).enumerate();
            pairs.try_for_each(|(index, (wanted, item))| at(&format!("{place}.{index}"), wanted, item))
        }
        // 1 and 1.0 are one number; languages write it as they like.
        (Value::Number(wanted), Value::Number(found)) if wanted.as_f64() == found.as_f64() => Ok(()),
        _ if wanted == found => Ok(()),
        _ => differs(),
    }
}

fn members(place: &str, wanted: &Map<String, Value>, found: &Map<String, Value>) -> Result {
    wanted.iter().try_for_each(|(name, wanted)| match found.get(name) {
        Some(value) => at(&format!("{place}.{name}"), wanted, value),
        // A language may leave out what is null.
        None if wanted.is_null() => Ok(()),
        None => Err(format!("{}: there is no `{name}` in {}", shown(place), Value::Object(found.clone()))),
    })
}

fn test(place: &str, name: &str, argument: &Value, found: &Value) -> Result {
    let holds = match (name, argument, found) {
        // Anything but null.
        ("$any", Value::Bool(true), _) => !found.is_null(),
        ("$contains", Value::String(part), Value::String(text)) => text.contains(part.as_str()),
        // A name, in the letter case of whatever language.
        ("$names", Value::String(name), Value::String(text)) => folded(text).contains(&folded(name)),
        ("$length", _, Value::String(text)) => argument.as_u64() == Some(text.chars().count() as u64),
        ("$length", _, Value::Array(items)) => argument.as_u64() == Some(items.len() as u64),
        ("$at_least", _, Value::Number(number)) => argument.as_f64() <= number.as_f64(),
        ("$not", _, _) => matches(argument, found).is_err(),
        ("$one_of", Value::Array(choices), _) => choices.iter().any(|choice| matches(choice, found).is_ok()),
        // Items that match each of these are in the list, wherever.
        ("$has", Value::Array(wanted), Value::Array(items)) => {
            wanted.iter().all(|wanted| items.iter().any(|item| matches(wanted, item).is_ok()))
        }
        // So many items match.
        ("$count", Value::Object(count), Value::Array(items)) => {
            let (Some(of), Some(is), 2) = (count.get("of"), count.get("is"), count.len()) else {
                return Err(format!("$count takes `of` and `is`, not {argument}"));
            };
            is.as_u64() == Some(items.iter().filter(|item| matches(of, item).is_ok()).count() as u64)
        }
        ("$any" | "$contains" | "$names" | "$length" | "$at_least" | "$has" | "$count", ..) => false,
        _ => return Err(format!("`{name}` is no test")),
    };
    if holds { Ok(()) } else { Err(format!("{}: expected {name} {argument}, found {found}", shown(place))) }
}

fn folded(text: &str) -> String {
    text.chars().filter(|c| *c != '_').flat_map(char::to_lowercase).collect()
}

fn shown(place: &str) -> &str {
    if place.is_empty() { "the whole" } else { place.trim_start_matches('.') }
}

/// Every test that is named in a pattern is one that exists, whatever is found later.
pub(crate) fn check(pattern: &Value) -> Result {
    const TESTS: [&str; 9] =
        ["$any", "$contains", "$names", "$length", "$at_least", "$not", "$one_of", "$has", "$count"];
    match pattern {
        Value::Object(members) => members.iter().try_for_each(|(name, value)| {
            if name.starts_with('$') && !TESTS.contains(&name.as_str()) {
                return Err(format!("`{name}` is no test; there are {}", TESTS.join(", ")));
            }
            check(value)
        }),
        Value::Array(items) => items.iter().try_for_each(check),
        _ => Ok(()),
    }
}
