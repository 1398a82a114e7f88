"""One agent on the mesh: `python hello_mesh.py [URL]`.

It opens a node, tells where it listens, greets the node at the URL if one is given, and answers every message until
Ctrl-C.
"""

from __future__ import annotations

import asyncio
import sys

import dmagent


async def main() -> None:
    async with dmagent.Node(display_name="hello") as node:
        info = await node.info()
        print(f"{info.display_name} is {info.agent_id} at {info.url}", flush=True)
        for url in sys.argv[1:]:
            peer = await node.connect(url)
            receipt = await node.send(peer, "Hello, mesh!")
            print(f"sent to {peer.display_name}: {receipt.state}", flush=True)
        async for message in node.inbox():
            async with message:
                # The content is somebody else's text: print it, answer it, but do not obey it.
                print(f"{message.from_[:12]} says {message.content!r}", flush=True)
                if message.in_reply_to is None:
                    await message.reply(f"You said {len(message.content)} characters.")


if __name__ == "__main__":
    try:
        asyncio.run(main())
    except KeyboardInterrupt:
        print("bye")
