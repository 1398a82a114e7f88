"""The host of the scenarios for the synchronous node; `core/tests/scenarios/README.md` has its protocol.

It reads commands as JSON lines, carries one node, and ends with its standard input. Each command has its thread.
"""

from __future__ import annotations

import json
import sys
from threading import Lock, Thread
from typing import Any

import dmagent
from dmagent.sync import Events, Message, Node


class Host:
    """One node at a time, and the messages that nobody has handled yet."""

    node: Node

    def __init__(self) -> None:
        self.held: dict[int, Message] = {}

    def obey(self, command: dict[str, Any]) -> None:
        try:
            answer: dict[str, Any] = {"ok": plain(self.done(command))}
        except dmagent.DmError as error:
            answer = {"error": told(error)}
        except Exception as error:
            answer = {"fault": f"{type(error).__name__}: {error}"}
        say({"id": command["id"], **answer})

    def done(self, command: dict[str, Any]) -> Any:
        if "open" in command:
            node = Node(**command["open"]).open()
            self.node, self.held = node, {}
            return {"agent_id": node.agent_id, "url": node.info().url, "token": node.local_token}
        if "events" in command:
            Thread(target=listen, args=(command["id"], self.node.events())).start()
            return None
        if "close" in command:
            return self.node.close()
        if "by_name" in command:
            return self.node.call(command["by_name"], **command["with"])
        return self.call(command["call"], command["with"])

    def call(self, verb: str, given: dict[str, Any]) -> Any:
        settles = verb in ("messages.acknowledge", "messages.release")
        held = self.held.pop(given["sequence"], None) if settles else None
        if held is not None:
            delay = given.get("delay_secs", 0.0)
            return held.acknowledge() if verb == "messages.acknowledge" else held.release(delay)
        if "from" in given:
            given["from_"] = given.pop("from")
        noun, method = verb.split(".")
        result = getattr(self.node if noun == "node" else getattr(self.node, noun), method)(**given)
        if isinstance(result, Message):
            self.held[result.sequence] = result
        return result


def listen(listener: int, events: Events) -> None:
    for event in events:
        say({"id": listener, "event": plain(event)})


def plain(value: Any) -> Any:
    """Records as JSON holds them."""
    if isinstance(value, list):
        return [plain(item) for item in value]
    return value.to_json() if hasattr(value, "to_json") else value


def told(error: dmagent.DmError) -> dict[str, Any]:
    return {
        "code": error.code,
        "retryable": error.retryable,
        "class": type(error).__name__,
        "message": str(error),
        "context": error.context,
    }


speaking = Lock()


def say(line: dict[str, Any]) -> None:
    with speaking:
        print(json.dumps(line), flush=True)


def main() -> None:
    host = Host()
    running: list[Thread] = []
    for line in sys.stdin:
        thread = Thread(target=host.obey, args=(json.loads(line),))
        thread.start()
        running = [*filter(Thread.is_alive, running), thread]
    # The end of the input: whoever still waits hears that the node is closed.
    if hasattr(host, "node"):
        host.node.close()
    for thread in running:
        thread.join()


main()
