"""Compares what a language has with what the schema promises.

Used as `python compare.py SCHEMA LANGUAGE < FACTS`, by `cargo xtask test`. It prints what is wrong, and it proves on the
same facts that it can see: each of them, when it is taken away, must be missed by its name.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

from facts import Facts, Promised
from languages import LANGUAGES, Language

EXTRA = ("verb", "argument", "record", "field", "event", "code", "word", "setting", "version", "number", "raises", "retry",
         "exception", "crosses", "option")
"""Kinds of which a language has none that the schema does not know."""


def plain(text: str) -> str:
    """Only letters and digits: languages write code, links and names each in their way."""
    return re.sub(r"[\W_]", "", text).lower()


def wrong(promised: Facts, seen: Facts, language: Language) -> list[str]:
    """A sentence for each difference."""
    found, known = [], set()
    for fact, doc in promised.items():
        kind = fact.split(" ", 1)[0]
        if kind not in language.kinds:
            continue
        spelled = language.spelled(fact)
        known.add(spelled)
        if spelled not in seen:
            found.append(f"{spelled}: is missing")
        elif doc is not None and kind not in language.undocumented:
            # Languages show the first paragraph.
            told = plain(doc.split("\n\n")[0])
            if told not in plain(seen[spelled] or ""):
                found.append(f"{spelled}: its documentation is {seen[spelled]!r}, should be {doc!r}")
    found += [
        f"{fact}: is not in the schema"
        for fact in seen
        if fact.split(" ", 1)[0] in EXTRA and fact not in known and fact not in language.own
    ]
    # What a language itself finds wrong.
    found += [f"{fact}: {doc}" for fact, doc in seen.items() if fact.startswith("problem ")]
    return found


def unseen(promised: Facts, seen: Facts, language: Language) -> list[str]:
    """The facts and documentations that could go without being missed."""
    blind = []
    for fact, doc in promised.items():
        kind, spelled = fact.split(" ", 1)[0], language.spelled(fact)
        if kind not in language.kinds:
            continue
        less = {name: told for name, told in seen.items() if name != spelled}
        if f"{spelled}: is missing" not in wrong({fact: doc}, less, language):
            blind.append(fact)
        if doc is not None and kind not in language.undocumented:
            told = wrong({fact: doc}, {**seen, spelled: ""}, language)
            if not any(sentence.startswith(f"{spelled}: its documentation") for sentence in told):
                blind.append(f"the documentation of {fact}")
    return blind


def main() -> None:
    path, name = sys.argv[1:]
    promised = Promised(json.loads(Path(path).read_text(encoding="utf-8"))).facts
    language, seen = LANGUAGES[name], json.load(sys.stdin)
    sentences = wrong(promised, seen, language)
    sentences += [f"{fact}: nobody would miss it" for fact in unseen(promised, seen, language)]
    for sentence in sentences:
        print(f"{name}: {sentence}")
    compared = sum(fact.split(" ", 1)[0] in language.kinds for fact in promised)
    print(f"{name}: {compared} facts of the schema compared, {len(sentences)} wrong")
    sys.exit(bool(sentences))


if __name__ == "__main__":
    main()
