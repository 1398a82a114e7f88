"""Rust's log in Python's `logging`."""

from __future__ import annotations

import logging

import dmagent
import pytest
from conftest import Child, address, quiet, run


def test_records_arrive_under_the_name_of_their_room(caplog: pytest.LogCaptureFixture) -> None:
    class Failing:
        def admit_message(self, question: dmagent.MessageQuestion) -> object:
            raise KeyError

    async def fail() -> None:
        async with quiet("alice") as alice, quiet("bob") as bob:
            await alice.connect(await address(bob))
            bob.set_policy(Failing())
            await alice.send(bob, "hello", timeout_secs=1)
            while not [record for record in caplog.records if record.name.startswith("dmagent.node")]:
                await bob.info()

    with caplog.at_level(logging.WARNING, "dmagent"):
        run(fail())
    (record, *_) = [record for record in caplog.records if record.name == "dmagent.node.host"]
    assert record.levelno == logging.ERROR and "admit_message" in record.getMessage()
    assert record.pathname.endswith("host.rs") and record.lineno > 0


def test_a_misspelled_variable_is_told(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.setenv("DARKMATTER_PRT", "8100")

    async def open_and_wait() -> None:
        async with dmagent.Node(ephemeral=True) as alice:
            while not caplog.records:
                await alice.info()

    with caplog.at_level(logging.WARNING, "dmagent"):
        run(open_and_wait())
    assert "DARKMATTER_PRT" in caplog.records[0].getMessage()


LATE = """
import dmagent, dmagent.sync, logging, sys, time
class Slow(logging.Handler):
    def emit(self, record):
        print(record.getMessage(), file=sys.stderr)
logging.getLogger("dmagent").addHandler(Slow())
logging.getLogger("dmagent").setLevel(1)
with dmagent.sync.Node.ephemeral(http=True) as a, dmagent.sync.Node.ephemeral(http=True) as b:
    a.connect(b.info().addresses[0])
    for number in range(20):
        a.send(b, "hello")
"""


def test_logging_everything_until_the_end_blocks_nothing() -> None:
    for _ in range(5):
        with Child(LATE) as child:
            status, _, errors = child.end()
            assert status == 0, errors
