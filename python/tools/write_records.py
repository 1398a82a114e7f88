"""Writes `_records.py`: a class for each record and event."""

from __future__ import annotations

import json

from layout import HEADER, camel, doc, row, safe
from schema import Node, Schema

# Text that another agent chose.
UNTRUSTED = {
    *(("Message", name) for name in ("content",)),
    *(("MessageQuestion", name) for name in ("content",)),
    *(("BroadcastReceived", name) for name in ("content",)),
    *(("LogEntry", name) for name in ("content",)),
    *(("ContextText", name) for name in ("context",)),
    *(("PeerOpinion", name) for name in ("note",)),
    *((record, "bio") for record in ("Peer", "PeerHint", "PendingRequest", "ConnectionQuestion", "Discovered")),
    *(
        (record, "display_name")
        for record in (
            "Peer",
            "PeerHint",
            "PendingRequest",
            "ConnectionQuestion",
            "Discovered",
            "PeerConnected",
            "ConnectionRequested",
        )
    ),
}


def record(schema: Schema, name: str, described: Node, base: str, constant: str | None = None) -> list[str]:
    members: dict[str, Node] = {
        member: value for member, value in described.get("properties", {}).items() if "const" not in value
    }
    required = [member for member in described.get("required", []) if member in members]
    order = required + [member for member in members if member not in required]
    if base == "Event":
        members = {"at": schema.defs["Event"]["properties"]["at"], **members}
        required, order = ["at", *required], ["at", *order]
    names = [safe(member) for member in order]
    lines = ["", "", f"class {name}({base}):", *doc(described["description"].split("\n\n")[0], "    "), ""]
    slots = [name for name in names if not (base == "Event" and name == "at")]
    lines += row("__slots__ = (", [json.dumps(name) for name in slots], ")", "    ")
    lines += row("_fields = (", [json.dumps(name) for name in names], ")", "    ")
    if constant is not None:
        lines.append(f'    type = "{constant}"')
    lines.append("")
    hints = {}
    for member in order:
        hint = schema.hint(members[member])
        if (name, member) in UNTRUSTED:
            hint = hint.replace("str", "Untrusted")
        hints[member] = hint
        if safe(member) in slots:
            lines += [f"    {safe(member)}: {hint}", *doc(members[member].get("description", ""), "    ")]
    lines += ["", "    def __init__(", "        self,", "        *,"]
    for member in order:
        default = ""
        if member not in required:
            value = members[member].get("default")
            default = " = None" if value in ({}, []) or value is None else f" = {value!r}".replace("'", '"')
        hint = hints[member]
        if default == " = None" and "None" not in hint:
            hint += " | None"
        lines.append(f"        {safe(member)}: {hint}{default},")
    lines.append("    ) -> None:")
    for member in order:
        fallback = members[member].get("default")
        value = safe(member)
        if member not in required and fallback in ({}, []):
            value = f"{fallback!r} if {value} is None else {value}"
        lines.append(f"        self.{safe(member)} = {value}")
    lines += ["", "    @classmethod", "    def from_json(cls, data: dict[str, Any]) -> Self:"]
    lines += ['        """From what JSON holds. Members that this version does not know are ignored."""']
    lines.append("        return cls(")
    for member in order:
        read = f'data["{member}"]' if member in required else f'data.get("{member}")'
        schema_of = members[member]
        default = schema_of.get("default")
        if member not in required and default not in (None, {}, []):
            read = f'data.get("{member}", {default!r})'.replace("'", '"')
        made = schema.decode(schema_of, read)
        if member not in required and default == [] and made != read:
            made = schema.decode(schema_of, f'data.get("{member}", [])')
        if (name, member) in UNTRUSTED:
            made = f"_untrusted({read})" if "None" in hints[member] else f"Untrusted({read})"
        lines.append(f"            {safe(member)}={made},")
    lines.append("        )")
    for member in order:
        inner = schema.optional(members[member])
        if schema.name_of(inner or members[member]) != "Timestamp":
            continue
        short = "time" if member == "at" else f"{member.removesuffix('_at')}_time"
        if base == "Event" and member == "at":
            continue
        lines += ["", "    @property", f"    def {short}(self) -> datetime{' | None' if inner else ''}:"]
        lines += [f'        """`{member}` as an aware datetime in UTC."""']
        value = f"moment(self.{member})"
        lines.append(f"        return None if self.{member} is None else {value}" if inner else f"        return {value}")
    return lines


def records(schema: Schema) -> str:
    enums = sorted(name for name in schema.defs if schema.is_enum(name))
    lines = [
        HEADER.format("The records: what verbs return, what policies are asked, what event streams yield."),
        "from ._record import Event, Record, moment",
        "from ._untrusted import Untrusted",
        "",
        "TYPE_CHECKING = False",
        "if TYPE_CHECKING:",
        "    from datetime import datetime",
        "    from typing import Any, Union",
        "",
        "    from typing_extensions import Self",
        "",
        "@",
        "",
        "",
        "def _untrusted(text: str | None) -> Untrusted | None:",
        "    return None if text is None else Untrusted(text)",
    ]
    for name in schema.reachable():
        lines += record(schema, name, schema.defs[name], "Record")
    events = []
    for family in ("MessageEvent", "PeerEvent", "NodeEvent"):
        for variant in schema.defs[family]["oneOf"]:
            constant = variant["properties"]["type"]["const"]
            events.append((camel(constant), constant))
            lines += record(schema, camel(constant), variant, "Event", constant)
    missed = {
        "description": "The listener was too slow: this many events are lost to it.",
        "properties": {"missed": {"type": "integer", "description": "How many."}},
        "required": ["missed"],
    }
    lines += record(schema, "Missed", missed, "Record")
    lines += ["", "", "EVENTS: dict[str, type[Event]] = {"]
    lines += [f'    "{constant}": {name},' for name, constant in events]
    lines += ["}", "", "if TYPE_CHECKING:", *row("AnyEvent = Union[", [name for name, _ in events], "]", "    ")]
    text = "\n".join(lines) + "\n"
    used = [name for name in enums if f": {name}" in text or f"[{name}]" in text]
    imported = row("from .types import (", used, ")", "    ")
    if len(imported) == 1:
        imported = [f"    from .types import {', '.join(used)}"]
    return text.replace("@\n", "\n".join(imported) + "\n")
