"""How generated Python looks: docstrings, names, rows of items."""

from __future__ import annotations

import keyword
import textwrap

HEADER = '"""{0}\n\nMade by `cargo xtask gen` from the schema; do not edit.\n"""\n\nfrom __future__ import annotations\n'


def words(text: str) -> str:
    """A description as one line. Links of the Rust documentation become plain code."""
    return " ".join(text.replace("[`", "`").replace("`]", "`").split()).replace("\\", "\\\\")


def doc(text: str, indent: str, more: list[str] | None = None) -> list[str]:
    """A docstring: a sentence or two, and lines below."""
    body = textwrap.wrap(words(text), 112 - len(indent)) or [""]
    if more:
        return [f'{indent}"""{body[0]}', *(indent + line for line in body[1:]), "", *more, f'{indent}"""']
    if len(body) == 1:
        return [f'{indent}"""{body[0]}"""']
    return [f'{indent}"""{body[0]}', *(indent + line for line in body[1:]), f'{indent}"""']


def safe(name: str) -> str:
    return name + "_" if keyword.iskeyword(name) else name


def camel(name: str) -> str:
    return "".join(part.capitalize() for part in name.split("_"))


def row(start: str, items: list[str], end: str, indent: str = "") -> list[str]:
    """Items in brackets on one line, or one to a line when they are many."""
    line = f"{indent}{start}{', '.join(items)}{',' if end == ')' and '(' in start and len(items) == 1 else ''}{end}"
    if len(line) <= 118:
        return [line]
    return [f"{indent}{start}", *(f"{indent}    {item}," for item in items), f"{indent}{end}"]
