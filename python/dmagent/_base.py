"""What the asynchronous node and its synchronous twin share: settings, the native handle, and what never waits."""

from __future__ import annotations

from ._arguments import settings_json, verb_json
from ._errors import ClosedError, closed, invalid

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any
    from typing import overload as overload

    from typing_extensions import Self, Unpack

    from . import _native
    from .types import Settings
else:

    def overload(function: object) -> object:
        """Means nothing when the program runs."""
        return function


def as_it_is(result: Any) -> Any:
    """What needs no more than to be there."""
    return result


def from_json(text: str) -> Any:
    """What JSON text holds."""
    from json import loads

    return loads(text)


class BaseNode:
    """A node before and while it is open."""

    __slots__ = ("_native", "_preset", "_settings", "__weakref__")

    def __init__(self, **settings: Unpack[Settings]) -> None:
        self._preset = "agent"
        self._settings: Settings = settings
        self._native: _native.Node | None = None

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
            raise invalid("a node is opened once; make a new one" if self.closed else "the node is open already")
        return _native.open(self._preset, settings_json(self._settings))

    def _handle(self) -> _native.Node:
        if self._native is None:
            raise closed("the node is not open; enter `with` or call `open` first")
        return self._native

    def _verb(self, verb: str, arguments: dict[str, Any]) -> _native.Call:
        return self._handle().call(verb, verb_json(verb, arguments))

    def _handing(self, verb: str, arguments: dict[str, Any]) -> _native.Call:
        return self._handle().hand_out(verb, verb_json(verb, arguments))

    @property
    def agent_id(self) -> str:
        """Who this node is."""
        return self._handle().agent_id

    @property
    def closed(self) -> bool:
        """Whether the node is not open: not yet, or not any more."""
        return self._native is None or self._native.closed

    @property
    def _is_elsewhere(self) -> bool:
        """Whether this process was forked from the one that has the node: then there is nothing to end here."""
        try:
            _ = self.closed
        except ClosedError as error:
            return error.code == "forked"
        return False

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
