"""Messages between nodes of ours and originals: direct, in reply, to several, broadcast, forwarded."""

from __future__ import annotations

from typing import Any, NamedTuple

import pytest
from hostile import Hostile
from lab import Lab
from ours import OurNode, Refused
from peer111 import Peer111, PeerError
from web import eventually

LONGEST = 65_536
TEXTS = {
    "line feeds": "first\nsecond\n\nfourth\r\n\tend",
    "unicode": 'Grüße, 世界 🌍 \u202eabc\u202c e\u0301 "quoted" \\ \u2028 \x00 \x7f',
    "spaces": "  kept as it is  ",
    "longest": "x" * LONGEST,
    "longest of four bytes": "🌍" * LONGEST,
}
METADATA = {"type": "question", "nested": {"list": [1, 2.5, None, True], "text": "ä"}, "": "empty name"}


class Nodes(NamedTuple):
    alice: Peer111
    bob: Peer111
    carol: OurNode
    dora: OurNode


@pytest.fixture(scope="module")
def nodes(lab: Lab) -> Nodes:
    """Carol is connected with all others, and the originals with her."""
    alice, bob = lab.theirs("alice", "bob")
    carol, dora = lab.ours("carol"), lab.ours("dora")
    for other in (alice, bob, dora):
        assert carol.call("peers.connect", url=other.base_url)["state"] == "connected"
    return Nodes(alice, bob, carol, dora)


def test_our_message_arrives_whole(nodes: Nodes) -> None:
    receipt = nodes.carol.send(nodes.alice.agent_id, "what is new?", metadata=METADATA, in_reply_to="msg-1", hops=7)
    [heard] = nodes.alice.heard(receipt["message_id"])
    assert heard["content"] == "what is new?"
    assert heard["from_agent_id"] == nodes.carol.agent_id
    assert heard["metadata"] == {**METADATA, "in_reply_to": "msg-1"}
    assert (heard["hops_remaining"], heard["verified"]) == (7, True)
    [delivery] = receipt["deliveries"]
    assert (delivery["to"], delivery["state"], delivery["via"]) == (nodes.alice.agent_id, "accepted", "http")


def test_their_message_arrives_whole(nodes: Nodes) -> None:
    message_id = nodes.alice.send(
        nodes.carol.agent_id, "what is new?", metadata=METADATA, in_reply_to="msg-1", hops_remaining=7
    )
    heard = nodes.carol.heard(message_id=message_id)
    assert (heard["from"], heard["content"]) == (nodes.alice.agent_id, "what is new?")
    assert heard["metadata"] == {**METADATA, "in_reply_to": "msg-1"}
    assert (heard["in_reply_to"], heard["hops_remaining"]) == ("msg-1", 7)
    # The signature of 1.1.1 proves the sender and the text, not the metadata.
    assert (heard["kind"], heard["verification"]) == ("peer", "signed")


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_our_text_is_read_as_it_was_written(nodes: Nodes, text: str) -> None:
    receipt = nodes.carol.send(nodes.alice.agent_id, text)
    [heard] = nodes.alice.heard(receipt["message_id"])
    assert heard["content"] == text and heard["verified"] is True


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_their_text_is_read_as_it_was_written(nodes: Nodes, text: str) -> None:
    message_id = nodes.alice.send(nodes.carol.agent_id, text)
    heard = nodes.carol.heard(message_id=message_id)
    # Their tool strips the white space around a text before it signs it.
    assert (heard["content"], heard["verification"]) == (text.strip(), "signed")


def test_neither_side_sends_a_text_that_is_too_long(nodes: Nodes) -> None:
    with pytest.raises(Refused, match="65536"):
        nodes.carol.send(nodes.alice.agent_id, "x" * (LONGEST + 1))
    with pytest.raises(PeerError, match="refuses its arguments"):
        nodes.alice.send(nodes.carol.agent_id, "x" * (LONGEST + 1))


def test_a_question_of_ours_is_answered_by_them(nodes: Nodes) -> None:
    question = nodes.carol.send(nodes.alice.agent_id, "the price?")["message_id"]
    answer = nodes.alice.send(nodes.carol.agent_id, "42", in_reply_to=question)
    waited = nodes.carol.call("messages.next", in_reply_to=question, timeout_secs=10)
    assert (waited["message_id"], waited["content"]) == (answer, "42")
    nodes.carol.call("messages.acknowledge", sequence=waited["sequence"])


def test_a_question_of_theirs_is_answered_by_us(nodes: Nodes) -> None:
    question = nodes.alice.send(nodes.carol.agent_id, "the price?")
    answer = nodes.carol.send(nodes.alice.agent_id, "42", in_reply_to=question)
    waited = nodes.alice.mcp("darkmatter_wait_for_message", from_agents=[nodes.carol.agent_id], timeout_seconds=10)
    [heard] = [message for message in waited["messages"] if message["message_id"] == answer["message_id"]]
    assert (heard["content"], heard["metadata"]["in_reply_to"], heard["verified"]) == ("42", question, True)


def test_one_message_of_ours_goes_to_several_under_one_id(nodes: Nodes) -> None:
    to = [nodes.alice.agent_id, nodes.bob.agent_id, nodes.dora.agent_id]
    receipt = nodes.carol.call("messages.send", to=to, content="to all of you")
    assert [(d["to"], d["state"]) for d in receipt["deliveries"]] == [(agent, "accepted") for agent in to]
    for peer in (nodes.alice, nodes.bob):
        assert [m["content"] for m in peer.heard(receipt["message_id"])] == ["to all of you"]
    assert nodes.dora.heard(message_id=receipt["message_id"])["verification"] == "sealed"


def test_one_message_of_theirs_goes_to_several_under_one_id(nodes: Nodes) -> None:
    nodes.alice.request(nodes.dora.base_url)
    to = [nodes.carol.agent_id, nodes.dora.agent_id]
    sent = nodes.alice.mcp("darkmatter_send_message", params={"content": "to both", "target_agent_ids": to})
    assert sent["success"] and sorted(sent["routed_to"]) == sorted(to)
    for node in (nodes.carol, nodes.dora):
        assert node.heard(message_id=sent["message_id"])["content"] == "to both"


def test_our_broadcast_is_logged_by_them(nodes: Nodes) -> None:
    told = nodes.carol.call("messages.broadcast", content="I am here", metadata={"mood": "good"})
    assert {d["to"]: d["state"] for d in told["deliveries"]}[nodes.alice.agent_id] == "accepted"
    # They keep it in memory until the next message makes them write.
    nodes.carol.send(nodes.alice.agent_id, "now write")
    [entry] = nodes.alice.logged(told["message_id"])
    assert (entry["content"], entry["entry_type"], entry["direction"]) == ("I am here", "mesh_observation", "inbound")
    assert entry["from_agent_id"] == nodes.carol.agent_id and entry["metadata"]["mood"] == "good"
    assert nodes.alice.heard(told["message_id"]) == []


def test_their_broadcast_is_logged_by_us(nodes: Nodes) -> None:
    sent = nodes.alice.mcp("darkmatter_send_message", params={"content": "I am here", "broadcast": True})
    assert sent["success"] and nodes.carol.agent_id in sent["routed_to"]
    entries = eventually(lambda: logged(nodes.carol, sent["message_id"]), "their broadcast", nodes.carol)
    assert [(e["content"], e["entry_type"], e["direction"]) for e in entries] == [
        ("I am here", "mesh_observation", "inbound")
    ]
    assert entries[0]["from_agent_id"] == nodes.alice.agent_id
    assert nodes.carol.messages(message_id=sent["message_id"]) == []


def logged(node: OurNode, message_id: str) -> list[dict[str, Any]]:
    return [entry for entry in node.call("messages.log", limit=500) if entry["message_id"] == message_id]


def test_the_older_form_of_a_broadcast_is_logged_on_both_sides(nodes: Nodes) -> None:
    receipt = nodes.carol.send(nodes.alice.agent_id, "older form", metadata={"type": "broadcast"})
    assert nodes.alice.heard(receipt["message_id"]) == []
    message_id = nodes.alice.send(nodes.carol.agent_id, "older form", metadata={"type": "broadcast"})
    assert [entry["entry_type"] for entry in logged(nodes.carol, message_id)] == ["broadcast"]
    assert nodes.carol.messages(message_id=message_id) == []


def test_a_message_forwarded_by_their_tool_tells_where_it_comes_from(nodes: Nodes) -> None:
    original = nodes.carol.send(nodes.alice.agent_id, "pass this on", hops=3)["message_id"]
    nodes.alice.request(nodes.dora.base_url)
    forwarded = nodes.alice.send(nodes.dora.agent_id, "for you", forward_message_ids=[original])
    heard = nodes.dora.heard(message_id=forwarded)
    assert (heard["from"], heard["verification"]) == (nodes.alice.agent_id, "signed")
    assert heard["content"] == f"for you\n\n---\n[Forwarded from {nodes.carol.agent_id[:12]}]: pass this on"
    assert heard["hops_remaining"] == 2
    assert heard["metadata"]["forwarded"] is True
    assert heard["metadata"]["forwarded_by"] == nodes.alice.agent_id
    assert heard["metadata"]["forwarded_message_ids"] == [original]


def test_a_routing_rule_of_ours_forwards_to_them(lab: Lab, nodes: Nodes) -> None:
    # B18: their own rules forward without a signature, which nobody takes.
    rule = {"rule_id": "r1", "action": "forward", "keyword": "urgent", "forward_to": [nodes.bob.agent_id]}
    router = lab.ours("router", router_mode="rules_first", routing_rules=[rule])
    router.call("peers.connect", url=nodes.bob.base_url)
    nodes.alice.request(router.base_url)
    original = nodes.alice.send(router.agent_id, "URGENT: water", hops_remaining=4, metadata={"k": 1})
    kept = nodes.alice.send(router.agent_id, "no hurry")

    def forwarded() -> list[dict[str, Any]]:
        queue = nodes.bob.state()["message_queue"]
        return [m for m in queue if m["from_agent_id"] == router.agent_id and m["verified"]]

    heard = eventually(forwarded, "the forwarded message", nodes.bob)
    assert [(m["message_id"], m["content"]) for m in heard] == [(original, "URGENT: water")]
    metadata = heard[0]["metadata"]
    assert (metadata["forwarded"], metadata["forwarded_by"], metadata["k"]) == (True, router.agent_id, 1)
    assert metadata["forwarded_from"] == nodes.alice.agent_id
    assert metadata["forwarded_message_ids"] == [original]
    assert heard[0]["hops_remaining"] == 3
    assert [m["message_id"] for m in router.messages()] == [kept]


def test_a_repeated_message_is_refused_by_both(nodes: Nodes) -> None:
    payload = Hostile().message("once")
    for node in (nodes.alice, nodes.carol):
        first = node.post("/__darkmatter__/message", payload)
        assert (first.status, first.body["status"]) == (200, "received")
        again = node.post("/__darkmatter__/message", payload)
        assert (again.status, again.body["error"]) == (409, "Duplicate message — already received")
    assert len(nodes.alice.heard(payload["message_id"])) == 1
    assert len(nodes.carol.messages(message_id=payload["message_id"])) == 1


def test_a_word_goes_round_a_mixed_trio(nodes: Nodes) -> None:
    alice, bob, carol = nodes.alice, nodes.bob, nodes.carol
    assert alice.request(bob.base_url)["status"] == "connected"
    first = carol.send(alice.agent_id, "round")["message_id"]
    second = alice.send(bob.agent_id, "and round", in_reply_to=first)
    assert [m["metadata"]["in_reply_to"] for m in bob.heard(second)] == [first]
    third = bob.send(carol.agent_id, "and back", in_reply_to=second)
    heard = carol.heard(message_id=third)
    assert (heard["content"], heard["in_reply_to"], heard["from"]) == ("and back", second, bob.agent_id)
