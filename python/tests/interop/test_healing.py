"""Lost and found among originals: what they say of a lost peer, how one proves itself, and one in the middle."""

from __future__ import annotations

import web
from hostile import Hostile
from lab import Lab
from peer111 import Peer111
from web import Answer, Heard, Listener, eventually


def learns(peer: Peer111, agent_id: str, base_url: str) -> None:
    """Waits until an original knows an agent at this address."""

    def is_known() -> bool:
        known = peer.connection(agent_id)
        return known is not None and known["agent_url"].startswith(base_url)

    eventually(is_known, f"{base_url} at {peer.home.name}", peer)


def test_two_of_ours_that_moved_at_once_find_each_other_by_what_an_original_says(own_lab: Lab) -> None:
    [alice] = own_lab.theirs("alice")
    carol, dave = (own_lab.ours(name, ping_interval_secs=1) for name in ("carol", "dave"))
    for node in (carol, dave):
        assert node.call("peers.connect", url=alice.base_url)["state"] == "connected"
    assert carol.call("peers.connect", url=dave.base_url)["state"] == "connected"

    for node in (carol, dave):
        node.stop()
    # While one is off the other moves: neither can tell the other.
    dave.start(web.free_port())
    learns(alice, dave.agent_id, dave.base_url)
    dave.stop()
    carol.start(web.free_port())
    learns(alice, carol.agent_id, carol.base_url)
    dave.start(dave.port)

    for one, other in ((carol, dave), (dave, carol)):

        def is_found(one=one, other=other) -> bool:  # type: ignore[no-untyped-def]
            known = one.peer(other.agent_id)
            return bool(known) and known["url"] == other.base_url and known["health"] == "healthy"

        eventually(is_found, f"{other.home.name} at {one.home.name}", carol, dave, alice)
    # Alice signs nothing of what she says, so whoever was found has proven itself.
    lookups = [line for line in alice.log_path.read_text().splitlines() if "/peer_lookup/" in line]
    assert any(line.rstrip().endswith("200") or " 200 " in line for line in lookups), lookups
    message = carol.send(dave.agent_id, "found you")["message_id"]
    assert dave.heard(message_id=message)["content"] == "found you"


def test_an_original_that_moved_is_where_it_signs_an_answer_and_not_where_others_say(own_lab: Lab) -> None:
    [bob] = own_lab.theirs("bob")
    carol = own_lab.ours("carol", ping_interval_secs=1)
    assert carol.call("peers.connect", url=bob.base_url)["state"] == "connected"
    told = {"agent_id": bob.agent_id, "url": "", "status": "connected"}

    def witness(heard: Heard) -> Answer:
        return Answer(200, told if "/peer_lookup/" in heard.path else {"agent_id": mallory.agent_id})

    def impostor(heard: Heard) -> Answer:
        answers = {"status": "delivered", "agent_id": bob.agent_id, "auto_accepted": True, "agent_url": lie.base_url}
        return Answer(200, answers)

    with Listener(witness) as listener, Listener(impostor) as lie:
        mallory = Hostile(listener.base_url)
        assert mallory.connect(carol.port).body["auto_accepted"] is True
        carol.stop()
        bob.stop()
        bob.port = web.free_port()
        bob.start()
        told["url"] = lie.base_url
        # Elsewhere, so that Bob's announcements do not reach it.
        carol.start(web.free_port())
        eventually(lambda: lie.of("mesh_route"), "the place is tried", carol)
        eventually(lambda: len(listener.of(bob.agent_id)) > 1, "it is still looked for", carol)
        known = carol.peer(bob.agent_id)
        assert known is not None and not known["url"].startswith(lie.base_url)
        assert {heard.endpoint for heard in lie.heard} == {"mesh_route"}

        told["url"] = bob.base_url

        def is_found() -> bool:
            known = carol.peer(bob.agent_id)
            return known is not None and known["url"].startswith(bob.base_url) and known["health"] == "healthy"

        eventually(is_found, "bob at carol", carol, bob)
    learns(bob, carol.agent_id, carol.base_url)
    message = carol.send(bob.agent_id, "found you")["message_id"]
    assert len(bob.heard(message)) == 1


def test_an_original_brings_our_request_to_another_and_its_signed_answer_back(own_lab: Lab) -> None:
    alice, bob = own_lab.theirs("alice", "bob")
    carol = own_lab.ours("carol")
    assert alice.request(bob.base_url)["status"] == "connected"
    assert carol.call("peers.connect", url=alice.base_url)["state"] == "connected"
    [hint] = [hint for hint in carol.call("peers.of", agent=alice.agent_id) if hint["agent_id"] == bob.agent_id]
    assert not hint["connected"]

    peer = carol.call("peers.connect", url=bob.agent_id)
    assert (peer["agent_id"], peer["state"]) == (bob.agent_id, "connected")
    # It signed that it answers us, and not where it is: that counts from its first signed frame on.
    assert peer["url"].startswith(bob.base_url)
    message = carol.send(bob.agent_id, "now directly")["message_id"]
    assert len(bob.heard(message)) == 1
