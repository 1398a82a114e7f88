"""Fixtures for tests against the original dmagent 1.1.1."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from ours import OurNode
from peer111 import Peer111

StartPeer = Callable[..., Peer111]


@pytest.fixture(scope="session")
def peer_python() -> str:
    """The interpreter of the environment in which 1.1.1 is installed."""
    interpreter = os.environ.get("DMAGENT_PEER_PYTHON")
    if not interpreter:
        pytest.skip(
            "DMAGENT_PEER_PYTHON is not set: it names a Python with dmagent 1.1.1, which `cargo xtask test` installs"
        )
    return interpreter


@pytest.fixture(scope="session")
def agent_program() -> str:
    """Our node as a program."""
    program = os.environ.get("DMAGENT_AGENT")
    if not program:
        pytest.skip("DMAGENT_AGENT is not set: it names the example `agent`, which `cargo xtask test` builds")
    return program


@pytest.fixture
def start_peer(peer_python: str, tmp_path: Path) -> Iterator[StartPeer]:
    """Starts originals by name, with the options of `Peer111`. They end with the test, and their logs are shown if it
    failed."""
    peers: list[Peer111] = []

    def start(name: str, **options: object) -> Peer111:
        peer = Peer111(tmp_path / name, python=peer_python, **options)  # type: ignore[arg-type]
        peers.append(peer)
        return peer.start()

    yield start
    for peer in peers:
        peer.stop()
        # Pytest keeps this for itself unless the test failed.
        print(f"=== {peer.home.name}\n{peer.log_tail()}")


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


@pytest.fixture(scope="module")
def lab(
    agent_program: str, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Iterator[Lab]:
    """For nodes that a whole module shares."""
    lab = Lab(tmp_path_factory.mktemp("lab"), agent_program, request)
    yield lab
    lab.close()


@pytest.fixture
def own_lab(agent_program: str, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Lab]:
    """For nodes of one test, which it stops, spoils or moves."""
    lab = Lab(tmp_path, agent_program, request)
    yield lab
    lab.close()
