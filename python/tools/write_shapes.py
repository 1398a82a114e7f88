"""Writes `_shapes.py`: what every argument and every setting may be."""

from __future__ import annotations

import json
import re

from layout import HEADER
from schema import SETTINGS, Node, Schema

# Text that names a folder.
PATHS = ("project_dir", "preferred_dir")


class Shapes:
    """The expressions of shapes, and the names of the classes that they use."""

    def __init__(self, schema: Schema) -> None:
        self.schema = schema
        self.used = {"Members"}

    def call(self, kind: str, *arguments: str) -> str:
        self.used.add(kind)
        return f"{kind}({', '.join(arguments)})"

    def shape(self, described: Node, member: str = "") -> str:
        """The expression for what a schema allows."""
        inner = self.schema.optional(described)
        if inner is not None:
            return self.call("Optional", self.shape(inner, member))
        name = self.schema.name_of(described)
        if name == "AgentId":
            return self.call("Agent")
        if name == "Recipients":
            return self.call("List", self.call("Agent"), "or_one=True")
        if name == "Timestamp":
            return self.call("Whole", "0", str(2**63 - 1))
        if name in SETTINGS:
            return title(name)
        if name:
            return self.word(name)
        kind = described.get("type")
        if kind == "array":
            if "prefixItems" in described:
                return self.call("Pair", self.shape(described["prefixItems"][0]))
            return self.call("List", self.shape(described["items"]))
        if kind == "object":
            values = described.get("additionalProperties", True)
            return self.call("Dict", self.shape(values) if isinstance(values, dict) else self.call("Json"))
        if kind == "integer":
            least, most = bounds(described)
            return self.call("Whole", str(least), str(most))
        if kind == "number":
            ends = [described.get("minimum"), described.get("maximum")]
            return self.call("Number", *(str(end) for end in ends if end is not None))
        if kind == "boolean":
            return self.call("Flag")
        if described.get("format") == "ip":
            return self.call("Address")
        return self.call("Path" if member in PATHS else "Text")

    def word(self, name: str) -> str:
        words = [choice["const"] for choice in self.schema.defs[name]["oneOf"]]
        # Where a word of a later version means something, every word does.
        return self.call("Text") if "unknown" in words else self.call("Word", *map(json.dumps, words))

    def members(self, name: str) -> list[str]:
        """The lines of an object whose members are known."""
        described = self.schema.defs[name]
        members: dict[str, Node] = described.get("properties", {})
        lines = ["Members(", "    {"]
        lines += [f"        {json.dumps(member)}: {self.shape(value, member)}," for member, value in members.items()]
        lines += ["    },", *(f"    {json.dumps(member)}," for member in described.get("required", [])), ")"]
        return lines if members else ["Members({})"]


def title(name: str) -> str:
    """The name of the constant for an object of the settings."""
    return "SETTINGS" if name == "NodeConfig" else re.sub(r"(?<!^)(?=[A-Z])", "_", name).upper()


def bounds(described: Node) -> tuple[int, int]:
    """The least and the most of an integer, set by its width when by nothing else."""
    form = str(described["format"])
    digits = form.lstrip("uint")
    width = int(digits) if digits else 64
    least, most = (0, 2**width - 1) if form.startswith("u") else (-(2 ** (width - 1)), 2 ** (width - 1) - 1)
    return described.get("minimum", least), described.get("maximum", most)


def shapes(schema: Schema) -> str:
    made = Shapes(schema)
    body: list[str] = []
    for name in SETTINGS:
        first, *rest = made.members(name)
        body += ["", f"{title(name)} = {first}", *rest]
    body += ["", "# What each verb takes.", "VERBS = {"]
    for verb in schema.whole["verbs"]:
        first, *rest = made.members(str(schema.name_of(verb["arguments"])))
        body += [f'    "{verb["name"]}": {first}', *(f"    {line}" for line in rest)]
        body[-1] += ","
    body += ["}"]
    head = [HEADER.format("What every argument and every setting may be.").rstrip(), ""]
    head += ["from ._shape import (", *(f"    {kind}," for kind in sorted(made.used)), ")"]
    return "\n".join(head + body) + "\n"
