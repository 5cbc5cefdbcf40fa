#!/bin/sh
# liac-arff cuts the fractions off the numbers of an "integer" attribute: 2.75 is read as 2.
#
# liac-arff 2.5.0, scipy 1.17.1, numpy 2.4.6, Python 3.11, Linux x86-64.
# Input: an ARFF file with one attribute of each numeric type, and the same numbers in each. Files with an "integer" attribute and
# fractions exist, because Weka and its writers make no difference.
# Expected: the numbers of the file. The definition of the format (Weka's manual, "The ARFF Header Section"): "integer is
# treated as numeric", "real is treated as numeric". scipy.io.arff reads all three alike.
# Seen: 2.75 becomes 2 and -0.5 becomes 0, without an error or a warning, although int("2.75") of Python is an error.
# In Backpass: ARFF is read by Backpass, where the three are the same (src/backpass/table/formats/arff.py).
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"${PYTHON:-python3}" -m venv "$work/venv"
"$work/venv/bin/python" -m pip install --quiet --no-compile --disable-pip-version-check \
    numpy==2.4.6 scipy==1.17.1 liac-arff==2.5.0
cd "$work"
"$work/venv/bin/python" -W error - <<'PROGRAM' >seen
import io

import arff
import scipy.io.arff

numbers = ("2.75", "-0.5", "12")
text = "@relation r\n@attribute i integer\n@attribute r real\n@attribute n numeric\n@data\n"
text += "".join(f"{number},{number},{number}\n" for number in numbers)
read = arff.loads(text)["data"]
other, _ = scipy.io.arff.loadarff(io.StringIO(text))
for row, number in enumerate(numbers):
    print(number, "| liac-arff", *read[row], "| scipy", *(each.item() for each in other[row]))
PROGRAM
cat seen
diff - seen <<'SEEN'
2.75 | liac-arff 2 2.75 2.75 | scipy 2.75 2.75 2.75
-0.5 | liac-arff 0 -0.5 -0.5 | scipy -0.5 -0.5 -0.5
12 | liac-arff 12 12.0 12.0 | scipy 12.0 12.0 12.0
SEEN
