"""Writes `types.py`: types for annotations and settings."""

from __future__ import annotations

import json
import textwrap

from layout import HEADER, doc, words
from schema import SETTINGS, Schema


def types(schema: Schema) -> str:
    lines = [
        HEADER.format("Types for annotations: the words of enumerations, and the settings of a node."),
        "from os import PathLike",
        "from typing import Any, Literal, Protocol, TypedDict, Union",
        "",
        "",
        "class HasAgentId(Protocol):",
        '    """Whatever knows an agent: a peer, a discovered agent, a node."""',
        "",
        "    @property",
        "    def agent_id(self) -> str:",
        '        """Its id."""',
        "",
        "",
        "AgentLike = Union[str, HasAgentId]",
        '"""An agent id, or something that has one."""',
    ]
    for name in sorted(schema.defs):
        if not schema.is_enum(name):
            continue
        choices = schema.defs[name]["oneOf"]
        lines += ["", f"{name} = Literal[{', '.join(json.dumps(choice['const']) for choice in choices)}]"]
        listed: list[str] = []
        for choice in choices:
            listed += textwrap.wrap(
                f"- `{choice['const']}`: {words(choice.get('description', ''))}", 112, subsequent_indent="  "
            )
        lines += doc(schema.defs[name]["description"], "", listed)
    for name in SETTINGS:
        settings = schema.defs[name]
        lines += ["", "", f"class {'Settings' if name == 'NodeConfig' else name}(TypedDict, total=False):"]
        lines += doc(settings["description"].split("\n\n")[0], "    ")
        lines += [""]
        for member, value in settings["properties"].items():
            hint = "str | PathLike[str] | None" if member == "project_dir" else schema.hint(value)
            lines += [f"    {member}: {hint}", *doc(value.get("description", ""), "    ")]
    send = schema.defs["SendArgs"]["properties"]
    reply = [name for name in send if name not in ("to", "content", "in_reply_to")]
    for name, base, members in (
        ("ReplyOptions", "TypedDict, total=False", reply),
        ("SendOptions", "ReplyOptions, total=False", ["in_reply_to"]),
    ):
        about = "How to reply." if name == "ReplyOptions" else "How to send."
        lines += ["", "", f"class {name}({base}):", *doc(about, "    "), ""]
        for member in members:
            lines += [f"    {member}: {schema.hint(send[member])}", *doc(send[member]["description"], "    ")]
    return "\n".join(lines) + "\n"
