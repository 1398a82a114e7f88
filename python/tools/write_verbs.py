"""Writes `_verbs.py` and `_sync_verbs.py`: a class for each noun, a method for each verb."""

from __future__ import annotations

import json
import re
import textwrap

from layout import HEADER, doc, row, safe, words
from schema import SETTINGS, Node, Schema

NOUNS = {
    "node": ("NodeVerbs", "What a node tells and changes about itself."),
    "peers": ("Peers", "Verbs about peers."),
    "messages": ("Messages", "Verbs about messages."),
    "trust": ("Trust", "Verbs about trust."),
    "rules": ("Rules", "Verbs about routing rules."),
    "groups": ("Groups", "Verbs about groups."),
    "discovery": ("Discovery", "Verbs about discovery."),
    "passport": ("Passport", "Verbs about the passport: signatures of this agent, and the check of anybody's."),
}

# How a message that is handed out comes, by the annotation of the result.
HANDED_OUT = {"Message": "_handed", "Message | None": "_handed_or_none"}


def parameter(schema: Schema, verb: str, member: str, described: Node) -> tuple[str, str]:
    """The annotation of a parameter, and the expression that makes its JSON value."""
    name = safe(member)
    inner = schema.optional(described) or described
    if schema.name_of(inner) == "AgentId":
        return "AgentLike", f'agent_id("{name}", {name})'
    if schema.name_of(inner) == "Recipients":
        return "AgentLike | Iterable[AgentLike]", f'recipients("{name}", {name})'
    if inner.get("type") == "array" and schema.name_of(inner["items"]) == "AgentId":
        return "AgentLike | Iterable[AgentLike]", f'agent_ids("{name}", {name})'
    if inner.get("type") == "array" and schema.name_of(inner["items"]) in SETTINGS:
        return f"Sequence[{schema.hint(inner['items'])}]", f"listed({name})"
    if inner.get("type") == "array":
        item = schema.hint(inner["items"])
        return f"{item} | Iterable[{item}]", f'several("{verb}", "{name}", {name})'
    if member in ("sequence", "caused_by"):
        return "int | Message", f'sequence_of("{name}", {name})'
    return schema.hint(inner), name


def method(schema: Schema, verb: Node, is_async: bool) -> list[str]:
    called = verb["name"].split(".")[1]
    arguments_of = schema.defs[schema.name_of(verb["arguments"])]  # type: ignore[index]
    members: dict[str, Node] = arguments_of.get("properties", {})
    required = [member for member in arguments_of.get("required", []) if member in members]
    rest = [member for member in members if member not in required]
    given, described, always, sometimes = ["self"], [], [], []
    for member in required + rest:
        value = members[member]
        hint, made = parameter(schema, verb["name"], member, value)
        default = value.get("default")
        if member in required:
            given.append(f"{safe(member)}: {hint}")
            always.append(f'"{member}": {made}')
        elif default in (None, {}, []):
            given.append(f"{safe(member)}: {hint} | None = None")
            sometimes.append((member, made))
        else:
            plain = str(default) if isinstance(default, bool) else json.dumps(default)
            given.append(f"{safe(member)}: {hint} = {plain}")
            always.append(f'"{member}": {made}')
        described += textwrap.wrap(
            f"{safe(member)}: {words(value.get('description', ''))}", 104,
            initial_indent="            ", subsequent_indent="                ",
        )
    if rest:
        given.insert(1 + len(required), "*")
    result, (hint, decode) = verb["result"], returned(schema, verb["result"])
    wait = "await " if is_async else ""
    signature = f"    {'async ' if is_async else ''}def {called}({', '.join(given)}) -> {hint}:"
    if len(signature) > 118:
        parts = "".join(f"        {part},\n" for part in given)
        signature = f"    {'async ' if is_async else ''}def {called}(\n{parts}    ) -> {hint}:"
    lines = ["", signature, *doc(verb["doc"], "        ", ["        Args:", *described] if described else None)]
    arguments = "{" + ", ".join(always) + "}"
    if sometimes:
        lines.append(f"        arguments: dict[str, Any] = {arguments}")
        for member, made in sometimes:
            lines += [f"        if {safe(member)} is not None:", f'            arguments["{member}"] = {made}']
        arguments = "arguments"
    call = f'{wait}self._call("{verb["name"]}", {arguments})'
    if decode in HANDED_OUT.values():
        # No local name: a traceback that somebody keeps would hold the message.
        lines.append("        return " + call.replace("self._call(", f"self.{decode}("))
    elif schema.name_of(result) == "Done":
        lines.append(f"        {call}")
    else:
        lines.append(f"        result = {call}")
        lines.append(f"        return {decode}")
    return lines


def way_to(noun: str) -> list[str]:
    """The property of a node that leads to a noun."""
    name, about = NOUNS[noun]
    lines = ["", "    @property", f"    def {noun}(self) -> {name}:", *doc(about, "        ")]
    return [*lines, f"        return {name}(self)"]


def returned(schema: Schema, result: Node) -> tuple[str, str]:
    """The annotation of a result, and the expression that makes it of `result`."""
    name = schema.name_of(result)
    if name == "Done":
        return "None", ""
    if name and schema.flag(name):
        return "bool", f'bool(result["{schema.flag(name)}"])'
    decode = schema.decode(result, "result")
    if decode == "result" and result.get("type") == "array":
        decode = "[str(item) for item in result]"
    if "Message.from_json(" in decode and result.get("type") != "array":
        hint = schema.hint(result)
        return hint, HANDED_OUT[hint]
    # One that is listed is not handed out.
    decode = re.sub(r"\bReceipt\.from_json\(", "self._receipt(", decode)
    return schema.hint(result), decode.replace("Message.from_json(", "self._message(")


def verbs(schema: Schema, is_async: bool) -> str:
    # A noun without a verb in the schema, or a verb without a noun here, is a mistake of this file.
    nouns: dict[str, list[Node]] = {noun: [] for noun in NOUNS}
    for verb in schema.whole["verbs"]:
        nouns[verb["name"].split(".")[0]].append(verb)
    body: list[str] = []
    for noun, (name, about) in NOUNS.items():
        base = "NodeCaller" if noun == "node" else "Caller"
        body += ["", "", f"class {name}({base}):", *doc(about, "    "), "", "    __slots__ = ()"]
        for verb in nouns[noun]:
            body += method(schema, verb, is_async)
        if noun == "node":
            body += [line for other in NOUNS if other != "node" for line in way_to(other)]
    # A method called `list` would hide the type.
    text = "\n".join(body).replace("-> list[", "-> builtins.list[") + "\n"
    used = [name for name in schema.reachable() if re.search(rf"\b{name}\.from_json", text)]
    kind = "asynchronous" if is_async else "synchronous"
    home = "_caller" if is_async else "_sync_caller"
    held = ["from ._message import Message", "from ._receipt import Receipt"]
    words_used = sorted(
        name
        for name in ["AgentLike", *SETTINGS, *(n for n in schema.defs if schema.is_enum(n))]
        if f"{name}]" in text or f": {name}" in text
    )
    head = [
        HEADER.format(f"The verbs as methods, {kind}."),
        "from ._arguments import agent_id, agent_ids, listed, recipients, sequence_of, several",
        f"from .{home} import Caller, NodeCaller",
        *row("from ._records import (", used, ")"),
        "",
        "TYPE_CHECKING = False",
        "if TYPE_CHECKING:",
        "    import builtins",
        "    from collections.abc import Iterable, Sequence",
        "    from typing import Any",
        "",
        *(f"    {line}" for line in (held if is_async else ["from .sync import Message, Receipt"])),
        f"    from .types import {', '.join(words_used)}",
    ]
    return "\n".join(head) + text
