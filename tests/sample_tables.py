"""Tables that tests of several rooms use, the files that they are written to, and the values of what is read."""

from __future__ import annotations

import csv
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from backpass.table import CategoricalColumn, NumericColumn, Table


def rows_in_groups(rows: int) -> pd.DataFrame:
    """Four rows for each id, a day for each row, and a number and a class to predict."""
    rng = np.random.default_rng(0)
    ids = rng.permutation(np.repeat(np.arange(rows // 4), 4))
    x = rng.normal(size=(rows, 2))
    y = x[:, 0] + 0.3 * rng.normal(size=rows)
    days = pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.permutation(rows), unit="D")
    kind = np.where(y > 0.4, "high", "low")
    return pd.DataFrame({"id": ids, "day": days, "a": x[:, 0], "b": x[:, 1], "y": y, "kind": kind})


def csv_file(columns: dict[str, Any], path: Path) -> Path:
    pd.DataFrame(columns).to_csv(path / "t.csv", index=False)
    return path / "t.csv"


def parquet_file(columns: dict[str, Any], path: Path) -> Path:
    pa, pq = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    pq.write_table(pa.table(columns), path / "t.parquet")
    return path / "t.parquet"


def written(columns: dict[str, Any], path: Path) -> Path:
    """Write columns to a file; values are written as ``str`` writes them."""
    lines = [",".join(map(str, row)) for row in zip(*columns.values(), strict=True)]
    path.write_text("\n".join([",".join(columns), *lines]) + "\n")
    return path


def predicted(done: Any) -> list[str]:
    """The predictions that the command ``predict`` wrote: the last column."""
    assert done.code == 0, done.err
    (_, *found) = csv.reader(StringIO(done.out))
    return [row[-1] for row in found]


def texts(table: Table, name: str) -> list[str | None]:
    """The categories of a column; None where one is missing."""
    column = table.column(name)
    assert isinstance(column, CategoricalColumn)
    return [column.levels[code - 1] if code else None for code in column.codes]


def numbers(table: Table, name: str) -> list[float]:
    """The numbers of a column."""
    column = table.column(name)
    assert isinstance(column, NumericColumn)
    return column.values.tolist()
