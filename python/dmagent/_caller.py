"""What the nouns of the asynchronous node stand on."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ._message import Message
    from ._receipt import Receipt


class NodeCaller:
    """Calls verbs; the node itself is one."""

    __slots__ = ()

    async def _call(self, verb: str, arguments: dict[str, Any]) -> Any:
        raise NotImplementedError

    def _message(self, data: dict[str, Any]) -> Message:
        raise NotImplementedError

    def _receipt(self, data: dict[str, Any]) -> Receipt:
        raise NotImplementedError

    async def _handed(self, verb: str, arguments: dict[str, Any]) -> Message:
        raise NotImplementedError

    async def _handed_or_none(self, verb: str, arguments: dict[str, Any]) -> Message | None:
        raise NotImplementedError


class Caller:
    """The verbs of one noun of a node."""

    __slots__ = ("_node",)

    def __init__(self, node: NodeCaller) -> None:
        self._node = node

    async def _call(self, verb: str, arguments: dict[str, Any]) -> Any:
        return await self._node._call(verb, arguments)

    def _message(self, data: dict[str, Any]) -> Message:
        return self._node._message(data)

    def _receipt(self, data: dict[str, Any]) -> Receipt:
        return self._node._receipt(data)

    async def _handed(self, verb: str, arguments: dict[str, Any]) -> Message:
        return await self._node._handed(verb, arguments)

    async def _handed_or_none(self, verb: str, arguments: dict[str, Any]) -> Message | None:
        return await self._node._handed_or_none(verb, arguments)
