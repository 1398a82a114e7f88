"""A receipt that knows which node it came from, so that it can be waited on."""

from __future__ import annotations

from . import _records
from ._errors import closed, invalid

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any
    from weakref import ref

    from typing_extensions import Self

    from ._base import BaseNode
    from ._node import Node
    from .types import DeliveryState


class KnownReceipt(_records.Receipt):
    """A receipt of a node. It is equal to any other with the same members; a copy, pickled or not, is plain data."""

    __slots__ = ("_node",)

    _node: ref[BaseNode]

    @classmethod
    def _bound(cls, data: dict[str, Any], node: BaseNode) -> Self:
        from weakref import ref

        receipt = cls.from_json(data)
        # Whoever keeps receipts does not keep nodes.
        receipt._node = ref(node)
        return receipt

    def __reduce__(self) -> tuple[Any, ...]:
        return _records.Receipt.from_json, (self.to_json(),)

    def _knower(self) -> BaseNode:
        known = getattr(self, "_node", None)
        if known is None:
            raise invalid("this receipt came from no node; call messages.until of the node that sent the message")
        node: BaseNode | None = known()
        if node is None:
            raise closed("the node of this receipt is gone")
        return node


class Receipt(KnownReceipt):
    """The honest answer to a send."""

    __slots__ = ()

    async def until(self, state: DeliveryState = "handled", *, timeout: float | None = None) -> Receipt:
        """Waits until the message came as far as `state`, at most `timeout` seconds, and returns what is known then. The
        errors are those of `messages.until`."""
        node: Node = self._knower()  # type: ignore[assignment]
        return await node.messages.until(self.message_id, state, timeout_secs=timeout)
