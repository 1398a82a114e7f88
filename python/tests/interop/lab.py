"""Nodes of both kinds for the tests, started side by side and ended together."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from ours import OurNode
from peer111 import Peer111

StartPeer = Callable[..., Peer111]
"""What the fixture `start_peer` gives."""


class Lab:
    """Starts nodes of both kinds and ends them with the module or test that wanted them."""

    def __init__(self, folder: Path, agent_program: str, request: pytest.FixtureRequest) -> None:
        self._folder = folder
        self._agent_program = agent_program
        self._request = request
        self._nodes: list[OurNode | Peer111] = []

    def ours(self, name: str, **config: Any) -> OurNode:
        """One of ours, with members of its configuration."""
        node = OurNode(self._folder / name, program=self._agent_program, **config)
        self._nodes.append(node)
        return node.start()

    def theirs(
        self, *names: str, auto_accept: bool = True, env: Mapping[str, str] | None = None
    ) -> list[Peer111]:
        """Originals, started side by side. Without `auto_accept` they let every request wait."""
        python = self._request.getfixturevalue("peer_python")
        peers = [Peer111(self._folder / name, python=python, env=env) for name in names]
        self._nodes.extend(peers)

        def start(peer: Peer111) -> Peer111:
            peer.start()
            if not auto_accept:
                peer.stop()
                peer.edit_state(lambda state: state["security_settings"].update(auto_accept_local=False))
                peer.start()
            return peer

        with ThreadPoolExecutor() as pool:
            return list(pool.map(start, peers))

    def close(self) -> None:
        with ThreadPoolExecutor() as pool:
            list(pool.map(lambda node: node.stop(), self._nodes))
        for node in self._nodes:
            print(f"=== {node.home.name}\n{node.log_tail()}")
