"""Attacks on who is who and where: foreign names and keys, forged answers, stolen and repeated updates.

The numbers are those of the defects of 1.1.1 that the attacks use.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest
from hostile import MESH, Hostile, fresh_id, now, without
from lab import Lab
from ours import OurNode, Refused
from peer111 import WELL_KNOWN, Peer111
from web import Answer, Heard, Listener, eventually

WALLETS = {"solana": "Ma11oryMa11oryMa11oryMa11oryMa11oryMa11oryMa1"}


class Nodes(NamedTuple):
    alice: Peer111
    """Connected with Carol, and proven."""
    carol: OurNode
    mallory: Hostile


@pytest.fixture(scope="module")
def nodes(lab: Lab) -> Nodes:
    [alice] = lab.theirs("alice")
    carol = lab.ours("carol", auto_accept="none")
    carol.call("peers.connect", url=alice.base_url)
    carol.heard(message_id=alice.send(carol.agent_id, "it is me"))
    return Nodes(alice, carol, Hostile())


@pytest.fixture(autouse=True)
def alice_stays(nodes: Nodes) -> Iterator[None]:
    """Whatever is tried, Alice is who she was, where she was, and no stranger became a peer."""
    before = nodes.carol.call("peers.list")
    yield
    settled = ("agent_id", "url", "display_name", "bio", "identity_verified", "capabilities", "state")
    after = nodes.carol.call("peers.list")
    assert [{name: peer[name] for name in settled} for peer in after] == [
        {name: peer[name] for name in settled} for peer in before
    ]
    nodes.carol.send(nodes.alice.agent_id, "still you?")


@pytest.fixture(scope="module")
def dora(lab: Lab) -> OurNode:
    """Accepts who is near; the tests connect agents by hand with it."""
    return lab.ours("dora")


def connected(node: OurNode, url: str = "http://127.0.0.1:9") -> Hostile:
    """An agent that is connected and proven, as 1.1.1 does it."""
    agent = Hostile(url)
    assert agent.connect(node.port).body["auto_accepted"] is True
    assert node.post(MESH + "message", agent.message("it is me")).status == 200
    assert node.call("peers.get", agent=agent.agent_id)["identity_verified"] is True
    return agent


def refused(answer: Answer, status: int, error: str) -> None:
    assert answer.status == status, answer
    assert error in answer.body["error"], answer


# S4: the address of a peer.


def test_s4_a_repeated_request_moves_nobody(nodes: Nodes) -> None:
    stolen = nodes.mallory.request(
        from_agent_id=nodes.alice.agent_id,
        from_agent_public_key_hex=nodes.alice.agent_id,
        from_agent_url="http://127.0.0.1:9",
        from_agent_bio="I moved.",
        wallets=WALLETS,
        capabilities={"signature": 2, "seal": 1},
    )
    for _ in range(2):
        answer = nodes.carol.post(MESH + "connection_request", stolen)
        assert (answer.status, answer.body["message"]) == (200, "Already connected.")
    assert nodes.carol.rows("peers")[nodes.alice.agent_id]["wallets"] == {}


def test_s4_a_request_with_a_signature_that_proves_nothing_is_refused(nodes: Nodes) -> None:
    stolen = nodes.mallory.request_fully(nodes.carol.agent_id, from_agent_id=nodes.alice.agent_id)
    stolen["from_agent_public_key_hex"] = nodes.alice.agent_id
    refused(nodes.carol.post(MESH + "connection_request", stolen), 403, "Invalid signature")


def test_s4_a_signed_request_of_the_peer_itself_moves_it(dora: OurNode) -> None:
    agent = Hostile()
    assert dora.post(MESH + "connection_request", agent.request_fully(dora.agent_id)).body["auto_accepted"] is True
    agent.url = "http://127.0.0.1:10"
    moved = agent.request_fully(dora.agent_id)
    assert dora.post(MESH + "connection_request", moved).status == 200
    assert dora.call("peers.get", agent=agent.agent_id)["url"] == "http://127.0.0.1:10"


def test_s4_a_signed_request_for_somebody_else_is_refused(nodes: Nodes, dora: OurNode) -> None:
    collected = Hostile().request_fully(nodes.carol.agent_id)
    refused(dora.post(MESH + "connection_request", collected), 403, "signed for another agent")
    assert dora.peer(collected["from_agent_id"]) is None


def test_s4_whoever_is_dialled_does_not_inherit_a_proven_peer(nodes: Nodes) -> None:
    introduction = nodes.alice.get(WELL_KNOWN).body

    def pretend(heard: Heard) -> Answer:
        if heard.method == "GET":
            return Answer(200, introduction)
        claims = {"agent_id": nodes.alice.agent_id, "agent_public_key_hex": nodes.alice.agent_id}
        return Answer(200, nodes.mallory.acceptance(auto_accepted=True, **claims))

    with Listener(pretend) as impostor:
        asked = nodes.carol.call("peers.connect", url=impostor.base_url)
        assert asked["url"] == nodes.alice.base_url
        nodes.carol.send(nodes.alice.agent_id, "for alice alone")
        assert impostor.of("message") == []


# S5: an id without its key.


def spoilt_messages(victim: str) -> dict[str, dict[str, Any]]:
    mallory = Hostile()
    own = mallory.message("trust me")
    return {
        "a foreign id with an own key": mallory.message("trust me", from_agent_id=victim),
        "a foreign id and key": mallory.message("trust me", from_agent_id=victim, from_public_key_hex=victim),
        "a foreign id without a key": without(mallory.message("trust me", from_agent_id=victim), "from_public_key_hex"),
        "a foreign id unsigned": without(mallory.message("trust me", from_agent_id=victim), "signature_hex"),
        "an own id with a foreign key": {**own, "from_public_key_hex": victim},
        "an id in upper case": mallory.message("trust me", from_agent_id=mallory.agent_id.upper()),
        "a key in upper case": {**own, "from_public_key_hex": mallory.agent_id.upper()},
        "a name instead of an id": mallory.message("trust me", from_agent_id="alice"),
        "a changed text": {**own, "content": "trust her"},
        "a changed id": {**own, "message_id": fresh_id()},
        "a changed time": {**own, "timestamp": now()},
        "no signature": without(own, "signature_hex"),
        "no time": without(own, "timestamp"),
        "an old time": mallory.message("trust me", timestamp=now(-301)),
        "a time to come": mallory.message("trust me", timestamp=now(301)),
        "a time without zone": mallory.message("trust me", timestamp=now()[:26]),
        "a signature of zeros": {**own, "signature_hex": "00" * 64},
        "a signature that is none": {**own, "signature_hex": "yes"},
    }


KINDS = list(spoilt_messages("ab" * 32))


@pytest.mark.parametrize("kind", KINDS)
def test_s5_a_message_in_a_name_that_is_not_proven_is_refused(nodes: Nodes, kind: str) -> None:
    before = nodes.carol.call("messages.list")
    for victim in (nodes.alice.agent_id, Hostile().agent_id):
        message = spoilt_messages(victim)[kind]
        for path in ("message", f"{nodes.carol.agent_id}/message"):
            answer = nodes.carol.post(MESH + path, message)
            assert answer.status == 403 and answer.body["error"] and answer.body["code"], answer
    assert nodes.carol.call("messages.list") == before


@pytest.mark.parametrize("field", ["from_agent_public_key_hex", "from_agent_id"])
def test_s5_a_handshake_with_another_key_than_its_id_is_refused(nodes: Nodes, field: str) -> None:
    request = nodes.mallory.request(**{field: Hostile().agent_id})
    refused(nodes.carol.post(MESH + "connection_request", request), 403, "Public key must match agent_id")
    assert nodes.carol.call("peers.pending") == []


def test_s5_a_proof_of_another_key_is_refused(nodes: Nodes) -> None:
    pending = nodes.mallory.connect(nodes.carol.port).body
    other = Hostile()
    proof = nodes.mallory.proof(pending)
    for forged, status in (
        ({**other.proof(pending)}, 404),
        ({**proof, "public_key_hex": other.agent_id}, 400),
        ({**proof, "agent_id": other.agent_id}, 400),
        ({**other.proof(pending), "agent_id": nodes.mallory.agent_id, "public_key_hex": nodes.mallory.agent_id}, 403),
        ({**proof, "proof_hex": "00" * 64}, 403),
    ):
        answer = nodes.carol.post(MESH + "connection_proof", forged)
        assert answer.status == status and answer.body["error"], answer
    [waiting] = nodes.carol.call("peers.pending")
    assert (waiting["identity_verified"], waiting["challenge_answered"]) == (False, False)
    nodes.carol.call("peers.reject", request_id=waiting["request_id"])


# S6: forged answers to our own requests.


def test_s6_an_acceptance_that_we_did_not_ask_for_is_refused(nodes: Nodes) -> None:
    for acceptance in (
        nodes.mallory.acceptance(),
        nodes.mallory.acceptance(agent_url=nodes.alice.base_url + "/mcp"),
        nodes.mallory.acceptance(agent_id=nodes.alice.agent_id, agent_public_key_hex=nodes.alice.agent_id),
    ):
        answer = nodes.carol.post(MESH + "connection_accepted", acceptance)
        refused(answer, 403, "No pending outbound connection request for this agent.")


def test_s6_nobody_else_accepts_in_the_name_of_whom_we_asked(lab: Lab) -> None:
    node = lab.ours("asker")
    asked = Hostile()

    def pend(heard: Heard) -> Answer:
        if heard.endpoint == "connection_request":
            challenge = {"challenge_id": "ch-1", "challenge_hex": "ab" * 32}
            reply = {"auto_accepted": False, "request_id": "req-1", "agent_id": asked.agent_id, **challenge}
            return Answer(200, reply)
        return Answer(200 if heard.endpoint == "connection_proof" else 404, {"success": True})

    with Listener(pend) as listener:
        assert node.call("peers.connect", url=listener.base_url)["state"] == "pending"
        mallory = Hostile()
        other = mallory.acceptance(agent_url=listener.base_url + "/mcp")
        refused(node.post(MESH + "connection_accepted", other), 403, "No pending outbound connection request")
        stolen = mallory.acceptance(agent_id=asked.agent_id)
        refused(node.post(MESH + "connection_accepted", stolen), 403, "Public key must match agent_id")
        # What 1.1.1 sends is unsigned, so this must be taken; but it proves nothing, and leads where we asked.
        known = asked.acceptance(agent_url="http://127.0.0.1:9/mcp")
        assert node.post(MESH + "connection_accepted", known).status == 200
        peer = node.call("peers.get", agent=asked.agent_id)
        assert (peer["url"], peer["identity_verified"]) == (listener.base_url, False)
        assert node.peer(mallory.agent_id) is None


@pytest.mark.parametrize("reads_signatures", [True, False])
def test_s6_a_proof_is_given_to_those_alone_who_cannot_read_our_signature(dora: OurNode, reads_signatures: bool) -> None:
    asked = Hostile()
    abilities = {"signature": 2} if reads_signatures else {}

    def pend(heard: Heard) -> Answer:
        if heard.method == "GET":
            return Answer(200, {"darkmatter": True, "agent_id": asked.agent_id, "capabilities": abilities})
        challenge = {"challenge_id": "ch-1", "challenge_hex": "ab" * 32}
        reply = {"auto_accepted": False, "request_id": "req-1", "agent_id": asked.agent_id, **challenge}
        return Answer(200, reply if heard.endpoint == "connection_request" else {"success": True})

    with Listener(pend) as listener:
        assert dora.call("peers.connect", url=listener.base_url)["state"] == "pending"
        assert len(listener.of("connection_proof")) == (0 if reads_signatures else 1)


@pytest.mark.parametrize(
    "kind", ["another id", "another key", "wrong signature", "unsigned after all", "no answer at all"]
)
def test_s6_a_forged_reply_connects_nobody(nodes: Nodes, kind: str) -> None:
    mallory = Hostile()
    abilities = {"signature": 2} if kind == "unsigned after all" else {}
    introduction = {"darkmatter": True, "agent_id": mallory.agent_id, "capabilities": abilities}

    def reply(heard: Heard) -> Answer:
        if heard.method == "GET":
            return Answer(200, introduction)
        other = Hostile().agent_id
        reply = mallory.acceptance(auto_accepted=True)
        signed = {"timestamp": now(), "to_agent_id": nodes.carol.agent_id, "signature_v2": "00" * 64}
        replies: dict[str, dict[str, Any]] = {
            "another id": {**reply, "agent_id": other, "agent_public_key_hex": other},
            "another key": {**reply, "agent_public_key_hex": other},
            "wrong signature": {**reply, **signed},
            "unsigned after all": reply,
            "no answer at all": {"auto_accepted": True},
        }
        return Answer(200, replies[kind])

    with Listener(reply) as impostor, pytest.raises(Refused) as error:
        nodes.carol.call("peers.connect", url=impostor.base_url)
    assert error.value.code in ("peer_mismatch", "bad_answer")
    assert nodes.carol.peer(mallory.agent_id) is None


# S7: forged answers through the mesh.


def test_s7_a_routed_response_that_we_did_not_ask_for_is_refused(nodes: Nodes) -> None:
    for claimed in (nodes.mallory.agent_id, nodes.alice.agent_id):
        original = fresh_id("route-")
        me = nodes.carol.agent_id
        envelope = nodes.mallory.envelope(
            me,
            nodes.mallory.acceptance(auto_accepted=True, agent_id=claimed, agent_public_key_hex=claimed),
            route_type="connection_response",
            original_route_id=original,
            response_signature_hex=nodes.mallory.sign(
                "mesh_route_response", original, nodes.mallory.agent_id, me, claimed
            ),
        )
        refused(nodes.carol.post(MESH + "mesh_route", envelope), 403, "No routed request of this agent")


# S11: unsigned words.


def test_s11_a_broadcast_without_a_good_signature_is_not_logged(nodes: Nodes) -> None:
    before = nodes.carol.call("messages.log")
    alice = nodes.alice.agent_id
    forged = nodes.mallory.message("I am down", from_agent_id=alice, from_public_key_hex=alice)
    for payload, error in (
        (without(forged, "signature_hex"), "Signature required"),
        ({"from_agent_id": alice, "content": "I am down"}, "Signature required"),
        (forged, "Invalid signature"),
        ({**forged, "from_public_key_hex": nodes.mallory.agent_id}, "Public key mismatch"),
        (nodes.mallory.message("hello"), "Not connected"),
    ):
        for body in (payload, {"payload": payload}):
            refused(nodes.carol.post(MESH + "status_broadcast", body), 403, error)
    assert nodes.carol.call("messages.log") == before


def test_s11_a_forged_ping_changes_nothing(nodes: Nodes) -> None:
    before = nodes.carol.call("peers.get", agent=nodes.alice.agent_id)
    for headers in ({}, {"X-Forwarded-For": "8.8.8.8"}):
        answer = nodes.carol.post(MESH + "ping", {"agent_id": nodes.alice.agent_id, "timestamp": now()}, headers)
        assert (answer.status, answer.body["your_ip"]) == (200, "127.0.0.1")
    assert nodes.carol.call("peers.get", agent=nodes.alice.agent_id) == before


# S12: updates.


def test_s12_an_update_that_the_peer_did_not_sign_is_refused(nodes: Nodes) -> None:
    alice, url = nodes.alice.agent_id, "http://127.0.0.1:9"
    forged = nodes.mallory.update(url, agent_id=alice, public_key_hex=alice, bio="I moved.", wallets=WALLETS)
    for payload, status, error in (
        (forged, 403, "Invalid signature"),
        ({**forged, "public_key_hex": nodes.mallory.agent_id}, 403, "Public key mismatch"),
        (without(forged, "public_key_hex"), 403, "Invalid signature"),
        (without(forged, "signature"), 403, "Signature required"),
        (without(forged, "signature", "public_key_hex"), 403, "Signature required"),
        (without(forged, "signature", "timestamp"), 403, "Signature required"),
        ({"agent_id": alice, "new_url": url}, 403, "Signature required"),
        ({**forged, "timestamp": now(-301)}, 403, "Timestamp expired"),
        ({**forged, "new_url": ""}, 400, "Missing agent_id or new_url"),
        ({**forged, "new_url": "ftp://127.0.0.1"}, 400, "URL scheme must be http or https"),
        (nodes.mallory.update(url), 404, "Unknown agent"),
    ):
        refused(nodes.carol.post(MESH + "peer_update", payload), status, error)
    assert nodes.carol.rows("peers")[alice]["wallets"] == {}


def test_s12_an_update_of_1_1_1_sets_neither_wallets_nor_routes(dora: OurNode) -> None:
    agent = connected(dora)
    update = agent.update("http://127.0.0.1:10", wallets=WALLETS, addresses={"http": "http://127.0.0.1:11"}, bio="new")
    assert dora.post(MESH + "peer_update", update).body == {"success": True, "updated": True}
    row = dora.rows("peers")[agent.agent_id]
    assert (row["url"], row["bio"]) == ("http://127.0.0.1:10", "new")
    assert (row["wallets"], row["addresses"]) == ({}, {})
    # Others are told what was signed.
    told = dora.get(f"{MESH}peer_lookup/{agent.agent_id}").body
    assert (told["url"], told["addresses"]) == ("http://127.0.0.1:10", {"http": "http://127.0.0.1:10"})


def test_s12_a_handshake_of_1_1_1_sets_no_wallets(dora: OurNode) -> None:
    agent = Hostile()
    assert agent.connect(dora.port, wallets=WALLETS).body["auto_accepted"] is True
    assert dora.rows("peers")[agent.agent_id]["wallets"] == {}


def test_s12_an_update_counts_once_and_only_forward_in_time(dora: OurNode) -> None:
    agent = connected(dora)
    old = agent.update("http://127.0.0.1:10", timestamp=now(-10))
    new = agent.update("http://127.0.0.1:11", timestamp=now(-5))
    assert dora.post(MESH + "peer_update", old).body["updated"] is True
    assert dora.post(MESH + "peer_update", new).body["updated"] is True
    # The signature of 1.1.1 does not cover what is told along, so a copy can say anything; it comes too late.
    for replayed in (old, {**new, "bio": "hijacked", "display_name": "eve", "wallets": WALLETS}):
        assert dora.post(MESH + "peer_update", replayed).body == {"success": True, "updated": False}
    peer = dora.call("peers.get", agent=agent.agent_id)
    assert (peer["url"], peer["display_name"], peer["bio"]) == ("http://127.0.0.1:11", "mallory", "")
    assert dora.rows("peers")[agent.agent_id]["wallets"] == {}


def test_s12_an_agent_that_signs_everything_can_not_be_made_to_sign_less(dora: OurNode) -> None:
    agent = Hostile()
    assert dora.post(MESH + "connection_request", agent.request_fully(dora.agent_id)).body["auto_accepted"] is True
    update = agent.update("http://127.0.0.1:10", wallets=WALLETS)
    refused(dora.post(MESH + "peer_update", update), 403, "signature_v2")
    signed = agent.sign_object("peer_update", dora.agent_id, update)
    for changed in ({"wallets": {"solana": "x"}}, {"bio": "x"}, {"addresses": {"http": "http://127.0.0.1:11"}}):
        refused(dora.post(MESH + "peer_update", {**signed, **changed}), 403, "Invalid signature")
    assert dora.post(MESH + "peer_update", signed).body["updated"] is True
    assert dora.rows("peers")[agent.agent_id]["wallets"] == WALLETS


def test_b11_an_update_that_moves_a_peer_to_our_own_address_is_refused(dora: OurNode) -> None:
    # The retries of 1.1.1 announce the receiver's address as the sender's, signed.
    agent = connected(dora)
    for url in (dora.base_url, dora.base_url + "/", dora.base_url + "/mcp"):
        answer = dora.post(MESH + "peer_update", agent.update(url))
        assert answer.status == 400 and answer.body["error"], answer
    assert dora.call("peers.get", agent=agent.agent_id)["url"] == agent.url


def test_b11_our_updates_announce_our_own_address(lab: Lab) -> None:
    node = lab.ours("mover")
    with Listener(lambda heard: Answer(200, {"success": True})) as listener:
        agent = connected(node, listener.base_url)
        node.call("node.update", bio="I count.")
        [heard] = eventually(lambda: listener.of("peer_update"), "our update", node)
        assert (heard.body["agent_id"], heard.body["new_url"]) == (node.agent_id, node.base_url)
        assert heard.body["bio"] == "I count."
        assert heard.path == f"{MESH}{agent.agent_id}/peer_update"
