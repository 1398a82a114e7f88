"""Types for annotations: the words of enumerations, and the settings of a node.

Made by `cargo xtask gen` from the schema; do not edit.
"""

from __future__ import annotations

from os import PathLike
from typing import Any, Literal, Protocol, TypedDict, Union


class HasAgentId(Protocol):
    """Whatever knows an agent: a peer, a discovered agent, a node."""

    @property
    def agent_id(self) -> str:
        """Its id."""


AgentLike = Union[str, HasAgentId]
"""An agent id, or something that has one."""

AccessName = Literal["public", "peer", "local"]
"""The tier words of `access_overrides`.

- `public`: Everyone.
- `peer`: Connected peers.
- `local`: This machine, with the token.
"""

AddressClass = Literal["loopback", "private", "link_local", "global", "never"]
"""Where an address leads. Forms that carry an IPv4 address inside (mapped, NAT64, 6to4, …) count as that address,
because that is where the packets go; 1.1.1 looks at the outer form only.

- `loopback`: This machine.
- `private`: A private network, a carrier's shared one included.
- `link_local`: The link at hand.
- `global`: The internet; also what is assumed of an address that is unknown.
- `never`: No peer lives there: unspecified, multicast, broadcast, reserved, documentation, benchmarking, and
  the metadata services of clouds.
"""

AutoAccept = Literal["none", "loopback", "lan", "all"]
"""Whose connection requests are accepted without asking. Decided by the socket's address; a claimed URL alone
never opens the door (S17).

- `none`: Nobody's: every request waits for a decision.
- `loopback`: Requests from this machine.
- `lan`: Requests from this machine and from private addresses.
- `all`: Everybody's, as an entry node does.
"""

CancelOutcome = Literal["withdrawn", "telling", "too_late", "cannot_tell"]
"""What became of taking back one copy of a message.

- `withdrawn`: It waited here and never left: nobody has it.
- `telling`: The peer has it, or may have it, and is told until it answers, for a day. Its receipts say what
  became of the message; an agent that has it in its hands may still handle it.
- `too_late`: It is over: handled, answered, or never delivered.
- `cannot_tell`: The peer has it, or may have it, and does not know how to take a message back, as dmagent
  1.1.1.
"""

DeliveryState = Literal["failed", "expired", "refused", "stored", "accepted", "delivered", "handled", "answered"]
"""What is known about one copy of a sent message: a ladder from `stored` to `answered`, and below it the ends that
are none of its steps.

- `failed`: It will not be delivered; the reason says why.
- `expired`: It waited for the peer, or for the agent over there, as long as it was allowed to.
- `refused`: The peer does not take it; the reason has its words.
- `stored`: On our disk; the peer has not answered yet. The node keeps trying until the message expires.
- `accepted`: The peer answered that it took the message. A peer of our kind answers only after its disk has it.
- `delivered`: Handed to the agent over there.
- `handled`: The agent over there acknowledged it.
- `answered`: The agent over there answered.
"""

Direction = Literal["inbound", "outbound"]
"""Which way an entry went.

- `inbound`: To us.
- `outbound`: From us.
"""

Durability = Literal["memory", "grouped", "each"]
"""How much a resolved commit promises.

- `memory`: Applied; survives the process only as far as the operating system pleases. For tests and scratch
  nodes.
- `grouped`: On disk; commits that arrive together share one sync. The default.
- `each`: On disk, with a sync of its own for every commit.
"""

EntryType = Literal["broadcast", "forward", "status_broadcast", "mesh_observation", "summary", "direct"]
"""What kind of exchange an entry records.

- `broadcast`: A message to several agents, or one marked as broadcast.
- `forward`: A message sent on.
- `status_broadcast`: A status of ours.
- `mesh_observation`: A peer's status.
- `summary`: A summary of earlier entries.
- `direct`: A message to one agent; unknown words are read as this.
"""

Fate = Literal["keep", "forward", "answer", "drop", "refuse"]
"""What becomes of a message.

- `keep`: It stays in the inbox.
- `forward`: It goes on to others.
- `answer`: It is answered.
- `drop`: It ends here.
- `refuse`: Its sender is blocked: it is not taken.
"""

FoundBy = Literal["multicast", "localhost", "lan", "bootstrap"]
"""How an agent was found.

- `multicast`: It announced itself on the local network.
- `localhost`: A scan of this machine.
- `lan`: A scan of the local network.
- `bootstrap`: A bootstrap peer.
"""

GroupMode = Literal["all", "any"]
"""Whom a message of a group goes to.

- `all`: Every member gets a copy.
- `any`: Exactly one member gets it.
"""

KeyKind = Literal["identity", "rotating", "one_time"]
"""What kind of key a message was sealed to, best last.

- `identity`: The recipient's passport: whoever steals it later opens the message.
- `rotating`: The recipient's rotating pre-key, destroyed within days.
- `one_time`: A one-time pre-key, destroyed when the message is taken.
"""

Loopback = Literal["limited", "exempt"]
"""How sources with a loopback address, or inside this process, are treated.

- `limited`: Like any other source.
- `exempt`: Not limited by source, and not counted among the strangers: for many nodes on one machine.
"""

MessageKind = Literal["peer", "stranger", "notice"]
"""What an inbox entry is.

- `peer`: A message from a connected peer.
- `stranger`: A properly signed message from an agent that is not connected.
- `notice`: A note of the node itself: somebody asks for a connection, a peer was disconnected.
"""

Mode = Literal["off", "lan", "on"]
"""How far discovery reaches: the one setting that decides whom it contacts.

- `off`: Nobody: no socket is opened, nothing is sent.
- `lan`: This machine and the local network: loopback scan, multicast, scan of private networks. The default.
- `on`: Also the bootstrap peers in the settings.
"""

NetworkTier = Literal["local", "lan", "global"]
"""How far a node reaches.

- `local`: This machine.
- `lan`: The local network.
- `global`: Everywhere.
"""

PeerHealth = Literal["healthy", "failing", "dormant"]
"""How well a peer can be reached.

- `healthy`: It answers, or failed once, or was not tried yet.
- `failing`: Two attempts in a row failed: it is pinged ever more rarely and looked for. What waits for it is
  tried on its own.
- `dormant`: Nine attempts in a row failed: it is pinged and looked for rarely. What waits for it goes on
  waiting.
"""

PeerState = Literal["connected", "pending"]
"""Whether a peer is connected or somebody still has to decide.

- `connected`: Both sides hold the connection.
- `pending`: We asked, and the other side has not decided yet.
"""

ReceiptState = Literal["accepted", "delivered", "cancelled", "handled", "answered", "refused", "expired"]
"""How far a message came at its recipient. Each step implies those before it, but for a refusal, and for the end
of a message that was taken back: an agent that handled or answered it all the same had it in its hands.

- `accepted`: On the recipient's disk.
- `delivered`: Handed to its agent.
- `cancelled`: Its author took it back before it was acknowledged: it is gone here, unhandled.
- `handled`: Acknowledged by its agent.
- `answered`: Its agent answered.
- `refused`: The recipient took it and threw it away, as its rules say.
- `expired`: Its deadline passed before the recipient's agent had it.
"""

RouterMode = Literal["rules_first", "rules_only", "queue_only", "spawn"]
"""Which deciders a message goes through. Settings refuse an unknown name; `RouterMode::from_name` takes it for
`RouterMode::Spawn`, as 1.1.1 does.

- `rules_first`: Rules, then keep the message.
- `rules_only`: Only rules: a message that no rule decides passes, which leaves it in the inbox.
- `queue_only`: No rules: keep every message.
- `spawn`: Rules, then keep the message. The default; despite its name it starts nothing.
"""

RuleAction = Literal["handle", "forward", "answer", "drop", "pass", "unknown"]
"""What a rule does with a message that meets its conditions.

- `handle`: Keep the message.
- `forward`: Send it to `forward_to` and keep nothing.
- `answer`: Answer with `response_text` and keep nothing. It answers what a connected peer says first: a message
  that is an answer itself, or repeats the answer of a rule, is none of its business, so that two nodes never
  answer each other for ever.
- `drop`: Keep nothing.
- `pass`: Ask no further rule; the next decider of the chain decides.
- `unknown`: A word from a newer version: acts like `pass`.
"""

Sharing = Literal["connected", "trusted", "none"]
"""With whom something is shared.

- `connected`: With connected peers.
- `trusted`: With connected peers whose score is above 0.
- `none`: With nobody.
"""

Verification = Literal["local", "signed", "signed_fully", "sealed", "sealed_rotating", "sealed_one_time"]
"""How the sender of a message was proven.

- `local`: A notice of the node itself: nothing to prove.
- `signed`: The signature of 1.1.1: sender, id, time and content are certain; metadata and recipient are not.
- `signed_fully`: Our signature: everything is certain.
- `sealed`: Our signature, and nobody on the way could read it. Whoever steals our passport later can.
- `sealed_rotating`: Kept for us by somebody else, and sealed to a pre-key of ours that is destroyed within
  days.
- `sealed_one_time`: Kept for us by somebody else, and sealed to a pre-key of ours that was destroyed when this
  message was taken.
"""


class InboxLimits(TypedDict, total=False):
    """How full the inbox may get."""

    bytes: int
    """Content of all messages, in bytes; a quarter at most for one peer or all strangers. Default: 32 MiB."""
    notices: int
    """Notices of the node itself; a new one replaces the oldest, handed out or not. Default: 50."""
    peers: int
    """Messages of connected peers together. Default: 1,000."""
    per_peer: int
    """Messages of one connected peer. Default: 250."""
    per_stranger: int
    """Messages of one stranger. Default: 5."""
    strangers: int
    """Messages of strangers together. Default: 50."""


class Limits(TypedDict, total=False):
    """Requests a minute, and connections at once. `null` means no limit."""

    connections_per_source: int | None
    """Connections that one source may hold at once; one more is answered 429. In a node all sources together have
    1,024, whatever this says.
    """
    loopback: Loopback
    """Whether sources on this machine are limited like others, in requests of strangers and in connections."""
    peer: int | None
    """For each connected peer, unless it has a limit of its own."""
    ping: int | None
    """For the pings of each source, which count nowhere else."""
    stranger_per_source: int | None
    """For each source address that has not proven to be a connected peer."""
    strangers_total: int | None
    """For all such sources together."""


class RoutingRule(TypedDict, total=False):
    """One rule. Conditions that are absent hold for every message; those present must all hold."""

    action: RuleAction
    """What happens when it matches."""
    enabled: bool
    """Whether it is tried at all."""
    forward_to: list[str]
    """Who gets a forwarded message."""
    from_agent_id: str | None
    """Who sent the message."""
    keyword: str | None
    """Text that the content contains, in any letter case."""
    metadata_key: str | None
    """A metadata key that is present, with any value unless `metadata_value` is given."""
    metadata_value: str | None
    """The text form of the value under `metadata_key`; means nothing without a key."""
    priority: int
    """Higher is tried first."""
    response_text: str | None
    """What `answer` says, 1 to 4,000 characters; nothing to other actions, and to 1.1.1."""
    rule_id: str
    """Its name."""


class Settings(TypedDict, total=False):
    """The settings of one node. Unknown members in JSON are refused, so that a typing error shows."""

    access_overrides: dict[str, AccessName]
    """Who may call an endpoint, where that differs from the default."""
    auto_accept: AutoAccept
    """Whose requests are accepted without asking. Default: `loopback`."""
    bio: str | None
    """What peers read about the agent, at most 1,000 characters. Default: the stored one."""
    bootstrap_mode: bool
    """Be an entry node: accept everybody, answer root paths too. Default: false."""
    bootstrap_peers: list[str]
    """Base URLs of entry nodes. Default: none."""
    capabilities: dict[str, Any]
    """What the agent offers beyond the mesh, told to peers in the handshake: a small JSON object."""
    discovery: Mode
    """Whether the node looks for others. Default: `off`."""
    discovery_ports: tuple[int, int]
    """The loopback ports that discovery scans, first and last. Default: 8100 to 8200."""
    display_name: str | None
    """The name peers see, at most 100 characters. Default: the stored one, else a random one."""
    durability: Durability
    """What a resolved commit promises. Default: `grouped`."""
    ephemeral: bool
    """Keep nothing on disk: a fresh identity that ends with the process. Default: false."""
    host: str
    """The address to listen at. Default: `127.0.0.1`."""
    http: bool
    """Whether to listen and dial over HTTP at all. Default: true."""
    inbox: InboxLimits
    """How full the inbox may get."""
    limits: Limits
    """Rate limits."""
    mailbox: bool
    """Keep mail for peers that ask for it while they are away, and say so to all. Default: false."""
    mailbox_after_secs: int
    """How long a message waits for its recipient itself, in seconds, before others are asked to keep it, too.
    Default: 60.
    """
    max_connections: int
    """Most connections. Default: 50."""
    memory: bool
    """Whether the nodes of this process that say so too reach each other without a socket, at `memory://agent-`
    and the first 32 digits of the agent id. Default: false.
    """
    negative_trust_secs: int
    """How long negative trust may last before the peer is disconnected, in seconds. Default: 3,600."""
    network_tier: NetworkTier
    """Which addresses the node talks to. Default: `lan` (loopback and private networks)."""
    outbox_expiry_secs: int
    """How long a message waits for an unreachable peer, in seconds, when the sender gives no time. Default:
    86,400.
    """
    outbox_limit: int
    """Most messages that wait for unreachable peers; those being sent at the moment may be as many again. Default:
    10,000.
    """
    ping_interval_secs: int
    """How often an idle peer is pinged, in seconds; 0 for never. Default: 20, so that silence is found within 30
    s: a ping may take 4 s, and a second one follows it after 1 s.
    """
    policy_timeout_ms: int
    """How long the host's policy may think, in milliseconds. Default: 2,000."""
    port: int
    """The port to listen at; 0 lets the system choose. Default: 0."""
    preferred_dir: str | None
    """What `DARKMATTER_PROJECT_DIR` names: this folder if it has a passport, else the nearest one from the current
    folder upwards that has; a new passport goes here. `project_dir` wins over it. Default: none.
    """
    project_dir: str | PathLike[str] | None
    """The folder whose `.darkmatter` holds passport and database. Default: the nearest folder, from the current
    one upwards, that has a passport; else the current one.
    """
    public_url: str | None
    """The base URL that others reach this node at, when that differs from where it listens."""
    receipts: bool
    """Tell senders what becomes of their messages, and take such receipts. Default: true."""
    request_expiry_secs: int
    """How long a request may wait for a decision, in seconds. Default: 3,600."""
    router_mode: RouterMode
    """How routing rules and the queue work together. Default: `spawn` (rules, then queue)."""
    routing_rules: list[RoutingRule]
    """Rules for incoming messages."""
    seal: bool
    """Seal message bodies for peers that can open them. Default: true."""
    sent_limit: int
    """Of how many sent copies the node remembers what became of them, beside those that wait. Default: 1,000."""
    share_impressions: Sharing
    """Who is told what we think of others: `connected` peers (the default), `trusted` ones (score above 0), or
    `none`. Nobody is told about itself.
    """
    share_notes: Sharing
    """Who is told the notes along. 1.1.1 signs no question, so with the default, `trusted`, it hears none."""
    shared_port: bool
    """Whether other nodes of this process may listen at the same host and port: those that say so too. Each has a
    place below it, `/agents/` and its id, and tells peers that. Default: false.
    """
    trusted_proxies: list[str]
    """Proxies whose `X-Forwarded-For` is believed. Default: none."""
    upnp: bool
    """Ask the router for a port mapping when the tier is `global` and no public URL is set. Default: false."""
    use_mailboxes: bool
    """Let peers that keep mail keep ours: leave our pre-keys with them, and messages for those who left theirs.
    Only with `seal`. Default: true.
    """


class ReplyOptions(TypedDict, total=False):
    """How to reply."""

    budget: str | None
    """What it may cost, an amount and a unit such as `12.5 usd`. Whoever passes it on may only lower that; who
    spends it is the affair of hosts.
    """
    caused_by: int | None
    """The `sequence` of a message of the inbox because of which this one is sent, an answer for example: it gets
    one hop less than that, what is left of its deadline and budget, and a new span of its trace. The members
    above may only tighten that.
    """
    deadline: int | None
    """When the message is over, wherever it is then: nobody sends, takes, hands out or forwards it any more. In
    microseconds since 1970.
    """
    expires_in_secs: float | None
    """How long it waits for an unreachable peer, in seconds, at most 86,400. Default: the setting
    `outbox_expiry_secs`.
    """
    hops: int
    """How often it may be forwarded, 0 to 50. Default: 10."""
    idempotency_key: str | None
    """A name of the host for this call, 1 to 128 characters. The same call with the same name sends nothing again,
    also after a crash, and gives the receipt of the first one. It is kept for 25 hours after the message
    expires.
    """
    metadata: dict[str, Any]
    """What travels along: a JSON object of at most 64 KiB. Its `type` may mean something to the other node: a
    `broadcast` is logged there and not handed out.
    """
    spend: str | None
    """What was spent of the budget of that message already: a decimal as text."""
    timeout_secs: float
    """How long this call waits for the first attempts, in seconds. Default: 10. Whatever has not answered by then
    is `stored`.
    """
    traceparent: str | None
    """Which trace it belongs to, as the header of that name in W3C Trace Context."""
    tracestate: str | None
    """What the tracing systems say about that, as the header of that name."""


class SendOptions(ReplyOptions, total=False):
    """How to send."""

    in_reply_to: str | None
    """The message this one answers."""
