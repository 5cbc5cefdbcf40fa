#!/bin/sh
# ONNX Runtime's Cast from double to string keeps 8 digits: the five numbers 123456788 to 123456792 become one text.
#
# onnxruntime 1.32.0, onnx 1.23.2, numpy 2.4.6, Python 3.11, Linux x86-64.
# Input: a graph of one Cast from tensor(double) to tensor(string), as converters write it for categories that are numbers.
# Expected: texts that tell the numbers apart. ONNX says of Cast: "When casting from numeric tensors to string tensors, plain
# floating-point representation (such as "314.15926") would be used." The reference evaluator gives all digits.
# Seen: scientific notation with 8 digits, so ids of more than 8 digits meet each other's category, without a warning.
# In Backpass: exported graphs take categories as strings and cast no numbers to them; onnx_inputs writes all digits
# (docs/how-to/onnx.md).
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

inputs, outputs = (
    [helper.make_tensor_value_info(name, kind, ["n"])]
    for name, kind in (("x", TensorProto.DOUBLE), ("y", TensorProto.STRING))
)
graph = helper.make_graph([helper.make_node("Cast", ["x"], ["y"], to=TensorProto.STRING)], "one node", inputs, outputs)
model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8)
checker.check_model(model, full_check=True)
session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
ids = np.arange(123456788.0, 123456793.0)
print("ONNX Runtime", *session.run(None, {"x": ids})[0])
print("reference", *ReferenceEvaluator(model).run(None, {"x": ids})[0])
PROGRAM
cat seen
diff - seen <<'SEEN'
ONNX Runtime 1.2345679e+08 1.2345679e+08 1.2345679e+08 1.2345679e+08 1.2345679e+08
reference 123456788.0 123456789.0 123456790.0 123456791.0 123456792.0
SEEN
