"""Completion: the scripts that shells ask for, and what is offered for commands, options and values."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Run = Callable[..., Any]


@pytest.mark.parametrize(
    ("shell", "words"), [("bash", "complete -o"), ("zsh", "#compdef backpass"), ("fish", "complete --no-files")]
)
def test_scripts(process: Run, tmp_path: Path, shell: str, words: str) -> None:
    done = process(cwd=tmp_path, _BACKPASS_COMPLETE=f"{shell}_source")
    assert done.code == 0, done.err
    assert words in done.out
    assert f"_BACKPASS_COMPLETE={shell}_complete" in done.out


OFFERED = {
    "backpass ": ["plain,inspect", "plain,fit", "plain,predict"],
    "backpass ev": ["plain,evaluate"],
    "backpass fit t.csv --learning": ["plain,--learning-rate", "plain,--learning-rate-multiplier"],
    "backpass fit t.csv --optimizer ada": ["plain,adam", "plain,adamw"],
    "backpass fit t.csv --learning-rate-multiplier bi": ["plain,bias"],
    "backpass predict m": ["file,m"],
}


@pytest.mark.parametrize(("line", "offered"), OFFERED.items(), ids=OFFERED)
def test_what_is_offered(process: Run, tmp_path: Path, line: str, offered: list[str]) -> None:
    words = line.split(" ")
    place = {"COMP_WORDS": line, "COMP_CWORD": str(len(words) - 1)}
    done = process(cwd=tmp_path, _BACKPASS_COMPLETE="bash_complete", **place)
    assert done.code == 0, done.err
    found = done.out.splitlines()
    assert [each for each in found if each in offered] == offered
    assert line == "backpass " or len(found) == len(offered)
