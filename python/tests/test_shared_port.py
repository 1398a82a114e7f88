"""Several nodes of one process at one port."""

from __future__ import annotations

import asyncio
import json
import os
import urllib.error
import urllib.request
from typing import Any

import dmagent
import pytest
from conftest import Child, quiet, run


def sharing(name: str, port: int = 0, **settings: Any) -> dmagent.Node:
    return quiet(name, shared_port=True, port=port, **settings)


def ask(url: str) -> tuple[int, Any]:
    """Blocks: for a thread beside the event loop, which the nodes answer from."""
    try:
        with urllib.request.urlopen(url, timeout=60) as reply:
            return reply.status, json.load(reply)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


def test_each_that_shares_its_port_is_written_to_at_its_place() -> None:
    async def live() -> None:
        async with sharing("alice") as alice:
            info = await alice.info()
            port = info.port
            assert port is not None
            root = f"http://127.0.0.1:{port}"
            assert info.url == f"{root}/agents/{alice.agent_id}"
            async with sharing("bob", port) as bob, sharing("carol", port) as carol, quiet("dora") as dora:
                for one, other in [(alice, bob), (carol, bob), (dora, carol)]:
                    peer = await one.connect((await other.info()).url)
                    assert peer.agent_id == other.agent_id
                for one, other in [(alice, bob), (bob, alice), (bob, carol), (carol, dora), (dora, carol)]:
                    await one.send(other, f"to {other.agent_id}")
                    async with await other.receive(from_=one) as message:
                        assert message.content == f"to {other.agent_id}"
                status, listed = await asyncio.to_thread(ask, f"{root}/__darkmatter__/local_agents")
                assert (status, listed["count"]) == (200, 3)
                with pytest.raises(dmagent.DmError) as refused:
                    await sharing("erin", port, network_tier="local").open()
                assert refused.value.code == "config_invalid" and "network_tier" in str(refused.value)
                await alice.close()
                status, document = await asyncio.to_thread(ask, f"{root}/__darkmatter__/status")
                assert (status, document["agent_id"]) == (200, bob.agent_id)
                gone = await asyncio.to_thread(ask, f"{root}/__darkmatter__/{alice.agent_id}/status")
                assert gone == (503, {"error": "Agent not initialized", "code": "peer_not_connected"})

    run(live())


FORK = """
import os, dmagent, dmagent.sync
def open(port):
    return dmagent.sync.Node.ephemeral(http=True, shared_port=True, port=port).open()
parents = open(0)
port = parents.info().port
child = os.fork()
if child == 0:
    try:
        open(port)
    except dmagent.DmError as error:
        print(error.code)
    first = open(0)
    second = open(first.info().port)
    print(first.info().port == second.info().port != port, flush=True)
    raise SystemExit(3)
_, status = os.waitpid(child, 0)
print(os.waitstatus_to_exitcode(status), open(port).info().port == port, flush=True)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_a_forked_child_shares_its_port_with_nobody_of_its_parent() -> None:
    for _ in range(3):
        with Child(FORK) as child:
            status, out, errors = child.end()
            assert status == 0, errors
            assert out.split() == ["bind_failed", "True", "3", "True"], errors
