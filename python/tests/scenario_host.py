"""The host of the scenarios for asyncio; `core/tests/scenarios/README.md` has its protocol.

It reads commands as JSON lines, carries one node, and ends with its standard input.
"""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Any

import dmagent


class Host:
    """One node at a time, and the messages that nobody has handled yet."""

    node: dmagent.Node

    def __init__(self) -> None:
        self.held: dict[int, dmagent.Message] = {}

    async def obey(self, command: dict[str, Any]) -> None:
        try:
            answer: dict[str, Any] = {"ok": plain(await self.done(command))}
        except dmagent.DmError as error:
            answer = {"error": told(error)}
        except Exception as error:
            answer = {"fault": f"{type(error).__name__}: {error}"}
        say({"id": command["id"], **answer})

    async def done(self, command: dict[str, Any]) -> Any:
        if "open" in command:
            node = await dmagent.Node(**command["open"]).open()
            self.node, self.held = node, {}
            return {"agent_id": node.agent_id, "url": (await node.info()).url, "token": node.local_token}
        if "events" in command:
            asyncio.create_task(listen(command["id"], self.node.events()))
            return None
        if "close" in command:
            return await self.node.close()
        if "by_name" in command:
            return await self.node.call(command["by_name"], **command["with"])
        return await self.call(command["call"], command["with"])

    async def call(self, verb: str, given: dict[str, Any]) -> Any:
        settles = verb in ("messages.acknowledge", "messages.release")
        held = self.held.pop(given["sequence"], None) if settles else None
        if held is not None:
            delay = given.get("delay_secs", 0.0)
            return await held.acknowledge() if verb == "messages.acknowledge" else held.release(delay)
        if "from" in given:
            given["from_"] = given.pop("from")
        noun, method = verb.split(".")
        result = await getattr(self.node if noun == "node" else getattr(self.node, noun), method)(**given)
        if isinstance(result, dmagent.Message):
            self.held[result.sequence] = result
        return result


async def listen(listener: int, events: dmagent.Events) -> None:
    async for event in events:
        say({"id": listener, "event": plain(event)})


def plain(value: Any) -> Any:
    """Records as JSON holds them."""
    if isinstance(value, list):
        return [plain(item) for item in value]
    return value.to_json() if hasattr(value, "to_json") else value


def told(error: dmagent.DmError) -> dict[str, Any]:
    return {
        "code": error.code,
        "retryable": error.retryable,
        "class": type(error).__name__,
        "message": str(error),
        "context": error.context,
    }


def say(line: dict[str, Any]) -> None:
    print(json.dumps(line), flush=True)


async def main() -> None:
    reader = asyncio.StreamReader(limit=2**24)
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    host = Host()
    running: set[asyncio.Task[None]] = set()
    while line := await reader.readline():
        task = asyncio.create_task(host.obey(json.loads(line)))
        running.add(task)
        task.add_done_callback(running.discard)
    # The end of the input: whoever still waits hears that the node is closed.
    if hasattr(host, "node"):
        await host.node.close()
    await asyncio.gather(*running)


asyncio.run(main())
