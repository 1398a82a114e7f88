"""Fixtures for tests against the original dmagent 1.1.1."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from lab import Lab, StartPeer
from peer111 import Peer111


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
