"""Prints the facts of what uniffi serves, as `languages.py` wants them.

    see_uniffi.py kotlin SOURCES JAR       the jar with the sources, and whether their classes are in the other
    see_uniffi.py swift SOURCE IDIOMS      as text: nothing here compiles Swift
    see_uniffi.py python SOURCE            as text: it only shows that the interface works from one more language
    see_uniffi.py ruby RUBY…               what `see_ruby.rb` says that it loaded; the command that runs it

Each language is read as one [`Library`]; what its facts are is the same for all.
"""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

Facts = dict[str, "str | None"]


@dataclass
class Part:
    """Something with a name: a type, a member, a method, a parameter."""

    doc: str = ""
    type: str = ""
    """Of a member or a parameter; what a method returns."""
    value: int | None = None
    members: dict[str, Part] = field(default_factory=dict)


Parts = dict[str, Part]


@dataclass
class Library:
    """What a language has."""

    objects: Parts = field(default_factory=dict)
    records: Parts = field(default_factory=dict)
    words: Parts = field(default_factory=dict)
    variants: Parts = field(default_factory=dict)
    errors: Part = field(default_factory=Part)
    extra: Facts = field(default_factory=dict)
    """The version, and what the reader found wrong."""


# ---- The facts of a library -------------------------------------------------------------------------------------------

SETTINGS = ("InboxLimits", "Limits", "RoutingRule")
FAILURE = {"code", "name", "message", "retryable", "context"}
"""What every error tells."""
BEYOND = ("Code", "LogLevel", "Preset")
"""Words that are no words of the schema."""


def facts(library: Library) -> Facts:
    told = dict(library.extra)
    # In Kotlin a `Node` by hand inherits all of what is generated.
    node = library.objects.get("BareNode") or library.objects["Node"]
    nouns = {"node": node}
    for name, method in node.members.items():
        # What happens is observed, not called.
        if not method.members and method.type in library.objects and method.type != "Events":
            nouns[name] = library.objects[method.type]
    taken = set()
    for noun, owner in nouns.items():
        for name, method in owner.members.items():
            if noun == "node" and name in nouns:
                continue
            told[f"verb {noun}.{name}"] = method.doc
            kind = re.search(r"\w+Args\b", method.members.get("arguments", Part()).type)
            if kind:
                taken.add(kind[0])
                for argument, part in library.records[kind[0]].members.items():
                    told[f"argument {noun}.{name} {argument}"] = part.doc
    settings(told, library, "", "Settings")
    for name, record in library.records.items():
        if name not in {*taken, *SETTINGS, "Settings", "Failure"}:
            told[f"record {name}"] = record.doc
            told.update({f"field {name} {member}": part.doc for member, part in record.members.items()})
    for name, event in library.variants["Event"].members.items():
        told[f"event {name}"] = event.doc
        told.update({f"field {name} {member}": part.doc for member, part in event.members.items()})
    for name, words in library.words.items():
        for word, part in words.members.items():
            if name not in BEYOND:
                told[f"word {name} {word}"] = part.doc
            if name == "Code":
                told[f"code {word}"] = part.doc
                told[f"number {word} {part.value}"] = None
    for name, error in library.errors.members.items():
        told[f"exception {name}"] = None
        if error.members and set(map(snake, library.records["Failure"].members)) < FAILURE:
            told[f"problem {name}"] = f"its failure has not all of {sorted(FAILURE)}"
        for code in re.findall(r"`(\w+)`", error.doc):
            told[f"raises {code} {name}"] = None
    return told


def settings(told: Facts, library: Library, before: str, owner: str) -> None:
    for name, part in library.records[owner].members.items():
        told[f"setting {before}{name}"] = part.doc
        for inner in SETTINGS:
            if re.search(rf"(\b|Type){inner}\b", part.type):
                settings(told, library, f"{before}{name}.", inner)


def snake(name: str) -> str:
    return re.sub(r"([A-Z])", r"_\1", name).lower()


REPLYING = ("content", "cancel")
ABOUT = ("to", "content")
"""What is no option."""


def replying(library: Library) -> None:
    """The options of an answer."""
    for name in library.objects["Message"].members["reply"].members:
        if name not in REPLYING:
            library.extra[f"option reply {name}"] = None


def shortcuts(library: Library, by_hand: str, pattern: str) -> None:
    """The options of what is written by hand: its name, and its parameters."""
    for shortcut, parameters in re.findall(pattern, by_hand, re.DOTALL):
        for name in re.findall(r"(\w+): ", parameters):
            if name not in ABOUT:
                library.extra[f"option {shortcut} {name}"] = None


# ---- Kotlin and Swift -------------------------------------------------------------------------------------------------

DOC = r"(?:/\*\*((?:(?!\*/).)*)\*/\s*)?"
"""The comment above something, if there is one."""


def bare(text: str) -> str:
    """Names without the quotes that keep them from being words of the language; comments stay."""
    return "\n".join(line if line.lstrip().startswith("*") and "*/" not in line else line.replace("`", "") for line in text.split("\n"))


def found(text: str, pattern: str) -> Iterator[tuple[re.Match[str], str]]:
    """Every match of a pattern, with the comment above it."""
    for match in re.finditer(DOC + pattern, text, re.DOTALL | re.MULTILINE):
        yield match, " ".join(line.strip(" *") for line in (match[1] or "").splitlines()).strip()


def blocks(text: str, pattern: str) -> Iterator[tuple[str, str, str]]:
    """The types of a kind: name, documentation, and what is in them."""
    for match, doc in found(text, pattern):
        yield match[2], doc, text[match.end() : text.index("\n}", match.end())]


def parts(text: str, pattern: str) -> Parts:
    """Members by their name, each with its type."""
    return {match[2]: Part(doc, (match[3] or "").strip()) for match, doc in found(text, pattern)}


def methods(text: str, pattern: str, parameter: str) -> Parts:
    """Methods: name, parameters, and what they return."""
    return {
        match[2]: Part(doc, (match[4] or "").strip(), members=parts(match[3], parameter)) for match, doc in found(text, pattern)
    }


def variants(text: str, doc: str, pattern: str, member: str) -> Part:
    """Variants, each with what stands before the next."""
    starts = list(found(text, pattern))
    ends = [match.start() for match, _ in starts[1:]] + [len(text)]
    inner = zip(starts, ends)
    return Part(doc, members={m[2]: Part(told, members=parts(text[m.end() : end], member)) for (m, told), end in inner})


def numbered(text: str, doc: str, pattern: str) -> Part:
    """Words, some with a number."""
    told = found(text, pattern)
    return Part(doc, members={m[2]: Part(about, value=int(m[3]) if m[3] else None) for m, about in told})


def kotlin(sources: str, jar: str) -> Library:
    with zipfile.ZipFile(sources) as archive:
        library = kotlin_text(archive.read("dmagent/dmagent.kt").decode(), archive.read("Idioms.kt").decode())
    with zipfile.ZipFile(jar) as archive:
        names = set(archive.namelist())
        manifest = archive.read("META-INF/MANIFEST.MF").decode()
    inner = [f"{name}${variant}" for name, part in library.variants.items() for variant in part.members]
    inner += [f"DmException${name}" for name in library.errors.members]
    for name in [*library.objects, *library.records, *library.words, *library.variants, *inner]:
        if f"dmagent/{name}.class" not in names:
            library.extra[f"problem {name}"] = "is not in the jar"
    for version in re.findall(r"^Implementation-Version: (\S+)", manifest, re.MULTILINE):
        library.extra[f"version {version}"] = None
    return library


def kotlin_text(source: str, by_hand: str) -> Library:
    text, library = bare(source), Library()
    member, variant = r"val (\w+): ([^,)=\n]+)", r"^ +(?:data class|class|object) (\w+)\b(?=\(| :)"
    for name, doc, body in blocks(text, r"^public interface (\w+)Interface \{"):
        parameter = r"(\w+): ([^,]+)"
        library.objects[name] = Part(doc, members=methods(body, r"(?:suspend )?fun (\w+)\(([^)]*)\)(?:: (\S+))?", parameter))
    for name, doc, body in blocks(text, r"^data class (\w+) \("):
        library.records[name] = Part(doc, members=parts(body, member))
    for name, doc, body in blocks(text, r"^enum class (\w+)(?:\([^)]*\))? \{"):
        library.words[name] = numbered(body, doc, r"^ +([A-Z][A-Z0-9_]*)(?:\((\d+)u\))?[,;]")
    for name, doc, body in blocks(text, r"^sealed class (\w+)[^{\n]*\{"):
        library.variants[name] = variants(body, doc, variant, member)
    library.errors = library.variants.pop("DmException")
    replying(library)
    shortcuts(library, by_hand, r"suspend fun Node\.(send|ask|receive)\(([^)]*(?:\(\)[^)]*)*)\):")
    return library


def swift(source: str, idioms: str) -> Library:
    return swift_text(Path(source).read_text(encoding="utf-8"), Path(idioms).read_text(encoding="utf-8"))


def swift_text(source: str, by_hand: str) -> Library:
    text, library = bare(source), Library()
    for name, doc, body in blocks(text, r"^public protocol (\w+)Protocol:"):
        parameter = r"(\w+): ([^,]+)"
        library.objects[name] = Part(doc, members=methods(body, r"func (\w+)\(([^)]*)\)(?:[^\n>]*-> +(\S+))?", parameter))
    for name, doc, body in blocks(text, r"^public struct (\w+): Equatable"):
        library.records[name] = Part(doc, members=parts(body, r"public (?:let|var) (\w+): ([^\n]+)"))
    for name, doc, body in blocks(text, r"^public\s+enum (\w+):"):
        if re.search(r"^    case \w+\(", body, re.MULTILINE):
            library.variants[name] = variants(body, doc, r"^    case (\w+)", r"(\w+): ([^,)\n]+)")
        else:
            library.words[name] = numbered(body, doc, r"^    case (\w+)(?: = (\d+))?$")
    library.errors = library.variants.pop("DmError")
    replying(library)
    shortcuts(library, by_hand, r"public func (send|ask|receive)\(([^)]*)\) async throws -> (?:Receipt|Message)")
    # Elsewhere a compiler would see that a kind of errors is forgotten.
    for name, error in library.errors.members.items():
        if "failure" in error.members and f".{name}(let failure)" not in by_hand:
            library.extra[f"problem {name}"] = "`DmError.failure` forgets it"
    return library


# ---- Python -----------------------------------------------------------------------------------------------------------


def python_text(source: str) -> Library:
    library = Library()
    for owner in ast.parse(source).body:
        if not isinstance(owner, ast.ClassDef) or owner.name.startswith("_"):
            continue
        bases = {ast.unparse(base) for base in owner.bases}
        inner = [part for part in owner.body if isinstance(part, ast.ClassDef)]
        doc = ast.get_docstring(owner) or ""
        if owner.name.endswith("Protocol"):
            told = [part for part in owner.body if isinstance(part, (ast.FunctionDef, ast.AsyncFunctionDef))]
            library.objects[owner.name.removesuffix("Protocol")] = Part(doc, members={part.name: method(part) for part in told})
        elif "enum.Enum" in bases:
            library.words[owner.name] = Part(doc, members=documented(owner.body))
        elif owner.name == "DmError" and inner:
            library.errors = Part(doc, members={part.name: made(part) for part in inner})
        elif inner:
            library.variants[owner.name] = Part(doc, members={part.name: made(part) for part in inner})
        elif owner.decorator_list:
            library.records[owner.name] = made(owner)
    return library


def method(told: ast.FunctionDef | ast.AsyncFunctionDef) -> Part:
    parameters = {part.arg: Part(type=ast.unparse(part.annotation) if part.annotation else "") for part in told.args.args[1:]}
    return Part(ast.get_docstring(told) or "", ast.unparse(told.returns) if told.returns else "", members=parameters)


def made(owner: ast.ClassDef) -> Part:
    """A class by what it is made with."""
    part = Part(ast.get_docstring(owner) or "")
    for told in owner.body:
        if isinstance(told, ast.FunctionDef) and told.name == "__init__":
            docs = documented(told.body)
            for taken in [*told.args.args[1:], *told.args.kwonlyargs]:
                kind = ast.unparse(taken.annotation) if taken.annotation else ""
                part.members[taken.arg] = Part(docs.get(taken.arg, Part()).doc, kind)
    return part


def documented(body: list[ast.stmt]) -> Parts:
    """What is assigned, with the text below it."""
    told: Parts = {}
    for statement, following in zip(body, [*body[1:], ast.Pass()]):
        if isinstance(statement, ast.Assign):
            target, value = statement.targets[0], statement.value
            name = target.attr if isinstance(target, ast.Attribute) else ast.unparse(target)
            below = following.value if isinstance(following, ast.Expr) else None
            about = below.value if isinstance(below, ast.Constant) and isinstance(below.value, str) else ""
            number = value.value if isinstance(value, ast.Constant) and isinstance(value.value, int) else None
            told[name] = Part(about, value=number)
    return told


# ---- Ruby -------------------------------------------------------------------------------------------------------------


def ruby(*command: str) -> Library:
    seen = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    told = {name: {key: part(value) for key, value in seen[name].items()} for name in ("objects", "records", "words", "variants")}
    return Library(**told, errors=part(seen["errors"]), extra=seen["extra"])


def part(told: dict[str, Any]) -> Part:
    inner = {name: part(value) for name, value in told.get("members", {}).items()}
    return Part(type=told.get("type", ""), value=told.get("value"), members=inner)


def main() -> None:
    readers: dict[str, Callable[..., Library]] = {
        "kotlin": kotlin,
        "swift": swift,
        "python": lambda path: python_text(Path(path).read_text(encoding="utf-8")),
        "ruby": ruby,
    }
    print(json.dumps(facts(readers[sys.argv[1]](*sys.argv[2:]))))


if __name__ == "__main__":
    main()
