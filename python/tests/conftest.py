"""What several test files of the Python package need."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar

import dmagent

T = TypeVar("T")

# How long anything here may take; far more than it needs. A test never waits for time to pass.
PATIENCE = 60.0

for name in [name for name in os.environ if name.startswith("DARKMATTER_")]:
    del os.environ[name]

# Shells start what runs in the background with Ctrl-C ignored, and programs pass that on. The programs of these tests
# are for somebody at a keyboard.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


def run(work: Coroutine[Any, Any, T]) -> T:
    """Runs an async test, with an end to it."""
    return asyncio.run(asyncio.wait_for(work, PATIENCE))


def quiet(name: str, **settings: Any) -> dmagent.Node:
    """A node of a test: on loopback, nothing on disk, no limit that a busy test would meet."""
    limits = {"peer": None, "stranger_per_source": None, "strangers_total": None, "ping": None}
    return dmagent.Node.ephemeral(display_name=name, http=True, **{"limits": limits, **settings})


async def address(node: dmagent.Node) -> str:
    return (await node.info()).addresses[0]


@asynccontextmanager
async def pair(**settings: Any) -> AsyncIterator[tuple[dmagent.Node, dmagent.Node]]:
    """Two connected nodes; the settings are the second one's."""
    async with quiet("alice") as alice, quiet("bob", **settings) as bob:
        assert (await alice.connect(await address(bob))).state == "connected"
        yield alice, bob


class Child:
    """A Python program that runs beside the test and is talked to line by line."""

    def __init__(self, code: str, *arguments: str, cwd: Path | None = None) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", code, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=cwd,
        )

    def line(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def say(self, line: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    def interrupt(self) -> None:
        self.process.send_signal(signal.SIGINT)

    def end(self, patience: float = PATIENCE) -> tuple[int, str, str]:
        """Its status and what else it printed."""
        try:
            out, errors = self.process.communicate(timeout=patience)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.communicate()
            raise
        return self.process.returncode, out, errors

    def __enter__(self) -> Child:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.communicate()
