"""``fit --stream``: a Parquet table in pieces, as a command."""

import json
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from backpass.model.fitting.larger import parquet, sample, stored

Run = Callable[..., Any]
SETTINGS = ("--hidden", "4", "--epochs", "2", "--batch-size", "64", "--seed", "1")


@pytest.fixture
def scratch(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """The folder of temporary folders; samples and windows are small."""
    monkeypatch.setattr(sample, "SAMPLE", 300)
    monkeypatch.setattr(parquet, "PIECE", 256)
    monkeypatch.setattr(stored, "WINDOW", 2**13)
    place = tmp_path / "scratch"
    place.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(place))
    return place


def write(path: str, n: int = 1_500) -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=n)
    pq.write_table(pa.table({"x": x, "z": rng.normal(size=n), "y": np.sin(x)}), path, row_group_size=200)


def test_files_are_streamed_and_the_folder_is_named_and_removed(call: Run, scratch: Path) -> None:
    write("a-1.parquet")
    write("a-2.parquet", 100)
    done = call("fit", "a-*.parquet", "-t", "y", "--stream", "-o", "m.backpass", "--json", *SETTINGS)
    assert done.code == 0
    facts = json.loads(done.out)
    assert sum(facts["rows"].values()) == 1_600
    assert f"training rows are kept in {scratch}" in done.err
    assert not [*scratch.iterdir()]
    assert call("predict", "m.backpass", "a-1.parquet").code == 0


@pytest.mark.parametrize(
    ("more", "refused"),
    [
        (("--folds", "3"), "--folds"),
        (("--report", "r.html"), "--report"),
        (("--test-file", "a.parquet"), "--test-file"),
        (("--refit",), "--refit"),
        (("--query", "SELECT * FROM data"), "--query"),
    ],
)
def test_what_needs_all_rows_is_refused(call: Run, scratch: Path, more: tuple[str, ...], refused: str) -> None:
    write("a.parquet")
    done = call("fit", "a.parquet", "-t", "y", "--stream", *more)
    assert (done.code, done.err.splitlines()[0]) == (2, f"error: a streamed fit cannot use {refused}")
    assert not [*scratch.iterdir()]


def test_memory_may_be_limited(call: Run, scratch: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parquet, "PIECE", 10_000)
    monkeypatch.setattr(stored, "WINDOW", 2**24)
    x = np.random.default_rng(0).normal(size=(100_000, 60))
    pq.write_table(pa.table({**{f"x{j}": x[:, j] for j in range(60)}, "y": x[:, 0]}), "a.parquet")
    assert call("fit", "a.parquet", "-t", "y", "--stream", *SETTINGS).code == 0  # what it imports is no part of a limit
    done = call("fit", "a.parquet", "-t", "y", "--memory", "90MB", *SETTINGS)
    assert done.code == 0
    assert done.err.count("of the 90 MB that --memory allows: the fit is streamed") == 1
    assert not [*scratch.iterdir()]
    done = call("fit", "a.parquet", "-t", "y", "--memory", "90MB", "--no-stream", *SETTINGS)
    assert (done.code, done.err.splitlines()[0].endswith("that --memory allows")) == (5, True)
    done = call("fit", "a.parquet", "-t", "y", "--memory", "90MB", "--report", "r.html", *SETTINGS)
    assert done.code == 5
    assert "the fit cannot be streamed: a streamed fit cannot use --report" in done.err
    done = call("fit", "a.parquet", "-t", "y", "--memory", "a lot")
    assert (done.code, done.err.splitlines()[0]) == (
        2,
        "error: --memory must be an amount of memory such as 4GB or 500MB; got 'a lot'",
    )
