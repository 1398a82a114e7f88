"""Wrong arguments: whatever is passed, the error names the parameter and says what is allowed, in Python's words."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import dmagent
import pytest
from conftest import address, pair, quiet, run
from dmagent import sync, types

NAN, HALF, ID = float("nan"), "\ud800", "1" * 64

# Values of which almost every parameter refuses almost all.
ODD: dict[str, Any] = {
    "none": None,
    "true": True,
    "five": 5,
    "huge": 2**70,
    "longest": 10**5000,
    "nan": NAN,
    "text": "x",
    "empty": "",
    "half": HALF,
    "bytes": b"x",
    "list": [],
    "dict": {},
    "object": object(),
}

# What no user of Python should have to read.
FOREIGN = re.compile(r"\b([uif](8|16|32|64)|usize|null|map|serde|variant|field|invalid type|expected)\b")

Use = Callable[[Any, Any], Any]
TEXT, NUMBER = {"text", "empty"}, {"five"}

# A parameter, a call that passes a value for it, and the odd values that are right there.
PARAMETERS: list[tuple[str, Use, set[str]]] = [
    ("url", lambda node, value: node.connect(value), set()),
    ("expect", lambda node, value: node.connect("http://127.0.0.1:1", expect=value), {"none"}),
    ("to", lambda node, value: node.send(value, "x"), set()),
    ("content", lambda node, value: node.send(ID, value), {"text"}),
    ("metadata", lambda node, value: node.send(ID, "x", metadata=value), {"none", "dict"}),
    ("in_reply_to", lambda node, value: node.send(ID, "x", in_reply_to=value), {"none", "text"}),
    ("hops", lambda node, value: node.send(ID, "x", hops=value), {"none", *NUMBER}),
    ("expires_in_secs", lambda node, value: node.send(ID, "x", expires_in_secs=value), {"none", *NUMBER}),
    ("timeout_secs", lambda node, value: node.send(ID, "x", timeout_secs=value), {"none", *NUMBER}),
    ("nonsense", lambda node, value: node.send(ID, "x", nonsense=value), set()),
    ("hops", lambda node, value: node.messages.send(ID, "x", hops=value), NUMBER),
    ("deadline", lambda node, value: node.messages.send(ID, "x", deadline=value), {"none", *NUMBER}),
    ("budget", lambda node, value: node.messages.send(ID, "x", budget=value), {"none"}),
    ("traceparent", lambda node, value: node.messages.send(ID, "x", traceparent=value), {"none"}),
    ("tracestate", lambda node, value: node.messages.send(ID, "x", tracestate=value), {"none"}),
    ("caused_by", lambda node, value: node.messages.send(ID, "x", caused_by=value), {"none", *NUMBER}),
    ("caused_by", lambda node, value: node.send(ID, "x", caused_by=value), {"none", *NUMBER}),
    ("spend", lambda node, value: node.messages.send(ID, "x", spend=value), {"none"}),
    ("idempotency_key", lambda node, value: node.messages.send(ID, "x", idempotency_key=value), {"none", "text"}),
    ("budget", lambda node, value: node.messages.ask(ID, "x", budget=value), {"none"}),
    ("idempotency_key", lambda node, value: node.messages.ask(ID, "x", idempotency_key=value), {"none", "text"}),
    ("to", lambda node, value: node.messages.forward(value, sequence=1), {"list"}),
    ("sequence", lambda node, value: node.messages.forward(ID, sequence=value), {"none", *NUMBER}),
    ("message_id", lambda node, value: node.messages.forward(ID, message_id=value), {"none", *TEXT}),
    ("keep", lambda node, value: node.messages.forward(ID, sequence=1, keep=value), {"true"}),
    ("note", lambda node, value: node.messages.forward(ID, sequence=1, note=value), {"none", *TEXT}),
    ("force", lambda node, value: node.messages.forward(ID, sequence=1, force=value), {"true"}),
    ("budget", lambda node, value: node.messages.forward(ID, sequence=1, budget=value), {"none"}),
    ("content", lambda node, value: node.messages.broadcast(value), {"text"}),
    ("metadata", lambda node, value: node.messages.broadcast("x", metadata=value), {"none", "dict"}),
    ("top", lambda node, value: node.messages.broadcast("x", top=value), {"none", *NUMBER}),
    # None means no end, and five a wait of five seconds.
    ("timeout", lambda node, value: node.receive(value), {"none", *NUMBER}),
    ("timeout", lambda node, value: node.inbox().next(value), {"none", *NUMBER}),
    ("from_", lambda node, value: node.receive(0, from_=value), {"none"}),
    ("in_reply_to", lambda node, value: node.receive(0, in_reply_to=value), {"none", "text"}),
    ("kinds", lambda node, value: node.receive(0, kinds=value), {"none"}),
    ("from_", lambda node, value: node.messages.next(timeout_secs=0, from_=value), {"none", "list"}),
    ("kinds", lambda node, value: node.messages.next(timeout_secs=0, kinds=value), {"none", "list"}),
    ("timeout_secs", lambda node, value: node.messages.next(timeout_secs=value), {"none", *NUMBER}),
    ("sequence", lambda node, value: node.messages.acknowledge(value), NUMBER),
    ("sequence", lambda node, value: node.messages.release(value), NUMBER),
    ("delay_secs", lambda node, value: node.messages.release(1, delay_secs=value), NUMBER),
    ("limit", lambda node, value: node.messages.log(limit=value), NUMBER),
    ("session", lambda node, value: node.messages.context(value), {"text"}),
    ("message_id", lambda node, value: node.messages.status(value), TEXT),
    ("message_id", lambda node, value: node.messages.until(value, "handled"), TEXT),
    ("state", lambda node, value: node.messages.until("msg-1", value), set()),
    ("timeout_secs", lambda node, value: node.messages.until("msg-1", "handled", timeout_secs=value), {"none", *NUMBER}),
    ("message_id", lambda node, value: node.messages.cancel(value), TEXT),
    ("reason", lambda node, value: node.messages.cancel("msg-1", reason=value), {"none", *TEXT}),
    ("to", lambda node, value: node.messages.ask_stream(value, "x"), set()),
    ("content", lambda node, value: node.messages.ask_stream(ID, value), TEXT),
    ("metadata", lambda node, value: node.messages.ask_stream(ID, "x", metadata=value), {"none", "dict"}),
    ("in_reply_to", lambda node, value: node.messages.ask_stream(ID, "x", in_reply_to=value), {"none", *TEXT}),
    ("timeout_secs", lambda node, value: node.messages.ask_stream(ID, "x", timeout_secs=value), {"none", *NUMBER}),
    ("stream_id", lambda node, value: node.messages.next_part(value), TEXT),
    ("number", lambda node, value: node.messages.next_part("msg-1", number=value), {"none", *NUMBER}),
    ("to", lambda node, value: node.messages.part(value, "msg-1", "x"), set()),
    ("in_reply_to", lambda node, value: node.messages.part(ID, value, "x"), TEXT),
    ("content", lambda node, value: node.messages.part(ID, "msg-1", value), TEXT),
    ("to", lambda node, value: node.messages.finish(value, "msg-1"), set()),
    ("in_reply_to", lambda node, value: node.messages.finish(ID, value), TEXT),
    ("content", lambda node, value: node.messages.finish(ID, "msg-1", content=value), TEXT),
    ("metadata", lambda node, value: node.messages.finish(ID, "msg-1", metadata=value), {"none", "dict"}),
    ("timeout_secs", lambda node, value: node.messages.finish(ID, "msg-1", timeout_secs=value), NUMBER),
    ("limit", lambda node, value: node.messages.sent(limit=value), NUMBER),
    ("limit", lambda node, value: node.messages.receipts(limit=value), NUMBER),
    ("receipt", lambda node, value: node.messages.verify(value), set()),
    ("content", lambda node, value: node.messages.verify("{}", content=value), {"none", *TEXT}),
    ("metadata", lambda node, value: node.messages.verify("{}", metadata=value), {"none", "dict"}),
    ("in_reply_to", lambda node, value: node.messages.verify("{}", in_reply_to=value), {"none", *TEXT}),
    ("agent", lambda node, value: node.peers.get(value), set()),
    ("agent", lambda node, value: node.peers.disconnect(value), set()),
    ("reason", lambda node, value: node.peers.disconnect(ID, reason=value), {"none", "text"}),
    ("agent", lambda node, value: node.peers.of(value), set()),
    ("n", lambda node, value: node.peers.of(ID, n=value), NUMBER),
    ("agent", lambda node, value: node.peers.block(value), set()),
    ("reason", lambda node, value: node.peers.block(ID, reason=value), {"none", "text"}),
    ("agent", lambda node, value: node.peers.unblock(value), set()),
    ("request_id", lambda node, value: node.peers.accept(value), TEXT),
    ("request_id", lambda node, value: node.peers.reject(value), TEXT),
    ("agent", lambda node, value: node.trust.get(value), set()),
    ("agent", lambda node, value: node.trust.set(value, 0.5), set()),
    ("score", lambda node, value: node.trust.set(ID, value), set()),
    ("note", lambda node, value: node.trust.set(ID, 0.5, note=value), {"none", *TEXT}),
    ("agent", lambda node, value: node.trust.forget(value), set()),
    ("peer", lambda node, value: node.trust.ask(value, ID), set()),
    ("about", lambda node, value: node.trust.ask(ID, value), set()),
    ("rules", lambda node, value: node.rules.set(value), {"list"}),
    ("content", lambda node, value: node.rules.test(value, ID), TEXT),
    ("from_", lambda node, value: node.rules.test("x", value), set()),
    ("metadata", lambda node, value: node.rules.test("x", ID, metadata=value), {"none", "dict"}),
    ("name", lambda node, value: node.groups.set(value, [ID]), {"text"}),
    ("members", lambda node, value: node.groups.set("x", value), set()),
    ("name", lambda node, value: node.groups.remove(value), TEXT),
    ("group", lambda node, value: node.groups.find(group=value), {"none", *TEXT}),
    ("match", lambda node, value: node.groups.find(match=value), {"none", "dict"}),
    ("to", lambda node, value: node.groups.find(to=value), {"none", "list"}),
    ("content", lambda node, value: node.groups.send(value, to=ID), TEXT),
    ("mode", lambda node, value: node.groups.send("x", to=ID, mode=value), set()),
    ("metadata", lambda node, value: node.groups.send("x", to=ID, metadata=value), {"none", "dict"}),
    ("in_reply_to", lambda node, value: node.groups.send("x", to=ID, in_reply_to=value), {"none", *TEXT}),
    ("hops", lambda node, value: node.groups.send("x", to=ID, hops=value), NUMBER),
    ("expires_in_secs", lambda node, value: node.groups.send("x", to=ID, expires_in_secs=value), {"none", *NUMBER}),
    ("timeout_secs", lambda node, value: node.groups.send("x", to=ID, timeout_secs=value), NUMBER),
    ("data", lambda node, value: node.passport.sign(value), TEXT),
    ("context", lambda node, value: node.passport.sign("x", context=value), TEXT),
    ("agent", lambda node, value: node.passport.verify(value, "x", "0" * 128), set()),
    ("data", lambda node, value: node.passport.verify(ID, value, "0" * 128), TEXT),
    ("signature", lambda node, value: node.passport.verify(ID, "x", value), TEXT),
    ("context", lambda node, value: node.passport.verify(ID, "x", "0" * 128, context=value), TEXT),
    ("active", lambda node, value: node.update(active=value), {"none", "true"}),
    ("bio", lambda node, value: node.update(bio=value), {"none", *TEXT}),
    ("display_name", lambda node, value: node.update(display_name=value), {"none", "text"}),
    ("verb", lambda node, value: node.call(value), set()),
    ("content", lambda node, value: node.call("messages.send", to=ID, content=value), {"text"}),
    ("nonsense", lambda node, value: node.call("messages.send", to=ID, content="x", nonsense=value), set()),
    ("from", lambda node, value: node.call("messages.next", timeout_secs=0, **{"from": value}), {"list"}),
    ("policy", lambda node, value: node.set_policy(value), {"none"}),
    ("reason", lambda _, value: dmagent.Refuse(value), TEXT),
    ("to", lambda _, value: dmagent.Forward(value), {"list"}),
]

# The settings whose odd values are not all wrong.
FINE: dict[str, set[str]] = {
    "bio": {"none", *TEXT},
    "display_name": {"none", "text"},
    "project_dir": {"none", *TEXT},
    "preferred_dir": {"none", *TEXT},
    "public_url": {"none"},
    "discovery_ports": set(),
    **dict.fromkeys(("ephemeral", "bootstrap_mode", "http", "mailbox", "memory", "receipts", "seal"), {"true"}),
    **dict.fromkeys(("shared_port", "upnp", "use_mailboxes"), {"true"}),
    **dict.fromkeys(("inbox", "limits", "capabilities", "access_overrides"), {"dict"}),
    **dict.fromkeys(("bootstrap_peers", "routing_rules", "trusted_proxies"), {"list"}),
}


def told(error: Exception, name: str, about: str) -> None:
    """Fails unless the error names the parameter and speaks Python."""
    assert isinstance(error, ValueError) and isinstance(error, dmagent.DmError), (about, error)
    assert re.search(rf"\b{name}\b", error.message), (about, str(error))
    assert not FOREIGN.search(error.message), (about, str(error))


def wrong_values(right: set[str]) -> list[tuple[str, Any]]:
    return [(key, value) for key, value in ODD.items() if key not in right]


def test_every_parameter_of_a_node_is_named_when_its_value_is_wrong() -> None:
    async def pass_them() -> None:
        async with quiet("alice") as alice:
            for name, use, right in PARAMETERS:
                for key, value in wrong_values(right):
                    with pytest.raises(Exception) as refused:
                        made = use(alice, value)
                        if inspect.isawaitable(made):
                            await made
                    told(refused.value, name, f"{name}={key}")

    run(pass_them())


def test_every_parameter_of_the_synchronous_node_is_named_when_its_value_is_wrong() -> None:
    with sync.Node.ephemeral() as alice:
        for name, use, right in PARAMETERS:
            for key, value in wrong_values(right):
                with pytest.raises(Exception) as refused:
                    use(alice, value)
                told(refused.value, name, f"{name}={key}")


def test_every_verb_is_among_them() -> None:
    """A parameter that is added without a row above would be tested by nobody."""
    tested = {name for name, _, _ in PARAMETERS}
    for noun in ("NodeVerbs", "Peers", "Messages", "Trust", "Rules", "Groups", "Discovery", "Passport"):
        for name, method in inspect.getmembers(getattr(dmagent._node, noun), inspect.iscoroutinefunction):
            if not name.startswith("_"):
                assert set(inspect.signature(method).parameters) - {"self"} <= tested, name


def test_every_setting_is_named_when_its_value_is_wrong(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in types.Settings.__annotations__:
        numeric = name.endswith(("_secs", "_ms")) or name in ("port", "max_connections", "outbox_limit", "sent_limit")
        for key, value in wrong_values({"five"} if numeric else FINE.get(name, set())):
            with pytest.raises(dmagent.ConfigError) as refused:
                sync.Node.ephemeral(**{name: value}).open()
            told(refused.value, name, f"{name}={key}")


def test_a_place_inside_an_argument_is_told() -> None:
    nested: Any = {"a": [1, 2, 3]}

    async def pass_them() -> None:
        async with pair() as (alice, bob):

            async def refused(metadata: Any) -> str:
                told_by = []
                for verb in (alice.send(bob, "x", metadata=metadata), alice.messages.broadcast("x", metadata=metadata)):
                    with pytest.raises(dmagent.InvalidInputError) as error:
                        await verb
                    told_by.append(error.value.message)
                assert told_by[0] == told_by[1]
                return told_by[0]

            for value, why in (
                (2**60, "is a number beyond 2^53, which cannot be signed"),
                (2**64, "is too large a number"),
                (NAN, "must be a finite number, not nan (float)"),
                ({1}, "must be what JSON can hold: None, bool, int, float, str, list or dict, not set"),
                (HALF, "holds a lone surrogate"),
            ):
                nested["a"][2] = value
                assert (await refused(nested)).startswith(f'metadata["a"][2] {why}'), value
            nested["a"][2] = {5: 1}
            assert await refused(nested) == 'the keys of metadata["a"][2] must be text, not 5 (int)'

            with pytest.raises(dmagent.InvalidInputError, match=r"to\[1\] must be an agent id .* not 5 \(int\)"):
                await alice.send([bob, 5], "x")  # type: ignore[list-item]
            with pytest.raises(dmagent.InvalidInputError, match=r"from_\[1\] must be an agent id .* not 'x' \(str\)"):
                await alice.receive(0, from_=[bob, "x"])
            with pytest.raises(dmagent.InvalidInputError, match=r"kinds\[1\] must be one of 'peer', .*, not 5 \(int\)"):
                await alice.receive(0, kinds=["peer", 5])  # type: ignore[list-item]
            with pytest.raises(dmagent.InvalidInputError, match="kinds must be one of .*, not 'nonsense'"):
                await alice.receive(0, kinds="nonsense")  # type: ignore[arg-type]

    run(pass_them())
    rules: Any = [{"rule_id": "a", "action": "drop"}, {"rule_id": "b", "action": "drop", "priority": "high"}]
    with pytest.raises(dmagent.ConfigError, match=r'routing_rules\[1\]\["priority"\] must be an int .*, not \'high\''):
        sync.Node.ephemeral(routing_rules=rules).open()
    with pytest.raises(dmagent.ConfigError, match=r"routing_rules\[0\] needs `action`: a str"):
        sync.Node.ephemeral(routing_rules=[{"rule_id": "a"}]).open()


def test_a_wait_must_have_a_length() -> None:
    with sync.Node.ephemeral() as alice:
        for seconds in (-1, -0.001, float("inf"), float("-inf"), NAN, 31_536_001):
            with pytest.raises(dmagent.InvalidInputError, match="timeout must be a number from 0 to 31,536,000, not"):
                alice.receive(seconds)
        with pytest.raises(dmagent.InvalidInputError, match="1 to 128 characters, not of 129"):
            alice.receive(in_reply_to="x" * 129)
        assert alice.receive(0, in_reply_to="x" * 128) is None


def test_a_message_names_what_it_cannot_use() -> None:
    async def handle() -> None:
        async with pair() as (alice, bob):
            await alice.send(bob, "hello")
            message = await bob.receive()
            for key, value in wrong_values({"five", "true"}) + [("true", True), ("negative", -1)]:
                with pytest.raises(dmagent.InvalidInputError) as refused:
                    message.release(value)
                told(refused.value, "delay", key)
            with pytest.raises(dmagent.InvalidInputError, match="content must be a str, not bytes"):
                await message.reply(b"x")  # type: ignore[arg-type]
            with pytest.raises(dmagent.InvalidInputError, match="reply takes no in_reply_to"):
                await message.reply("x", in_reply_to="y")  # type: ignore[call-arg]
            # It is still in hand.
            await message.acknowledge()

    run(handle())


def test_a_class_is_no_policy() -> None:
    class Decides:
        def route(self, question: dmagent.MessageQuestion) -> str:
            return "keep"

    with sync.Node.ephemeral() as alice:
        with pytest.raises(dmagent.InvalidInputError, match="policy must be .*, not the class Decides; make an object"):
            alice.set_policy(Decides)
        alice.set_policy(Decides())


def test_a_url_that_cannot_be_used_is_told() -> None:
    async def dial() -> None:
        async with quiet("alice") as alice:
            own = await address(alice)
            for url, why in (
                ("ftp://host", "url cannot be used: URL scheme must be http or https, got 'ftp'"),
                (own, "url is this node's own address"),
            ):
                with pytest.raises(dmagent.InvalidInputError, match=why):
                    await alice.connect(url)

    run(dial())
