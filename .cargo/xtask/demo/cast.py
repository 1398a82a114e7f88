"""The cast of the demo: agents that are processes of their own.

Ours, in whatever language, follow the contract of `core/examples/agent.rs`: configuration as JSON argument, one JSON line
with id, URL and token, then a line for each event, and the end when their standard input ends. They are steered through
their local API. The original 1.1.1 comes with the harness of the interop tests.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

T = TypeVar("T")


class Failed(Exception):
    """A step did not happen. The text is for the person at the terminal."""


class Clock:
    """The time the whole play may take."""

    def __init__(self, seconds: float) -> None:
        self._end = time.monotonic() + seconds

    def left(self) -> float:
        return max(0.0, self._end - time.monotonic())

    def until(self, probe: Callable[[], T | None], what: str) -> T:
        """Asks until there is an answer."""
        while (answer := probe()) is None:
            if not self.left():
                raise Failed(f"waited in vain for {what}")
            time.sleep(0.05)
        return answer


def request(
    port: int, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None
) -> tuple[int, Any, dict[str, str]]:
    """Status, JSON body and headers of an HTTP exchange on this machine."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        text = None if body is None else json.dumps(body).encode()
        connection.request(method, path, text, {"Content-Type": "application/json", **(headers or {})})
        response = connection.getresponse()
        return response.status, json.loads(response.read() or b"null"), dict(response.getheaders())
    finally:
        connection.close()


class Agent:
    """One of our agents."""

    def __init__(self, name: str, command: list[str], options: list[str], folder: Path, port: int, ports: range) -> None:
        self.name, self.port, self.folder = name, port, folder
        self.agent_id = self.token = ""
        folder.mkdir()
        config = {
            "project_dir": str(folder),
            "display_name": name,
            "port": port,
            "discovery": "lan",
            "discovery_ports": [ports.start, ports.stop - 1],
            # Nothing but this machine is contacted, whatever discovery looks for.
            "network_tier": "local",
        }
        self._command = [*command, json.dumps(config), *options]
        self._process: subprocess.Popen[bytes] | None = None
        self._events: list[dict[str, Any]] = []
        self._changed = threading.Condition()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        return self._process.pid if self._process else 0

    def start(self, clock: Clock) -> None:
        self._events.clear()
        with (self.folder / "errors.log").open("ab") as errors:
            self._process = subprocess.Popen(
                self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, cwd=self.folder
            )
        threading.Thread(target=self._read, args=(self._process,), daemon=True).start()
        hello = self.event(clock, "its first line", lambda line: "token" in line)
        self.agent_id, self.token = hello["agent_id"], hello["token"]

    def kill(self) -> None:
        """What a crash does: no word, no clean-up."""
        if self._process:
            self._process.kill()
            self._process.wait()

    def stop(self) -> None:
        """The end of its input is its end."""
        if self._process is None:
            return
        with contextlib.suppress(OSError):
            if self._process.stdin:
                self._process.stdin.close()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self.kill()

    def call(self, verb: str, **arguments: Any) -> Any:
        """A verb of the facade, as any program of this machine that may read the token can call it."""
        status, answer, _ = request(
            self.port,
            "POST",
            "/__darkmatter__/call",
            {"verb": verb, "args": arguments},
            {"Authorization": f"Bearer {self.token}"},
        )
        if status != 200:
            raise Failed(f"{self.name}: {verb} answers {status}: {answer}")
        return answer["result"]

    def event(self, clock: Clock, what: str, wanted: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """The first line since its start that is wanted."""
        with self._changed:
            while True:
                for line in self._events:
                    if wanted(line):
                        return line
                if self._process and self._process.poll() is not None:
                    raise Failed(f"{self.name} ended before {what}:\n{self.errors()}")
                if not clock.left():
                    raise Failed(f"{self.name} did not tell {what}\n{self.errors()}")
                self._changed.wait(0.2)

    def errors(self) -> str:
        """The end of what it wrote to its standard error."""
        return "\n".join((self.folder / "errors.log").read_text(errors="replace").splitlines()[-20:])

    def _read(self, process: subprocess.Popen[bytes]) -> None:
        assert process.stdout
        for line in process.stdout:
            with self._changed, contextlib.suppress(ValueError):
                # A line of a process that was replaced meanwhile is none of the new one.
                if process is self._process:
                    self._events.append(json.loads(line))
                    self._changed.notify_all()
