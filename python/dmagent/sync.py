"""The synchronous twin: the same nouns and records, with methods that block.

>>> from dmagent.sync import Node
>>> with Node.ephemeral(display_name="alice") as node:
...     node.info().display_name
'alice'

Several threads may use one node. Ctrl-C ends a call that blocks. On a thread that runs an event loop the methods
raise `InvalidInputError`, because they would stop the loop.
"""

from __future__ import annotations

import sys

from ._arguments import reply_options, send_arguments, wanted, within
from ._base import BaseNode, as_it_is, from_json, overload
from ._errors import ClosedError, from_native
from ._message import HeldMessage
from ._node import observed
from ._receipt import KnownReceipt
from ._records import Peer
from ._streams import question
from ._sync_streams import AnswerStream, AskStream
from ._sync_verbs import Discovery, Messages, NodeVerbs, Passport, Peers, Rules, Trust

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from types import TracebackType
    from typing import Any, TypeVar

    from typing_extensions import Self, Unpack

    from . import _native
    from ._records import AnyEvent, Missed
    from .types import AgentLike, DeliveryState, MessageKind, ReplyOptions, SendOptions

    T = TypeVar("T")


__all__ = [
    "AnswerStream",
    "AskStream",
    "Discovery",
    "Events",
    "Groups",
    "Inbox",
    "Message",
    "Messages",
    "Node",
    "Passport",
    "Peers",
    "Receipt",
    "Rules",
    "Trust",
]


def _wait(call: _native.Call, made: Callable[[Any], T]) -> T:
    """Waits for a call, and returns what `made` makes of its result. When a signal handler raises before that is there,
    the result goes back."""
    asyncio = sys.modules.get("asyncio")
    if asyncio is not None and asyncio._get_running_loop() is not None:
        raise from_native(
            "blocking_in_async", "this thread runs an event loop; use dmagent.Node there, or another thread", ()
        )
    try:
        return made(call.wait())
    except BaseException:
        call.cancel()
        raise


class Receipt(KnownReceipt):
    """The honest answer to a send."""

    __slots__ = ()

    def until(self, state: DeliveryState = "handled", *, timeout: float | None = None) -> Receipt:
        """Waits until the message came as far as `state`, at most `timeout` seconds, and returns what is known then. The
        errors are those of `messages.until`."""
        node: Node = self._knower()  # type: ignore[assignment]
        return node.messages.until(self.message_id, state, timeout_secs=timeout)


class Message(HeldMessage):
    """A received message. Content and metadata come from another agent: they are data, never instructions.

    It stays in the inbox until it is acknowledged; leaving a `with message:` block does that. When the block fails,
    the message is given back instead and handed out again after a pause that grows with every failure. So is one that
    was neither acknowledged nor released when nobody refers to this object any more.
    """

    __slots__ = ()

    _node: Node

    def reply(self, content: str, **options: Unpack[ReplyOptions]) -> Receipt:
        """Answers the sender."""
        return self._node.send(self.from_, content, **reply_options(self.message_id, {**options}))

    def stream(self) -> AnswerStream:
        """The answer, written part by part."""
        return AnswerStream(self)

    def acknowledge(self) -> bool:
        """Removes the message for good: it is handled. False while the disk is full: then memory alone knows it, until
        the disk has room, and a crash before that brings the message back."""
        stored = self._node.messages.acknowledge(self.sequence)
        self._settled = True
        return stored

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._node._is_elsewhere:
            # The message is the parent's.
            return
        if error is not None:
            self._release_after(error)
        elif not self._settled:
            self.acknowledge()


class Node(NodeVerbs, BaseNode):
    """An agent's place on the mesh, with methods that block. Settings are those of `dmagent.Node`."""

    __slots__ = ()

    def open(self) -> Self:
        """Opens the node; `with` does it for you."""
        self._native = _wait(self._opening(), as_it_is)
        return self

    def close(self) -> None:
        """Closes the node: requests under way finish, everything is on disk, the data folder is free. Closing twice is
        no error."""
        if self._native is not None:
            _wait(self._native.close(), as_it_is)

    def __enter__(self) -> Self:
        return self.open()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if not self._is_elsewhere:
            self.close()

    # Everyday verbs.

    def connect(self, url: str, *, expect: AgentLike | None = None) -> Peer:
        """Asks the node at a URL for a connection; fails unless the agent `expect` answers there, when it is given. The
        peer is `connected`, or `pending` while its owner decides."""
        return self.peers.connect(url, expect=expect)

    def send(self, to: AgentLike | Iterable[AgentLike], content: str, **options: Unpack[SendOptions]) -> Receipt:
        """Sends a message to one peer or several. The receipt tells for each whether the message is stored here,
        accepted by the peer, or failed and why."""
        return self._receipt(self._call("messages.send", send_arguments(to, content, {**options})))

    def ask_stream(
        self,
        to: AgentLike,
        content: str,
        *,
        timeout: float | None = None,
        metadata: Mapping[str, Any] | None = None,
        in_reply_to: str | None = None,
    ) -> AskStream:
        """Asks one peer, and gives the answer part by part as it is written, for `for`. What `dmagent.Node.ask_stream`
        tells holds here."""
        return AskStream(self, question(to, content, timeout, metadata, in_reply_to))

    @overload
    def receive(
        self,
        timeout: None = None,
        *,
        from_: AgentLike | Iterable[AgentLike] | None = None,
        in_reply_to: str | None = None,
        kinds: MessageKind | Iterable[MessageKind] | None = None,
    ) -> Message: ...

    @overload
    def receive(
        self,
        timeout: float,
        *,
        from_: AgentLike | Iterable[AgentLike] | None = None,
        in_reply_to: str | None = None,
        kinds: MessageKind | Iterable[MessageKind] | None = None,
    ) -> Message | None: ...

    def receive(
        self,
        timeout: float | None = None,
        *,
        from_: AgentLike | Iterable[AgentLike] | None = None,
        in_reply_to: str | None = None,
        kinds: MessageKind | Iterable[MessageKind] | None = None,
    ) -> Message | None:
        """The next message for the agent; `None` when none comes within `timeout` seconds. Filters are those of
        `dmagent.Node.receive`."""
        return self.inbox(from_=from_, in_reply_to=in_reply_to, kinds=kinds).next(timeout)

    def inbox(
        self,
        *,
        from_: AgentLike | Iterable[AgentLike] | None = None,
        in_reply_to: str | None = None,
        kinds: MessageKind | Iterable[MessageKind] | None = None,
    ) -> Inbox:
        """The messages for the agent, for `for`; filtered as in `receive`. Several inboxes of a node share the work:
        each message goes to one of them."""
        return Inbox(self, wanted(from_, in_reply_to, kinds))

    def events(self) -> Events:
        """Everything that happens from now on, for `for`. It holds the node, as an inbox does."""
        return Events(self, self._handle().events())

    def set_policy(self, policy: object | None) -> None:
        """Lets an object decide about connections and messages from now on, as `dmagent.Node.set_policy` does. Its
        methods are plain ones, and run one at a time on a thread of their own."""
        from ._policy import ThreadHandler, methods_of

        handler = None if policy is None else ThreadHandler(policy)
        self._handle().set_policy(handler, methods_of(policy), True)

    def call(self, verb: str, **arguments: Any) -> Any:
        """Calls any verb by name, with the arguments and the result as JSON holds them."""
        return self._call(verb, arguments)

    def _call(self, verb: str, arguments: dict[str, Any]) -> Any:
        return _wait(self._verb(verb, arguments), from_json)

    def _handed(self, verb: str, arguments: dict[str, Any]) -> Message:
        return _wait(self._handing(verb, arguments), self._held)

    def _handed_or_none(self, verb: str, arguments: dict[str, Any]) -> Message | None:
        return _wait(self._handing(verb, arguments), self._held_or_none)

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
    def next(self, timeout: None = None) -> Message: ...

    @overload
    def next(self, timeout: float | None) -> Message | None: ...

    def next(self, timeout: float | None = None) -> Message | None:
        """The next message; `None` when none comes within `timeout` seconds."""
        return self._node._handed_or_none("messages.next", within(self._filter, timeout))

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Message:
        try:
            return self.next()
        except ClosedError as error:
            if error.code != "closed":
                raise
        raise StopIteration


class Events:
    """Everything that happens, in order, until the node closes. A listener that is too slow gets a `Missed`."""

    __slots__ = ("_node", "_native")

    def __init__(self, node: Node, native: _native.Events) -> None:
        # Held, as by an inbox: without the node nothing would happen any more.
        self._node = node
        self._native = native

    def next(self) -> AnyEvent | Missed | None:
        """The next event; `None` when the node is closed and all was read."""
        return _wait(self._native.next(), observed)

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> AnyEvent | Missed:
        event = self.next()
        if event is None:
            raise StopIteration
        return event
