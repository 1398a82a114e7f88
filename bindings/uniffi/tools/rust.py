"""How generated Rust looks: names, comments, types."""

from __future__ import annotations

import json
import textwrap
from typing import Any

from layout import camel
from schema import Node, Schema

HEADER = "//! {0}\n//!\n//! Made by `cargo xtask gen` from the schema; do not edit.\n"

# Definitions that are plain values with a name, see `plain.rs`.
PLAIN = ("AgentId", "Signature", "Timestamp")


def comment(text: str, indent: str = "") -> list[str]:
    """A documentation comment. Links of the core become plain code: its items are not ours."""
    plain = " ".join(text.replace("[`", "`").replace("`]", "`").split())
    return [f"{indent}/// {line}" for line in textwrap.wrap(plain, 110 - len(indent))]


def typed(schema: Schema, described: Node) -> str:
    """The Rust type of what a schema describes."""
    inner = schema.optional(described)
    if inner is not None:
        return f"Option<{typed(schema, inner)}>"
    name = schema.name_of(described)
    if name == "Recipients":
        return "Vec<AgentId>"
    if name == "Message":
        return "MessageRecord"
    if name:
        return "Settings" if name == "NodeConfig" else name
    kind = described.get("type")
    if kind == "array":
        item = described["prefixItems"][0] if "prefixItems" in described else described["items"]
        return f"Vec<{typed(schema, item)}>"
    if kind == "object":
        values = described.get("additionalProperties", True)
        return f"HashMap<String, {typed(schema, values)}>" if isinstance(values, dict) else "Json"
    if kind == "integer":
        return {"uint": "u64", "uint16": "u16", "uint32": "u32", "uint64": "u64", "int64": "i64"}[str(described["format"])]
    return {"string": "String", "number": "f64", "boolean": "bool"}[str(kind)]


def named(member: str) -> str:
    """The name of a member. A keyword of Rust is written raw; the languages have the plain word."""
    return f"r#{member}" if member in ("match", "type") else member


def literal(value: Any) -> str:
    """A default as the generators of the languages read it."""
    return json.dumps(value)


def variant(word: str) -> str:
    """A word of an enumeration as the name of its variant."""
    return camel(word)


def imports(text: str) -> list[str]:
    """The `use` lines that a file needs."""
    lines = []
    if "HashMap<" in text:
        lines.append("use std::collections::HashMap;")
    if "Arc<" in text:
        lines.append("use std::sync::Arc;")
    return lines
