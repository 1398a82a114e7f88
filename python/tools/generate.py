"""Makes the generated Python files of the package from the schema of the facade.

Used as `python3 generate.py SCHEMA WHAT`, by `cargo xtask gen`; prints the file. It needs nothing but Python. `WHAT`
is `errors`, `types`, `records`, `verbs` or `sync_verbs`.
"""

from __future__ import annotations

import json
import keyword
import sys
import textwrap
from pathlib import Path
from typing import Any

Schema = dict[str, Any]

HEADER = '"""{0}\n\nMade by `cargo xtask gen` from the schema; do not edit.\n"""\n\nfrom __future__ import annotations\n'

# What an exception of ours also is. A caller who knows nothing of this package catches the right thing.
ALSO = {
    "InvalidInputError": "ValueError",
    "ConfigError": "ValueError",
    "UnreachableError": "ConnectionError",
    "TimeoutError": "builtins.TimeoutError",
    "NotFoundError": "LookupError",
}

# Definitions that are plain values in Python.
PLAIN = {"AgentId": "str", "Signature": "str", "Timestamp": "int"}

# Settings, which are given as dictionaries.
SETTINGS = ["InboxLimits", "Limits", "RoutingRule", "NodeConfig"]

# Text that another agent chose.
UNTRUSTED = {
    *(("Message", name) for name in ("content",)),
    *(("MessageQuestion", name) for name in ("content",)),
    *(("BroadcastReceived", name) for name in ("content",)),
    *(("LogEntry", name) for name in ("content",)),
    *(("ContextText", name) for name in ("context",)),
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

NOUNS = {
    "node": ("NodeVerbs", "What a node tells and changes about itself."),
    "peers": ("Peers", "Verbs about peers."),
    "messages": ("Messages", "Verbs about messages."),
    "trust": ("Trust", "Verbs about trust."),
    "discovery": ("Discovery", "Verbs about discovery."),
    "passport": ("Passport", "Verbs about the passport: signatures of this agent, and the check of anybody's."),
}


def words(text: str) -> str:
    """A description as one line. Links of the Rust documentation become plain code."""
    return " ".join(text.replace("[`", "`").replace("`]", "`").split()).replace("\\", "\\\\")


def doc(text: str, indent: str, more: list[str] | None = None) -> list[str]:
    """A docstring: a sentence or two, and lines below."""
    body = textwrap.wrap(words(text), 112 - len(indent)) or [""]
    if more:
        return [f'{indent}"""{body[0]}', *(indent + line for line in body[1:]), "", *more, f'{indent}"""']
    if len(body) == 1:
        return [f'{indent}"""{body[0]}"""']
    return [f'{indent}"""{body[0]}', *(indent + line for line in body[1:]), f'{indent}"""']


def safe(name: str) -> str:
    return name + "_" if keyword.iskeyword(name) else name


def camel(name: str) -> str:
    return "".join(part.capitalize() for part in name.split("_"))


def row(start: str, items: list[str], end: str, indent: str = "") -> list[str]:
    """Items in brackets on one line, or one to a line when they are many."""
    line = f"{indent}{start}{', '.join(items)}{',' if end == ')' and '(' in start and len(items) == 1 else ''}{end}"
    if len(line) <= 118:
        return [line]
    return [f"{indent}{start}", *(f"{indent}    {item}," for item in items), f"{indent}{end}"]


class Generator:
    """The schema, and how its parts look in Python."""

    def __init__(self, schema: Schema) -> None:
        self.schema = schema
        self.defs: dict[str, Schema] = schema["$defs"]

    # Types.

    def name_of(self, schema: Schema) -> str | None:
        reference = schema.get("$ref")
        return reference.rsplit("/", 1)[1] if reference else None

    def optional(self, schema: Schema) -> Schema | None:
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

    def hint(self, schema: Schema) -> str:
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

    def decode(self, schema: Schema, value: str) -> str:
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

    # Exceptions.

    def errors(self) -> str:
        lines = [
            HEADER.format("The exceptions, one class for what a caller can do about it, and the table of codes."),
            "import builtins",
            "",
            "TYPE_CHECKING = False",
            "if TYPE_CHECKING:",
            "    from collections.abc import Callable, Iterable, Mapping",
            "",
            "",
            "class DmError(Exception):",
            '    """Something of dmagent failed. Its text is one line: what happened and what to do."""',
            "",
            "    message: str",
            '    """What happened, without code and context."""',
            "    code: str",
            '    """A stable name out of the table of codes."""',
            "    retryable: bool",
            '    """Whether trying the same call again later can help."""',
            "    context: dict[str, str]",
            '    """Facts, for instance `path`."""',
            "",
            "    def __init__(",
            "        self,",
            '        message: str = "",',
            "        *,",
            '        code: str = "internal",',
            "        retryable: bool = False,",
            "        context: Mapping[str, str] | None = None,",
            "    ) -> None:",
            "        super().__init__(message)",
            "        self.message = message",
            "        self.code = code",
            "        self.retryable = retryable",
            "        self.context = dict(context or {})",
            "",
            "    def __str__(self) -> str:",
            '        facts = ", ".join(f"{key}: {value}" for key, value in self.context.items())',
            '        return f"{self.message} ({facts}) [{self.code}]" if facts else f"{self.message} [{self.code}]"',
            "",
            "    def __reduce__(self) -> tuple[Callable[..., DmError], tuple[str, str, tuple[tuple[str, str], ...]]]:",
            "        return from_native, (self.code, self.message, tuple(self.context.items()))",
            "",
        ]
        for name in self.schema["exceptions"]:
            codes = [error for error in self.schema["errors"] if error["exception"] == name]
            also = ALSO.get(name)
            lines += ["", f"class {name}(DmError{', ' + also if also else ''}):"]
            listed: list[str] = []
            for error in codes:
                listed += textwrap.wrap(
                    f"- `{error['name']}`: {words(error['doc'])}", 110, initial_indent="    ", subsequent_indent="      "
                )
            lines += doc("Raised for these codes:", "    ", listed)
            lines += [""]
        lines += ["", "# The class and the retry hint of every code.", "CODES: dict[str, tuple[type[DmError], bool]] = {"]
        for error in self.schema["errors"]:
            lines.append(f'    "{error["name"]}": ({error["exception"]}, {error["retry"]}),')
        lines += [
            "}",
            "",
            "",
            "def from_native(code: str, message: str, context: Iterable[tuple[str, str]]) -> DmError:",
            '    """The exception for an error of the core."""',
            "    kind, retryable = CODES.get(code, (DmError, False))",
            "    return kind(message, code=code, retryable=retryable, context=dict(context))",
            "",
            "",
            "def closed(message: str) -> DmError:",
            '    """The exception for a handle that is not open."""',
            '    return from_native("closed", message, ())',
        ]
        return "\n".join(lines) + "\n"

    # Types for annotations.

    def types(self) -> str:
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
        for name in sorted(self.defs):
            if not self.is_enum(name):
                continue
            choices = self.defs[name]["oneOf"]
            lines += ["", f"{name} = Literal[{', '.join(json.dumps(choice['const']) for choice in choices)}]"]
            listed: list[str] = []
            for choice in choices:
                listed += textwrap.wrap(
                    f"- `{choice['const']}`: {words(choice.get('description', ''))}", 112, subsequent_indent="  "
                )
            lines += doc(self.defs[name]["description"], "", listed)
        for name in SETTINGS:
            schema = self.defs[name]
            lines += ["", "", f"class {'Settings' if name == 'NodeConfig' else name}(TypedDict, total=False):"]
            lines += doc(schema["description"].split("\n\n")[0], "    ")
            lines += [""]
            for member, value in schema["properties"].items():
                hint = "str | PathLike[str] | None" if member == "project_dir" else self.hint(value)
                lines += [f"    {member}: {hint}", *doc(value.get("description", ""), "    ")]
        send = self.defs["SendArgs"]["properties"]
        reply = [name for name in send if name not in ("to", "content", "in_reply_to")]
        for name, base, members in (
            ("ReplyOptions", "TypedDict, total=False", reply),
            ("SendOptions", "ReplyOptions, total=False", ["in_reply_to"]),
        ):
            about = "How to reply." if name == "ReplyOptions" else "How to send."
            lines += ["", "", f"class {name}({base}):", *doc(about, "    "), ""]
            for member in members:
                lines += [f"    {member}: {self.hint(send[member])}", *doc(send[member]["description"], "    ")]
        return "\n".join(lines) + "\n"

    # Records.

    def reachable(self) -> list[str]:
        """The records that a host can meet, in alphabetic order."""
        found: set[str] = set()
        open_ends = [verb["result"] for verb in self.schema["verbs"]]
        open_ends += [self.schema["types"]["connection_question"], self.schema["types"]["message_question"]]
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

    def record(self, name: str, schema: Schema, base: str, constant: str | None = None) -> list[str]:
        members: dict[str, Schema] = {
            member: value for member, value in schema.get("properties", {}).items() if "const" not in value
        }
        required = [member for member in schema.get("required", []) if member in members]
        order = required + [member for member in members if member not in required]
        if base == "Event":
            members = {"at": self.defs["Event"]["properties"]["at"], **members}
            required, order = ["at", *required], ["at", *order]
        names = [safe(member) for member in order]
        lines = ["", "", f"class {name}({base}):", *doc(schema["description"].split("\n\n")[0], "    "), ""]
        slots = [name for name in names if not (base == "Event" and name == "at")]
        lines += row("__slots__ = (", [json.dumps(name) for name in slots], ")", "    ")
        lines += row("_fields = (", [json.dumps(name) for name in names], ")", "    ")
        if constant is not None:
            lines.append(f'    type = "{constant}"')
        lines.append("")
        hints = {}
        for member in order:
            hint = self.hint(members[member])
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
            made = self.decode(schema_of, read)
            if (name, member) in UNTRUSTED:
                made = f"_untrusted({read})" if "None" in hints[member] else f"Untrusted({read})"
            lines.append(f"            {safe(member)}={made},")
        lines.append("        )")
        for member in order:
            inner = self.optional(members[member])
            if self.name_of(inner or members[member]) != "Timestamp":
                continue
            short = "time" if member == "at" else f"{member.removesuffix('_at')}_time"
            if base == "Event" and member == "at":
                continue
            lines += ["", "    @property", f"    def {short}(self) -> datetime{' | None' if inner else ''}:"]
            lines += [f'        """`{member}` as an aware datetime in UTC."""']
            value = f"moment(self.{member})"
            lines.append(f"        return None if self.{member} is None else {value}" if inner else f"        return {value}")
        return lines

    def records(self) -> str:
        enums = sorted(name for name in self.defs if self.is_enum(name))
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
        for name in self.reachable():
            lines += self.record(name, self.defs[name], "Record")
        events = []
        for family in ("MessageEvent", "PeerEvent", "NodeEvent"):
            for variant in self.defs[family]["oneOf"]:
                constant = variant["properties"]["type"]["const"]
                events.append((camel(constant), constant))
                lines += self.record(camel(constant), variant, "Event", constant)
        missed = {
            "description": "The listener was too slow: this many events are lost to it.",
            "properties": {"missed": {"type": "integer", "description": "How many."}},
            "required": ["missed"],
        }
        lines += self.record("Missed", missed, "Record")
        lines += ["", "", "EVENTS: dict[str, type[Event]] = {"]
        lines += [f'    "{constant}": {name},' for name, constant in events]
        lines += ["}", "", "if TYPE_CHECKING:", *row("AnyEvent = Union[", [name for name, _ in events], "]", "    ")]
        text = "\n".join(lines) + "\n"
        used = [name for name in enums if f": {name}" in text or f"[{name}]" in text]
        return text.replace("@\n", "\n".join(row("from .types import (", used, ")", "    ")).replace("(", "").replace(")", "") + "\n")

    # Verbs.

    def parameter(self, verb: str, member: str, schema: Schema) -> tuple[str, str]:
        """The annotation of a parameter, and the expression that makes its JSON value."""
        name = safe(member)
        inner = self.optional(schema) or schema
        if self.name_of(inner) == "AgentId":
            return "AgentLike", f"agent_id({name})"
        if self.name_of(inner) == "Recipients":
            return "AgentLike | Iterable[AgentLike]", f"recipients({name})"
        if inner.get("type") == "array" and self.name_of(inner["items"]) == "AgentId":
            return "AgentLike | Iterable[AgentLike]", f"agent_ids({name})"
        if inner.get("type") == "array":
            return f"Iterable[{self.hint(inner['items'])}]", f"list({name})"
        if member == "sequence":
            return "int | Message", f"sequence_of({name})"
        return self.hint(inner), name

    def verb(self, verb: Schema, is_async: bool) -> list[str]:
        method = verb["name"].split(".")[1]
        schema = self.defs[self.name_of(verb["arguments"])]  # type: ignore[index]
        members: dict[str, Schema] = schema.get("properties", {})
        required = [member for member in schema.get("required", []) if member in members]
        rest = [member for member in members if member not in required]
        given, described, always, sometimes = ["self"], [], [], []
        for member in required + rest:
            value = members[member]
            hint, made = self.parameter(verb["name"], member, value)
            default = value.get("default")
            if member in required:
                given.append(f"{safe(member)}: {hint}")
                always.append(f'"{member}": {made}')
            elif default in (None, {}, []):
                given.append(f"{safe(member)}: {hint} | None = None")
                sometimes.append((member, made))
            else:
                given.append(f"{safe(member)}: {hint} = {json.dumps(default)}")
                always.append(f'"{member}": {made}')
            described += textwrap.wrap(
                f"{safe(member)}: {words(value.get('description', ''))}", 104,
                initial_indent="            ", subsequent_indent="                ",
            )
        if rest:
            given.insert(1 + len(required), "*")
        result, (hint, decode) = verb["result"], self.result(verb["result"])
        wait = "await " if is_async else ""
        signature = f"    {'async ' if is_async else ''}def {method}({', '.join(given)}) -> {hint}:"
        if len(signature) > 118:
            parts = "".join(f"        {part},\n" for part in given)
            signature = f"    {'async ' if is_async else ''}def {method}(\n{parts}    ) -> {hint}:"
        lines = ["", signature, *doc(verb["doc"], "        ", ["        Args:", *described] if described else None)]
        arguments = "{" + ", ".join(always) + "}"
        if sometimes:
            lines.append(f"        arguments: dict[str, Any] = {arguments}")
            for member, made in sometimes:
                lines += [f"        if {safe(member)} is not None:", f'            arguments["{member}"] = {made}']
            arguments = "arguments"
        call = f'{wait}self._call("{verb["name"]}", {arguments})'
        if self.name_of(result) == "Done":
            lines.append(f"        {call}")
        else:
            lines.append(f"        result = {call}")
            lines.append(f"        return {decode}")
        return lines

    def result(self, schema: Schema) -> tuple[str, str]:
        name = self.name_of(schema)
        if name == "Done":
            return "None", ""
        if name and self.flag(name):
            return "bool", f'bool(result["{self.flag(name)}"])'
        return self.hint(schema), self.decode(schema, "result").replace("Message.from_json(", "self._message(")

    def verbs(self, is_async: bool) -> str:
        # A noun without a verb in the schema, or a verb without a noun here, is a mistake of this file.
        nouns: dict[str, list[Schema]] = {noun: [] for noun in NOUNS}
        for verb in self.schema["verbs"]:
            nouns[verb["name"].split(".")[0]].append(verb)
        body: list[str] = []
        for noun, (name, about) in NOUNS.items():
            base = "NodeCaller" if noun == "node" else "Caller"
            body += ["", "", f"class {name}({base}):", *doc(about, "    "), "", "    __slots__ = ()"]
            for verb in nouns[noun]:
                body += self.verb(verb, is_async)
        # A method called `list` would hide the type.
        text = "\n".join(body).replace("-> list[", "-> builtins.list[") + "\n"
        used = [name for name in self.reachable() if f"{name}.from_json" in text]
        kind = "asynchronous" if is_async else "synchronous"
        home = "_caller" if is_async else "_sync_caller"
        message = "._message" if is_async else ".sync"
        words_used = sorted(
            name for name in ["AgentLike", *(n for n in self.defs if self.is_enum(n))] if f"{name}]" in text or f": {name}" in text
        )
        head = [
            HEADER.format(f"The verbs as methods, {kind}."),
            "from ._arguments import agent_id, agent_ids, recipients, sequence_of",
            f"from .{home} import Caller, NodeCaller",
            *row("from ._records import (", used, ")"),
            "",
            "TYPE_CHECKING = False",
            "if TYPE_CHECKING:",
            "    import builtins",
            "    from collections.abc import Iterable",
            "    from typing import Any",
            "",
            f"    from {message} import Message",
            f"    from .types import {', '.join(words_used)}",
        ]
        return "\n".join(head) + text


def main() -> None:
    schema_path, what = sys.argv[1:]
    generator = Generator(json.loads(Path(schema_path).read_text(encoding="utf-8")))
    made = {
        "errors": generator.errors,
        "types": generator.types,
        "records": generator.records,
        "verbs": lambda: generator.verbs(is_async=True),
        "sync_verbs": lambda: generator.verbs(is_async=False),
    }[what]()
    # The bytes are the same on every system.
    sys.stdout.buffer.write(made.encode())


if __name__ == "__main__":
    main()
