"""A node of ours as a process of its own, for tests that let it meet others.

    with OurNode(tmp_path / "carol", program=agent) as carol:
        carol.call("peers.connect", url=alice.base_url)
        carol.messages()

The program is the example `agent`: it takes a configuration as JSON, prints who it is, and runs until its standard
input ends. Verbs go through its local API with the token that it prints. Standard library only.
"""

from __future__ import annotations

import json
import sqlite3
import subprocess
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from types import TracebackType
from typing import Any

import web
from web import PATIENCE, Answer, eventually

MESH = "/__darkmatter__/"


class Refused(Exception):
    """A verb that failed: the status, the code and the sentence of the node."""

    def __init__(self, answer: Answer) -> None:
        body = answer.body if isinstance(answer.body, dict) else {}
        self.status = answer.status
        self.code: str = body.get("code", "")
        super().__init__(f"{self.status} {self.code}: {body.get('error', answer.body)}")


class OurNode:
    """One node of ours. `home` is its project folder; what is there already is used.

    `config` overlays the defaults of the tests: a name, any port, and no limit for the requests of this machine, from
    which all nodes of a test come.
    """

    def __init__(self, home: Path, *, program: str | Path, umask: int = -1, **config: Any) -> None:
        self.home = home
        self.program = str(program)
        self.umask = umask
        self.config = {
            "project_dir": str(home),
            "display_name": home.name,
            "limits": {"loopback": "exempt"},
            **config,
        }
        self.port = 0
        self.agent_id = ""
        self.token = ""
        self._process: subprocess.Popen[bytes] | None = None
        home.mkdir(parents=True, exist_ok=True)

    # Life.

    def start(self, port: int = 0) -> OurNode:
        """Starts it at `port`, or where there is room, and returns when it listens."""
        command = [self.program, json.dumps({"port": port or web.free_port(), **self.config})]
        with self.log_path.open("ab") as log:
            self._process = subprocess.Popen(
                command,
                cwd=self.home,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                umask=self.umask,
            )
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            self.stop()
            raise AssertionError(f"the node in {self.home} does not start\n{self.log_tail()}")
        told = json.loads(line)
        self.agent_id, self.token = told["agent_id"], told["token"]
        self.port = int(told["url"].rsplit(":", 1)[1])
        return self

    def stop(self) -> None:
        """Ends it as its host would: by closing the node."""
        process, self._process = self._process, None
        if process is None:
            return
        assert process.stdin is not None and process.stdout is not None
        process.stdin.close()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        process.stdout.close()

    def kill(self) -> None:
        """Ends it at once, as a crash would."""
        if self._process is not None:
            self._process.kill()
        self.stop()

    def restart(self, **config: Any) -> OurNode:
        """Stops it and starts it again with the same home, at the same port."""
        self.stop()
        self.config.update(config)
        return self.start(self.port)

    def __enter__(self) -> OurNode:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    # Verbs.

    def call(self, verb: str, **arguments: Any) -> Any:
        """Calls a verb of the facade and returns its result."""
        answer = self.post(MESH + "call", {"verb": verb, "args": arguments}, self.bearer)
        if answer.status != 200:
            raise Refused(answer)
        return answer.body["result"]

    def peer(self, agent_id: str) -> dict[str, Any] | None:
        """A connected or asked peer."""
        peers = {peer["agent_id"]: peer for peer in self.call("peers.list")}
        return peers.get(agent_id)

    def connected(self, agent_id: str) -> bool:
        peer = self.peer(agent_id)
        return peer is not None and peer["state"] == "connected"

    def messages(self, **members: Any) -> list[dict[str, Any]]:
        """What is in the inbox, notices left out, oldest first; only entries with these members."""
        found = [message for message in self.call("messages.list") if message["kind"] != "notice"]
        return [message for message in found if members.items() <= message.items()]

    def heard(self, **members: Any) -> dict[str, Any]:
        """Waits for the one message with these members."""
        found = eventually(lambda: self.messages(**members), f"a message with {members} at {self.home.name}", self)
        assert len(found) == 1, found
        return found[0]

    def send(self, to: str, content: str, **more: Any) -> dict[str, Any]:
        """Sends to one peer, which must take it."""
        receipt: dict[str, Any] = self.call("messages.send", to=to, content=content, **more)
        assert receipt["state"] == "accepted", receipt
        return receipt

    # HTTP.

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def bearer(self) -> dict[str, str]:
        """The header that opens the local API."""
        return {"Authorization": f"Bearer {self.token}"}

    def get(self, path: str, headers: Mapping[str, str] | None = None) -> Answer:
        return web.ask(self.port, "GET", path, None, headers)

    def post(self, path: str, payload: Any, headers: Mapping[str, str] | None = None) -> Answer:
        """Posts JSON; bytes are sent as they are."""
        return web.post(self.port, path, payload, headers)

    # Files.

    @property
    def data(self) -> Path:
        return self.home / ".darkmatter"

    def rows(self, table: str) -> dict[str, Any]:
        """A table of its database, by key: what no verb shows."""
        with closing(sqlite3.connect(f"file:{self.data / 'node.db'}?mode=ro", uri=True, timeout=PATIENCE)) as database:
            return {key: json.loads(value) for key, value in database.execute(f"SELECT key, value FROM {table}")}

    @property
    def log_path(self) -> Path:
        return self.home / "output.log"

    def log_tail(self, lines: int = 40) -> str:
        """The end of what it said on standard error."""
        tail = self.log_path.read_text(errors="replace").splitlines()[-lines:] if self.log_path.exists() else []
        return "\n".join([f"--- {self.home.name}", *tail])
