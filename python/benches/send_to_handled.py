"""From one Python agent to another, in two processes: how long from `send` to the message in the hands of the host.

Compared with the same body posted by `httpx` to a bare handler under `uvicorn`, in two processes as well, under the
interpreter of `DMAGENT_PEER_PYTHON`, which has both. All use the clock of the machine.
"""

from __future__ import annotations

import asyncio
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

MESSAGES = 300
WARMUP = 30


def filled(moment: int) -> str:
    """A body of 256 characters that says when it was sent."""
    return f"{moment:<256}"


# The receivers say where they listen, then for each message how long it took, in nanoseconds.


async def receive_as_agent(durability: str) -> None:
    import dmagent

    with tempfile.TemporaryDirectory() as folder:
        settings: dict[str, Any] = {"project_dir": folder, "durability": durability, "limits": {"peer": None}}
        async with dmagent.Node(**settings) as node:
            print((await node.info()).url, flush=True)
            async for message in node.inbox():
                async with message:
                    print(time.time_ns() - int(str(message.content).strip()), flush=True)


def receive_as_server() -> None:
    import socket

    import uvicorn  # type: ignore[import-not-found]

    async def app(scope: dict[str, Any], receive: Callable[[], Any], send: Callable[[Any], Awaitable[None]]) -> None:
        body, more = b"", True
        while more:
            event = await receive()
            body += event.get("body", b"")
            more = event.get("more_body", False)
        print(time.time_ns() - int(body), flush=True)
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
        await send({"type": "http.response.body", "body": b"{}"})

    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        print(f"http://127.0.0.1:{listener.getsockname()[1]}", flush=True)
        config = uvicorn.Config(app, log_level="error", lifespan="off")
        uvicorn.Server(config).run(sockets=[listener])


@asynccontextmanager
async def receiver(*role: str) -> AsyncIterator[Any]:
    """The other process."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, __file__, *role, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL
    )
    try:
        yield process.stdout
    finally:
        process.terminate()
        await process.wait()


async def send_as_agent(durability: str) -> list[int]:
    import dmagent

    with tempfile.TemporaryDirectory() as folder:
        settings: dict[str, Any] = {"project_dir": folder, "durability": durability, "limits": {"peer": None}}
        async with receiver("agent", durability) as lines, dmagent.Node(**settings) as node:
            peer = await node.connect((await lines.readline()).decode().strip())
            waits = []
            for _ in range(MESSAGES):
                await node.send(peer, filled(time.time_ns()))
                waits.append(int(await lines.readline()))
            return waits


async def send_as_client() -> list[int]:
    import httpx  # type: ignore[import-not-found]

    async with receiver("server") as lines, httpx.AsyncClient(trust_env=False) as client:
        url = (await lines.readline()).decode().strip()
        # It says where before it listens.
        await asyncio.sleep(1)
        waits = []
        for _ in range(MESSAGES):
            await client.post(url, content=filled(time.time_ns()))
            waits.append(int(await lines.readline()))
        return waits


def micros(waits: list[int]) -> float:
    return statistics.median(waits[WARMUP:]) / 1000


def main() -> None:
    bare = None
    if python := os.environ.get("DMAGENT_PEER_PYTHON"):
        done = subprocess.run([python, __file__, "client"], check=True, capture_output=True, text=True)
        bare = float(done.stdout)
    print(f"medians of {MESSAGES - WARMUP} messages of 256 bytes\n")
    print("| way | µs | of bare | aim |\n|---|---|---|---|")
    if bare is None:
        print("| httpx to uvicorn | left out: DMAGENT_PEER_PYTHON names no interpreter | | |")
    else:
        print(f"| httpx to uvicorn | {bare:.0f} | 1.00 | |")
    for durability in ("memory", "grouped"):
        waited = micros(asyncio.run(send_as_agent(durability)))
        ratio = "" if bare is None else f"{waited / bare:.2f}"
        print(f"| agent to agent, {durability} | {waited:.0f} | {ratio} | 0.7 |")


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["agent", durability]:
            asyncio.run(receive_as_agent(durability))
        case ["server"]:
            receive_as_server()
        case ["client"]:
            print(micros(asyncio.run(send_as_client())))
        case _:
            main()
