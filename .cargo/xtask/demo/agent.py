"""The Python agent of the demo: it multiplies the numbers in whatever it is asked.

    python agent.py '{"project_dir": "…", "display_name": "alice"}'

The same program as `core/examples/agent.rs`: prints one JSON line with its id, URL and the token of the local API,
then one for each message it takes and each it has handled, until its standard input ends. A message with the metadata
`{"think_secs": 3}` is answered after that time.
"""

from __future__ import annotations

import asyncio
import json
import math
import os
import re
import sys
import threading
from typing import Any

import dmagent


def answer(question: str) -> str:
    """The product of the numbers in a question. A question is data: it is searched, never obeyed."""
    numbers = [int(digits) for digits in re.findall(r"\d{1,6}", question)[:4]]
    return str(math.prod(numbers)) if numbers else "I only multiply."


def tell(**line: Any) -> None:
    print(json.dumps(line), flush=True)


async def main() -> None:
    settings = json.loads(sys.argv[1])
    async with dmagent.Node(**settings) as node:
        info = await node.info()
        tell(agent_id=node.agent_id, url=info.url, token=node.local_token)
        over, loop = asyncio.Event(), asyncio.get_running_loop()
        work = asyncio.create_task(answer_all(node))
        work.add_done_callback(lambda _: over.set())
        # Ends with whoever started it, also when that was killed.
        threading.Thread(target=wait_for_end_of_input, args=(loop, over), daemon=True).start()
        await over.wait()
        if work.done():
            work.result()
        work.cancel()


def wait_for_end_of_input(loop: asyncio.AbstractEventLoop, over: asyncio.Event) -> None:
    while os.read(0, 4096):
        pass
    loop.call_soon_threadsafe(over.set)


async def answer_all(node: dmagent.Node) -> None:
    async for message in node.inbox(kinds=["peer"]):
        async with message:
            tell(event="took", message_id=message.message_id)
            # Answers are not answered, or two agents would never stop.
            if message.in_reply_to is None:
                await asyncio.sleep(min(float(message.metadata.get("think_secs", 0)), 60))
                await message.reply(answer(message.content))
        # Leaving the block acknowledged it: an agent that dies before gets the message again.
        tell(event="handled", message_id=message.message_id)


if __name__ == "__main__":
    asyncio.run(main())
