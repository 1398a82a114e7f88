"""Writes `_errors.py`: the exceptions and the table of codes."""

from __future__ import annotations

import textwrap

from layout import HEADER, doc, words
from schema import Schema

# What an exception of ours also is. A caller who knows nothing of this package catches the right thing.
ALSO = {
    "InvalidInputError": "ValueError",
    "ConfigError": "ValueError",
    "UnreachableError": "ConnectionError",
    "TimeoutError": "builtins.TimeoutError",
    "NotFoundError": "LookupError",
}


def errors(schema: Schema) -> str:
    lines = [
        HEADER.format("The exceptions, one class for what a caller can do about it, and the table of codes."),
        "import builtins",
        "",
        "TYPE_CHECKING = False",
        "if TYPE_CHECKING:",
        "    from collections.abc import Callable, Iterable, Mapping",
        "",
        "",
        "class DmError(Exception):",
        '    """Something of dmagent failed. Its text is one line: what happened and what to do."""',
        "",
        "    message: str",
        '    """What happened, without code and context."""',
        "    code: str",
        '    """A stable name out of the table of codes."""',
        "    retryable: bool",
        '    """Whether trying the same call again later can help."""',
        "    context: dict[str, str]",
        '    """Facts, for instance `path`."""',
        "",
        "    def __init__(",
        "        self,",
        '        message: str = "",',
        "        *,",
        '        code: str = "internal",',
        "        retryable: bool = False,",
        "        context: Mapping[str, str] | None = None,",
        "    ) -> None:",
        "        super().__init__(message)",
        "        self.message = message",
        "        self.code = code",
        "        self.retryable = retryable",
        "        self.context = dict(context or {})",
        "",
        "    def __str__(self) -> str:",
        '        facts = ", ".join(f"{key}: {value}" for key, value in self.context.items())',
        '        return f"{self.message} ({facts}) [{self.code}]" if facts else f"{self.message} [{self.code}]"',
        "",
        "    def __reduce__(self) -> tuple[Callable[..., DmError], tuple[str, str, tuple[tuple[str, str], ...]]]:",
        "        return from_native, (self.code, self.message, tuple(self.context.items()))",
        "",
    ]
    for name in schema.whole["exceptions"]:
        codes = [error for error in schema.whole["errors"] if error["exception"] == name]
        also = ALSO.get(name)
        lines += ["", f"class {name}(DmError{', ' + also if also else ''}):"]
        listed: list[str] = []
        for error in codes:
            listed += textwrap.wrap(
                f"- `{error['name']}`: {words(error['doc'])}", 110, initial_indent="    ", subsequent_indent="      "
            )
        lines += doc("Raised for these codes:", "    ", listed)
        lines += [""]
    lines += ["", "# The class and the retry hint of every code.", "CODES: dict[str, tuple[type[DmError], bool]] = {"]
    for error in schema.whole["errors"]:
        lines.append(f'    "{error["name"]}": ({error["exception"]}, {error["retry"]}),')
    lines += [
        "}",
        "",
        "",
        "def from_native(code: str, message: str, context: Iterable[tuple[str, str]]) -> DmError:",
        '    """The exception for an error of the core."""',
        "    kind, retryable = CODES.get(code, (DmError, False))",
        "    return kind(message, code=code, retryable=retryable, context=dict(context))",
        "",
        "",
        "def invalid(message: str) -> DmError:",
        '    """The exception for what the caller passed."""',
        '    return from_native("invalid_argument", message, ())',
        "",
        "",
        "def closed(message: str) -> DmError:",
        '    """The exception for a handle that is not open."""',
        '    return from_native("closed", message, ())',
    ]
    return "\n".join(lines) + "\n"
