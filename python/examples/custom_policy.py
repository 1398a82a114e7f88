"""An agent that decides for itself whom it talks to: `python custom_policy.py`."""

from __future__ import annotations

import asyncio
from typing import Literal

import dmagent


class Doorkeeper:
    """Lets friends in, takes no advertisements, and does not disturb the agent with chatter.

    Methods may be plain or async. One that raises or takes too long means the safe answer: a connection waits for a
    decision, and a message stays with its sender.
    """

    def __init__(self, friends: set[str]) -> None:
        self.friends = friends

    async def admit_connection(self, question: dmagent.ConnectionQuestion) -> str | dmagent.Refuse:
        # The id is proven; the name is whatever the other side likes.
        if question.agent_id in self.friends:
            return "accept"
        return dmagent.Refuse("I only talk to friends")

    def admit_message(self, question: dmagent.MessageQuestion) -> str | dmagent.Refuse:
        return dmagent.Refuse("No advertisements") if "buy now" in question.content.lower() else "accept"

    def route(self, question: dmagent.MessageQuestion) -> Literal["drop"] | None:
        return "drop" if question.metadata.get("type") == "chatter" else None


async def main() -> None:
    async with (
        dmagent.Node.ephemeral(display_name="alice", http=True) as alice,
        dmagent.Node.ephemeral(display_name="mallory", http=True) as mallory,
        dmagent.Node.ephemeral(display_name="bob", http=True) as bob,
    ):
        bob.set_policy(Doorkeeper(friends={alice.agent_id}))
        url = (await bob.info()).url
        try:
            await mallory.connect(url)
        except dmagent.RefusedError as error:
            print(f"mallory is refused: {error.code}")
        peer = await alice.connect(url)
        print(f"alice is {peer.state}")

        advertisement = await alice.send(peer, "Buy now!")
        print(f"the advertisement is {advertisement.state}")
        await alice.send(peer, "Nice weather", metadata={"type": "chatter"})
        await alice.send(peer, "Your house is on fire")
        async with await bob.receive() as message:
            print(f"bob reads: {message.content}")


if __name__ == "__main__":
    asyncio.run(main())
