"""Writes `settings.d.ts`: what a node can be opened with."""

from __future__ import annotations

import json

from schema import SETTINGS, Schema
from script import HEADER, camel, comment, hint, imported


def settings(schema: Schema) -> str:
    whole = json.dumps([schema.defs[name] for name in SETTINGS])
    used = sorted(name for name in schema.defs if schema.is_enum(name) and f'"#/$defs/{name}"' in whole)
    lines = [HEADER.format("What a node can be opened with."), *imported(sorted(["Json", *used]), "./records.js")]
    for name in SETTINGS:
        described = schema.defs[name]
        exported = "Settings" if name == "NodeConfig" else name
        lines += ["", *comment(described["description"].split("\n\n")[0]), f"export interface {exported} {{"]
        for member, value in described["properties"].items():
            optional = "" if member in described.get("required", []) else "?"
            lines += [*comment(value.get("description", ""), "  ")]
            lines.append(f"  {camel(member)}{optional}: {hint(schema, value, given=True)};")
        lines.append("}")
    return "\n".join(lines) + "\n"
