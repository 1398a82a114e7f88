"""Checks as text what uniffi generates for Swift: `python3 check_swift.py SCHEMA SWIFT`. Nothing here can compile it.

Every verb, argument, member of a record, setting, event and error code of the schema must be there under its name.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.append(str(Path(__file__).resolve().parents[3] / "python" / "tools"))

from layout import camel
from schema import SETTINGS, Schema
from write_verbs import NOUNS


def lower(name: str) -> str:
    """A name as Swift has it for members."""
    found = camel(name)
    return found[0].lower() + found[1:]


def block(text: str, kind: str, name: str) -> str:
    """A type of the generated code with what belongs to it; nothing when there is no such type."""
    found = re.search(rf"^(?:public|open)\s+{kind} {name}:", text, re.MULTILINE)
    # The converter of a type stands behind it.
    end = found and text.find(f"struct FfiConverterType{name}:", found.start())
    return text[found.start() : end] if found and end else ""


def missing(schema: Schema, text: str) -> list[str]:
    lacks: list[str] = []
    plain = text.replace("`", "")

    def want(there: object, what: str) -> None:
        if not there:
            lacks.append(what)

    for verb in schema.whole["verbs"]:
        noun, name = verb["name"].split(".")
        kind = "Node" if noun == "node" else NOUNS[noun][0]
        want(re.search(rf"open func {name}\(", block(plain, "class", kind)), f"the verb {verb['name']}")
    taken = {str(schema.name_of(verb["arguments"])) for verb in schema.whole["verbs"]} - {"NoArgs"}
    for name in sorted({*taken, *schema.reachable(), *SETTINGS}):
        exported = {"Message": "MessageRecord", "NodeConfig": "Settings"}.get(name, name)
        found = block(plain, "struct", exported)
        want(found, f"the record {exported}")
        for member in schema.defs[name].get("properties", {}):
            want(re.search(rf"public (?:let|var) {lower(member)}:", found), f"{exported}.{lower(member)}")
    for family in ("MessageEvent", "PeerEvent", "NodeEvent"):
        for event in schema.defs[family]["oneOf"]:
            word = event["properties"]["type"]["const"]
            want(re.search(rf"case {lower(word)}\(", block(plain, "enum", "Event")), f"the event {word}")
    for error in schema.whole["errors"]:
        want(re.search(rf"case {lower(error['name'])} = {error['number']}\b", block(plain, "enum", "Code")), error["name"])
    for kind in schema.whole["exceptions"]:
        want(re.search(rf"case {kind}\(", block(plain, "enum", "DmError")), f"the error {kind}")
    return lacks


def main() -> None:
    schema, swift = (Path(path).read_text(encoding="utf-8") for path in sys.argv[1:])
    lacks = missing(Schema(json.loads(schema)), swift)
    if lacks:
        sys.exit("the generated Swift lacks: " + ", ".join(lacks))
    print("the generated Swift has what the schema names (it was not compiled)")


if __name__ == "__main__":
    main()
