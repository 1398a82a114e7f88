"""A signal whose handler raises comes beside a message: whoever waits is interrupted, and no message is lost."""

from __future__ import annotations

import pytest
from conftest import Child

# The main thread waits in `wait`. A helper sends it a signal and, beside it, what it waits for: now one first and now
# the other, with a growing distance. A message that did not reach the main thread before the signal must reach whoever
# asks next. Messages are settled where no signal comes.
PLAY = """
import asyncio, os, queue, signal, sys, threading, dmagent
from dmagent import sync

PATIENCE, TURNS = 30, 60
LIMITS = {"peer": None, "stranger_per_source": None, "strangers_total": None, "ping": None}
number, main, turns = getattr(signal, sys.argv[1]), threading.get_ident(), queue.SimpleQueue()

class Stop(BaseException):
    pass

def stop(*_):
    raise Stop

signal.signal(number, stop if number == signal.SIGUSR1 else signal.default_int_handler)

def help_():
    while (turn := turns.get()) is not None:
        count, over = turn
        deliver = prepared(count)
        steps = range(count // 3 * 200)
        if count % 3:
            signal.pthread_kill(main, number)
            sum(steps)
            deliver()
        else:
            deliver()
            sum(steps)
            signal.pthread_kill(main, number)
        over.set()

def play():
    helper = threading.Thread(target=help_, daemon=True)
    helper.start()
    early = 0
    for count in range(TURNS):
        over, got = threading.Event(), None
        try:
            turns.put((count, over))
            got = wait(count)
            # At the latest it comes here.
            while True:
                os.getpid()
        except (Stop, KeyboardInterrupt):
            pass
        over.wait()
        if got is None:
            early += 1
            got = again()
        content = "nothing" if got is None else str(got.content)
        if content != f"message {count}":
            raise SystemExit(f"turn {count}: {content}")
        settle(got)
    turns.put(None)
    helper.join()
    print("interrupted in time:", early > 0)
"""

SYNC = (
    PLAY
    + """
def receive(count):
    return bob.receive()

def inbox(count):
    for message in bob.inbox():
        return message

def noun(count):
    return bob.messages.next(kinds=["peer"])

def ask(count):
    return bob.messages.ask(alice, f"question {count}")

def prepared(count):
    if sys.argv[2] != "ask":
        return lambda: alice.send(bob, f"message {count}")
    question = alice.receive()
    question.acknowledge()
    return lambda: question.reply(f"message {count}")

def again():
    return bob.receive(timeout=PATIENCE)

def settle(message):
    message.acknowledge()

wait = globals()[sys.argv[2]]
with sync.Node.ephemeral(http=True, limits=LIMITS) as alice, sync.Node.ephemeral(http=True, limits=LIMITS) as bob:
    alice.connect(bob.info().url)
    play()
"""
)

ASYNC = (
    PLAY
    + """
async def receive(count):
    return await bob.receive()

async def inbox(count):
    async for message in bob.inbox():
        return message

async def noun(count):
    return await bob.messages.next(kinds=["peer"])

async def ask(count):
    return await bob.messages.ask(alice, f"question {count}")

async def asked():
    question = await alice.receive()
    await question.acknowledge()
    return question

def prepared(count):
    if sys.argv[2] != "ask":
        return lambda: asyncio.run(alice.send(bob, f"message {count}"))
    question = asyncio.run(asked())
    return lambda: asyncio.run(question.reply(f"message {count}"))

def again():
    return asyncio.run(bob.receive(timeout=PATIENCE))

def settle(message):
    asyncio.run(message.acknowledge())

async def opened():
    await alice.open()
    await bob.open()
    await alice.connect((await bob.info()).url)

async def closed():
    await alice.close()
    await bob.close()

waiting = globals()[sys.argv[2]]

def wait(count):
    return asyncio.run(waiting(count))

alice, bob = (dmagent.Node.ephemeral(http=True, limits=LIMITS) for _ in range(2))
asyncio.run(opened())
play()
asyncio.run(closed())
"""
)


def played(program: str, number: str, wait: str) -> None:
    with Child(program, number, wait) as child:
        status, out, errors = child.end()
        assert (status, out) == (0, "interrupted in time: True\n"), errors


@pytest.mark.parametrize("wait", ["receive", "inbox", "noun", "ask"])
@pytest.mark.parametrize("number", ["SIGINT", "SIGUSR1"])
def test_a_signal_beside_a_message_loses_none(number: str, wait: str) -> None:
    played(SYNC, number, wait)


# What a handler raises in the midst of an event loop is the loop's affair; Ctrl-C is what loops know.
@pytest.mark.parametrize("wait", ["receive", "inbox", "noun", "ask"])
def test_ctrl_c_beside_a_message_loses_none_on_an_event_loop(wait: str) -> None:
    played(ASYNC, "SIGINT", wait)


def test_what_was_taken_and_reached_nobody_goes_back() -> None:
    """A handler that raises between the native half and the program, where no test could aim a signal."""
    program = """
from dmagent import _message, sync, _node
class Stop(BaseException):
    pass
def interrupted(*_):
    raise Stop
def fails(wait):
    try:
        wait()
    except Stop as kept:
        # As an interactive interpreter keeps the last traceback, with all that its frames hold.
        return kept
    raise SystemExit("it was not interrupted")
with sync.Node.ephemeral(http=True) as alice, sync.Node.ephemeral(http=True) as bob:
    alice.connect(bob.info().url)
    alice.send(bob, "hello")
    tracebacks, decode = [], _message.from_json
    _message.from_json = interrupted
    for wait in (bob.receive, lambda: next(bob.inbox()), lambda: bob.messages.next(kinds=["peer"])):
        tracebacks.append(fails(wait))
    _message.from_json = decode
    message = bob.receive(timeout=0)
    print(message.content, message.redeliveries)
    message.acknowledge()
    events, decode = bob.events(), _node.from_json
    bob.trust.set(alice, 0.5)
    _node.from_json = interrupted
    tracebacks.append(fails(events.next))
    _node.from_json = decode
    print(events.next().type)
"""
    with Child(program) as child:
        assert child.end() == (0, "hello 3\ntrust_changed\n", "")
