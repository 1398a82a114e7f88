"""HTTP on 127.0.0.1 as the tests need it: ask, listen, and wait until something is true. Standard library only."""

from __future__ import annotations

import contextlib
import http.client
import json
import random
import socket
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Protocol, TypeVar

PATIENCE = 60.0
"""Seconds until a wait gives up. A wait ends as soon as it can; this only bounds a run that is broken."""

T = TypeVar("T")


@dataclass(frozen=True)
class Answer:
    """What an HTTP request got back: the status, and the body as JSON where it is JSON, else as text."""

    status: int
    body: Any


class Process(Protocol):
    """A node that can show what it printed."""

    def log_tail(self, lines: int = 40) -> str: ...


def encode(payload: Any) -> bytes:
    """JSON; bytes stay as they are."""
    return payload if isinstance(payload, bytes) else json.dumps(payload).encode()


def decode(status: int, body: bytes) -> Answer:
    text = body.decode()
    try:
        return Answer(status, json.loads(text))
    except ValueError:
        return Answer(status, text)


def ask(
    port: int, method: str, path: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
) -> Answer:
    """One request on a connection of its own."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
    try:
        connection.connect()
        refuse_ourselves(connection.sock)
        connection.request(method, path, body, dict(headers or {}))
        response = connection.getresponse()
        return decode(response.status, response.read())
    finally:
        connection.close()


def post(port: int, path: str, payload: Any, headers: Mapping[str, str] | None = None) -> Answer:
    """Posts JSON."""
    return ask(port, "POST", path, encode(payload), {"Content-Type": "application/json", **(headers or {})})


def refuse_ourselves(connected: socket.socket) -> None:
    """A connection to a port where nobody listens can meet itself, when the system gives it that very port to start from."""
    if connected.getsockname() == connected.getpeername():
        raise ConnectionRefusedError(f"nobody listens on {connected.getpeername()}")


def free_ports(count: int) -> range:
    """Neighbouring ports of this machine that nobody uses.

    They lie below those that systems give to outgoing connections (from 32768 on Linux, from 49152 elsewhere), so that
    none of them is taken while its server is away. Where to look first is left to chance: other tests look as well.
    """
    for _ in range(1000):
        first = random.randrange(20_000, 32_000 - count)
        with contextlib.ExitStack() as held, contextlib.suppress(OSError):
            for port in range(first, first + count):
                held.enter_context(socket.socket()).bind(("127.0.0.1", port))
            return range(first, first + count)
    raise OSError(f"no {count} neighbouring ports are free")


def free_port() -> int:
    return free_ports(1).start


def eventually(probe: Callable[[], T | None], what: str, *nodes: Process) -> T:
    """Asks until the answer is true in the sense of Python, and returns it. `what` names it in the failure."""
    deadline = time.monotonic() + PATIENCE
    while True:
        answer = probe()
        if answer:
            return answer
        if time.monotonic() > deadline:
            logs = "\n".join(node.log_tail() for node in nodes)
            raise AssertionError(f"waited in vain for {what}; the last answer was {answer!r}\n{logs}")
        time.sleep(0.05)


@dataclass(frozen=True)
class Heard:
    """A request that a `Listener` got."""

    method: str
    path: str
    body: Any

    @property
    def endpoint(self) -> str:
        return self.path.rsplit("/", 1)[-1]


class Listener:
    """A server that answers as it is told and remembers what it heard.

    with Listener(lambda heard: Answer(200, {"success": True})) as impostor:
        node.call("peers.connect", url=impostor.base_url)
    """

    def __init__(self, answer: Callable[[Heard], Answer]) -> None:
        self.answer = answer
        self.heard: list[Heard] = []
        listener = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def serve(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                heard = Heard(self.command, self.path, decode(0, body).body)
                listener.heard.append(heard)
                answer = listener.answer(heard)
                reply = encode(answer.body)
                self.send_response(answer.status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(reply)))
                self.end_headers()
                self.wfile.write(reply)

            do_GET = do_POST = serve

            def log_message(self, format: str, *args: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)

    @property
    def port(self) -> int:
        return self._server.server_address[1]

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def of(self, endpoint: str) -> list[Heard]:
        """What it heard at one endpoint, oldest first."""
        return [heard for heard in list(self.heard) if heard.endpoint == endpoint]

    def __enter__(self) -> Listener:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def relay_to(port: int, tamper: Callable[[Heard], Any] = lambda heard: heard.body) -> Listener:
    """Somebody in between: passes everything on to `port`, with the body that `tamper` makes of it."""

    def answer(heard: Heard) -> Answer:
        if heard.method == "GET":
            return ask(port, "GET", heard.path)
        return post(port, heard.path, tamper(heard))

    return Listener(answer)
