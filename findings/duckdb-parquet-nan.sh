#!/bin/sh
# DuckDB says that no value of a Parquet file is NaN: isnan(x) is false for NaN, and filters lose the rows with NaN.
#
# duckdb 2.0.1, pyarrow 26.0.1 (which writes the file), Python 3.11, Linux x86-64.
# Input: a Parquet file with one column of doubles, 1, 2 and NaN, as pyarrow and polars write it: the minimum 1 and the
# maximum 2 are in its statistics.
# Expected: what the same query gives for the same rows in a table. The Parquet format says of these statistics: "When
# looking for NaN values, min and max should be ignored" (parquet.thrift, ColumnOrder). DuckDB's documentation says that NaN is
# the greatest number.
# Seen: isnan(x) is replaced by false, also in the list of SELECT; x > 5 and x = 'nan' give no row; the maximum is 2.
# The option can_have_nan=true of read_parquet, which its documentation does not list, gives the right rows.
# In Backpass: src/backpass/table/formats/parquet.py sets it, and makes NaN NULL before a query sees it.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"${PYTHON:-python3}" -m venv "$work/venv"
"$work/venv/bin/python" -m pip install --quiet --no-compile --disable-pip-version-check \
    numpy==2.4.6 duckdb==2.0.1 pyarrow==26.0.1
cd "$work"
"$work/venv/bin/python" -W error - <<'PROGRAM' >seen
import math

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

pq.write_table(pa.table({"x": [1.0, 2.0, math.nan]}), "t.parquet")
database = duckdb.connect()
database.execute("CREATE TABLE stored AS SELECT * FROM 't.parquet'")
relations = ("stored", "read_parquet('t.parquet')", "read_parquet('t.parquet', can_have_nan=true)")
for query in ("list(isnan(x)) FROM {}", "count(*) FROM {} WHERE NOT isnan(x)", "count(*) FROM {} WHERE x > 5",
              "count(*) FROM {} WHERE x = 'nan'", "max(x) FROM {}"):
    print(query, *(database.execute("SELECT " + query.format(each)).fetchone()[0] for each in relations), sep=" | ")
PROGRAM
cat seen
diff - seen <<'SEEN'
list(isnan(x)) FROM {} | [False, False, True] | [False, False, False] | [False, False, True]
count(*) FROM {} WHERE NOT isnan(x) | 2 | 3 | 2
count(*) FROM {} WHERE x > 5 | 1 | 0 | 1
count(*) FROM {} WHERE x = 'nan' | 1 | 0 | 1
max(x) FROM {} | nan | 2.0 | nan
SEEN
