"""Two agents meet, and one greets the other: `python hello_mesh.py`."""

import asyncio

import dmagent


async def main() -> None:
    async with (  # nothing on disk: for trying and testing
        dmagent.Node.ephemeral(http=True) as alice,
        dmagent.Node.ephemeral(http=True) as bob,
    ):
        peer = await alice.connect((await bob.info()).url)
        receipt = await alice.send(peer, "Hello, mesh!")
        print(f"alice's message is {receipt.state}")

        async with await bob.receive() as message:  # leaving the block acknowledges
            print(f"bob reads: {message.content}")


asyncio.run(main())
