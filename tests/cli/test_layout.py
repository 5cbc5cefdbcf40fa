"""The command line on files without a header, lines to skip and tables of R: from fit to predict."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import backpass
from sample_tables import predicted

Run = Callable[..., Any]
FIT = ("--hidden", "4", "--epochs", "2", "-q")
NAMES = ("age", "work", "hours", "income")


@pytest.fixture
def rows(tmp_path: Path) -> list[list[str]]:
    rows = [
        [str(20 + i * 7 % 50), ("Private", "State-gov", "Never")[i % 3], str(30 + i % 30), "<=50K" if i % 4 else ">50K"]
        for i in range(80)
    ]
    (tmp_path / "adult.data").write_text("".join(f"{', '.join(row)}\n" for row in rows) + "\n")
    (tmp_path / "named.csv").write_text("\n".join(map(",".join, [list(NAMES), *rows])))
    return rows


@pytest.mark.parametrize("command", ["inspect", "fit"])
def test_a_first_line_of_values_is_told(call: Run, rows: list[list[str]], command: str) -> None:
    options = ["-t", ">50K", *FIT[:-1]] if command == "fit" else []
    done = call(command, "adult.data", *options)
    assert done.code == 0
    text = " ".join((done.err + done.out).split())
    assert "the first line, '20, Private, 30, >50K', is read as the column names" in text
    assert "--no-header" in text


def test_a_file_without_a_header_from_fit_to_predict(call: Run, rows: list[list[str]], tmp_path: Path) -> None:
    assert call("fit", "adult.data", "-t", "income", "--names", ",".join(NAMES), "-o", "m.backpass", *FIT).code == 0
    assert call("fit", "named.csv", "-t", "income", "-o", "n.backpass", *FIT).code == 0
    expected = predicted(call("predict", "n.backpass", "named.csv"))
    (tmp_path / "features.data").write_text("\n".join(",".join(row[:3]) for row in rows))
    (tmp_path / "turned.csv").write_text("\n".join(",".join(row[::-1]) for row in [[*NAMES], *rows]))
    for table, options in (
        ("named.csv", ()),  # a header that has the names is a header
        ("turned.csv", ()),
        ("adult.data", ()),  # by their place
        ("features.data", ()),  # without the target
        ("adult.data", ("--no-header",)),
        ("features.data", ("--no-header",)),
        ("adult.data", ("--names", ",".join(NAMES))),
    ):
        done = call("predict", "m.backpass", table, *options)
        assert predicted(done) == expected
        assert ("is read as a row" in done.err) == (table.endswith(".data") and not options)
    assert call("evaluate", "m.backpass", "adult.data").out == call("evaluate", "n.backpass", "named.csv").out
    explained = call("explain", "m.backpass", "features.data")
    assert explained.out == call("explain", "n.backpass", "named.csv").out
    assert call("report", "m.backpass", "adult.data", "-o", "r.html", "-q").code == 0
    model = backpass.load(tmp_path / "m.backpass")
    assert model.predict(str(tmp_path / "features.data")).tolist() == expected
    assert backpass.load(tmp_path / "n.backpass").headerless() == ()


def test_a_file_with_other_columns_is_refused(call: Run, rows: list[list[str]], tmp_path: Path) -> None:
    call("fit", "adult.data", "-t", "column4", "--no-header", "-o", "m.backpass", *FIT)
    call("fit", "named.csv", "-t", "income", "-o", "n.backpass", *FIT)
    (tmp_path / "two.data").write_text("20,Private\n30,Private\n40,Never\n50,Never\n")
    failed = call("predict", "m.backpass", "two.data", "--no-header")
    assert "the first line has 2 fields, but the model expects 4 or 3: '20, Private'" in failed.err
    failed = call("predict", "n.backpass", "adult.data")
    assert failed.code == 3
    assert "contains values and none of the column names of the model" in failed.err
    assert "--names" in failed.err


def test_lines_are_skipped_by_every_command(call: Run, rows: list[list[str]], tmp_path: Path) -> None:
    (tmp_path / "adult.test").write_text("|1x3 Cross validator\n" + (tmp_path / "adult.data").read_text())
    failed = call("inspect", "adult.test")
    assert failed.code == 3
    assert "--skip 1" in failed.err
    options = ("--skip", "1", "--names", ",".join(NAMES))
    found = call("inspect", "adult.test", "-t", "income", *options)
    assert "backpass fit adult.test --target income --skip 1 --names age,work,hours,income" in found.err + found.out
    assert call("fit", "adult.test", "-t", "income", "-o", "m.backpass", *options, *FIT).code == 0
    validation = ("--validation-file", "adult.test", "--test-file", "adult.test")
    assert call("fit", "adult.test", "-t", "income", "-o", "v.backpass", *options, *validation, *FIT).code == 0
    whole = predicted(call("predict", "m.backpass", "adult.test", *options))
    assert whole == predicted(call("predict", "m.backpass", "adult.data"))


def test_the_options_stand_in_a_config(call: Run, rows: list[list[str]], tmp_path: Path) -> None:
    done = call(
        "fit", "adult.data", "-t", "column4", "--no-header", "--skip", "0", "-o", "m.backpass", *FIT, "--print-config"
    )
    assert "no_header = true" in done.out
    (tmp_path / "run.toml").write_text(done.out)
    assert call("fit", "--config", "run.toml", "-q").code == 0
    assert backpass.load(tmp_path / "m.backpass").headerless()[0] == ("column1", "column2", "column3", "column4")
    (tmp_path / "named.toml").write_text(f'names = ["{NAMES[0]}", "work", "hours", "income"]\nskip = 2\n')
    done = call("fit", "adult.data", "-t", "income", "--config", "named.toml", "-o", "n.backpass", *FIT)
    assert done.code == 0, done.err
    reading = {"names": NAMES, "skip": 2}
    settings = {"hidden": (4,), "epochs": 2}
    again = backpass.fit(str(tmp_path / "adult.data"), "income", reading=reading, **settings)
    assert again.to_bytes() == (tmp_path / "n.backpass").read_bytes()


def test_a_table_of_r_gives_the_model_of_the_frame(tmp_path: Path) -> None:
    columns: dict[str, list[Any]] = {
        "x": [i * 7 % 30 / 4 for i in range(60)],
        "on": [(True, False, None)[i % 3] for i in range(60)],
        "y": [i % 11 + 0.5 for i in range(60)],
    }
    spelled = {True: "TRUE", False: "FALSE", None: "NA"}
    cells = [[str(x), spelled[on], str(y)] for x, on, y in zip(*columns.values(), strict=True)]
    expected = backpass.fit(columns, "y", hidden=(4,), epochs=1).to_bytes()
    for delimiter in ("\t", " ", ",", ";"):
        lines = [f'"{i}"{delimiter}{delimiter.join(row)}' for i, row in enumerate(cells, start=1)]
        path = tmp_path / "r.txt"
        path.write_text("\n".join([delimiter.join(columns), *lines]))
        assert backpass.fit(str(path), "y", hidden=(4,), epochs=1).to_bytes() == expected


def test_a_target_of_booleans_with_gaps(call: Run, tmp_path: Path) -> None:
    """As R's write.table writes it: the rows without a value are left out, and refused with --strict."""
    lines = [f'"{i}" {i % 7} {("TRUE", "FALSE")[i % 3 > 0]}' for i in range(60)]
    (tmp_path / "whole.txt").write_text("\n".join(['"x" "churn"', *lines]))
    (tmp_path / "gaps.txt").write_text("\n".join(['"x" "churn"', *lines[:-1], '"60" 5 NA']))
    fit = ("fit", "gaps.txt", "-t", "churn", "-o", "m.backpass", *FIT[:-1])
    for command in (fit, ("evaluate", "m.backpass", "gaps.txt")):
        done, failed = call(*command), call(*command, "--strict")
        assert done.code == 0
        assert failed.code == 3
        assert "1 of 60 values missing (row 60)" in failed.err
        assert "1 of 60 rows has no value and is left out (row 60)" in done.err
    assert set(predicted(call("predict", "m.backpass", "gaps.txt"))) <= {"true", "false"}
