"""A host of the scenarios, driven from here: a node of ours in whatever language, for tests that let it meet others.

    with Host(tmp_path, hosts["node"], display_name="carol") as carol:
        carol.call("peers.connect", url=alice.base_url)

The protocol stands in `core/tests/scenarios/README.md`. Standard library only.
"""

from __future__ import annotations

import json
import os
import queue
import subprocess
import threading
from pathlib import Path
from types import TracebackType
from typing import Any

from web import PATIENCE

VARIABLE = "DMAGENT_SCENARIO_HOSTS"


def programs() -> dict[str, dict[str, Any]]:
    """The hosts of all languages that the environment names."""
    found: dict[str, Any] = json.loads(os.environ.get(VARIABLE) or "{}")
    return {name: {"command": told} if isinstance(told, list) else told for name, told in found.items()}


class Refused(Exception):
    """A verb that failed, and how."""

    def __init__(self, error: dict[str, Any]) -> None:
        self.code: str = error["code"]
        super().__init__(f"{self.code}: {error['message']}")


class Host:
    """One host with an open node. `settings` go over those that every node here has."""

    def __init__(self, home: Path, program: dict[str, Any], **settings: Any) -> None:
        self.home = home
        self._words = program.get("input") == "words"
        self._answers: dict[int, queue.Queue[dict[str, Any]]] = {}
        self._last_id = 0
        home.mkdir(parents=True, exist_ok=True)
        foreign = {name for name in os.environ if name.startswith("DARKMATTER_")}
        kept = {name: value for name, value in os.environ.items() if name not in foreign}
        with self.log_path.open("ab") as log:
            self._process = subprocess.Popen(
                program["command"],
                env={**kept, **program.get("env", {})},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                encoding="utf-8",
            )
        threading.Thread(target=self._listen, daemon=True).start()
        modest = {"project_dir": str(home), "limits": {"loopback": "exempt"}, "port": 0}
        told = self._take(self._send("open", "", {**modest, **settings}))
        self.agent_id: str = told["agent_id"]
        self.base_url: str = told["url"]

    def call(self, verb: str, **arguments: Any) -> Any:
        """Carries out a verb and returns its result."""
        return self._take(self.start(verb, **arguments))

    def start(self, verb: str, **arguments: Any) -> int:
        """Lets a verb begin; `finish` waits for its result."""
        return self._send("call", verb, arguments)

    def finish(self, started: int) -> Any:
        return self._take(started)

    def end(self) -> int:
        """Ends its input, upon which it must end by itself, and returns its status."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        return self._process.wait(PATIENCE)

    def __enter__(self) -> Host:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            status = self.end()
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
            raise
        finally:
            print(self.log_tail())
        if error is None:
            assert status == 0, f"the host ended with {status}"

    @property
    def log_path(self) -> Path:
        return self.home / "output.log"

    def log_tail(self, lines: int = 40) -> str:
        """The end of what it said on standard error."""
        tail = self.log_path.read_text(errors="replace").splitlines()[-lines:]
        return "\n".join([f"--- {self.home.name}", *tail])

    # Details.

    def _send(self, command: str, verb: str, arguments: dict[str, Any]) -> int:
        self._last_id += 1
        self._answers[self._last_id] = queue.Queue()
        if self._words:
            line = words(self._last_id, command, verb, arguments)
        elif verb:
            line = json.dumps({"id": self._last_id, command: verb, "with": arguments})
        else:
            line = json.dumps({"id": self._last_id, command: arguments})
        assert self._process.stdin is not None
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()
        return self._last_id

    def _take(self, command: int) -> Any:
        try:
            answer = self._answers[command].get(timeout=PATIENCE)
        except queue.Empty:
            raise AssertionError(f"no answer came\n{self.log_tail()}") from None
        if "error" in answer:
            raise Refused(answer["error"])
        assert "ok" in answer, answer
        return answer["ok"]

    def _listen(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            answer = json.loads(line)
            if answer["id"] in self._answers:
                self._answers[answer["id"]].put(answer)


def words(number: int, command: str, verb: str, arguments: dict[str, Any]) -> str:
    """A command for hosts without a reader of JSON; `core/tests/driver/words.rs` tells the form."""

    def word(name: str, value: Any) -> str:
        return f"{name}={escaped(value)}" if isinstance(value, str) else f"{name}:={escaped(json.dumps(value))}"

    given = [word(name, value) for name, value in arguments.items()]
    return "\t".join([str(number), command, verb, escaped(json.dumps(arguments)), *given])


def escaped(text: str) -> str:
    return "".join(f"%{ord(c):02x}" if c in "%\t\n\r\0" else c for c in text)
