#!/bin/sh
# ONNX Runtime's ReduceMax and ReduceMin: the largest of NaN, 1 is NaN, and the largest of 1, NaN is 1.
#
# onnxruntime 1.32.0, onnx 1.23.2, numpy 2.4.6, Python 3.11, Linux x86-64; issue 10514 of ONNX Runtime, open since 2022.
# Input: a graph of one ReduceMax, ReduceMin or ArgMax along the second axis of a tensor(double) with one NaN per row.
# Expected: one answer for every order of the same numbers. ONNX says of ReduceMax: "similar to numpy", which gives NaN, as do the
# reference evaluator and PyTorch.
# Seen: NaN counts if it is the first number, and is left out elsewhere; along the first axis, too. So one broken value in a row gives
# NaN or passes unseen, by the order of the columns. ArgMax finds NaN in the first place, too, and otherwise leaves it out.
# In Backpass: src/backpass/engine/onnx/products.py exports a maximum with IsNaN.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"${PYTHON:-python3}" -m venv "$work/venv"
"$work/venv/bin/python" -m pip install --quiet --no-compile --disable-pip-version-check \
    numpy==2.4.6 onnx==1.23.2 onnxruntime==1.32.0
cd "$work"
"$work/venv/bin/python" -W error - <<'PROGRAM' >seen
import math

import numpy as np
import onnxruntime
from onnx import TensorProto, checker, helper, numpy_helper
from onnx.reference import ReferenceEvaluator

x = np.array([[math.nan, 1.0, 2.0], [1.0, math.nan, 2.0], [1.0, 2.0, math.nan]])
for operator in ("ReduceMax", "ReduceMin", "ArgMax"):
    is_place = operator == "ArgMax"
    given = helper.make_tensor_value_info("x", TensorProto.DOUBLE, ["n", "d"])
    found = helper.make_tensor_value_info("y", TensorProto.INT64 if is_place else TensorProto.DOUBLE, ["n"])
    if is_place:
        node, constants = helper.make_node(operator, ["x"], ["y"], axis=1, keepdims=0), []
    else:
        node, constants = helper.make_node(operator, ["x", "axes"], ["y"], keepdims=0), [numpy_helper.from_array(np.array([1]), "axes")]
    graph = helper.make_graph([node], "one node", [given], [found], constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8)
    checker.check_model(model, full_check=True)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    for name, runtime in (("ONNX Runtime", session), ("reference", ReferenceEvaluator(model))):
        print(operator, name, runtime.run(None, {"x": x})[0].tolist())
PROGRAM
cat seen
diff - seen <<'SEEN'
ReduceMax ONNX Runtime [nan, nan, 2.0]
ReduceMax reference [nan, nan, nan]
ReduceMin ONNX Runtime [nan, nan, 1.0]
ReduceMin reference [nan, nan, nan]
ArgMax ONNX Runtime [0, 2, 1]
ArgMax reference [0, 1, 2]
SEEN
