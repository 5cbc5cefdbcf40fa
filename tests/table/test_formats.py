"""Formats: the same table through every one of them is the same table, and damaged files are errors that say so."""

from __future__ import annotations

import gzip
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import backpass
from backpass.errors import DataError, UsageError
from backpass.table import Table, read_table, table_from
from backpass.table.files.signatures import SAS_MAGIC
from backpass.table.formats.registry import BY_NAME, FORMATS, format_of, format_of_text, titles

from . import format_writers as writers

Write = Callable[[pd.DataFrame, Path], None]

WRITERS: dict[str, tuple[Write, str, set[str]]] = {
    # name -> writer, file, columns that the format or its writer cannot carry
    "csv": (writers.csv_file, "t.csv", set()),
    "parquet": (writers.parquet, "t.parquet", set()),
    "xlsx": (writers.xlsx, "t.xlsx", set()),
    "openpyxl": (writers.openpyxl, "t.xlsx", set()),
    "ods": (writers.ods, "t.ods", set()),
    "xls": (writers.xls, "t.xls", set()),
    "xlsb": (writers.xlsb, "t.xlsb", set()),
    "stata": (writers.labeled("write_dta"), "t.dta", set()),
    "spss": (writers.labeled("write_sav"), "t.sav", set()),
    "compressed spss": (writers.statistical("write_sav", compress=True), "t.zsav", {"new"}),
    "sas transport": (writers.statistical("write_xport"), "t.xpt", {"new", "size"}),  # IBM's floats
    "feather": (writers.feather, "t.feather", set()),
    "arrow stream": (writers.arrow_stream, "t.arrows", set()),
    "orc": (writers.orc, "t.orc", {"at"}),
    "avro": (writers.avro, "t.avro", set()),
    "sqlite": (writers.sqlite, "t.db", {"new"}),
    "duckdb": (writers.duckdb_file, "t.duckdb", set()),
    "arff": (writers.arff, "t.arff", set()),
}

WITHOUT_WRITER = {
    "json": "test_json_rows.py",
    "svmlight": "test_text_formats.py",
    "por": "test_statistical.py",
    "sas": "test_formats.py",
    "postgres": "test_databases.py",
}
"""Formats whose sample files are made elsewhere, and where."""


def written(name: str, folder: Path, table: pd.DataFrame | None = None) -> Path:
    write, file, lost = WRITERS[name]
    table = writers.frame() if table is None else table
    write(table.drop(columns=[column for column in lost if column in table]), folder / file)
    return folder / file


def expected(name: str) -> Table:
    return table_from(writers.frame().drop(columns=[*WRITERS[name][2]]))


@pytest.mark.parametrize("name", WRITERS)
def test_every_format_holds_the_table_that_a_frame_holds(tmp_path: Path, name: str) -> None:
    path = written(name, tmp_path)
    assert read_table(path) == expected(name)
    # The content says what it is, not the suffix; and a compressed file is the same file.
    path.rename(tmp_path / "data.csv")
    assert read_table(tmp_path / "data.csv") == expected(name)
    (tmp_path / "data.gz").write_bytes(gzip.compress((tmp_path / "data.csv").read_bytes()))
    assert read_table(tmp_path / "data.gz") == expected(name)


def test_the_table_of_the_tests_has_every_kind() -> None:
    kinds = {column.name: column.kind for column in table_from(writers.frame()).columns.values()}
    assert kinds == {
        "size": "numeric", "rooms": "numeric", "town": "categorical", "sold": "date", "seen": "date", "at": "time",
        "new": "categorical",
    }  # fmt: skip


@pytest.mark.parametrize("name", ["xlsx", "stata", "sqlite"])
def test_columns_are_chosen_and_required_as_in_any_table(tmp_path: Path, name: str) -> None:
    path = written(name, tmp_path)
    assert read_table(path, drop=["size", "town"]).names == tuple(
        column for column in expected(name).names if column not in ("size", "town")
    )
    kinds = {"rooms": "categorical", "sold": "date"}
    assert read_table(path, kinds=kinds) == table_from(writers.frame(), kinds=kinds)
    with pytest.raises(DataError, match="column 'rome' not found"):
        read_table(path, need=["rome"])
    with pytest.raises(DataError, match="column 'town'"):
        read_table(path, kinds={"town": "numeric"})


@pytest.mark.parametrize("name", [name for name in WRITERS if name not in ("sqlite", "duckdb")])
def test_a_query_selects_from_any_file(tmp_path: Path, name: str) -> None:
    found = read_table(written(name, tmp_path), query="SELECT rooms, sold FROM data WHERE rooms > 2")
    table = writers.frame()
    assert found == table_from(table[table["rooms"] > 2][["rooms", "sold"]])


@pytest.mark.parametrize("name", WRITERS)
def test_a_pattern_joins_files(tmp_path: Path, name: str) -> None:
    path = written(name, tmp_path)
    for part in ("a", "b"):
        (tmp_path / f"part-{part}").write_bytes(path.read_bytes())
    found = read_table(tmp_path / "part-*")
    once = expected(name)
    assert found.rows == 2 * once.rows
    assert found.take(range(once.rows)) == once == found.take(range(once.rows, 2 * once.rows))


MODEL = {"hidden": (4,), "epochs": 3, "preset": "plain", "seed": 5, "validation_fraction": 0.2, "test_fraction": 0.0}


@pytest.mark.parametrize("name", ["xlsx", "ods", "stata", "spss", "feather", "avro", "duckdb"])
def test_the_same_table_gives_the_same_model(tmp_path: Path, name: str) -> None:
    many = pd.concat([writers.frame().assign(rooms=lambda t, j=j: t["rooms"] + 3 * j) for j in range(4)])
    many = many.reset_index(drop=True).drop(columns=["at"])
    table = many.assign(price=[float((7 * j) % 11) for j in range(len(many))])
    parquet, other = written("parquet", tmp_path, table), written(name, tmp_path, table)
    models = [backpass.fit(str(path), "price", **MODEL) for path in (parquet, other)]  # type: ignore[arg-type]
    np.testing.assert_array_equal(models[0].theta, models[1].theta)
    assert models[0].to_bytes() == models[1].to_bytes()
    # ... and a model of one format predicts from any other.
    np.testing.assert_array_equal(models[0].predict(str(other)), models[1].predict(table))


@pytest.mark.parametrize("name", [name for name in WRITERS if name not in ("csv", "parquet", "arff")])
def test_a_file_that_is_cut_is_an_error(tmp_path: Path, name: str) -> None:
    path = written(name, tmp_path)
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    with pytest.raises(DataError) as caught:
        read_table(path)
    assert path.name in caught.value.message
    assert caught.value.message.splitlines()[0].isprintable()


def test_the_first_bytes_tell_the_formats_apart(tmp_path: Path) -> None:
    found = {}
    for name in WRITERS:
        content = written(name, tmp_path).read_bytes()
        form = format_of(content[:65536], content[-65536:]) or format_of_text(content)
        found[name] = form.name if form else "text"
    names = {"openpyxl": "xlsx", "csv": "text", "compressed spss": "spss", "sas transport": "xpt"}
    names |= {"feather": "arrow", "arrow stream": "arrow"}
    assert found == {name: names.get(name, name) for name in WRITERS}
    assert {*found.values()} | WITHOUT_WRITER.keys() == BY_NAME.keys(), "a new format needs an entry in WRITERS"
    assert not {*found.values()} & WITHOUT_WRITER.keys()


@pytest.mark.parametrize("form", WITHOUT_WRITER)
def test_a_format_without_a_writer_is_tested_elsewhere(form: str) -> None:
    tests = (Path(__file__).parent / WITHOUT_WRITER[form]).read_text("utf-8")
    assert any(suffix in tests for suffix in BY_NAME[form].suffixes)


def test_names_of_formats_are_unique_and_readers_exist() -> None:
    assert len(BY_NAME) == len(FORMATS)
    for form in FORMATS:
        assert form.suffixes
        if form.reader:
            assert callable(form.read)
    assert all(title in titles() for title in ("CSV", "Excel", "Stata", "SQLite", "PostgreSQL"))


def test_a_damaged_sas_file_is_named(tmp_path: Path) -> None:
    """No library for Python writes ``.sas7bdat``, so there is no sample to read."""
    path = tmp_path / "t.sas7bdat"
    path.write_bytes(SAS_MAGIC + bytes(8_000))
    assert format_of(path.read_bytes()) is BY_NAME["sas"]
    with pytest.raises(DataError, match="a SAS data set"):
        read_table(path)


MODULES = {"excel": "python_calamine", "stat": "pyreadstat", "arrow": "pyarrow", "avro": "fastavro"}
WITHOUT = """
import sys
sys.modules[sys.argv[1]] = None  # what an import of a module that is not installed finds
from backpass.cli import main
sys.exit(main(["inspect", sys.argv[2]]))
"""


@pytest.mark.parametrize("name", ["xlsx", "stata", "feather", "avro"])
def test_a_missing_extra_is_named_with_its_command(tmp_path: Path, name: str) -> None:
    path = written(name, tmp_path)
    extra = next(form.extra for form in FORMATS if path.suffix in form.suffixes)
    command = [sys.executable, "-c", WITHOUT, MODULES[extra], str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 3, done.stderr
    assert f"t{path.suffix}: is a" in done.stderr
    assert "is not installed" in done.stderr
    assert f"pip install 'backpass[{extra}]'" in done.stderr


def test_a_single_table_has_no_members(tmp_path: Path) -> None:
    path = written("stata", tmp_path)
    with pytest.raises(DataError, match="is a Stata data file, which holds one table"):
        read_table(f"{path}::Sheet1")
    with pytest.raises(DataError, match="is a Stata data file, which has no sheets"):
        read_table(path, sheet="Sheet1")
    with pytest.raises(DataError, match="is a Stata data file, which has no fields of fixed width"):
        read_table(path, widths=[3])
    with pytest.raises(DataError, match="is a CSV file, which has no sheets"):
        read_table(written("csv", tmp_path), sheet="Sheet1")
    path.rename(tmp_path / "odd::name.dta")  # a path that exists stands for itself
    assert read_table(tmp_path / "odd::name.dta") == expected("stata")


def test_addresses_of_other_kinds_are_refused() -> None:
    with pytest.raises(UsageError, match="mysql:// is not the address of a table") as caught:
        read_table("mysql://ada@host/shop")
    assert "postgresql://" in caught.value.hint


def test_settings_of_opening_are_checked(tmp_path: Path) -> None:
    path = written("csv", tmp_path)
    for settings in ({"widths": [3, 0]}, {"widths": ["3"]}, {"sheet": 1.5}):
        with pytest.raises(UsageError, match=next(iter(settings))):
            read_table(path, **settings)  # type: ignore[arg-type]


def test_descriptions_of_columns_are_kept(tmp_path: Path) -> None:
    labels = {"rooms": "Number of rooms"}
    writers.statistical("write_sav", column_labels=labels)(writers.frame(), tmp_path / "t.sav")
    table = read_table(tmp_path / "t.sav")
    assert dict(table.labels) == labels
    assert read_table(tmp_path / "t.sav", drop=["rooms"]).labels == {}
    joined: Any = read_table(tmp_path / "t.sav", query="SELECT rooms, sold FROM data")
    assert dict(joined.labels) == labels
