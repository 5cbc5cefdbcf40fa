#!/bin/sh
# pandas: the smallest of missing numbers is infinity, and a clipped NaN is the upper bound, if the columns are Arrow columns.
#
# pandas 3.1.1, pyarrow 26.0.1, numpy 2.4.6, Python 3.11, Linux x86-64.
# Input: a Parquet file with NaN for "not measured", as pyarrow, polars and DuckDB write it: two readings per row, in two plants,
# of which the first was never measured.
# Expected: the results of pandas.read_parquet without dtype_backend, which are NaN, or the missing value NA. min and max
# "exclude NA/null values", and Series.min of the same NaN is NaN.
# Seen with dtype_backend="pyarrow", without a warning: the minimum of the plant is inf and its maximum -inf, in groupby, pivot_table,
# cummax and by row (axis=1); clip(0, 50) turns NaN into 50. (Issue 59106 of pandas has the groups of nullable columns.)
# In Backpass: NaN in an Arrow column is missing, and a table with infinite numbers is rejected; only the numbers from clip
# cannot be told from others.
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
import pyarrow.parquet as pq

readings = {"plant": ["a", "a", "b"], "x": [math.nan, math.nan, 20.0], "y": [math.nan, math.nan, 80.0]}
pq.write_table(pa.table(readings), "t.parquet")
for name, options in (("NumPy", {}), ("Arrow", {"dtype_backend": "pyarrow"})):
    frame = pd.read_parquet("t.parquet", **options)
    by_plant = frame.groupby("plant")["x"]
    print(name, frame["x"].dtype)
    print("  Series.min of plant a", frame["x"][:2].min())
    print("  groupby min", *by_plant.min(), "max", *by_plant.max())
    print("  pivot_table", *frame.pivot_table(index="plant", values="x", aggfunc="max", dropna=False)["x"])
    print("  min by row", *frame[["x", "y"]].min(axis=1))
    print("  cummax", *frame["x"].cummax())
    print("  clip(0, 50)", *frame["x"].clip(0, 50))
PROGRAM
cat seen
diff - seen <<'SEEN'
NumPy float64
  Series.min of plant a nan
  groupby min nan 20.0 max nan 20.0
  pivot_table nan 20.0
  min by row nan nan 20.0
  cummax nan nan 20.0
  clip(0, 50) nan nan 20.0
Arrow double[pyarrow]
  Series.min of plant a nan
  groupby min inf 20.0 max -inf 20.0
  pivot_table -inf 20.0
  min by row inf inf 20.0
  cummax -inf -inf 20.0
  clip(0, 50) 50.0 50.0 20.0
SEEN
