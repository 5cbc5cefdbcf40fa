"""The page docs/how-to/model-files.md: its examples run as they stand, in order, and print what they say."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from backpass.model.file.container import DIGITS

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "model-files.md"


def test_examples_run_and_print_what_they_say(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text("utf-8"), flags=re.DOTALL)
    assert len(blocks) == 4
    names: dict[str, object] = {}
    for block in blocks:
        exec(compile(block, PAGE.name, "exec"), names)
        said = re.findall(r"^\s*print\(.*\)  # (.*)$", block, flags=re.MULTILINE)
        assert capsys.readouterr().out.splitlines() == said


def test_the_digest_stands_where_the_page_says() -> None:
    assert (DIGITS.start, DIGITS.stop) == (50, 114)
