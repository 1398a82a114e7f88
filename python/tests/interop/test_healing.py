"""Lost and found among originals: one that knows where a lost peer of ours is, and one that brings our request to another."""

from __future__ import annotations

import web
from lab import Lab
from peer111 import Peer111
from web import eventually


def learns(peer: Peer111, agent_id: str, base_url: str) -> None:
    """Waits until an original knows an agent at this address."""

    def is_known() -> bool:
        known = peer.connection(agent_id)
        return bool(known) and known["agent_url"].startswith(base_url)

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
