"""Envelopes through the mesh: a real original in the middle, and a node of ours in the middle between originals."""

from __future__ import annotations

from typing import Any, NamedTuple

import pytest
import web
from hostile import MESH, Hostile, fresh_id, without
from lab import Lab
from ours import OurNode
from peer111 import Peer111
from web import Answer, Listener, eventually


FAR = "http://93.184.216.34:8100"


class Nodes(NamedTuple):
    alice: Peer111
    bob: Peer111
    carol: OurNode
    mallory: Hostile


@pytest.fixture(scope="module")
def nodes(lab: Lab) -> Nodes:
    """Carol stands in the middle: Alice and Bob know her, and not each other."""
    alice, bob = lab.theirs("alice", "bob")
    carol = lab.ours("carol")
    for peer in (alice, bob):
        assert carol.call("peers.connect", url=peer.base_url)["state"] == "connected"
    return Nodes(alice, bob, carol, Hostile())


def route(node: Peer111 | OurNode, envelope: dict[str, Any]) -> Answer:
    return node.post(MESH + "mesh_route", envelope)


def test_an_original_in_the_middle_brings_us_a_message(nodes: Nodes) -> None:
    payload = nodes.mallory.message("through alice")
    answer = route(nodes.alice, nodes.mallory.envelope(nodes.carol.agent_id, payload))
    assert (answer.status, answer.body["status"]) == (200, "delivered"), answer
    heard = nodes.carol.heard(message_id=payload["message_id"])
    assert (heard["from"], heard["kind"]) == (nodes.mallory.agent_id, "stranger")


def test_we_in_the_middle_bring_an_original_a_message(nodes: Nodes) -> None:
    payload = nodes.mallory.message("through carol")
    answer = route(nodes.carol, nodes.mallory.envelope(nodes.bob.agent_id, payload))
    assert (answer.status, answer.body["status"]) == (200, "delivered"), answer
    [heard] = nodes.bob.heard(payload["message_id"])
    assert (heard["content"], heard["verified"]) == ("through carol", True)
    assert answer.body["delivery"]["status"] == "received"


def test_an_envelope_for_us_is_opened_and_answered(nodes: Nodes) -> None:
    source = Hostile()
    envelope = source.envelope(nodes.carol.agent_id, source.message("inside"))
    answer = route(nodes.carol, envelope)
    assert (answer.body["status"], answer.body["delivery"]["status"]) == ("delivered", "received")
    nodes.carol.heard(message_id=envelope["payload"]["message_id"])
    again = route(nodes.carol, envelope)
    assert again.body == {"status": "duplicate", "route_id": envelope["route_id"]}


def test_b12_a_relay_tells_that_the_target_refused(nodes: Nodes) -> None:
    source = Hostile()
    payload = {**source.message("spoilt"), "signature_hex": "00" * 64}
    for target in (nodes.carol, nodes.bob):
        envelope = source.envelope(target.agent_id, payload)
        answer = route(nodes.carol, envelope)
        assert (answer.status, answer.body["status"]) == (200, "refused"), answer
        assert "Invalid signature" in answer.body["delivery"]["error"]
    assert nodes.carol.messages(message_id=payload["message_id"]) == []
    assert nodes.bob.heard(payload["message_id"]) == []


def test_b12_a_broadcast_in_an_envelope_is_a_broadcast_at_its_target(nodes: Nodes) -> None:
    # 1.1.1 opens it as a message, whatever path it was meant for.
    source = Hostile()
    assert source.connect(nodes.carol.port).body["auto_accepted"] is True
    payload = source.message("a status", metadata={"type": "status_broadcast"})
    answer = route(
        nodes.carol, source.envelope(nodes.carol.agent_id, payload, original_path=MESH + "status_broadcast")
    )
    assert (answer.body["status"], answer.body["delivery"]) == ("delivered", {"logged": True, "status": "received"})
    assert nodes.carol.messages(message_id=payload["message_id"]) == []
    nodes.carol.call("peers.disconnect", agent=source.agent_id)


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"hops_remaining": 0, "target_agent_id": "ab" * 32}, "ttl_expired"),
        ({"trust_chain": [{"agent_id": "cd" * 32, "trust_to_next": 0.001}]}, "insufficient_trust"),
        ({"trust_chain": [{"agent_id": "cd" * 32, "trust_to_next": -1}]}, "insufficient_trust"),
    ],
    ids=["no hops", "hardly any trust", "distrust"],
)
def test_both_answer_an_envelope_with_the_same_word(nodes: Nodes, change: dict[str, Any], status: str) -> None:
    for node in (nodes.alice, nodes.carol):
        source = Hostile()
        envelope = {**source.envelope(node.agent_id, source.message("not this way")), **change}
        answer = route(node, envelope)
        assert (answer.status, answer.body["status"], answer.body["route_id"]) == (200, status, envelope["route_id"])


def test_both_know_their_own_envelopes_and_dead_ends(nodes: Nodes) -> None:
    for node, others in ((nodes.alice, [nodes.carol]), (nodes.carol, [nodes.alice, nodes.bob])):
        source = Hostile()
        own = {**source.envelope("ab" * 32, {}), "source_agent_id": node.agent_id}
        assert route(node, own).body["status"] == "origin"
        visited = [source.agent_id, *(other.agent_id for other in others)]
        assert route(node, source.envelope("ab" * 32, {}, visited=visited)).body["status"] == "dead_end"


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"route_id": ""}, "Missing required mesh_route fields"),
        ({"target_agent_id": None}, "Missing required mesh_route fields"),
        ({"route_type": "anything"}, "Unknown route_type: anything"),
    ],
    ids=["no id", "no target", "unknown type"],
)
def test_both_refuse_a_spoilt_envelope_with_the_same_sentence(
    nodes: Nodes, change: dict[str, Any], error: str
) -> None:
    for node in (nodes.alice, nodes.carol):
        source = Hostile()
        answer = route(node, {**source.envelope(node.agent_id, {}), **change})
        assert (answer.status, answer.body["error"]) == (400, error)


def test_a_source_has_five_envelopes_a_minute_on_both(nodes: Nodes) -> None:
    for node in (nodes.alice, nodes.carol):
        source = Hostile()
        words = [
            route(node, source.envelope(node.agent_id, source.message(str(n)))).body["status"] for n in range(6)
        ]
        assert words == ["delivered"] * 5 + ["rate_limited"]


def misdirect(node: Peer111, other: Peer111 | OurNode) -> None:
    """Makes an original believe that another node is where nobody is."""
    node.stop()
    nowhere = f"http://127.0.0.1:{web.free_port()}"
    node.edit_state(lambda state: state["connections"][other.agent_id].update(agent_url=nowhere))
    node.start()


def test_an_original_that_cannot_reach_another_sends_through_us(nodes: Nodes) -> None:
    alice, bob, carol = nodes.alice, nodes.bob, nodes.carol
    # They know each other, then Bob's address in Alice's state leads nowhere.
    assert alice.request(bob.base_url)["status"] == "connected"
    misdirect(alice, bob)
    assert carol.connected(alice.agent_id)

    sent = alice.mcp("darkmatter_send_message", params={"content": "around", "target_agent_id": bob.agent_id})
    assert sent["success"] and sent["routed_to"] == [bob.agent_id], sent
    [heard] = bob.heard(sent["message_id"])
    assert (heard["content"], heard["from_agent_id"], heard["verified"]) == ("around", alice.agent_id, True)


def test_an_original_that_cannot_reach_us_sends_through_another(nodes: Nodes) -> None:
    alice, bob, carol = nodes.alice, nodes.bob, nodes.carol
    assert alice.request(bob.base_url)["status"] == "connected"
    misdirect(alice, carol)

    def sent() -> str | None:
        told = alice.mcp("darkmatter_send_message", params={"content": "around", "target_agent_id": carol.agent_id})
        return told["message_id"] if told["success"] else None

    # An original takes five envelopes a minute from a source, and Alice's announcements to Carol go this way too.
    heard = carol.heard(message_id=eventually(sent, "bob passes it on", alice, bob))
    assert (heard["from"], heard["kind"], heard["verification"]) == (alice.agent_id, "peer", "signed")
    assert '"POST /__darkmatter__/mesh_route HTTP/1.1" 200' in bob.log_path.read_text()


def test_two_originals_connect_through_us(lab: Lab) -> None:
    alice, bob = lab.theirs("distant alice", "distant bob")
    carol = lab.ours("middle")
    for peer in (alice, bob):
        carol.call("peers.connect", url=peer.base_url)
    asked = alice.mcp("darkmatter_connection", params={"action": "request", "agent_id": bob.agent_id})
    assert (asked["success"], asked["status"], asked["first_hop"]) == (True, "mesh_routed", carol.agent_id), asked
    eventually(lambda: bob.connection(alice.agent_id), "the request at its target", bob, carol)
    eventually(lambda: alice.connection(bob.agent_id), "the answer at the requester", alice, carol)
    message_id = alice.send(bob.agent_id, "now directly")
    assert len(bob.heard(message_id)) == 1


def test_an_answer_for_a_peer_of_ours_goes_to_it_and_not_to_the_most_trusted(lab: Lab, nodes: Nodes) -> None:
    favourite = lab.ours("favourite")
    nodes.carol.call("peers.connect", url=favourite.base_url)
    nodes.carol.call("trust.set", agent=favourite.agent_id, score=0.9)
    source = Hostile()
    answer = route(nodes.carol, response(source, nodes.bob.agent_id))
    assert (answer.status, answer.body["status"], answer.body["via"]) == (200, "forwarded", nodes.bob.agent_id[:12])
    # The original does not check that it asked (S7), so it shows what arrived.
    eventually(lambda: nodes.bob.connection(source.agent_id), "the answer at the requester", nodes.bob)
    nodes.carol.call("peers.disconnect", agent=favourite.agent_id)


def response(source: Hostile, target: str, **payload: Any) -> dict[str, Any]:
    """The signed answer of `source` to a routed request of `target`."""
    original = fresh_id("route-")
    return {
        "route_id": f"{original}-resp",
        "route_type": "connection_response",
        "target_agent_id": target,
        "source_agent_id": source.agent_id,
        "hops_remaining": 10,
        "visited": [source.agent_id],
        "trust_chain": [],
        "payload": source.acceptance(auto_accepted=True, **payload),
        "original_route_id": original,
        "response_signature_hex": source.sign(
            "mesh_route_response", original, source.agent_id, target, source.agent_id
        ),
    }


def test_a_request_through_an_original_waits_for_our_decision(lab: Lab, nodes: Nodes) -> None:
    # It does not come from where it says, so nothing near is accepted at once (S17).
    dora = lab.ours("dora")
    [erin] = lab.theirs("erin")
    assert nodes.bob.request(dora.base_url)["status"] == "connected"
    assert erin.request(nodes.bob.base_url)["status"] == "connected"
    asked = erin.mcp("darkmatter_connection", params={"action": "request", "agent_id": dora.agent_id})
    assert asked["status"] == "mesh_routed", asked
    [waiting] = eventually(lambda: dora.call("peers.pending"), "the request", dora, erin, nodes.bob)
    assert (waiting["agent_id"], waiting["identity_verified"]) == (erin.agent_id, False)
    assert dora.peer(erin.agent_id) is None

    # The requester does not know what it asked (B16): it takes us when it asks again, directly.
    dora.call("peers.accept", request_id=waiting["request_id"])
    assert erin.request(dora.base_url)["status"] == "connected"
    erin.send(dora.agent_id, "at last")


def test_an_open_door_is_open_through_an_original_and_they_take_our_signed_answer(lab: Lab, nodes: Nodes) -> None:
    entry = lab.ours("entry", auto_accept="all")
    # Somewhere far: nobody who comes through the mesh is believed to be near.
    [frank] = lab.theirs("frank", env={"DARKMATTER_PUBLIC_URL": FAR})
    assert nodes.bob.request(entry.base_url)["status"] == "connected"
    assert nodes.bob.request(frank.base_url)["status"] == "connected"
    asked = frank.mcp("darkmatter_connection", params={"action": "request", "agent_id": entry.agent_id})
    assert asked["status"] == "mesh_routed", asked
    eventually(lambda: entry.connected(frank.agent_id), "the request", entry, frank, nodes.bob)
    # It cannot be reached there, so the answer goes back the way the request came.
    eventually(lambda: frank.connection(entry.agent_id), "our answer at the requester", entry, frank, nodes.bob)
    entry.heard(message_id=frank.send(entry.agent_id, "at last"))


@pytest.mark.parametrize("order", [1, -1], ids=["the carrier last", "the carrier first"])
def test_an_answer_finds_its_way_back_whatever_the_order_of_the_visited(lab: Lab, order: int) -> None:
    # 1.1.1 passes its list through a set, so the last of it need not be the last hop.
    entry = lab.ours(f"entry {order}", auto_accept="all")
    with Listener(lambda heard: Answer(200, {"status": "forwarded"})) as carrier:
        known = Hostile(carrier.base_url)
        assert known.connect(entry.port).body["auto_accepted"] is True
        source = Hostile(FAR)
        visited = [source.agent_id, known.agent_id][::order]
        through = {"route_type": "connection_request", "visited": visited}
        asked = route(entry, source.envelope(entry.agent_id, source.request(), **through))
        assert asked.body["status"] == "delivered", asked
        [answer] = eventually(lambda: carrier.of("mesh_route"), "the answer at the carrier", entry)
        assert answer.body["target_agent_id"] == source.agent_id


def test_s10_what_comes_in_an_envelope_gains_nothing_from_the_address_of_its_carrier(lab: Lab) -> None:
    node, source = lab.ours("open door", auto_accept="all"), Hostile()
    through = {"route_type": "connection_request"}
    answer = route(node, source.envelope(node.agent_id, source.request(), **through))
    assert (answer.body["status"], answer.body["delivery"]["auto_accepted"]) == ("delivered", False)
    assert source.connect(node.port).body["auto_accepted"] is True

    update = source.update("http://127.0.0.1:10")
    path = MESH + "peer_update"
    refused = route(node, source.envelope(node.agent_id, update, original_path=path))
    assert (refused.body["status"], refused.body["delivery"]["code"]) == ("refused", "url_invalid")
    # Where it is already, and then by its own word.
    same = source.update(source.url, display_name="still here")
    told = route(node, source.envelope(node.agent_id, same, original_path=path))
    assert told.body["delivery"] == {"success": True, "updated": True}
    assert node.post(path, source.update("http://127.0.0.1:10")).body["updated"] is True


def test_an_answer_without_a_good_signature_goes_no_further(nodes: Nodes) -> None:
    source = Hostile()
    signed = response(source, nodes.bob.agent_id)
    missing = route(nodes.carol, without(signed, "response_signature_hex"))
    assert (missing.status, missing.body["error"]) == (403, "Missing response signature")
    wrong = route(nodes.carol, {**signed, "route_id": fresh_id("route-"), "response_signature_hex": "00" * 64})
    assert (wrong.status, wrong.body["error"]) == (403, "Invalid response signature")
    assert nodes.bob.connection(source.agent_id) is None
