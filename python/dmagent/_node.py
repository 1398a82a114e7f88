"""The asynchronous node."""

from __future__ import annotations

from ._arguments import send_arguments, wanted, within
from ._base import BaseNode, as_it_is, from_json, overload
from ._bridge import run
from ._errors import ClosedError
from ._message import Message
from ._receipt import Receipt
from ._records import EVENTS, Missed, Peer
from ._streams import AskStream, question
from ._verbs import Discovery, Groups, Messages, NodeVerbs, Passport, Peers, Rules, Trust

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from types import TracebackType
    from typing import Any

    from typing_extensions import Self, Unpack

    from . import _native
    from ._records import AnyEvent
    from .types import AgentLike, MessageKind, SendOptions


class Node(NodeVerbs, BaseNode):
    """An agent's place on the mesh.

    Keyword arguments are the members of `dmagent.types.Settings`. What is not given comes from the `DARKMATTER_*`
    variables, and what is not there from modest defaults: the node listens on loopback and contacts nobody unasked.

    A node belongs to no event loop: several loops in several threads may use it at the same time. It does belong to
    its process; in a forked child every call raises `ClosedError`, and leaving the block does nothing.

    >>> import asyncio
    >>> async def main():
    ...     async with Node.ephemeral(display_name="alice") as node:
    ...         return (await node.info()).display_name
    >>> asyncio.run(main())
    'alice'
    """

    __slots__ = ()

    async def open(self) -> Self:
        """Opens the node; `async with` does it for you."""
        self._native = await run(self._opening(), as_it_is)
        return self

    async def close(self) -> None:
        """Closes the node: requests under way finish, everything is on disk, the data folder is free. Closing twice is
        no error."""
        if self._native is not None:
            await run(self._native.close(), as_it_is)

    async def __aenter__(self) -> Self:
        return await self.open()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if not self._is_elsewhere:
            await self.close()

    # Everyday verbs.

    async def connect(self, url: str, *, expect: AgentLike | None = None) -> Peer:
        """Asks the node at a URL for a connection; fails unless the agent `expect` answers there, when it is given. The
        peer is `connected`, or `pending` while its owner decides."""
        return await self.peers.connect(url, expect=expect)

    async def send(
        self, to: AgentLike | Iterable[AgentLike], content: str, **options: Unpack[SendOptions]
    ) -> Receipt:
        """Sends a message to one peer or several. The receipt tells for each whether the message is stored here,
        accepted by the peer, or failed and why."""
        return self._receipt(await self._call("messages.send", send_arguments(to, content, {**options})))

    def ask_stream(
        self,
        to: AgentLike,
        content: str,
        *,
        timeout: float | None = None,
        metadata: Mapping[str, Any] | None = None,
        in_reply_to: str | None = None,
    ) -> AskStream:
        """Asks one peer, and gives the answer part by part as it is written, for `async for`. A peer that knows no
        streams gives one part. When no reply comes within `timeout` seconds, or nobody reads on, the question is taken
        back."""
        return AskStream(self, question(to, content, timeout, metadata, in_reply_to))

    @overload
    async def receive(
        self,
        timeout: None = None,
        *,
        from_: AgentLike | Iterable[AgentLike] | None = None,
        in_reply_to: str | None = None,
        kinds: MessageKind | Iterable[MessageKind] | None = None,
    ) -> Message: ...

    @overload
    async def receive(
        self,
        timeout: float,
        *,
        from_: AgentLike | Iterable[AgentLike] | None = None,
        in_reply_to: str | None = None,
        kinds: MessageKind | Iterable[MessageKind] | None = None,
    ) -> Message | None: ...

    async def receive(
        self,
        timeout: float | None = None,
        *,
        from_: AgentLike | Iterable[AgentLike] | None = None,
        in_reply_to: str | None = None,
        kinds: MessageKind | Iterable[MessageKind] | None = None,
    ) -> Message | None:
        """The next message for the agent; `None` when none comes within `timeout` seconds.

        Only messages from `from_`, in answer to `in_reply_to`, of these `kinds` (default: those of peers and
        strangers; notices of the node itself only when asked for). The message stays in the inbox until it is
        acknowledged.
        """
        return await self.inbox(from_=from_, in_reply_to=in_reply_to, kinds=kinds).next(timeout)

    def inbox(
        self,
        *,
        from_: AgentLike | Iterable[AgentLike] | None = None,
        in_reply_to: str | None = None,
        kinds: MessageKind | Iterable[MessageKind] | None = None,
    ) -> Inbox:
        """The messages for the agent, for `async for`; filtered as in `receive`. Several inboxes of a node share the
        work: each message goes to one of them."""
        return Inbox(self, wanted(from_, in_reply_to, kinds))

    def events(self) -> Events:
        """Everything that happens from now on, for `async for`. It holds the node, as an inbox does."""
        return Events(self, self._handle().events())

    def set_policy(self, policy: object | None) -> None:
        """Lets an object decide about connections and messages from now on; `None` leaves it to the settings.

        The object has any of the methods `admit_connection(question)`, `admit_message(question)` and
        `route(question)`, plain or async. They run on the event loop that calls this. What they answer is told at
        `dmagent.Refuse` and `dmagent.Forward`. A method that raises or is late means the safe answer.
        """
        from ._policy import LoopHandler, methods_of

        handler = None if policy is None else LoopHandler(policy, self._settings.get("policy_timeout_ms", 2000) / 1000)
        self._handle().set_policy(handler, methods_of(policy), False)

    async def call(self, verb: str, **arguments: Any) -> Any:
        """Calls any verb by name, with the arguments and the result as JSON holds them."""
        return await self._call(verb, arguments)

    async def _call(self, verb: str, arguments: dict[str, Any]) -> Any:
        return await run(self._verb(verb, arguments), from_json)

    async def _handed(self, verb: str, arguments: dict[str, Any]) -> Message:
        return await run(self._handing(verb, arguments), self._held)

    async def _handed_or_none(self, verb: str, arguments: dict[str, Any]) -> Message | None:
        return await run(self._handing(verb, arguments), self._held_or_none)

    def _message(self, data: dict[str, Any]) -> Message:
        return Message._bound(data, self)

    def _receipt(self, data: dict[str, Any]) -> Receipt:
        return Receipt._bound(data, self)

    def _held(self, lease: _native.Lease) -> Message:
        return Message._leased(lease, self)

    def _held_or_none(self, lease: _native.Lease | None) -> Message | None:
        return None if lease is None else Message._leased(lease, self)


class Inbox:
    """The messages for an agent, one after another, until the node closes."""

    __slots__ = ("_node", "_filter")

    def __init__(self, node: Node, filter: dict[str, Any]) -> None:
        self._node = node
        self._filter = filter

    @overload
    async def next(self, timeout: None = None) -> Message: ...

    @overload
    async def next(self, timeout: float | None) -> Message | None: ...

    async def next(self, timeout: float | None = None) -> Message | None:
        """The next message; `None` when none comes within `timeout` seconds."""
        return await self._node._handed_or_none("messages.next", within(self._filter, timeout))

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Message:
        try:
            return await self.next()
        except ClosedError as error:
            if error.code != "closed":
                raise
        raise StopAsyncIteration


class Events:
    """Everything that happens, in order, until the node closes. A listener that is too slow gets a `Missed`."""

    __slots__ = ("_node", "_native")

    def __init__(self, node: Node, native: _native.Events) -> None:
        # Held, as by an inbox: without the node nothing would happen any more.
        self._node = node
        self._native = native

    async def next(self) -> AnyEvent | Missed | None:
        """The next event; `None` when the node is closed and all was read."""
        return await run(self._native.next(), observed)

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> AnyEvent | Missed:
        event = await self.next()
        if event is None:
            raise StopAsyncIteration
        return event


def observed(text: str | None) -> AnyEvent | Missed | None:
    """The record of what a stream yields; `None` at its end."""
    if text is None:
        return None
    data = from_json(text)
    if "missed" in data:
        return Missed(missed=data["missed"])
    event: Any = EVENTS[data["type"]]
    made: AnyEvent = event.from_json(data)
    return made
