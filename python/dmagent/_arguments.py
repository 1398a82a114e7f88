"""What people pass, as the core wants it."""

from __future__ import annotations

from ._errors import from_native, invalid

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from typing import Any

    from ._records import Message
    from .types import AgentLike, MessageKind

# What an agent works on; notices of the node itself only when asked for.
FOR_THE_AGENT: tuple[MessageKind, ...] = ("peer", "stranger")

# Deeper than anything the core takes.
DEEPEST = 64


def agent_id(agent: AgentLike) -> str:
    """The id of an agent, or of whatever has one."""
    if isinstance(agent, str):
        return str(agent)
    found = getattr(agent, "agent_id", None)
    if not isinstance(found, str):
        raise invalid(f"an agent id or something with an `agent_id` is needed, not {type(agent).__name__}")
    return found


def agent_ids(agents: AgentLike | Iterable[AgentLike]) -> list[str]:
    """The ids of one agent or several."""
    found = recipients(agents)
    return [found] if isinstance(found, str) else found


def recipients(to: AgentLike | Iterable[AgentLike]) -> str | list[str]:
    """One id, or a list of them."""
    if not isinstance(to, str) and hasattr(to, "__iter__"):
        return [agent_id(agent) for agent in to]
    return agent_id(to)


def several(words: str | Iterable[str]) -> list[str]:
    """One word or several."""
    if isinstance(words, str):
        return [words]
    if not hasattr(words, "__iter__"):
        raise invalid(f"a word or a list of words is needed, not {type(words).__name__}")
    return list(words)


def sequence_of(message: int | Message) -> int:
    """The place of a message in the inbox."""
    found = getattr(message, "sequence", message)
    if not isinstance(found, int):
        raise invalid(f"a message or its `sequence` is needed, not {type(message).__name__}")
    return found


def wanted(
    from_: AgentLike | Iterable[AgentLike] | None,
    in_reply_to: str | None,
    kinds: MessageKind | Iterable[MessageKind] | None,
) -> dict[str, Any]:
    """The arguments of `messages.next` for a filter."""
    filter: dict[str, Any] = {"kinds": several(FOR_THE_AGENT if kinds is None else kinds)}
    # The core reads an empty list as "anything".
    if not filter["kinds"]:
        raise invalid("kinds is an empty list; leave it out to hear peers and strangers")
    if from_ is not None:
        filter["from"] = agent_ids(from_)
        if not filter["from"]:
            raise invalid("from_ is an empty list; leave it out to hear everybody")
    if in_reply_to is not None:
        filter["in_reply_to"] = in_reply_to
    return filter


def send_arguments(to: AgentLike | Iterable[AgentLike], content: str, options: dict[str, Any]) -> dict[str, Any]:
    """The arguments of `messages.send`."""
    given = {name: value for name, value in options.items() if value is not None}
    # JSON would make text of other keys, and of two keys one.
    if reason := _fault("metadata", given.get("metadata"), None, DEEPEST):
        raise invalid(reason)
    return {"to": recipients(to), "content": content, **given}


def setting(value: object) -> str:
    """A path or an address as text."""
    from ipaddress import IPv4Address, IPv6Address
    from os import PathLike, fspath

    if isinstance(value, PathLike):
        return str(fspath(value))
    if isinstance(value, (IPv4Address, IPv6Address)):
        return str(value)
    raise TypeError


def to_json(
    named: Mapping[str, object], text: Callable[[object], str] | None = None, code: str = "invalid_argument"
) -> str:
    """JSON text of named values; `text` makes text of what JSON does not know. What cannot be written is named in an
    exception with `code`."""
    from json import dumps

    try:
        made = dumps(named, default=text, allow_nan=False, ensure_ascii=False)
        made.encode()
    except (TypeError, ValueError, RecursionError):
        faults = (_fault(name, value, text, DEEPEST) for name, value in named.items())
        reason = next(filter(None, faults), "the arguments cannot be written as JSON")
        raise from_native(code, reason, ()) from None
    return made


def _fault(name: str, value: object, text: Callable[[object], str] | None, depth: int) -> str | None:
    """Why JSON cannot hold a value; `None` when it can."""
    from math import isfinite

    if value is None or isinstance(value, int):
        return None
    if isinstance(value, str):
        return None if _is_text(value) else f"{name} holds a lone surrogate, which is no text"
    if isinstance(value, float):
        return None if isfinite(value) else f"{name} must be a finite number, not {value}"
    if depth == 0:
        return f"{name.split('.')[0].split('[')[0]} is nested too deeply"
    if isinstance(value, (list, tuple)):
        inner = [(f"{name}[{index}]", item) for index, item in enumerate(value)]
    elif isinstance(value, dict):
        for key in value:
            if not isinstance(key, str) or not _is_text(key):
                return f"the keys of {name} must be text, not {ascii(key)}"
        inner = [(f"{name}.{key}", item) for key, item in value.items()]
    else:
        unknown = f"{name} cannot be of type {type(value).__name__}"
        try:
            return unknown if text is None else _fault(name, text(value), None, depth - 1)
        except TypeError:
            return unknown
    return next(filter(None, (_fault(*item, text, depth - 1) for item in inner)), None)


def _is_text(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
