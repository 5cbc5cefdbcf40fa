#!/bin/sh
# polars: read_excel silently loses values that a column holds only after its first 1,000 rows, or turns dates into numbers.
#
# polars 2.1.0, fastexcel 0.21.0 (the default reader), openpyxl 3.1.5 (the other), Python 3.11, Linux x86-64.
# Input: a sheet of 1,002 rows of numbers; the last two of "weight" are the texts "<5" and "n/a", the last but one of "sold" is a
# date.
# Expected: text, or an error, as polars.read_csv gives. The documentation says that infer_schema_length rows (1,000) are
# scanned to determine the types, and that all rows would take longer; it does not say what becomes of other values.
# Seen with the default engine, without a warning: "n/a" is null, and the row with "<5" and the date is not there at all, as
# both are null and empty rows are dropped. Seen with engine="openpyxl": the date is the number 1706659200000000
# (microseconds) among numbers such as 1002.
# In Backpass: workbooks are read with python-calamine, of which every row is seen (docs/how-to/formats.md).
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"${PYTHON:-python3}" -m venv "$work/venv"
"$work/venv/bin/python" -m pip install --quiet --no-compile --disable-pip-version-check \
    polars==2.1.0 fastexcel==0.21.0 openpyxl==3.1.5 xlsxwriter==3.3.1
cd "$work"
"$work/venv/bin/python" -W error - <<'PROGRAM' >seen
import datetime

import polars
import xlsxwriter

with xlsxwriter.Workbook("t.xlsx") as workbook:
    sheet = workbook.add_worksheet()
    sheet.write_row(0, 0, ["weight", "sold"])
    for row in range(1, 1003):
        sheet.write_row(row, 0, [row, row])
    sheet.write(1001, 0, "<5")
    sheet.write(1002, 0, "n/a")
    sheet.write_datetime(1001, 1, datetime.datetime(2024, 1, 31), workbook.add_format({"num_format": "yyyy-mm-dd"}))
for engine in ("calamine", "openpyxl"):
    frame = polars.read_excel("t.xlsx", engine=engine)
    print(engine, frame.height, "rows", *map(str, frame.dtypes), *frame.tail(2).rows())
PROGRAM
cat seen
diff - seen <<'SEEN'
calamine 1001 rows Int64 Int64 (1000, 1000) (None, 1002)
openpyxl 1002 rows String Int64 ('<5', 1706659200000000) ('n/a', 1002)
SEEN
