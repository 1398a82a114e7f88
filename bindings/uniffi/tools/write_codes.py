"""Writes `codes.rs`: the error codes, and which error each belongs to."""

from __future__ import annotations

import textwrap

from rust import HEADER, comment, variant
from schema import Schema


def codes(schema: Schema) -> str:
    errors, kinds = schema.whole["errors"], schema.whole["exceptions"]
    lines = [
        HEADER.format("The error codes, and the kinds of errors."),
        "use dmagent::error::{Code as CoreCode, HostException};",
        "",
        "use crate::failure::Failure;",
        "",
        "/// A stable reason. The number and the name never change their meaning.",
        "#[derive(Clone, Copy, Debug, PartialEq, Eq, uniffi::Enum)]",
        "#[repr(u16)]",
        "pub enum Code {",
    ]
    for error in errors:
        lines += [*comment(error["doc"], "    "), f"    {variant(error['name'])} = {error['number']},"]
    lines += ["}", "", "impl From<CoreCode> for Code {", "    fn from(code: CoreCode) -> Self {", "        match code {"]
    lines += [f"            CoreCode::{variant(error['name'])} => Self::{variant(error['name'])}," for error in errors]
    lines += [
        "            // The core and this file are made from one table.",
        "            _ => Self::Internal,",
        "        }",
        "    }",
        "}",
        "",
        "/// Something of dmagent failed. There is a kind for what a caller can do about it; the code tells more.",
        "#[derive(Clone, Debug, PartialEq, uniffi::Error)]",
        "pub enum DmError {",
    ]
    for kind in kinds:
        names = ", ".join(f"`{error['name']}`" for error in errors if error["exception"] == kind)
        lines += textwrap.wrap(f"For these codes: {names}.", 104, initial_indent="    /// ", subsequent_indent="    /// ")
        lines += [f"    {kind} {{", "        /// What went wrong.", "        failure: Failure,", "    },"]
    lines += [
        "    /// The program cancelled the call.",
        "    CancelledError {",
        "        /// What was cancelled.",
        "        reason: String,",
        "    },",
        "}",
        "",
        "impl DmError {",
        "    /// The kind that belongs to a code.",
        "    pub(crate) fn of(kind: HostException, failure: Failure) -> Self {",
        "        match kind {",
    ]
    for kind in kinds:
        name = kind.removesuffix("Error")
        # The first stands last, for whatever the core may add: it and this file are made from one table.
        if kind != kinds[0]:
            lines.append(f"            HostException::{name} => Self::{kind} {{ failure }},")
    lines += [f"            _ => Self::{kinds[0]} {{ failure }},", "        }", "    }", ""]
    lines += ["    /// What went wrong, unless the call was cancelled.", "    pub(crate) fn failure(&self) -> Option<&Failure> {"]
    lines += ["        match self {"]
    lines += ["            " + " | ".join(f"Self::{kind} {{ failure }}" for kind in kinds) + " => Some(failure),"]
    lines += ["            Self::CancelledError { .. } => None,", "        }", "    }", "}"]
    return "\n".join(lines) + "\n"
