"""The synchronous twin."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import dmagent
import pytest
from conftest import PATIENCE, Child
from dmagent import sync

UNLIMITED: Any = {"peer": None, "stranger_per_source": None, "strangers_total": None, "ping": None}


def quiet(name: str, **settings: Any) -> sync.Node:
    return sync.Node.ephemeral(display_name=name, http=True, **{"limits": UNLIMITED, **settings})


def test_a_message_and_its_answer_cross() -> None:
    with quiet("alice") as alice, quiet("bob") as bob:
        peer = alice.connect(bob.info().addresses[0])
        receipt = alice.send(peer, "What is the SOL price?")
        for message in bob.inbox():
            with message:
                assert isinstance(message.content, dmagent.Untrusted)
                message.reply("42")
            break
        answer = alice.receive(in_reply_to=receipt.message_id)
        with pytest.raises(KeyError), answer:
            raise KeyError
        assert alice.receive(timeout=0) is None
        assert alice.receive().redeliveries == 1
        assert alice.receive(timeout=0.001) is None


def test_nouns_and_records_are_those_of_the_asynchronous_node() -> None:
    with quiet("alice") as alice:
        assert alice.call("node.info") == alice.info().to_json()
        assert alice.trust.set(alice, 0.25) in alice.trust.list()
        signed = alice.passport.sign("text")
        assert alice.passport.verify(alice, "text", signed.signature) is True
        assert alice.peers.list() == alice.discovery.list() == alice.messages.list() == []
    for noun in ("Peers", "Messages", "Trust", "Discovery", "Passport", "Node", "Inbox", "Events", "Message"):
        twin = getattr(sync, noun)
        original = getattr(dmagent, noun, None) or getattr(dmagent._node, noun)
        public = {name for name in dir(original) if not name.startswith("_")}
        assert public == {name for name in dir(twin) if not name.startswith("_")}, noun


def test_several_threads_use_one_node() -> None:
    with quiet("alice") as alice, quiet("bob", inbox={"per_peer": 1000}) as bob:
        peer = alice.connect(bob.info().addresses[0])
        seen: list[str] = []

        def send(thread: int) -> None:
            for number in range(20):
                assert alice.send(peer, f"{thread}.{number}").state == "accepted"

        def take() -> None:
            for message in bob.inbox():
                with message:
                    seen.append(str(message.content))
                if len(seen) == 80:
                    return

        threads = [threading.Thread(target=send, args=(number,)) for number in range(4)]
        threads.append(threading.Thread(target=take))
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(PATIENCE)
        assert len(seen) == len(set(seen)) == 80


def test_events_come_to_a_for_loop() -> None:
    with quiet("alice") as alice:
        events = alice.events()
        alice.trust.set("0" * 64, 0.5)
        alice.close()
        (event,) = list(events)
        assert isinstance(event, dmagent.TrustChanged) and event.score == 0.5


def test_blocking_on_a_thread_with_an_event_loop_is_refused() -> None:
    async def block() -> None:
        with pytest.raises(dmagent.InvalidInputError, match="event loop") as refused:
            quiet("alice").open()
        assert refused.value.code == "blocking_in_async"

    asyncio.run(block())


WAITING = """
import sys, dmagent.sync
with dmagent.sync.Node.ephemeral() as node:
    try:
        print("waiting", flush=True)
        {wait}
    except KeyboardInterrupt:
        # The node still works.
        print("interrupted", node.info().unread, flush=True)
        raise
"""


@pytest.mark.parametrize("wait", ["node.receive()", "next(node.events())", "list(node.inbox())"])
def test_ctrl_c_ends_a_blocking_call(wait: str) -> None:
    with Child(WAITING.format(wait=wait)) as child:
        assert child.line() == "waiting"
        child.interrupt()
        status, out, errors = child.end()
        assert out == "interrupted 0\n" and "KeyboardInterrupt" in errors
        # A shell sees that a signal ended it.
        assert status == -2
