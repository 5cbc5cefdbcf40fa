"""Databases: SQLite and DuckDB files and a PostgreSQL server; tables, queries, and what a query must not do."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import tempfile
from collections.abc import Iterator
from glob import glob
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pytest

from backpass.errors import DataError, ResourceError, UsageError
from backpass.table import Table, read_table
from backpass.table.formats.databases.address import Address, without_password
from sample_tables import numbers

ORDERS = "CREATE TABLE orders (id INTEGER, price REAL, day TEXT, town TEXT)"
ROWS = [(1, 2.5, "2024-01-31", "Oslo"), (2, None, "2024-02-29", "00123"), (3, 7.0, None, "Bergen")]


def sqlite_file(path: Path, *statements: str) -> Path:
    database = sqlite3.connect(path)
    database.execute(ORDERS)
    database.executemany("INSERT INTO orders VALUES (?, ?, ?, ?)", ROWS)
    for statement in statements:
        database.execute(statement)
    database.commit()
    database.close()
    return path


def duckdb_file(path: Path, *statements: str) -> Path:
    with duckdb.connect(str(path)) as database:
        database.execute("CREATE TABLE orders (id INTEGER, price DOUBLE, day DATE, town VARCHAR)")
        database.executemany("INSERT INTO orders VALUES (?, ?, ?, ?)", ROWS)
        for statement in statements:
            database.execute(statement)
    return path


FILES = {"sqlite": sqlite_file, "duckdb": duckdb_file}


def check_orders(table: Table) -> None:
    assert table.names == ("id", "price", "day", "town")
    np.testing.assert_array_equal(numbers(table, "price"), [2.5, np.nan, 7])
    assert table.column("day").kind == "date"
    assert table.column("town").levels == ("00123", "Bergen", "Oslo")  # type: ignore[union-attr]


@pytest.mark.parametrize("form", FILES)
def test_the_only_table_is_read_and_several_are_listed(tmp_path: Path, form: str) -> None:
    path = FILES[form](tmp_path / "shop.db")
    check_orders(read_table(path))
    path = FILES[form](tmp_path / "two.db", "CREATE VIEW paid AS SELECT id, price FROM orders WHERE price IS NOT NULL")
    with pytest.raises(DataError, match="has 2 tables: 'orders', 'paid'") as caught:
        read_table(path)
    assert caught.value.hint == f"{path}::orders, or --query 'SELECT ... FROM orders ...'"
    check_orders(read_table(f"{path}::orders"))
    assert numbers(read_table(f"{path}::paid"), "id") == [1, 3]
    with pytest.raises(DataError, match="there is no table 'order'") as caught:
        read_table(f"{path}::order")
    assert caught.value.hint == "did you mean 'orders'?"


@pytest.mark.parametrize("form", FILES)
def test_a_query_runs_in_the_database(tmp_path: Path, form: str) -> None:
    path = FILES[form](
        tmp_path / "shop.db", "CREATE TABLE towns (name TEXT, people INTEGER)", "INSERT INTO towns VALUES ('Oslo', 700)"
    )
    query = "SELECT price, people FROM orders LEFT JOIN towns ON town = name ORDER BY id;"
    table = read_table(path, query=query)
    np.testing.assert_array_equal(numbers(table, "people"), [700, np.nan, np.nan])
    assert numbers(read_table(path, query="WITH o AS (SELECT * FROM orders) SELECT id FROM o -- all"), "id") == [
        1,
        2,
        3,
    ]
    with pytest.raises(UsageError, match="a query on a database names its tables"):
        read_table(f"{path}::orders", query=query)
    with pytest.raises(UsageError, match=r"the query cannot be run: .*data") as caught:
        read_table(path, query="SELECT * FROM data")
    assert "'orders', 'towns'" in caught.value.hint
    with pytest.raises(DataError, match="no rows"):
        read_table(path, query="SELECT id FROM orders WHERE id > 9")


@pytest.mark.parametrize("form", FILES)
@pytest.mark.parametrize(
    "query",
    [
        "DELETE FROM orders",
        "DROP TABLE orders",
        "SELECT 1 AS a; DROP TABLE orders",
        "CREATE TABLE other AS SELECT 1",
        "ATTACH '{other}' AS other",
        "PRAGMA database_list",
        "SELECT load_extension('x')",
        "SELECT * FROM read_csv('{other}')",
    ],
)
def test_a_query_can_only_select(tmp_path: Path, form: str, query: str) -> None:
    path, other = FILES[form](tmp_path / "shop.db"), tmp_path / "other.csv"
    other.write_text("a,b\n1,2\n")
    content = path.read_bytes()
    with pytest.raises(UsageError):
        read_table(path, query=query.format(other=other))
    assert path.read_bytes() == content
    assert sorted(each.name for each in tmp_path.iterdir()) == ["other.csv", "shop.db"]
    check_orders(read_table(path))


def test_columns_of_several_types_are_read_like_those_of_a_text_file(tmp_path: Path) -> None:
    path = sqlite_file(tmp_path / "shop.db", "UPDATE orders SET price = 'NA' WHERE id = 2")
    np.testing.assert_array_equal(numbers(read_table(path), "price"), [2.5, np.nan, 7])
    imported = tmp_path / "imported.db"
    database = sqlite3.connect(imported)
    database.execute("CREATE TABLE t (x TEXT, code TEXT)")
    database.executemany("INSERT INTO t VALUES (?, ?)", [("1.5", "01"), ("2", "02"), ("", "03")])
    database.commit()
    database.close()
    table = read_table(imported)
    np.testing.assert_array_equal(numbers(table, "x"), [1.5, 2, np.nan])
    assert table.column("code").kind == "categorical"
    assert table.notes[0] == "all columns hold strings, which are read like those of a CSV file"
    # Beside numbers, a text is a text.
    path = sqlite_file(tmp_path / "typed.db", "UPDATE orders SET town = '5'")
    assert read_table(path).column("town").kind == "categorical"


def test_bytes_that_are_no_text_name_their_rows(tmp_path: Path) -> None:
    path = sqlite_file(tmp_path / "shop.db", "UPDATE orders SET town = CAST(x'ff41' AS TEXT) WHERE id = 2")
    with pytest.raises(DataError, match=r"column 'town' holds bytes that are not UTF-8 \(row 2\)"):
        read_table(path)
    assert read_table(path, drop=["town"]).rows == 3


@pytest.mark.parametrize("form", FILES)
def test_damaged_and_empty_databases(tmp_path: Path, form: str) -> None:
    path = FILES[form](tmp_path / "shop.db", "DROP TABLE orders")
    with pytest.raises(DataError, match="has no tables"):
        read_table(path)
    path = FILES[form](tmp_path / "rows.db", "DELETE FROM orders")
    with pytest.raises(DataError, match="has columns but no rows"):
        read_table(path)
    content = path.read_bytes()
    path.write_bytes(content[:40] + b"\x55" * (len(content) - 40))
    with pytest.raises(DataError, match=r"rows\.db: (is a damaged SQLite|cannot be opened as a DuckDB)"):
        read_table(path)


def test_addresses() -> None:
    assert Address.of("sqlite:///shop.db::orders") == Address("shop.db", "", "orders")
    assert Address.of("sqlite:////data/shop.db") == Address("/data/shop.db")
    assert Address.of("a::b::c") == Address("a::b", "", "c")
    assert Address.of("data.csv::") == Address("data.csv::")
    assert Address.of("postgresql://host/shop?sslmode=require::k.t").member == "k.t"
    secret = "postgresql://ada:s3/cret@host/shop?password=s3cret&x=1"
    for url in (secret, "postgres://ada:s3cret@host", "postgresql://:s3cret@host/a"):
        assert "s3cret" not in Address.of(url).shown
    assert without_password("postgresql://ada@host:5432/shop") == "postgresql://ada@host:5432/shop"


def test_an_address_of_sqlite(tmp_path: Path) -> None:
    path = sqlite_file(tmp_path / "shop.db")
    check_orders(read_table(f"sqlite:///{path}"))
    check_orders(read_table(f"sqlite:///{path}::orders"))


def test_a_server_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ResourceError, match=r"postgresql://ada:\*\*\*@/shop\?host=") as caught:
        read_table(f"postgresql://ada:s3cret@/shop?host={tmp_path}")
    assert "s3cret" not in str(caught.value)


PROGRAMS = sorted(glob("/usr/lib/postgresql/*/bin"))
INITDB = shutil.which("initdb", path=os.pathsep.join([os.environ.get("PATH", ""), *PROGRAMS]))
SERVED = """
CREATE TYPE mood AS ENUM ('calm', 'wild');
CREATE TABLE orders (
  id int, price numeric(8, 2), weight float4, town text, kind mood, paid boolean, day date, seen timestamp,
  zoned timestamptz, at time, took interval, key uuid, cost money
);
INSERT INTO orders VALUES
  (1, 2.50, 0.5, 'Oslo', 'calm', true, '2024-01-31', '2024-01-31 12:30:15', '2024-01-31 12:30+01', '23:59',
   '90 minutes', '123e4567-e89b-12d3-a456-426614174000', 5),
  (2, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL),
  (3, 7, 1.5, 'Bergen', 'wild', false, '1969-12-31', '1969-12-31', '2024-06-30 00:00+00', '00:00', '1 day',
   '123e4567-e89b-12d3-a456-426614174001', 6);
"""


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """The address of a server of its own, on a socket in a temporary folder; it does not run as root."""
    if INITDB is None:
        pytest.skip("PostgreSQL is not installed")
    pytest.importorskip("adbc_driver_postgresql")
    folder = Path(tempfile.mkdtemp(prefix="backpass-pg-"))
    who: dict[str, Any] = {}
    if os.getuid() == 0:
        who = {"user": "nobody"}
        shutil.chown(folder, "nobody")
    control = str(Path(INITDB).resolve().parent / "pg_ctl")

    def run(*command: str) -> None:
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=folder, **who)

    data = str(folder / "data")
    run(INITDB, "-D", data, "-U", "ada", "-A", "trust", "-N")
    run(control, "-D", data, "-o", f"-c listen_addresses='' -k {folder} -F", "-l", str(folder / "log"), "-w", "start")
    address = f"postgresql://ada@/postgres?host={folder}"
    try:
        from adbc_driver_postgresql import dbapi

        with dbapi.connect(address) as connection, connection.cursor() as cursor:
            for statement in SERVED.split(";")[:-1]:
                cursor.execute(statement)
            connection.commit()
        yield address
    finally:
        run(control, "-D", data, "-m", "immediate", "stop")
        shutil.rmtree(folder)


def test_a_table_of_a_server(server: str) -> None:
    with pytest.raises(DataError, match="column 'cost' is of type 'money'"):
        read_table(server)
    table = read_table(f"{server}::orders", drop=["cost"])
    assert {column.name: column.kind for column in table.columns.values()} == {
        "id": "numeric", "price": "numeric", "weight": "numeric", "town": "categorical", "kind": "categorical",
        "paid": "categorical", "day": "date", "seen": "date", "zoned": "date", "at": "time", "took": "numeric",
        "key": "categorical",
    }  # fmt: skip
    np.testing.assert_array_equal(numbers(table, "price"), [2.5, np.nan, 7])
    np.testing.assert_array_equal(numbers(table, "took"), [5400, np.nan, 86_400])
    assert table.column("kind").levels == ("calm", "wild")  # type: ignore[union-attr]
    assert table.left_out == ("cost",)
    assert read_table(server, kinds={"price": "numeric"}).names == ("price",)


def test_a_query_on_a_server(server: str) -> None:
    table = read_table(server, query="SELECT id, cost::numeric AS cost FROM orders WHERE id <> 2 ORDER BY id DESC; ")
    assert (numbers(table, "id"), numbers(table, "cost")) == ([3, 1], [6, 5])
    for query in ("DELETE FROM orders", "COPY orders TO '/tmp/backpass-copied'", "SELECT 1; DROP TABLE orders"):
        with pytest.raises(UsageError, match="the query cannot be run"):
            read_table(server, query=query)
    with pytest.raises(UsageError, match='column "nope" does not exist') as caught:
        read_table(server, query="SELECT nope FROM orders")
    assert "'orders'" in caught.value.hint
    with pytest.raises(DataError, match="there is no table 'order'"):
        read_table(f"{server}::order")
    assert read_table(server, query="SELECT id FROM orders").rows == 3
