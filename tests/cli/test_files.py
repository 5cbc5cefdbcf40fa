"""Files of the command line: JSON, patterns, queries, compressed files that expand too far, Parquet out."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

Run = Callable[..., Any]

FIT = ("-t", "price", "--hidden", "4", "--epochs", "2")


def lines(home: Path) -> list[str]:
    return (home / "numbers.csv").read_text().splitlines(keepends=True)


def predicted(call: Run, home: Path, table: Path | str, *options: str) -> str:
    done = call("predict", home / "numbers.backpass", table, *options)
    assert done.code == 0, done.err
    return str(done.out)


def test_json_rows_are_predicted_as_their_csv(call: Run, home: Path) -> None:
    header, *rows = (line.rstrip("\n").split(",") for line in lines(home))
    objects = [
        {n: (v if n == "colour" else float(v)) if v else None for n, v in zip(header, row, strict=True)} for row in rows
    ]
    Path("rows.ndjson").write_text("".join(f"{json.dumps(row)}\n" for row in objects))
    assert predicted(call, home, "rows.ndjson") == predicted(call, home, home / "numbers.csv")


def test_a_pattern_is_fitted_as_the_whole(call: Run, home: Path) -> None:
    header, *rows = lines(home)
    Path("1.csv").write_text(header + "".join(rows[:50]))
    Path("2.csv").write_text(header + "".join(rows[50:]))
    assert call("fit", "[12].csv", *FIT, "-o", "parts.backpass").code == 0
    assert call("fit", home / "numbers.csv", *FIT, "-o", "whole.backpass").code == 0
    assert Path("parts.backpass").read_bytes() == Path("whole.backpass").read_bytes()
    nameless = call("fit", "[12].csv", *FIT)
    assert (nameless.code, nameless.err.splitlines()[1]) == (2, "hint: add --output FILE")


def test_a_query_takes_the_tables_place(call: Run, home: Path) -> None:
    query = "SELECT * EXCLUDE (price), price * 2 AS double FROM data WHERE colour <> 'green'"
    done = call("fit", home / "numbers.csv", "-t", "double", *FIT[2:], "--query", query, "-o", "m.backpass", "--json")
    assert done.code == 0, done.err
    assert sum(done.json["rows"].values()) == 80
    failed = call(
        "predict", home / "numbers.backpass", home / "numbers.csv", "--query", "SELECT * FROM read_text('/etc/passwd')"
    )
    assert failed.code == 2
    assert "Cannot access file" in failed.err


def test_a_file_that_expands_too_far(call: Run, home: Path) -> None:
    """68 MB of one row, again and again, in 70 to 200 kB: refused at the limit, which an option moves."""
    packed = gzip.compress("".join(lines(home)).encode() + b"1,2,red,3\n" * 6_800_000)
    Path("bomb.csv.gz").write_bytes(packed)
    failed = call("predict", home / "numbers.backpass", "bomb.csv.gz", "--query", "SELECT * FROM data LIMIT 1")
    assert failed.code == 3
    assert failed.err == (
        f"error: bomb.csv.gz: {len(packed):,} bytes expand to more than 67,108,864\n"
        "hint: if you trust the file: --max-bytes 671088640\n"
    )
    small = call("predict", home / "numbers.backpass", "bomb.csv.gz", "--max-bytes", "1000")
    assert "expand to more than 1,000" in small.err
    Path("small.csv.gz").write_bytes(gzip.compress("".join(lines(home)).encode()))
    exact = str(len("".join(lines(home))))
    assert predicted(call, home, "small.csv.gz", "--max-bytes", exact).count("\n") == 121


@pytest.mark.parametrize(
    ("command", "model", "options"),
    [("predict", "numbers", ["--quantiles", "0.2,0.5"]), ("predict", "pets", ["--proba"]), ("explain", "pets", [])],
)
def test_parquet_out(call: Run, home: Path, command: str, model: str, options: list[str]) -> None:
    options = ["--keep", "colour,age", *options]
    as_csv = call(command, home / f"{model}.backpass", home / f"{model}.csv", *options)
    done = call(command, home / f"{model}.backpass", home / f"{model}.csv", *options, "-o", "out.parquet")
    assert (done.code, done.out) == (0, "")
    table = pq.read_table("out.parquet")
    header, *rows = (line.split(",") for line in as_csv.out.splitlines())
    assert table.column_names == header
    written = [["" if value is None else str(value) for value in row.values()] for row in table.to_pylist()]
    assert written == rows
    kinds = {name: str(table.schema.field(name).type) for name in header}
    assert kinds["colour"] == "string"
    assert kinds["age"] == "double"
