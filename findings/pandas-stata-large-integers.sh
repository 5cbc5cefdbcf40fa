#!/bin/sh
# pandas: to_stata silently writes whole numbers near 2^31 as missing, if the column is int32, uint32 or Int32.
#
# pandas 3.1.1, pyreadstat 1.3.7 (a second reader), numpy 2.4.6, Python 3.11, Linux x86-64.
# Input: columns with 2147483647, the largest int32 (a limit, "unlimited", a saturated counter), and 2147483620, the
# largest number that Stata's type long can hold; the 27 numbers above are its missing values . and .a to .z.
# Expected: double, which holds them, as for int64 columns and, one type smaller, for int8 and int16 (127 becomes int16). The user
# guide: other types are written "by casting to the smallest supported type that can represent the data". Or an error.
# Seen: the numbers are missing in the file, for both readers. No error and no warning.
# In Backpass: nothing writes Stata files.
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

for dtype, numbers in (
    ("int8", [100, 127]),
    ("int16", [32740, 32767]),
    ("int32", [2147483620, 2147483647]),
    ("uint32", [2147483620, 2147483647]),
    ("Int32", [2147483620, 2147483647]),
    ("int64", [2147483620, 2147483647]),
):
    pd.DataFrame({"x": pd.array(numbers, dtype=dtype)}).to_stata("t.dta", write_index=False)
    other, _ = pyreadstat.read_dta("t.dta", output_format="dict")
    print(dtype, *numbers, "| pandas", *pd.read_stata("t.dta")["x"], "| pyreadstat", *other["x"])
PROGRAM
cat seen
diff - seen <<'SEEN'
int8 100 127 | pandas 100 127 | pyreadstat 100 127
int16 32740 32767 | pandas 32740 32767 | pyreadstat 32740 32767
int32 2147483620 2147483647 | pandas 2147483620.0 nan | pyreadstat 2147483620 None
uint32 2147483620 2147483647 | pandas 2147483620.0 nan | pyreadstat 2147483620 None
Int32 2147483620 2147483647 | pandas 2147483620.0 nan | pyreadstat 2147483620 None
int64 2147483620 2147483647 | pandas 2147483620.0 2147483647.0 | pyreadstat 2147483620.0 2147483647.0
SEEN
