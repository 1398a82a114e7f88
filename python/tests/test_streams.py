"""Answers in parts, questions that nobody waits for, and receipts that can be waited on."""

from __future__ import annotations

import asyncio
import copy
import json
import pickle
import threading

import dmagent
import dmagent.sync
import pytest
from conftest import pair, run
from dmagent._receipt import Receipt


async def cancelled(events: dmagent.Events) -> dmagent.MessageCancelled:
    """The next event about a message that was taken back."""
    async for event in events:
        if isinstance(event, dmagent.MessageCancelled):
            return event
    raise AssertionError("the node was closed")


def test_an_answer_is_read_while_it_is_written() -> None:
    async def story() -> None:
        async with pair() as (alice, bob):
            asked = alice.ask_stream(bob, "tell me a story", timeout=60)
            first = asyncio.ensure_future(anext(asked))
            async with await bob.receive() as message, message.stream() as answer:
                assert message.wants_stream
                assert (await answer.write("once ")).streamed
                assert (await first).content == "once "
                await answer.write("upon ")
                await answer.write("a time")
            rest = [part async for part in asked]
            assert "".join(part.content for part in rest) == "upon a time"
            assert [part.number for part in rest] == list(range(1, len(rest) + 1))
            assert await alice.receive(timeout=0) is None

    run(story())


def test_whoever_stops_reading_takes_the_question_back() -> None:
    async def stops() -> None:
        async with pair() as (alice, bob):
            events = bob.events()
            for way in ("aclose", "block", "cancel", "drop"):
                asked = alice.ask_stream(bob, "go on")
                first = asyncio.ensure_future(anext(asked))
                message = await bob.receive()
                answer = message.stream()
                await answer.write("well, ")
                await first
                if way == "aclose":
                    await asked.aclose()
                elif way == "block":
                    async with asked:
                        pass
                elif way == "cancel":
                    waiting = asyncio.ensure_future(anext(asked))
                    await asyncio.sleep(0)
                    waiting.cancel()
                    with pytest.raises(asyncio.CancelledError):
                        await waiting
                else:
                    # As a `break` does.
                    del asked, first
                event = await cancelled(events)
                assert (event.message_id, event.handed_out) == (message.message_id, True), way
                with pytest.raises(dmagent.RefusedError) as stopped:
                    await answer.write("more")
                assert stopped.value.code == "message_cancelled"
                message.release()

    run(stops())


def test_a_question_whose_task_is_cancelled_is_taken_back() -> None:
    async def asks() -> None:
        async with pair() as (alice, bob):
            events = bob.events()
            asking = asyncio.ensure_future(alice.messages.ask(bob, "slow?"))
            message = await bob.receive()
            asking.cancel()
            with pytest.raises(asyncio.CancelledError):
                await asking
            assert (await cancelled(events)).message_id == message.message_id
            await message.acknowledge()
            with pytest.raises(asyncio.TimeoutError):
                await asyncio.wait_for(alice.messages.ask(bob, "quick?"), 0.2)
            assert (await cancelled(events)).reason == "nobody waits for the answer any more"

    run(asks())


def test_an_error_in_the_block_of_an_answer_sends_nothing() -> None:
    async def fails() -> None:
        async with pair() as (alice, bob):
            asked = alice.ask_stream(bob, "?")
            first = asyncio.ensure_future(anext(asked))
            message = await bob.receive()
            with pytest.raises(KeyError):
                async with message.stream() as answer:
                    await answer.write("a ")
                    raise KeyError("mine")
            assert (await first).content == "a "
            await message.reply("a b")
            assert [part.content async for part in asked] == ["b"]

    run(fails())


def test_a_receipt_can_be_waited_on_and_stays_plain_data() -> None:
    async def waits() -> Receipt:
        async with pair() as (alice, bob):
            receipt = await alice.send(bob, "hello")
            plain = dmagent.Receipt.from_json(receipt.to_json())
            assert receipt == plain and plain == receipt and repr(receipt) == repr(plain)
            for other in (pickle.loads(pickle.dumps(receipt)), copy.deepcopy(receipt)):
                assert other == receipt and type(other) is dmagent.Receipt
            assert json.loads(json.dumps(receipt.to_json())) == receipt.to_json()
            with pytest.raises(dmagent.TimeoutError):
                await receipt.until("delivered", timeout=0)
            async with await bob.receive():
                pass
            handled = await receipt.until(timeout=20)
            assert handled.state == "handled"
            assert (await handled.until("accepted", timeout=0)).state == "handled"
            return receipt

    receipt = run(waits())
    with pytest.raises(dmagent.ClosedError):
        run(receipt.until())


def test_the_synchronous_twin_streams_and_waits() -> None:
    with dmagent.sync.Node.ephemeral(memory=True) as alice, dmagent.sync.Node.ephemeral(memory=True) as bob:
        alice.connect(bob.info().url)

        def answer() -> None:
            with bob.receive() as message, message.stream() as answer:
                answer.write("once ")
                answer.write("more")

        thread = threading.Thread(target=answer)
        thread.start()
        with alice.ask_stream(bob, "again?", timeout=60) as asked:
            assert "".join(part.content for part in asked) == "once more"
        thread.join()
        receipt = alice.send(bob, "hello")
        with bob.receive():
            pass
        assert receipt.until("handled", timeout=20).state == "handled"
        asked = alice.ask_stream(bob, "well?", timeout=60)
        events = bob.events()
        # One that nobody has would go back.
        held = []

        def begin() -> None:
            held.append(bob.receive())
            held[0].stream().write("a")

        thread = threading.Thread(target=begin)
        thread.start()
        assert next(asked).content == "a"
        thread.join()
        asked.close()
        told = next(event for event in events if isinstance(event, dmagent.MessageCancelled))
        assert told.reason == "nobody waits for the answer any more"
