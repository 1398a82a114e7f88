"""The comparison of the languages sees what is missing: one thing is taken from a copy, and must be told by its name.

The languages themselves are compared where their packages are tested, see `.cargo/xtask/src/parity.rs`.
"""

from __future__ import annotations

import copy
import json
from pathlib import Path

import pytest
from compare import unseen, wrong
from facts import Facts, Promised
from languages import ALL, LANGUAGES

TOP = Path(__file__).resolve().parents[3]
SCHEMA = json.loads((TOP / "include" / "dmagent.schema.json").read_text(encoding="utf-8"))
PROMISED = Promised(SCHEMA).facts


def complete(name: str) -> Facts:
    """What a language has that has everything."""
    language = LANGUAGES[name]
    return {
        language.spelled(fact): doc for fact, doc in PROMISED.items() if fact.split(" ", 1)[0] in language.kinds
    }


@pytest.mark.parametrize("name", LANGUAGES)
def test_a_language_that_has_everything_passes(name: str) -> None:
    assert wrong(PROMISED, complete(name), LANGUAGES[name]) == []
    assert unseen(PROMISED, complete(name), LANGUAGES[name]) == []


TAKEN = {
    "Python": ["verb peers.connect", "argument messages.next from_", "record Peer", "field Peer agent_id", "event peer_connected",
               "field Message from_", "code timeout", "raises timeout TimeoutError", "retry timeout true",
               "word PeerState pending", "setting inbox.per_peer", "version " + SCHEMA["version"]],
    "Python without asyncio": ["verb trust.set", "argument trust.set note"],
    "JavaScript": ["verb peers.connect", "argument messages.send inReplyTo", "field Peer agentId", "event peer_connected",
                   "number timeout 3", "word PeerState pending", "setting inbox.perPeer"],
    "C": ["verb peers.connect", "argument messages.send in_reply_to", "code timeout", "number timeout 3"],
}


@pytest.mark.parametrize(("name", "fact"), [(name, fact) for name, facts in TAKEN.items() for fact in facts])
def test_what_is_taken_away_is_told_by_its_name(name: str, fact: str) -> None:
    seen = complete(name)
    del seen[fact]
    assert wrong(PROMISED, seen, LANGUAGES[name]) == [f"{fact}: is missing"]


@pytest.mark.parametrize("fact", ["verb peers.connect", "argument peers.connect url", "field Peer agent_id", "code timeout"])
def test_documentation_that_is_gone_or_another_is_told(fact: str) -> None:
    for told in (None, "", "Something else."):
        sentences = wrong(PROMISED, {**complete("Python"), fact: told}, LANGUAGES["Python"])
        assert [sentence.split(":")[0] for sentence in sentences] == [fact]


def test_what_the_schema_does_not_know_is_told() -> None:
    seen: Facts = {**complete("Python"), "verb peers.befriend": "Makes a friend.", "problem Peer": "is not exported"}
    assert wrong(PROMISED, seen, LANGUAGES["Python"]) == [
        "verb peers.befriend: is not in the schema",
        "problem Peer: is not exported",
    ]


def test_a_schema_with_more_is_more_to_have() -> None:
    schema = copy.deepcopy(SCHEMA)
    schema["verbs"].append({"name": "peers.befriend", "doc": "Makes a friend.", "arguments": {"$ref": "#/$defs/AgentArgs"},
                            "result": {"$ref": "#/$defs/Peer"}})
    schema["errors"].append({"name": "friendless", "doc": "Nobody.", "number": 999, "exception": "LimitError", "retry": False})
    schema["$defs"]["Peer"]["properties"]["friends"] = {"type": "integer", "description": "How many it has."}
    missing = wrong(Promised(schema).facts, complete("JavaScript"), LANGUAGES["JavaScript"])
    assert missing == [
        f"{fact}: is missing"
        for fact in ("verb peers.befriend", "argument peers.befriend agent", "field Peer friends", "code friendless",
                     "number friendless 999", "raises friendless LimitError", "retry friendless false")
    ]


def test_every_kind_of_fact_is_promised_and_documented() -> None:
    kinds = {fact.split(" ", 1)[0] for fact in PROMISED}
    assert kinds == ALL
    bare = [fact for fact, doc in PROMISED.items() if fact.split(" ", 1)[0] in ("verb", "record", "event", "code") and not doc]
    assert bare == []
