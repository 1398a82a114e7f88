"""Writes `verbs.rs`: an object for each noun, a method for each verb, and what a message tells about itself."""

from __future__ import annotations

from rust import HEADER, comment, typed
from schema import Node, Schema
from write_verbs import NOUNS

# Verbs that hand out a message return at once with what waits for it.
HANDS_OUT = ("messages.next", "messages.ask")


def method(schema: Schema, verb: Node) -> list[str]:
    noun, called = verb["name"].split(".")
    taken = str(schema.name_of(verb["arguments"]))
    described = schema.defs[taken]
    # A record whose members all have defaults need not be given.
    free = taken != "NoArgs" and not described.get("required")
    given = "" if taken == "NoArgs" else f"arguments: Option<{taken}>, " if free else f"arguments: {taken}, "
    passed = "NoArgs {}" if taken == "NoArgs" else "Given(arguments)" if free else "arguments"
    lines = ["", *comment(verb["doc"], "    ")]
    if verb["name"] in HANDS_OUT:
        lines += ["    ///", "    /// Wait for it, then take it; what nobody takes goes back into the inbox."]
        lines += ["    #[uniffi::method(default(arguments = None))]"] if free else []
        lines += [f"    pub fn {called}(&self, {given.rstrip(', ')}) -> Result<Arc<Handout>, DmError> {{"]
        return [*lines, f'        Handout::start(&self.caller, "{verb["name"]}", &{passed})', "    }"]
    result = verb["result"]
    name = schema.name_of(result)
    lines += [f"    #[uniffi::method(default({'arguments = None, ' if free else ''}cancel = None))]"]
    flag = schema.flag(name) if name else None
    returned = "()" if name == "Done" else "bool" if flag else typed(schema, result)
    lines += [f"    pub async fn {called}(&self, {given}cancel: Option<Arc<Cancel>>) -> Result<{returned}, DmError> {{"]
    call = f'self.caller.call("{verb["name"]}", &{passed}, cancel)'
    if name == "Done":
        lines += [f"        let Done {{}} = {call}.await?;", "        Ok(())"]
    elif flag:
        lines += [f"        let told: {name} = {call}.await?;", f"        Ok(told.{flag})"]
    else:
        lines += [f"        {call}.await"]
    return [*lines, "    }"]


def verbs(schema: Schema) -> str:
    nouns: dict[str, list[Node]] = {noun: [] for noun in NOUNS}
    for verb in schema.whole["verbs"]:
        nouns[verb["name"].split(".")[0]].append(verb)
    body: list[str] = []
    for noun, (name, about) in NOUNS.items():
        if noun != "node":
            body += ["", *comment(about), "#[derive(uniffi::Object)]", f"pub struct {name} {{", "    caller: Caller,", "}"]
        body += ["", "#[uniffi::export]", f"impl {'Node' if noun == 'node' else name} {{"]
        for verb in nouns[noun]:
            body += method(schema, verb)
        if noun == "node":
            for other, (kind, about) in NOUNS.items():
                if other != "node":
                    body += ["", *comment(about, "    "), f"    pub fn {other}(&self) -> Arc<{kind}> {{"]
                    body += [f"        Arc::new({kind} {{ caller: self.caller.clone() }})", "    }"]
        body += ["}"]
    # Verbs that only say yes or no.
    for name in sorted({str(schema.name_of(verb["result"])) for verb in schema.whole["verbs"]}):
        flag = schema.flag(name) if name in schema.defs else None
        if flag:
            body += ["", "#[derive(Deserialize)]", f"struct {name} {{", f"    {flag}: bool,", "}"]
    body += ["", "#[derive(Serialize)]", "struct NoArgs {}", "", "#[derive(Deserialize)]", "struct Done {}"]
    body += ["", "#[uniffi::export]", "impl Message {"]
    for member, value in schema.defs["Message"]["properties"].items():
        kind = typed(schema, value)
        copied = kind in ("bool", "u32", "u64", "Timestamp") or kind in schema.defs and schema.is_enum(kind)
        body += ["", *comment(value["description"], "    "), f"    pub fn {member}(&self) -> {kind} {{"]
        body += [f"        self.record.{member}{'' if copied else '.clone()'}", "    }"]
    body += ["}"]
    head = [
        HEADER.format("The nouns with their verbs, and what a message tells about itself."),
        "use std::sync::Arc;",
        "",
        "use serde::{Deserialize, Serialize};",
        "",
        "use super::{arguments::*, codes::DmError, records::*};",
        "use crate::{caller::Caller, cancel::Cancel, handout::Handout, message::Message, node::Node, plain::*};",
    ]
    return "\n".join(head + body) + "\n"
