"""The harness around the original works: two real 1.1.1 nodes do what the tests with our nodes build upon."""

from __future__ import annotations

import subprocess
import sys
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from lab import StartPeer
from peer111 import HERE, WELL_KNOWN, Peer111, PeerError
from web import eventually

# From RFC 8032, 7.1, test 1.
SEED = bytes.fromhex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60")
AGENT_ID = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"


def connect(one: Peer111, other: Peer111) -> None:
    reply = one.mcp("darkmatter_connection", params={"action": "request", "target_url": other.base_url})
    assert reply["success"] and reply["status"] == "connected", reply


def saved_connection(one: Peer111, other: Peer111) -> Any:
    return one.state()["connections"].get(other.agent_id)


def test_two_originals_shake_hands_and_one_hears_the_other(start_peer: StartPeer) -> None:
    alice, bob = start_peer("alice"), start_peer("bob")
    connect(alice, bob)
    sent = alice.mcp(
        "darkmatter_send_message", params={"content": "good morning", "target_agent_id": bob.agent_id}
    )
    assert sent["success"], sent

    heard = [message for message in bob.inbox() if message["message_id"] == sent["message_id"]]
    assert [message["content"] for message in heard] == ["good morning"]
    assert heard[0]["from_agent_id"] == alice.agent_id
    assert heard[0]["verified"] is True


def test_both_sides_announce_an_address_at_which_they_listen(start_peer: StartPeer) -> None:
    alice, bob = start_peer("alice"), start_peer("bob")
    connect(alice, bob)
    for one, other in ((alice, bob), (bob, alice)):
        known = eventually(partial(saved_connection, one, other), "the saved connection", one)
        assert known["agent_url"].startswith(other.base_url)


def test_a_passport_that_lies_there_is_used(start_peer: StartPeer) -> None:
    peer = start_peer("alice", seed=SEED)
    assert peer.agent_id == AGENT_ID
    assert peer.get(WELL_KNOWN).body["display_name"] == "alice"


def test_a_restart_keeps_the_identity_the_address_and_the_connections(start_peer: StartPeer) -> None:
    alice, bob = start_peer("alice"), start_peer("bob")
    connect(alice, bob)
    before = (bob.agent_id, bob.base_url)
    bob.restart()
    assert (bob.agent_id, bob.base_url) == before

    # A tool that `tools/list` does not show to begin with.
    listed = bob.mcp("darkmatter_list_connections")
    assert [known["agent_id"] for known in listed["connections"]] == [alice.agent_id]


def test_local_requests_wait_for_a_decision_when_the_state_says_so(start_peer: StartPeer) -> None:
    alice, bob = start_peer("alice"), start_peer("bob")
    bob.stop()
    bob.edit_state(lambda state: state["security_settings"].update(auto_accept_local=False))
    bob.start()

    asked = alice.mcp("darkmatter_connection", params={"action": "request", "target_url": bob.base_url})
    assert asked["status"] == "pending", asked
    accepted = bob.post("/__darkmatter__/accept_pending", {"request_id": asked["request_id"]})
    assert accepted.status == 200 and accepted.body["agent_id"] == alice.agent_id


def test_refusals_come_back_as_they_are(start_peer: StartPeer) -> None:
    peer = start_peer("alice")
    refused = peer.post("/__darkmatter__/message", {"content": "no id"})
    assert (refused.status, refused.body) == (400, {"error": "Missing required fields: message_id"})
    assert peer.get("/nowhere").status == 404
    with pytest.raises(PeerError, match="refuses its arguments"):
        peer.mcp("darkmatter_send_message", params={})


def test_a_stopped_original_is_gone(start_peer: StartPeer) -> None:
    peer = start_peer("alice")
    peer.stop()
    assert not peer.running
    with pytest.raises(ConnectionRefusedError):
        peer.get(WELL_KNOWN)


def test_an_original_that_cannot_start_shows_its_log(peer_python: str, tmp_path: Path) -> None:
    peer = Peer111(tmp_path / "alice", python=peer_python, env={"DARKMATTER_PORT": "no number"})
    with pytest.raises(PeerError, match="(?s)does not start.*ValueError"):
        peer.start()
    assert not peer.running


def test_an_original_reaches_nothing_but_loopback() -> None:
    far = "192.0.2.1"  # Reserved for documentation.
    attempts = f"""
import on_loopback, socket
on_loopback.stay_near()
stream, datagram = socket.socket(), socket.socket(type=socket.SOCK_DGRAM)
for attempt in (
    lambda: stream.connect(("{far}", 9)),
    lambda: datagram.sendto(b"", ("{far}", 9)),
    lambda: socket.create_connection(("{far}", 9)),
    lambda: socket.gethostbyname("host.example"),
):
    try:
        attempt()
    except OSError as error:
        print(error.strerror)
datagram.sendto(b"", ("127.0.0.1", 9))
"""
    command = [sys.executable, "-c", attempts]
    told = subprocess.run(command, cwd=HERE, check=True, capture_output=True, text=True).stdout
    assert told.splitlines() == ["only the loopback device is up"] * 4
