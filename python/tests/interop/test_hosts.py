"""Each language and the original 1.1.1 hold a conversation, in both roles.

The programs are the hosts of the scenarios: what is said here goes through the binding of the language.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from host import VARIABLE, Host, Refused, programs
from lab import Lab
from peer111 import Peer111
from web import eventually

HOSTS = programs()


@pytest.fixture(scope="module")
def alice(lab: Lab) -> Peer111:
    """The original, who accepts whoever is near."""
    [alice] = lab.theirs("alice")
    return alice


@pytest.fixture(params=sorted(HOSTS) or ["none"])
def carol(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Host]:
    """A node of ours in one language."""
    if request.param not in HOSTS:
        pytest.skip(f"{VARIABLE} is not set: it names the hosts of each language, which `cargo xtask test` builds")
    with Host(tmp_path / "carol", HOSTS[request.param], display_name="carol") as carol:
        yield carol


def next_message(host: Host) -> dict[str, Any]:
    message: dict[str, Any] = host.call("messages.next", kinds=["peer"], timeout_secs=30)
    assert message is not None, "no message came"
    return message


def talk(carol: Host, alice: Peer111) -> None:
    """They write, answer and ask in both directions."""
    sent = carol.call("messages.send", to=alice.agent_id, content="hello, 世界\n🌍", metadata={"topic": "tea"})
    assert sent["state"] == "accepted", sent
    [heard] = alice.heard(sent["message_id"])
    assert (heard["content"], heard["from_agent_id"], heard["verified"]) == ("hello, 世界\n🌍", carol.agent_id, True)
    assert heard["metadata"]["topic"] == "tea"

    answer = alice.send(carol.agent_id, "hello carol", in_reply_to=sent["message_id"])
    message = next_message(carol)
    assert (message["message_id"], message["content"], message["from"]) == (answer, "hello carol", alice.agent_id)
    assert (message["in_reply_to"], message["verification"]) == (sent["message_id"], "signed")
    carol.call("messages.acknowledge", sequence=message["sequence"])

    # The original asks, and is answered.
    question = alice.send(carol.agent_id, "6 times 7?")
    message = next_message(carol)
    assert message["message_id"] == question
    reply = carol.call("messages.send", to=alice.agent_id, content="42", in_reply_to=question)
    waited = alice.mcp("darkmatter_wait_for_message", from_agents=[carol.agent_id], timeout_seconds=10)
    [found] = [m for m in waited["messages"] if m["message_id"] == reply["message_id"]]
    assert (found["content"], found["metadata"]["in_reply_to"]) == ("42", question)
    carol.call("messages.acknowledge", sequence=message["sequence"])

    # The original is asked, and answers.
    asking = carol.start("messages.ask", to=alice.agent_id, content="7 times 6?", timeout_secs=30)
    [asked] = eventually(lambda: questions(carol, alice), "the question", alice)
    alice.send(carol.agent_id, "42 as well", in_reply_to=asked["message_id"])
    answered = carol.finish(asking)
    assert (answered["content"], answered["from"]) == ("42 as well", alice.agent_id)
    carol.call("messages.acknowledge", sequence=answered["sequence"])


def questions(carol: Host, alice: Peer111) -> list[dict[str, Any]]:
    """What carol asked, and the original has."""
    queue: list[dict[str, Any]] = alice.state()["message_queue"]
    return [m for m in queue if (m["content"], m["from_agent_id"]) == ("7 times 6?", carol.agent_id)]


def part(carol: Host, alice: Peer111) -> None:
    """Ours ends the connection; the original keeps a notice of it."""
    carol.call("peers.disconnect", agent=alice.agent_id, reason="good night")
    with pytest.raises(Refused) as refused:
        carol.call("messages.send", to=alice.agent_id, content="one more thing")
    assert refused.value.code == "peer_not_connected"
    notice = eventually(
        lambda: [
            m
            for m in alice.state()["message_queue"]
            if m["message_id"].startswith("disconnect-") and m["from_agent_id"] == carol.agent_id
        ],
        "the notice of the end",
        alice,
    )
    assert "good night" in notice[-1]["content"]


def test_a_language_asks_the_original_for_a_connection(carol: Host, alice: Peer111) -> None:
    asked = carol.call("peers.connect", url=alice.base_url, expect=alice.agent_id)
    assert (asked["agent_id"], asked["state"]) == (alice.agent_id, "connected")
    talk(carol, alice)
    part(carol, alice)


def test_the_original_asks_a_language_for_a_connection(carol: Host, alice: Peer111) -> None:
    assert alice.request(carol.base_url)["status"] == "connected"
    [known] = carol.call("peers.list")
    assert (known["agent_id"], known["state"]) == (alice.agent_id, "connected")
    talk(carol, alice)
    part(carol, alice)
