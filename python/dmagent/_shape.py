"""What an argument may be, and the sentence about one that is something else.

A shape looks at a value before the core does, because only here it is known what the caller wrote: the name of the
parameter, the place in a list or dictionary, and the type in Python's words. `_shapes.py` has the shape of every
argument. What a shape lets through the core still judges.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

# Deeper than anything the core takes.
DEEPEST = 64
# How much of a text an error shows.
SHOWN = 70


class Shape:
    """Any value of one kind."""

    __slots__ = ()

    def wanted(self) -> str:
        """What is allowed, as it goes on after "must be"."""
        raise NotImplementedError

    def fault(self, name: str, value: object) -> str | None:
        """Why the value cannot be used, as a sentence about `name`; `None` when it can."""
        raise NotImplementedError

    def refused(self, name: str, value: object) -> str:
        """The sentence about a value that is not allowed."""
        return f"{name} must be {self.wanted()}, not {shown(value)}"


class Flag(Shape):
    """A yes or no."""

    __slots__ = ()

    def wanted(self) -> str:
        return "True or False"

    def fault(self, name: str, value: object) -> str | None:
        return None if isinstance(value, bool) else self.refused(name, value)


class Number(Shape):
    """A number between two others, or any finite one."""

    __slots__ = ("least", "most")

    def __init__(self, least: float | None = None, most: float | None = None) -> None:
        self.least = least
        self.most = most

    def wanted(self) -> str:
        if self.least is None or self.most is None:
            return "a finite number"
        return f"a number from {self.least:,g} to {self.most:,.10g}"

    def fault(self, name: str, value: object) -> str | None:
        right = is_finite(value) and within(value, self.least, self.most)
        return None if right else self.refused(name, value)


class Whole(Shape):
    """An integer between two others."""

    __slots__ = ("least", "most")

    def __init__(self, least: int, most: int) -> None:
        self.least = least
        self.most = most

    def wanted(self) -> str:
        # A bound that only the width of a number sets says little in digits.
        most = f"2**{self.most.bit_length()} - 1" if self.most >= 2**32 - 1 else f"{self.most:,}"
        return f"an int from {self.least:,} to {most}"

    def fault(self, name: str, value: object) -> str | None:
        right = isinstance(value, int) and not isinstance(value, bool) and within(value, self.least, self.most)
        return None if right else self.refused(name, value)


class Text(Shape):
    """A text."""

    __slots__ = ()

    def wanted(self) -> str:
        return "a str"

    def fault(self, name: str, value: object) -> str | None:
        if not isinstance(value, str):
            return self.refused(name, value)
        return None if is_text(value) else f"{name} holds a lone surrogate, which is no text: {shown(value)}"


class Path(Text):
    """The path of a folder."""

    __slots__ = ()

    def wanted(self) -> str:
        return "a str or an os.PathLike of one"

    def fault(self, name: str, value: object) -> str | None:
        from os import PathLike, fspath

        path = fspath(value) if isinstance(value, PathLike) else value
        return super().fault(name, path) if isinstance(path, str) else self.refused(name, path)


class Address(Text):
    """An IP address."""

    __slots__ = ()

    def wanted(self) -> str:
        return "an IP address"

    def fault(self, name: str, value: object) -> str | None:
        from ipaddress import IPv4Address, IPv6Address, ip_address

        if isinstance(value, (IPv4Address, IPv6Address)):
            return None
        try:
            return None if isinstance(value, str) and ip_address(value) else self.refused(name, value)
        except ValueError:
            return self.refused(name, value)


class Word(Shape):
    """One of a few words."""

    __slots__ = ("words",)

    def __init__(self, *words: str) -> None:
        self.words = words

    def wanted(self) -> str:
        return "one of " + ", ".join(map(repr, self.words))

    def fault(self, name: str, value: object) -> str | None:
        return None if isinstance(value, str) and value in self.words else self.refused(name, value)


class Agent(Shape):
    """An agent id; what has one was asked for it before, where that is allowed."""

    __slots__ = ("or_holder",)

    def __init__(self, or_holder: bool = False) -> None:
        self.or_holder = or_holder

    def wanted(self) -> str:
        holder = " or something with an `agent_id`" if self.or_holder else ""
        return f"an agent id (64 lower-case hexadecimal digits){holder}"

    def fault(self, name: str, value: object) -> str | None:
        right = isinstance(value, str) and len(value) == 64 and not value.strip("0123456789abcdef")
        return None if right else self.refused(name, value)


class Optional(Shape):
    """`None`, or something."""

    __slots__ = ("inner",)

    def __init__(self, inner: Shape) -> None:
        self.inner = inner

    def wanted(self) -> str:
        return f"{self.inner.wanted()} or None"

    def fault(self, name: str, value: object) -> str | None:
        return None if value is None else self.inner.fault(name, value)


class List(Shape):
    """Several of a kind; one alone where that is allowed too."""

    __slots__ = ("item", "or_one")

    def __init__(self, item: Shape, or_one: bool = False) -> None:
        self.item = item
        self.or_one = or_one

    def wanted(self) -> str:
        item = self.item.wanted()
        return f"{item}, or a list of them" if self.or_one else f"a list; each item is {item}"

    def fault(self, name: str, value: object) -> str | None:
        if not isinstance(value, (list, tuple)):
            return None if self.or_one and self.item.fault(name, value) is None else self.refused(name, value)
        return first(self.item.fault(f"{name}[{index}]", item) for index, item in enumerate(value))


class Pair(Shape):
    """Two values."""

    __slots__ = ("item",)

    def __init__(self, item: Shape) -> None:
        self.item = item

    def wanted(self) -> str:
        return f"two values, each {self.item.wanted()}"

    def fault(self, name: str, value: object) -> str | None:
        if not isinstance(value, (list, tuple)) or len(value) != 2:
            return self.refused(name, value)
        return first(self.item.fault(f"{name}[{index}]", item) for index, item in enumerate(value))


class Dict(Shape):
    """A dictionary whose values are of a kind."""

    __slots__ = ("value",)

    def __init__(self, value: Shape) -> None:
        self.value = value

    def wanted(self) -> str:
        return "a dict"

    def fault(self, name: str, value: object) -> str | None:
        if not isinstance(value, dict):
            return self.refused(name, value)
        return keys_fault(name, value) or first(self.value.fault(at(name, key), item) for key, item in value.items())


class Members(Shape):
    """A dictionary whose members are known; those of arguments are told as they stand."""

    __slots__ = ("members", "required")

    def __init__(self, members: Mapping[str, Shape], *required: str) -> None:
        self.members = members
        self.required = required

    def wanted(self) -> str:
        return "a dict"

    def fault(self, name: str, value: object) -> str | None:
        if not isinstance(value, dict):
            return self.refused(name, value)
        return keys_fault(name, value) or self.fault_of(value, name, lambda member: at(name, member))

    def fault_of(self, given: Mapping[str, object], whose: str, path: Callable[[str], str] = str) -> str | None:
        """Why one of the members cannot be used; `whose` they are, and how each is written."""
        for member in given:
            if member not in self.members:
                known = ", ".join(self.members)
                return f"{whose} has no {cut(ascii(member))}; " + (f"it takes {known}" if known else "it takes nothing")
        for member in self.required:
            if member not in given:
                return f"{whose} needs `{member}`: {self.members[member].wanted()}"
        return first(self.members[member].fault(path(member), value) for member, value in given.items())


class Json(Shape):
    """Whatever JSON can hold."""

    __slots__ = ("depth",)

    def __init__(self, depth: int = DEEPEST) -> None:
        self.depth = depth

    def wanted(self) -> str:
        return "what JSON can hold: None, bool, int, float, str, list or dict"

    def fault(self, name: str, value: object) -> str | None:
        if value is None or isinstance(value, bool):
            return None
        if isinstance(value, str):
            return Text().fault(name, value)
        if isinstance(value, float):
            return Number().fault(name, value)
        if isinstance(value, int):
            right = value.bit_length() <= 64
            return None if right else f"{name} is too large a number, {shown(value)}; send it as text"
        if not isinstance(value, (list, tuple, dict)):
            return self.refused(name, value)
        if self.depth == 0:
            return f"{name.split('[')[0]} is nested too deeply"
        inner = Json(self.depth - 1)
        return Dict(inner).fault(name, value) if isinstance(value, dict) else List(inner).fault(name, value)


def shown(value: object) -> str:
    """A wrong value and its type; of what may be long or may not tell itself, the type alone."""
    kind = type(value).__name__
    if value is None:
        return "None"
    if isinstance(value, int) and value.bit_length() > 128:
        return f"an int of {value.bit_length()} bits"
    if isinstance(value, (bool, int, float)):
        return f"{value!r} ({kind})" if type(value) in (bool, int, float) else kind
    if isinstance(value, str):
        return f"{cut(ascii(str(value)))} ({kind})"
    return "an empty list" if value == [] and isinstance(value, list) else kind


def at(name: str, key: str) -> str:
    """How the value under a key is written."""
    from json import dumps

    return f"{name}[{cut(dumps(key))}]"


def cut(text: str) -> str:
    """A text, shortened."""
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}…"


def keys_fault(name: str, value: Mapping[object, object]) -> str | None:
    """Why the keys of a dictionary cannot be used. JSON would make text of other keys, and of two keys one."""
    for key in value:
        if not isinstance(key, str) or not is_text(key):
            return f"the keys of {name} must be text, not {shown(key)}"
    return None


def is_finite(value: object) -> bool:
    """Whether a value is a number that a float can hold."""
    from math import isfinite

    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return False
    try:
        return isfinite(value)
    except OverflowError:
        return False


def within(value: object, least: float | None, most: float | None) -> bool:
    """Whether a number lies between two others."""
    assert isinstance(value, (int, float))
    return (least is None or value >= least) and (most is None or value <= most)


def first(faults: Iterable[str | None]) -> str | None:
    """The first that is one."""
    return next(filter(None, faults), None)


def is_text(text: str) -> bool:
    """Whether a string is text: a half of a surrogate pair is none."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
