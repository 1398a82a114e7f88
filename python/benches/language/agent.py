"""The benchmark of the languages, in Python. See `core/benches/language/README.md`."""

from __future__ import annotations

import asyncio
import sys
import time
from typing import Any

import dmagent

# How many messages of a pair are under way.
AT_ONCE = 32


def on_disk(folder: str, durability: str) -> dict[str, Any]:
    return {"project_dir": folder, "durability": durability, "limits": {"peer": None}}


async def receive(settings: dict[str, Any]) -> None:
    async with dmagent.Node(**settings) as node:
        print((await node.info()).url, flush=True)

        async def handle() -> None:
            async for message in node.inbox(kinds=["peer"]):
                async with message:
                    waited = time.time_ns() - int(str(message.content))
                print(waited, flush=True)

        handling = asyncio.ensure_future(handle())
        await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
        handling.cancel()


async def send(settings: dict[str, Any], url: str) -> None:
    async with dmagent.Node(**settings) as node:
        peer = await node.connect(url)
        # It has nothing else to do while it waits for its next line.
        for _ in sys.stdin:
            await node.send(peer, f"{time.time_ns():<256}")


async def pair(count: int) -> None:
    def quiet() -> dmagent.Node:
        return dmagent.Node.ephemeral(http=False, memory=True, limits={"peer": None})

    async with quiet() as sender, quiet() as receiver:
        peer = await sender.connect((await receiver.info()).url)
        handled = [asyncio.Event() for _ in range(AT_ONCE)]

        async def work(worker: int, messages: int) -> None:
            for _ in range(messages):
                await sender.send(peer, f"{worker:<256}")
                await handled[worker].wait()
                handled[worker].clear()

        began = time.perf_counter()
        shares = [count // AT_ONCE + (worker < count % AT_ONCE) for worker in range(AT_ONCE)]
        sending = asyncio.gather(*(work(worker, share) for worker, share in enumerate(shares)))
        number, early = 0, 0
        async for message in receiver.inbox(kinds=["peer"]):
            async with message:
                worker = int(str(message.content))
            handled[worker].set()
            number += 1
            if number == -(-count // 10):
                early = resident_kib()
            if number == count:
                break
        rate = count / (time.perf_counter() - began)
        await sending
        print(f"{rate:.0f} {early} {resident_kib()}", flush=True)


def resident_kib() -> int:
    """How much memory this process has in use. Linux only."""
    with open("/proc/self/status", encoding="ascii") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmRSS:"))


match sys.argv[1:]:
    case ["receive", folder, durability]:
        asyncio.run(receive(on_disk(folder, durability)))
    case ["send", folder, durability, url]:
        asyncio.run(send(on_disk(folder, durability), url))
    case ["pair", count]:
        asyncio.run(pair(int(count)))
    case _:
        sys.exit("receive FOLDER DURABILITY, send FOLDER DURABILITY URL, or pair COUNT")
