"""The command line on files with lines that are no data: from fit to predict, evaluate, explain and report."""

from __future__ import annotations

import gzip
import json
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import backpass
from sample_tables import predicted

Run = Callable[..., Any]
FIT = ("--hidden", "4", "--epochs", "2", "-q")
NAMES = "town,units,price\n"


@pytest.fixture
def rows(tmp_path: Path) -> list[str]:
    rows = [f"{('north', 'south', 'west')[i % 3]},{i * 7 % 50},{i * 7 % 50 * 2.5 + i % 3}\n" for i in range(60)]
    (tmp_path / "plain.csv").write_text(NAMES + "".join(rows))
    return rows


def messy(rows: list[str]) -> str:
    cells = [row.strip().split(",") for row in rows]
    sums = [sum(float(row[j]) for row in cells) for j in (1, 2)]
    body = "".join([*rows[:20], NAMES, *rows[20:40], ",,\n", *rows[40:]])
    return f"Sales report\nCurrency: USD\n{NAMES},pieces/d,USD\n{body}Total,{sums[0]},{sums[1]}\nSource: office\n"


def test_a_messy_file_gives_the_model_of_the_plain_one(call: Run, rows: list[str], tmp_path: Path) -> None:
    (tmp_path / "messy.csv").write_text(messy(rows))
    done = call("fit", "messy.csv", "-t", "price", "-o", "m.backpass", *FIT[:-1])
    assert done.code == 0, done.err
    text = " ".join(done.err.split())
    for note in (
        "lines 1, 2, 'Sales report': above the header, left out; --header-row names another line",
        "line 4, 'pieces/d, USD': below the header",
        "row 42: empty, left out",
        "row 21: a repeated header, left out",
        "row 63: sums of other rows (a total), left out; --all-rows keeps them",
        "the last line, 'Source: office': below the table, left out; --footer 0 keeps them",
    ):
        assert text.count(note) == 1, note
    assert call("fit", "plain.csv", "-t", "price", "-o", "p.backpass", *FIT).code == 0
    assert (tmp_path / "m.backpass").read_bytes() == (tmp_path / "p.backpass").read_bytes()


def test_predictions_keep_the_places_of_rows(call: Run, rows: list[str], tmp_path: Path) -> None:
    call("fit", "plain.csv", "-t", "price", "-o", "m.backpass", *FIT)
    (tmp_path / "messy.csv").write_text(messy(rows))
    (tmp_path / "messy.csv.gz").write_bytes(gzip.compress(messy(rows).encode()))
    expected = predicted(call("predict", "m.backpass", "plain.csv"))
    for table in ("messy.csv", "messy.csv.gz"):
        done = call("predict", "m.backpass", table)
        found = predicted(done)
        assert len(found) == 62  # the header again and the empty row have a line; the total is below the last row
        assert [each for i, each in enumerate(found) if i not in (20, 41)] == expected
        assert "rows 21, 42: kept in place, so that there is one result per row" in done.err
        assert predicted(call("explain", "m.backpass", table, "--keep", "town")) is not None
    assert backpass.load(tmp_path / "m.backpass").predict(str(tmp_path / "messy.csv")).shape == (62,)
    # Scores are of rows with a target, so nothing keeps a place.
    assert call("evaluate", "m.backpass", "messy.csv").out == call("evaluate", "m.backpass", "plain.csv").out
    assert call("report", "m.backpass", "messy.csv", "-o", "r.html", "-q").code == 0
    other = "# another preamble\n# of two lines\n" + NAMES + "".join(rows)
    (tmp_path / "other.csv").write_text(other)
    assert predicted(call("predict", "m.backpass", "other.csv")) == expected


@pytest.mark.parametrize("command", ["fit", "inspect", "predict", "evaluate", "explain", "report"])
def test_every_command_takes_the_options(call: Run, rows: list[str], tmp_path: Path, command: str) -> None:
    call("fit", "plain.csv", "-t", "price", "-o", "m.backpass", *FIT)
    lines = ["a,b\n", "x,y,z\n", NAMES, *rows[:30], "~ a remark, with, many, fields\n", *rows[30:], "end,\n", "of,it\n"]
    (tmp_path / "odd.csv").write_text("".join(lines))
    options = ("--header-row", "3", "--comment", "~", "--footer", "2")
    words = {
        "fit": ("odd.csv", "-t", "price", "-o", "n.backpass", *FIT),
        "inspect": ("odd.csv", "-t", "price"),
        "report": ("m.backpass", "odd.csv", "-o", "r.html", "-q"),
    }.get(command, ("m.backpass", "odd.csv"))
    assert call(command, *words).code == 3
    done = call(command, *words, *options)
    assert done.code == 0, done.err
    if command == "inspect":
        assert "backpass fit odd.csv --target price --header-row 3 --comment '~' --footer 2" in done.out + done.err
    if command == "fit":
        assert (tmp_path / "n.backpass").read_bytes() == (tmp_path / "m.backpass").read_bytes()


def test_the_options_stand_in_a_config(call: Run, rows: list[str], tmp_path: Path) -> None:
    (tmp_path / "odd.csv").write_text("a,b\nx,y,z\n" + NAMES + "".join(rows) + "end\n")
    options = ("--header-row", "3", "--footer", "1", "--comment", "none", "--all-rows")
    done = call("fit", "odd.csv", "-t", "price", "-o", "m.backpass", *options, *FIT, "--print-config")
    assert done.code == 0, done.err
    config = tomllib.loads(done.out)
    assert {name: config[name] for name in ("header_row", "footer", "comment", "all_rows")} == {
        "header_row": "3",
        "footer": 1,
        "comment": "none",
        "all_rows": True,
    }
    (tmp_path / "run.toml").write_text(done.out)
    assert call("fit", "--config", "run.toml", "-q").code == 0
    reading = {"header_row": 3, "footer": 1, "comment": "none", "all_rows": True}
    model = backpass.fit(str(tmp_path / "odd.csv"), "price", reading=reading, hidden=(4,), epochs=2)
    assert model.to_bytes() == (tmp_path / "m.backpass").read_bytes()
    assert call("fit", "odd.csv", "-t", "price", "--header-row", "two").code == 2
    (tmp_path / "two.toml").write_text("header_row = [3]\nfooter = 1\n")
    done = call("fit", "odd.csv", "-t", "price", "--config", "two.toml", "-o", "n.backpass", *FIT)
    assert done.code == 0, done.err


def test_a_query_reads_what_the_reader_refuses(call: Run, tmp_path: Path) -> None:
    lines = [f"{i}|{i % 7}|{i % 5 / 2}" for i in range(40)]
    (tmp_path / "bad.txt").write_text("a;b\n1,2\n3|4|5|6\n" + "\n".join(lines) + "\n")
    (tmp_path / "bad.txt.gz").write_bytes(gzip.compress((tmp_path / "bad.txt").read_bytes()))
    failed = call("inspect", "bad.txt", "--query", "SELECT * FROM data")
    assert failed.code == 3
    assert "read_csv(getvariable('file'), skip = 1)" in failed.err
    for table in ("bad.txt", "bad.txt.gz"):
        for file in ("getvariable('file')", f"'{table}'"):
            query = f"SELECT * FROM read_csv({file}, skip = 3, header = false, delim = '|', names = ['i', 'x', 'y'])"
            done = call("inspect", table, "--query", query, "--json")
            assert done.code == 0, done.err
            assert json.loads(done.out)["rows"] == 40
