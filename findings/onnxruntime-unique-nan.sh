#!/bin/sh
# ONNX Runtime's Unique takes NaN and numbers for the same value: of NaN, 1, 2 it returns NaN alone, with the count 3.
#
# onnxruntime 1.32.0, onnx 1.23.2, numpy 2.4.6, Python 3.11, Linux x86-64.
# Input: a graph of one Unique on tensor(double), with a NaN in the input; the order of the values decides what comes out.
# Expected: 1, 2 and NaN in any order, with the counts 1, 1, 1. ONNX says that the first output "contains all unique values", and
# refers to numpy.unique, which gives 1, 2, NaN, as the reference evaluator does.
# Seen: [NaN] with the count 3, or [1, 2] with the counts 2, 1, where NaN counts as 1. The third output, which maps the input to the
# unique values, replaces numbers by NaN or NaN by a number. No warning.
# In Backpass: exported graphs have no Unique.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"${PYTHON:-python3}" -m venv "$work/venv"
"$work/venv/bin/python" -m pip install --quiet --no-compile --disable-pip-version-check \
    numpy==2.4.6 onnx==1.23.2 onnxruntime==1.32.0
cd "$work"
"$work/venv/bin/python" -W error - <<'PROGRAM' >seen
import numpy as np
import onnxruntime
from onnx import TensorProto, checker, helper
from onnx.reference import ReferenceEvaluator

x = [helper.make_tensor_value_info("x", TensorProto.DOUBLE, ["n"])]
types = {"values": TensorProto.DOUBLE, "first": TensorProto.INT64, "inverse": TensorProto.INT64, "counts": TensorProto.INT64}
outputs = [helper.make_tensor_value_info(name, kind, ["k"]) for name, kind in types.items()]
graph = helper.make_graph([helper.make_node("Unique", ["x"], [*types])], "one node", x, outputs)
model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8)
checker.check_model(model, full_check=True)
session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
reference = ReferenceEvaluator(model)
for given in ([np.nan, 1.0, 2.0], [1.0, np.nan, 2.0], [3.0, np.nan, 1.0, 3.0]):
    for name, runtime in (("ONNX Runtime", session), ("reference", reference)):
        values, _, inverse, counts = runtime.run(None, {"x": np.array(given)})
        print(given, name, values.tolist(), counts.tolist(), "mapped:", values[inverse].tolist())
PROGRAM
cat seen
diff - seen <<'SEEN'
[nan, 1.0, 2.0] ONNX Runtime [nan] [3] mapped: [nan, nan, nan]
[nan, 1.0, 2.0] reference [1.0, 2.0, nan] [1, 1, 1] mapped: [nan, 1.0, 2.0]
[1.0, nan, 2.0] ONNX Runtime [1.0, 2.0] [2, 1] mapped: [1.0, 1.0, 2.0]
[1.0, nan, 2.0] reference [1.0, 2.0, nan] [1, 1, 1] mapped: [1.0, nan, 2.0]
[3.0, nan, 1.0, 3.0] ONNX Runtime [1.0, 3.0] [1, 3] mapped: [3.0, 3.0, 1.0, 3.0]
[3.0, nan, 1.0, 3.0] reference [1.0, 3.0, nan] [1, 2, 1] mapped: [3.0, nan, 1.0, 3.0]
SEEN
