"""The languages, and how each spells the names of the schema. Only the letter case differs, and words that a language
keeps for itself.

A language joins with a row here and a program that prints its facts as one JSON object, from the name of a fact to its
documentation or null; `cargo xtask test` runs that program on the installed package (`.cargo/xtask/src/parity.rs`). A fact
`problem NAME` tells something that the program found wrong by itself.
"""

from __future__ import annotations

import keyword
import re
from collections.abc import Callable
from dataclasses import dataclass

ALL = frozenset(
    "version verb argument record field event code number raises retry word setting".split()
)


def camel(name: str) -> str:
    """`display_name` as `displayName`."""
    return re.sub(r"_([a-z0-9])", lambda found: found[1].upper(), name)


def pythonic(name: str) -> str:
    """`from` as `from_`."""
    return name + "_" if keyword.iskeyword(name) else name


@dataclass(frozen=True)
class Language:
    """A language."""

    member: Callable[[str], str] = str
    """How an argument, a field or a setting is spelled."""
    kinds: frozenset[str] = ALL
    """The kinds of facts that the language has as names of its own. The others reach it as JSON, with the schema as their
    documentation, which then is part of the package."""
    undocumented: frozenset[str] = frozenset()
    """Kinds that it documents elsewhere."""
    own: frozenset[str] = frozenset()
    """What it has beyond the schema, for good reason."""

    def spelled(self, fact: str) -> str:
        """A fact under the name that the language has for it."""
        kind, *names = fact.split(" ")
        if kind in ("argument", "field", "setting"):
            names[-1] = ".".join(map(self.member, names[-1].split(".")))
        return " ".join([kind, *names])


# A listener that was too slow gets this in place of what it missed.
MISSED = frozenset({"record Missed", "field Missed missed", "event missed", "field missed missed"})

LANGUAGES = {
    "Python": Language(pythonic, ALL - {"number"}, own=MISSED),
    "Python without asyncio": Language(pythonic, frozenset({"verb", "argument"})),
    "JavaScript": Language(camel, own=MISSED),
    # Records, events and settings are JSON.
    "C": Language(kinds=frozenset({"version", "verb", "argument", "code", "number"}), undocumented=frozenset({"verb", "argument"})),
}
