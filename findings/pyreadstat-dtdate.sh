#!/bin/sh
# pyreadstat takes SAS's format DTDATE for days: a file with datetimes in that format cannot be read, or its dates are wrong.
#
# pyreadstat 1.3.7, pandas 3.1.1, Python 3.11, Linux x86-64.
# Input: seconds since 1960 in columns with SAS's formats DTDATE9 and DATETIME20, which SAS shows as 18MAY2023 and
# 18MAY2023:03:33:20, and small ones (the afternoon of 1960-01-01) with the same formats.
# Expected: DTDATE is the format that "expects a SAS datetime value as input and writes the SAS date part" (SAS formats,
# DTDATEw.); both columns are the same instants. DATETIME20 is read as that.
# Seen: the seconds are taken for days: an OverflowError for recent datetimes, and 2078-04-11 for small ones.
# In Backpass: src/backpass/table/formats/statistical.py converts the numbers of such columns itself.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"${PYTHON:-python3}" -m venv "$work/venv"
"$work/venv/bin/python" -m pip install --quiet --no-compile --disable-pip-version-check numpy==2.4.6 pandas==3.1.1 \
    pyreadstat==1.3.7
cd "$work"
"$work/venv/bin/python" -W error - <<'PROGRAM' >seen
import pandas as pd
import pyreadstat

for seconds in (2_000_000_000.0, 43_200.0):
    for form in ("DATETIME20.", "DTDATE9."):
        pyreadstat.write_xport(pd.DataFrame({"at": [seconds]}), "t.xpt", variable_format={"at": form})
        try:
            columns, _ = pyreadstat.read_xport("t.xpt", output_format="dict")
            print(form, columns["at"][0])
        except OverflowError as error:
            print(form, error)
PROGRAM
cat seen
diff - seen <<'SEEN'
DATETIME20. 2023-05-18 03:33:20
DTDATE9. days=2000000000; must have magnitude <= 999999999
DATETIME20. 1960-01-01 12:00:00
DTDATE9. 2078-04-11
SEEN
