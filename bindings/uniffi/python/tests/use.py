"""Uses what uniffi generates for Python once: `python use.py LIBRARY`.

The Python package of this project is `python/`. This only shows that the interface as a whole works from one more language.
"""

from __future__ import annotations

import asyncio
import ctypes
import importlib.util
import sys
from pathlib import Path


def generated(library: str):  # type: ignore[no-untyped-def]
    """The generated module, with the library from where it was built: it looks for one beside itself."""
    original = ctypes.cdll.LoadLibrary
    ctypes.cdll.LoadLibrary = lambda _name: original(library)  # type: ignore[method-assign,assignment]
    spec = importlib.util.spec_from_file_location("dmagent_by_uniffi", Path(__file__).parents[1] / "dmagent.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


async def converse(dm) -> None:  # type: ignore[no-untyped-def]
    alice = dm.Node(dm.Settings(display_name="alice", http=True), dm.Preset.EPHEMERAL)
    bob = dm.Node(dm.Settings(display_name="bob", http=True), dm.Preset.EPHEMERAL)
    for node in (alice, bob):
        await node.open()
    peer = await alice.peers().connect(dm.ConnectArgs(url=(await bob.info()).url))
    assert peer.state == dm.PeerState.CONNECTED, peer
    receipt = await alice.messages().send(dm.SendArgs(to=[bob.agent_id()], content="hello"))
    assert receipt.state == dm.DeliveryState.ACCEPTED, receipt
    handout = bob.inbox().next()
    await handout.wait()
    message = handout.take()
    assert message is not None and message.content() == "hello", message
    assert await message.acknowledge()
    try:
        await alice.peers().get(dm.AgentArgs(agent="ab" * 32))
    except dm.DmError.NotFoundError as error:
        assert error.failure.code == dm.Code.PEER_NOT_CONNECTED, error
    else:
        raise AssertionError("nobody has that id")
    for node in (alice, bob):
        await node.close()


module = generated(sys.argv[1])
asyncio.run(converse(module))
# The threads of the library end before the interpreter does: one that is in Python then would crash the process.
module.shutdown_runtime()
print("a conversation through the generated Python: ok")
