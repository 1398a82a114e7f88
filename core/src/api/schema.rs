//! The schema: verbs, records, events, settings and error codes as one JSON document, from which the bindings
//! and their docs are generated.

use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

use super::verbs::VERBS;
use crate::{
    error::{Code, HostException, Retry},
    node::{
        config::{NodeConfig, VARIABLES},
        events::Event,
        host::{ConnectionQuestion, ConnectionVerdict, MessageQuestion, MessageVerdict, RouteVerdict},
    },
};

/// The document of `include/dmagent.schema.json`.
pub fn schema() -> Value {
    let mut generator = SchemaSettings::draft2020_12().into_generator();
    let verbs: Vec<Value> = VERBS
        .iter()
        .map(|verb| {
            json!({
                "name": verb.name,
                "doc": verb.doc.trim(),
                "arguments": (verb.arguments)(&mut generator),
                "result": (verb.result)(&mut generator),
            })
        })
        .collect();
    let mut subschemas = Map::new();
    let mut add = |name: &str, schema: schemars::Schema| subschemas.insert(name.to_owned(), schema.into());
    add("event", generator.subschema_for::<Event>());
    add("config", generator.subschema_for::<NodeConfig>());
    add("connection_question", generator.subschema_for::<ConnectionQuestion>());
    add("connection_verdict", generator.subschema_for::<ConnectionVerdict>());
    add("message_question", generator.subschema_for::<MessageQuestion>());
    add("message_verdict", generator.subschema_for::<MessageVerdict>());
    add("route_verdict", generator.subschema_for::<RouteVerdict>());
    let errors: Vec<Value> = Code::ALL
        .iter()
        .map(|code| {
            json!({
                "number": code.number(),
                "name": code.name(),
                "doc": code.doc().trim(),
                "retry": code.retry() == Retry::Later,
                "http_status": code.http_status(),
                "exception": code.host().name(),
            })
        })
        .collect();
    let variables: Vec<Value> = VARIABLES
        .iter()
        .map(
            |variable| json!({"name": variable.name, "default": variable.default, "effect": variable.effect}),
        )
        .collect();
    let exceptions: Vec<_> = HostException::ALL.iter().map(|exception| exception.name()).collect();
    json!({
        "version": env!("CARGO_PKG_VERSION"),
        "verbs": verbs,
        "types": subschemas,
        "errors": errors,
        "exceptions": exceptions,
        "environment": variables,
        "$defs": generator.take_definitions(true),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reference_of_the_schema_is_defined() {
        let document = schema();
        let text = document.to_string();
        for reference in text.match_indices("#/$defs/").map(|(at, prefix)| &text[at + prefix.len()..]) {
            let name = reference.split('"').next().unwrap();
            assert!(document["$defs"].get(name).is_some(), "{name}");
        }
        assert_eq!(document["verbs"].as_array().unwrap().len(), VERBS.len());
    }
}
