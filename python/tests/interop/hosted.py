"""Several nodes of ours in one process, at one port.

    with Hosted(tmp_path, "carol", "dora", program=agent) as (carol, dora):
        carol.call("peers.connect", url=alice.base_url)

Each is an `OurNode` whose base URL is its place at the port. Standard library only.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

import web
from ours import OurNode
from web import Answer


class Tenant(OurNode):
    """One node of those that share a port."""

    place = ""

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.port}{self.place}"

    def get(self, path: str, headers: Mapping[str, str] | None = None) -> Answer:
        return web.ask(self.port, "GET", self.place + path, None, headers)

    def post(self, path: str, payload: Any, headers: Mapping[str, str] | None = None) -> Answer:
        return web.post(self.port, self.place + path, payload, headers)


class Hosted:
    """The process. The first node answers at the bare port."""

    def __init__(self, folder: Path, *names: str, program: str | Path, **config: Any) -> None:
        self.folder = folder
        self.tenants = [Tenant(folder / name, program=program, **config) for name in names]
        self.port = 0
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> list[Tenant]:
        self.port = self.port or web.free_port()
        shared = {"port": self.port, "shared_port": True}
        configs = [json.dumps({**tenant.config, **shared}) for tenant in self.tenants]
        program = self.tenants[0].program
        with (self.folder / "hosted.log").open("ab") as log:
            self._process = subprocess.Popen(
                [program, *configs], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log
            )
        assert self._process.stdout is not None
        for tenant in self.tenants:
            line = self._process.stdout.readline()
            if not line:
                self.stop()
                raise AssertionError(f"the nodes do not start\n{(self.folder / 'hosted.log').read_text()}")
            told = json.loads(line)
            tenant.agent_id, tenant.token, tenant.port = told["agent_id"], told["token"], self.port
            tenant.place = f"/agents/{tenant.agent_id}"
            assert told["url"] == tenant.base_url
        return self.tenants

    def stop(self) -> None:
        """Closes all nodes."""
        process, self._process = self._process, None
        if process is None:
            return
        process.communicate(timeout=web.PATIENCE)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
