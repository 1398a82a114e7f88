"""dmagent: an agent mesh that you link.

A process opens a `Node` and has, from then on, an identity nobody can forge, peers, an inbox that survives a crash, and
trust, without a daemon beside it:

    async with dmagent.Node(display_name="alice") as node:
        bob = await node.connect("http://127.0.0.1:8101")
        receipt = await node.send(bob, "What is the SOL price?")
        async for message in node.inbox():
            async with message:              # leaving the block acknowledges
                await message.reply("42")

`dmagent.sync.Node` is the same for programs without an event loop. `dmagent.types` holds types for annotations.
"""

from __future__ import annotations

from ._errors import (
    ClosedError,
    ConfigError,
    DmError,
    IdentityError,
    InternalError,
    InvalidInputError,
    LimitError,
    NotFoundError,
    RefusedError,
    StoreError,
    TimeoutError,
    UnreachableError,
)
from ._message import Message
from ._node import Events, Inbox, Node
from ._policy import Forward, Refuse
from ._record import Event, Record
from ._records import (
    AgentDiscovered,
    BlockedAgent,
    BroadcastReceived,
    Budget,
    Cancellation,
    CancelledCopy,
    ConnectionQuestion,
    ConnectionRejected,
    ConnectionRequested,
    ContextText,
    Custodian,
    Delivery,
    Discovered,
    GivenReceipt,
    Group,
    GroupReceipt,
    LogEntry,
    MailboxStatus,
    MessageAccepted,
    MessageAnswered,
    MessageCancelled,
    MessageDelivered,
    MessageFailed,
    MessageHandled,
    MessageKept,
    MessageLimits,
    MessageQuestion,
    MessageReceived,
    Missed,
    NodeInfo,
    OpenedStream,
    Origin,
    OutboxItem,
    Part,
    Peer,
    PeerConnected,
    PeerDisconnected,
    PeerHint,
    PeerOpinion,
    PeerReachability,
    PeerUpdated,
    PendingRequest,
    Reason,
    Receipt,
    ReceiptVerdict,
    Rule,
    RuleTrial,
    Signed,
    Step,
    StorageFailed,
    StorageRecovered,
    TraceContext,
    TrustChanged,
    TrustOf,
    WrittenPart,
)
from ._streams import AnswerStream, AskStream
from ._untrusted import Untrusted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType

    from . import sync, types

    __version__: str

__all__ = [
    "AgentDiscovered",
    "AnswerStream",
    "AskStream",
    "BlockedAgent",
    "BroadcastReceived",
    "Budget",
    "Cancellation",
    "CancelledCopy",
    "ClosedError",
    "ConfigError",
    "ConnectionQuestion",
    "ConnectionRejected",
    "ConnectionRequested",
    "ContextText",
    "Custodian",
    "Delivery",
    "Discovered",
    "GivenReceipt",
    "Group",
    "GroupReceipt",
    "DmError",
    "Event",
    "Events",
    "Forward",
    "IdentityError",
    "Inbox",
    "InternalError",
    "InvalidInputError",
    "LimitError",
    "LogEntry",
    "MailboxStatus",
    "Message",
    "MessageAccepted",
    "MessageAnswered",
    "MessageCancelled",
    "MessageDelivered",
    "MessageFailed",
    "MessageHandled",
    "MessageKept",
    "MessageLimits",
    "MessageQuestion",
    "MessageReceived",
    "Missed",
    "Node",
    "NodeInfo",
    "NotFoundError",
    "OpenedStream",
    "Origin",
    "OutboxItem",
    "Part",
    "Peer",
    "PeerConnected",
    "PeerDisconnected",
    "PeerHint",
    "PeerOpinion",
    "PeerReachability",
    "PeerUpdated",
    "PendingRequest",
    "Reason",
    "Receipt",
    "ReceiptVerdict",
    "Rule",
    "RuleTrial",
    "Record",
    "Refuse",
    "RefusedError",
    "Signed",
    "Step",
    "StorageFailed",
    "StorageRecovered",
    "StoreError",
    "TimeoutError",
    "TraceContext",
    "TrustChanged",
    "TrustOf",
    "UnreachableError",
    "Untrusted",
    "WrittenPart",
    "__version__",
    "sync",
    "types",
]


def __getattr__(name: str) -> ModuleType | str:
    # Loaded when they are used: an import of this package costs next to nothing.
    if name in ("sync", "types"):
        from importlib import import_module

        return import_module(f".{name}", __name__)
    if name == "__version__":
        from ._native import __version__

        return __version__
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
