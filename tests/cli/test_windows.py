"""Long tables are predicted window by window: what is written is what a single window gives, or nothing."""

from __future__ import annotations

import gzip
import os
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

from backpass import fit, load
from backpass.cli.rows import csv_lines, parquet_pieces
from backpass.reporting.explanation.attribution import explain

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
    share = f"{len(range(2, ROWS, 3)):,} rows (33%)"
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
    assert "33%" in done.stderr


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes")
def test_head_ends_the_command(model: Path, table: Path, tmp_path: Path) -> None:
    command = f"{sys.executable} -m backpass predict {model} {table} | head -n 2"
    done = subprocess.run(["bash", "-c", command], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.stdout.splitlines()[0] == "y"
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("verb", ["predict", "explain"])
def test_the_first_rows_of_standard_input_come_before_its_end(
    model: Path, table: Path, tmp_path: Path, verb: str
) -> None:
    """The command holds the rest of a window and the place of a footer back, and writes the rows above."""
    text = table.read_bytes().rstrip(b"\n")
    rows = text + b"\n" + text.partition(b"\n")[2] + b"\n"
    expected = run(verb, model, table, cwd=tmp_path).stdout.splitlines()
    command = [sys.executable, "-m", "backpass", verb, str(model), "-", "-q"]
    with subprocess.Popen(command, cwd=tmp_path, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        stdin, stdout = process.stdin, process.stdout
        assert stdin is not None
        assert stdout is not None
        is_read = threading.Event()

        def send() -> None:
            stdin.write(rows)
            stdin.flush()
            is_read.wait()  # for the first rows, which the command writes before it has the last ones
            stdin.write(b"Source: survey of 2024\n")
            stdin.close()

        sender = threading.Thread(target=send, daemon=True)
        sender.start()
        first = [stdout.readline().decode().rstrip() for _ in range(1000)]
        is_read.set()
        rest = stdout.read()
        sender.join()
    assert first == expected[:1000]
    found = [*first, *rest.decode().splitlines()]
    assert found == [*expected, *expected[1:]]


@pytest.mark.parametrize("tail", ["\n,,\n", "Total,,\n", "# remark\n", "oops,a,1\n", "\xff"])
def test_standard_input_ends_as_a_file_does(model: Path, table: Path, tmp_path: Path, tail: str) -> None:
    data = table.read_bytes() + tail.encode("latin-1")
    (tmp_path / "t.csv").write_bytes(data)
    command = [sys.executable, "-m", "backpass", "predict", str(model)]
    ways = [([*command, "t.csv"], None), ([*command, "-"], data)]
    file, piped = (
        subprocess.run(way, cwd=tmp_path, capture_output=True, input=sent, check=False) for way, sent in ways
    )
    assert piped.returncode == file.returncode
    # An error names the same place; what is above it may be written already.
    said = piped.stderr.replace(b"standard input", b"t.csv").splitlines()
    assert sorted(said) == sorted(file.stderr.splitlines())
    if not file.returncode:
        assert piped.stdout == file.stdout


@pytest.mark.parametrize("suffix", ["parquet", "utf-16", "gz"])
def test_other_formats_come_from_standard_input_whole(model: Path, table: Path, tmp_path: Path, suffix: str) -> None:
    expected = run("predict", model, table, "-q", cwd=tmp_path).stdout.splitlines()
    if suffix == "parquet":
        pyarrow = pytest.importorskip("pyarrow.csv")
        pytest.importorskip("pyarrow.parquet").write_table(pyarrow.read_csv(table), tmp_path / "t")
    elif suffix == "gz":
        (tmp_path / "t").write_bytes(gzip.compress(table.read_bytes(), 1))
    else:
        (tmp_path / "t").write_text(table.read_text(), encoding="utf-16")
    command = [sys.executable, "-m", "backpass", "predict", str(model), "-", "-q"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, input=(tmp_path / "t").read_bytes(), check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.decode().splitlines() == expected


def test_explanations_are_those_of_the_whole_table(model: Path, table: Path, tmp_path: Path) -> None:
    """Window by window, with notes on all rows."""
    done = run("explain", model, table, "--keep", "id", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    found = explain(load(model), str(table))
    contributions = zip(found.columns, found.contributions.T.tolist(), strict=True)
    columns = {
        "id": [line.rpartition(",")[2] for line in table.read_text().splitlines()[1:]],
        "y": found.predicted.tolist(),
        "baseline": found.baseline.tolist(),
        **{f"contribution({name})": values for name, values in contributions},
    }
    assert done.stdout == "".join(csv_lines([columns]))
    assert done.stderr.count(f"{len(range(2, ROWS, 3)):,} rows (33%)") == 1
