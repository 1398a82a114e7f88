"""Answers that come in parts, with methods that block: a stream to read, and an answer to write."""

from __future__ import annotations

from ._errors import DmError
from ._records import Part, WrittenPart
from ._streams import NOBODY_READS, ending

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Generator, Mapping
    from types import TracebackType
    from typing import Any

    from typing_extensions import Self

    from .sync import Message, Node, Receipt


def _read(node: Node, arguments: dict[str, Any]) -> Generator[Part, None, None]:
    stream = node._call("messages.ask_stream", arguments)["stream_id"]
    number, is_over = 0, False
    try:
        while True:
            try:
                found = node._call("messages.next_part", {"stream_id": stream, "number": number})
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
                node._call("messages.cancel", {"message_id": stream, "reason": NOBODY_READS})
            except DmError:
                # The node is closed, or the question is long over.
                pass


class AskStream:
    """The parts of an answer, for `for`, once. All contents together are the reply. The question leaves with the first
    part that is asked for; whoever stops before the end takes it back."""

    __slots__ = ("_parts", "__weakref__")

    def __init__(self, node: Node, arguments: dict[str, Any]) -> None:
        self._parts = _read(node, arguments)

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Part:
        return next(self._parts)

    def close(self) -> None:
        """Ends it. Before the end of the answer, the other side is told that nobody waits for it any more."""
        self._parts.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class AnswerStream:
    """An answer that is written part by part, whether the asker waits for parts or not. Leaving the `with` block without
    an error sends the reply."""

    __slots__ = ("_message", "_finished")

    def __init__(self, message: Message) -> None:
        self._message = message
        self._finished = False

    def write(self, content: str) -> WrittenPart:
        """Writes a part, which is sent within milliseconds when the asker waits for parts."""
        message = self._message
        return message._node.messages.part(message.from_, message.message_id, content)

    def finish(self, content: str = "", *, metadata: Mapping[str, Any] | None = None) -> Receipt:
        """Sends everything that was written, and `content` as the last part, as the reply: an ordinary message."""
        message = self._message
        data = message._node._call("messages.finish", ending(message.from_, message.message_id, content, metadata))
        self._finished = True
        return message._node._receipt(data)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None and not self._finished and not self._message._node._is_elsewhere:
            self.finish()
