"""Long tables are predicted window by window: what is written is what a single window gives, or nothing."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from backpass import fit, load
from backpass.cli.rows import csv_lines, parquet_pieces

ROWS = 70_000


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("long") / "m.backpass"
    data = {"x": np.linspace(-1, 1, 200), "town": ["a", "b"] * 100, "y": np.linspace(0, 5, 200)}
    fit(data, "y", epochs=1, hidden=(2,), engine="numpy").save(path)
    return path


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A CSV file above the size that is read whole, of two windows."""
    path = tmp_path_factory.mktemp("long") / "new.csv"
    x = np.random.default_rng(5).normal(size=ROWS)
    lines = (f"{value!r},{'abc'[k % 3]},{k}" for k, value in enumerate(x.tolist()))
    path.write_text("\n".join(["x,town,id", *lines, ""]))
    return path


def run(*words: object, cwd: Path, stdin: str | None = None) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "backpass", *map(str, words)]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, input=stdin, check=False)


@pytest.mark.parametrize("output", ["out.csv", "out.parquet", None])
def test_predictions_are_those_of_the_whole_table(model: Path, table: Path, tmp_path: Path, output: str | None) -> None:
    words = ("predict", model, table, "--keep", "id", *(("-o", output) if output else ()))
    done = run(*words, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    kept = [line.rpartition(",")[2] for line in table.read_text().splitlines()[1:]]
    columns = {"id": kept, "y": load(model).predict(table).tolist()}
    if output == "out.parquet":
        assert (tmp_path / output).read_bytes() == b"".join(parquet_pieces([columns]))
    else:
        text = (tmp_path / output).read_text() if output else done.stdout
        assert text == "".join(csv_lines([columns]))
    share = f"{len(range(2, ROWS, 3)):,} rows (33 %)"
    assert done.stderr.count(share) == 1, "one note for the whole table"
    assert [path.name for path in tmp_path.iterdir()] == ([output] if output else [])


def test_an_error_in_a_late_window_leaves_no_file(model: Path, table: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken.csv"
    broken.write_text(table.read_text() + "oops,a,1\n")
    (tmp_path / "out.csv").write_text("old")
    done = run("predict", model, broken, "-o", "out.csv", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (3, "")
    assert f"'oops' row {ROWS + 1}" in done.stderr.replace(",", "")
    assert (tmp_path / "out.csv").read_text() == "old"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["broken.csv", "out.csv"]
    done = run("predict", model, broken, cwd=tmp_path)
    assert done.returncode == 3
    assert len(done.stdout.splitlines()) > 60_000, "the rows above the error are written"


def test_strict_writes_nothing_of_a_table_that_it_rejects(model: Path, table: Path, tmp_path: Path) -> None:
    done = run("predict", model, table, "--strict", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (3, "")
    assert "33 %" in done.stderr


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes")
def test_head_ends_the_command(model: Path, table: Path, tmp_path: Path) -> None:
    command = f"{sys.executable} -m backpass predict {model} {table} | head -n 2"
    done = subprocess.run(["bash", "-c", command], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.stdout.splitlines()[0] == "y"
    assert "Traceback" not in done.stderr
