"""Lowering of products, reductions, lookups by index and random bits."""

from __future__ import annotations

from typing import Any

import numpy

from backpass.circuit.node import Node
from backpass.circuit.operations.reduction import axes_of
from backpass.engine.plan.builder import GraphBuilder
from backpass.engine.plan.limits import BOOL, FLOAT32, FLOAT64, Unplannable
from backpass.engine.plan.lowering.elementwise import cast
from backpass.engine.plan.strides import Lengths, merged
from backpass.engine.plan.term import TermKind, View

NARROW = 8
"""Products with at most this many columns sum over 32 virtual lanes; others sum sequentially."""


def product(builder: GraphBuilder, node: Node, x: list[View], params: dict[str, Any], shape: Lengths) -> View:
    dtype = node.spec.dtype
    if dtype not in (FLOAT32, FLOAT64) or len(shape) > 5:
        raise Unplannable(f"a product of {dtype.name} with {len(shape)} axes")
    a, b = (cast(builder, v, dtype) for v in x[:2])
    stack = shape[:-2]
    a = a.stretched((*stack, *a.shape[-2:]))
    b = b.stretched((*stack, *b.shape[-2:]))
    # The core reads float32 factors that are contiguous along one of their last two axes.
    if dtype == FLOAT32 and 1 not in (a.strides[-1], a.strides[-2]):
        a = builder.packed(builder.map("copy.float32", dtype, a.shape, a))
    bias: tuple[View, ...] = ()
    if len(x) == 3:
        row = cast(builder, x[2], dtype)
        bias = (row.stretched((*stack, shape[-1])),)
    is_narrow = shape[-1] <= NARROW and a.shape[-1] > 1 and a.strides[-1] == 1
    return builder.add(TermKind.PRODUCT, "product", (a, b, *bias), shape, dtype, is_narrow=is_narrow).whole


def reduce(builder: GraphBuilder, node: Node, x: list[View], params: dict[str, Any], shape: Lengths) -> View:
    return reduced(
        builder, TermKind(node.operation.name), cast(builder, x[0], node.spec.dtype), params.get("axis"), shape
    )


def reduced(builder: GraphBuilder, kind: TermKind, x: View, axis: Any, shape: Lengths) -> View:
    """The sum or maximum of x over axes, in the given shape (with or without the reduced axes)."""
    if x.term.dtype.name in ("bool", "uint32"):
        raise Unplannable(f"{kind.value} of {x.term.dtype.name}")
    gone = axes_of(axis, len(x.shape))
    if all(x.shape[i] == 1 for i in gone):
        return builder.reshaped(x, shape)
    kept = [i for i in range(len(x.shape)) if i not in gone]
    ordered = x.transposed([*kept, *gone])
    split = len(kept)
    # The core iterates over at most three kept and two reduced axes; a packed copy merges axes.
    if _axes(ordered, 0, split) > 3 or _axes(ordered, split, len(x.shape)) > 2:
        ordered = builder.map(f"copy.{x.term.dtype.name}", x.term.dtype, ordered.shape, ordered)
    # A reduction over contiguous elements runs over virtual lanes; others are one chain per element of the result.
    over_row = [strides for _, strides in merged(ordered.shape[split:], (ordered.strides[split:],))] == [(1,)]
    term = builder.add(
        kind, kind.value, (ordered,), ordered.shape[:split], x.term.dtype, split=split, over_row=over_row
    )
    return builder.reshaped(term.whole, shape)


def _axes(x: View, first: int, last: int) -> int:
    return len(merged(x.shape[first:last], (x.strides[first:last],)))


def logsumexp(builder: GraphBuilder, node: Node, x: list[View], params: dict[str, Any], shape: Lengths) -> View:
    """top + ln(sum of e^(x - top)), where top is the largest element, or 0 if that is not finite"""
    dtype, axis = node.spec.dtype, params.get("axis")
    z = cast(builder, x[0], dtype)
    gone = axes_of(axis, len(z.shape))
    kept = tuple(1 if i in gone else n for i, n in enumerate(z.shape))

    def at(name: str, of: Lengths, *arguments: View, to: Any = dtype) -> View:
        return builder.map(f"{name}.{dtype.name}", to, of, *arguments)

    infinity, zero = (builder.constant(numpy.asarray(value, dtype)) for value in (numpy.inf, 0.0))
    largest = reduced(builder, TermKind.MAX, z, axis, kept)
    is_finite = at("greater", kept, infinity, at("absolute", kept, largest), to=BOOL)
    top = at("where", kept, is_finite, largest, zero)
    total = reduced(builder, TermKind.SUM, at("exp", z.shape, at("subtract", z.shape, z, top)), axis, kept)
    return builder.reshaped(at("add", kept, at("log", kept, total), top), shape)


def take(builder: GraphBuilder, node: Node, x: list[View], params: dict[str, Any], shape: Lengths) -> View:
    source, indices = builder.packed(x[0]), builder.packed(x[1])
    return builder.add(TermKind.TAKE, "take", (source, indices), shape, node.spec.dtype, axis=params["axis"]).whole


def scatter_add(builder: GraphBuilder, node: Node, x: list[View], params: dict[str, Any], shape: Lengths) -> View:
    if node.spec.dtype == BOOL:
        raise Unplannable("scatter_add of bool")
    source, indices = builder.packed(x[0]), builder.packed(x[1])
    return builder.add(
        TermKind.SCATTER_ADD, "scatter_add", (source, indices), shape, node.spec.dtype, axis=params["axis"]
    ).whole


def random_bits(builder: GraphBuilder, node: Node, x: list[View], params: dict[str, Any], shape: Lengths) -> View:
    if any(v.term.dtype.name != "uint32" for v in x):
        raise Unplannable("random bits whose key or step is not uint32")
    return builder.add(
        TermKind.RANDOM_BITS, "random_bits", tuple(x), shape, node.spec.dtype, purpose=params["purpose"]
    ).whole
