"""The schema of the facade, and what its types are in Python."""

from __future__ import annotations

from typing import Any

Node = dict[str, Any]
"""Any part of a schema."""

# Definitions that are plain values in Python.
PLAIN = {"AgentId": "str", "Signature": "str", "Timestamp": "int"}

# Settings, which are given as dictionaries.
SETTINGS = ["InboxLimits", "Limits", "RoutingRule", "NodeConfig"]


class Schema:
    """The schema, and how its types are written and read in Python."""

    def __init__(self, whole: Node) -> None:
        self.whole = whole
        self.defs: dict[str, Node] = whole["$defs"]

    def name_of(self, schema: Node) -> str | None:
        reference = schema.get("$ref")
        return reference.rsplit("/", 1)[1] if reference else None

    def optional(self, schema: Node) -> Node | None:
        """What a nullable schema is when it is not null."""
        choices = schema.get("anyOf")
        if choices and {"type": "null"} in choices:
            rest = [choice for choice in choices if choice != {"type": "null"}]
            return rest[0] if len(rest) == 1 else {"anyOf": rest}
        kind = schema.get("type")
        if isinstance(kind, list) and "null" in kind:
            rest_kinds = [name for name in kind if name != "null"]
            return {**schema, "type": rest_kinds[0]}
        return None

    def is_enum(self, name: str) -> bool:
        choices = self.defs[name].get("oneOf", [])
        return bool(choices) and all("const" in choice for choice in choices)

    def is_word(self, described: Node) -> bool:
        """Whether a member is one of several words."""
        name = self.name_of(described)
        return name is not None and self.is_enum(name)

    def is_record(self, name: str) -> bool:
        return self.defs[name].get("type") == "object" and name not in SETTINGS

    def flag(self, name: str) -> str | None:
        """The member of a record that is nothing but a yes or no; it crosses as a bool, which is what `if` expects."""
        properties = self.defs[name].get("properties", {})
        if len(properties) == 1:
            member, schema = next(iter(properties.items()))
            if schema.get("type") == "boolean":
                return str(member)
        return None

    def hint(self, schema: Node) -> str:
        inner = self.optional(schema)
        if inner is not None:
            return f"{self.hint(inner)} | None"
        name = self.name_of(schema)
        if name:
            return PLAIN.get(name) or ("Settings" if name == "NodeConfig" else name)
        kind = schema.get("type")
        if kind == "array":
            if "prefixItems" in schema:
                return f"tuple[{', '.join(self.hint(item) for item in schema['prefixItems'])}]"
            return f"list[{self.hint(schema['items'])}]"
        if kind == "object":
            values = schema.get("additionalProperties", True)
            return f"dict[str, {self.hint(values) if isinstance(values, dict) else 'Any'}]"
        return {"string": "str", "integer": "int", "number": "float", "boolean": "bool"}[str(kind)]

    def decode(self, schema: Node, value: str) -> str:
        """The expression that makes the Python value of a JSON value."""
        inner = self.optional(schema)
        if inner is not None:
            made = self.decode(inner, value)
            if made == value:
                return value
            if value.isidentifier():
                return f"None if {value} is None else {made}"
            return f"None if (value := {value}) is None else {self.decode(inner, 'value')}"
        name = self.name_of(schema)
        if name and self.is_record(name):
            return f"{name}.from_json({value})"
        if schema.get("type") == "array" and "items" in schema:
            made = self.decode(schema["items"], "item")
            return value if made == "item" else f"[{made} for item in {value}]"
        return value

    def reachable(self) -> list[str]:
        """The records that a host can meet, in alphabetic order."""
        found: set[str] = set()
        open_ends = [verb["result"] for verb in self.whole["verbs"]]
        open_ends += [self.whole["types"]["connection_question"], self.whole["types"]["message_question"]]
        open_ends += [self.defs[name] for name in ("MessageEvent", "PeerEvent", "NodeEvent")]
        while open_ends:
            schema = open_ends.pop()
            if isinstance(schema, list):
                open_ends += schema
            elif isinstance(schema, dict):
                name = self.name_of(schema)
                if name and name not in found:
                    found.add(name)
                    open_ends.append(self.defs[name])
                open_ends += [value for value in schema.values() if isinstance(value, (dict, list))]
        return sorted(name for name in found if self.is_record(name) and name != "Done" and not self.flag(name))
