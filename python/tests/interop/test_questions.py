"""What a node of ours and the original tell each other when asked: who they are, whom they know, what they think."""

from __future__ import annotations

from typing import NamedTuple

import pytest
from hostile import Hostile
from lab import Lab
from ours import OurNode
from peer111 import WELL_KNOWN, Peer111
from web import eventually


class Nodes(NamedTuple):
    alice: Peer111
    bob: Peer111
    carol: OurNode


@pytest.fixture(scope="module")
def nodes(lab: Lab) -> Nodes:
    """Alice and Carol know everybody; Bob knows both."""
    alice, bob = lab.theirs("alice", "bob")
    carol = lab.ours("carol", ping_interval_secs=1)
    for peer in (alice, bob):
        assert carol.call("peers.connect", url=peer.base_url)["state"] == "connected"
    assert alice.request(bob.base_url)["status"] == "connected"
    return Nodes(alice, bob, carol)


def test_both_introduce_themselves_in_the_same_words(nodes: Nodes) -> None:
    ours, theirs = nodes.carol.get(WELL_KNOWN).body, nodes.alice.get(WELL_KNOWN).body
    # There is no `/mcp` here to name (S9).
    assert theirs.keys() - ours.keys() == {"mcp_url"}
    assert theirs["agents"][0].keys() - ours["agents"][0].keys() == set()
    for document, node in ((ours, nodes.carol), (theirs, nodes.alice)):
        assert document["darkmatter"] is True and document["protocol_version"] == "0.2"
        assert document["agent_id"] == document["public_key_hex"] == node.agent_id
        assert document["mesh_url"] == f"{node.base_url}/__darkmatter__"
        assert (document["status"], document["accepting_connections"]) == ("active", True)


def test_both_answer_for_their_status_in_the_same_words(nodes: Nodes) -> None:
    for prefix in ("/__darkmatter__/", "/__darkmatter__/{id}/"):
        ours = nodes.carol.get(prefix.format(id=nodes.carol.agent_id) + "status")
        theirs = nodes.alice.get(prefix.format(id=nodes.alice.agent_id) + "status")
        assert (ours.status, theirs.status) == (200, 200)
        assert ours.body.keys() == theirs.body.keys()
        assert (ours.body["display_name"], ours.body["num_connections"]) == ("carol", 2)


def test_a_scope_that_is_not_hosted_is_refused_alike(nodes: Nodes) -> None:
    other = Hostile().agent_id
    for node in (nodes.alice, nodes.carol):
        answer = node.get(f"/__darkmatter__/{other}/status")
        assert (answer.status, answer.body["error"]) == (503, "Agent not initialized")


def test_they_discover_us_on_this_machine(lab: Lab) -> None:
    dora = lab.ours("dora")
    [scout] = lab.theirs("scout", env={"DARKMATTER_DISCOVERY_PORTS": f"{dora.port}-{dora.port}"})
    found = scout.mcp("darkmatter_discover_local")
    peers = found["peers"] if isinstance(found["peers"], dict) else {p["agent_id"]: p for p in found["peers"]}
    assert peers[dora.agent_id]["url"] == dora.base_url
    assert (peers[dora.agent_id]["status"], peers[dora.agent_id]["accepting"]) == ("active", True)


def test_we_discover_them_on_this_machine(nodes: Nodes, lab: Lab) -> None:
    port = nodes.alice.port
    scout = lab.ours("our scout", network_tier="local", discovery="lan", discovery_ports=[port, port])
    found = {agent["agent_id"]: agent for agent in scout.call("discovery.scan")}
    assert found[nodes.alice.agent_id]["url"] == f"{nodes.alice.base_url}/__darkmatter__/{nodes.alice.agent_id}"
    assert found[nodes.alice.agent_id]["display_name"] == "alice"
    # What was found can be dialled.
    assert scout.call("peers.connect", url=found[nodes.alice.agent_id]["url"])["state"] == "connected"


def test_they_tell_us_whom_they_know(nodes: Nodes) -> None:
    hints = {hint["agent_id"]: hint for hint in nodes.carol.call("peers.of", agent=nodes.alice.agent_id)}
    assert (hints[nodes.bob.agent_id]["display_name"], hints[nodes.bob.agent_id]["connected"]) == ("bob", True)
    # We ask for others, so we are not among them.
    assert nodes.carol.agent_id not in hints


def test_we_tell_them_whom_we_know(nodes: Nodes) -> None:
    nodes.carol.call("trust.set", agent=nodes.bob.agent_id, score=0.9)
    told = nodes.alice.mcp("darkmatter_get_peers_from", input={"agent_id": nodes.carol.agent_id})
    assert (told["success"], told["source_agent_id"]) == (True, nodes.carol.agent_id)
    assert (told["source_display_name"], told["source_peer_count"]) == ("carol", 2)
    known = [peer["agent_id"] for peer in told["already_connected"]]
    assert nodes.bob.agent_id in known
    one = nodes.alice.mcp("darkmatter_get_peers_from", input={"agent_id": nodes.carol.agent_id, "n": 1})
    # The most trusted comes first.
    assert [peer["agent_id"] for peer in one["already_connected"]] == [nodes.bob.agent_id]


def test_what_they_think_of_a_newcomer_seeds_our_trust(nodes: Nodes, lab: Lab) -> None:
    newcomer = lab.ours("newcomer")
    opinion = {"agent_id": newcomer.agent_id, "score": 0.3, "note": "helped me"}
    assert nodes.alice.post("/__darkmatter__/set_impression", opinion).status == 200
    nodes.carol.call("trust.set", agent=nodes.alice.agent_id, score=0.8)
    nodes.carol.call("trust.forget", agent=nodes.bob.agent_id)
    newcomer.call("peers.connect", url=nodes.carol.base_url)
    # Alice answers at her scoped path only (B1), and weighs alone: the newcomer is not asked about itself (B27).
    seeded = eventually(
        lambda: nodes.carol.call("trust.get", agent=newcomer.agent_id), "an impression of the newcomer", nodes.carol
    )
    assert seeded["score"] == 0.3


def test_what_we_think_of_a_newcomer_seeds_their_trust(nodes: Nodes, lab: Lab) -> None:
    newcomer = lab.ours("their newcomer")
    nodes.carol.call("trust.set", agent=newcomer.agent_id, score=0.3)
    own = {"agent_id": nodes.carol.agent_id, "score": 0.8}
    assert nodes.alice.post("/__darkmatter__/set_impression", own).status == 200
    newcomer.call("peers.connect", url=nodes.alice.base_url)
    # They ask at the bare path, where we answer and they do not.
    assert nodes.alice.state()["impressions"][newcomer.agent_id]["score"] == 0.3


def test_they_say_what_they_think_when_they_are_asked(nodes: Nodes) -> None:
    other = "ab" * 32
    nothing = {"agent_id": other, "has_impression": False, "score": None, "note": "", "signed": False}
    assert nodes.carol.call("trust.ask", peer=nodes.alice.agent_id, about=other) == nothing
    opinion = {"agent_id": nodes.bob.agent_id, "score": -0.25, "note": "owes me"}
    assert nodes.alice.post("/__darkmatter__/set_impression", opinion).status == 200
    told = nodes.carol.call("trust.ask", peer=nodes.alice.agent_id, about=nodes.bob.agent_id)
    assert told == {**opinion, "has_impression": True, "signed": False}


def test_b1_every_form_of_a_path_with_an_argument_is_answered(nodes: Nodes) -> None:
    me, bob = nodes.carol.agent_id, nodes.bob.agent_id
    nodes.carol.call("trust.set", agent=bob, score=0.25, note="fine")
    # The last is what an original asks when it has a scoped URL of ours.
    for prefix in ("/__darkmatter__", f"/__darkmatter__/{me}", f"/__darkmatter__/{me}/__darkmatter__"):
        answer = nodes.carol.get(f"{prefix}/impression/{bob}")
        assert (answer.status, answer.body) == (
            200,
            {"agent_id": bob, "has_impression": True, "score": 0.25, "note": ""},
        )
        answer = nodes.carol.get(f"{prefix}/peer_lookup/{bob}")
        assert answer.status == 200
        assert (answer.body["url"], answer.body["status"]) == (nodes.bob.base_url, "connected")
        consumed = nodes.carol.post(f"{prefix}/inbox/consume", {"message_ids": ["msg-1"]}, nodes.carol.bearer)
        assert (consumed.status, consumed.body) == (200, {"consumed": 0, "messages": []})


def test_both_answer_a_lookup_at_the_scoped_path_in_the_same_words(nodes: Nodes) -> None:
    stranger = Hostile().agent_id
    for node in (nodes.alice, nodes.carol):
        prefix = f"/__darkmatter__/{node.agent_id}/peer_lookup/"
        found = node.get(prefix + nodes.bob.agent_id)
        assert (found.status, found.body["url"]) == (200, nodes.bob.base_url)
        assert found.body.keys() - {"location"} == {"agent_id", "url", "addresses", "status"}
        unknown = node.get(prefix + stranger)
        assert (unknown.status, unknown.body["error"]) == (404, "Not connected to that agent")


def test_we_pass_on_what_a_peer_signed_about_where_it_is(nodes: Nodes) -> None:
    peer = Hostile("http://127.0.0.1:19")
    assert peer.connect(nodes.carol.port).body["auto_accepted"] is True
    update = peer.update("http://127.0.0.1:29")
    assert nodes.carol.post("/__darkmatter__/peer_update", update).body["updated"] is True
    found = nodes.carol.get(f"/__darkmatter__/{nodes.carol.agent_id}/peer_lookup/{peer.agent_id}").body
    # Any agent can check the four: 1.1.1's signature covers the others.
    assert found["location"] == {name: update[name] for name in ("agent_id", "new_url", "timestamp", "signature")}
    nodes.carol.call("peers.disconnect", agent=peer.agent_id)


def test_our_new_name_and_bio_are_shown_by_them(nodes: Nodes) -> None:
    nodes.carol.call("node.update", display_name="Carol the second", bio="I count.")

    def shown() -> bool:
        known = nodes.alice.connection(nodes.carol.agent_id)
        return known is not None and (known["display_name"], known["bio"]) == ("Carol the second", "I count.")

    eventually(shown, "our new name over there", nodes.alice, nodes.carol)
    known = nodes.alice.connection(nodes.carol.agent_id)
    assert known is not None and known["agent_url"] == nodes.carol.base_url


def test_their_new_name_and_bio_are_shown_by_us(nodes: Nodes) -> None:
    changed = nodes.bob.mcp("darkmatter_update_bio", params={"bio": "I sing.", "display_name": "Bob the second"})
    assert changed["success"], changed

    def shown() -> bool:
        known = nodes.carol.peer(nodes.bob.agent_id)
        return known is not None and (known["display_name"], known["bio"]) == ("Bob the second", "I sing.")

    eventually(shown, "their new name here", nodes.carol, nodes.bob)
    # Their signature proves who they are, too.
    assert nodes.carol.call("peers.get", agent=nodes.bob.agent_id)["identity_verified"] is True


def test_each_side_pings_the_other_and_is_answered(nodes: Nodes) -> None:
    # We ping scoped paths, so these lines of their log are ours.
    ours = f'"POST /__darkmatter__/{nodes.alice.agent_id}/ping HTTP/1.1" 200'
    eventually(lambda: ours in nodes.alice.log_path.read_text(), "our ping in their log", nodes.alice)
    # They keep the address that the answers name.
    eventually(lambda: "Public IP detected: 127.0.0.1" in nodes.alice.log_path.read_text(), "our answer", nodes.alice)
    known = nodes.carol.call("peers.get", agent=nodes.alice.agent_id)
    assert known["unreachable"] is False

    answer = nodes.carol.post("/__darkmatter__/ping", {"agent_id": nodes.alice.agent_id, "timestamp": "whatever"})
    assert answer.status == 200
    assert (answer.body["your_ip"], answer.body["agent_id"]) == ("127.0.0.1", nodes.carol.agent_id)
    theirs = nodes.alice.post("/__darkmatter__/ping", {"agent_id": nodes.carol.agent_id, "timestamp": "whatever"})
    assert theirs.body.keys() == answer.body.keys()
