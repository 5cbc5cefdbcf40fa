"""The page docs/how-to/report.md: its examples run in order and print what they say."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

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
