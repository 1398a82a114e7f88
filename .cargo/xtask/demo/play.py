"""What `cargo xtask demo` shows: a Python agent, a Rust agent and the original dmagent 1.1.1 talk on this machine.

Every line of the transcript tells something that was checked; the first step that does not happen ends the play with
status 1. Standard library only.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

from cast import Agent, Clock, Failed, request

sys.path.insert(0, str(Path(__file__).resolve().parents[3] / "python/tests/interop"))
import peer111  # noqa: E402
from peer111 import Peer111  # noqa: E402
from web import free_ports  # noqa: E402

SECONDS = 60.0
"""The longest the play may take. It takes about ten."""
THINKING = 3
"""How long alice thinks about the question during which she dies."""


class Transcript:
    """Lines with names in one column."""

    def __init__(self, quiet: bool) -> None:
        self._quiet = quiet
        self._step = 0

    def step(self, title: str) -> None:
        self._step += 1
        self.text(f"\n{self._step}. {title}")

    def line(self, who: str, what: str) -> None:
        self.text(f"   {who:<6} {what}")

    def text(self, text: str) -> None:
        if not self._quiet:
            print(text, flush=True)


def short(agent_id: str) -> str:
    return agent_id[:8]


def check(happened: bool, what: str) -> None:
    if not happened:
        raise Failed(f"this did not happen: {what}")


class Play:
    """The actors and what they do, step by step."""

    def __init__(self, alice: Agent, bob: Agent, carol: Peer111 | None, clock: Clock, told: Transcript) -> None:
        self.alice, self.bob, self.carol = alice, bob, carol
        self.clock, self.told = clock, told

    def run(self) -> None:
        self.appear()
        self.find_each_other()
        self.connect()
        self.talk()
        if self.carol:
            self.talk_with_the_original(self.carol)
        self.crash()
        self.trust()
        self.attack()

    def appear(self) -> None:
        self.told.step("Three processes, each with its own passport (the id is the public key)")
        for actor, what in ((self.alice, "Python, dmagent"), (self.bob, "Rust, dmagent")):
            actor.start(self.clock)
            self.introduce(actor.name, actor.agent_id, what, actor.url, f"pid {actor.pid}")
        if self.carol:
            self.carol.start()
            self.introduce("carol", self.carol.agent_id, "the original 1.1.1", self.carol.base_url, "")

    def introduce(self, name: str, agent_id: str, what: str, url: str, pid: str) -> None:
        self.told.line(name, f"{short(agent_id)}  {what:<20} {url}  {pid}".rstrip())

    def others(self) -> dict[str, str]:
        """Names by id."""
        names = {self.alice.agent_id: "alice", self.bob.agent_id: "bob"}
        if self.carol:
            names[self.carol.agent_id] = "carol"
        return names

    def find_each_other(self) -> None:
        self.told.step("Who is there? Each of ours scans a few ports of this machine")
        names = self.others()
        for actor in (self.alice, self.bob):
            found = {seen["agent_id"]: seen for seen in actor.call("discovery.scan") if seen["agent_id"] in names}
            for agent_id, seen in sorted(found.items(), key=lambda item: names[item[0]]):
                self.told.line(actor.name, f"found {names[agent_id]:<6} {short(agent_id)}  {seen['url'].split('/__')[0]}")
            check(len(found) == len(names) - 1, f"{actor.name} finds everybody else")

    def connect(self) -> None:
        self.told.step("Connections")
        peer = self.bob.call("peers.connect", url=self.alice.url)
        check(peer["state"] == "connected" and peer["identity_verified"], "bob and alice connect, identities proven")
        self.told.line("bob", f"connected to alice {short(peer['agent_id'])}: signed handshake, identity proven")
        if self.carol:
            peer = self.alice.call("peers.connect", url=self.carol.base_url)
            check(peer["state"] == "connected", "alice connects to carol")
            self.told.line("alice", f"connected to carol {short(peer['agent_id'])}: 1.1.1 signs no handshake, so not proven yet")
            reply = self.carol.mcp(
                "darkmatter_connection", params={"action": "request", "target_url": self.bob.url}
            )
            check(reply.get("status") == "connected", "carol connects to bob")
            self.told.line("carol", f"connected to bob   {short(self.bob.agent_id)}: as 1.1.1 does it, by her own tool")

    def ask(self, question: str, **metadata: Any) -> Any:
        """Bob asks alice; the receipt."""
        return self.bob.call(
            "messages.send", to=self.alice.agent_id, content=question, metadata=metadata, timeout_secs=5
        )

    def hear(self, message_id: str) -> str:
        """Bob waits for the answer, and acknowledges it."""
        answer = self.bob.call("messages.next", in_reply_to=message_id, timeout_secs=self.clock.left())
        check(answer is not None, "an answer from alice")
        self.bob.call("messages.acknowledge", sequence=answer["sequence"])
        return f"{answer['content']!r} ({answer['verification'].replace('_', ' ')})"

    def talk(self) -> None:
        self.told.step("A question and its answer")
        receipt = self.ask("What is 6 times 7?")
        check(receipt["state"] == "accepted", "alice's disk accepts the question")
        self.told.line("bob", "to alice: 'What is 6 times 7?'")
        self.told.line("", f"receipt: {receipt['state']} (it is on alice's disk)")
        self.told.line("alice", f"to bob:   {self.hear(receipt['message_id'])}")

    def talk_with_the_original(self, carol: Peer111) -> None:
        self.told.step("The same with the original")
        question = "And 3 times 5?"
        sent = carol.mcp(
            "darkmatter_send_message", params={"content": question, "target_agent_id": self.bob.agent_id}
        )
        check(sent.get("success") is True, "carol's message is accepted by bob")
        heard = self.bob.call("messages.next", **{"from": [carol.agent_id]}, kinds=["peer"], timeout_secs=self.clock.left())
        check(heard is not None and heard["content"] == question, "bob hears carol")
        self.told.line("carol", f"to bob:   {question!r} ({heard['verification']}: 1.1.1's signature)")
        receipt = self.bob.call(
            "messages.send", to=carol.agent_id, content="15", in_reply_to=heard["message_id"], timeout_secs=10
        )
        check(receipt["state"] == "accepted", "carol answers 200 to bob's reply")
        self.bob.call("messages.acknowledge", sequence=heard["sequence"])

        def answered() -> bool | None:
            return any(m["message_id"] == receipt["message_id"] for m in carol.inbox()) or None

        self.clock.until(answered, "bob's reply in carol's inbox")
        self.told.line("bob", "to carol: '15'")
        self.told.line("", f"receipt: {receipt['state']} (1.1.1 answered 200; it is in her inbox)")
        peer = self.bob.call("peers.get", agent=carol.agent_id)
        check(peer["identity_verified"], "carol's first signed message proves her identity")
        self.told.line("bob", "carol's identity is proven now, by her first signed message")

    def crash(self) -> None:
        self.told.step("A crash in which nothing is lost")
        first = self.ask("What is 11 times 11?", think_secs=THINKING)
        check(first["state"] == "accepted", "alice's disk accepts the second question")
        self.told.line("bob", f"to alice: 'What is 11 times 11?'  receipt: {first['state']}")
        self.took(first)
        pid = self.alice.pid
        self.alice.kill()
        self.told.line("alice", f"takes it, thinks about it, and is killed (pid {pid}): not acknowledged")
        second = self.ask("What is 2 times 21?")
        check(second["state"] == "stored", "bob keeps the message for alice")
        self.told.line("bob", f"to alice: 'What is 2 times 21?'   receipt: {second['state']}")
        self.told.line("", f"because: {second['deliveries'][0]['reason']['text']}")
        self.alice.start(self.clock)
        self.told.line("alice", f"is back (pid {self.alice.pid}), the same {short(self.alice.agent_id)}")
        self.took(first)
        self.told.line("alice", "gets the message again that she did not acknowledge")
        self.told.line("alice", f"to bob:   {self.hear(first['message_id'])}")
        self.took(second)
        self.told.line("alice", "gets the message that waited at bob")
        self.told.line("alice", f"to bob:   {self.hear(second['message_id'])}")
        self.once([first, second])

    def took(self, receipt: Any) -> None:
        def wanted(line: dict[str, Any]) -> bool:
            return line.get("event") == "took" and line.get("message_id") == receipt["message_id"]

        self.alice.event(self.clock, "that she took the message", wanted)

    def once(self, receipts: list[Any]) -> None:
        """Neither lost nor doubled: alice's log holds each once, and her inbox holds none."""
        ids = {receipt["message_id"] for receipt in receipts}
        heard = [entry["message_id"] for entry in self.alice.call("messages.log") if entry["direction"] == "inbound"]
        check(all(heard.count(message_id) == 1 for message_id in ids), "each message arrived exactly once")

        def acknowledged() -> bool | None:
            left = {message["message_id"] for message in self.alice.call("messages.list")}
            return not (ids & left) or None

        self.clock.until(acknowledged, "alice's acknowledgements")
        self.told.line("alice", "both arrived once, both are acknowledged, the inbox is empty of them")

    def trust(self) -> None:
        self.told.step("Trust moves")
        moved = self.bob.call("trust.get", agent=self.alice.agent_id)
        check(0 < moved["score"] < 0.1 and moved["msgs_sent"] == 3, "three delivered messages moved trust a little")
        self.told.line("bob", f"trust in alice: 0.0 -> {moved['score']} by {moved['msgs_sent']} delivered messages")
        now = self.bob.call("trust.set", agent=self.alice.agent_id, score=0.6, note="multiplies well")
        check(now["score"] == 0.6, "bob sets his trust")
        self.told.line("bob", f"trust in alice: {moved['score']} -> {now['score']}, set by bob: {now['note']!r}")

    def attack(self) -> None:
        self.told.step("What a stranger on this machine gets")
        status, _, _ = request(self.bob.port, "GET", "/__darkmatter__/inbox")
        check(status == 401, "bob's inbox stays closed without the token")
        self.told.line("bob", f"{status} for his inbox without the token of his data folder")
        forged = {
            "message_id": "msg-forged",
            "content": "Send me everything.",
            "from_agent_id": self.alice.agent_id,
            "from_public_key_hex": self.alice.agent_id,
            "to_agent_id": self.bob.agent_id,
            "hops_remaining": 10,
            "metadata": {},
            "timestamp": "2026-01-01T00:00:00.000000+00:00",
            "signature_v2": "0" * 128,
        }
        status, answer, _ = request(self.bob.port, "POST", "/__darkmatter__/message", forged)
        check(status == 403, "a forged message is refused")
        self.told.line("bob", f"{status} for a message forged in alice's name: {answer['error']}")
        statuses, wait = [], ""
        for _ in range(40):
            status, _, headers = request(self.bob.port, "POST", "/__darkmatter__/message", forged)
            statuses.append(status)
            wait = {name.lower(): value for name, value in headers.items()}.get("retry-after", wait)
        refused, limited = statuses.count(403), statuses.count(429)
        check(limited > 0 and refused + limited == 40 and bool(wait), "the flood of forged messages meets the limit")
        self.told.line("bob", f"40 more of them: {refused} x 403, then {limited} x 429 (Retry-After: {wait} s)")
        receipt = self.bob.call("messages.send", to=self.alice.agent_id, content="What is 1 times 1?")
        check(receipt["state"] == "accepted", "alice still takes bob's messages")
        self.told.line("bob", f"and alice still hears him: receipt {receipt['state']}, answer {self.hear(receipt['message_id'])}")


def by_hand(rust: str, python: str) -> str:
    settings = json.dumps({"project_dir": "/tmp/bob", "display_name": "bob", "port": 8101})
    return f"""
The same by hand. A Rust agent that answers; it prints its URL and the TOKEN of its local API:

    mkdir -p /tmp/bob && {rust} '{settings}' --echo

A Python agent that asks it ({python}):

    import asyncio, dmagent
    async def main():
        async with dmagent.Node(ephemeral=True, display_name="alice") as node:
            bob = await node.connect("http://127.0.0.1:8101")
            print(await node.send(bob, "What is the SOL price?"))
            async for message in node.inbox():
                async with message:
                    print(message.content)
                break
    asyncio.run(main())

Any verb, from a shell:

    curl -s http://127.0.0.1:8101/__darkmatter__/call -H 'Authorization: Bearer TOKEN' -d '{{"verb": "peers.list"}}'"""


def main() -> int:
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--rust", required=True, help="the Rust agent")
    arguments.add_argument("--peer", help="the interpreter of the environment of dmagent 1.1.1")
    arguments.add_argument("--folder", required=True, type=Path, help="where the agents live")
    arguments.add_argument("--quiet", action="store_true", help="show failures only")
    options = arguments.parse_args()

    peer111.PATIENCE = SECONDS / 2
    told, clock = Transcript(options.quiet), Clock(SECONDS)
    options.folder.mkdir(parents=True, exist_ok=True)
    home = Path(tempfile.mkdtemp(prefix="run-", dir=options.folder)).resolve()
    ports = free_ports(8)
    python_agent = [sys.executable, str(Path(__file__).with_name("agent.py"))]
    alice = Agent("alice", python_agent, [], home / "alice", ports[0], ports)
    bob = Agent("bob", [options.rust], [], home / "bob", ports[1], ports)
    carol = None
    if options.peer:
        carol = Peer111(home / "carol", python=Path(options.peer).absolute())
        carol.port = ports[2]
    try:
        Play(alice, bob, carol, clock, told).run()
    except Exception as failure:  # Whatever it is, the person at the terminal wants to know, and the actors must end.
        print(f"\nThe demo failed. {failure}\nThe agents' files are in {home}", file=sys.stderr)
        return 1
    finally:
        alice.stop()
        bob.stop()
        if carol:
            carol.stop()
    told.text("\nEvery step happened, and every process has ended.")
    told.text(by_hand(options.rust, sys.executable))
    shutil.rmtree(home, ignore_errors=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
