"""What every argument and every setting may be.

Made by `cargo xtask gen` from the schema; do not edit.
"""

from __future__ import annotations

from ._shape import (
    Address,
    Agent,
    Dict,
    Flag,
    Json,
    List,
    Members,
    Number,
    Optional,
    Pair,
    Path,
    Text,
    Whole,
    Word,
)

INBOX_LIMITS = Members(
    {
        "bytes": Whole(0, 18446744073709551615),
        "notices": Whole(0, 18446744073709551615),
        "peers": Whole(0, 18446744073709551615),
        "per_peer": Whole(0, 18446744073709551615),
        "per_stranger": Whole(0, 18446744073709551615),
        "strangers": Whole(0, 18446744073709551615),
    },
)

LIMITS = Members(
    {
        "connections_per_source": Optional(Whole(1, 4294967295)),
        "loopback": Word("limited", "exempt"),
        "peer": Optional(Whole(1, 4294967295)),
        "ping": Optional(Whole(1, 4294967295)),
        "stranger_per_source": Optional(Whole(1, 4294967295)),
        "strangers_total": Optional(Whole(1, 4294967295)),
    },
)

ROUTING_RULE = Members(
    {
        "action": Text(),
        "enabled": Flag(),
        "forward_to": List(Agent()),
        "from_agent_id": Optional(Agent()),
        "keyword": Optional(Text()),
        "metadata_key": Optional(Text()),
        "metadata_value": Optional(Text()),
        "priority": Whole(-9223372036854775808, 9223372036854775807),
        "response_text": Optional(Text()),
        "rule_id": Text(),
    },
    "rule_id",
    "action",
)

SETTINGS = Members(
    {
        "access_overrides": Dict(Word("public", "peer", "local")),
        "auto_accept": Word("none", "loopback", "lan", "all"),
        "bio": Optional(Text()),
        "bootstrap_mode": Flag(),
        "bootstrap_peers": List(Text()),
        "capabilities": Dict(Json()),
        "discovery": Word("off", "lan", "on"),
        "discovery_ports": Pair(Whole(0, 65535)),
        "display_name": Optional(Text()),
        "durability": Word("memory", "grouped", "each"),
        "ephemeral": Flag(),
        "host": Address(),
        "http": Flag(),
        "inbox": INBOX_LIMITS,
        "limits": LIMITS,
        "mailbox": Flag(),
        "mailbox_after_secs": Whole(0, 18446744073709551615),
        "max_connections": Whole(0, 18446744073709551615),
        "memory": Flag(),
        "negative_trust_secs": Whole(0, 18446744073709551615),
        "network_tier": Word("local", "lan", "global"),
        "outbox_expiry_secs": Whole(0, 18446744073709551615),
        "outbox_limit": Whole(0, 18446744073709551615),
        "ping_interval_secs": Whole(0, 18446744073709551615),
        "policy_timeout_ms": Whole(0, 18446744073709551615),
        "port": Whole(0, 65535),
        "preferred_dir": Optional(Path()),
        "project_dir": Optional(Path()),
        "public_url": Optional(Text()),
        "receipts": Flag(),
        "request_expiry_secs": Whole(0, 18446744073709551615),
        "router_mode": Word("rules_first", "rules_only", "queue_only", "spawn"),
        "routing_rules": List(ROUTING_RULE),
        "seal": Flag(),
        "sent_limit": Whole(0, 18446744073709551615),
        "share_impressions": Word("connected", "trusted", "none"),
        "share_notes": Word("connected", "trusted", "none"),
        "shared_port": Flag(),
        "trusted_proxies": List(Address()),
        "upnp": Flag(),
        "use_mailboxes": Flag(),
    },
)

# What each verb takes.
VERBS = {
    "node.info": Members({}),
    "node.update": Members(
        {
            "active": Optional(Flag()),
            "bio": Optional(Text()),
            "display_name": Optional(Text()),
        },
    ),
    "peers.connect": Members(
        {
            "expect": Optional(Agent()),
            "url": Text(),
        },
        "url",
    ),
    "peers.list": Members({}),
    "peers.get": Members(
        {
            "agent": Agent(),
        },
        "agent",
    ),
    "peers.pending": Members({}),
    "peers.accept": Members(
        {
            "request_id": Text(),
        },
        "request_id",
    ),
    "peers.reject": Members(
        {
            "request_id": Text(),
        },
        "request_id",
    ),
    "peers.disconnect": Members(
        {
            "agent": Agent(),
            "reason": Optional(Text()),
        },
        "agent",
    ),
    "peers.of": Members(
        {
            "agent": Agent(),
            "n": Whole(1, 50),
        },
        "agent",
    ),
    "peers.block": Members(
        {
            "agent": Agent(),
            "reason": Optional(Text()),
        },
        "agent",
    ),
    "peers.unblock": Members(
        {
            "agent": Agent(),
        },
        "agent",
    ),
    "peers.blocked": Members({}),
    "messages.send": Members(
        {
            "budget": Optional(Text()),
            "caused_by": Optional(Whole(0, 18446744073709551615)),
            "content": Text(),
            "deadline": Optional(Whole(0, 9223372036854775807)),
            "expires_in_secs": Optional(Number(0.0, 86400.0)),
            "hops": Whole(0, 50),
            "idempotency_key": Optional(Text()),
            "in_reply_to": Optional(Text()),
            "metadata": Dict(Json()),
            "spend": Optional(Text()),
            "timeout_secs": Number(0.0, 31536000.0),
            "to": List(Agent(), or_one=True),
            "traceparent": Optional(Text()),
            "tracestate": Optional(Text()),
        },
        "to",
        "content",
    ),
    "messages.ask": Members(
        {
            "budget": Optional(Text()),
            "caused_by": Optional(Whole(0, 18446744073709551615)),
            "content": Text(),
            "deadline": Optional(Whole(0, 9223372036854775807)),
            "idempotency_key": Optional(Text()),
            "in_reply_to": Optional(Text()),
            "metadata": Dict(Json()),
            "spend": Optional(Text()),
            "timeout_secs": Optional(Number(0.0, 31536000.0)),
            "to": Agent(),
            "traceparent": Optional(Text()),
            "tracestate": Optional(Text()),
        },
        "to",
        "content",
    ),
    "messages.forward": Members(
        {
            "budget": Optional(Text()),
            "deadline": Optional(Whole(0, 9223372036854775807)),
            "force": Flag(),
            "keep": Flag(),
            "message_id": Optional(Text()),
            "note": Optional(Text()),
            "sequence": Optional(Whole(0, 18446744073709551615)),
            "timeout_secs": Number(0.0, 31536000.0),
            "to": List(Agent(), or_one=True),
        },
        "to",
    ),
    "messages.ask_stream": Members(
        {
            "budget": Optional(Text()),
            "caused_by": Optional(Whole(0, 18446744073709551615)),
            "content": Text(),
            "deadline": Optional(Whole(0, 9223372036854775807)),
            "idempotency_key": Optional(Text()),
            "in_reply_to": Optional(Text()),
            "metadata": Dict(Json()),
            "spend": Optional(Text()),
            "timeout_secs": Optional(Number(0.0, 31536000.0)),
            "to": Agent(),
            "traceparent": Optional(Text()),
            "tracestate": Optional(Text()),
        },
        "to",
        "content",
    ),
    "messages.next_part": Members(
        {
            "number": Optional(Whole(0, 18446744073709551615)),
            "stream_id": Text(),
        },
        "stream_id",
    ),
    "messages.part": Members(
        {
            "content": Text(),
            "in_reply_to": Text(),
            "to": Agent(),
        },
        "to",
        "in_reply_to",
        "content",
    ),
    "messages.finish": Members(
        {
            "content": Text(),
            "in_reply_to": Text(),
            "metadata": Dict(Json()),
            "timeout_secs": Number(0.0, 31536000.0),
            "to": Agent(),
        },
        "to",
        "in_reply_to",
    ),
    "messages.broadcast": Members(
        {
            "content": Text(),
            "metadata": Dict(Json()),
            "top": Optional(Whole(1, 4294967295)),
        },
        "content",
    ),
    "messages.next": Members(
        {
            "from": List(Agent()),
            "in_reply_to": Optional(Text()),
            "kinds": List(Word("peer", "stranger", "notice")),
            "timeout_secs": Optional(Number(0.0, 31536000.0)),
        },
    ),
    "messages.acknowledge": Members(
        {
            "sequence": Whole(0, 18446744073709551615),
        },
        "sequence",
    ),
    "messages.release": Members(
        {
            "delay_secs": Number(0.0, 31536000.0),
            "sequence": Whole(0, 18446744073709551615),
        },
        "sequence",
    ),
    "messages.list": Members({}),
    "messages.outbox": Members({}),
    "messages.mailbox": Members({}),
    "messages.status": Members(
        {
            "message_id": Text(),
        },
        "message_id",
    ),
    "messages.until": Members(
        {
            "message_id": Text(),
            "state": Word("failed", "expired", "refused", "stored", "accepted", "delivered", "handled", "answered"),
            "timeout_secs": Optional(Number(0.0, 31536000.0)),
        },
        "message_id",
        "state",
    ),
    "messages.cancel": Members(
        {
            "message_id": Text(),
            "reason": Optional(Text()),
        },
        "message_id",
    ),
    "messages.sent": Members(
        {
            "limit": Whole(1, 10000),
        },
    ),
    "messages.receipts": Members(
        {
            "limit": Whole(1, 10000),
        },
    ),
    "messages.verify": Members(
        {
            "content": Optional(Text()),
            "in_reply_to": Optional(Text()),
            "metadata": Dict(Json()),
            "receipt": Text(),
        },
        "receipt",
    ),
    "messages.log": Members(
        {
            "limit": Whole(0, 18446744073709551615),
        },
    ),
    "messages.context": Members(
        {
            "session": Text(),
        },
        "session",
    ),
    "trust.get": Members(
        {
            "agent": Agent(),
        },
        "agent",
    ),
    "trust.set": Members(
        {
            "agent": Agent(),
            "note": Optional(Text()),
            "score": Number(),
        },
        "agent",
        "score",
    ),
    "trust.list": Members({}),
    "trust.forget": Members(
        {
            "agent": Agent(),
        },
        "agent",
    ),
    "trust.ask": Members(
        {
            "about": Agent(),
            "peer": Agent(),
        },
        "peer",
        "about",
    ),
    "rules.list": Members({}),
    "rules.set": Members(
        {
            "rules": List(ROUTING_RULE),
        },
        "rules",
    ),
    "rules.test": Members(
        {
            "content": Text(),
            "from": Agent(),
            "metadata": Dict(Json()),
        },
        "content",
        "from",
    ),
    "groups.set": Members(
        {
            "members": List(Agent()),
            "name": Text(),
        },
        "name",
        "members",
    ),
    "groups.list": Members({}),
    "groups.remove": Members(
        {
            "name": Text(),
        },
        "name",
    ),
    "groups.find": Members(
        {
            "group": Optional(Text()),
            "match": Dict(Json()),
            "to": List(Agent()),
        },
    ),
    "groups.send": Members(
        {
            "content": Text(),
            "expires_in_secs": Optional(Number(0.0, 86400.0)),
            "group": Optional(Text()),
            "hops": Whole(0, 50),
            "in_reply_to": Optional(Text()),
            "match": Dict(Json()),
            "metadata": Dict(Json()),
            "mode": Word("all", "any"),
            "timeout_secs": Number(0.0, 31536000.0),
            "to": List(Agent()),
        },
        "content",
    ),
    "discovery.scan": Members({}),
    "discovery.list": Members({}),
    "passport.sign": Members(
        {
            "context": Text(),
            "data": Text(),
        },
        "data",
    ),
    "passport.verify": Members(
        {
            "agent": Agent(),
            "context": Text(),
            "data": Text(),
            "signature": Text(),
        },
        "agent",
        "data",
        "signature",
    ),
}
