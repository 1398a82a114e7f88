"""Answers that come in parts: a stream to read, and an answer to write."""

from __future__ import annotations

from ._arguments import agent_id
from ._errors import DmError
from ._records import Part, WrittenPart

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Mapping
    from types import TracebackType
    from typing import Any

    from typing_extensions import Self

    from ._message import Message
    from ._node import Node
    from ._receipt import Receipt
    from .types import AgentLike

# What the other side is told when nobody reads on.
NOBODY_READS = "nobody waits for the answer any more"


def question(
    to: AgentLike, content: str, timeout: float | None, metadata: Mapping[str, Any] | None, in_reply_to: str | None
) -> dict[str, Any]:
    """The arguments of `messages.ask_stream`."""
    arguments: dict[str, Any] = {"to": agent_id("to", to), "content": content}
    given = {"timeout_secs": timeout, "metadata": metadata, "in_reply_to": in_reply_to}
    arguments.update((name, value) for name, value in given.items() if value is not None)
    return arguments


def ending(to: str, in_reply_to: str, content: str, metadata: Mapping[str, Any] | None) -> dict[str, Any]:
    """The arguments of `messages.finish`."""
    arguments = {"to": to, "in_reply_to": in_reply_to, "content": content}
    return arguments if metadata is None else {**arguments, "metadata": metadata}


async def _read(node: Node, arguments: dict[str, Any]) -> AsyncGenerator[Part, None]:
    stream = (await node._call("messages.ask_stream", arguments))["stream_id"]
    number, is_over = 0, False
    try:
        while True:
            try:
                found = await node._call("messages.next_part", {"stream_id": stream, "number": number})
            except DmError:
                is_over = True
                raise
            if found is None:
                is_over = True
                return
            part = Part.from_json(found)
            number = part.number + 1
            yield part
    finally:
        if not is_over:
            try:
                await node._call("messages.cancel", {"message_id": stream, "reason": NOBODY_READS})
            except DmError:
                # The node is closed, or the question is long over.
                pass


class AskStream:
    """The parts of an answer, for `async for`, once. All contents together are the reply.

    The question leaves with the first part that is asked for. Whoever stops before the end takes the question back: by
    `aclose`, by leaving the `async with` block, by a task that is cancelled, or when nobody refers to this object.
    """

    __slots__ = ("_parts", "__weakref__")

    def __init__(self, node: Node, arguments: dict[str, Any]) -> None:
        # A function and not a method: a cycle would keep a stream that nobody reads.
        self._parts = _read(node, arguments)

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Part:
        return await self._parts.__anext__()

    async def aclose(self) -> None:
        """Ends it. Before the end of the answer, the other side is told that nobody waits for it any more."""
        await self._parts.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()


class AnswerStream:
    """An answer that is written part by part, whether the asker waits for parts or not. Leaving the `async with` block
    without an error sends the reply."""

    __slots__ = ("_message", "_finished")

    def __init__(self, message: Message) -> None:
        self._message = message
        self._finished = False

    async def write(self, content: str) -> WrittenPart:
        """Writes a part, which is sent within milliseconds when the asker waits for parts."""
        message = self._message
        return await message._node.messages.part(message.from_, message.message_id, content)

    async def finish(self, content: str = "", *, metadata: Mapping[str, Any] | None = None) -> Receipt:
        """Sends everything that was written, and `content` as the last part, as the reply: an ordinary message."""
        message = self._message
        arguments = ending(message.from_, message.message_id, content, metadata)
        data = await message._node._call("messages.finish", arguments)
        self._finished = True
        return message._node._receipt(data)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None and not self._finished and not self._message._node._is_elsewhere:
            await self.finish()
