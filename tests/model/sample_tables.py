"""Tables that several tests of this room use, and the files that columns are written to."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest


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
