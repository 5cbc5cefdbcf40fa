"""Integers that must be categories: all digits of every source, the same categories as those of a text file."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from pyarrow import feather, parquet

import backpass
from backpass.errors import DataError
from backpass.table import CategoricalColumn, Table, read_table, table_from
from backpass.table.windows.windows import windows_of

IDS = [10**17 + 1, 10**17 + 2, 2**53 + 1, 2**53, 7, -(10**17) - 1]


def texts(table: Table, name: str) -> list[str | None]:
    column = table.columns[name]
    assert isinstance(column, CategoricalColumn)
    return [None if code == 0 else column.levels[code - 1] for code in column.codes.tolist()]


def written(path: Path, write: Callable[[Path], Any], **options: Any) -> Table:
    write(path)
    return read_table(path, **options)


def _in_sqlite(path: Path) -> None:
    with sqlite3.connect(path) as database:
        database.execute("CREATE TABLE t (id INTEGER)")
        database.executemany("INSERT INTO t VALUES (?)", [(number,) for number in IDS])
    database.close()


FRAME = pd.DataFrame({"id": IDS})
DECIMAL = pa.table({"id": pa.array([Decimal(number) for number in IDS], pa.decimal128(38, 0))})
FORMS: dict[str, Callable[[Path], Callable[..., Table]]] = {
    "csv": lambda path: lambda **o: written(path / "t.csv", lambda p: FRAME.to_csv(p, index=False), **o),
    "tsv": lambda path: lambda **o: written(path / "t.tsv", lambda p: FRAME.to_csv(p, index=False, sep="\t"), **o),
    "json": lambda path: (
        lambda **o: written(
            path / "t.json", lambda p: p.write_text("".join(json.dumps({"id": n}) + "\n" for n in IDS)), **o
        )
    ),
    "parquet": lambda path: lambda **o: written(path / "t.parquet", FRAME.to_parquet, **o),
    "decimals in parquet": lambda path: (
        lambda **o: written(path / "t.parquet", lambda p: parquet.write_table(DECIMAL, p), **o)
    ),
    "feather": lambda path: (
        lambda **o: written(path / "t.feather", lambda p: feather.write_feather(pa.Table.from_pandas(FRAME), p), **o)
    ),
    "orc": lambda path: lambda **o: written(path / "t.orc", FRAME.to_orc, **o),
    "sqlite": lambda path: lambda **o: written(path / "t.sqlite", _in_sqlite, **o),
    "query": lambda path: lambda **o: written(path / "t.parquet", FRAME.to_parquet, query="SELECT id FROM data", **o),
    "pandas": lambda path: lambda **o: table_from(FRAME, **o),
    "pandas, nullable": lambda path: lambda **o: table_from(FRAME.astype("Int64"), **o),
    "polars": lambda path: lambda **o: table_from(pl.DataFrame({"id": IDS}), **o),
    "arrow": lambda path: lambda **o: table_from(pa.table({"id": IDS}), **o),
    "decimals in arrow": lambda path: lambda **o: table_from(DECIMAL, **o),
    "array": lambda path: lambda **o: table_from({"id": np.array(IDS)}, **o),
    "structured array": lambda path: lambda **o: table_from(np.array([(n,) for n in IDS], [("id", "i8")]), **o),
    "array of objects": lambda path: lambda **o: table_from({"id": np.array(IDS, dtype=object)}, **o),
    "list": lambda path: lambda **o: table_from({"id": IDS}, **o),
    "rows": lambda path: lambda **o: table_from([{"id": number} for number in IDS], **o),
}


@pytest.mark.parametrize("asked", [{"categorical": ["id"]}, {"kinds": {"id": "categorical"}}], ids=["fit", "predict"])
@pytest.mark.parametrize("form", FORMS)
def test_every_source_gives_all_digits(form: str, asked: dict[str, Any], tmp_path: Path) -> None:
    assert texts(FORMS[form](tmp_path)(**asked), "id") == [str(number) for number in IDS]


def test_gaps_are_missing(tmp_path: Path) -> None:
    gaps = pd.DataFrame({"id": pd.array([IDS[0], None, IDS[1]], dtype="Int64")})
    gaps.to_parquet(tmp_path / "t.parquet")
    masked = np.ma.masked_array(IDS[:3], mask=[False, True, False])
    expected = [str(IDS[0]), None, str(IDS[1])]
    for table in (
        table_from(gaps, categorical=["id"]),
        table_from(pl.DataFrame({"id": [IDS[0], None, IDS[1]]}), categorical=["id"]),
        read_table(tmp_path / "t.parquet", categorical=["id"]),
    ):
        assert texts(table, "id") == expected
    assert texts(table_from({"id": masked}, categorical=["id"]), "id") == [str(IDS[0]), None, str(IDS[2])]


def test_unsigned_integers_beyond_those_with_a_sign() -> None:
    assert texts(table_from({"id": np.array([2**64 - 1, 2**64 - 2], "u8")}, categorical=["id"]), "id") == [
        "18446744073709551615",
        "18446744073709551614",
    ]


def test_floats_that_have_lost_their_digits_are_refused(tmp_path: Path) -> None:
    floats = pd.DataFrame({"id": np.array(IDS[:2], dtype=float)})
    floats.to_parquet(tmp_path / "b.parquet")
    with pytest.raises(DataError, match=r"beyond 2\^53 as float64[^$]*store them as integers or as strings"):
        table_from(floats, categorical=["id"])
    FRAME.to_parquet(tmp_path / "a.parquet")
    with pytest.raises(DataError, match=r"beyond 2\^53 as float64"):
        read_table(tmp_path / "*.parquet", categorical=["id"])
    pd.DataFrame({"id": [7.0, 8.0]}).to_parquet(tmp_path / "b.parquet")
    assert texts(read_table(tmp_path / "*.parquet", categorical=["id"]), "id")[-2:] == ["7", "8"]


def test_windows_give_all_digits(tmp_path: Path) -> None:
    FRAME.to_parquet(tmp_path / "t.parquet")
    windows = [*windows_of(tmp_path / "t.parquet", rows=2, whole=0, kinds={"id": "categorical"})]
    assert len(windows) == 3
    assert [text for window in windows for text in texts(window, "id")] == [str(number) for number in IDS]


def test_a_model_knows_them_from_every_source(tmp_path: Path) -> None:
    """Neighbors that float64 does not tell apart have different targets; a model of one source reads the others."""
    rows = {"id": IDS[:2] * 30, "y": [100.0 * (i % 2) + i / 10 for i in range(60)]}
    asked: dict[str, Any] = {
        "hidden": (8,),
        "activation": "tanh",
        "epochs": 60,
        "batch_size": 8,
        "reading": {"categorical": ["id"]},
    }
    model = backpass.fit(pd.DataFrame(rows), "y", **asked)
    low, high = model.predict({"id": IDS[:2]})
    assert high - low > 50
    expected = model.predict({"id": [str(number) for number in IDS]})
    for form, read in FORMS.items():
        table = read(tmp_path)(kinds=model.kinds())
        np.testing.assert_array_equal(model.predict(table), expected, err_msg=form)
