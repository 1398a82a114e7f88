"""Processes and threads: the end of the interpreter, forks, several event loops, garbage."""

from __future__ import annotations

import asyncio
import gc
import os
import threading
import warnings
from pathlib import Path

import dmagent
import pytest
from conftest import PATIENCE, Child, address, pair, quiet, run
from dmagent import sync

ENDING = """
import asyncio, sys, dmagent
async def main():
    a = await dmagent.Node.ephemeral(http=True).open()
    b = await dmagent.Node.ephemeral(http=True).open()
    await a.connect((await b.info()).addresses[0])
    await a.send(b, "hello")
    asyncio.ensure_future(a.receive())
    sending = [asyncio.ensure_future(a.send(b, str(number))) for number in range(20)]
    await asyncio.sleep(0)
    if sys.argv[1] == "close":
        await a.close()
        await b.close()
    elif sys.argv[1] == "keep":
        sys.modules["kept"] = (a, b, sending)
    print("end", flush=True)
asyncio.run(main())
"""


@pytest.mark.parametrize("ending", ["close", "drop", "keep"])
def test_the_interpreter_ends_cleanly_right_after_the_loop(ending: str) -> None:
    for _ in range(10):
        with Child(ENDING, ending) as child:
            status, out, errors = child.end()
            assert (status, out) == (0, "end\n"), errors
            assert "Fatal" not in errors and "panic" not in errors, errors


BLOCKED_THREAD = """
import threading, dmagent.sync
node = dmagent.sync.Node.ephemeral().open()
def wait():
    try:
        node.receive()
    except dmagent.ClosedError as error:
        print(error.code, flush=True)
thread = threading.Thread(target=wait, daemon=True)
thread.start()
"""


def test_a_thread_that_still_waits_does_not_keep_the_interpreter() -> None:
    for _ in range(5):
        with Child(BLOCKED_THREAD) as child:
            status, _, errors = child.end()
            assert (status, errors) == (0, "")


DAEMONS = """
import threading, dmagent.sync
node = dmagent.sync.Node.ephemeral().open()
events = node.events()
started, lock = threading.Barrier(6), threading.Lock()
def again():
    while True:
        node.receive(0.001)
def stubborn():
    # Whoever catches everything must not be called back for ever.
    while True:
        try:
            node.receive()
        except Exception:
            pass
def locked():
    with lock:
        node.receive()
def work(wait):
    started.wait()
    wait()
for wait in (node.receive, events.next, again, stubborn, locked):
    threading.Thread(target=work, args=(wait,), daemon=True).start()
started.wait()
def last():
    # It runs after the end of the library: what the threads held is free, and this thread is told.
    print(lock.acquire(timeout=30))
    try:
        node.receive()
    except dmagent.ClosedError as error:
        print("ending" in str(error), flush=True)
"""

# What is registered before the library is imported runs after its end.
LAST = "import atexit\natexit.register(lambda: last())\n"


def test_daemon_threads_that_wait_end_without_a_word() -> None:
    for _ in range(10):
        with Child(LAST + DAEMONS) as child:
            assert child.end() == (0, "True\nTrue\n", "")


def test_calls_after_the_end_of_the_library_say_so() -> None:
    code = "import dmagent.sync, dmagent._native as n; a = dmagent.sync.Node.ephemeral().open(); n.shutdown()\n"
    code += "for use in (a.info, dmagent.sync.Node.ephemeral().open):\n"
    code += "    try: use()\n    except dmagent.ClosedError as error: print('ending' in str(error))\n"
    with Child(code) as child:
        assert child.end() == (0, "True\nTrue\n", "")


FORK = """
import asyncio, os, dmagent, dmagent.sync
node = dmagent.sync.Node.ephemeral(http=True).open()
events, call = node.events(), node._verb("node.info", {})
asynchronous = asyncio.run(dmagent.Node.ephemeral().open())
child = os.fork()
if child == 0:
    for use in (node.info, node.receive, node.close, events.next, call.wait, call.cancel, lambda: node.agent_id,
                lambda: asyncio.run(asynchronous.info())):
        try:
            print(use())
        except dmagent.ClosedError as error:
            assert error.code == "forked" and "open a node here" in str(error)
            print("forked")
    del node, events, call, asynchronous
    # A node of its own works, and so does the way out.
    with dmagent.sync.Node.ephemeral(http=True, display_name="child") as own:
        print(own.info().display_name, flush=True)
    raise SystemExit(3)
_, status = os.waitpid(child, 0)
print(os.waitstatus_to_exitcode(status), node.info().peers, flush=True)
node.close()
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_a_forked_child_is_told_and_may_open_its_own() -> None:
    for _ in range(5):
        with Child(FORK) as child:
            status, out, errors = child.end()
            assert status == 0, errors
            assert out.split() == ["forked"] * 5 + ["None"] + ["forked"] * 2 + ["child", "3", "0"], errors


def test_several_event_loops_use_one_node_at_the_same_time() -> None:
    async def share() -> None:
        async with pair(inbox={"per_peer": 1000}) as (alice, bob):

            async def send(name: str) -> None:
                await asyncio.gather(*(alice.send(bob, f"{name}.{number}") for number in range(20)))

            threads = [threading.Thread(target=asyncio.run, args=(send(str(name)),)) for name in range(3)]
            for thread in threads:
                thread.start()
            seen: set[str] = set()
            while len(seen) < 60:
                async with await bob.receive() as message:
                    seen.add(str(message.content))
            for thread in threads:
                thread.join(PATIENCE)
            assert seen == {f"{name}.{number}" for name in range(3) for number in range(20)}

    run(share())


def test_a_node_outlives_the_loop_that_opened_it() -> None:
    node = run(quiet("alice").open())
    assert run(node.info()).display_name == "alice"
    run(node.close())


def test_garbage_frees_the_folder_and_is_warned_about(tmp_path: Path) -> None:
    async def forget() -> None:
        node = await dmagent.Node(project_dir=tmp_path).open()
        waiting = asyncio.ensure_future(node.receive())
        await asyncio.sleep(0)
        waiting.cancel()

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for _ in range(3):
            run(forget())
            gc.collect()
    told = [warning for warning in caught if issubclass(warning.category, ResourceWarning)]
    assert len([warning for warning in told if "unclosed node" in str(warning.message)]) == 3

    async def again() -> None:
        async with dmagent.Node(project_dir=tmp_path) as node:
            assert (await node.info()).data_dir == str(tmp_path / ".darkmatter")

    run(again())


def test_a_policy_that_knows_its_node_is_no_leak() -> None:
    import weakref

    class Knows:
        def __init__(self, node: dmagent.Node) -> None:
            self.node = node

        def route(self, question: dmagent.MessageQuestion) -> str:
            return "keep"

    async def forget() -> weakref.ref[dmagent.Node]:
        node = await quiet("alice").open()
        node.set_policy(Knows(node))
        return weakref.ref(node)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        found = run(forget())
        gc.collect()
    assert found() is None


def resident() -> int:
    """Memory of this process, in bytes."""
    pages = Path("/proc/self/statm").read_text(encoding="ascii").split()[1]
    return int(pages) * os.sysconf("SC_PAGE_SIZE")


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="this system does not tell memory this way")
def test_memory_stays_where_it_is(tmp_path: Path) -> None:
    """What a message costs for good would show many times over. The library is built without optimisation here, so
    the default is small; `DMAGENT_MESSAGES=10000` takes its time."""
    total, batch = int(os.environ.get("DMAGENT_MESSAGES", "1000")), 50

    async def talk() -> int:
        unlimited = {"peer": None, "stranger_per_source": None, "strangers_total": None, "ping": None}
        settings = {"limits": unlimited, "durability": "memory"}
        async with (
            dmagent.Node(project_dir=tmp_path / "alice", **settings) as alice,  # type: ignore[arg-type]
            dmagent.Node(project_dir=tmp_path / "bob", **settings) as bob,  # type: ignore[arg-type]
        ):
            await alice.connect(await address(bob))

            async def exchange(messages: int) -> None:
                for _ in range(messages // batch):
                    await asyncio.gather(*(alice.send(bob, "x" * 1000) for _ in range(batch)))
                    for _ in range(batch):
                        async with await bob.receive():
                            pass

            await exchange(max(200, total // 4))
            gc.collect()
            before = resident()
            await exchange(total)
            gc.collect()
            return resident() - before

    for name in ("alice", "bob"):
        (tmp_path / name).mkdir()
    growth = asyncio.run(talk())
    print(f"{growth / total:.0f} bytes a message")
    # The conversation log and the seen ids grow up to their limits.
    assert growth < 8 * 1024 * 1024 + total * 1024, f"{growth / 1024 / 1024:.1f} MiB more"


LEAVING = """
import asyncio, os, sys, dmagent, dmagent.sync

def forked():
    child = os.fork()
    if child == 0:
        sys.exit(int(sys.argv[2]))
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])

def leave():
    with dmagent.sync.Node.ephemeral(http=True) as alice, dmagent.sync.Node.ephemeral(http=True) as bob:
        alice.send(alice.connect(bob.info().url), "hello")
        with bob.receive() as message:
            print(message.content, forked(), flush=True)

async def leave_async():
    try:
        async with dmagent.Node.ephemeral(http=True) as alice, dmagent.Node.ephemeral(http=True) as bob:
            await alice.send(await alice.connect((await bob.info()).url), "hello")
            async with await bob.receive() as message:
                print(message.content, forked(), flush=True)
    except SystemExit as end:
        # The child has the selector of its parent's event loop: closing it there would deafen the parent.
        os._exit(end.code)

def leave_alone():
    with dmagent.sync.Node.ephemeral(http=True) as alice, dmagent.sync.Node.ephemeral(http=True) as bob:
        alice.send(alice.connect(bob.info().url), "hello")
        with bob.receive() as message:
            child = os.fork()
            if child:
                print(message.content, os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
    if child == 0:
        sys.exit(int(sys.argv[2]))

if sys.argv[1] == "leave_async":
    asyncio.run(leave_async())
else:
    globals()[sys.argv[1]]()
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
@pytest.mark.parametrize("way", ["leave", "leave_async", "leave_alone"])
def test_a_forked_child_leaves_the_blocks_of_its_parent_without_a_word(way: str) -> None:
    for status in ("0", "3"):
        with Child(LEAVING, way, status) as child:
            assert child.end() == (0, f"hello {status}\n", "")


def test_a_stream_of_events_and_an_inbox_have_their_node_which_else_is_collected() -> None:
    import weakref
    from collections.abc import Callable

    def left(hold: Callable[[sync.Node], object]) -> tuple[object, weakref.ref[sync.Node]]:
        node = sync.Node.ephemeral().open()
        return hold(node), weakref.ref(node)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        nothing, gone = left(lambda _: None)
        inbox, of_inbox = left(sync.Node.inbox)
        events, of_events = left(sync.Node.events)
        gc.collect()
    assert nothing is gone() is None and inbox is not None
    for found in (of_inbox(), of_events()):
        assert found is not None
        found.trust.set("0" * 64, 0.5)
        found.close()
    assert isinstance(events, sync.Events)
    assert [event.type for event in events if isinstance(event, dmagent.Event)] == ["trust_changed"]
