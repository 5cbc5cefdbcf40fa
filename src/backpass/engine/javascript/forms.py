"""Table of JavaScript forms: how each operation of a circuit is written on typed arrays.

A form takes a ``Writer``, the node and its arguments, writes statements, and returns the result. A result in float32 is
rounded by ``Math.fround``, as the engine rounds it; sums and products of matrices are rounded once, at their end.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from backpass.engine.javascript import elementwise, movement, totals
from backpass.engine.javascript.writer import Form

FORMS: Mapping[str, Form] = MappingProxyType(
    {
        "absolute": elementwise.expression("abs($0)"),
        "add": elementwise.expression("$0+$1"),
        "affine": totals.product,
        "arctan": elementwise.expression("atan($0)"),
        "assemble": movement.assemble,
        "broadcast_to": movement.broadcast_to,
        "cast": elementwise.cast,
        "concatenate_": movement.concatenate,
        "constant": movement.constant,
        "cos": elementwise.expression("cos($0)"),
        "divide": elementwise.expression("$0/$1"),
        "equal": elementwise.condition("$0==$1"),
        "erf": elementwise.calling("erf"),
        "exp": elementwise.expression("exp($0)"),
        "expm1": elementwise.expression("expm1($0)"),
        "floor": elementwise.expression("floor($0)"),
        "greater": elementwise.condition("$0>$1"),
        "greater_equal": elementwise.condition("$0>=$1"),
        "identity": movement.same,
        "log": elementwise.expression("log($0)"),
        "log1p": elementwise.expression("log1p($0)"),
        "logical_not": elementwise.logical_not,
        "logsumexp": totals.logsumexp,
        "matmul_": totals.product,
        "max": totals.largest,
        "maximum": elementwise.expression("max($0,$1)"),
        "minimum": elementwise.expression("min($0,$1)"),
        "multiply": elementwise.product,
        "negative": elementwise.expression("-$0"),
        "power": elementwise.calling("power"),
        "random_bits": movement.random_bits,
        "relu": elementwise.calling("relu"),
        "remainder": elementwise.calling("remainder"),
        "reshape": movement.reshape,
        "scatter_add": movement.scatter_add,
        "sigmoid": elementwise.calling("sigmoid"),
        "sign": elementwise.expression("sign($0)"),
        "sin": elementwise.expression("sin($0)"),
        "slice_": movement.slice_,
        "softplus": elementwise.calling("softplus"),
        "sqrt": elementwise.expression("sqrt($0)"),
        "stop_gradient": movement.same,
        "subtract": elementwise.expression("$0-$1"),
        "sum": totals.total,
        "take": movement.take,
        "tanh": elementwise.expression("tanh($0)"),
        "to_unit": movement.to_unit,
        "transpose": movement.transpose,
        "where": elementwise.where,
    }
)
"""The form of every operation that has one."""

WITHOUT_FORM: Mapping[str, str] = MappingProxyType({"argument": "it is an input of the function"})
"""Operations without a form, and why."""
