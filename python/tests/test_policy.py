"""A Python object that decides."""

from __future__ import annotations

import asyncio
import gc
import logging
import sys
import threading
from typing import Any

import dmagent
import pytest
from conftest import address, pair, quiet, run
from dmagent import sync


class Plain:
    """Plain methods."""

    def __init__(self) -> None:
        self.asked: list[Any] = []

    def admit_connection(self, question: dmagent.ConnectionQuestion) -> object:
        self.asked.append(question)
        return dmagent.Refuse("not today") if question.display_name == "mallory" else "accept"

    def admit_message(self, question: dmagent.MessageQuestion) -> object:
        self.asked.append(question)
        return dmagent.Refuse("no spam") if "spam" in question.content else "accept"

    def route(self, question: dmagent.MessageQuestion) -> object:
        self.asked.append(question)
        return "drop" if "quiet" in question.content else None


class Asynchronous:
    """The same with async methods."""

    def __init__(self) -> None:
        self.plain = Plain()
        self.asked = self.plain.asked

    async def admit_connection(self, question: dmagent.ConnectionQuestion) -> object:
        await asyncio.sleep(0)
        return self.plain.admit_connection(question)

    async def admit_message(self, question: dmagent.MessageQuestion) -> object:
        await asyncio.sleep(0)
        return self.plain.admit_message(question)

    async def route(self, question: dmagent.MessageQuestion) -> object:
        await asyncio.sleep(0)
        return self.plain.route(question)


async def reason(receipt: dmagent.Receipt) -> str:
    (delivery,) = receipt.deliveries
    assert delivery.reason is not None
    return f"{delivery.state}: {delivery.reason.text}"


@pytest.mark.parametrize("kind", [Plain, Asynchronous])
def test_it_decides_about_connections_and_messages(kind: Any) -> None:
    async def decide() -> None:
        policy = kind()
        async with quiet("alice") as alice, quiet("mallory") as mallory, quiet("bob", auto_accept="none") as bob:
            bob.set_policy(policy)
            with pytest.raises(dmagent.RefusedError, match="not today"):
                await mallory.connect(await address(bob))
            assert (await alice.connect(await address(bob))).state == "connected"

            assert "no spam" in await reason(await alice.send(bob, "spam"))
            assert (await alice.send(bob, "quiet")).state == "refused"
            assert (await alice.send(bob, "hello")).state == "accepted"
            assert (await bob.receive()).content == "hello"
            assert await bob.receive(timeout=0) is None

            first, *_, last = policy.asked
            assert isinstance(first, dmagent.ConnectionQuestion) and isinstance(first.bio, dmagent.Untrusted)
            assert isinstance(last, dmagent.MessageQuestion) and last.from_ == alice.agent_id
            assert last.content == "hello" and isinstance(last.content, dmagent.Untrusted)

            bob.set_policy(None)
            assert (await alice.send(bob, "spam")).state == "accepted"

    run(decide())


class Failing:
    def admit_message(self, question: dmagent.MessageQuestion) -> object:
        raise KeyError("mine")

    def admit_connection(self, question: dmagent.ConnectionQuestion) -> object:
        raise KeyError("mine")


class Wrong:
    def admit_message(self, question: dmagent.MessageQuestion) -> object:
        return True

    def admit_connection(self, question: dmagent.ConnectionQuestion) -> object:
        return "yes"


class Slow:
    def __init__(self) -> None:
        self.cancelled = asyncio.Event()

    async def admit_message(self, question: dmagent.MessageQuestion) -> object:
        try:
            await asyncio.Event().wait()
        finally:
            self.cancelled.set()
        return "accept"

    async def admit_connection(self, question: dmagent.ConnectionQuestion) -> object:
        return await self.admit_message(question)  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", [Failing, Wrong, Slow])
def test_one_that_fails_means_the_safe_answer(kind: Any, caplog: pytest.LogCaptureFixture) -> None:
    async def fail() -> None:
        policy = kind()
        async with quiet("carol") as carol, pair(policy_timeout_ms=50) as (alice, bob):
            bob.set_policy(policy)
            # A connection waits for somebody to decide; a message stays with its sender, who tries again.
            assert (await carol.connect(await address(bob))).state == "pending"
            receipt = await alice.send(bob, "hello", timeout_secs=1)
            assert receipt.state == "stored", receipt
            if isinstance(policy, Slow):
                await policy.cancelled.wait()
            bob.set_policy(None)
            assert (await bob.receive()).content == "hello"

    with caplog.at_level(logging.ERROR, "dmagent"):
        run(fail())
    told = [record for record in caplog.records if record.name == "dmagent.policy"]
    assert told and all(record.exc_info for record in told)


def test_a_policy_without_a_method_is_refused() -> None:
    async def refuse() -> None:
        async with quiet("alice") as alice:
            with pytest.raises(dmagent.InvalidInputError, match="admit_connection, admit_message, route"):
                alice.set_policy(object())

    run(refuse())


def test_a_policy_may_send_messages_on() -> None:
    class Switchboard:
        def __init__(self, to: str) -> None:
            self.to = to

        def route(self, question: dmagent.MessageQuestion) -> object:
            return dmagent.Forward(self.to)

    async def forward() -> None:
        async with pair() as (alice, bob), quiet("carol") as carol:
            await bob.connect(await address(carol))
            bob.set_policy(Switchboard(carol.agent_id))
            await alice.send(bob, "for carol")
            forwarded = await carol.receive()
            assert forwarded.content == "for carol" and forwarded.from_ == bob.agent_id
            assert forwarded.origin is not None and forwarded.origin.agent_id == alice.agent_id
            assert await bob.receive(timeout=0) is None

    run(forward())


def test_the_synchronous_node_asks_on_a_thread_of_its_own() -> None:
    async def no(_: object) -> object:
        return "accept"

    policy = Plain()
    with sync.Node.ephemeral(http=True) as alice, sync.Node.ephemeral(http=True) as bob:
        alice.connect(bob.info().addresses[0])
        bob.set_policy(policy)
        assert alice.send(bob, "spam").state == "refused"
        assert alice.send(bob, "hello").state == "accepted"
        assert [question.content for question in policy.asked] == ["spam", "hello", "hello"]
        policy.admit_message = no  # type: ignore[assignment]
        assert alice.send(bob, "async", timeout_secs=1).state == "stored"


def test_the_last_of_several_threads_that_set_a_policy_has_it_asked() -> None:
    class Accepting:
        def admit_message(self, question: dmagent.MessageQuestion) -> object:
            return "accept"

    limits: Any = {"peer": None, "stranger_per_source": None, "strangers_total": None, "ping": None}
    interval = sys.getswitchinterval()
    # Threads change places as often as they can.
    sys.setswitchinterval(1e-6)
    try:
        with sync.Node.ephemeral(http=True, limits=limits) as alice, sync.Node.ephemeral(http=True) as bob:
            peer = alice.connect(bob.info().url)
            for turn in range(400):
                start = threading.Barrier(4)

                def choose(start: threading.Barrier = start) -> None:
                    start.wait()
                    bob.set_policy(Accepting())

                threads = [threading.Thread(target=choose) for _ in range(4)]
                for thread in threads:
                    thread.start()
                for thread in threads:
                    thread.join()
                # A question to a policy that is gone would mean the safe answer.
                answer = alice.send(peer, "hello", expires_in_secs=1)
                assert answer.state == "accepted", f"turn {turn}: {answer}"
                message = bob.receive()
                message.acknowledge()
    finally:
        sys.setswitchinterval(interval)


ENDINGS = [SystemExit(4), KeyboardInterrupt(), asyncio.CancelledError()]


class Ending:
    """One that raises what is not for it to catch, with plain methods and with async ones."""

    def __init__(self, ending: BaseException) -> None:
        self.ending = ending

    def admit_connection(self, question: dmagent.ConnectionQuestion) -> object:
        raise self.ending


class EndingLater(Ending):
    async def admit_connection(self, question: dmagent.ConnectionQuestion) -> object:
        await asyncio.sleep(0)
        raise self.ending


def told_of(caplog: pytest.LogCaptureFixture) -> list[BaseException | None]:
    records = [record for record in caplog.records if record.name == "dmagent.policy"]
    return [record.exc_info[1] if record.exc_info else None for record in records]


@pytest.mark.parametrize("ending", ENDINGS, ids=repr)
def test_one_that_ends_its_thread_means_the_safe_answer_at_once(
    ending: BaseException, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.ERROR, "dmagent"), sync.Node.ephemeral(http=True, policy_timeout_ms=30_000) as bob:
        bob.set_policy(Ending(ending))
        for _ in range(2):
            # The second time the thread is still there.
            with sync.Node.ephemeral(http=True) as carol:
                assert carol.connect(bob.info().url).state == "pending"
    assert told_of(caplog) == [ending] * 2


@pytest.mark.parametrize("kind", [Ending, EndingLater])
@pytest.mark.parametrize("ending", ENDINGS, ids=repr)
def test_one_that_ends_its_loop_means_the_safe_answer_at_once(
    ending: BaseException, kind: Any, caplog: pytest.LogCaptureFixture
) -> None:
    states: list[str] = []
    bob = quiet("bob", policy_timeout_ms=30_000)

    def connect(url: str) -> None:
        with sync.Node.ephemeral(http=True) as carol:
            states.append(carol.connect(url).state)

    async def listen() -> None:
        bob.set_policy(kind(ending))
        thread = threading.Thread(target=connect, args=(await address(bob),))
        thread.start()
        await asyncio.get_running_loop().run_in_executor(None, thread.join)

    async def opened() -> str:
        return await address(await bob.open())

    url = run(opened())
    with caplog.at_level(logging.ERROR):
        if isinstance(ending, asyncio.CancelledError):
            run(listen())
        else:
            # It goes on to whoever runs the loop.
            with pytest.raises(type(ending)):
                asyncio.run(listen())
    assert url and states == ["pending"]
    gc.collect()
    assert told_of(caplog) == [ending]
    # The loop itself has nothing to complain about.
    assert [record.getMessage() for record in caplog.records if record.name == "asyncio"] == []
    run(bob.close())
