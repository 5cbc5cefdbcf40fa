"""Table of ONNX forms: how each operation of a circuit is written in ONNX operators.

A form takes a ``Writer``, the node and its arguments, writes nodes, and returns the result. The operators are chosen
such that ONNX Runtime supports them in float32 and float64, and that small results keep their digits.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from backpass.engine.onnx import elementwise, products, shaping
from backpass.engine.onnx.writer import Form

FORMS: Mapping[str, Form] = MappingProxyType(
    {
        "absolute": elementwise.in_output_dtype("Abs"),
        "add": elementwise.in_output_dtype("Add"),
        "affine": products.affine,
        "arctan": elementwise.composed(elementwise.arctan),
        "assemble": shaping.assemble,
        "broadcast_to": shaping.broadcast_to,
        "cast": shaping.cast,
        "concatenate_": shaping.concatenate,
        "cos": elementwise.composed(elementwise.cos),
        "divide": elementwise.in_output_dtype("Div"),
        "equal": elementwise.comparison("Equal"),
        "erf": elementwise.composed(elementwise.erf),
        "exp": elementwise.in_output_dtype("Exp"),
        "expm1": elementwise.composed(elementwise.expm1),
        "floor": elementwise.floor,
        "greater": elementwise.comparison("Greater"),
        "greater_equal": elementwise.comparison("GreaterOrEqual"),
        "identity": shaping.same,
        "log": elementwise.in_output_dtype("Log"),
        "log1p": elementwise.composed(elementwise.log1p),
        "logical_not": elementwise.logical_not,
        "logsumexp": products.logsumexp,
        "matmul_": products.matmul,
        "max": products.largest,
        "maximum": elementwise.in_output_dtype("Max"),
        "minimum": elementwise.in_output_dtype("Min"),
        "multiply": elementwise.in_output_dtype("Mul"),
        "negative": elementwise.in_output_dtype("Neg"),
        "power": elementwise.in_output_dtype("Pow"),
        "relu": elementwise.in_output_dtype("Relu"),
        "remainder": elementwise.remainder,
        "reshape": shaping.reshape,
        "scatter_add": products.scatter_add,
        "sigmoid": elementwise.composed(elementwise.sigmoid),
        "sign": elementwise.in_output_dtype("Sign"),
        "sin": elementwise.in_output_dtype("Sin"),
        "slice_": shaping.slice_,
        "softplus": elementwise.composed(elementwise.softplus),
        "sqrt": elementwise.in_output_dtype("Sqrt"),
        "stop_gradient": shaping.same,
        "subtract": elementwise.in_output_dtype("Sub"),
        "sum": products.total,
        "take": products.take,
        "tanh": elementwise.in_output_dtype("Tanh"),
        "to_unit": elementwise.to_unit,
        "transpose": shaping.transpose,
        "where": elementwise.where,
    }
)
"""The form of every operation that has one."""

WITHOUT_FORM: Mapping[str, str] = MappingProxyType(
    {
        "argument": "it is an input of the graph",
        "constant": "it is a constant of the graph",
        "random_bits": "it needs integer arithmetic modulo 2^32 and 2^64, which ONNX does not guarantee",
    }
)
"""Operations without a form, and why."""
