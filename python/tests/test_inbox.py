"""Nothing is lost on the way from the inbox to Python."""

from __future__ import annotations

import asyncio
from typing import Any

import dmagent
import pytest
from conftest import address, pair, quiet, run


def test_leaving_a_block_by_an_exception_hands_the_message_out_again_later() -> None:
    async def handle() -> None:
        async with pair() as (alice, bob):
            await alice.send(bob, "poison")
            with pytest.raises(KeyError, match="mine"):
                async with await bob.receive():
                    raise KeyError("mine")
            # It pauses first.
            assert await bob.receive(timeout=0) is None
            again = await bob.receive()
            assert (again.content, again.redeliveries) == ("poison", 1)
            await again.acknowledge()
            assert await bob.messages.list() == [m for m in await bob.messages.list() if m.kind == "notice"]

    run(handle())


def test_one_that_fails_comes_again_after_a_pause_and_one_that_is_interrupted_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    delays: list[float | None] = []
    monkeypatch.setattr(dmagent.Message, "_give_back", lambda _, delay: delays.append(delay))

    async def handle() -> None:
        async with pair() as (alice, bob):
            await alice.send(bob, "poison")
            message = await bob.receive()
            for failure in (ValueError, asyncio.CancelledError):
                with pytest.raises(failure):
                    async with message:
                        raise failure

    run(handle())
    # Without a delay the core takes one that doubles each time.
    assert delays == [None, 0.0]


def test_a_message_that_was_acknowledged_or_released_by_hand_is_left_alone() -> None:
    async def handle() -> None:
        async with pair() as (alice, bob):
            await alice.send(bob, "one")
            async with await bob.receive() as message:
                await message.acknowledge()
            with pytest.raises(dmagent.NotFoundError):
                await message.acknowledge()

            await alice.send(bob, "two")
            async with await bob.receive() as message:
                assert message.release() is True
            again = await bob.receive()
            assert again.content == "two" and message.redeliveries == 0 and again.redeliveries == 1
            assert again.release() is True and again.release() is False

    run(handle())


def test_a_message_that_is_dropped_comes_again_after_a_pause_and_a_listed_one_is_left_alone() -> None:
    async def forget() -> None:
        async with pair() as (alice, bob):
            await alice.send(bob, "forgotten")
            await bob.receive()
            assert await bob.receive(timeout=0) is None
            first = await bob.receive()
            assert (first.content, first.redeliveries) == ("forgotten", 1)
            # Neither a listing nor an object whose message was given back before takes it from its holder.
            assert "forgotten" in [message.content for message in await bob.messages.list()]
            assert first.release() is True
            second = await bob.messages.next(kinds=["peer"])
            assert second is not None
            del first
            assert second.release() is True

    run(forget())


def test_no_message_within_the_time_is_none() -> None:
    async def wait() -> None:
        async with quiet("alice") as alice:
            assert await alice.receive(timeout=0) is None
            assert await alice.inbox().next(0.001) is None
            with pytest.raises(asyncio.TimeoutError):
                await asyncio.wait_for(alice.receive(), 0.001)
            with pytest.raises(dmagent.InvalidInputError, match="timeout must be a number from 0"):
                await alice.receive(timeout=-1)

    run(wait())


def test_filters_choose_and_notices_come_only_when_asked_for() -> None:
    async def choose() -> None:
        async with pair() as (alice, bob), quiet("carol") as carol:
            await carol.connect(await address(bob))
            await alice.send(bob, "from alice")
            await carol.send(bob, "from carol")
            assert (await bob.receive(from_=[carol])).content == "from carol"
            assert (await bob.receive(from_=alice.agent_id)).content == "from alice"
            assert await bob.receive(timeout=0) is None
            notice = await bob.receive(kinds=["notice"])
            assert (notice.kind, notice.verification) == ("notice", "local")
            with pytest.raises(ValueError, match="from_"):
                await bob.receive(from_=[])

    run(choose())


def test_a_cancelled_wait_loses_no_message() -> None:
    """The wait is cancelled before, while and after a message is handed to it."""

    async def race() -> None:
        async with pair() as (alice, bob):
            taken = lost_to_cancel = 0
            for turns in range(120):
                waiting = asyncio.ensure_future(bob.receive())
                await asyncio.sleep(0)
                sending = asyncio.ensure_future(alice.send(bob, str(turns)))
                # More turns of the loop for each round: the cancellation hits every stage.
                if turns % 2:
                    await sending
                for _ in range(turns):
                    await asyncio.sleep(0)
                waiting.cancel()
                (message,) = await asyncio.gather(waiting, return_exceptions=True)
                await sending
                if isinstance(message, asyncio.CancelledError):
                    lost_to_cancel += 1
                    message = await bob.receive()
                assert isinstance(message, dmagent.Message)
                assert message.content == str(turns)
                await message.acknowledge()
                taken += 1
            assert taken == 120 and lost_to_cancel > 0
            assert await bob.receive(timeout=0) is None

    run(race())


def test_a_result_that_came_too_late_is_given_back() -> None:
    """The future is done, and then the task is cancelled before it runs again."""

    async def race() -> None:
        async with pair() as (alice, bob):
            await alice.send(bob, "hello")
            loop = asyncio.get_running_loop()

            async def arrived() -> Any:
                """A call whose result is there and not taken yet."""
                done = asyncio.Event()
                call = bob._verb("messages.next", {"kinds": ["peer"]})
                call.start(lambda: loop.call_soon_threadsafe(done.set))
                await done.wait()
                assert await bob.receive(timeout=0) is None
                return call

            call = await arrived()
            call.cancel()
            with pytest.raises(dmagent.InvalidInputError):
                call.take()
            call = await arrived()
            # Nobody knows it any more.
            del call
            assert (await bob.receive()).content == "hello"

    run(race())


def test_cancelling_reaches_the_core() -> None:
    async def cancel() -> None:
        async with quiet("alice") as alice, quiet("bob") as bob:
            waits = [asyncio.ensure_future(bob.receive()) for _ in range(200)]
            await asyncio.sleep(0)
            for wait in waits:
                wait.cancel()
            await asyncio.gather(*waits, return_exceptions=True)
            # If one of them still waited in the core, it would take the message.
            await alice.connect(await address(bob))
            await alice.send(bob, "hello")
            assert (await bob.receive()).content == "hello"

    run(cancel())


def test_several_inboxes_share_the_work() -> None:
    async def share() -> None:
        async with pair() as (alice, bob):
            seen: list[str] = []

            async def work() -> None:
                async for message in bob.inbox():
                    async with message:
                        pass
                    # Counted when it is acknowledged: the node closes after the last.
                    seen.append(message.content)

            workers = [asyncio.ensure_future(work()) for _ in range(4)]
            await asyncio.gather(*(alice.send(bob, str(number)) for number in range(60)))
            while len(seen) < 60:
                await asyncio.sleep(0)
            await bob.close()
            await asyncio.gather(*workers)
            assert sorted(seen, key=int) == [str(number) for number in range(60)]

    run(share())


def test_what_is_not_acknowledged_is_there_after_a_restart(tmp_path: Any) -> None:
    async def live() -> None:
        async with quiet("alice") as alice:
            async with dmagent.Node(project_dir=tmp_path) as bob:
                await alice.connect(await address(bob))
                await alice.send(bob, "kept")
                await alice.send(bob, "done")
                kept, done = await bob.receive(), await bob.receive()
                assert kept.content == "kept"
                await done.acknowledge()
            async with dmagent.Node(project_dir=tmp_path) as bob:
                again = await bob.receive()
                assert again.content == "kept"
                assert await bob.receive(timeout=0) is None

    run(live())
