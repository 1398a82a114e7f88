"""An agent that speaks the mesh by hand: it signs what it likes, or nothing, and posts it anywhere.

Everything is built here from the description of the wire, not with our library, so that both check each other.
"""

from __future__ import annotations

import hashlib
import json
import secrets
import struct
from datetime import datetime, timedelta, timezone
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from web import Answer, post

MESH = "/__darkmatter__/"


def now(seconds: float = 0) -> str:
    """The time on the wire, some seconds from now."""
    return (datetime.now(timezone.utc) + timedelta(seconds=seconds)).isoformat(timespec="microseconds")


def fresh_id(prefix: str = "msg-") -> str:
    return prefix + secrets.token_hex(6)


def without(payload: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in payload.items() if name not in names}


class Hostile:
    """An identity. What its methods build is correct; a test spoils it."""

    def __init__(self, url: str = "http://127.0.0.1:9") -> None:
        self.url = url
        self._key = Ed25519PrivateKey.generate()
        self.agent_id = self._key.public_key().public_bytes_raw().hex()

    # Signatures.

    def sign(self, *lines: str) -> str:
        """The form of 1.1.1: fields joined by LF."""
        return self._key.sign("\n".join(lines).encode()).hex()

    def sign_fully(self, domain: str, *fields: bytes) -> str:
        """Our form: fields behind their lengths."""
        return self._key.sign(framed(domain, *fields)).hex()

    def sign_object(self, domain: str, to: str, payload: dict[str, Any]) -> dict[str, Any]:
        """An object for one recipient, with our signature over all of it."""
        own, other = bytes.fromhex(self.agent_id), bytes.fromhex(to)
        return {**payload, "signature_v2": self.sign_fully(domain, own, other, canonical(payload))}

    # Frames of 1.1.1.

    def message(self, content: str, **fields: Any) -> dict[str, Any]:
        """A message with the signature of 1.1.1; `fields` are what it says instead, signed as well."""
        payload = {
            "message_id": fresh_id(),
            "content": content,
            "from_agent_id": self.agent_id,
            "from_public_key_hex": self.agent_id,
            "timestamp": now(),
            "hops_remaining": 10,
            "metadata": {},
            **fields,
        }
        signed = [payload[name] for name in ("from_agent_id", "message_id", "timestamp", "content")]
        return {**payload, "signature_hex": self.sign(*signed)}

    def update(self, new_url: str, **fields: Any) -> dict[str, Any]:
        """A `peer_update` with the signature of 1.1.1, which covers id, URL and time only."""
        payload = {
            "agent_id": self.agent_id,
            "new_url": new_url,
            "timestamp": now(),
            "public_key_hex": self.agent_id,
            **fields,
        }
        signed = self.sign("peer_update", payload["agent_id"], payload["new_url"], payload["timestamp"])
        return {**payload, "signature": signed}

    def request(self, **fields: Any) -> dict[str, Any]:
        """A connection request as 1.1.1 makes it: unsigned."""
        return {
            "from_agent_id": self.agent_id,
            "from_agent_url": self.url,
            "from_agent_bio": "",
            "from_agent_public_key_hex": self.agent_id,
            "from_agent_display_name": "mallory",
            "wallets": {},
            "capabilities": {},
            "created_at": now(),
            **fields,
        }

    def proof(self, reply: dict[str, Any]) -> dict[str, Any]:
        """The answer to the challenge in a pending reply."""
        return {
            "challenge_id": reply["challenge_id"],
            "proof_hex": self.sign("darkmatter.challenge_response.v1", reply["challenge_hex"]),
            "agent_id": self.agent_id,
            "public_key_hex": self.agent_id,
        }

    def acceptance(self, **fields: Any) -> dict[str, Any]:
        """A `connection_accepted`, or an accepted reply with `auto_accepted=True`: unsigned in 1.1.1."""
        return {
            "agent_id": self.agent_id,
            "agent_url": self.url,
            "agent_bio": "",
            "agent_public_key_hex": self.agent_id,
            "agent_display_name": "mallory",
            "wallets": {},
            "capabilities": {},
            **fields,
        }

    def envelope(self, target: str, payload: dict[str, Any], **fields: Any) -> dict[str, Any]:
        """A `mesh_route` envelope of a message."""
        return {
            "route_id": fresh_id("route-"),
            "route_type": "message",
            "target_agent_id": target,
            "source_agent_id": self.agent_id,
            "hops_remaining": 10,
            "visited": [self.agent_id],
            "trust_chain": [{"agent_id": self.agent_id, "trust_to_next": 0.5}],
            "payload": payload,
            "original_path": MESH + "message",
            **fields,
        }

    # Frames of ours.

    def message_fully(self, to: str, content: str, **fields: Any) -> dict[str, Any]:
        """A message with our signature, readable."""
        payload = {
            "message_id": fresh_id(),
            "content": content,
            "from_agent_id": self.agent_id,
            "timestamp": now(),
            "hops_remaining": 10,
            "metadata": {},
            "to_agent_id": to,
            **fields,
        }
        body = framed("body", payload["content"].encode(), canonical(payload["metadata"]), b"\0")
        signature = self.sign_fully(
            "message",
            bytes.fromhex(payload["from_agent_id"]),
            bytes.fromhex(payload["to_agent_id"]),
            payload["message_id"].encode(),
            payload["timestamp"].encode(),
            struct.pack(">I", payload["hops_remaining"]),
            hashlib.sha256(body).digest(),
        )
        return {**payload, "signature_v2": signature}

    def request_fully(self, to: str, **fields: Any) -> dict[str, Any]:
        """A connection request with our signature, of an agent that has our abilities."""
        payload = self.request(
            capabilities={"signature": 2}, to_agent_id=to, timestamp=now(), nonce=secrets.token_hex(16), **fields
        )
        return self.sign_object("connection_request", to, payload)

    def connect(self, port: int, **fields: Any) -> Answer:
        """Asks the node at `port` for a connection, as 1.1.1 does."""
        return post(port, MESH + "connection_request", self.request(**fields))


def framed(name: str, *fields: bytes) -> bytes:
    return b"dmagent/2\0" + b"".join(struct.pack(">I", len(field)) + field for field in (name.encode(), *fields))


def canonical(payload: dict[str, Any]) -> bytes:
    """RFC 8785 for what the tests send: ASCII names, no fractions."""
    return json.dumps(payload, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
