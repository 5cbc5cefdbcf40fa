"""The page docs/how-to/coming-from.md: its examples run as they stand, in order, and it names every finding."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable
from contextlib import redirect_stdout
from io import BytesIO, TextIOWrapper
from pathlib import Path
from typing import Any

import pytest

from backpass.cli import main
from backpass.table.diagnosis import diagnostics as suspicion
from backpass.table.diagnosis import inspection

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "coming-from.md"


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE.read_text("utf-8"), flags=re.DOTALL)


def run_line(line: str) -> None:
    """A command line as a shell runs it, its output into a file where it says so."""
    command, _, target = line.partition(" > ")
    words = shlex.split(command)
    assert words[0] == "backpass"
    out = TextIOWrapper(BytesIO(), encoding="utf-8")
    with redirect_stdout(out):
        code = main(words[1:])
    assert code == 0, line
    if target:
        out.flush()
        Path(target).write_bytes(out.buffer.getvalue())  # type: ignore[attr-defined]


def test_the_examples_run_and_print_what_they_say(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}
    for block in blocks("python"):
        exec(compile(block, PAGE.name, "exec"), names)
        said = re.findall(r"^print\(.*\)  # (.*)$", block, flags=re.MULTILINE)
        assert capsys.readouterr().out.splitlines() == said
    lines = [line for block in blocks("sh") for line in block.splitlines()]
    assert len(lines) == 5
    for line in lines:
        run_line(line)
    assert (tmp_path / "predicted.csv").read_text().splitlines()[0] == "ordered,price"


def test_every_finding_is_on_the_page() -> None:
    named: Callable[[Any], list[str]] = lambda module: re.findall(
        r'Finding\(\s*"(\w+)"', Path(module.__file__).read_text("utf-8")
    )
    codes = {*named(suspicion), *named(inspection)}
    listed = PAGE.read_text("utf-8").rpartition("The codes are")[2]
    assert codes == set(re.findall(r"`(\w+)`", listed))
