"""Writes `records.rs`, `arguments.rs`, `settings.rs` and `events.rs`: everything that crosses the border as a value."""

from __future__ import annotations

import json

from layout import camel
from rust import HEADER, comment, imports, literal, named, typed, variant
from schema import SETTINGS, Node, Schema

SAID = {"Settings": "The settings of a node. What is absent stays as the preset has it."}


def file(title: str, derived: str, body: list[str], used: str = "") -> str:
    text = "\n".join(body) + "\n"
    head = [HEADER.format(title), *imports(text), "", f"use serde::{derived};", "", used, ""]
    return "\n".join(head) + text


def words(schema: Schema, name: str, default: str | None) -> list[str]:
    """An enumeration of words."""
    described = schema.defs[name]
    derives = "Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, uniffi::Enum"
    lines = ["", *comment(described["description"]), f"#[derive({'Default, ' if default else ''}{derives})]", f"pub enum {name} {{"]
    for choice in described["oneOf"]:
        word = choice["const"]
        lines += comment(choice.get("description", f"`{word}`."), "    ")
        lines += ["    #[default]"] if word == default else []
        lines += [f"    #[serde(rename = {json.dumps(word)})]", f"    {variant(word)},"]
    return [*lines, "}"]


def members(schema: Schema, described: Node, indent: str = "    ") -> list[str]:
    """The members of what is read: what the core may leave out has a default."""
    lines = []
    for member, value in described.get("properties", {}).items():
        if "const" in value:
            continue
        kind = typed(schema, value)
        absent = member not in described.get("required", [])
        if absent and value.get("default") is None and not kind.startswith("Option<"):
            kind = f"Option<{kind}>"
        lines += comment(value.get("description", "") or f"`{member}`.", indent)
        lines += [f"{indent}#[serde(default)]"] if absent else []
        lines.append(f"{indent}pub {named(member)}: {kind},")
    return lines


def records(schema: Schema) -> str:
    """Records and words, and what a policy is asked and answers."""
    known = schema.reachable()
    defaults: dict[str, str] = {}
    for name in known:
        for value in schema.defs[name].get("properties", {}).values():
            word = schema.name_of(value)
            if word and schema.is_enum(word) and value.get("default"):
                defaults[word] = value["default"]
    body: list[str] = []
    for name in sorted(schema.defs):
        if schema.is_enum(name):
            body += words(schema, name, defaults.get(name))
    for name in known:
        described = schema.defs[name]
        body += ["", *comment(described["description"].split("\n\n")[0])]
        body += ["#[derive(Clone, Debug, PartialEq, Deserialize, uniffi::Record)]"]
        body += [f"pub struct {'MessageRecord' if name == 'Message' else name} {{", *members(schema, described), "}"]
    for name, tag in (("ConnectionVerdict", "verdict"), ("MessageVerdict", "verdict"), ("RouteVerdict", "route")):
        described = schema.defs[name]
        body += ["", *comment(described["description"]), "#[derive(Clone, Debug, PartialEq, Serialize, uniffi::Enum)]"]
        body += [f'#[serde(tag = "{tag}")]', f"pub enum {name} {{"]
        for choice in described["oneOf"]:
            word = choice["properties"][tag]["const"]
            body += comment(choice["description"], "    ")
            body += [f"    #[serde(rename = {json.dumps(word)})]"]
            inside = [line.replace("pub ", "") for line in members(schema, choice, "        ")]
            body += [f"    {variant(word)} {{", *inside, "    },"] if inside else [f"    {variant(word)},"]
        body += ["}"]
    plain = "use crate::plain::{AgentId, Json, Signature, Timestamp};"
    return file("Words and records, and what a policy is asked and answers.", "{Deserialize, Serialize}", body, plain)


def given(schema: Schema, name: str, exported: str, all_optional: bool) -> list[str]:
    """A record that a program fills in: what it need not give has a default."""
    described = schema.defs[name]
    body = ["", *comment(SAID.get(exported) or described["description"].split("\n\n")[0])]
    body += ["#[derive(Clone, Debug, PartialEq, Serialize, uniffi::Record)]", f"pub struct {exported} {{"]
    first = described.get("required", [])
    members = described.get("properties", {})
    for member in [*first, *(member for member in members if member not in first)]:
        value, required = members[member], member in first
        kind, default = typed(schema, value), value.get("default")
        # A word has no form as a default that every generator reads.
        loose = all_optional or default in (None, {}) or schema.is_word(value)
        optional = not required and (loose or kind.startswith("Option<"))
        if optional and not kind.startswith("Option<"):
            kind = f"Option<{kind}>"
        body += comment(value.get("description", ""), "    ")
        crossing = ['skip_serializing_if = "Option::is_none"'] if optional else []
        crossing += ['serialize_with = "finite"'] if "f64" in kind else []
        body += [f"    #[serde({', '.join(crossing)})]"] if crossing else []
        if optional:
            body += ["    #[uniffi(default = None)]"]
        elif not required:
            body += [f"    #[uniffi(default = {literal(default)})]"]
        body.append(f"    pub {named(member)}: {kind},")
    return [*body, "}"]


def arguments(schema: Schema) -> str:
    """What verbs take."""
    names = sorted({str(schema.name_of(verb["arguments"])) for verb in schema.whole["verbs"]} - {"NoArgs"})
    body = [line for name in names for line in given(schema, name, name, all_optional=False)]
    groups = sorted({part for line in body for part in _names(line) if part in SETTINGS})
    kinds = sorted({part for line in body for part in _names(line) if part in schema.defs and schema.is_enum(part)})
    used = f"use super::records::{{{', '.join(kinds)}}};\nuse crate::plain::{{AgentId, Json, Timestamp, finite}};"
    used += f"\nuse super::settings::{{{', '.join(groups)}}};" if groups else ""
    return file("What verbs take.", "Serialize", body, used)


def settings(schema: Schema) -> str:
    """The settings of a node."""
    body = []
    for name in SETTINGS:
        body += given(schema, name, "Settings" if name == "NodeConfig" else name, all_optional=True)
    kinds = sorted({part for line in body for part in _names(line) if part in schema.defs and schema.is_enum(part)})
    used = f"use super::records::{{{', '.join(kinds)}}};\nuse crate::plain::{{AgentId, Json}};"
    return file("The settings of a node.", "Serialize", body, used)


def _names(line: str) -> list[str]:
    return "".join(c if c.isalnum() else " " for c in line).split() if line.lstrip().startswith("pub ") else []


def events(schema: Schema) -> str:
    """Everything observable."""
    body = ["", "/// Something happened.", "#[derive(Clone, Debug, PartialEq, Deserialize, uniffi::Enum)]"]
    body += ['#[serde(tag = "type")]', "pub enum Event {"]
    for family in ("MessageEvent", "PeerEvent", "NodeEvent"):
        for choice in schema.defs[family]["oneOf"]:
            word = choice["properties"]["type"]["const"]
            inside = [line.replace("pub ", "") for line in members(schema, choice, "        ")]
            body += [*comment(choice["description"], "    "), f"    #[serde(rename = {json.dumps(word)})]", f"    {camel(word)} {{"]
            body += ["        /// When, in microseconds since 1970.", "        at: Timestamp,", *inside, "    },"]
    body += ["    /// The listener was too slow: this many events are lost to it.", "    #[serde(skip)]", "    Missed {"]
    body += ["        /// How many.", "        missed: u64,", "    },", "}"]
    used = "use super::records::{Discovered, KeyKind, MessageKind, Reason};\nuse crate::plain::{AgentId, Timestamp};"
    return file("Everything observable.", "Deserialize", body, used)
