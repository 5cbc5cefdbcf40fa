"""Operations: the building blocks of circuits, and the functions composed of them.

Operations are declared with ``@operation`` or ``@elementwise``: a NumPy function, a shape rule and one pullback per
argument. ``functions``, ``statistics``, ``arrangement``, ``diagonals``, ``indexing`` and ``contraction`` compose other
NumPy functions of them, and ``numpy_names`` maps NumPy's names to all of these. All of them accept NumPy arrays and
traced values.
"""

from backpass.circuit.operations import numpy_names as _numpy_names  # noqa: F401  imported because it fills a table
from backpass.circuit.operations.arrangement import concatenate, stack
from backpass.circuit.operations.contraction import dot, einsum, matmul
from backpass.circuit.operations.elementwise import (
    absolute,
    add,
    arctan,
    cos,
    divide,
    equal,
    erf,
    exp,
    floor,
    greater,
    greater_equal,
    log,
    log1p,
    logical_not,
    maximum,
    minimum,
    multiply,
    negative,
    power,
    relu,
    remainder,
    sigmoid,
    sign,
    sin,
    softplus,
    sqrt,
    subtract,
    tanh,
    where,
)
from backpass.circuit.operations.functions import (
    clip,
    expm1,
    isnan,
    less,
    less_equal,
    not_equal,
    one_hot,
    reciprocal,
    square,
)
from backpass.circuit.operations.lookup import scatter_add, take
from backpass.circuit.operations.product import affine
from backpass.circuit.operations.random import random_bits, to_unit
from backpass.circuit.operations.reduction import logsumexp, max, sum
from backpass.circuit.operations.shaping import broadcast_to, cast, reshape, stop_gradient, transpose
from backpass.circuit.operations.statistics import mean, norm, softmax

__all__ = [
    "absolute",
    "add",
    "affine",
    "arctan",
    "broadcast_to",
    "cast",
    "clip",
    "concatenate",
    "cos",
    "divide",
    "dot",
    "einsum",
    "equal",
    "erf",
    "exp",
    "expm1",
    "floor",
    "greater",
    "greater_equal",
    "isnan",
    "less",
    "less_equal",
    "log",
    "log1p",
    "logical_not",
    "logsumexp",
    "matmul",
    "max",
    "maximum",
    "mean",
    "minimum",
    "multiply",
    "negative",
    "norm",
    "not_equal",
    "one_hot",
    "power",
    "random_bits",
    "reciprocal",
    "relu",
    "remainder",
    "reshape",
    "scatter_add",
    "sigmoid",
    "sign",
    "sin",
    "softmax",
    "softplus",
    "sqrt",
    "square",
    "stack",
    "stop_gradient",
    "subtract",
    "sum",
    "take",
    "tanh",
    "to_unit",
    "transpose",
    "where",
]
