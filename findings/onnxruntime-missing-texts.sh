#!/bin/sh
# ONNX Runtime turns None, NaN and pandas.NA in an array of objects into the texts "None", "nan" and "<NA>".
#
# onnxruntime 1.32.0, onnx 1.23.2, numpy 2.4.6, pandas 3.1.1. The input is tensor(string), the graph one Identity.
# Seen: ["red", "None", "nan", "<NA>", ""]. No error and no warning, although none of the three is a text; so a missing
# value meets a category of that name.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"${PYTHON:-python3}" -m venv "$work/venv"
"$work/venv/bin/python" -m pip install --quiet --disable-pip-version-check \
    numpy==2.4.6 onnx==1.23.2 onnxruntime==1.32.0 pandas==3.1.1
"$work/venv/bin/python" -W error - <<'PROGRAM'
import numpy as np
import onnxruntime
import pandas
from onnx import TensorProto, checker, helper

inputs, outputs = ([helper.make_tensor_value_info(name, TensorProto.STRING, ["n", 1])] for name in "xy")
graph = helper.make_graph([helper.make_node("Identity", ["x"], ["y"])], "one node", inputs, outputs)
model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8)
checker.check_model(model, full_check=True)
session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
x = np.array([["red"], [None], [float("nan")], [pandas.NA], [""]], dtype=object)
found = session.run(None, {"x": x})[0].ravel().tolist()
print(found)
assert found == ["red", "None", "nan", "<NA>", ""]
PROGRAM
