"""What the schema promises, as facts by name: what each language is compared with.

A fact is a kind, a name, and what the documentation says about it, or nothing where no documentation is due:

    verb peers.connect                     argument peers.connect url          setting limits.peer
    record Peer                            field Peer agent_id                 word PeerState pending
    event peer_connected                   field peer_connected agent_id       code timeout
    version 0.1.0                          number timeout 3                    raises timeout TimeoutError
    exception TimeoutError                 retry timeout true
    option reply metadata                  what a shortcut of a verb takes beside what it is about
    crosses Peer agent_id agent_id         under which name the core has a member: of a verb, a record, an event, settings

A language tells its facts in the same form, under the names that it has; see `languages.py`.
"""

from __future__ import annotations

from typing import Any

Facts = dict[str, "str | None"]
Schema = dict[str, Any]

SETTINGS = ("InboxLimits", "Limits", "RoutingRule", "NodeConfig")
"""Definitions that describe what a node is opened with."""

SHORTCUTS = {
    "send": ("SendArgs", {"to", "content"}),
    "reply": ("SendArgs", {"to", "content", "in_reply_to"}),
    "ask": ("AskArgs", {"to", "content"}),
    "receive": ("NextArgs", set[str]()),
}
"""What every language has for everyday verbs: the arguments, and those of them that are no options."""


def named(described: Schema) -> str | None:
    """The definition that a part of the schema refers to, directly or when it is not null."""
    if "$ref" in described:
        return str(described["$ref"]).rsplit("/", 1)[1]
    names = [name for choice in described.get("anyOf", []) if (name := named(choice))]
    return names[0] if len(names) == 1 else None


class Promised:
    """The facts of a schema."""

    def __init__(self, schema: Schema) -> None:
        self.schema = schema
        self.defs: dict[str, Schema] = schema["$defs"]
        self.facts: Facts = {f"version {schema['version']}": None}
        for verb in schema["verbs"]:
            self.verb(verb)
        for name in self.records():
            self.described(f"record {name}", name, self.defs[name])
        for family in ("MessageEvent", "PeerEvent", "NodeEvent"):
            for event in self.defs[family]["oneOf"]:
                word = event["properties"]["type"]["const"]
                self.described(f"event {word}", word, event)
                self.facts[f"field {word} at"] = None
                self.facts[f"crosses {word} at at"] = None
        for error in schema["errors"]:
            name = error["name"]
            self.facts[f"code {name}"] = error["doc"]
            self.facts[f"number {name} {error['number']}"] = None
            self.facts[f"raises {name} {error['exception']}"] = None
            self.facts[f"retry {name} {str(error['retry']).lower()}"] = None
        for exception in schema["exceptions"]:
            self.facts[f"exception {exception}"] = None
        for name, definition in self.defs.items():
            for choice in definition.get("oneOf", []):
                if "const" in choice:
                    self.facts[f"word {name} {choice['const']}"] = choice.get("description")
        self.settings("", "NodeConfig")
        for shortcut, (arguments, fixed) in SHORTCUTS.items():
            for name in self.defs[arguments]["properties"]:
                if name not in fixed:
                    self.facts[f"option {shortcut} {name}"] = None

    def verb(self, verb: Schema) -> None:
        self.facts[f"verb {verb['name']}"] = verb["doc"]
        arguments = self.defs[named(verb["arguments"]) or ""]
        for name, described in arguments.get("properties", {}).items():
            self.facts[f"argument {verb['name']} {name}"] = described.get("description")
            self.facts[f"crosses {verb['name']} {name} {name}"] = None

    def described(self, fact: str, owner: str, definition: Schema) -> None:
        self.facts[fact] = definition["description"]
        for name, member in definition.get("properties", {}).items():
            if "const" not in member:
                self.facts[f"field {owner} {name}"] = member.get("description")
                self.facts[f"crosses {owner} {name} {name}"] = None

    def settings(self, before: str, definition: str) -> None:
        for name, member in self.defs[definition]["properties"].items():
            self.facts[f"setting {before}{name}"] = member.get("description")
            self.facts[f"crosses {definition} {name} {name}"] = None
            inner = named(member) or named(member.get("items", {}))
            if inner in SETTINGS:
                self.settings(f"{before}{name}.", inner)

    def records(self) -> list[str]:
        """What a program can meet: in results, questions and events. One that is a single yes or no crosses as that."""
        found: set[str] = set()
        ends: list[Any] = [verb["result"] for verb in self.schema["verbs"]]
        ends += [self.schema["types"][name] for name in ("connection_question", "message_question")]
        ends += [self.defs[name] for name in ("MessageEvent", "PeerEvent", "NodeEvent")]
        while ends:
            part = ends.pop()
            if isinstance(part, dict):
                name = part.get("$ref", "/").rsplit("/", 1)[1]
                if name and name not in found:
                    found.add(name)
                    ends.append(self.defs[name])
                part = list(part.values())
            if isinstance(part, list):
                ends += [inner for inner in part if isinstance(inner, (dict, list))]
        return sorted(name for name in found if self.is_record(self.defs[name]))

    @staticmethod
    def is_record(definition: Schema) -> bool:
        members = list(definition.get("properties", {}).values())
        flag = len(members) == 1 and members[0].get("type") == "boolean"
        return definition.get("type") == "object" and bool(members) and not flag
