"""Prints the facts of an installed C library, as `languages.py` wants them: `python see_c.py PREFIX SCHEMA`.

It reads the headers, loads the shared library as a program would, and calls every verb with arguments that cannot be
right: the answer tells whether the verb and each argument are known there.
"""

from __future__ import annotations

import ctypes
import json
import re
import sys
from collections.abc import Callable
from ctypes import POINTER, Structure, byref, c_bool, c_char_p, c_int32, c_int64, c_size_t, c_void_p
from pathlib import Path
from typing import Any

Facts = dict[str, "str | None"]

TYPED = {
    "messages.acknowledge": "dm_acknowledge",
    "messages.ask": "dm_ask",
    "messages.next": "dm_receive",
    "messages.release": "dm_release",
    "messages.send": "dm_send",
    "passport.sign": "dm_passport_sign",
    "passport.verify": "dm_passport_verify",
    "peers.connect": "dm_connect",
    "peers.disconnect": "dm_disconnect",
    "trust.get": "dm_trust_get",
    "trust.set": "dm_trust_set",
}
"""The everyday verbs, which have a function of their own."""

NOT_IN_CPP = {"dm_log_set", "dm_status_name", "dm_verdict_ask", "dm_verdict_accept", "dm_verdict_refuse",
              "dm_verdict_keep", "dm_verdict_forward", "dm_verdict_drop", "dm_text_of"}
"""What C++ takes from `dmagent.h` as it is."""


class Text(Structure):
    _fields_ = [("data", c_char_p), ("len", c_size_t)]


class String(Structure):
    _fields_ = [("data", c_void_p), ("len", c_size_t)]

    def told(self) -> str:
        return ctypes.string_at(self.data, self.len).decode() if self.data else ""


class Error(Structure):
    _fields_ = [("status", c_int32), ("retryable", c_bool), ("name", c_char_p), ("message", String), ("context", String)]


def text(string: str) -> Text:
    data = string.encode()
    return Text(data, len(data))


SHORTCUTS = {
    "dm_send": [c_void_p, Text, Text, Text, c_void_p, c_void_p, POINTER(Error)],
    "dm_ask": [c_void_p, Text, Text, Text, c_int64, POINTER(c_void_p), POINTER(Error)],
    "dm_receive": [c_void_p, Text, c_int64, POINTER(c_void_p), POINTER(Error)],
    "dm_reply": [c_void_p, Text, Text, c_void_p, c_void_p, POINTER(Error)],
}
"""How the shortcuts are called."""


class Library:
    """The shared library, with one node that keeps nothing."""

    def __init__(self, path: Path) -> None:
        self.c = ctypes.CDLL(str(path))
        self.c.dm_version.restype = Text
        self.c.dm_status_name.restype = Text
        self.c.dm_status_name.argtypes = [c_int32]
        self.c.dm_node_open.argtypes = [Text, Text, POINTER(c_void_p), POINTER(Error)]
        self.c.dm_node_free.argtypes = [POINTER(c_void_p)]
        self.c.dm_call.argtypes = [c_void_p, Text, Text, POINTER(String), POINTER(Error)]
        for name in ("dm_send", "dm_ask", "dm_receive", "dm_reply"):
            getattr(self.c, name).argtypes = SHORTCUTS[name]
        self.c.dm_message_free.argtypes = [POINTER(c_void_p)]
        self.node = self.opened()

    def opened(self) -> c_void_p:
        """A node that keeps nothing, and that those of this process reach."""
        node = c_void_p()
        self.checked(self.c.dm_node_open(text("ephemeral"), text('{"memory": true}'), byref(node), byref(error := Error())), error)
        return node

    def called(self, node: c_void_p, verb: str, arguments: dict[str, Any]) -> str:
        """What a call that must succeed returns."""
        result, error = String(), Error()
        self.checked(self.c.dm_call(node, text(verb), text(json.dumps(arguments)), byref(result), byref(error)), error)
        return result.told()

    @staticmethod
    def checked(status: int, error: Error) -> None:
        if status != 0:
            raise RuntimeError(error.message.told())

    def refusal(self, verb: str, arguments: dict[str, Any]) -> str:
        """What a call that must fail tells: the name of the error, and the sentence."""
        result, error = String(), Error()
        status = self.c.dm_call(self.node, text(verb), text(json.dumps(arguments)), byref(result), byref(error))
        return "" if status == 0 else f"{error.name.decode()}: {error.message.told()}"

    def version(self) -> str:
        told: Text = self.c.dm_version()
        return str(told.data.decode())

    def status_name(self, number: int) -> str:
        told: Text = self.c.dm_status_name(number)
        return str(told.data[: told.len].decode()) if told.data else ""

    def close(self) -> None:
        self.c.dm_node_free(byref(self.node))


AGENT = "ab" * 32


def options(library: Library, header: str) -> Facts:
    """What the shortcuts take: a stray option is answered with those that are known, and each is tried."""
    c, facts = library.c, Facts()
    other = library.opened()
    message = c_void_p()
    try:
        url = json.loads(library.called(other, "node.info", {}))["url"]
        peer = json.loads(library.called(library.node, "peers.connect", {"url": url}))["agent_id"]
        library.called(library.node, "messages.send", {"to": [peer], "content": "hello"})
        library.checked(c.dm_receive(other, Text(), c_int64(-1), byref(message), byref(error := Error())), error)
        result = c_void_p()
        shortcuts: dict[str, Callable[[Text, Error], int]] = {
            "send": lambda given, error: c.dm_send(library.node, text(AGENT), text("x"), given, None, None, byref(error)),
            "ask": lambda given, error: c.dm_ask(library.node, text(AGENT), text("x"), given, c_int64(0), byref(result), byref(error)),
            "receive": lambda given, error: c.dm_receive(library.node, given, c_int64(0), byref(result), byref(error)),
            "reply": lambda given, error: c.dm_reply(message, text("x"), given, None, None, byref(error)),
        }
        for shortcut, call in shortcuts.items():
            def answer(option: str, call: Callable[[Text, Error], int] = call) -> str:
                # No option is an object with such a member.
                error = Error()
                call(text(json.dumps({option: {"no": [0]}})), error)
                return str(error.message.told())

            stray = answer("no_such_option")
            for name in re.findall(r"`(\w+)`", stray.split("`no_such_option`")[-1]):
                if "must not hold" not in answer(name):
                    facts[f"option {shortcut} {name}"] = None
            declared = re.search(rf"dm_status dm_{shortcut}\(([^)]*)\)", header)
            if declared and "int64_t timeout_ms" in declared[1]:
                facts[f"option {shortcut} timeout_ms"] = None
    finally:
        c.dm_message_free(byref(message))
        c.dm_node_free(byref(other))
    return facts


def commented(header: str, pattern: str) -> list[tuple[re.Match[str], str]]:
    """Every match of a line, and the comment above it."""
    lines, found = header.splitlines(), []
    for number, line in enumerate(lines):
        if told := re.match(pattern, line):
            above, comment = number - 1, list[str]()
            while above >= 0 and lines[above].strip().startswith("//"):
                comment.insert(0, lines[above].strip().removeprefix("//").strip())
                above -= 1
            found.append((told, " ".join(comment)))
    return found


def headers(facts: Facts, prefix: Path, schema: dict[str, Any], library: Library) -> None:
    c = (prefix / "include/dmagent.h").read_text(encoding="utf-8")
    cpp = (prefix / "include/dmagent.hpp").read_text(encoding="utf-8")
    statuses = c.split("\nenum {\n", 1)[1].split("\n};", 1)[0]
    for told, doc in commented(statuses, r"    DM_(\w+) = (\d+),"):
        name, number = told[1].lower(), int(told[2])
        if library.status_name(number) != name:
            facts[f"problem {name}"] = f"the library calls {number} {library.status_name(number)!r}"
        if name != "ok":
            facts[f"code {name}"] = doc
            facts[f"number {name} {number}"] = None
    declared = {}
    for told, doc in commented(c, r"(?:static inline |const |enum |struct )*\w+ \*?(dm_\w+)\("):
        declared[told[1]] = doc
        if not doc:
            facts[f"problem {told[1]}"] = "has no documentation"
        if not re.search(rf"\b{told[1]}\b", cpp) and told[1] not in NOT_IN_CPP:
            facts[f"problem {told[1]}"] = "cannot be reached through dmagent.hpp"
    for verb, function in TYPED.items():
        if function not in declared:
            facts[f"problem {verb}"] = f"has no function {function}"
    # Types, their members and words stand before the functions.
    types = c.split('extern "C"', 1)[0]
    for told, doc in commented(types, r"typedef (?!struct \w+ \w+;).*|    [^/ ].*[;,]$|#define DM_.*"):
        if not doc:
            facts[f"problem {told[0].strip()}"] = "has no documentation"
    for told, doc in commented(cpp, r"(?:class|struct) (\w+)\b[^;]*\{$"):
        if not doc:
            facts[f"problem C++ {told[1]}"] = "has no documentation"
    version = re.search(r'^#define DM_VERSION "(.*)"$', c, re.MULTILINE)
    if version is None or not version[1] == library.version() == schema["version"]:
        facts["problem version"] = "header, library and schema are of different versions"


def main() -> None:
    prefix, path = map(Path, sys.argv[1:])
    schema = json.loads(path.read_text(encoding="utf-8"))
    facts: Facts = {}
    # Records, events, settings and words are documented there.
    if (prefix / "share/dmagent/dmagent.schema.json").read_bytes() != path.read_bytes():
        facts["problem schema"] = "the installed one is another"
    library = Library(next((prefix / "lib").glob("libdmagent.so.*"), prefix / "lib/libdmagent.dylib"))
    facts[f"version {library.version()}"] = None
    headers(facts, prefix, schema, library)
    for verb in schema["verbs"]:
        stray = library.refusal(verb["name"], {"no_such_argument": 0})
        if not stray.startswith("invalid_argument:"):
            facts[f"problem {verb['name']}"] = f"a stray argument is answered {stray!r}"
        if not stray.startswith("unknown_verb:"):
            facts[f"verb {verb['name']}"] = None
        # The sentence lists what is allowed.
        for name in re.findall(r"`(\w+)`", stray.split("`no_such_argument`")[-1]):
            facts[f"argument {verb['name']} {name}"] = None
    facts.update(options(library, (prefix / "include/dmagent.h").read_text(encoding="utf-8")))
    if not library.refusal("no.such_verb", {}).startswith("unknown_verb:"):
        facts["problem unknown verbs"] = "are not told apart"
    library.close()
    print(json.dumps(facts))


if __name__ == "__main__":
    main()
