"""The how-to guide on long tables: its examples with the packages of the ordinary tests run as they stand."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import pytest

from backpass.cli import main

PAGE = (Path(__file__).parents[1] / "docs" / "how-to" / "scaling.md").read_text("utf-8")
OTHERS = ("dask", "ray", "spark", "spark-groups")
"""The examples of ``tests/engines``."""


def python_blocks() -> list[str]:
    return re.findall(r"^```python\n(.*?)^```", PAGE, flags=re.DOTALL | re.MULTILINE)


def test_the_examples_print_what_the_page_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for package in ("pyarrow", "sklearn", "duckdb"):
        pytest.importorskip(package)
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}
    assert len(python_blocks()) == 5
    for block in python_blocks():
        exec(compile(block, "scaling.md", "exec"), names)
        said = re.findall(r"^ *print\(.*\)  # (.*)$", block, flags=re.MULTILINE)
        printed = capsys.readouterr().out.splitlines()
        assert set(printed) == set(said), block
    command = next(line for line in PAGE.splitlines() if line.startswith("$ backpass"))
    assert main(shlex.split(command)[2:]) == 0
    assert (tmp_path / "predicted.parquet").exists()


def test_every_other_example_has_its_test() -> None:
    assert tuple(re.findall(r"^:name: (.*)$", PAGE, flags=re.MULTILINE)) == OTHERS
    tests = (Path(__file__).parent / "engines" / "test_recipes.py").read_text("utf-8")
    assert all(f'"{name}"' in tests for name in OTHERS)
