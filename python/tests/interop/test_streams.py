"""Answers in parts and messages that are taken back, with originals that know neither."""

from __future__ import annotations

from typing import NamedTuple

import pytest
from lab import Lab
from ours import OurNode
from peer111 import Peer111
from web import eventually


class Nodes(NamedTuple):
    alice: Peer111
    carol: OurNode


@pytest.fixture(scope="module")
def nodes(lab: Lab) -> Nodes:
    [alice] = lab.theirs("alice")
    carol = lab.ours("carol")
    assert carol.call("peers.connect", url=alice.base_url)["state"] == "connected"
    return Nodes(alice, carol)


def test_an_answer_of_an_original_is_one_part(nodes: Nodes) -> None:
    alice, carol = nodes
    stream = carol.call("messages.ask_stream", to=alice.agent_id, content="tell me a story", timeout_secs=60)
    question = stream["stream_id"]
    eventually(lambda: bool(alice.heard(question)), "the question at alice", alice, carol)
    assert "dmagent_stream" not in str(alice.heard(question))
    alice.send(carol.agent_id, "once upon a time", in_reply_to=question)
    part = carol.call("messages.next_part", stream_id=question)
    assert part == {"number": 0, "content": "once upon a time"}
    assert carol.call("messages.next_part", stream_id=question) is None


def test_an_original_that_asks_gets_the_reply(nodes: Nodes) -> None:
    alice, carol = nodes
    question = alice.send(carol.agent_id, "and then?")
    message = carol.call("messages.next", kinds=["peer"], timeout_secs=30)
    assert (message["message_id"], message["wants_stream"]) == (question, False)
    for word in ("they ", "lived"):
        written = carol.call("messages.part", to=alice.agent_id, in_reply_to=question, content=word)
        assert written["streamed"] is False
    receipt = carol.call("messages.finish", to=alice.agent_id, in_reply_to=question)
    eventually(lambda: bool(alice.heard(receipt["message_id"])), "the reply at alice", alice, carol)
    [reply] = alice.heard(receipt["message_id"])
    assert reply["content"] == "they lived"
    assert "dmagent_stream" not in str(reply)


def test_an_original_cannot_be_told_that_a_message_is_taken_back(nodes: Nodes) -> None:
    alice, carol = nodes
    sent = carol.send(alice.agent_id, "never mind")
    cancelled = carol.call("messages.cancel", message_id=sent["message_id"])
    assert cancelled["copies"] == [{"to": alice.agent_id, "outcome": "cannot_tell"}]
    assert carol.call("messages.status", message_id=sent["message_id"])["state"] == "accepted"
    assert alice.heard(sent["message_id"])
