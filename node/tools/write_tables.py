"""Writes `shapes.cjs`: how arguments, settings, records and events cross, as tables."""

from __future__ import annotations

from schema import SETTINGS, Node, Schema
from script import HEADER, camel, events, kind_of, literal


def argument_kind(schema: Schema, member: str, described: Node) -> str:
    """What may stand for an argument."""
    inner = schema.optional(described) or described
    if schema.name_of(inner) == "AgentId":
        return "agent"
    if schema.name_of(inner) == "Recipients":
        return "recipients"
    if inner.get("type") == "array" and schema.name_of(inner["items"]) in SETTINGS:
        return kind_of(schema, inner)
    if member == "caused_by":
        return "sequence"
    if inner.get("type") == "array":
        return "agents" if schema.name_of(inner["items"]) == "AgentId" else "several"
    return "sequence" if member == "sequence" else ""


def setting_kind(schema: Schema, described: Node) -> str:
    """What may stand for a setting."""
    inner = schema.optional(described) or described
    if schema.name_of(inner) == "AgentId":
        return "agent"
    if inner.get("type") == "array" and "items" in inner and schema.name_of(inner["items"]) == "AgentId":
        return "agents"
    kind = kind_of(schema, inner)
    return "" if kind.startswith("big") else kind


def result_kind(schema: Schema, result: Node) -> str:
    """What a verb returns."""
    name = schema.name_of(result)
    if name == "Done":
        return "nothing"
    if name and (flag := schema.flag(name)):
        return f"flag:{flag}"
    return kind_of(schema, result)


def read(schema: Schema, described: Node) -> list[str]:
    """The lines of a record: a member, its name here, how it crosses, and what stands for it when it is absent."""
    required = described.get("required", [])
    lines = []
    for member, value in described.get("properties", {}).items():
        if "const" in value:
            continue
        row = f"{literal(camel(member))}, {literal(kind_of(schema, value))}"
        if member not in required:
            row += f", {literal(value.get('default'))}"
        lines.append(f"    {member}: [{row}],")
    return lines


def tables(schema: Schema) -> str:
    lines = [
        HEADER.format("How arguments, settings, records and events cross the border."),
        "'use strict';",
        "",
        "/** Members of records: the name here, how it crosses, and what stands for it when it is absent. */",
        "const RECORDS = {",
    ]
    for name in schema.reachable():
        lines += [f"  {name}: {{", *read(schema, schema.defs[name]), "  },"]
    lines += ["};", "", "/** The same for events. */", "const EVENTS = {"]
    for _, word, variant in events(schema):
        lines += [f"  {word}: {{", "    at: ['at', 'big'],", *read(schema, variant), "  },"]
    lines += ["};", "", "/** Settings: the name there, and what may stand for it. */", "const SETTINGS = {"]
    for name in SETTINGS:
        lines.append(f"  {name}: {{")
        for member, value in schema.defs[name]["properties"].items():
            lines.append(f"    {camel(member)}: ['{member}', '{setting_kind(schema, value)}'],")
        lines.append("  },")
    lines += ["};", "", "/** Verbs: arguments that stand in a row, all arguments as settings are, and the result. */"]
    lines.append("const VERBS = {")
    for verb in schema.whole["verbs"]:
        described = schema.defs[str(schema.name_of(verb["arguments"]))]
        members = described.get("properties", {})
        row = ", ".join(f"'{camel(member)}'" for member in described.get("required", []))
        lines += [f"  '{verb['name']}': {{", f"    row: [{row}],", "    members: {"]
        for member, value in members.items():
            lines.append(f"      {camel(member)}: ['{member}', '{argument_kind(schema, member, value)}'],")
        lines += ["    },", f"    result: '{result_kind(schema, verb['result'])}',", "  },"]
    lines += ["};", "", "module.exports = { RECORDS, EVENTS, SETTINGS, VERBS };"]
    return "\n".join(lines).replace("members: {\n    },", "members: {},") + "\n"
