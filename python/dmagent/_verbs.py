"""The verbs as methods, asynchronous.

Made by `cargo xtask gen` from the schema; do not edit.
"""

from __future__ import annotations

from ._arguments import agent_id, agent_ids, listed, recipients, sequence_of, several
from ._caller import Caller, NodeCaller
from ._records import (
    BlockedAgent,
    Cancellation,
    ContextText,
    Discovered,
    GivenReceipt,
    Group,
    GroupReceipt,
    LogEntry,
    MailboxStatus,
    NodeInfo,
    OpenedStream,
    OutboxItem,
    Part,
    Peer,
    PeerHint,
    PeerOpinion,
    PendingRequest,
    ReceiptVerdict,
    Rule,
    RuleTrial,
    Signed,
    TrustOf,
    WrittenPart,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    import builtins
    from collections.abc import Iterable, Sequence
    from typing import Any

    from ._message import Message
    from ._receipt import Receipt
    from .types import AgentLike, DeliveryState, GroupMode, MessageKind, RoutingRule

class NodeVerbs(NodeCaller):
    """What a node tells and changes about itself."""

    __slots__ = ()

    async def info(self) -> NodeInfo:
        """Tells about this node."""
        result = await self._call("node.info", {})
        return NodeInfo.from_json(result)

    async def update(
        self,
        *,
        active: bool | None = None,
        bio: str | None = None,
        display_name: str | None = None,
    ) -> NodeInfo:
        """Changes name, bio or activity of this node.

        Args:
            active: False answers messages and requests with 503 until it is true again; not kept over a
                restart.
            bio: At most 1,000 characters.
            display_name: 1 to 100 characters.
        """
        arguments: dict[str, Any] = {}
        if active is not None:
            arguments["active"] = active
        if bio is not None:
            arguments["bio"] = bio
        if display_name is not None:
            arguments["display_name"] = display_name
        result = await self._call("node.update", arguments)
        return NodeInfo.from_json(result)

    @property
    def peers(self) -> Peers:
        """Verbs about peers."""
        return Peers(self)

    @property
    def messages(self) -> Messages:
        """Verbs about messages."""
        return Messages(self)

    @property
    def trust(self) -> Trust:
        """Verbs about trust."""
        return Trust(self)

    @property
    def rules(self) -> Rules:
        """Verbs about routing rules."""
        return Rules(self)

    @property
    def groups(self) -> Groups:
        """Verbs about groups."""
        return Groups(self)

    @property
    def discovery(self) -> Discovery:
        """Verbs about discovery."""
        return Discovery(self)

    @property
    def passport(self) -> Passport:
        """Verbs about the passport: signatures of this agent, and the check of anybody's."""
        return Passport(self)


class Peers(Caller):
    """Verbs about peers."""

    __slots__ = ()

    async def connect(self, url: str, *, expect: AgentLike | None = None) -> Peer:
        """Asks the node at a URL for a connection.

        Args:
            url: Where: a base URL (`http://host:port`), also with `/mcp`, `/__darkmatter__` or the
                agent's scope behind it. Or an agent id, as `peers.of` gives it: then the request goes
                through the peers of this node, and theirs.
            expect: Fail unless this agent answers there.
        """
        arguments: dict[str, Any] = {"url": url}
        if expect is not None:
            arguments["expect"] = agent_id("expect", expect)
        result = await self._call("peers.connect", arguments)
        return Peer.from_json(result)

    async def list(self) -> builtins.list[Peer]:
        """Lists connected peers, and those whose decision is pending."""
        result = await self._call("peers.list", {})
        return [Peer.from_json(item) for item in result]

    async def get(self, agent: AgentLike) -> Peer:
        """Tells about one peer.

        Args:
            agent: Who.
        """
        result = await self._call("peers.get", {"agent": agent_id("agent", agent)})
        return Peer.from_json(result)

    async def pending(self) -> builtins.list[PendingRequest]:
        """Lists requests that wait for a decision."""
        result = await self._call("peers.pending", {})
        return [PendingRequest.from_json(item) for item in result]

    async def accept(self, request_id: str) -> Peer:
        """Accepts a pending request.

        Args:
            request_id: Its id, from `peers.pending` or the event.
        """
        result = await self._call("peers.accept", {"request_id": request_id})
        return Peer.from_json(result)

    async def reject(self, request_id: str) -> PendingRequest:
        """Rejects a pending request.

        Args:
            request_id: Its id, from `peers.pending` or the event.
        """
        result = await self._call("peers.reject", {"request_id": request_id})
        return PendingRequest.from_json(result)

    async def disconnect(self, agent: AgentLike, *, reason: str | None = None) -> None:
        """Ends a connection.

        Args:
            agent: Who.
            reason: Why, for the peer and the log: 1 to 200 characters.
        """
        arguments: dict[str, Any] = {"agent": agent_id("agent", agent)}
        if reason is not None:
            arguments["reason"] = reason
        await self._call("peers.disconnect", arguments)

    async def of(self, agent: AgentLike, *, n: int = 10) -> builtins.list[PeerHint]:
        """Asks a peer whom it knows.

        Args:
            agent: A connected peer.
            n: How many, 1 to 50. Default: 10.
        """
        result = await self._call("peers.of", {"agent": agent_id("agent", agent), "n": n})
        return [PeerHint.from_json(item) for item in result]

    async def block(self, agent: AgentLike, *, reason: str | None = None) -> BlockedAgent:
        """Has nothing to do with an agent from now on.

        Args:
            agent: Who; it need not be connected.
            reason: Why, for people here: 1 to 200 characters. Nobody else is told.
        """
        arguments: dict[str, Any] = {"agent": agent_id("agent", agent)}
        if reason is not None:
            arguments["reason"] = reason
        result = await self._call("peers.block", arguments)
        return BlockedAgent.from_json(result)

    async def unblock(self, agent: AgentLike) -> None:
        """Ends the block of an agent.

        Args:
            agent: Who.
        """
        await self._call("peers.unblock", {"agent": agent_id("agent", agent)})

    async def blocked(self) -> builtins.list[BlockedAgent]:
        """Lists blocked agents."""
        result = await self._call("peers.blocked", {})
        return [BlockedAgent.from_json(item) for item in result]


class Messages(Caller):
    """Verbs about messages."""

    __slots__ = ()

    async def send(
        self,
        to: AgentLike | Iterable[AgentLike],
        content: str,
        *,
        budget: str | None = None,
        caused_by: int | Message | None = None,
        deadline: int | None = None,
        expires_in_secs: float | None = None,
        hops: int = 10,
        idempotency_key: str | None = None,
        in_reply_to: str | None = None,
        metadata: dict[str, Any] | None = None,
        spend: str | None = None,
        timeout_secs: float = 10.0,
        traceparent: str | None = None,
        tracestate: str | None = None,
    ) -> Receipt:
        """Sends a message to one or several peers.

        Args:
            to: To whom: connected or pending peers.
            content: 1 to 65,536 characters.
            budget: What it may cost, an amount and a unit such as `12.5 usd`. Whoever passes it on may
                only lower that; who spends it is the affair of hosts.
            caused_by: The `sequence` of a message of the inbox because of which this one is sent, an
                answer for example: it gets one hop less than that, what is left of its deadline and
                budget, and a new span of its trace. The members above may only tighten that.
            deadline: When the message is over, wherever it is then: nobody sends, takes, hands out or
                forwards it any more. In microseconds since 1970.
            expires_in_secs: How long it waits for an unreachable peer, in seconds, at most 86,400.
                Default: the setting `outbox_expiry_secs`.
            hops: How often it may be forwarded, 0 to 50. Default: 10.
            idempotency_key: A name of the host for this call, 1 to 128 characters. The same call with
                the same name sends nothing again, also after a crash, and gives the receipt of the
                first one. It is kept for 25 hours after the message expires.
            in_reply_to: The message this one answers.
            metadata: What travels along: a JSON object of at most 64 KiB. Its `type` may mean something
                to the other node: a `broadcast` is logged there and not handed out.
            spend: What was spent of the budget of that message already: a decimal as text.
            timeout_secs: How long this call waits for the first attempts, in seconds. Default: 10.
                Whatever has not answered by then is `stored`.
            traceparent: Which trace it belongs to, as the header of that name in W3C Trace Context.
            tracestate: What the tracing systems say about that, as the header of that name.
        """
        arguments: dict[str, Any] = {"to": recipients("to", to), "content": content, "hops": hops, "timeout_secs": timeout_secs}
        if budget is not None:
            arguments["budget"] = budget
        if caused_by is not None:
            arguments["caused_by"] = sequence_of("caused_by", caused_by)
        if deadline is not None:
            arguments["deadline"] = deadline
        if expires_in_secs is not None:
            arguments["expires_in_secs"] = expires_in_secs
        if idempotency_key is not None:
            arguments["idempotency_key"] = idempotency_key
        if in_reply_to is not None:
            arguments["in_reply_to"] = in_reply_to
        if metadata is not None:
            arguments["metadata"] = metadata
        if spend is not None:
            arguments["spend"] = spend
        if traceparent is not None:
            arguments["traceparent"] = traceparent
        if tracestate is not None:
            arguments["tracestate"] = tracestate
        result = await self._call("messages.send", arguments)
        return self._receipt(result)

    async def ask(
        self,
        to: AgentLike,
        content: str,
        *,
        budget: str | None = None,
        caused_by: int | Message | None = None,
        deadline: int | None = None,
        idempotency_key: str | None = None,
        in_reply_to: str | None = None,
        metadata: dict[str, Any] | None = None,
        spend: str | None = None,
        timeout_secs: float | None = None,
        traceparent: str | None = None,
        tracestate: str | None = None,
    ) -> Message:
        """Sends a message to one peer and waits for the answer to it.

        Args:
            to: Whom to ask: a connected or pending peer.
            content: 1 to 65,536 characters.
            budget: What it may cost, an amount and a unit such as `12.5 usd`. Whoever passes it on may
                only lower that; who spends it is the affair of hosts.
            caused_by: The `sequence` of a message of the inbox because of which this one is asked, as
                in `messages.send`.
            deadline: When the message is over, wherever it is then: nobody sends, takes, hands out or
                forwards it any more. In microseconds since 1970.
            idempotency_key: A name of the host for this question, as in `messages.send`: asked again,
                it waits for the answer to the first one.
            in_reply_to: The message this one answers.
            metadata: What travels along: a JSON object of at most 64 KiB.
            spend: What was spent of the budget of that message already: a decimal as text.
            timeout_secs: How long to wait for the answer, in seconds; absent for as long as it takes.
            traceparent: Which trace it belongs to, as the header of that name in W3C Trace Context.
            tracestate: What the tracing systems say about that, as the header of that name.
        """
        arguments: dict[str, Any] = {"to": agent_id("to", to), "content": content}
        if budget is not None:
            arguments["budget"] = budget
        if caused_by is not None:
            arguments["caused_by"] = sequence_of("caused_by", caused_by)
        if deadline is not None:
            arguments["deadline"] = deadline
        if idempotency_key is not None:
            arguments["idempotency_key"] = idempotency_key
        if in_reply_to is not None:
            arguments["in_reply_to"] = in_reply_to
        if metadata is not None:
            arguments["metadata"] = metadata
        if spend is not None:
            arguments["spend"] = spend
        if timeout_secs is not None:
            arguments["timeout_secs"] = timeout_secs
        if traceparent is not None:
            arguments["traceparent"] = traceparent
        if tracestate is not None:
            arguments["tracestate"] = tracestate
        return await self._handed("messages.ask", arguments)

    async def forward(
        self,
        to: AgentLike | Iterable[AgentLike],
        *,
        budget: str | None = None,
        deadline: int | None = None,
        force: bool = False,
        keep: bool = False,
        message_id: str | None = None,
        note: str | None = None,
        sequence: int | Message | None = None,
        timeout_secs: float = 10.0,
    ) -> Receipt:
        """Passes a message of the inbox on, with its author and under its limits.

        Args:
            to: To whom: connected or pending peers that do not have it, at most 8 for one message.
            budget: A lower budget, an amount and the unit that it has, such as `2.5 usd`.
            deadline: An earlier deadline, in microseconds since 1970.
            force: Also to those who have it, as far as is known here, but never to its author. Default:
                false.
            keep: Whether it stays in the inbox. Else it is over as soon as one of them has it. Default:
                false.
            message_id: The id of the message, instead of its `sequence`.
            note: Something to say about it, at most 1,000 characters.
            sequence: The `sequence` of the message; or say its `message_id`.
            timeout_secs: How long this call waits for the first attempts, in seconds. Default: 10.
        """
        arguments: dict[str, Any] = {"to": recipients("to", to), "force": force, "keep": keep, "timeout_secs": timeout_secs}
        if budget is not None:
            arguments["budget"] = budget
        if deadline is not None:
            arguments["deadline"] = deadline
        if message_id is not None:
            arguments["message_id"] = message_id
        if note is not None:
            arguments["note"] = note
        if sequence is not None:
            arguments["sequence"] = sequence_of("sequence", sequence)
        result = await self._call("messages.forward", arguments)
        return self._receipt(result)

    async def ask_stream(
        self,
        to: AgentLike,
        content: str,
        *,
        budget: str | None = None,
        caused_by: int | Message | None = None,
        deadline: int | None = None,
        idempotency_key: str | None = None,
        in_reply_to: str | None = None,
        metadata: dict[str, Any] | None = None,
        spend: str | None = None,
        timeout_secs: float | None = None,
        traceparent: str | None = None,
        tracestate: str | None = None,
    ) -> OpenedStream:
        """Sends a question whose answer may come in parts.

        Args:
            to: Whom to ask: a connected or pending peer.
            content: 1 to 65,536 characters.
            budget: What it may cost, an amount and a unit such as `12.5 usd`. Whoever passes it on may
                only lower that; who spends it is the affair of hosts.
            caused_by: The `sequence` of a message of the inbox because of which this one is asked, as
                in `messages.send`.
            deadline: When the message is over, wherever it is then: nobody sends, takes, hands out or
                forwards it any more. In microseconds since 1970.
            idempotency_key: A name of the host for this question, as in `messages.send`: asked again,
                it waits for the answer to the first one.
            in_reply_to: The message this one answers.
            metadata: What travels along: a JSON object of at most 64 KiB.
            spend: What was spent of the budget of that message already: a decimal as text.
            timeout_secs: How long to wait for the answer, in seconds; absent for as long as it takes.
            traceparent: Which trace it belongs to, as the header of that name in W3C Trace Context.
            tracestate: What the tracing systems say about that, as the header of that name.
        """
        arguments: dict[str, Any] = {"to": agent_id("to", to), "content": content}
        if budget is not None:
            arguments["budget"] = budget
        if caused_by is not None:
            arguments["caused_by"] = sequence_of("caused_by", caused_by)
        if deadline is not None:
            arguments["deadline"] = deadline
        if idempotency_key is not None:
            arguments["idempotency_key"] = idempotency_key
        if in_reply_to is not None:
            arguments["in_reply_to"] = in_reply_to
        if metadata is not None:
            arguments["metadata"] = metadata
        if spend is not None:
            arguments["spend"] = spend
        if timeout_secs is not None:
            arguments["timeout_secs"] = timeout_secs
        if traceparent is not None:
            arguments["traceparent"] = traceparent
        if tracestate is not None:
            arguments["tracestate"] = tracestate
        result = await self._call("messages.ask_stream", arguments)
        return OpenedStream.from_json(result)

    async def next_part(self, stream_id: str, *, number: int | None = None) -> Part | None:
        """Waits for the next part of an answer.

        Args:
            stream_id: The stream, as `messages.ask_stream` named it.
            number: The number of the part; those before it are let go. Default: the one after the last
                that was handed out. Whoever may lose a result on the way names it.
        """
        arguments: dict[str, Any] = {"stream_id": stream_id}
        if number is not None:
            arguments["number"] = number
        result = await self._call("messages.next_part", arguments)
        return None if result is None else Part.from_json(result)

    async def part(self, to: AgentLike, in_reply_to: str, content: str) -> WrittenPart:
        """Writes a part of the answer to a question that is in hands.

        Args:
            to: Who asked.
            in_reply_to: The question, which this program has in its hands.
            content: At least 1 character; an answer has at most 65,536 in all, and 16,384 parts.
        """
        result = await self._call("messages.part", {"to": agent_id("to", to), "in_reply_to": in_reply_to, "content": content})
        return WrittenPart.from_json(result)

    async def finish(
        self,
        to: AgentLike,
        in_reply_to: str,
        *,
        content: str = "",
        metadata: dict[str, Any] | None = None,
        timeout_secs: float = 10.0,
    ) -> Receipt:
        """Sends what was written as the reply.

        Args:
            to: Who asked.
            in_reply_to: The question.
            content: The last part, when there is one more.
            metadata: What travels along: a JSON object of at most 64 KiB.
            timeout_secs: How long this call waits for the first attempt, in seconds. Default: 10.
        """
        arguments: dict[str, Any] = {"to": agent_id("to", to), "in_reply_to": in_reply_to, "content": content, "timeout_secs": timeout_secs}
        if metadata is not None:
            arguments["metadata"] = metadata
        result = await self._call("messages.finish", arguments)
        return self._receipt(result)

    async def broadcast(
        self,
        content: str,
        *,
        metadata: dict[str, Any] | None = None,
        top: int | None = None,
    ) -> Receipt:
        """Tells all peers, or the most trusted, a status.

        Args:
            content: 1 to 65,536 characters.
            metadata: What travels along.
            top: Only to this many most trusted peers. Default: to all.
        """
        arguments: dict[str, Any] = {"content": content}
        if metadata is not None:
            arguments["metadata"] = metadata
        if top is not None:
            arguments["top"] = top
        result = await self._call("messages.broadcast", arguments)
        return self._receipt(result)

    async def next(
        self,
        *,
        from_: AgentLike | Iterable[AgentLike] | None = None,
        in_reply_to: str | None = None,
        kinds: MessageKind | Iterable[MessageKind] | None = None,
        timeout_secs: float | None = None,
    ) -> Message | None:
        """Waits for the next message.

        Args:
            from_: Only from these agents; empty for all.
            in_reply_to: Only answers to this message.
            kinds: Only these kinds; empty for all.
            timeout_secs: How long to wait, in seconds; absent for as long as it takes, 0 for not at
                all.
        """
        arguments: dict[str, Any] = {}
        if from_ is not None:
            arguments["from"] = agent_ids("from_", from_)
        if in_reply_to is not None:
            arguments["in_reply_to"] = in_reply_to
        if kinds is not None:
            arguments["kinds"] = several("messages.next", "kinds", kinds)
        if timeout_secs is not None:
            arguments["timeout_secs"] = timeout_secs
        return await self._handed_or_none("messages.next", arguments)

    async def acknowledge(self, sequence: int | Message) -> bool:
        """Removes a handled message for good, and tells whether the disk knows it or, while it is full, memory
        alone.

        Args:
            sequence: Its `sequence`.
        """
        result = await self._call("messages.acknowledge", {"sequence": sequence_of("sequence", sequence)})
        return bool(result["stored"])

    async def release(self, sequence: int | Message, *, delay_secs: float = 0.0) -> bool:
        """Gives a message back unhandled.

        Args:
            sequence: Its `sequence`.
            delay_secs: When it may be handed out again, in seconds from now. Default: 0.
        """
        result = await self._call("messages.release", {"sequence": sequence_of("sequence", sequence), "delay_secs": delay_secs})
        return bool(result["released"])

    async def list(self) -> builtins.list[Message]:
        """Lists the inbox without taking anything."""
        result = await self._call("messages.list", {})
        return [self._message(item) for item in result]

    async def outbox(self) -> builtins.list[OutboxItem]:
        """Lists what waits for unreachable peers."""
        result = await self._call("messages.outbox", {})
        return [OutboxItem.from_json(item) for item in result]

    async def mailbox(self) -> MailboxStatus:
        """Tells how much mail this node keeps for others."""
        result = await self._call("messages.mailbox", {})
        return MailboxStatus.from_json(result)

    async def status(self, message_id: str) -> Receipt:
        """Tells what became of a message that was sent.

        Args:
            message_id: Its id, as its receipt names it.
        """
        result = await self._call("messages.status", {"message_id": message_id})
        return self._receipt(result)

    async def until(self, message_id: str, state: DeliveryState, *, timeout_secs: float | None = None) -> Receipt:
        """Waits until a message came as far as a state.

        Args:
            message_id: Its id, as its receipt names it.
            state: `accepted`, `delivered`, `handled` or `answered`.
            timeout_secs: How long to wait, in seconds; absent for as long as it takes, 0 for not at
                all.
        """
        arguments: dict[str, Any] = {"message_id": message_id, "state": state}
        if timeout_secs is not None:
            arguments["timeout_secs"] = timeout_secs
        result = await self._call("messages.until", arguments)
        return self._receipt(result)

    async def cancel(self, message_id: str, *, reason: str | None = None) -> Cancellation:
        """Takes a message back that was sent.

        Args:
            message_id: Its id, as its receipt names it.
            reason: Why, for the other side: at most 500 characters.
        """
        arguments: dict[str, Any] = {"message_id": message_id}
        if reason is not None:
            arguments["reason"] = reason
        result = await self._call("messages.cancel", arguments)
        return Cancellation.from_json(result)

    async def sent(self, *, limit: int = 50) -> builtins.list[Receipt]:
        """Lists what became of the newest messages that were sent.

        Args:
            limit: At most this many, the newest; 1 to 10,000. Default: 50.
        """
        result = await self._call("messages.sent", {"limit": limit})
        return [self._receipt(item) for item in result]

    async def receipts(self, *, limit: int = 50) -> builtins.list[GivenReceipt]:
        """Lists the newest receipts that this node gave.

        Args:
            limit: At most this many, the newest; 1 to 10,000. Default: 50.
        """
        result = await self._call("messages.receipts", {"limit": limit})
        return [GivenReceipt.from_json(item) for item in result]

    async def verify(
        self,
        receipt: str,
        *,
        content: str | None = None,
        in_reply_to: str | None = None,
        metadata: dict[str, Any] | None = None,
    ) -> ReceiptVerdict:
        """Checks a receipt of any node.

        Args:
            receipt: The text that stands in `proof`, or in what `messages.receipts` lists.
            content: What the message is said to say, to check that, too.
            in_reply_to: The message it answered; counts with `content`.
            metadata: What travelled along; counts with `content`.
        """
        arguments: dict[str, Any] = {"receipt": receipt}
        if content is not None:
            arguments["content"] = content
        if in_reply_to is not None:
            arguments["in_reply_to"] = in_reply_to
        if metadata is not None:
            arguments["metadata"] = metadata
        result = await self._call("messages.verify", arguments)
        return ReceiptVerdict.from_json(result)

    async def log(self, *, limit: int = 50) -> builtins.list[LogEntry]:
        """Lists the newest entries of the conversation log.

        Args:
            limit: At most this many, the newest. Default: 50.
        """
        result = await self._call("messages.log", {"limit": limit})
        return [LogEntry.from_json(item) for item in result]

    async def context(self, session: str) -> ContextText:
        """Tells a session what is new in the conversation.

        Args:
            session: A name for the reader: it is told only what is new since it last asked.
        """
        result = await self._call("messages.context", {"session": session})
        return ContextText.from_json(result)


class Trust(Caller):
    """Verbs about trust."""

    __slots__ = ()

    async def get(self, agent: AgentLike) -> TrustOf | None:
        """Tells what we think of an agent.

        Args:
            agent: Who.
        """
        result = await self._call("trust.get", {"agent": agent_id("agent", agent)})
        return None if result is None else TrustOf.from_json(result)

    async def set(self, agent: AgentLike, score: float, *, note: str | None = None) -> TrustOf:
        """Sets what we think of an agent.

        Args:
            agent: Of whom; it need not be connected.
            score: −1 (distrust) to 1 (trust).
            note: Why, at most 2,000 characters. Absent keeps the note.
        """
        arguments: dict[str, Any] = {"agent": agent_id("agent", agent), "score": score}
        if note is not None:
            arguments["note"] = note
        result = await self._call("trust.set", arguments)
        return TrustOf.from_json(result)

    async def list(self) -> builtins.list[TrustOf]:
        """Lists every impression."""
        result = await self._call("trust.list", {})
        return [TrustOf.from_json(item) for item in result]

    async def forget(self, agent: AgentLike) -> None:
        """Forgets what we think of an agent.

        Args:
            agent: Who.
        """
        await self._call("trust.forget", {"agent": agent_id("agent", agent)})

    async def ask(self, peer: AgentLike, about: AgentLike) -> PeerOpinion:
        """Asks a peer what it thinks of an agent.

        Args:
            peer: A connected peer.
            about: The agent that it is asked about.
        """
        result = await self._call("trust.ask", {"peer": agent_id("peer", peer), "about": agent_id("about", about)})
        return PeerOpinion.from_json(result)


class Rules(Caller):
    """Verbs about routing rules."""

    __slots__ = ()

    async def list(self) -> builtins.list[Rule]:
        """Lists the routing rules."""
        result = await self._call("rules.list", {})
        return [Rule.from_json(item) for item in result]

    async def set(self, rules: Sequence[RoutingRule]) -> builtins.list[Rule]:
        """Replaces all routing rules.

        Args:
            rules: At most 256 rules; none removes all.
        """
        result = await self._call("rules.set", {"rules": listed(rules)})
        return [Rule.from_json(item) for item in result]

    async def test(self, content: str, from_: AgentLike, *, metadata: dict[str, Any] | None = None) -> RuleTrial:
        """Tells what the rules would do with a message, without doing it.

        Args:
            content: The text, at most 65,536 characters.
            from_: Who would send it.
            metadata: Its metadata; `in_reply_to` in it makes it an answer.
        """
        arguments: dict[str, Any] = {"content": content, "from": agent_id("from_", from_)}
        if metadata is not None:
            arguments["metadata"] = metadata
        result = await self._call("rules.test", arguments)
        return RuleTrial.from_json(result)


class Groups(Caller):
    """Verbs about groups."""

    __slots__ = ()

    async def set(self, name: str, members: AgentLike | Iterable[AgentLike]) -> Group:
        """Makes a group, or replaces its members.

        Args:
            name: Its name, 1 to 128 characters. A group of that name is replaced.
            members: 1 to 256 agents. They need not be peers yet.
        """
        result = await self._call("groups.set", {"name": name, "members": agent_ids("members", members)})
        return Group.from_json(result)

    async def list(self) -> builtins.list[Group]:
        """Lists the groups."""
        result = await self._call("groups.list", {})
        return [Group.from_json(item) for item in result]

    async def remove(self, name: str) -> None:
        """Forgets a group.

        Args:
            name: Its name.
        """
        await self._call("groups.remove", {"name": name})

    async def find(
        self,
        *,
        group: str | None = None,
        match: dict[str, Any] | None = None,
        to: AgentLike | Iterable[AgentLike] | None = None,
    ) -> builtins.list[str]:
        """Tells who would get a message for a group, or for whoever matches.

        Args:
            group: The name of a group.
            match: What they must be, as in `groups.send`.
            to: A list of agents.
        """
        arguments: dict[str, Any] = {}
        if group is not None:
            arguments["group"] = group
        if match is not None:
            arguments["match"] = match
        if to is not None:
            arguments["to"] = agent_ids("to", to)
        result = await self._call("groups.find", arguments)
        return [str(item) for item in result]

    async def send(
        self,
        content: str,
        *,
        expires_in_secs: float | None = None,
        group: str | None = None,
        hops: int = 10,
        in_reply_to: str | None = None,
        match: dict[str, Any] | None = None,
        metadata: dict[str, Any] | None = None,
        mode: GroupMode = "all",
        timeout_secs: float = 10.0,
        to: AgentLike | Iterable[AgentLike] | None = None,
    ) -> GroupReceipt:
        """Sends a message to all members of a group, or to exactly one.

        Args:
            content: 1 to 65,536 characters.
            expires_in_secs: How long it waits for an unreachable peer, in seconds, at most 86,400.
                Default: the setting `outbox_expiry_secs`.
            group: The name of a group.
            hops: How often it may be forwarded, 0 to 50. Default: 10.
            in_reply_to: The message this one answers.
            match: What they must be: alone, all peers that match; beside a group or a list, those of it
                that match. Its members, all of which must hold: `capabilities`, an object of what a
                peer offers (null takes any value, another one must be equal or, when the peer offers a
                list, in it); `text` in its name or bio, in any letter case; `min_score`, what we think
                of it at least, -1 to 1, where unknown agents have 0; `reachable`, true for those that
                answered when we last tried.
            metadata: What travels along: a JSON object of at most 64 KiB.
            mode: `all` or `any`. Default: `all`.
            timeout_secs: How long this call waits for each first attempt, in seconds. Default: 10.
            to: A list of agents.
        """
        arguments: dict[str, Any] = {"content": content, "hops": hops, "mode": mode, "timeout_secs": timeout_secs}
        if expires_in_secs is not None:
            arguments["expires_in_secs"] = expires_in_secs
        if group is not None:
            arguments["group"] = group
        if in_reply_to is not None:
            arguments["in_reply_to"] = in_reply_to
        if match is not None:
            arguments["match"] = match
        if metadata is not None:
            arguments["metadata"] = metadata
        if to is not None:
            arguments["to"] = agent_ids("to", to)
        result = await self._call("groups.send", arguments)
        return GroupReceipt.from_json(result)


class Discovery(Caller):
    """Verbs about discovery."""

    __slots__ = ()

    async def scan(self) -> builtins.list[Discovered]:
        """Looks around for other agents now."""
        result = await self._call("discovery.scan", {})
        return [Discovered.from_json(item) for item in result]

    async def list(self) -> builtins.list[Discovered]:
        """Lists agents seen lately."""
        result = await self._call("discovery.list", {})
        return [Discovered.from_json(item) for item in result]


class Passport(Caller):
    """Verbs about the passport: signatures of this agent, and the check of anybody's."""

    __slots__ = ()

    async def sign(self, data: str, *, context: str = "") -> Signed:
        """Signs a text as this agent.

        Args:
            data: The text; at most 1 MiB. Encode bytes as base64 or hexadecimal first.
            context: What the signature is for, at most 200 characters: a signature for one purpose is
                none for another.
        """
        result = await self._call("passport.sign", {"data": data, "context": context})
        return Signed.from_json(result)

    async def verify(self, agent: AgentLike, data: str, signature: str, *, context: str = "") -> bool:
        """Checks a signature of any agent.

        Args:
            agent: Who is said to have signed.
            data: The text.
            signature: Ed25519, 128 hexadecimal digits.
            context: What the signature is for.
        """
        result = await self._call("passport.verify", {"agent": agent_id("agent", agent), "data": data, "signature": signature, "context": context})
        return bool(result["valid"])
