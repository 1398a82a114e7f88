"""Writes `errors.cjs` and `errors.d.ts`: a class for what a caller can do about an error, and the table of codes."""

from __future__ import annotations

from layout import words
from schema import Schema
from script import HEADER, comment, listed


def failures(schema: Schema) -> str:
    lines = [HEADER.format("The classes of errors, and the class of every code."), "'use strict';", ""]
    lines += [
        "/** Something of dmagent failed. */",
        "class DmError extends Error {",
        "  constructor(message, { code = 'internal', number = 1, retryable = false, context = {} } = {}) {",
        "    super(message);",
        "    this.code = code;",
        "    this.number = number;",
        "    this.retryable = retryable;",
        "    this.context = context;",
        "  }",
        "}",
        "Object.defineProperty(DmError.prototype, 'name', { value: 'DmError', configurable: true, writable: true });",
        "",
        "const CLASSES = {};",
        "for (const name of [",
        *(f"  '{name}'," for name in schema.whole["exceptions"]),
        "]) {",
        "  // The name of a class is that of the constant it is given to.",
        "  CLASSES[name] = { [name]: class extends DmError {} }[name];",
        "  Object.defineProperty(CLASSES[name].prototype, 'name', { value: name, configurable: true, writable: true });",
        "}",
        "",
        "/** What belongs to each code. */",
        "const CODES = {",
    ]
    for error in schema.whole["errors"]:
        facts = f"number: {error['number']}, retryable: {'true' if error['retry'] else 'false'}"
        lines.append(f"  {error['name']}: {{ kind: CLASSES.{error['exception']}, {facts} }},")
    lines += ["};", "", "module.exports = { DmError, CLASSES, CODES };"]
    return "\n".join(lines) + "\n"


def error_types(schema: Schema) -> str:
    codes = schema.whole["errors"]
    lines = [HEADER.format("The classes of errors, one for what a caller can do about it."), "/** The name of every code. */"]
    lines += ["export type Code =", *(f"  | '{error['name']}'" for error in codes)]
    lines[-1] += ";"
    lines += [
        "",
        "/** Something of dmagent failed. */",
        "export declare class DmError extends Error {",
        "  constructor(",
        "    message: string,",
        "    facts?: { code?: Code; number?: number; retryable?: boolean; context?: Record<string, string> },",
        "  );",
        "  /** A stable name out of the table of codes. */",
        "  readonly code: Code;",
        "  /** The number of the code, the same in every language. */",
        "  readonly number: number;",
        "  /** Whether trying the same call again later can help. */",
        "  readonly retryable: boolean;",
        "  /** Facts, for instance `path`. */",
        "  readonly context: Readonly<Record<string, string>>;",
        "}",
    ]
    for name in schema.whole["exceptions"]:
        rows = [(error["name"], words(error["doc"])) for error in codes if error["exception"] == name]
        lines += ["", *comment("Thrown for these codes:", "", listed(rows)), f"export declare class {name} extends DmError {{}}"]
    return "\n".join(lines) + "\n"
