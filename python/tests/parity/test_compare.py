"""The comparison of the languages sees what is missing: one thing is taken from a copy, and must be told by its name.

The languages themselves are compared where their packages are tested, see `.cargo/xtask/src/parity.rs`.
"""

from __future__ import annotations

import copy
import functools
import json
import re
import subprocess
from pathlib import Path
from typing import cast

import pytest
from compare import unseen, wrong
from facts import Facts, Promised
from languages import ALL, LANGUAGES
from see_uniffi import Library, facts, kotlin_text, python_text, swift_text

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
               "word PeerState pending", "setting inbox.per_peer", "version " + SCHEMA["version"], "option receive timeout",
               "option receive from_", "option reply hops"],
    "Python without asyncio": ["verb trust.set", "argument trust.set note", "option reply metadata"],
    "JavaScript": ["verb peers.connect", "argument messages.send inReplyTo", "field Peer agentId", "event peer_connected",
                   "number timeout 3", "word PeerState pending", "setting inbox.perPeer",
                   "crosses messages.send inReplyTo in_reply_to", "crosses Peer agentId agent_id",
                   "option reply expiresInSecs", "option receive inReplyTo", "crosses peer_connected at at", "crosses InboxLimits perPeer per_peer"],
    "C": ["verb peers.connect", "argument messages.send in_reply_to", "code timeout", "number timeout 3",
          "option reply metadata", "option ask timeout_ms"],
    "Kotlin": ["verb peers.connect", "argument messages.send inReplyTo", "record MessageRecord", "field Peer agentId",
               "event PeerConnected", "field PeerConnected agentId", "code INVALID_ARGUMENT", "number TIMEOUT 3",
               "exception TimeoutException", "raises timeout TimeoutException", "word Verification SIGNED_FULLY",
               "setting inbox.perPeer", "version " + SCHEMA["version"], "option reply timeoutSecs", "option receive kinds"],
    "Ruby": ["verb peers.connect", "argument messages.send in_reply_to", "record MessageRecord", "event PEER_CONNECTED",
             "field PEER_CONNECTED agent_id", "number TIMEOUT 3", "exception TimeoutError", "word PeerState PENDING",
             "setting limits.peer", "version " + SCHEMA["version"], "option send hops", "option receive timeout"],
    "Swift": ["verb peers.connect", "argument messages.send inReplyTo", "field MessageRecord messageId", "event peerConnected",
              "code invalidArgument", "number timeout 3", "raises timeout TimeoutError", "word Verification signedFully",
              "setting inbox.perPeer", "option ask metadata"],
    "Python by uniffi": ["verb peers.connect", "field MessageRecord _from", "event PEER_CONNECTED", "number TIMEOUT 3"],
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
        for fact in ("verb peers.befriend", "argument peers.befriend agent", "crosses peers.befriend agent agent",
                     "field Peer friends", "crosses Peer friends friends", "code friendless",
                     "number friendless 999", "raises friendless LimitError", "retry friendless false")
    ]


def test_every_kind_of_fact_is_promised_and_documented() -> None:
    kinds = {fact.split(" ", 1)[0] for fact in PROMISED}
    assert kinds == ALL
    bare = [fact for fact, doc in PROMISED.items() if fact.split(" ", 1)[0] in ("verb", "record", "event", "code") and not doc]
    assert bare == []


UNIFFI = TOP / "bindings" / "uniffi"


def generated(path: str) -> str:
    return (UNIFFI / path).read_text(encoding="utf-8")


BY_HAND = {"Kotlin": "kotlin/src/Idioms.kt", "Swift": "swift/Sources/Dmagent/Idioms.swift"}


def read(name: str, text: str) -> Library:
    """What is found in generated code that nothing here loads."""
    if name == "Kotlin":
        return kotlin_text(text, generated(BY_HAND[name]))
    if name == "Swift":
        return swift_text(text, generated(BY_HAND[name]))
    return python_text(text)


@functools.cache
def whole(name: str) -> Facts:
    """The facts of the code as it is."""
    return facts(read(name, generated(GENERATED[name])))


GENERATED = {
    "Kotlin": "kotlin/generated/dmagent/dmagent.kt",
    "Swift": "swift/Sources/Dmagent/Dmagent.swift",
    "Python by uniffi": "python/dmagent.py",
}
LOST = [
    ("Kotlin", r"fun `connect`\(`arg", "fun `link`(`arg", "verb peers.connect"),
    ("Kotlin", r"val `expect`: AgentId", "val `wish`: AgentId", "argument peers.connect expect"),
    ("Kotlin", r"data class Peer \(", "data class Friend (", "record Peer"),
    ("Kotlin", r"val `unreachable`:", "val `gone`:", "field Peer unreachable"),
    ("Kotlin", r"data class PeerConnected\(", "data class Met(", "event PeerConnected"),
    ("Kotlin", r" PENDING;", " ASKED;", "word PeerState PENDING"),
    ("Kotlin", r"TIMEOUT\(3u\)", "TIMEOUT(4u)", "number TIMEOUT 3"),
    ("Kotlin", r"class TimeoutException\(", "class LateException(", "exception TimeoutException"),
    ("Kotlin", r"val `perPeer`", "val `perFriend`", "setting inbox.perPeer"),
    ("Swift", r"func connect\(arg", "func link(arg", "verb peers.connect"),
    ("Swift", r"public let expect: AgentId", "public let wish: AgentId", "argument peers.connect expect"),
    ("Swift", r"public let unreachable:", "public let gone:", "field Peer unreachable"),
    ("Swift", r"case peerConnected\(", "case met(", "event peerConnected"),
    ("Swift", r"case pending\n", "case asked\n", "word PeerState pending"),
    ("Swift", r"case timeout = 3", "case timeout = 4", "number timeout 3"),
    ("Swift", r"case TimeoutError\(", "case LateError(", "exception TimeoutError"),
    ("Swift", r"public let perPeer", "public let perFriend", "setting inbox.perPeer"),
    ("Python by uniffi", r"def connect\(self, arg", "def link(self, arg", "verb peers.connect"),
    ("Python by uniffi", r"unreachable:bool", "gone:bool", "field Peer unreachable"),
    ("Python by uniffi", r"class PEER_CONNECTED", "class MET", "event PEER_CONNECTED"),
    ("Python by uniffi", r"TIMEOUT = 3", "TIMEOUT = 4", "number TIMEOUT 3"),
]


@pytest.mark.parametrize(("name", "there", "instead", "fact"), LOST)
def test_what_generated_code_loses_is_no_fact_of_it(name: str, there: str, instead: str, fact: str) -> None:
    text = generated(GENERATED[name])
    assert fact in whole(name)
    assert fact not in facts(read(name, re.sub(there, instead, text)))


LOST_BY_HAND = [
    ("Kotlin", r"    hops: UInt\? = null,\n", "option send hops"),
    ("Kotlin", r"    metadata: Json\? = null,\n    inReplyTo", "option ask metadata"),
    ("Kotlin", r"    kinds: List<MessageKind> = emptyList\(\),\n", "option receive kinds"),
    ("Swift", r" hops: UInt32\? = nil,", "option send hops"),
    ("Swift", r" metadata: Json\? = nil, inReplyTo", "option ask metadata"),
    ("Swift", r", kinds: \[MessageKind\] = \[\]", "option receive kinds"),
]


@pytest.mark.parametrize(("name", "there", "fact"), LOST_BY_HAND)
def test_an_option_that_a_shortcut_loses_is_no_fact_of_it(name: str, there: str, fact: str) -> None:
    text, by_hand = generated(GENERATED[name]), generated(BY_HAND[name])
    made = {"Kotlin": kotlin_text, "Swift": swift_text}[name]
    assert fact in facts(made(text, by_hand))
    assert fact not in facts(made(text, re.sub(there, "", by_hand)))


def test_an_option_that_an_answer_loses_is_no_fact_of_it() -> None:
    for name, there in (("Kotlin", r"`hops`: kotlin.UInt\?"), ("Swift", r"hops: UInt32\?")):
        text = generated(GENERATED[name])
        assert "option reply hops" in facts(read(name, text))
        assert "option reply hops" not in facts(read(name, re.sub(there, "leaps: UInt?", text)))


def test_documentation_that_generated_code_loses_is_missed() -> None:
    for name in ("Kotlin", "Swift"):
        text = generated(GENERATED[name])
        bare = re.sub(r"Where: a base URL.*?theirs\.", "", text, flags=re.DOTALL)
        told = [facts(read(name, version))["argument peers.connect url"] or "" for version in (text, bare)]
        assert told[0].startswith("Where: a base URL") and told[1] == ""


def test_an_error_that_swift_forgets_by_hand_is_told() -> None:
    idioms = generated("swift/Sources/Dmagent/Idioms.swift").replace(".TimeoutError(let failure), ", "")
    assert facts(swift_text(generated(GENERATED["Swift"]), idioms))["problem TimeoutError"] == "`DmError.failure` forgets it"


NODE_JS = TOP / "node"
TYPESCRIPT = NODE_JS / "node_modules" / "typescript"


def seen_of_node(folder: Path, before: str = "") -> Facts:
    """What is seen of the npm package of this checkout in a program that did something before."""
    if not (TYPESCRIPT.is_dir() and (NODE_JS / "dmagent.node").is_file()):
        pytest.skip("the npm package is not built; `cargo xtask test` does it")
    modules = folder / "node_modules"
    modules.mkdir()
    (modules / "dmagent").symlink_to(NODE_JS, target_is_directory=True)
    (folder / "before.cjs").write_text(
        "const dmagent = require('dmagent');\nconst shapes = require('./node_modules/dmagent/lib/shapes.cjs');\n" + before,
        encoding="utf-8",
    )
    see = Path(__file__).with_name("see_node.mjs")
    command = ["node", "--require", str(folder / "before.cjs"), str(see), str(modules), str(TYPESCRIPT)]
    told = subprocess.run(command, check=True, capture_output=True, text=True, timeout=60)
    return cast(Facts, json.loads(told.stdout))


def test_the_npm_package_has_what_its_types_declare(tmp_path: Path) -> None:
    assert wrong(PROMISED, seen_of_node(tmp_path), LANGUAGES["JavaScript"]) == []


LOST_AT_RUN_TIME = [
    *((f"delete dmagent.Node.prototype.{name}", f"problem Node.{name}") for name in ("connect", "send", "ask", "inbox")),
    ("delete dmagent.Node.fromEnv", "problem Node.fromEnv"),
    ("delete dmagent.Node.prototype.localToken", "problem Node.localToken"),
    ("delete dmagent.Node.prototype[Symbol.asyncDispose]", "problem Node.asyncDispose"),
    ("delete dmagent.Message.prototype.reply", "problem Message.reply"),
    ("delete Object.getPrototypeOf(dmagent.Events.prototype).return", "problem Events.return"),
    ("delete dmagent.fenced", "problem fenced"),
    ("delete dmagent.version", "problem version"),
    ("delete dmagent.LimitError", "problem exports"),
    ("dmagent.more = 7", "problem exports"),
    ("delete shapes.VERBS['messages.send'].members.inReplyTo", "problem messages.send"),
]


@pytest.mark.parametrize(("taken", "fact"), LOST_AT_RUN_TIME)
def test_what_the_npm_package_loses_at_run_time_is_told(taken: str, fact: str, tmp_path: Path) -> None:
    assert fact in seen_of_node(tmp_path, taken)


@pytest.mark.parametrize(("table", "fact"), [
    ("VERBS['messages.send'].members.inReplyTo", "crosses messages.send inReplyTo in_reply_to"),
    ("SETTINGS.InboxLimits.perPeer", "crosses InboxLimits perPeer per_peer"),
])
def test_a_name_that_the_npm_package_translates_wrongly_is_told(table: str, fact: str, tmp_path: Path) -> None:
    seen = seen_of_node(tmp_path, f"shapes.{table}[0] = 'another'")
    instead = " ".join([*fact.split(" ")[:-1], "another"])
    assert wrong(PROMISED, seen, LANGUAGES["JavaScript"]) == [f"{fact}: is missing", f"{instead}: is not in the schema"]
