"""Connections between a node of ours and the original: asked by either, decided at once or later."""

from __future__ import annotations

from typing import Any, NamedTuple

import pytest
from lab import Lab
from ours import OurNode, Refused
from peer111 import Peer111
from web import eventually


class Nodes(NamedTuple):
    alice: Peer111
    """Accepts who is near."""
    bert: Peer111
    """Lets everybody wait."""
    carol: OurNode
    """Accepts who is near."""
    dora: OurNode
    """Lets everybody wait."""


@pytest.fixture(scope="module")
def nodes(lab: Lab) -> Nodes:
    [alice] = lab.theirs("alice")
    [bert] = lab.theirs("bert", auto_accept=False)
    return Nodes(alice, bert, lab.ours("carol"), lab.ours("dora", auto_accept="none"))


def hold_each_other(ours: OurNode, theirs: Peer111) -> None:
    known = ours.peer(theirs.agent_id)
    assert known is not None and known["state"] == "connected"
    assert (known["url"], known["display_name"]) == (theirs.base_url, theirs.home.name)
    # Their list follows their file, which is written a moment later.
    kept = eventually(lambda: theirs.connection(ours.agent_id), "us in their list", theirs)
    assert kept["agent_url"].removesuffix("/mcp") == ours.base_url
    assert kept["display_name"] == ours.home.name


def talk_both_ways(ours: OurNode, theirs: Peer111) -> None:
    receipt = ours.send(theirs.agent_id, "from ours")
    assert [message["verified"] for message in theirs.heard(receipt["message_id"])] == [True]
    message_id = theirs.send(ours.agent_id, "from theirs")
    assert ours.heard(message_id=message_id)["content"] == "from theirs"


def test_our_request_is_accepted_at_once(nodes: Nodes) -> None:
    alice, carol = nodes.alice, nodes.carol
    asked = carol.call("peers.connect", url=alice.base_url)
    assert (asked["agent_id"], asked["state"]) == (alice.agent_id, "connected")
    # The reply of the original is unsigned: who answered is certain only with its first signature.
    assert asked["identity_verified"] is False
    hold_each_other(carol, alice)
    talk_both_ways(carol, alice)
    assert carol.call("peers.get", agent=alice.agent_id)["identity_verified"] is True


def test_their_request_is_accepted_at_once(lab: Lab, nodes: Nodes) -> None:
    alice, erin = nodes.alice, lab.ours("erin")
    reply = alice.request(erin.base_url)
    assert (reply["success"], reply["status"], reply["agent_id"]) == (True, "connected", erin.agent_id), reply
    hold_each_other(erin, alice)
    talk_both_ways(erin, alice)


@pytest.mark.parametrize("form", ["{base}/", "{base}/mcp", "{base}/__darkmatter__", "{base}/__darkmatter__/{id}"])
def test_every_form_of_their_url_reaches_them(nodes: Nodes, form: str) -> None:
    alice, carol = nodes.alice, nodes.carol
    asked = carol.call("peers.connect", url=form.format(base=alice.base_url, id=alice.agent_id))
    assert (asked["agent_id"], asked["state"]) == (alice.agent_id, "connected")
    carol.send(alice.agent_id, f"by {form}")


@pytest.mark.parametrize("form", ["{base}/", "{base}/mcp", "{base}/__darkmatter__"])
def test_every_form_of_our_url_that_they_know_reaches_us(nodes: Nodes, form: str) -> None:
    alice, carol = nodes.alice, nodes.carol
    reply = alice.request(form.format(base=carol.base_url))
    assert (reply["success"], reply["agent_id"]) == (True, carol.agent_id), reply
    alice.send(carol.agent_id, f"by {form}")


def test_another_agent_than_expected_is_not_connected(nodes: Nodes) -> None:
    with pytest.raises(Refused, match="PeerMismatch|peer_mismatch"):
        nodes.dora.call("peers.connect", url=nodes.alice.base_url, expect=nodes.bert.agent_id)
    assert nodes.dora.peer(nodes.alice.agent_id) is None
    assert nodes.alice.connection(nodes.dora.agent_id) is None


def test_our_request_waits_for_their_decision_and_takes_their_acceptance(nodes: Nodes) -> None:
    bert, carol = nodes.bert, nodes.carol
    asked = carol.call("peers.connect", url=bert.base_url)
    assert (asked["agent_id"], asked["state"]) == (bert.agent_id, "pending")
    [waiting] = bert.get("/__darkmatter__/pending_requests").body["requests"]
    assert (waiting["from_agent_id"], waiting["from_agent_url"]) == (carol.agent_id, carol.base_url)
    early = carol.call("messages.send", to=bert.agent_id, content="while you decide", timeout_secs=0.2)
    assert early["state"] == "stored"

    accepted = bert.post("/__darkmatter__/accept_pending", {"request_id": waiting["request_id"]})
    assert accepted.status == 200, accepted
    eventually(lambda: carol.connected(bert.agent_id), "their acceptance", carol, bert)
    hold_each_other(carol, bert)
    # Our proof answered their challenge.
    assert bert.state()["connections"][carol.agent_id]["identity_verified"] is True
    eventually(lambda: bert.heard(early["message_id"]), "what waited for the decision", carol, bert)
    talk_both_ways(carol, bert)


def test_their_request_waits_for_our_decision_and_takes_our_acceptance(nodes: Nodes) -> None:
    bert, dora = nodes.bert, nodes.dora
    reply = bert.request(dora.base_url)
    assert (reply["success"], reply["status"]) == (True, "pending"), reply
    waiting = eventually(lambda: answered_requests(dora), "their proof", dora, bert)
    assert [(request["agent_id"], request["identity_verified"]) for request in waiting] == [(bert.agent_id, False)]
    assert waiting[0]["request_id"] == reply["request_id"]
    assert not dora.connected(bert.agent_id)

    accepted = dora.call("peers.accept", request_id=reply["request_id"])
    # Somebody else could have fetched their proof: it is they for certain with their first signature.
    assert (accepted["agent_id"], accepted["identity_verified"]) == (bert.agent_id, False)
    eventually(lambda: bert.connection(dora.agent_id), "our acceptance at their daemon", bert, dora)
    hold_each_other(dora, bert)
    talk_both_ways(dora, bert)
    assert dora.call("peers.get", agent=bert.agent_id)["identity_verified"] is True


def answered_requests(node: OurNode) -> list[dict[str, Any]]:
    return [request for request in node.call("peers.pending") if request["challenge_answered"]]


def test_a_rejected_request_leaves_no_connection_and_may_be_repeated(nodes: Nodes) -> None:
    alice, dora = nodes.alice, nodes.dora
    first = alice.request(dora.base_url)
    dora.call("peers.reject", request_id=first["request_id"])
    assert dora.call("peers.pending") == []
    assert dora.peer(alice.agent_id) is None and alice.connection(dora.agent_id) is None

    again = alice.request(dora.base_url)
    assert again["status"] == "pending" and again["request_id"] != first["request_id"]
    dora.call("peers.reject", request_id=again["request_id"])


def test_asking_again_heals_a_connection_that_only_they_hold(nodes: Nodes) -> None:
    alice, carol = nodes.alice, nodes.carol
    carol.call("peers.connect", url=alice.base_url)
    carol.call("peers.disconnect", agent=alice.agent_id, reason="a pause")
    # The original takes our notice as a verified message, and keeps its half all the same.
    notice = eventually(
        lambda: [m for m in alice.state()["message_queue"] if m["message_id"].startswith("disconnect-")],
        "our notice",
        alice,
    )
    assert notice[-1]["verified"] is True and "a pause" in notice[-1]["content"]
    assert notice[-1]["metadata"]["type"] == "trust_disconnect_notice"
    assert carol.peer(alice.agent_id) is None
    eventually(lambda: alice.connection(carol.agent_id), "us in their list", alice)

    assert carol.call("peers.connect", url=alice.base_url)["state"] == "connected"
    talk_both_ways(carol, alice)


def test_asking_again_heals_a_connection_that_only_we_hold(nodes: Nodes) -> None:
    alice, carol = nodes.alice, nodes.carol
    carol.call("peers.connect", url=alice.base_url)
    gone = alice.mcp("darkmatter_connection", params={"action": "disconnect", "agent_id": carol.agent_id})
    assert gone["success"], gone
    # Its notice is unsigned. Anybody could have written that, so nothing changes here.
    assert alice.connection(carol.agent_id) is None and carol.connected(alice.agent_id)

    reply = alice.request(carol.base_url)
    assert (reply["success"], reply["status"]) == (True, "connected"), reply
    talk_both_ways(carol, alice)
    assert [m for m in carol.messages() if m["metadata"].get("type") == "trust_disconnect_notice"] == []
