"""The languages, and how each spells the names of the schema. Only the letter case differs, and words that a language
keeps for itself.

A language joins with a row here and a program that prints its facts as one JSON object, from the name of a fact to its
documentation or null; `cargo xtask test` runs that program on the installed package (`.cargo/xtask/src/parity.rs`). A fact
`problem NAME` tells something that the program found wrong by itself.
"""

from __future__ import annotations

import keyword
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

ALL = frozenset(
    "version verb argument record field event code number exception raises retry word setting crosses option".split()
)
# Only where a table of the language's own translates names.
TOLD = ALL - {"crosses"}


def camel(name: str) -> str:
    """`display_name` as `displayName`."""
    return re.sub(r"_([a-z0-9])", lambda found: found[1].upper(), name)


def pythonic(name: str) -> str:
    """`from` as `from_`."""
    return name + "_" if keyword.iskeyword(name) else name


def hidden(name: str) -> str:
    """`from` as `_from`."""
    return "_" + name if keyword.iskeyword(name) else name


def raw(name: str) -> str:
    """`until` as `_until`, which is a keyword of Ruby."""
    return "_" + name if name in ("until",) else name


def class_name(name: str) -> str:
    """`peer_connected` as `PeerConnected`."""
    return name[0].upper() + camel(name)[1:]


def exception(name: str) -> str:
    """`TimeoutError` as `TimeoutException`."""
    return name.removesuffix("Error") + "Exception"


@dataclass(frozen=True)
class Language:
    """A language."""

    member: Callable[[str], str] = str
    """How an argument, a field or a setting is spelled."""
    verb: Callable[[str], str] = str
    """How a verb is."""
    event: Callable[[str], str] = str
    """How an event is."""
    word: Callable[[str], str] = str
    """How a word or an error code is."""
    exception: Callable[[str], str] = str
    """How a kind of errors is."""
    records: Mapping[str, str] = field(default_factory=dict)
    """Records that have another name."""
    options: Mapping[str, str] = field(default_factory=dict)
    """Options that have another name, by their shortcut: an argument of its own."""
    kinds: frozenset[str] = TOLD
    """The kinds of facts that the language has as names of its own. The others reach it as JSON, with the schema as their
    documentation, which then is part of the package."""
    undocumented: frozenset[str] = frozenset()
    """Kinds that it documents elsewhere."""
    own: frozenset[str] = frozenset()
    """What it has beyond the schema, for good reason."""

    def spelled(self, fact: str) -> str:
        """A fact under the name that the language has for it."""
        kind, *names = fact.split(" ")
        if kind == "option":
            names[-1] = self.options.get(" ".join(names), names[-1])
        if kind in ("verb", "argument") or kind == "crosses" and "." in names[0]:
            noun, _, verb = names[0].partition(".")
            names[0] = f"{noun}.{self.verb(verb)}"
        if kind in ("argument", "field", "setting", "option"):
            names[-1] = ".".join(map(self.member, names[-1].split(".")))
        if kind == "crosses":
            names[1] = self.member(names[1])
        if kind == "event" or kind == "field" and names[0].islower():
            names[0] = self.event(names[0])
        elif kind in ("record", "field"):
            names[0] = self.records.get(names[0], names[0])
        if kind in ("code", "number", "retry"):
            names[0] = self.word(names[0])
        if kind in ("exception", "raises"):
            names[-1] = self.exception(names[-1])
        if kind == "word":
            names[-1] = self.word(names[-1])
        return " ".join([kind, *names])


# A listener that was too slow gets this in place of what it missed.
MISSED = frozenset({"record Missed", "field Missed missed", "event missed", "field missed missed"})

# Where the time limit of `receive` is the one plain argument.
TIMEOUT = {"receive timeout_secs": "timeout"}

# With uniffi, `Message` is what has methods.
HANDLE = {"Message": "MessageRecord"}
# Whether to try again is told by each failure, which has it from the core.
UNIFFI = TOLD - {"retry"}


def beyond(member: Callable[[str], str], missed: str) -> frozenset[str]:
    """What the node of uniffi does that is no verb, and what a listener that was too slow gets."""
    verbs = "agent_id call closed events inbox local_token on_event on_message open set_policy".split()
    return frozenset({f"verb node.{member(name)}" for name in verbs} | {f"event {missed}", f"field {missed} missed"})


LANGUAGES = {
    "Python": Language(pythonic, options=TIMEOUT, kinds=TOLD - {"number", "exception"}, own=MISSED),
    "Python without asyncio": Language(pythonic, options=TIMEOUT, kinds=frozenset({"verb", "argument", "option"})),
    "JavaScript": Language(camel, verb=camel, kinds=ALL - {"exception"}, own=MISSED),
    # Records, events and settings are JSON.
    "C": Language(options={f"{shortcut} timeout_secs": "timeout_ms" for shortcut in ("ask", "receive")},
                  kinds=frozenset({"version", "verb", "argument", "code", "number", "option"}), undocumented=frozenset({"verb", "argument"})),
    "Kotlin": Language(camel, verb=camel, event=class_name, word=str.upper, exception=exception, records=HANDLE, kinds=UNIFFI,
                       own=beyond(camel, class_name("missed")) | {"verb node.shutdown", "exception CancelledException"}),
    # The generated code says nothing about itself; the gem has the schema.
    "Ruby": Language(raw, event=str.upper, word=str.upper, records=HANDLE, options=TIMEOUT, kinds=UNIFFI - {"raises"}, undocumented=ALL,
                     own=beyond(str, "MISSED") | {"verb node.close", "exception CancelledError"}),
    # Their code is no package that has a version.
    "Swift": Language(camel, verb=camel, event=camel, word=camel, records=HANDLE, kinds=UNIFFI - {"version"},
                      own=beyond(camel, "missed") | {"verb node.close", "exception CancelledError"}),
    # It has no shortcuts.
    "Python by uniffi": Language(hidden, event=str.upper, word=str.upper, records=HANDLE, kinds=UNIFFI - {"version", "option"},
                                 undocumented=frozenset({"argument", "field", "setting"}),
                                 own=beyond(str, "MISSED") | {"verb node.close", "exception CancelledError"}),
}
