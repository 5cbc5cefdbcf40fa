#!/bin/sh
# LightGBM rounds the whole numbers of a NumPy array to float32: seconds since 1970 become steps of 128 seconds.
#
# lightgbm 4.7.0, numpy 2.4.6, pandas 3.1.1, pyarrow 26.0.1, Python 3.11, Linux x86-64.
# Input: one column of 2,000 successive int64 seconds since 1970 (or ids, or cents), and a target that changes every 100 seconds.
# Expected: the same model from an int64 array, from the same numbers as float64, and from a data frame or an Arrow table with
# an int64 column. The documentation lists them as equals, and LightGBM's features are float64.
# Seen: the array of whole numbers, and only it, becomes float32: 17 different values are left of 2,000, without a warning. A
# model of a data frame predicts other values for the same numbers in an int64 array.
# In Backpass: whole numbers of all inputs are float64, which is exact up to 2^53.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"${PYTHON:-python3}" -m venv "$work/venv"
"$work/venv/bin/python" -m pip install --quiet --no-compile --disable-pip-version-check \
    numpy==2.4.6 scipy==1.17.1 pandas==3.1.1 pyarrow==26.0.1 lightgbm==4.7.0
cd "$work"
"$work/venv/bin/python" -W error - <<'PROGRAM' >seen
import lightgbm
import numpy as np
import pandas as pd
import pyarrow as pa

seconds = 1_700_000_000 + np.arange(2_000)
y = (np.arange(2_000) // 100 % 2).astype(float)
options = {"objective": "regression", "verbose": -1, "num_threads": 1, "min_data_in_leaf": 5}
inputs = {
    "int64 array": seconds[:, None],
    "float64 array": seconds[:, None].astype(float),
    "data frame": pd.DataFrame({"seconds": seconds}),
    "Arrow table": pa.table({"seconds": seconds}),
}
for name, X in inputs.items():
    booster = lightgbm.train(options, lightgbm.Dataset(X, y), 300)
    print(name, "rmse", round(float(np.sqrt(np.mean((booster.predict(X) - y) ** 2))), 1))
print("the last model on the int64 array", round(float(np.sqrt(np.mean((booster.predict(seconds[:, None]) - y) ** 2))), 1))
PROGRAM
cat seen
diff - seen <<'SEEN'
int64 array rmse 0.4
float64 array rmse 0.1
data frame rmse 0.1
Arrow table rmse 0.1
the last model on the int64 array 0.5
SEEN
