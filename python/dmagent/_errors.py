"""The exceptions, one class for what a caller can do about it, and the table of codes.

Made by `cargo xtask gen` from the schema; do not edit.
"""

from __future__ import annotations

import builtins

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping


class DmError(Exception):
    """Something of dmagent failed. Its text is one line: what happened and what to do."""

    message: str
    """What happened, without code and context."""
    code: str
    """A stable name out of the table of codes."""
    retryable: bool
    """Whether trying the same call again later can help."""
    context: dict[str, str]
    """Facts, for instance `path`."""

    def __init__(
        self,
        message: str = "",
        *,
        code: str = "internal",
        retryable: bool = False,
        context: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.code = code
        self.retryable = retryable
        self.context = dict(context or {})

    def __str__(self) -> str:
        facts = ", ".join(f"{key}: {value}" for key, value in self.context.items())
        return f"{self.message} ({facts}) [{self.code}]" if facts else f"{self.message} [{self.code}]"

    def __reduce__(self) -> tuple[Callable[..., DmError], tuple[str, str, tuple[tuple[str, str], ...]]]:
        return from_native, (self.code, self.message, tuple(self.context.items()))


class InternalError(DmError):
    """Raised for these codes:

    - `internal`: A broken invariant inside the library; please report it.
    """


class InvalidInputError(DmError, ValueError):
    """Raised for these codes:

    - `invalid_argument`: An argument is missing, has the wrong type or is out of range.
    - `unknown_verb`: No verb has that name.
    - `blocking_in_async`: A call on the blocking twin was made from inside an async runtime.
    - `invalid_handle`: A handle was freed before, or is another kind of handle.
    - `agent_id_invalid`: Text is not an agent id: 64 lower-case hexadecimal digits of an Ed25519 public key.
    - `wire_malformed`: Bytes are not the JSON object that the endpoint takes.
    - `wire_field`: A field is missing or has the wrong type.
    - `url_invalid`: A URL is not acceptable.
    - `trust_out_of_range`: A trust score is outside -1 to 1 or not finite.
    - `idempotency_key_reused`: An idempotency key stands for another message.
    """


class ConfigError(DmError, ValueError):
    """Raised for these codes:

    - `config_invalid`: A setting or environment variable has a value that is not allowed.
    """


class IdentityError(DmError):
    """Raised for these codes:

    - `passport_missing`: No passport exists where one was required.
    - `passport_malformed`: The passport file does not hold 64 hexadecimal digits.
    - `passport_exposed`: Other users can read the passport file.
    - `passport_unreadable`: The passport file cannot be read or written.
    - `passport_mismatch`: The database in the data folder belongs to another passport.
    """


class StoreError(DmError):
    """Raised for these codes:

    - `store_unavailable`: The database cannot be opened, read or written.
    - `store_corrupt`: The database is damaged; it was left as it is.
    - `store_newer`: The database was written by a newer version; it was left as it is.
    - `store_full`: The disk is full.
    - `store_owned`: Another process runs the node of this data folder.
    - `store_precondition`: A row was not in the state the commit required.
    """


class UnreachableError(DmError, ConnectionError):
    """Raised for these codes:

    - `unreachable`: The address could not be reached.
    - `bad_answer`: The peer answered, but not as the protocol requires.
    - `bind_failed`: The port cannot be bound.
    - `discovery_failed`: Discovery cannot use the network as asked.
    """


class TimeoutError(DmError, builtins.TimeoutError):
    """Raised for these codes:

    - `timeout`: Time ran out before the call finished.
    - `message_expired`: The message expired before it could be delivered.
    """


class NotFoundError(DmError, LookupError):
    """Raised for these codes:

    - `peer_not_connected`: The agent is not connected.
    - `request_unknown`: No such pending request.
    - `group_unknown`: There is no group of that name.
    - `message_unknown`: The message does not exist or was acknowledged before.
    """


class RefusedError(DmError):
    """Raised for these codes:

    - `signature_missing`: A signature is missing.
    - `signature_invalid`: A signature does not hold.
    - `key_mismatch`: A presented key is not the one pinned, or is not the agent's id.
    - `stale`: A timestamp is outside the freshness window; check the clock.
    - `replay`: The same signed thing arrived before.
    - `seal_broken`: A sealed body cannot be opened with our key.
    - `address_forbidden`: The outbound policy forbids the address.
    - `peer_mismatch`: The peer answered with another identity than expected.
    - `peer_refused`: The other side refused.
    - `inactive`: The node is inactive and accepts nothing.
    - `tier_restricted`: The peer's address class is outside the network tier.
    - `policy_refused`: The host's policy said no, failed or did not answer in time.
    - `peer_blocked`: The agent is on the block list, here or at the other side.
    - `no_receipts`: The peer gives no receipts: beyond accepted nothing is known but an answer.
    - `message_cancelled`: The sender took the message back.
    - `limits_loosened`: A limit of the message is looser than its author or a forwarder signed.
    - `origin_invalid`: What the message says about its author or its way does not hold.
    - `hops_exhausted`: The message may not be forwarded any more.
    - `already_received`: The agent has the message already, as far as is known here.
    - `token_invalid`: A local request lacks the token of the data folder.
    """


class LimitError(DmError):
    """Raised for these codes:

    - `wire_too_large`: A frame or field is larger than allowed.
    - `connection_limit`: The connection limit is reached.
    - `queue_full`: The receiver's queue is full.
    - `rate_limited`: Too many requests from this source or peer.
    """


class ClosedError(DmError):
    """Raised for these codes:

    - `closed`: The node is closed; open a new one.
    - `forked`: The process forked after the node was opened; the child cannot use it.
    """


# The class and the retry hint of every code.
CODES: dict[str, tuple[type[DmError], bool]] = {
    "internal": (InternalError, False),
    "invalid_argument": (InvalidInputError, False),
    "timeout": (TimeoutError, True),
    "closed": (ClosedError, False),
    "unknown_verb": (InvalidInputError, False),
    "blocking_in_async": (InvalidInputError, False),
    "forked": (ClosedError, False),
    "invalid_handle": (InvalidInputError, False),
    "config_invalid": (ConfigError, False),
    "passport_missing": (IdentityError, False),
    "passport_malformed": (IdentityError, False),
    "passport_exposed": (IdentityError, False),
    "passport_unreadable": (IdentityError, False),
    "agent_id_invalid": (InvalidInputError, False),
    "passport_mismatch": (IdentityError, False),
    "wire_malformed": (InvalidInputError, False),
    "wire_field": (InvalidInputError, False),
    "wire_too_large": (LimitError, False),
    "signature_missing": (RefusedError, False),
    "signature_invalid": (RefusedError, False),
    "key_mismatch": (RefusedError, False),
    "stale": (RefusedError, False),
    "replay": (RefusedError, False),
    "seal_broken": (RefusedError, False),
    "url_invalid": (InvalidInputError, False),
    "store_unavailable": (StoreError, True),
    "store_corrupt": (StoreError, False),
    "store_newer": (StoreError, False),
    "store_full": (StoreError, True),
    "store_owned": (StoreError, False),
    "store_precondition": (StoreError, False),
    "unreachable": (UnreachableError, True),
    "bad_answer": (UnreachableError, False),
    "address_forbidden": (RefusedError, False),
    "bind_failed": (UnreachableError, True),
    "discovery_failed": (UnreachableError, True),
    "trust_out_of_range": (InvalidInputError, False),
    "peer_not_connected": (NotFoundError, False),
    "request_unknown": (NotFoundError, False),
    "connection_limit": (LimitError, True),
    "peer_mismatch": (RefusedError, False),
    "peer_refused": (RefusedError, False),
    "inactive": (RefusedError, True),
    "tier_restricted": (RefusedError, False),
    "policy_refused": (RefusedError, False),
    "peer_blocked": (RefusedError, False),
    "group_unknown": (NotFoundError, False),
    "queue_full": (LimitError, True),
    "rate_limited": (LimitError, True),
    "message_unknown": (NotFoundError, False),
    "message_expired": (TimeoutError, False),
    "no_receipts": (RefusedError, False),
    "message_cancelled": (RefusedError, False),
    "idempotency_key_reused": (InvalidInputError, False),
    "limits_loosened": (RefusedError, False),
    "origin_invalid": (RefusedError, False),
    "hops_exhausted": (RefusedError, False),
    "already_received": (RefusedError, False),
    "token_invalid": (RefusedError, False),
}


def from_native(code: str, message: str, context: Iterable[tuple[str, str]]) -> DmError:
    """The exception for an error of the core."""
    kind, retryable = CODES.get(code, (DmError, False))
    return kind(message, code=code, retryable=retryable, context=dict(context))


def invalid(message: str) -> DmError:
    """The exception for what the caller passed."""
    return from_native("invalid_argument", message, ())


def closed(message: str) -> DmError:
    """The exception for a handle that is not open."""
    return from_native("closed", message, ())
