"""Lowering of elementwise operations: a map of their name and dtype, after exact simplifications."""

from __future__ import annotations

from typing import Any

import numpy

from backpass.circuit.node import Node
from backpass.engine.plan.builder import GraphBuilder
from backpass.engine.plan.limits import BOOL, DTYPES, FLOAT32, FLOAT64, Unplannable
from backpass.engine.plan.strides import Lengths
from backpass.engine.plan.term import TermKind, View

# These are correctly rounded, so folding gives the same bits on every machine.
_EXACT = ("add", "subtract", "multiply", "divide", "negative", "sqrt", "maximum", "minimum")


def elementwise(builder: GraphBuilder, node: Node, x: list[View], params: dict[str, Any], shape: Lengths) -> View:
    name, dtype = node.operation.name, node.spec.dtype
    working = dtype
    if node.operation.is_comparison:
        working = numpy.result_type(*(a.term.dtype for a in x))
        working = DTYPES[1] if working == BOOL else working  # the core compares no truth values
    conditions = node.operation.own_dtype
    x = [cast(builder, a, BOOL if i in conditions else working) for i, a in enumerate(x)]
    if working not in DTYPES:
        raise Unplannable(f"{name} of dtype {working.name}")
    if (same := _unchanged(name, x, shape)) is not None:
        return same
    if name in _EXACT and dtype == working and all(a.term.kind is TermKind.CONSTANT and a.shape == () for a in x):
        with numpy.errstate(all="ignore"):
            values = [a.term.params["value"] for a in x]
            return builder.constant(numpy.asarray(node.operation.forward(*values), dtype=dtype))
    if name == "power" and (whole := _whole_power(builder, x, dtype, shape)) is not None:
        return whole
    return builder.map(f"{name}.{working.name}", dtype, shape, *x)


def _scalar(view: View) -> float | None:
    """The number that all elements of a view equal, if it is known."""
    return float(view.term.params["value"].reshape(())) if view.term.is_number else None


def _unchanged(name: str, x: list[View], shape: Lengths) -> View | None:
    """The argument that equals x + 0, x - 0, x 1, x / 1 or floor of integers; else None."""
    if name == "floor" and not numpy.issubdtype(x[0].term.dtype, numpy.floating):
        return x[0]
    neutral = {"add": 0.0, "subtract": 0.0, "multiply": 1.0, "divide": 1.0}.get(name)
    if neutral is None:
        return None
    if _scalar(x[1]) == neutral:
        return x[0].stretched(shape)
    return x[1].stretched(shape) if name in ("add", "multiply") and _scalar(x[0]) == neutral else None


def _whole_power(builder: GraphBuilder, x: list[View], dtype: numpy.dtype[Any], shape: Lengths) -> View | None:
    """x^2 and x^-1, computed without a logarithm."""
    exponent = _scalar(x[1])
    if not numpy.issubdtype(dtype, numpy.floating) or exponent not in (1.0, 2.0, -1.0):
        return None
    if exponent == 1.0:
        return x[0].stretched(shape)
    if exponent == 2.0:
        return builder.map(f"multiply.{dtype.name}", dtype, shape, x[0], x[0])
    return builder.map(f"divide.{dtype.name}", dtype, shape, builder.constant(numpy.ones((), dtype)), x[0])


def cast(builder: GraphBuilder, x: View, dtype: numpy.dtype[Any]) -> View:
    """x converted to another dtype."""
    if x.term.dtype == dtype:
        return x
    if x.term.is_number and x.term.dtype != FLOAT64:
        return builder.constant(x.term.params["value"].reshape(()).astype(dtype)).stretched(x.shape)
    return builder.map(f"cast.{x.term.dtype.name}.{dtype.name}", dtype, x.shape, x)


def cast_to_output(builder: GraphBuilder, node: Node, x: list[View], params: dict[str, Any], shape: Lengths) -> View:
    return cast(builder, x[0], node.spec.dtype)


def to_unit(builder: GraphBuilder, node: Node, x: list[View], params: dict[str, Any], shape: Lengths) -> View:
    if node.spec.dtype not in (FLOAT32, FLOAT64) or x[0].term.dtype.name != "uint32":
        raise Unplannable(f"to_unit of {x[0].term.dtype.name} as {node.spec.dtype.name}")
    return builder.map(f"to_unit.{node.spec.dtype.name}", node.spec.dtype, shape, x[0])
