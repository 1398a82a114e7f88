"""A real dmagent 1.1.1 in a process of its own, for tests that talk to it.

    with Peer111(tmp_path / "alice", python=interpreter) as alice:
        alice.mcp("darkmatter_connection", params={"action": "request", "target_url": url})
        alice.get("/__darkmatter__/inbox")

It lives in a private home folder and on 127.0.0.1 only (see `on_loopback.py`). Standard library only, so that it
works in any environment; the original runs in its own, under the interpreter that is handed in.

What one has to know about the original:

* It must be started with `DARKMATTER_TRANSPORT=http`. Without it, a standard input that is no terminal makes it a stdio
  session; and set any other way, it forgets all connections but the first within ten seconds.
* Bare paths with two segments behind `/__darkmatter__/` (`impression/{id}`, `inbox/consume`) answer 404; `scoped()`
  gives the form that works.
* It pings a random connection every second and tries WebRTC after each answer.
* Any connection request with a local URL is accepted at once, unless its state file says otherwise when it starts:
  `"security_settings": {"auto_accept_local": false}`; see `edit_state()`.
* Tools hidden from `tools/list` work when they are called. A failure of the mesh is an ordinary result with
  `"success": false`.
"""

from __future__ import annotations

import http.client
import json
import os
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

import web
from web import PATIENCE, Answer

HERE = Path(__file__).resolve().parent
WELL_KNOWN = "/.well-known/darkmatter.json"


class PeerError(AssertionError):
    """The original did not do what the harness needs; the message ends with the end of its log."""


class Peer111:
    """One original node. `home` is its home and project folder; what is there already is used."""

    def __init__(
        self,
        home: Path,
        *,
        python: str | Path,
        seed: bytes | None = None,
        env: Mapping[str, str] | None = None,
    ) -> None:
        self.home = home
        self.python = str(python)
        self.port = 0
        self.agent_id = ""
        self._extra = dict(env or {})
        self._process: subprocess.Popen[bytes] | None = None
        self._session: _McpSession | None = None
        passports = home / ".darkmatter"
        passports.mkdir(parents=True, exist_ok=True)
        # Says that the installer has run, else the first start would write settings of other programs into the home.
        (passports / ".mcp_installed").write_text("installed\n")
        if seed is not None:
            (passports / "passport.key").write_text(seed.hex() + "\n")
            (passports / "passport.key").chmod(0o600)

    # Life.

    def start(self) -> Peer111:
        """Starts the daemon and returns when it answers. A port that someone else was faster to take is replaced."""
        for _ in range(5):
            self.port = self.port or web.free_port()
            if self._try_start():
                return self
            if self.agent_id or not self._port_was_taken():
                break  # Peers know this port by now, or it is not the port.
            self.port = 0
        raise self._failed("does not start")

    def stop(self) -> None:
        """Ends the daemon: asks first, then insists. Its files stay."""
        self._session = None
        process, self._process = self._process, None
        if process is None:
            return
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def kill(self) -> None:
        """Ends the daemon at once, as a crash would."""
        if self._process is not None:
            self._process.kill()
        self.stop()

    def restart(self) -> Peer111:
        """Stops it and starts it again with the same home and port."""
        self.stop()
        return self.start()

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def __enter__(self) -> Peer111:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    # HTTP.

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def scoped(self, path: str) -> str:
        """The path of an endpoint under this agent's id, as in `scoped("impression/…")`."""
        return f"/__darkmatter__/{self.agent_id}/{path}"

    def get(self, path: str, headers: Mapping[str, str] | None = None) -> Answer:
        return web.ask(self.port, "GET", path, None, headers)

    def post(self, path: str, payload: Any, headers: Mapping[str, str] | None = None) -> Answer:
        """Posts JSON; bytes are sent as they are."""
        return web.post(self.port, path, payload, headers)

    def inbox(self) -> list[dict[str, Any]]:
        """The queued messages, connection notices among them."""
        messages: list[dict[str, Any]] = self.get("/__darkmatter__/inbox").body["messages"]
        return messages

    # MCP.

    def mcp(self, tool: str, **arguments: Any) -> Any:
        """Calls a tool and returns its JSON result. Most take one object, called `params`."""
        if self._session is None:
            self._session = _McpSession(self.port)
        result = self._session.request("tools/call", {"name": tool, "arguments": arguments})
        text = result["content"][0]["text"]
        if result.get("isError"):
            raise PeerError(f"{tool} refuses its arguments: {text}")
        return json.loads(text)

    # The everyday, in the words of the tests.

    def request(self, url: str) -> dict[str, Any]:
        """Asks the node at `url` for a connection, as its agent would."""
        reply: dict[str, Any] = self.mcp("darkmatter_connection", params={"action": "request", "target_url": url})
        return reply

    def connection(self, agent_id: str) -> dict[str, Any] | None:
        """What it holds of a connected peer."""
        listed = self.get("/__darkmatter__/connections").body["connections"]
        return {peer["agent_id"]: peer for peer in listed}.get(agent_id)

    def send(self, to: str, content: str, **params: Any) -> str:
        """Sends to one peer, which must take it, and returns the id of the message."""
        params = {"content": content, "target_agent_id": to, **params}
        sent = self.mcp("darkmatter_send_message", params=params)
        assert sent["success"] and sent["routed_to"] == [to], sent
        message_id: str = sent["message_id"]
        return message_id

    def heard(self, message_id: str) -> list[dict[str, Any]]:
        """The copies of a message in its queue, whole, as it has them on disk."""
        return [message for message in self.state()["message_queue"] if message["message_id"] == message_id]

    def logged(self, message_id: str) -> list[dict[str, Any]]:
        """What its conversation log on disk says of a message."""
        return [entry for entry in self.state()["conversation_log"] if entry["message_id"] == message_id]

    # Files.

    @property
    def state_path(self) -> Path:
        return self.home / ".darkmatter" / "state" / f"{self.agent_id}.json"

    def state(self) -> dict[str, Any]:
        """What it has on disk. It is replaced in one step, so it is never half a file."""
        state: dict[str, Any] = json.loads(self.state_path.read_text())
        return state

    def edit_state(self, change: Callable[[dict[str, Any]], None]) -> None:
        """Changes the state file of a stopped node; a running one would overwrite it."""
        assert not self.running, "stop the peer before editing its state"
        state = self.state()
        change(state)
        self.state_path.write_text(json.dumps(state, indent=2))

    @property
    def log_path(self) -> Path:
        return self.home / "output.log"

    def log_tail(self, lines: int = 40) -> str:
        """The end of what it printed and logged."""
        found = []
        for path in (self.log_path, self.home / ".darkmatter" / "darkmatter.log"):
            if path.exists():
                tail = path.read_text(errors="replace").splitlines()[-lines:]
                found.append("\n".join([f"--- {path.name}", *tail]))
        return "\n".join(found) or "(it printed nothing)"

    # Details.

    def _try_start(self) -> bool:
        with self.log_path.open("ab") as log:
            self._process = subprocess.Popen(
                [self.python, str(HERE / "on_loopback.py")],
                cwd=self.home,
                env=self._environment(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        deadline = time.monotonic() + PATIENCE
        while self.running and time.monotonic() < deadline:
            try:
                answer = self.get(WELL_KNOWN)
            except OSError:
                time.sleep(0.05)
                continue
            # Whoever else may have taken the port is not us: our process would have ended on it.
            if answer.status == 200 and self.running and self._names_us(answer.body):
                self.agent_id = answer.body["agent_id"]
                return True
            time.sleep(0.05)
        self.stop()
        return False

    def _port_was_taken(self) -> bool:
        said = self.log_tail().lower()
        return "already in use" in said or "only one usage of each socket address" in said

    def _names_us(self, document: dict[str, Any]) -> bool:
        return (self.home / ".darkmatter" / "state" / f"{document.get('agent_id')}.json").exists()

    def _environment(self) -> dict[str, str]:
        """Ours without anything that could lead it astray: its own settings, Python's, and proxies."""
        foreign = ("DARKMATTER_", "PYTHON", "VIRTUAL_ENV")
        kept = {
            name: value
            for name, value in os.environ.items()
            if not name.upper().startswith(foreign) and not name.upper().endswith("_PROXY")
        }
        return {
            **kept,
            "HOME": str(self.home),
            "USERPROFILE": str(self.home),
            "PYTHONUNBUFFERED": "1",
            "PYTHONDONTWRITEBYTECODE": "1",
            "DARKMATTER_TRANSPORT": "http",
            "DARKMATTER_HOST": "127.0.0.1",
            "DARKMATTER_PORT": str(self.port),
            "DARKMATTER_PUBLIC_URL": self.base_url,
            "DARKMATTER_PROJECT_DIR": str(self.home),
            "DARKMATTER_DISPLAY_NAME": self.home.name,
            "DARKMATTER_BOOTSTRAP_PEERS": "",
            "DARKMATTER_DISCOVERY": "false",
            "DARKMATTER_ROUTER_MODE": "queue_only",
            **self._extra,
        }

    def _failed(self, what: str) -> PeerError:
        return PeerError(f"dmagent 1.1.1 in {self.home} {what}\n{self.log_tail()}")


class _McpSession:
    """A session of MCP over streamable HTTP: one POST a request, answered by an event stream or plain JSON."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._headers = {"Content-Type": "application/json", "Accept": "application/json, text/event-stream"}
        self._last_id = 0
        client = {"name": "interop-tests", "version": "1"}
        hello = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": client}
        self._headers["MCP-Protocol-Version"] = self.request("initialize", hello)["protocolVersion"]
        self._post({"jsonrpc": "2.0", "method": "notifications/initialized"}, None)

    def request(self, method: str, params: dict[str, Any]) -> dict[str, Any]:
        self._last_id += 1
        message = {"jsonrpc": "2.0", "id": self._last_id, "method": method, "params": params}
        reply = self._post(message, self._last_id)
        if reply is None or "error" in reply:
            raise PeerError(f"MCP {method} failed: {reply}")
        result: dict[str, Any] = reply["result"]
        return result

    def _post(self, message: dict[str, Any], wanted: int | None) -> dict[str, Any] | None:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=PATIENCE)
        try:
            connection.request("POST", "/mcp", json.dumps(message).encode(), self._headers)
            response = connection.getresponse()
            if response.status >= 400:
                raise PeerError(f"MCP answers {response.status}: {response.read().decode(errors='replace')}")
            session = response.headers.get("Mcp-Session-Id")
            if session:
                self._headers["Mcp-Session-Id"] = session
            for reply in _messages(response):
                if wanted is not None and reply.get("id") == wanted:
                    return reply
            return None
        finally:
            connection.close()


def _messages(response: http.client.HTTPResponse) -> Iterator[dict[str, Any]]:
    """The JSON-RPC messages of a response, as they come."""
    if "text/event-stream" in response.headers.get("Content-Type", ""):
        for line in response:
            if line.startswith(b"data:") and line[5:].strip():
                yield json.loads(line[5:])
    else:
        text = response.read()
        if text:
            yield json.loads(text)
