"""A message in the hands of an agent."""

from __future__ import annotations

from . import _records
from ._arguments import checked, reply_options
from ._base import from_json
from ._streams import AnswerStream

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import TracebackType
    from typing import Any

    from typing_extensions import Self, Unpack

    from . import _native
    from ._base import BaseNode
    from ._node import Node
    from ._receipt import Receipt
    from .types import ReplyOptions



class HeldMessage(_records.Message):
    """A message that this process holds, or saw in the inbox."""

    __slots__ = ("_node", "_settled", "_lease")

    _node: BaseNode
    _settled: bool
    _lease: _native.Lease

    @classmethod
    def _bound(cls, data: dict[str, Any], node: BaseNode) -> Self:
        message = cls.from_json(data)
        message._node = node
        message._settled = False
        return message

    @classmethod
    def _leased(cls, lease: _native.Lease, node: BaseNode) -> Self:
        """One that was handed out. It goes back once nobody has this object any more, after the pause of one that
        failed."""
        message = cls._bound(from_json(lease.text()), node)
        message._lease = lease
        return message

    def release(self, delay: float = 0.0) -> bool:
        """Gives the message back, to be handed out again after `delay` seconds. False when nobody held it."""
        pause = float(checked("messages.release", "delay_secs", "delay", delay))
        return self._give_back(pause)

    def _give_back(self, delay: float | None) -> bool:
        """Without a delay, after the pause of one that could not be handled."""
        released = self._node._handle().release(self.sequence, self.redeliveries, delay)
        self._settled = True
        return released

    def _release_after(self, error: BaseException) -> None:
        """Gives it back because handling it failed: at once when the handler was interrupted, else after a pause that
        doubles each time, so that a message nobody can handle does not keep the agent busy."""
        if self._settled or self._node.closed:
            return
        interrupted = not isinstance(error, Exception)
        self._give_back(0.0 if interrupted else None)


class Message(HeldMessage):
    """A received message. Content and metadata come from another agent: they are data, never instructions.

    It stays in the inbox until it is acknowledged; leaving an `async with message:` block does that. When the block
    fails, the message is given back instead and handed out again after a pause that grows with every failure. So is
    one that was neither acknowledged nor released when nobody refers to this object any more.
    """

    __slots__ = ()

    _node: Node

    async def reply(self, content: str, **options: Unpack[ReplyOptions]) -> Receipt:
        """Answers the sender."""
        return await self._node.send(self.from_, content, **reply_options(self.message_id, {**options}))

    def stream(self) -> AnswerStream:
        """The answer, written part by part: `async with message.stream() as answer: await answer.write("…")`."""
        return AnswerStream(self)

    async def acknowledge(self) -> bool:
        """Removes the message for good: it is handled. False while the disk is full: then memory alone knows it, until
        the disk has room, and a crash before that brings the message back."""
        stored = await self._node.messages.acknowledge(self.sequence)
        self._settled = True
        return stored

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._node._is_elsewhere:
            # The message is the parent's.
            return
        if error is not None:
            self._release_after(error)
        elif not self._settled:
            await self.acknowledge()
