"""Every command that reads a table reads workbooks, statistical files and databases, with the same exit codes."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pyreadstat
import pytest

Run = Callable[..., Any]
FIT = ("-t", "price", "--hidden", "4", "--epochs", "3")


def houses(start: int = 0) -> pd.DataFrame:
    rows = range(start, start + 60)
    return pd.DataFrame(
        {
            "size": [float((7 * j) % 13) for j in rows],
            "town": [("Oslo", "Bergen", "Moss")[j % 3] for j in rows],
            "price": [float((7 * j) % 13) * 2 + j % 3 for j in rows],
        }
    )


def workbook(path: str, **sheets: pd.DataFrame) -> None:
    with pd.ExcelWriter(path, engine="xlsxwriter") as writer:
        for name, table in sheets.items():
            table.to_excel(writer, sheet_name=name, index=False)


def sav(path: str) -> None:
    codes = houses().assign(town=[float(j % 3) for j in range(60)])
    labels = {"town": {0: "Oslo", 1: "Bergen", 2: "Moss"}}
    titles = {"size": "Size in 100 m²", "price": "Price paid"}
    pyreadstat.write_sav(codes, path, variable_value_labels=labels, column_labels=titles)


def database(path: str) -> None:
    with sqlite3.connect(path) as connection:
        houses().to_sql("sold", connection, index=False)
        houses(60).to_sql("offered", connection, index=False)
    connection.close()


def digest(call: Run, name: str, *table: str) -> bytes:
    done = call("fit", *table, *FIT, "--output", name, "-q")
    assert done.code == 0, done.err
    return Path(name).read_bytes()


def test_every_command_reads_every_kind_of_source(call: Run) -> None:
    workbook("book.xlsx", sold=houses(), offered=houses(60))
    sav("t.sav")
    database("shop.db")
    houses().to_csv("t.csv", index=False)
    houses(60).to_csv("new.csv", index=False)
    expected = digest(call, "csv.backpass", "t.csv")
    assert digest(call, "xlsx.backpass", "book.xlsx", "--sheet", "sold") == expected
    assert digest(call, "sheet.backpass", "book.xlsx::sold") == expected
    assert digest(call, "sav.backpass", "t.sav") == expected
    assert digest(call, "db.backpass", "shop.db::sold") == expected
    assert digest(call, "query.backpass", "shop.db", "--query", "SELECT size, town, price FROM sold") == expected
    for command in ("predict", "explain", "evaluate"):
        done = [call(command, "csv.backpass", table) for table in ("new.csv", "book.xlsx::offered", "shop.db::offered")]
        assert [each.code for each in done] == [0, 0, 0]
        assert done[0].out == done[1].out == done[2].out
    assert call("inspect", "t.csv").out.splitlines()[1:] == call("inspect", "shop.db::sold").out.splitlines()[1:]


def test_a_sheet_for_validation_and_one_for_the_test(call: Run) -> None:
    workbook("book.xlsx", train=houses(), check=houses(60), last=houses(120))
    for name, start in (("train", 0), ("check", 60), ("last", 120)):
        houses(start).to_csv(f"{name}.csv", index=False)
    csv = digest(call, "a", "train.csv", "--validation-file", "check.csv", "--test-file", "last.csv")
    files = ("book.xlsx::train", "--validation-file", "book.xlsx::check", "--test-file", "book.xlsx::last")
    assert digest(call, "b", *files) == csv


def test_names_of_models_and_protected_inputs(call: Run) -> None:
    workbook("book.xlsx", sold=houses())
    database("shop.db")
    assert call("fit", "book.xlsx", *FIT).code == 0
    assert call("fit", "shop.db::sold", *FIT).code == 0
    assert {"book.backpass", "sold.backpass"} <= {path.name for path in Path().iterdir()}
    before = Path("shop.db").read_bytes()
    assert call("fit", "shop.db::sold", *FIT, "--output", "shop.db").code == 2
    assert call("predict", "sold.backpass", "shop.db::sold", "--output", "shop.db").code == 2
    assert Path("shop.db").read_bytes() == before
    failed = call("fit", "postgresql://ada@nowhere.invalid/shop", *FIT, "--query", "SELECT 1")
    assert (failed.code, "add --output FILE" in failed.err) == (2, True)


def test_what_is_ambiguous_is_listed_with_the_option(call: Run) -> None:
    workbook("book.xlsx", sold=houses(), offered=houses(60))
    database("shop.db")
    failed = call("fit", "book.xlsx", *FIT)
    assert failed.code == 3
    assert "has 2 sheets with tables: 'sold' (61 x 3 cells), 'offered' (61 x 3 cells)" in failed.err
    assert "--sheet 'sold'" in failed.err
    failed = call("inspect", "shop.db")
    assert failed.code == 3
    assert "has 2 tables: 'offered', 'sold'" in failed.err
    assert call("inspect", "book.xlsx", "--sheet", "sold", "-t", "price").err.endswith("--sheet sold\n")


def test_labels_of_columns_are_shown(call: Run) -> None:
    sav("t.sav")
    done = call("inspect", "t.sav")
    assert "labels      size: Size in 100 m²" in done.out
    assert "price: Price paid" in done.out
    found = json.loads(call("inspect", "t.sav", "--json").out)
    assert [column["label"] for column in found["columns"]] == ["Size in 100 m²", "", "Price paid"]
    assert call("fit", "t.sav", *FIT).code == 0
    assert call("report", "t.backpass", "t.sav", "--output", "t.html").code == 0
    assert "<small><bdi>Size in 100 m²</bdi></small>" in Path("t.html").read_text("utf-8")


@pytest.mark.parametrize("widths", ["6,x", "6,0", ""])
def test_widths_are_numbers(call: Run, widths: str) -> None:
    Path("t.txt").write_text("size  price\n    1      2\n    3      4\n")
    assert call("inspect", "t.txt", "--widths", widths).code == 2
    done = call("inspect", "t.txt", "--widths", "5,7")
    assert (done.code, "1 to 3" in done.out) == (0, True)
