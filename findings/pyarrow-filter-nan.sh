#!/bin/sh
# pyarrow (and pandas): reading a Parquet file with a filter loses the rows with NaN that the same filter keeps in memory.
#
# pyarrow 26.0.1, pandas 3.1.1, Python 3.11, Linux x86-64.
# Input: a Parquet file with the column x: 1, NaN, 1, written by pyarrow. The statistics of its row group are 1 to 1.
# Expected: the rows that Table.filter gives for the same expression: NaN differs from 1, and is_nan is true of it. The
# Parquet format says of these statistics: "When looking for NaN values, min and max should be ignored" (parquet.thrift).
# Seen: no row, because the row group is left out for its statistics: for x != 1, is_nan(x) and not (x <= 5), the last also
# with other values in the column. Other rows in the file decide whether a row is read: with 1, NaN, 2, the filter x != 1 works.
# In Backpass: nothing reads Parquet with a filter of pyarrow.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"${PYTHON:-python3}" -m venv "$work/venv"
"$work/venv/bin/python" -m pip install --quiet --no-compile --disable-pip-version-check \
    numpy==2.4.6 pandas==3.1.1 pyarrow==26.0.1
cd "$work"
"$work/venv/bin/python" -W error - <<'PROGRAM' >seen
import math

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

x = pc.field("x")
filters = {"x != 1": x != 1, "is_nan(x)": pc.is_nan(x), "not (x <= 5)": ~(x <= 5)}
for values in ([1.0, math.nan, 1.0], [1.0, math.nan, 2.0]):
    table = pa.table({"x": values, "row": [0, 1, 2]})
    pq.write_table(table, "t.parquet")
    for name, chosen in filters.items():
        found = [table.filter(chosen), pq.read_table("t.parquet", filters=chosen)]
        print(values, name, *(each["row"].to_pylist() for each in found), sep=" | ")
pq.write_table(pa.table({"x": [1.0, math.nan, 1.0]}), "t.parquet")
frame = pd.read_parquet("t.parquet")
print("pandas", len(frame[frame["x"] != 1]), len(pd.read_parquet("t.parquet", filters=[("x", "!=", 1.0)])))
PROGRAM
cat seen
diff - seen <<'SEEN'
[1.0, nan, 1.0] | x != 1 | [1] | []
[1.0, nan, 1.0] | is_nan(x) | [1] | []
[1.0, nan, 1.0] | not (x <= 5) | [1] | []
[1.0, nan, 2.0] | x != 1 | [1, 2] | [1, 2]
[1.0, nan, 2.0] | is_nan(x) | [1] | [1]
[1.0, nan, 2.0] | not (x <= 5) | [1] | []
pandas 1 0
SEEN
