#!/bin/sh
# polars makes 2.75 the number 2, and 7 the truth value false, if a table is built from rows: dicts, tuples or read_json.
#
# polars 2.1.0, Python 3.11, Linux x86-64.
# Input: rows whose column is Int64 or Boolean, by the given schema or because the first 100 rows hold such values (the default
# of infer_schema_length), and a later row with another number: records of a web service, a JSON file.
# Expected: an error, as for the same values in columns and in read_ndjson. The documentation of strict, which is True by
# default: "Throw an error if any data value does not exactly match the given or inferred data type for that column".
# Seen: 2.75 becomes 2, -0.5 becomes 0, 7 and 0.5 become false in a column of truth values, and a number beyond int64 in a JSON
# file becomes null. No error and no warning. (Issue 23152 of polars, open, has enumerations.)
# In Backpass: JSON is read by Backpass, and every row is seen (docs/how-to/formats.md).
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"${PYTHON:-python3}" -m venv "$work/venv"
"$work/venv/bin/python" -m pip install --quiet --no-compile --disable-pip-version-check polars==2.1.0
cd "$work"
"$work/venv/bin/python" -W error - <<'PROGRAM' >seen
import io
import json

import polars as pl


def shown(name, build):
    try:
        print(" ", name, build()["x"].to_list()[-2:])
    except (TypeError, pl.exceptions.PolarsError) as error:
        print(" ", name, type(error).__name__)


for first, dtype, late in ((1, pl.Int64, [2.75, -0.5]), (True, pl.Boolean, [7, 0.5]), (1, pl.Int64, [1, 2**63])):
    print(dtype, late)
    values = [first] * 100 + late
    rows = [{"x": value} for value in values]
    shown("columns", lambda: pl.DataFrame({"x": values}, strict=True))
    shown("dicts", lambda: pl.DataFrame(rows, strict=True))
    shown("dicts with a schema", lambda: pl.DataFrame(rows, schema={"x": dtype}, strict=True))
    shown("tuples", lambda: pl.DataFrame([(value,) for value in values], schema=["x"], orient="row", strict=True))
    shown("read_json", lambda: pl.read_json(io.StringIO(json.dumps(rows))))
    shown("read_ndjson", lambda: pl.read_ndjson(io.StringIO("\n".join(map(json.dumps, rows)))))
PROGRAM
cat seen
diff - seen <<'SEEN'
Int64 [2.75, -0.5]
  columns TypeError
  dicts [2, 0]
  dicts with a schema [2, 0]
  tuples [2, 0]
  read_json [2, 0]
  read_ndjson ComputeError
Boolean [7, 0.5]
  columns TypeError
  dicts [False, False]
  dicts with a schema [False, False]
  tuples [False, False]
  read_json ComputeError
  read_ndjson ComputeError
Int64 [1, 9223372036854775808]
  columns [1, 9223372036854775808]
  dicts ComputeError
  dicts with a schema ComputeError
  tuples ComputeError
  read_json [1, None]
  read_ndjson ComputeError
SEEN
