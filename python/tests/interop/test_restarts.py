"""Nodes that go away, come back or move, and the messages that wait for them meanwhile."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import pytest
import web
from lab import Lab
from ours import OurNode
from peer111 import Peer111
from web import eventually


class Pair(NamedTuple):
    alice: Peer111
    carol: OurNode


@pytest.fixture(scope="module")
def pair(lab: Lab) -> Pair:
    [alice] = lab.theirs("alice")
    # Often enough that a wait here is short; what is delivered when is decided by signs of life, not by this.
    return Pair(alice, lab.ours("carol", ping_interval_secs=1))


@pytest.fixture(autouse=True)
def connected(pair: Pair) -> Iterator[None]:
    """Both run and hold each other before each test."""
    if not pair.alice.running:
        pair.alice.start()
    assert pair.carol.call("peers.connect", url=pair.alice.base_url)["state"] == "connected"
    # Their state file, not only their memory, knows us: it is what they start from.
    eventually(lambda: pair.carol.agent_id in pair.alice.state()["connections"], "us in their state", pair.alice)
    yield


def moved(alice: Peer111) -> None:
    """The same agent at another port."""
    alice.stop()
    alice.port = web.free_port()
    alice.start()


def test_a_message_to_an_original_that_is_down_is_delivered_once_after_it_returns(pair: Pair) -> None:
    alice, carol = pair
    alice.stop()
    receipt = carol.call("messages.send", to=alice.agent_id, content="when you are back", timeout_secs=5)
    assert receipt["state"] == "stored", receipt
    [waiting] = carol.call("messages.outbox")
    assert (waiting["message_id"], waiting["to"]) == (receipt["message_id"], alice.agent_id)

    alice.start()
    eventually(lambda: not carol.call("messages.outbox"), "an empty outbox", carol, alice)
    assert [m["content"] for m in alice.heard(receipt["message_id"])] == ["when you are back"]
    assert [m["verified"] for m in alice.heard(receipt["message_id"])] == [True]


def test_what_waits_survives_our_own_crash(pair: Pair) -> None:
    alice, carol = pair
    alice.stop()
    receipt = carol.call("messages.send", to=alice.agent_id, content="after both of us", timeout_secs=0.5)
    assert receipt["state"] == "stored", receipt
    carol.kill()
    carol.start()
    assert [item["message_id"] for item in carol.call("messages.outbox")] == [receipt["message_id"]]

    alice.start()
    eventually(lambda: not carol.call("messages.outbox"), "an empty outbox", carol, alice)
    assert len(alice.heard(receipt["message_id"])) == 1


def test_what_waits_follows_an_original_to_its_new_port(pair: Pair) -> None:
    alice, carol = pair
    alice.stop()
    receipt = carol.call("messages.send", to=alice.agent_id, content="wherever you are", timeout_secs=5)
    assert receipt["state"] == "stored", receipt
    moved(alice)
    # It says so itself, signed, when it starts.
    eventually(lambda: alice.heard(receipt["message_id"]), "what waited for it", carol, alice)
    assert carol.call("peers.get", agent=alice.agent_id)["url"] == alice.base_url
    eventually(lambda: not carol.call("messages.outbox"), "an empty outbox", carol, alice)
    assert len(alice.heard(receipt["message_id"])) == 1
    assert carol.heard(message_id=alice.send(carol.agent_id, "from my new place"))


@pytest.mark.parametrize("crash", [False, True], ids=["after a stop", "after a crash"])
def test_an_original_follows_us_to_our_new_port(pair: Pair, crash: bool) -> None:
    alice, carol = pair
    before = (carol.agent_id, carol.port)
    kept = alice.send(carol.agent_id, "not yet read")
    carol.kill() if crash else carol.stop()
    # Not the former port by chance.
    carol.start(web.free_port())
    assert carol.agent_id == before[0] and carol.port != before[1]

    def follows() -> bool:
        known = alice.connection(carol.agent_id)
        return known is not None and known["agent_url"] == carol.base_url

    eventually(follows, "our new address over there", alice, carol)
    assert carol.heard(message_id=kept)["content"] == "not yet read"
    assert carol.heard(message_id=alice.send(carol.agent_id, "found you"))
    carol.send(alice.agent_id, "found you, too")


def test_both_keep_the_connection_over_a_restart_at_the_same_port(pair: Pair) -> None:
    alice, carol = pair
    alice.restart()
    carol.restart()
    assert carol.connected(alice.agent_id)
    eventually(lambda: alice.connection(carol.agent_id), "us in their list", alice)
    carol.send(alice.agent_id, "still here")
    assert carol.heard(message_id=alice.send(carol.agent_id, "me, too"))


def test_an_acknowledged_message_does_not_come_back_when_it_is_sent_again_after_our_crash(pair: Pair) -> None:
    alice, carol = pair
    message_id = alice.send(carol.agent_id, "once")
    carol.call("messages.acknowledge", sequence=carol.heard(message_id=message_id)["sequence"])
    carol.kill()
    carol.start(carol.port)
    assert carol.messages(message_id=message_id) == []


def test_an_original_that_was_down_while_we_moved_learns_it_when_it_returns(pair: Pair) -> None:
    alice, carol = pair
    alice.stop()
    carol.stop()
    carol.start(web.free_port())
    # It comes back at its old place, and looks for us at ours.
    alice.start()

    def follows() -> bool:
        known = alice.connection(carol.agent_id)
        return known is not None and known["agent_url"] == carol.base_url

    eventually(follows, "our new address over there", alice, carol)
    assert carol.heard(message_id=alice.send(carol.agent_id, "found you"))


def test_two_that_move_at_the_same_time_find_each_other_through_a_third(own_lab: Lab) -> None:
    alice, bob = own_lab.theirs("alice", "bob")
    carol = own_lab.ours("carol", ping_interval_secs=1)
    for peer in (alice, bob):
        carol.call("peers.connect", url=peer.base_url)
    assert alice.request(bob.base_url)["status"] == "connected"
    alice.stop()
    carol.stop()
    carol.start(web.free_port())
    moved(alice)

    # Alice's update does not reach Carol's former address, so Bob passes it on.
    eventually(lambda: carol.call("peers.get", agent=alice.agent_id)["url"] == alice.base_url, "alice", carol, bob)

    def follows() -> bool:
        known = alice.connection(carol.agent_id)
        return known is not None and known["agent_url"] == carol.base_url

    eventually(follows, "carol", alice, carol, bob)
    carol.send(alice.agent_id, "there you are")
    assert carol.heard(message_id=alice.send(carol.agent_id, "and there you are"))
