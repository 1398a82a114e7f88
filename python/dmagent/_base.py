"""What the asynchronous node and its synchronous twin share: settings, the native handle, and what never waits."""

from __future__ import annotations

from ._errors import closed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any

    from typing_extensions import Self, Unpack

    from . import _native
    from .types import AgentLike, MessageKind, Settings

# What an agent works on; notices of the node itself only when asked for.
FOR_THE_AGENT: tuple[MessageKind, ...] = ("peer", "stranger")


def to_json(value: object, text: Callable[[object], str] | None = None) -> str:
    """JSON text; `text` makes text of what JSON does not know."""
    from json import dumps

    return dumps(value, default=text, allow_nan=False)


def setting(value: object) -> str:
    """A path or an address as text."""
    from ipaddress import IPv4Address, IPv6Address
    from os import PathLike, fspath

    if isinstance(value, PathLike):
        return str(fspath(value))
    if isinstance(value, (IPv4Address, IPv6Address)):
        return str(value)
    raise TypeError(f"{type(value).__name__} is nothing that a setting can be")


def from_json(text: str) -> Any:
    """What JSON text holds."""
    from json import loads

    return loads(text)


def wanted(
    from_: AgentLike | Iterable[AgentLike] | None, in_reply_to: str | None, kinds: Iterable[MessageKind] | None
) -> dict[str, Any]:
    """The arguments of `messages.next` for a filter."""
    from ._arguments import agent_ids

    filter: dict[str, Any] = {"kinds": list(FOR_THE_AGENT if kinds is None else kinds)}
    if from_ is not None:
        filter["from"] = agent_ids(from_)
        if not filter["from"]:
            # The core reads an empty list as "from anybody".
            raise ValueError("from_ is an empty list; leave it out to hear everybody")
    if in_reply_to is not None:
        filter["in_reply_to"] = in_reply_to
    return filter


def send_arguments(to: AgentLike | Iterable[AgentLike], content: str, options: dict[str, Any]) -> dict[str, Any]:
    """The arguments of `messages.send`."""
    from ._arguments import recipients

    given = {name: value for name, value in options.items() if value is not None}
    return {"to": recipients(to), "content": content, **given}


class BaseNode:
    """A node before and while it is open."""

    __slots__ = ("_native", "_preset", "_settings", "_handler", "__weakref__")

    def __init__(self, **settings: Unpack[Settings]) -> None:
        self._preset = "agent"
        self._settings: Settings = settings
        self._native: _native.Node | None = None
        # The core keeps only a weak reference.
        self._handler: object = None

    @classmethod
    def _with(cls, preset: str, settings: Settings) -> Self:
        node = cls(**settings)
        node._preset = preset
        return node

    @classmethod
    def from_env(cls, **settings: Unpack[Settings]) -> Self:
        """A node with the behaviour of the product page: what `internet` does, changed by the `DARKMATTER_*`
        variables, changed by the keyword arguments."""
        return cls._with("environment", settings)

    @classmethod
    def internet(cls, **settings: Unpack[Settings]) -> Self:
        """A node that wants to be found: it listens at all addresses on port 8100, looks for others, and asks the
        router for a port. It does not read the environment."""
        return cls._with("internet", settings)

    @classmethod
    def ephemeral(cls, **settings: Unpack[Settings]) -> Self:
        """A node that keeps nothing and, unless `http=True` is given, listens nowhere. It does not read the
        environment."""
        return cls._with("ephemeral", settings)

    def _opening(self) -> _native.Call:
        from . import _native

        if self._native is not None:
            raise ValueError("a node is opened once; make a new one" if self.closed else "the node is open already")
        return _native.open(self._preset, to_json(self._settings, setting))

    def _handle(self) -> _native.Node:
        if self._native is None:
            raise closed("the node is not open; enter `with` or call `open` first")
        return self._native

    def _verb(self, verb: str, arguments: dict[str, Any]) -> _native.Call:
        return self._handle().call(verb, to_json(arguments))

    @property
    def agent_id(self) -> str:
        """Who this node is."""
        return self._handle().agent_id

    @property
    def closed(self) -> bool:
        """Whether the node is not open: not yet, or not any more."""
        return self._native is None or self._native.closed

    @property
    def local_token(self) -> str:
        """The token of the local API, for programs of this machine."""
        return self._handle().local_token

    def __repr__(self) -> str:
        if self._native is None:
            return f"<{type(self).__name__}, not open>"
        try:
            state = ", closed" if self.closed else ""
            return f"<{type(self).__name__} {self.agent_id[:12]}…{state}>"
        except Exception as error:
            return f"<{type(self).__name__}: {error}>"

    def __del__(self) -> None:
        native = getattr(self, "_native", None)
        try:
            if native is None or native.closed:
                return
            agent = native.agent_id[:12]
        except Exception:
            # A forked child has nothing to close.
            return
        # Whoever collects warnings keeps `self` alive, but not the node.
        self._native = native = None
        try:
            from warnings import warn
        except ImportError:
            # The interpreter is ending.
            return
        warn(f"unclosed node {agent}…", ResourceWarning, stacklevel=2, source=self)
