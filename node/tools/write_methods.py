"""Writes `verbs.d.ts`: an interface for each noun, a method for each verb."""

from __future__ import annotations

import re
import textwrap

from layout import words
from schema import SETTINGS, Node, Schema
from script import HEADER, camel, comment, hint, imported, renamed
from write_tables import argument_kind
from write_verbs import NOUNS

WIDE = {"agent": "AgentLike", "recipients": "AgentLike | readonly AgentLike[]", "agents": "AgentLike | readonly AgentLike[]"}


def argument(schema: Schema, member: str, described: Node) -> str:
    kind = argument_kind(schema, member, described)
    if kind == "sequence":
        return "bigint | number | Message" + (" | null" if schema.optional(described) else "")
    if kind == "several":
        item = hint(schema, (schema.optional(described) or described)["items"], given=True)
        return f"{item} | readonly {item}[]"
    return WIDE.get(kind) or hint(schema, described, given=True)


def returned(schema: Schema, result: Node) -> str:
    name = schema.name_of(result)
    if name == "Done":
        return "void"
    return "boolean" if name and schema.flag(name) else hint(schema, result)


def method(schema: Schema, verb: Node) -> list[str]:
    described = schema.defs[str(schema.name_of(verb["arguments"]))]
    members, required = described.get("properties", {}), described.get("required", [])
    rest = [member for member in members if member not in required]
    told = []
    for member in [*required, *rest]:
        name = camel(member) if member in required else f"options.{camel(member)}"
        text = renamed(words(members[member].get("description", "")))
        told += textwrap.wrap(f"@param {name} {text}", 108, subsequent_indent="  ")
    lines = comment(verb["doc"], "  ", told)
    given = [f"{camel(member)}: {argument(schema, member, members[member])}" for member in required]
    options = "".join(f"; {camel(member)}?: {argument(schema, member, members[member])}" for member in rest)
    given.append(f"options?: {{ signal?: AbortSignal{options} }}")
    called, result = camel(verb["name"].split(".")[1]), returned(schema, verb["result"])
    line = f"  {called}({', '.join(given)}): Promise<{result}>;"
    if len(line) > 110:
        given[-1] = "options?: {\n" + "".join(f"      {part};\n" for part in ["signal?: AbortSignal", *options.split("; ")[1:]]) + "    }"
        inside = "".join(f"    {part},\n" for part in given)
        line = f"  {called}(\n{inside}  ): Promise<{result}>;"
    return [*lines, line]


def methods(schema: Schema) -> str:
    body: list[str] = []
    for noun, (name, about) in NOUNS.items():
        verbs = [verb for verb in schema.whole["verbs"] if verb["name"].startswith(f"{noun}.")]
        body += ["", *comment(about), f"export interface {name} {{"]
        for verb in verbs:
            body += method(schema, verb)
        if noun == "node":
            for other, (kind, about) in NOUNS.items():
                if other != "node":
                    body += [*comment(about, "  "), f"  readonly {other}: {kind};"]
        body.append("}")
    text = "\n".join(body)
    known = [*schema.reachable(), *(name for name in schema.defs if schema.is_enum(name)), "Json"]
    used = sorted(name for name in known if name != "Message" and re.search(rf"[<( |]{name}[>;,\[ ]", text))
    head = [
        HEADER.format("The verbs as methods."),
        "import type { AgentLike, Message } from './index.js';",
        *imported(used, "./records.js"),
        *imported([name for name in SETTINGS if f"{name}[]" in text], "./settings.js"),
    ]
    return "\n".join(head) + "\n" + text + "\n"
