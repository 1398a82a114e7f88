"""What people pass, as the core wants it."""

from __future__ import annotations

from ._errors import invalid

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any

    from ._records import Message
    from .types import AgentLike, MessageKind, Settings

# What an agent works on; notices of the node itself only when asked for.
FOR_THE_AGENT: tuple[MessageKind, ...] = ("peer", "stranger")


def checked(verb: str, argument: str, name: str, value: Any) -> Any:
    """The value of an argument of a verb, which its caller knows under `name`; raises when it cannot be used."""
    from ._shapes import VERBS

    if reason := VERBS[verb].members[argument].fault(name, value):
        raise invalid(reason)
    return value


def agent_id(name: str, agent: AgentLike) -> str:
    """The id of an agent, or of whatever has one; `name` is what the caller calls it."""
    from ._shape import Agent

    found = agent if isinstance(agent, str) else getattr(agent, "agent_id", agent)
    if reason := Agent(or_holder=True).fault(name, found):
        raise invalid(reason)
    return str(found)


def agent_ids(name: str, agents: AgentLike | Iterable[AgentLike]) -> list[str]:
    """The ids of one agent or several."""
    found = recipients(name, agents)
    return [found] if isinstance(found, str) else found


def recipients(name: str, to: AgentLike | Iterable[AgentLike]) -> str | list[str]:
    """One id, or a list of them."""
    from ._shape import Agent, List

    given: Any = to
    # An agent that can be iterated is still one.
    if isinstance(given, str) or hasattr(given, "agent_id"):
        return agent_id(name, given)
    listed = _listed(given)
    if listed is None:
        raise invalid(List(Agent(or_holder=True), or_one=True).refused(name, given))
    return [agent_id(f"{name}[{index}]", agent) for index, agent in enumerate(listed)]


def several(verb: str, name: str, words: str | Iterable[str]) -> list[str]:
    """One word or several, for an argument of a verb."""
    from ._shape import List
    from ._shapes import VERBS

    shape = VERBS[verb].members[name]
    assert isinstance(shape, List)
    listed = _listed(words)
    if reason := List(shape.item, or_one=True).fault(name, words if listed is None else listed):
        raise invalid(reason)
    return [str(words)] if listed is None else listed


def listed(values: Iterable[Any]) -> Any:
    """Several values as a list. What is none stays as it is, to be refused."""
    found = _listed(values)
    return values if found is None else found


def sequence_of(name: str, message: int | Message) -> int:
    """The place of a message in the inbox."""
    from ._shape import shown

    found = getattr(message, "sequence", message)
    if not isinstance(found, int) or isinstance(found, bool):
        raise invalid(f"{name} must be a message or its `sequence`, not {shown(message)}")
    return found


def wanted(
    from_: AgentLike | Iterable[AgentLike] | None,
    in_reply_to: str | None,
    kinds: MessageKind | Iterable[MessageKind] | None,
) -> dict[str, Any]:
    """The arguments of `messages.next` for a filter."""
    filter: dict[str, Any] = {"kinds": several("messages.next", "kinds", FOR_THE_AGENT if kinds is None else kinds)}
    # The core reads an empty list as "anything".
    if not filter["kinds"]:
        raise invalid("kinds is an empty list; leave it out to hear peers and strangers")
    if from_ is not None:
        filter["from"] = agent_ids("from_", from_)
        if not filter["from"]:
            raise invalid("from_ is an empty list; leave it out to hear everybody")
    if in_reply_to is not None:
        filter["in_reply_to"] = checked("messages.next", "in_reply_to", "in_reply_to", in_reply_to)
    return filter


def within(filter: dict[str, Any], timeout: float | None) -> dict[str, Any]:
    """The arguments of `messages.next` for a filter and the patience of whoever waits."""
    if timeout is None:
        return filter
    return {**filter, "timeout_secs": checked("messages.next", "timeout_secs", "timeout", timeout)}


def send_arguments(to: AgentLike | Iterable[AgentLike], content: str, options: dict[str, Any]) -> dict[str, Any]:
    """The arguments of `messages.send`."""
    from ._shapes import VERBS

    # What is unknown stays, to be refused.
    known = VERBS["messages.send"].members
    given = {name: value for name, value in options.items() if value is not None or name not in known}
    if "caused_by" in given:
        given["caused_by"] = sequence_of("caused_by", given["caused_by"])
    return {"to": recipients("to", to), "content": content, **given}


def reply_options(message_id: str, options: dict[str, Any]) -> dict[str, Any]:
    """The options of an answer to a message."""
    if "in_reply_to" in options:
        raise invalid("reply takes no in_reply_to: it answers this message; use send to answer another")
    return {**options, "in_reply_to": message_id}


def verb_json(verb: str, arguments: dict[str, Any]) -> str:
    """The arguments of a verb as JSON text."""
    from ._shape import Json, Text
    from ._shapes import VERBS

    if reason := Text().fault("verb", verb):
        raise invalid(reason)
    # The core knows whether there is a verb of another name.
    if shape := VERBS.get(verb):
        reason = shape.fault_of(arguments, verb)
    else:
        reason = next(filter(None, (Json().fault(name, value) for name, value in arguments.items())), None)
    if reason:
        raise invalid(reason)
    return _json(arguments)


def settings_json(settings: Settings) -> str:
    """The settings of a node as JSON text."""
    from ._errors import from_native
    from ._shapes import SETTINGS

    if reason := SETTINGS.fault_of({**settings}, "the node"):
        raise from_native("config_invalid", reason, ())
    return _json(settings)


def _json(named: Mapping[str, object]) -> str:
    from json import dumps

    return dumps(named, default=_setting, ensure_ascii=False)


def _setting(value: object) -> str:
    """A path or an address as text."""
    from os import PathLike, fspath

    return str(fspath(value)) if isinstance(value, PathLike) else str(value)


def _listed(values: Any) -> list[Any] | None:
    """Several values as a list; `None` when it is one."""
    # These can be iterated too, but nobody means their letters, bytes or keys.
    if isinstance(values, (str, bytes, bytearray, dict)) or not hasattr(values, "__iter__"):
        return None
    return list(values)
