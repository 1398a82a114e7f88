"""What Python holds does not grow with the messages it has handled."""

from __future__ import annotations

import json

from conftest import Child

# Two nodes of one process, 32 messages under way; the blocks of memory that Python has in use after a fifth of the
# messages and at the end.
PROGRAM = """
import asyncio, gc, json, sys
import dmagent

ALL, AT_ONCE = 100_000, 32

def blocks():
    gc.collect()
    return sys.getallocatedblocks()

def quiet():
    return dmagent.Node.ephemeral(http=False, memory=True, limits={"peer": None})

async def main():
    async with quiet() as sender, quiet() as receiver:
        peer = await sender.connect((await receiver.info()).url)
        handled = [asyncio.Event() for _ in range(AT_ONCE)]

        async def work(worker):
            for _ in range(ALL // AT_ONCE):
                await sender.send(peer, str(worker))
                await handled[worker].wait()
                handled[worker].clear()

        sending = asyncio.gather(*(work(worker) for worker in range(AT_ONCE)))
        number = early = 0
        async for message in receiver.inbox(kinds=["peer"]):
            async with message:
                worker = int(str(message.content))
            number += 1
            if number == ALL // 5:
                early = blocks()
            handled[worker].set()
            if number == ALL:
                break
        await sending
        print(json.dumps({"number": number, "early": early, "late": blocks()}))

asyncio.run(main())
"""


def test_what_python_holds_is_stable_over_100_000_messages() -> None:
    with Child(PROGRAM) as child:
        status, out, errors = child.end(patience=1200.0)
    assert status == 0, errors
    counted = json.loads(out)
    assert counted["number"] == 100_000
    # A leak of one object for each message would be 80,000 blocks.
    assert counted["late"] - counted["early"] < 2_000, counted
