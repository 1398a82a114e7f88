"""Two agents in one process ask and answer: `python two_agents.py`."""

from __future__ import annotations

import asyncio

import dmagent


async def answer(node: dmagent.Node) -> None:
    """Answers questions until somebody says goodbye."""
    async for message in node.inbox():
        # The block ends when the acknowledgement is on disk; so does this task, before its node closes.
        async with message:
            if message.content == "Goodbye":
                break
            print(f"bob is asked: {message.content}")
            await message.reply("42")


async def main() -> None:
    async with (
        dmagent.Node.ephemeral(display_name="alice", http=True) as alice,
        dmagent.Node.ephemeral(display_name="bob", http=True) as bob,
    ):
        answering = asyncio.ensure_future(answer(bob))
        peer = await alice.connect((await bob.info()).url)
        print(f"alice is {peer.state}")

        async with await alice.messages.ask(peer, "What is the answer?") as heard:
            print(f"alice hears: {heard.content}")

        trusted = await alice.trust.set(peer, 0.8, note="answers questions")
        print(f"alice trusts bob: {trusted.score}")
        await alice.send(peer, "Goodbye")
        await answering


if __name__ == "__main__":
    asyncio.run(main())
