#!/bin/sh
# ONNX Runtime adds and multiplies whole numbers as doubles: the sum of the single int64 9007199254740993 is 9007199254740992.
#
# onnxruntime 1.32.0, onnx 1.23.2, numpy 2.4.6, Python 3.11, Linux x86-64. Versions 1.20 to 1.26 are exact; 1.28 and later are not.
# Input: valid graphs of one node on tensor(int64): ReduceSum and ReduceProd along the second axis, and MatMul with a column of ones.
# Expected: the exact sum, which fits in int64. ONNX says of ReduceSum: "similar to numpy", and numpy.sum is exact, as are the
# reference evaluator and ONNX Runtime's own MatMul, CumSum, Add and ReduceMax.
# Seen: a sum of more than 2^53 is rounded to an even number, even if only one number is "added" or the others are 0. So
# totals of microseconds since 1970, of hashes or of cents lose their last digits, without a warning.
# In Backpass: src/backpass/engine/onnx/products.py sums the upper and the lower 32 bits of int64 on their own.
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
from onnx import TensorProto, checker, helper, numpy_helper
from onnx.reference import ReferenceEvaluator


def model(operator, second, **attributes):
    x = helper.make_tensor_value_info("x", TensorProto.INT64, ["n", "d"])
    y = helper.make_tensor_value_info("y", TensorProto.INT64, ["n", 1])
    node = helper.make_node(operator, ["x", "second"], ["y"], **attributes)
    graph = helper.make_graph([node], "one node", [x], [y], [numpy_helper.from_array(second, "second")])
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8)
    checker.check_model(made, full_check=True)
    return made


axis = np.array([1])
for numbers in ([2**53 + 1], [2**53 + 1, 0, 0], [1_700_000_000_000_001, *[1_700_000_000_000_000] * 9]):
    print(*numbers[:3], *(["..."] if len(numbers) > 3 else []))
    for name, made in (
        ("ReduceSum", model("ReduceSum", axis)),
        ("MatMul with ones", model("MatMul", np.ones((len(numbers), 1), np.int64))),
        *([("ReduceProd", model("ReduceProd", axis))] if len(numbers) == 1 else []),
    ):
        session = onnxruntime.InferenceSession(made.SerializeToString(), providers=["CPUExecutionProvider"])
        x = np.array([numbers])
        found = [each.run(None, {"x": x})[0].item() for each in (session, ReferenceEvaluator(made))]
        print(" ", name, "ONNX Runtime", found[0], "reference", found[1])
PROGRAM
cat seen
diff - seen <<'SEEN'
9007199254740993
  ReduceSum ONNX Runtime 9007199254740992 reference 9007199254740993
  MatMul with ones ONNX Runtime 9007199254740993 reference 9007199254740993
  ReduceProd ONNX Runtime 9007199254740992 reference 9007199254740993
9007199254740993 0 0
  ReduceSum ONNX Runtime 9007199254740992 reference 9007199254740993
  MatMul with ones ONNX Runtime 9007199254740993 reference 9007199254740993
1700000000000001 1700000000000000 1700000000000000 ...
  ReduceSum ONNX Runtime 17000000000000000 reference 17000000000000001
  MatMul with ones ONNX Runtime 17000000000000001 reference 17000000000000001
SEEN
