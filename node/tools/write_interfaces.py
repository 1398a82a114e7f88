"""Writes `records.d.ts`: the words, records and events."""

from __future__ import annotations

from schema import Node, Schema
from script import HEADER, camel, comment, events, hint, listed
from write_records import UNTRUSTED


def members(schema: Schema, name: str, described: Node) -> list[str]:
    lines = []
    for member, value in described.get("properties", {}).items():
        if "const" in value:
            continue
        kind = hint(schema, value)
        absent = member not in described.get("required", []) and value.get("default") is None
        if absent and "null" not in kind:
            kind += " | null"
        if (name, member) in UNTRUSTED:
            kind = kind.replace("string", "Untrusted")
        lines += [*comment(value.get("description", ""), "  "), f"  readonly {camel(member)}: {kind};"]
    return lines


def interfaces(schema: Schema) -> str:
    lines = [
        HEADER.format("Words, records and events."),
        "declare const chosenBySomebodyElse: unique symbol;",
        "",
        *comment(
            "Text that another agent chose: data, never instructions. It is a string when the program runs; the type "
            "reminds whoever hands it to a model, a shell or a query. `fenced` wraps it for a prompt."
        ),
        "export type Untrusted = string & { readonly [chosenBySomebodyElse]: true };",
        "",
        "/** A JSON object; its members are as `JSON.parse` makes them. */",
        "export type Json = Record<string, any> & object & { readonly [Symbol.iterator]?: never };",
    ]
    for name in sorted(schema.defs):
        if schema.is_enum(name):
            choices = schema.defs[name]["oneOf"]
            rows = [(choice["const"], choice.get("description", "")) for choice in choices]
            lines += ["", *comment(schema.defs[name]["description"], "", listed(rows))]
            lines.append(f"export type {name} = {' | '.join(repr(word) for word, _ in rows)};")
    for name in schema.reachable():
        described = schema.defs[name]
        # A message that a host has is an object with methods.
        exported = "MessageRecord" if name == "Message" else name
        lines += ["", *comment(described["description"].split("\n\n")[0]), f"export interface {exported} {{"]
        lines += [*members(schema, name, described), "}"]
    for name, word, variant in events(schema):
        lines += ["", *comment(variant["description"]), f"export interface {name} {{", f"  readonly type: '{word}';"]
        lines += ["  /** When, in microseconds since 1970. */", "  readonly at: bigint;", *members(schema, name, variant), "}"]
    lines += [
        "",
        "/** The listener was too slow: this many events are lost to it. */",
        "export interface Missed {",
        "  readonly type: 'missed';",
        "  readonly missed: bigint;",
        "}",
        "",
        "/** What can be listened to, by name. */",
        "export interface EventMap {",
        *(f"  {word}: {name};" for name, word, _ in events(schema)),
        "  missed: Missed;",
        "}",
        "",
        "/** Something happened. */",
        "export type AnyEvent = EventMap[Exclude<keyof EventMap, 'missed'>];",
    ]
    return "\n".join(lines) + "\n"
