"""What all records share: plain data with named members."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from datetime import datetime
    from typing import Any, ClassVar


def moment(microseconds: int) -> datetime:
    """A timestamp of the library, microseconds since 1970 in UTC, as an aware datetime."""
    from datetime import datetime, timedelta, timezone

    return datetime(1970, 1, 1, tzinfo=timezone.utc) + timedelta(microseconds=microseconds)


def _json(value: object) -> object:
    if isinstance(value, Record):
        return value.to_json()
    if isinstance(value, list):
        return [_json(item) for item in value]
    return value


class Record:
    """Plain data. Records of one kind are equal when all their members are."""

    __slots__ = ()
    _fields: ClassVar[tuple[str, ...]] = ()

    def to_json(self) -> dict[str, Any]:
        """The members as JSON holds them, under the names of the schema."""
        return {name.rstrip("_"): _json(getattr(self, name)) for name in self._fields}

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Record) or self._fields != other._fields:
            return NotImplemented
        return all(getattr(self, name) == getattr(other, name) for name in self._fields)

    # Members may be changed.
    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        members = ", ".join(f"{name}={getattr(self, name)!r}" for name in self._fields)
        return f"{type(self).__name__}({members})"


class Event(Record):
    """Something that happened."""

    __slots__ = ("at",)
    type: ClassVar[str]
    """Which event it is."""

    at: int
    """When it was published, in microseconds since 1970."""

    @property
    def time(self) -> datetime:
        """`at` as an aware datetime in UTC."""
        return moment(self.at)

    def to_json(self) -> dict[str, Any]:
        """The members as JSON holds them, with `type`."""
        return {"type": self.type, **super().to_json()}

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Event) or self.type != other.type:
            return NotImplemented
        return super().__eq__(other)

    __hash__ = None
