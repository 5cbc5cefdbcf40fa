"""The page docs/how-to/report.md: its examples run in order and print what they say; its commands exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from backpass.cli.root import COMMANDS
from backpass.datasets import sample_bytes

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "report.md"


def test_examples_run_and_print_what_they_say(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    matplotlib = pytest.importorskip("matplotlib")
    matplotlib.use("agg")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "housing.csv").write_bytes(b"".join(sample_bytes("housing").splitlines(keepends=True)[:400]))
    names: dict[str, object] = {}
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text("utf-8"), flags=re.DOTALL)
    assert len(blocks) == 5
    for block in blocks:
        exec(compile(block, PAGE.name, "exec"), names)
        said = re.findall(r"^print\(.*\)  # (.*)$", block, flags=re.MULTILINE)
        assert capsys.readouterr().out.splitlines() == said
    assert (tmp_path / "housing.html").read_text("utf-8").startswith("<!DOCTYPE html>")
    assert (tmp_path / "history.png").stat().st_size > 1000
    matplotlib.pyplot.close("all")


def test_commands_exist_with_their_options(capsys: pytest.CaptureFixture[str]) -> None:
    from backpass.cli import main

    lines = re.findall(r"^\$ backpass (\w+)(.*)$", PAGE.read_text("utf-8"), flags=re.MULTILINE)
    assert {command for command, _ in lines} == {"fit", "report", "importance", "explain", "draw"}
    for command, rest in lines:
        assert command in COMMANDS
        assert main([command, "--help"]) == 0
        known = capsys.readouterr().out
        assert all(option in known for option in re.findall(r"--[a-z-]+", rest))
