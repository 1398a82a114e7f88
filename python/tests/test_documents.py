"""The READMEs and the docstrings do what they say."""

from __future__ import annotations

import doctest
import importlib
import re
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest
from conftest import PATIENCE, Child

HERE = Path(__file__).parent.parent


def printed(*command: str, cwd: Path) -> str:
    done = subprocess.run(
        [sys.executable, *command], cwd=cwd, capture_output=True, text=True, timeout=PATIENCE, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def blocks(language: str, readme: Path = HERE / "README.md") -> list[str]:
    text = readme.read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("number", range(len(blocks("python"))))
def test_the_programs_of_the_readme_run(number: int, tmp_path: Path) -> None:
    out = printed("-c", blocks("python")[number], cwd=tmp_path)
    assert out == [*blocks("text"), "carol\n", ""][number]


def test_the_two_programs_of_the_first_page_talk_and_come_to_an_end(tmp_path: Path) -> None:
    _, bob, alice = blocks("python", HERE.parent / "README.md")
    for name in ("alice", "bob"):
        (tmp_path / name).mkdir()
    with Child(bob.replace("port=8101", "port=0"), cwd=tmp_path / "bob") as answering:
        url = answering.line().split()[-1]
        out = printed("-c", alice.replace("http://127.0.0.1:8101", url), cwd=tmp_path / "alice")
        assert out.splitlines()[1:] == ["accepted", "17.03"]
        assert answering.line().endswith("asks: What is the SOL price?")


@pytest.mark.parametrize("module", ["_node", "_untrusted", "sync"])
def test_docstrings_are_true(module: str) -> None:
    tested = doctest.testmod(importlib.import_module(f"dmagent.{module}"))
    assert tested.attempted > 0 and tested.failed == 0


def test_the_package_carries_both_licences() -> None:
    names = {file.name for file in metadata.files("dmagent") or []}
    assert {"LICENSE-APACHE", "LICENSE-MIT"} <= names


def test_an_import_loads_nothing_heavy() -> None:
    loaded = printed("-S", "-c", "import sys; sys.path.extend(sys.argv[1:]); import dmagent; print(*sys.modules)",
                     str(Path(importlib.import_module("dmagent").__file__ or "").parent.parent), cwd=HERE)
    heavy = {"asyncio", "typing", "dataclasses", "inspect", "json", "logging", "dmagent._native", "dmagent.sync"}
    assert heavy & set(loaded.split()) == set()
