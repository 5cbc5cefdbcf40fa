"""Queries: what a SELECT sees and gives, and that it reaches nothing else."""

import datetime
import math
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from backpass.errors import DataError, UsageError
from backpass.table import read_table, table_from

Write = Callable[..., Path]
CSV = "size;town;sold;at;zip\n1,5;b;2024-01-01;10:00;001\n;a;2024-01-02;;002\n3,5;?;;11:30;003\n"


def test_columns_have_the_kinds_they_are_read_with(write: Write) -> None:
    path = write(CSV)
    assert read_table(path, query="SELECT * FROM data") == read_table(path)
    described = read_table(path, query="SELECT column_type AS t FROM (DESCRIBE data)")
    assert described == table_from({"t": ["DOUBLE", "VARCHAR", "TIMESTAMP", "TIME", "VARCHAR"]})


def test_filters_and_new_columns(write: Write) -> None:
    query = (
        "SELECT 2 * size AS double, upper(town) AS t, year(sold) AS y FROM data WHERE size IS NOT NULL ORDER BY 1 DESC;"
    )
    table = read_table(write(CSV), query=query)
    assert table == table_from({"double": [7.0, 3.0], "t": [None, "B"], "y": [None, 2024]})
    assert table.left_out == ()


def test_parquet_and_several_files(tmp_path: Path) -> None:
    day = datetime.date(2024, 1, 1)
    pq.write_table(pa.table({"x": [1, 2], "d": [day, None]}), tmp_path / "a.parquet")
    pq.write_table(pa.table({"d": [day, None], "x": [3, 4]}), tmp_path / "b.parquet")
    table = read_table(tmp_path / "*.parquet", query="SELECT x + 0.5 AS x, d FROM data WHERE x > 1 ORDER BY x")
    assert table == table_from({"x": [2.5, 3.5, 4.5], "d": [None, day, None]})


@pytest.mark.parametrize(
    "query",
    [
        "SELECT * FROM data WHERE NOT isnan(x)",
        "SELECT * FROM data WHERE x > 1 OR y = 1",
        "SELECT avg(x) AS x, count(x) AS y FROM data UNION ALL SELECT 1, 1",
    ],
)
def test_missing_numbers_are_null_in_every_format(tmp_path: Path, query: str) -> None:
    """By the statistics of these files DuckDB would hold that no value is NaN (findings/duckdb-parquet-nan.sh)."""
    (tmp_path / "t.csv").write_text("x,y\n1,1\n2,2\n,3\n3,4\n")
    for form in ("float64", "float32"):
        x = pa.array([1.0, 2.0, math.nan, 3.0], form)
        pq.write_table(pa.table({"x": x, "y": [1, 2, 3, 4]}), tmp_path / f"{form}.parquet")
    expected = read_table(tmp_path / "t.csv", query=query)
    assert read_table(tmp_path / "float64.parquet", query=query) == expected
    assert read_table(tmp_path / "float32.parquet", query=query) == expected


def test_parquet_files_that_do_not_agree(tmp_path: Path) -> None:
    pq.write_table(pa.table({"x": [1]}), tmp_path / "a.parquet")
    pq.write_table(pa.table({"y": [1]}), tmp_path / "b.parquet")
    with pytest.raises(DataError, match=r"b.parquet lacks 'x', which .*a.parquet has"):
        read_table(tmp_path / "*.parquet", query="SELECT * FROM data")


def test_demands_are_of_the_result(write: Write) -> None:
    path = write("a,b\n1,2\n3,4\n")
    query = "SELECT a AS c, b FROM data"
    assert read_table(path, query=query, kinds={"c": "categorical"}).columns.keys() == {"c"}
    assert read_table(path, query=query, drop=["b"]).left_out == ("b",)
    with pytest.raises(DataError, match="column 'a' not found"):
        read_table(path, query=query, need=["a"])


REFUSED = {
    "nothing": ("", "a query must be a single SELECT statement"),
    "two": ("SELECT 1; SELECT 2", "a query must be a single SELECT statement"),
    "change": ("DROP TABLE data", "a query must be a single SELECT statement"),
    "copy": ("COPY data TO 'x.csv'", "a query must be a single SELECT statement"),
    "setting": ("SET threads = 2", "a query must be a single SELECT statement"),
    "extension": ("INSTALL httpfs", "a query must be a single SELECT statement"),
    "syntax": ("SELECT FROM WHERE", "the query cannot be run: Parser Error"),
    "name": ("SELECT nothing FROM data", "the query cannot be run: Binder Error"),
    "other file": ("SELECT * FROM read_csv('{other}')", "Cannot access file"),
    "other table": ("SELECT * FROM '{other}'", "Cannot access file"),
    "categorical": ("SELECT * FROM read_text('{other}')", "Cannot access file"),
    "folder": ("SELECT * FROM glob('{folder}/*')", "Cannot access file"),
    "network": ("SELECT * FROM read_csv('http://127.0.0.1:9/x.csv')", "the query cannot be run"),
    "variable": ("SELECT getenv('HOME') AS home", "the query cannot be run"),
    "python": ("SELECT * FROM REFUSED", "the query cannot be run: Catalog Error"),
}


@pytest.mark.parametrize("form", ["csv", "parquet"])
@pytest.mark.parametrize(("query", "expected"), REFUSED.values(), ids=REFUSED.keys())
def test_what_is_refused(write: Write, tmp_path: Path, form: str, query: str, expected: str) -> None:
    path = write("a,b\n1,2\n")
    if form == "parquet":
        pq.write_table(pa.table({"a": [1], "b": [2]}), path := tmp_path / "t.parquet")
    other = write("secret\n1\n", "other.csv")
    before = sorted(tmp_path.iterdir())
    with pytest.raises(UsageError) as caught:
        read_table(path, query=query.format(other=other, folder=tmp_path))
    assert expected in str(caught.value)
    assert sorted(tmp_path.iterdir()) == before


def test_a_query_without_rows(write: Write) -> None:
    with pytest.raises(DataError, match="the query returns no rows"):
        read_table(write("a,b\n1,2\n"), query="SELECT * FROM data WHERE a > 5")


def test_rows_without_an_order_come_in_the_same_one(tmp_path: Path) -> None:
    pq.write_table(pa.table({"g": [i * 7919 % 1000 for i in range(200_000)]}), path := tmp_path / "t.parquet")
    query = "SELECT g, count(*) AS n FROM data GROUP BY g"
    assert len({str(read_table(path, query=query).column("g").values.tolist()) for _ in range(3)}) == 1  # type: ignore[union-attr]
