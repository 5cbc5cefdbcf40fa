"""The README: its Python examples run, as they stand and in their order."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import numpy as np
import pytest

from backpass.datasets import sample_bytes

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text("utf-8")


def test_python_examples_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    lines = sample_bytes("housing").splitlines(keepends=True)
    (tmp_path / "housing.csv").write_bytes(b"".join(lines[:400]))
    (tmp_path / "labeled.csv").write_bytes(b"".join([lines[0], *lines[400:500]]))
    names: dict[str, object] = {}
    blocks = re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL)
    assert len(blocks) == 2
    for block in blocks:
        exec(compile(block, "README.md", "exec"), names)
    shown = capsys.readouterr().out
    assert "assemble" in shown or "matmul" in shown


def cells(line: str) -> list[str]:
    return [cell.strip().replace(",", "") for cell in line.strip().strip("|").split("|")]


def test_mean_ranks_are_those_of_the_table_in_the_laboratory() -> None:
    page = (ROOT / "docs" / "laboratory.md").read_text("utf-8").partition("### On an equal footing")[2]
    table = page.partition("| table | rows |")[2].partition("\n\n")[0].splitlines()
    names, rows = ["table", "rows", *cells(table[0])], [cells(line) for line in table[2:]]
    peers = ("`default`", "CatBoost", "LightGBM", "XGBoost")
    scores = np.array([[float(row[names.index(peer)]) for peer in peers] for row in rows])
    ranks = (scores[:, :, None] > scores[:, None, :]).sum(axis=2) + (scores[:, :, None] == scores[:, None, :]).sum(
        axis=2
    ) / 2
    means = (ranks + 0.5).mean(axis=0)
    flat = " ".join(README.split())
    said = re.search(r"On (\d+) public tables \(one split\) its mean rank among four is ([\d.]+) \((.*?)\);", flat)
    assert said is not None
    assert int(said[1]) == len(rows)
    assert [float(each) for each in (said[2], *re.findall(r" (\d\.\d)\b", said[3]))] == pytest.approx(means, abs=0.051)

    lost, won = re.search(r"beats the default on (.*?); the default clearly beats them on (.*?)\. ", flat).groups()  # type: ignore[union-attr]
    clear = {row[0]: float(row[-1].split("**")[1]) for row in rows if "**" in row[-1]}
    assert set(re.split(", | and ", lost)) == {name for name, ratio in clear.items() if ratio > 1.0}
    assert set(re.split(", | and ", won)) == {name for name, ratio in clear.items() if ratio < 1.0}
    assert f"the other {len(rows) - len(clear)} tables are" in flat


def test_the_slowdown_against_jax_is_that_of_the_benchmark() -> None:
    page = (ROOT / "benchmarks" / "README.md").read_text("utf-8")
    factors = sorted(float(each) for each in re.findall(r"\| JAX \| ([\d.]+) \|", page))
    assert f"{factors[1]} to {factors[-1]} times slower" in README
    assert factors[0] == pytest.approx(1.0, abs=0.05)  # level


def test_dependencies_are_six() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    assert len(project["dependencies"]) == 6
    assert "Six dependencies" in README
    assert f"Python {project['requires-python'].removeprefix('>=')} or newer" in README


def test_exit_codes_are_those_of_the_help(capsys: pytest.CaptureFixture[str]) -> None:
    from backpass.cli import main

    assert main(["--help"]) == 0
    codes = set(re.findall(r"\b\d{1,3}\b", capsys.readouterr().out.partition("Exit codes:")[2]))
    said = README.partition("Exit codes: ")[2].partition(" internal error")[0]
    assert set(re.findall(r"\b\d{1,3}\b", said)) == codes
