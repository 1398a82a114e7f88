"""Attacks with messages: remote settings, replays, stripped signatures, blocked ids, floods; and broken frames.

The numbers are those of the defects of 1.1.1 that the attacks use.
"""

from __future__ import annotations

import json
from typing import Any, NamedTuple

import pytest
from hostile import MESH, Hostile, fresh_id, now, without
from lab import Lab
from ours import OurNode, Refused
from web import Answer, Heard, Listener, eventually, relay_to


class Nodes(NamedTuple):
    carol: OurNode
    dora: OurNode
    """Knows nobody but those who connect by hand."""


@pytest.fixture(scope="module")
def nodes(lab: Lab) -> Nodes:
    return Nodes(lab.ours("carol", seal=False), lab.ours("dora"))


def refused(answer: Answer, status: int, error: str) -> None:
    assert answer.status == status, answer
    assert error in answer.body["error"], answer


def connected(node: OurNode, **fields: Any) -> Hostile:
    """An agent that is connected as 1.1.1 would be."""
    agent = Hostile()
    assert agent.connect(node.port, **fields).body["auto_accepted"] is True
    return agent


def connected_fully(node: OurNode) -> Hostile:
    """An agent that is connected and signs in our form."""
    agent = Hostile()
    assert node.post(MESH + "connection_request", agent.request_fully(node.agent_id)).body["auto_accepted"] is True
    return agent


# S8: settings by message.


def test_s8_no_message_changes_our_settings(lab: Lab) -> None:
    node = lab.ours("shut", auto_accept="none")
    mallory = Hostile()
    for setting in (True, False):
        push = mallory.message("x", metadata={"type": "security_push", "auto_accept_local": setting})
        answer = node.post(MESH + "message", push)
        assert (answer.status, answer.body) == (200, {"status": "security_push_ignored"})
        assert Hostile().connect(node.port).body["auto_accepted"] is False
    assert node.messages() == []


# S13: replays and changed copies of our own messages.


class Tapped(NamedTuple):
    sender: OurNode
    receiver: OurNode
    wire: Listener


@pytest.mark.parametrize("seal", [False, True], ids=["readable", "sealed"])
def test_s13_a_copy_of_our_message_serves_nobody_else_and_no_change(lab: Lab, nodes: Nodes, seal: bool) -> None:
    name = "sealing" if seal else "plain"
    sender, receiver = lab.ours(f"{name} sender", seal=seal), lab.ours(f"{name} receiver")
    with relay_to(receiver.port) as wire:
        assert sender.call("peers.connect", url=wire.base_url)["identity_verified"] is True
        receipt = sender.send(receiver.agent_id, "for you alone", metadata={"amount": 1}, hops=3)
        [heard] = wire.of("message")
    assert receiver.heard(message_id=receipt["message_id"])["verification"] == ("sealed" if seal else "signed_fully")
    copy = heard.body
    assert copy["to_agent_id"] == receiver.agent_id and ("content" in copy) is not seal

    changes: dict[str, dict[str, Any]] = {
        "hops": {**copy, "hops_remaining": 9},
        "id": {**copy, "message_id": fresh_id()},
        "time": {**copy, "timestamp": now()},
        "sender": {**copy, "from_agent_id": Hostile().agent_id},
        "recipient": {**copy, "to_agent_id": nodes.dora.agent_id},
        "no recipient": without(copy, "to_agent_id"),
        "no signature": without(copy, "signature_v2"),
        "another signature": {**copy, "signature_v2": "00" * 64},
    }
    if seal:
        sealed = copy["sealed"]
        changes["ciphertext"] = {**copy, "sealed": {**sealed, **{name: flipped(text) for name, text in sealed.items()}}}
        changes["readable text"] = {**without(copy, "sealed"), "content": "for you alone"}
    else:
        changes["metadata"] = {**copy, "metadata": {"amount": 1000}}
        changes["no metadata"] = without(copy, "metadata")
        changes["content"] = {**copy, "content": "for everybody"}
        changes["reply reference"] = {**copy, "in_reply_to": "msg-1"}
    for what, changed in changes.items():
        answer = receiver.post(MESH + "message", changed)
        assert answer.status in (400, 403) and answer.body["code"], (what, answer)
    # To another recipient, a stranger to the sender or not.
    refused(nodes.dora.post(MESH + "message", copy), 403, "signed for another recipient")
    nodes.dora.call("peers.connect", url=sender.base_url)
    refused(nodes.dora.post(MESH + "message", copy), 403, "signed for another recipient")
    # To the same one.
    refused(receiver.post(MESH + "message", copy), 409, "Duplicate message")
    assert len(receiver.messages(**{"from": sender.agent_id})) == 1
    assert nodes.dora.messages(**{"from": sender.agent_id}) == []


def flipped(text: Any) -> Any:
    """Text with its last character changed to another of the same alphabet."""
    return text[:-1] + ("A" if text[-1] != "A" else "B") if isinstance(text, str) else text


def test_s13_a_message_that_is_changed_on_its_way_is_refused_and_the_sender_hears_it(lab: Lab) -> None:
    sender, receiver = lab.ours("tampered sender", seal=False), lab.ours("tampered receiver")

    def tamper(heard: Heard) -> Any:
        return {**heard.body, "metadata": {"amount": 1000}} if heard.endpoint == "message" else heard.body

    with relay_to(receiver.port, tamper) as wire:
        sender.call("peers.connect", url=wire.base_url)
        receipt = sender.call("messages.send", to=receiver.agent_id, content="pay", metadata={"amount": 1})
    [delivery] = receipt["deliveries"]
    assert (delivery["state"], delivery["reason"]["code"]) == ("refused", "peer_refused")
    assert receiver.messages() == []


def test_s13_a_form_of_1_1_1_can_not_be_put_into_the_mouth_of_an_agent_that_signs_everything(
    lab: Lab, nodes: Nodes
) -> None:
    # What our node signed for an original is not taken by a node of ours that knows better.
    [original] = lab.theirs("original")
    with relay_to(original.port) as wire:
        nodes.carol.call("peers.connect", url=wire.base_url)
        nodes.carol.call("peers.connect", url=nodes.dora.base_url)
        receipt = nodes.carol.send(original.agent_id, "for the original")
        told = nodes.carol.call("messages.broadcast", content="for all")
        [message] = wire.of("message")
        [broadcast] = wire.of("status_broadcast")
    assert "signature_v2" not in message.body and len(original.heard(receipt["message_id"])) == 1
    refused(nodes.dora.post(MESH + "message", message.body), 403, "signature_v2")
    known = nodes.dora.call("messages.log", limit=500)
    replayed = {**broadcast.body, "message_id": fresh_id()}
    refused(nodes.dora.post(MESH + "status_broadcast", replayed), 403, "signature_v2")
    refused(nodes.dora.post(MESH + "status_broadcast", {**broadcast.body, "metadata": {}}), 403, "signature_v2")
    assert nodes.dora.messages(message_id=receipt["message_id"]) == []
    assert nodes.dora.call("messages.log", limit=500) == known
    assert told["message_id"] == broadcast.body["message_id"]


@pytest.mark.parametrize("field", ["message_id", "timestamp"])
def test_s13_a_line_feed_in_a_signed_field_is_refused(nodes: Nodes, field: str) -> None:
    mallory = Hostile()
    message = mallory.message("a", **{field: f"{now()}\nb"})
    refused(nodes.dora.post(MESH + "message", message), 400, field)
    assert nodes.dora.messages(**{"from": mallory.agent_id}) == []


def test_our_form_is_the_one_that_is_written_down(nodes: Nodes) -> None:
    agent = connected_fully(nodes.dora)
    message = agent.message_fully(nodes.dora.agent_id, "by hand", metadata={"b": 1, "a": "ä"})
    assert nodes.dora.post(MESH + "message", message).status == 200
    assert nodes.dora.heard(message_id=message["message_id"])["verification"] == "signed_fully"
    spoilt = agent.message_fully(nodes.dora.agent_id, "by hand", metadata={"b": 1})
    refused(nodes.dora.post(MESH + "message", {**spoilt, "metadata": {"b": 2}}), 403, "Invalid signature")


# S15: blocking an id in advance.


def test_s15_nobody_blocks_the_id_of_somebody_else(nodes: Nodes) -> None:
    agent, mallory = connected(nodes.dora), Hostile()
    message = agent.message("the real one")
    message_id = message["message_id"]
    forged = {**mallory.message("x", message_id=message_id), "from_agent_id": agent.agent_id}
    for attempt in (
        {**message, "signature_hex": "00" * 64},
        without(message, "signature_hex"),
        {**message, "content": "changed"},
        forged,
        mallory.message("x", message_id=message_id, timestamp=now(-400)),
    ):
        assert nodes.dora.post(MESH + "message", attempt).status == 403
    # Even a good message of another sender claims only its own id.
    assert nodes.dora.post(MESH + "message", mallory.message("x", message_id=message_id)).status == 200
    assert nodes.dora.post(MESH + "message", message).status == 200
    refused(nodes.dora.post(MESH + "message", message), 409, "Duplicate")
    kinds = {entry["from"]: entry["kind"] for entry in nodes.dora.messages(message_id=message_id)}
    assert kinds == {agent.agent_id: "peer", mallory.agent_id: "stranger"}


# S16: filling the inbox.


def test_s16_strangers_and_notices_do_not_fill_the_room_of_peers(lab: Lab) -> None:
    node = lab.ours("flooded", auto_accept="none", inbox={"strangers": 8, "per_stranger": 3, "notices": 5})
    friend = Hostile()
    node.call("peers.accept", request_id=friend.connect(node.port).body["request_id"])

    one = Hostile()
    statuses = [node.post(MESH + "message", one.message(str(n))).status for n in range(5)]
    assert statuses == [200, 200, 200, 429, 429]
    statuses = [node.post(MESH + "message", Hostile().message("hi")).status for _ in range(8)]
    assert statuses == [200] * 5 + [429] * 3
    answers = [Hostile().connect(node.port) for _ in range(52)]
    assert [answer.status for answer in answers] == [200] * 50 + [429] * 2
    assert answers[-1].body["error"] == "Too many pending requests"
    eventually(lambda: count(node, "notice") == 5, "no more notices than allowed", node)

    for n in range(3):
        assert node.post(MESH + "message", friend.message(f"from a friend {n}")).status == 200
    assert (count(node, "peer"), count(node, "stranger")) == (3, 8)


def count(node: OurNode, kind: str) -> int:
    return [message["kind"] for message in node.call("messages.list")].count(kind)


def test_s16_a_full_inbox_tells_the_sender_and_takes_again_when_there_is_room(lab: Lab) -> None:
    node = lab.ours("small", inbox={"peers": 2, "per_peer": 2})
    friend = connected(node)
    assert [node.post(MESH + "message", friend.message(str(n))).status for n in range(2)] == [200, 200]
    third = friend.message("third")
    refused(node.post(MESH + "message", third), 429, "")
    # What was refused is not claimed: the same message may come again.
    node.call("messages.acknowledge", sequence=node.messages()[0]["sequence"])
    assert node.post(MESH + "message", third).status == 200


# B10: the end of a connection.


def notice(agent: Hostile, **fields: Any) -> dict[str, Any]:
    metadata = {"type": "trust_disconnect_notice", "peer_id": agent.agent_id}
    return agent.message("It ends.", message_id=fresh_id("disconnect-"), metadata=metadata, **fields)


def test_b10_only_a_notice_signed_in_full_ends_the_connection(nodes: Nodes) -> None:
    agent = connected(nodes.dora)
    # The signature of 1.1.1 leaves the metadata open: anybody could make a notice of any message of the peer.
    assert nodes.dora.post(MESH + "message", notice(agent)).status == 200
    assert nodes.dora.connected(agent.agent_id)
    metadata = {"type": "trust_disconnect_notice", "peer_id": agent.agent_id}
    full = agent.message_fully(nodes.dora.agent_id, "It ends.", metadata=metadata)
    assert nodes.dora.post(MESH + "message", full).status == 200
    eventually(lambda: nodes.dora.peer(agent.agent_id) is None, "the end of the connection", nodes.dora)


def test_b10_a_notice_that_the_peer_did_not_sign_ends_nothing(nodes: Nodes) -> None:
    agent, mallory = connected(nodes.dora), Hostile()
    unsigned = without(notice(agent), "signature_hex", "timestamp", "from_public_key_hex")
    refused(nodes.dora.post(MESH + "message", unsigned), 403, "Signature required")
    forged = notice(mallory, from_agent_id=agent.agent_id, from_public_key_hex=agent.agent_id)
    refused(nodes.dora.post(MESH + "message", forged), 403, "Invalid signature")
    # In the own name of a stranger it is a message like any other, whomever it names.
    own = notice(mallory)
    own["metadata"]["peer_id"] = agent.agent_id
    assert nodes.dora.post(MESH + "message", own).status == 200
    assert nodes.dora.post(MESH + "message", agent.message("still here")).status == 200
    assert nodes.dora.connected(agent.agent_id)


# B20: impressions.


def test_b20_an_impression_keeps_its_counters_and_takes_only_numbers_in_range(nodes: Nodes) -> None:
    agent = connected(nodes.dora)
    assert nodes.dora.post(MESH + "message", agent.message("count me")).status == 200
    body = {"agent_id": agent.agent_id, "score": -0.5, "note": "hm"}
    assert nodes.dora.post(MESH + "set_impression", body, nodes.dora.bearer).status == 200
    known = nodes.dora.call("trust.get", agent=agent.agent_id)
    assert (known["score"], known["note"], known["msgs_received"]) == (-0.5, "hm", 1)
    assert known["negative_since"] is not None
    wrong: list[Any] = ["nan", "inf", "-inf", "1.1", 2, -1.0001, None, True, [], "high", "1e999"]
    for score in wrong:
        answer = nodes.dora.post(MESH + "set_impression", {**body, "score": score}, nodes.dora.bearer)
        assert answer.status == 400 and answer.body["error"], (score, answer)
    for raw in (b'{"agent_id":"%s","score":NaN}', b'{"agent_id":"%s","score":1e999}'):
        refused(
            nodes.dora.post(MESH + "set_impression", raw % agent.agent_id.encode(), nodes.dora.bearer), 400, ""
        )
    with pytest.raises(Refused):
        nodes.dora.call("trust.set", agent=agent.agent_id, score=1.5)
    assert nodes.dora.call("trust.get", agent=agent.agent_id) == known


# B26: fields of the wrong type. 1.1.1 answers 500 to them.

WRONG: dict[str, list[tuple[str, Any]]] = {
    "message": [
        ("metadata", []),
        ("metadata", "text"),
        ("content", 5),
        ("content", None),
        ("content", ""),
        ("message_id", {}),
        ("message_id", "x" * 129),
        ("from_agent_id", 1),
        ("timestamp", 1.5),
        ("signature_hex", 5),
        ("in_reply_to", []),
    ],
    "connection_request": [
        ("from_agent_id", None),
        ("from_agent_url", 5),
        ("from_agent_url", "no url"),
        ("from_agent_url", "http://" + "x" * 2048),
        ("from_agent_bio", 5),
        ("capabilities", "all"),
        ("wallets", []),
        ("wallets", {"solana": 5}),
    ],
    "peer_update": [("new_url", None), ("agent_id", []), ("bio", 5), ("wallets", "x"), ("addresses", [1])],
    "mesh_route": [("payload", "x"), ("trust_chain", "x"), ("visited", 5), ("route_id", 5)],
}


@pytest.mark.parametrize(
    ("endpoint", "field", "value"),
    [(endpoint, *case) for endpoint, cases in WRONG.items() for case in cases],
    ids=lambda value: json.dumps(value)[:20] if not isinstance(value, str) else value[:20],
)
def test_b26_a_field_of_the_wrong_type_is_refused(nodes: Nodes, endpoint: str, field: str, value: Any) -> None:
    agent = Hostile()
    good = {
        "message": agent.message("fine"),
        "connection_request": agent.request(),
        "peer_update": agent.update("http://127.0.0.1:9"),
        "mesh_route": agent.envelope(nodes.dora.agent_id, agent.message("fine")),
    }[endpoint]
    before = nodes.dora.call("messages.list"), nodes.dora.call("peers.list")
    answer = nodes.dora.post(MESH + endpoint, {**good, field: value})
    assert answer.status == 400 and answer.body["error"] and answer.body["code"], answer
    assert (nodes.dora.call("messages.list"), nodes.dora.call("peers.list")) == before


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b"5", b"null", b'"x"', b"\xff\xfe", b'{"a":NaN}', b"[" * 100_000, b'{"a":1}x']
)
@pytest.mark.parametrize("endpoint", ["message", "connection_request", "status_broadcast", "mesh_route", "ping"])
def test_b26_a_body_that_is_no_object_is_refused(nodes: Nodes, endpoint: str, body: bytes) -> None:
    answer = nodes.dora.post(MESH + endpoint, body)
    assert answer.status == 400 and answer.body["error"], answer
    assert nodes.dora.get(MESH + "status").status == 200


def test_null_stands_for_an_absent_field_where_1_1_1_fails(nodes: Nodes) -> None:
    agent = Hostile()
    assert agent.connect(nodes.dora.port, from_agent_bio=None, wallets=None, created_at=None).status == 200
    message = agent.message("fine", metadata=None, in_reply_to=None, hops_remaining=None)
    assert nodes.dora.post(MESH + "message", message).status == 200
    heard = nodes.dora.heard(message_id=message["message_id"])
    assert (heard["metadata"], heard["in_reply_to"], heard["hops_remaining"]) == ({}, None, 10)
