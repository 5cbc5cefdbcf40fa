#!/bin/sh
# pyreadstat reads a duration of 30 hours as the time 06:00: the days of SPSS's and SAS's time formats are dropped.
#
# pyreadstat 1.3.7, pandas 3.1.1, Python 3.11, Linux x86-64.
# Input: seconds in columns with SPSS's format DTIME ("days hours:minutes") and TIME, and with TIME of SAS, which SPSS and
# SAS show as 1 06:00:00 and 30:00:00. The values in the file are right (disable_datetime_conversion=True reads them).
# Expected: SPSS and SAS define these formats for time intervals of any length and sign. The description of pyreadstat says
# that columns convertible to Python's date, datetime and time are converted; 108000 seconds are no time.
# Seen: 06:00 for 30 hours, 23:00 for minus 1 hour, as datetime.time, without a warning. A mean of them is wrong.
# In Backpass: src/backpass/table/formats/statistical.py reads such columns a second time, as seconds.
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

hours = pd.DataFrame({"a": [2.0, 30.0, -1.0], "b": [2.0, 30.0, -1.0]})
pyreadstat.write_sav(hours * 3600, "t.sav", variable_format={"a": "DTIME11", "b": "TIME8"})
pyreadstat.write_xport(hours[["a"]] * 3600, "t.xpt", variable_format={"a": "TIME8."})
for read, file in ((pyreadstat.read_sav, "t.sav"), (pyreadstat.read_xport, "t.xpt")):
    for options in ({}, {"disable_datetime_conversion": True}):
        columns, about = read(file, output_format="dict", **options)
        for name, values in columns.items():
            print(file, about.original_variable_types[name], *values)
PROGRAM
cat seen
diff - seen <<'SEEN'
t.sav DTIME11 02:00:00 06:00:00 23:00:00
t.sav TIME8 02:00:00 06:00:00 23:00:00
t.sav DTIME11 7200.0 108000.0 -3600.0
t.sav TIME8 7200.0 108000.0 -3600.0
t.xpt TIME8 02:00:00 06:00:00 23:00:00
t.xpt TIME8 7200.0 108000.0 -3600.0
SEEN
