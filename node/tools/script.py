"""How generated JavaScript and TypeScript look: names, comments, types."""

from __future__ import annotations

import json
import re
import textwrap
from typing import Any

from layout import words
from schema import SETTINGS, Node, Schema

HEADER = "// {0}\n//\n// Made by `cargo xtask gen` from the schema; do not edit.\n"


def camel(name: str) -> str:
    """`display_name` as `displayName`."""
    return re.sub(r"_([a-z0-9])", lambda found: found[1].upper(), name)


def comment(text: str, indent: str = "", more: list[str] | None = None) -> list[str]:
    """A documentation comment."""
    body = textwrap.wrap(renamed(words(text)), 112 - len(indent)) + (more or [])
    if len(body) == 1:
        return [f"{indent}/** {body[0]} */"]
    return [f"{indent}/**", *(f"{indent} * {line}" for line in body), f"{indent} */"]


def listed(rows: list[tuple[str, str]]) -> list[str]:
    """Lines of a list of words and what they mean."""
    lines: list[str] = []
    for word, text in rows:
        lines += textwrap.wrap(f"- `{word}`: {words(text)}", 108, subsequent_indent="  ")
    return lines


def renamed(text: str) -> str:
    """Members in documentation have the names they have in JavaScript."""
    members = r"`(display_name|public_url|project_dir|timeout_secs|in_reply_to|auto_accept|access_overrides)`"
    return re.sub(members, lambda found: f"`{camel(found[1])}`", text).replace("\\\\", "\\")


def literal(value: Any) -> str:
    """A value as JavaScript writes it."""
    return f"'{value}'" if isinstance(value, str) else json.dumps(value)


def imported(names: list[str], path: str) -> list[str]:
    """The lines that import types, one line if they fit."""
    line = f"import type {{ {', '.join(names)} }} from '{path}';"
    if len(line) <= 118:
        return [line]
    return ["import type {", *(f"  {name}," for name in names), f"}} from '{path}';"]


def is_big(schema: Schema, described: Node) -> bool:
    """Whether it is an integer of 64 bits, which a number cannot hold."""
    inner = schema.optional(described) or described
    return schema.name_of(inner) == "Timestamp" or inner.get("format") in ("uint64", "int64")


def hint(schema: Schema, described: Node, given: bool = False) -> str:
    """The type of what a schema describes; `given` is for what callers pass."""
    inner = schema.optional(described)
    if inner is not None:
        return f"{hint(schema, inner, given)} | null"
    if is_big(schema, described):
        return "bigint | number" if given else "bigint"
    name = schema.name_of(described)
    if name in ("AgentId", "Signature"):
        return "string"
    if name:
        return "Settings" if name == "NodeConfig" else name
    kind = described.get("type")
    if kind == "array":
        if "prefixItems" in described:
            return f"[{', '.join(hint(schema, item, given) for item in described['prefixItems'])}]"
        item = hint(schema, described["items"], given)
        return f"({item})[]" if "|" in item else f"{item}[]"
    if kind == "object":
        values = described.get("additionalProperties", True)
        return f"Record<string, {hint(schema, values, given)}>" if isinstance(values, dict) else "Json"
    return {"string": "string", "integer": "number", "number": "number", "boolean": "boolean"}[str(kind)]


def kind_of(schema: Schema, described: Node) -> str:
    """How a value crosses: the name of a record or group, `big`, with `[]` for several; nothing when it stays as it is."""
    inner = schema.optional(described) or described
    if is_big(schema, inner):
        return "big"
    name = schema.name_of(inner)
    if name:
        return name if schema.is_record(name) or name in SETTINGS else ""
    if inner.get("type") == "array" and "items" in inner:
        item = kind_of(schema, inner["items"])
        return f"{item}[]" if item else ""
    return ""


def events(schema: Schema) -> list[tuple[str, str, Node]]:
    """Every event: its name as a type, its word, and what it holds."""
    found = []
    for family in ("MessageEvent", "PeerEvent", "NodeEvent"):
        for variant in schema.defs[family]["oneOf"]:
            word = variant["properties"]["type"]["const"]
            found.append(("".join(part.capitalize() for part in word.split("_")), word, variant))
    return found
