"""What people pass, as the core wants it."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from ._records import Message
    from .types import AgentLike


def agent_id(agent: AgentLike) -> str:
    """The id of an agent, or of whatever has one."""
    if isinstance(agent, str):
        return str(agent)
    found = getattr(agent, "agent_id", None)
    if not isinstance(found, str):
        raise TypeError(f"an agent id or something with an `agent_id` is needed, not {type(agent).__name__}")
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


def sequence_of(message: int | Message) -> int:
    """The place of a message in the inbox."""
    return message if isinstance(message, int) else message.sequence
