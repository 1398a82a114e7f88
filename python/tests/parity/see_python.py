"""Prints the facts of the installed Python package, as `languages.py` wants them: `python see_python.py [sync]`.

It needs nothing but Python and the package.
"""

from __future__ import annotations

import ast
import asyncio
import inspect
import json
import re
import sys
import typing
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any

import dmagent
import dmagent.sync

Facts = dict[str, "str | None"]


def members(module: ModuleType) -> dict[str, dict[str, str]]:
    """The documentation below each annotated member of the classes of a module, and below its constants (under '')."""
    found: dict[str, dict[str, str]] = {"": {}}
    tree = ast.parse(Path(str(module.__file__)).read_text(encoding="utf-8"))
    owners: list[tuple[str, list[ast.stmt]]] = [("", tree.body)]
    owners += [(node.name, node.body) for node in tree.body if isinstance(node, ast.ClassDef)]
    for owner, body in owners:
        for statement, following in zip(body, body[1:]):
            target = statement.target if isinstance(statement, ast.AnnAssign) else None
            if isinstance(statement, ast.Assign):
                target = statement.targets[0] if isinstance(statement.targets[0], ast.Name) else None
            told = following.value if isinstance(following, ast.Expr) else None
            if isinstance(target, ast.Name) and isinstance(told, ast.Constant) and isinstance(told.value, str):
                found.setdefault(owner, {})[target.id] = told.value
    return found


def items(text: str, pattern: str) -> dict[str, str]:
    """The items of a list in a docstring, each with its lines in one. The lines of an item are further in than its first."""
    found: dict[str, str] = {}
    name = None
    inset = len(text) - len(text.lstrip())
    for line in text.splitlines():
        if told := re.match(" " * inset + pattern, line):
            name = told[1]
            found[name] = told[2]
        elif name is not None:
            found[name] += " " + line.strip()
    return found


def verbs(node: Any, module: str) -> Facts:
    """The methods of a node that is open, and of what it leads to."""
    facts: Facts = {}
    own = next(base for base in type(node).__mro__ if base.__module__ == module)
    nouns = {"node": own}
    for name, member in vars(own).items():
        if isinstance(member, property):
            nouns[name] = type(getattr(node, name))
            if not member.__doc__:
                facts[f"problem {name}"] = "the noun has no documentation"
    for noun, owner in nouns.items():
        if not owner.__doc__:
            facts[f"problem {noun}"] = "its class has no documentation"
        for name, method in vars(owner).items():
            if isinstance(method, FunctionType) and not name.startswith("_"):
                facts.update(arguments(f"{noun}.{name}", method, awaited=module.endswith("._verbs")))
    return facts


def arguments(verb: str, method: FunctionType, *, awaited: bool) -> Facts:
    about = inspect.getdoc(method) or ""
    head, _, listed = about.partition("\nArgs:\n")
    told = items(listed, r"(\w+): (.*)")
    facts: Facts = {f"verb {verb}": head}
    if inspect.iscoroutinefunction(method) is not awaited:
        facts[f"problem {verb}"] = "is awaited in the wrong twin"
    signature = inspect.signature(method)
    if signature.return_annotation is inspect.Signature.empty:
        facts[f"problem {verb}"] = "its result has no annotation"
    for name, parameter in list(signature.parameters.items())[1:]:
        facts[f"argument {verb} {name}"] = told.get(name, "")
        if parameter.annotation is inspect.Parameter.empty:
            facts[f"problem {verb} {name}"] = "has no annotation"
    return facts


def options(node: Any) -> Facts:
    """What the shortcuts of a node and of a message take."""
    from dmagent import types

    message = inspect.signature(type(node).receive).return_annotation.split(" ")[0]
    shortcuts = {"send": type(node).send, "ask": type(node.messages).ask, "receive": type(node).receive,
                 "reply": getattr(sys.modules[type(node).__module__], message).reply}
    facts: Facts = {}
    for shortcut, method in shortcuts.items():
        for name, parameter in list(inspect.signature(method).parameters.items())[1:]:
            if name in ("to", "content"):
                continue
            named = re.search(r"Unpack\[(\w+)\]", str(parameter.annotation))
            for option in typing.get_type_hints(getattr(types, named[1])) if named else [name]:
                facts[f"option {shortcut} {option}"] = None
    return facts


def records() -> Facts:
    from dmagent import _records

    facts: Facts = {}
    told = members(_records)
    for name, record in vars(_records).items():
        if not (isinstance(record, type) and issubclass(record, dmagent.Record) and record.__module__ == _records.__name__):
            continue
        # A message that a host has is one with methods.
        if not issubclass(getattr(dmagent, name, object), record) or name not in dmagent.__all__:
            facts[f"problem {name}"] = "is not exported by the package"
        is_event = issubclass(record, dmagent.Event)
        owner = record.type if issubclass(record, dmagent.Event) else name
        facts[f"{'event' if is_event else 'record'} {owner}"] = inspect.getdoc(record)
        for field in record._fields:
            facts[f"field {owner} {field}"] = told.get(name, {}).get(field, "")
            inherited = field == "at" and is_event
            if not inherited and field not in inspect.get_annotations(record):
                facts[f"problem {owner} {field}"] = "has no annotation"
        if is_event and _records.EVENTS.get(owner) is not record:
            facts[f"problem {owner}"] = "no stream yields it"
    return facts


def errors() -> Facts:
    from dmagent import _errors

    facts: Facts = {}
    for code, (kind, retry) in _errors.CODES.items():
        told = items(inspect.getdoc(kind) or "", r"- `(\w+)`: (.*)")
        facts[f"code {code}"] = told.get(code, "")
        raised = _errors.from_native(code, "", ())
        facts[f"raises {code} {type(raised).__name__}"] = None
        facts[f"retry {code} {str(raised.retryable).lower()}"] = None
        if getattr(dmagent, kind.__name__, None) is not kind or raised.code != code or raised.retryable is not retry:
            facts[f"problem {code}"] = "its exception is not what the package exports"
    return facts


def types() -> Facts:
    from dmagent import types

    facts: Facts = {}
    told = members(types)
    for name, hint in vars(types).items():
        if typing.get_origin(hint) is typing.Literal:
            explained = items(told[""].get(name, ""), r"- `([^`]+)`: ?(.*)")
            for word in typing.get_args(hint):
                facts[f"word {name} {word}"] = explained.get(word, "")
    settings(facts, told, "", types.Settings)
    return facts


def settings(facts: Facts, told: dict[str, dict[str, str]], before: str, owner: Any) -> None:
    from dmagent import types

    for name, hint in owner.__annotations__.items():
        facts[f"setting {before}{name}"] = told.get(owner.__name__, {}).get(name, "")
        words = re.findall(r"\w+", hint if isinstance(hint, str) else getattr(hint, "__forward_arg__", repr(hint)))
        for group in ("InboxLimits", "Limits", "RoutingRule"):
            if group in words:
                settings(facts, told, f"{before}{name}.", getattr(types, group))


async def asynchronous() -> Facts:
    async with dmagent.Node.ephemeral() as node:
        told = (await node.info()).version
        facts = {**verbs(node, "dmagent._verbs"), **options(node)}
    from importlib.metadata import version

    if not dmagent.__version__ == version("dmagent") == told:
        facts["problem version"] = "the package, what it says and its node are of different versions"
    return {f"version {told}": None, **facts, **records(), **errors(), **types()}


def main() -> None:
    if sys.argv[1:] == ["sync"]:
        with dmagent.sync.Node.ephemeral() as node:
            facts = {**verbs(node, "dmagent._sync_verbs"), **options(node)}
    else:
        facts = asyncio.run(asynchronous())
    print(json.dumps(facts))


if __name__ == "__main__":
    main()
