#!/bin/sh
# OpenVINO narrows int64 to int32, and divides int32 in float32, without a word.
#
# openvino 2026.4.1 (CPU plugin, Linux x86-64), beside the reference evaluator of onnx 1.23.2.
# ONNX: Identity, Add and Div on tensor(int64), and Div on tensor(int32), are exact.
# Seen, for valid graphs of one node each:
#   int64 identity  1700000000000000 ->  404635648 (the low 32 bits); reference 1700000000000000
#   int64 / 1000    1700000000000000 ->     404635; reference 1700000000000
#   int32 / 7       1073741824       ->  153391696; reference 153391689
#   float64 + 1     16777217.0       -> 16777216.0; reference 16777218.0
# Found out: whole numbers of more than 2^24 do not survive arithmetic there, of whatever type they are.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"${PYTHON:-python3}" -m venv "$work/venv"
"$work/venv/bin/python" -m pip install --quiet --disable-pip-version-check numpy==2.4.6 onnx==1.23.2 openvino==2026.4.1
"$work/venv/bin/python" - <<'PROGRAM'
import numpy as np
import onnx
import openvino
from onnx import helper
from onnx.reference import ReferenceEvaluator

CASES = [
    ("Identity", np.int64, 1_700_000_000_000_000, None, 404_635_648),
    ("Div", np.int64, 1_700_000_000_000_000, 1_000, 404_635),
    ("Div", np.int32, 1_073_741_824, 7, 153_391_696),
    ("Add", np.float64, 16_777_217.0, 1.0, 16_777_216.0),
]
for operator, dtype, value, other, seen in CASES:
    kind = helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
    constants = [] if other is None else [onnx.numpy_helper.from_array(np.array(other, dtype), "c")]
    node = helper.make_node(operator, ["x", *(constant.name for constant in constants)], ["y"])
    inputs, outputs = ([helper.make_tensor_value_info(name, kind, ["n", 1])] for name in "xy")
    graph = helper.make_graph([node], "one node", inputs, outputs, constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8)
    onnx.checker.check_model(model, full_check=True)
    x = np.array([[value]], dtype)
    (reference,) = ReferenceEvaluator(model).run(None, {"x": x})
    core = openvino.Core()
    compiled = core.compile_model(core.read_model(model.SerializeToString()), "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    found = compiled([x])[0]
    print(operator, np.dtype(dtype).name, "OpenVINO", found.item(), "reference", reference.item())
    assert found.item() == seen != reference.item()
PROGRAM
