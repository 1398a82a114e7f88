//! The pages in `src/docs` say what the code does: settings, defaults, variables, capabilities.

use std::collections::BTreeMap;

use dmagent::NodeConfig;
use dmagent::node::config::VARIABLES;
use serde_json::Value;

const CONFIGURATION: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/src/docs/configuration.md"));

/// The rows of the table below a heading, each as its cells.
fn table(page: &str, heading: &str) -> Vec<Vec<String>> {
    let below =
        page.split_once(&format!("\n## {heading}\n")).unwrap_or_else(|| panic!("no heading {heading}")).1;
    below
        .lines()
        .skip_while(|line| !line.starts_with('|'))
        .take_while(|line| line.starts_with('|'))
        .skip(2)
        .map(|line| line.trim_matches('|').split(" | ").map(|cell| cell.trim().to_owned()).collect())
        .collect()
}

fn code(value: &Value) -> String {
    format!("`{value}`")
}

fn members(config: &NodeConfig) -> BTreeMap<String, Value> {
    let Ok(Value::Object(members)) = serde_json::to_value(config) else { panic!("settings are an object") };
    members.into_iter().collect()
}

/// Members of settings with names like `limits.peer`, and their values.
fn flattened(config: &NodeConfig) -> BTreeMap<String, Value> {
    let mut flat = BTreeMap::new();
    for (name, value) in members(config) {
        match value {
            Value::Object(inner) if name == "limits" || name == "inbox" => {
                flat.extend(inner.into_iter().map(|(inner, value)| (format!("{name}.{inner}"), value)));
            }
            value => {
                flat.insert(name, value);
            }
        }
    }
    flat
}

#[test]
fn every_setting_is_in_the_table_with_its_defaults() {
    let (modest, internet) = (flattened(&NodeConfig::new()), flattened(&NodeConfig::internet()));
    let rows = table(CONFIGURATION, "Settings");
    let told: BTreeMap<_, _> = rows
        .iter()
        .map(|row| {
            assert!(row.len() == 4 && !row[3].is_empty(), "member, default, internet, meaning: {row:?}");
            (row[0].trim_matches('`').to_owned(), (row[1].clone(), row[2].clone()))
        })
        .collect();
    assert_eq!(told.len(), rows.len(), "a setting stands in the table twice");
    let expected: BTreeMap<_, _> = modest
        .iter()
        .map(|(name, value)| {
            let other = &internet[name];
            let other = if other == value { String::from("same") } else { code(other) };
            (name.clone(), (code(value), other))
        })
        .collect();
    for (name, columns) in &expected {
        assert_eq!(told.get(name), Some(columns), "the row of `{name}`");
    }
    assert_eq!(told.len(), expected.len(), "a row for a setting that does not exist");
}

#[test]
fn every_variable_is_in_the_table_as_the_code_has_it() {
    let expected: String = VARIABLES
        .iter()
        .map(|variable| {
            let default = match variable.default {
                "" => String::from("none"),
                default => format!("`{default}`"),
            };
            format!("| `{}` | {default} | {} |\n", variable.name, variable.effect)
        })
        .collect();
    assert!(CONFIGURATION.contains(&expected), "the table of variables should be\n\n{expected}");
    assert_eq!(table(CONFIGURATION, "Variables").len(), VARIABLES.len());
}

#[tokio::test]
async fn a_node_announces_the_capabilities_that_the_page_of_the_wire_names() {
    let page = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/src/docs/wire.md"));
    let told: BTreeMap<String, Value> = table(page, "Capabilities")
        .into_iter()
        .map(|row| (row[0].trim_matches('`').to_owned(), row[1].parse().unwrap()))
        .collect();
    let mut config = NodeConfig::ephemeral();
    config.http = true;
    config.mailbox = true;
    let (node, other) = (dmagent::Node::open(config.clone()).await, dmagent::Node::open(config).await);
    let (node, other) = (node.unwrap(), other.unwrap());
    let peer = node.peers().connect(dmagent::ConnectArgs::new(other.info().url)).await.unwrap();
    assert_eq!(peer.capabilities.into_iter().collect::<BTreeMap<_, _>>(), told);
    node.close().await.unwrap();
    other.close().await.unwrap();
}

const DIFFERENCES: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/src/docs/differences.md"));

#[test]
fn every_weakness_and_defect_of_the_original_has_a_line() {
    let mut told = Vec::new();
    for line in DIFFERENCES.lines().filter(|line| line.starts_with("- **")) {
        let mut named = line.split("**").skip(1).step_by(2).take(2).filter_map(|name| {
            let (kind, number) = name.split_at_checked(1)?;
            Some((kind.to_owned(), number.parse::<u32>().ok()?))
        });
        let Some((kind, first)) = named.next() else { continue };
        let last =
            if line.contains("** to **") { named.next().map_or(first, |(_, last)| last) } else { first };
        told.extend((first..=last).map(|number| format!("{kind}{number}")));
    }
    let expected: Vec<_> =
        (1..=20).map(|n| format!("S{n}")).chain((1..=28).map(|n| format!("B{n}"))).collect();
    assert_eq!(told, expected);
}

#[test]
fn the_endpoints_that_are_said_not_to_be_served_are_not() {
    use dmagent::wire::route::{MESH_PREFIX, Method, Route, RouteError};
    let rows = table(DIFFERENCES, "Endpoints that are not served");
    let names: Vec<_> =
        rows.iter().flat_map(|row| row[0].split(", ")).map(|name| name.trim_matches('`')).collect();
    assert_eq!(names.len(), 9);
    for name in names {
        let path = if name.starts_with('/') { name.to_owned() } else { format!("{MESH_PREFIX}{name}") };
        for method in [Method::Get, Method::Post] {
            assert_eq!(Route::parse(method, &path, false), Err(RouteError::NotFound), "{path}");
        }
    }
}
