"""Lowering: turns a circuit with its lengths into terms; names, shapes and slices become views.

It also simplifies: equal terms are shared, constants are folded where that is exact, x 1, x + 0 and the like become x,
operations that move no numbers become views, and log-sum-exp is decomposed. Terms that no output needs are ignored
later.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy

from backpass.circuit import Circuit
from backpass.circuit.circuit import bind_param
from backpass.circuit.operations.reduction import axes_of
from backpass.circuit.spec import bind
from backpass.circuit.traced import Node
from backpass.engine.plan.graph import Graph, View
from backpass.engine.plan.limits import BOOL, DTYPES, FLOAT32, FLOAT64, Unplannable
from backpass.engine.plan.strides import Lengths, merged

NARROW = 8
"""Products with at most this many columns sum over 32 virtual lanes; others sum sequentially."""

_COMPARISONS = ("greater", "greater_equal", "equal")
# These are correctly rounded, so folding gives the same bits on every machine.
_EXACT = ("add", "subtract", "multiply", "divide", "negative", "sqrt", "maximum", "minimum")


def lower(circuit: Circuit, lengths: Mapping[str, int], graph: Graph) -> list[View]:
    """Lower a circuit.

    Returns:
        One view per node of the circuit.

    Raises:
        Unplannable: If a dtype, rank or operation is not supported by the core.
    """
    views: list[View] = []
    for i, node in enumerate(circuit.nodes):
        shape = bind(node.spec.shape, lengths)
        if node.spec.dtype not in DTYPES:
            raise Unplannable(f"{node.operation.name} of dtype {node.spec.dtype.name}")
        graph.label = node.label
        if i < len(circuit.inputs):
            views.append(graph.append("input", circuit.input_names[i], (), shape, node.spec.dtype, {"at": i}).whole)
            continue
        params = {key: bind_param(value, lengths) for key, value in node.params.items()}
        arguments = [views[j] for j in node.inputs]
        name = node.operation.name
        rule = _RULES.get(name, _elementwise if name in _ELEMENTWISE else None)
        if rule is None:
            raise Unplannable(f"no rule for the operation {name!r}")
        view = rule(graph, node, arguments, params, shape)
        assert view.shape == shape, (name, view.shape, shape)
        views.append(view)
    graph.label = ""
    return views


Rule = Callable[[Graph, Node, list[View], dict[str, Any], Lengths], View]

# Elementwise operations ----------------------------------------------------------------------------------------------

_ELEMENTWISE = (
    *(
        "add",
        "subtract",
        "multiply",
        "divide",
        "power",
        "negative",
        "exp",
        "expm1",
        "log",
        "log1p",
        "sqrt",
        "sin",
        "cos",
        "arctan",
        "tanh",
        "floor",
        "remainder",
    ),
    *("sigmoid", "softplus", "erf", "relu", "absolute", "sign", "maximum", "minimum", "logical_not", "where"),
    *_COMPARISONS,
)


def _elementwise(graph: Graph, node: Node, x: list[View], params: dict[str, Any], shape: Lengths) -> View:
    name, dtype = node.operation.name, node.spec.dtype
    if name == "logical_not":
        x = [cast(graph, x[0], BOOL)]
        working = BOOL
    elif name == "where":
        x = [cast(graph, x[0], BOOL), cast(graph, x[1], dtype), cast(graph, x[2], dtype)]
        working = dtype
    else:
        working = numpy.result_type(*(a.term.dtype for a in x)) if name in _COMPARISONS else dtype
        if working == BOOL and name == "equal":
            working = DTYPES[1]
        x = [cast(graph, a, working) for a in x]
    if working not in DTYPES:
        raise Unplannable(f"{name} of dtype {working.name}")
    if (same := _unchanged(name, x, shape)) is not None:
        return same
    if name in _EXACT and dtype == working and all(a.term.kind == "constant" and a.shape == () for a in x):
        with numpy.errstate(all="ignore"):
            values = [a.term.params["value"] for a in x]
            return graph.constant(numpy.asarray(node.operation.forward(*values), dtype=dtype))
    if name == "power" and (whole := _whole_power(graph, x, dtype, shape)) is not None:
        return whole
    return graph.map(f"{name}.{working.name}", dtype, shape, *x)


def _scalar(view: View) -> float | None:
    """The number that all elements of a view equal, if it is known."""
    return (
        float(view.term.params["value"].reshape(())) if view.term.kind == "constant" and view.term.size == 1 else None
    )


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


def _whole_power(graph: Graph, x: list[View], dtype: numpy.dtype[Any], shape: Lengths) -> View | None:
    """x^2 and x^-1, computed without a logarithm."""
    exponent = _scalar(x[1])
    if not numpy.issubdtype(dtype, numpy.floating) or exponent not in (1.0, 2.0, -1.0):
        return None
    if exponent == 1.0:
        return x[0].stretched(shape)
    if exponent == 2.0:
        return graph.map(f"multiply.{dtype.name}", dtype, shape, x[0], x[0])
    return graph.map(f"divide.{dtype.name}", dtype, shape, graph.constant(numpy.ones((), dtype)), x[0])


def cast(graph: Graph, x: View, dtype: numpy.dtype[Any]) -> View:
    """x converted to another dtype."""
    if x.term.dtype == dtype:
        return x
    if x.term.kind == "constant" and x.term.size == 1 and x.term.dtype != FLOAT64:
        return graph.constant(x.term.params["value"].reshape(()).astype(dtype)).stretched(x.shape)
    return graph.map(f"cast.{x.term.dtype.name}.{dtype.name}", dtype, x.shape, x)


def _cast(graph: Graph, node: Node, x: list[View], params: dict[str, Any], shape: Lengths) -> View:
    return cast(graph, x[0], node.spec.dtype)


def _to_unit(graph: Graph, node: Node, x: list[View], params: dict[str, Any], shape: Lengths) -> View:
    if node.spec.dtype not in (FLOAT32, FLOAT64) or x[0].term.dtype.name != "uint32":
        raise Unplannable(f"to_unit of {x[0].term.dtype.name} as {node.spec.dtype.name}")
    return graph.map(f"to_unit.{node.spec.dtype.name}", node.spec.dtype, shape, x[0])


# Views ---------------------------------------------------------------------------------------------------------------


def _same(graph: Graph, node: Node, x: list[View], params: dict[str, Any], shape: Lengths) -> View:
    return x[0]


def _constant(graph: Graph, node: Node, x: list[View], params: dict[str, Any], shape: Lengths) -> View:
    return graph.constant(numpy.ascontiguousarray(node.params["value"]).reshape(shape))


def _reshape(graph: Graph, node: Node, x: list[View], params: dict[str, Any], shape: Lengths) -> View:
    return graph.reshaped(x[0], shape)


def _transpose(graph: Graph, node: Node, x: list[View], params: dict[str, Any], shape: Lengths) -> View:
    return x[0].transposed(params["axes"])


def _broadcast_to(graph: Graph, node: Node, x: list[View], params: dict[str, Any], shape: Lengths) -> View:
    return x[0].stretched(shape)


def _slice(graph: Graph, node: Node, x: list[View], params: dict[str, Any], shape: Lengths) -> View:
    return x[0].sliced(node.params["ranges"])


def _concatenate(graph: Graph, node: Node, x: list[View], params: dict[str, Any], shape: Lengths) -> View:
    axis, start, places = params["axis"], 0, []
    for part in x:
        ranges = [(0, n, 1) for n in shape]
        ranges[axis] = (start, start + part.shape[axis], 1)
        start += part.shape[axis]
        places.append(tuple(ranges))
    parts = [cast(graph, part, node.spec.dtype) for part in x]
    return _assembled(graph, parts, places, shape, node.spec.dtype)


def _assemble(graph: Graph, node: Node, x: list[View], params: dict[str, Any], shape: Lengths) -> View:
    """Pieces that do not overlap share an array; the arrays of overlapping pieces are added."""
    layers: list[tuple[list[View], list[Any]]] = []
    for piece, ranges in zip(x, node.params["ranges"], strict=True):
        place = tuple(r or (0, n, 1) for r, n in zip(ranges, shape, strict=True))
        layer = next((one for one in layers if not any(_touch(place, other) for other in one[1])), None)
        if layer is None:
            layers.append(layer := ([], []))
        layer[0].append(piece)
        layer[1].append(place)
    parts = [_assembled(graph, pieces, places, shape, node.spec.dtype) for pieces, places in layers]
    total = parts[0]
    for part in parts[1:]:
        total = graph.map(f"add.{node.spec.dtype.name}", node.spec.dtype, shape, total, part)
    return total


def _touch(a: tuple[Any, ...], b: tuple[Any, ...]) -> bool:
    return all(p == q or _meet(range(*p), range(*q)) for p, q in zip(a, b, strict=True))


def _meet(p: range, q: range) -> bool:
    short, long = sorted((p, q), key=lambda r: abs(r.stop - r.start))
    return any(i in long for i in short)


def _assembled(graph: Graph, pieces: list[View], places: list[Any], shape: Lengths, dtype: numpy.dtype[Any]) -> View:
    kept = [(piece, place) for piece, place in zip(pieces, places, strict=True) if piece.size]
    covered = sum(piece.size for piece, _ in kept)
    whole = View(graph.constant(numpy.zeros((), dtype)).term, 0, (), ()).stretched(shape)
    if len(kept) == 1 and covered == whole.size and all(step == 1 for _, _, step in kept[0][1]):
        return kept[0][0]
    if covered < whole.size:
        zeros = graph.append("map", f"copy.{dtype.name}", (whole.squeezed(),), whole.squeezed().shape, dtype, {})
        kept.insert(0, (graph.reshaped(zeros.whole, shape), tuple((0, n, 1) for n in shape)))
    term = graph.append(
        "assemble", "assemble", tuple(v for v, _ in kept), shape, dtype,
        {"places": tuple(p for _, p in kept), "has_background": covered < whole.size},
    )  # fmt: skip
    return term.whole


# Products, reductions, lookups ---------------------------------------------------------------------------------------


def _product(graph: Graph, node: Node, x: list[View], params: dict[str, Any], shape: Lengths) -> View:
    dtype = node.spec.dtype
    if dtype not in (FLOAT32, FLOAT64) or len(shape) > 5:
        raise Unplannable(f"a product of {dtype.name} with {len(shape)} axes")
    a, b = (cast(graph, v, dtype) for v in x[:2])
    stack = shape[:-2]
    a = a.stretched((*stack, *a.shape[-2:]))
    b = b.stretched((*stack, *b.shape[-2:]))
    # The core reads float32 factors that are contiguous along one of their last two axes.
    if dtype == FLOAT32 and 1 not in (a.strides[-1], a.strides[-2]):
        a = graph.packed(graph.map("copy.float32", dtype, a.shape, a))
    bias: tuple[View, ...] = ()
    if len(x) == 3:
        row = cast(graph, x[2], dtype)
        bias = (row.stretched((*stack, shape[-1])),)
    is_narrow = shape[-1] <= NARROW and a.shape[-1] > 1 and a.strides[-1] == 1
    return graph.add("product", "product", (a, b, *bias), shape, dtype, is_narrow=is_narrow).whole


def _reduce(graph: Graph, node: Node, x: list[View], params: dict[str, Any], shape: Lengths) -> View:
    return reduced(graph, node.operation.name, cast(graph, x[0], node.spec.dtype), params.get("axis"), shape)


def reduced(graph: Graph, kind: str, x: View, axis: Any, shape: Lengths) -> View:
    """The sum or maximum of x over axes, in the given shape (with or without the reduced axes)."""
    if x.term.dtype.name in ("bool", "uint32"):
        raise Unplannable(f"{kind} of {x.term.dtype.name}")
    gone = axes_of(axis, len(x.shape))
    if all(x.shape[i] == 1 for i in gone):
        return graph.reshaped(x, shape)
    kept = [i for i in range(len(x.shape)) if i not in gone]
    ordered = x.transposed([*kept, *gone])
    split = len(kept)
    # The core iterates over at most three kept and two reduced axes; a packed copy merges axes.
    if _axes(ordered, 0, split) > 3 or _axes(ordered, split, len(x.shape)) > 2:
        ordered = graph.map(f"copy.{x.term.dtype.name}", x.term.dtype, ordered.shape, ordered)
    # A reduction over contiguous elements runs over virtual lanes; others are one chain per element of the result.
    over_row = [strides for _, strides in merged(ordered.shape[split:], (ordered.strides[split:],))] == [(1,)]
    term = graph.add(kind, kind, (ordered,), ordered.shape[:split], x.term.dtype, split=split, over_row=over_row)
    return graph.reshaped(term.whole, shape)


def _axes(x: View, first: int, last: int) -> int:
    return len(merged(x.shape[first:last], (x.strides[first:last],)))


def _logsumexp(graph: Graph, node: Node, x: list[View], params: dict[str, Any], shape: Lengths) -> View:
    """top + ln(sum of e^(x - top)), where top is the largest element, or 0 if that is not finite"""
    dtype, axis = node.spec.dtype, params.get("axis")
    z = cast(graph, x[0], dtype)
    gone = axes_of(axis, len(z.shape))
    kept = tuple(1 if i in gone else n for i, n in enumerate(z.shape))

    def at(name: str, of: Lengths, *arguments: View, to: Any = dtype) -> View:
        return graph.map(f"{name}.{dtype.name}", to, of, *arguments)

    infinity, zero = (graph.constant(numpy.asarray(value, dtype)) for value in (numpy.inf, 0.0))
    largest = reduced(graph, "max", z, axis, kept)
    is_finite = at("greater", kept, infinity, at("absolute", kept, largest), to=BOOL)
    top = at("where", kept, is_finite, largest, zero)
    total = reduced(graph, "sum", at("exp", z.shape, at("subtract", z.shape, z, top)), axis, kept)
    return graph.reshaped(at("add", kept, at("log", kept, total), top), shape)


def _take(graph: Graph, node: Node, x: list[View], params: dict[str, Any], shape: Lengths) -> View:
    source, indices = graph.packed(x[0]), graph.packed(x[1])
    return graph.add("take", "take", (source, indices), shape, node.spec.dtype, axis=params["axis"]).whole


def _scatter_add(graph: Graph, node: Node, x: list[View], params: dict[str, Any], shape: Lengths) -> View:
    if node.spec.dtype == BOOL:
        raise Unplannable("scatter_add of bool")
    source, indices = graph.packed(x[0]), graph.packed(x[1])
    return graph.add("scatter_add", "scatter_add", (source, indices), shape, node.spec.dtype, axis=params["axis"]).whole


def _random_bits(graph: Graph, node: Node, x: list[View], params: dict[str, Any], shape: Lengths) -> View:
    if any(v.term.dtype.name != "uint32" for v in x):
        raise Unplannable("random bits whose key or step is not uint32")
    return graph.add("random_bits", "random_bits", tuple(x), shape, node.spec.dtype, purpose=params["purpose"]).whole


_RULES: dict[str, Rule] = {
    "constant": _constant,
    "identity": _same,
    "stop_gradient": _same,
    "cast": _cast,
    "to_unit": _to_unit,
    "reshape": _reshape,
    "transpose": _transpose,
    "broadcast_to": _broadcast_to,
    "slice_": _slice,
    "assemble": _assemble,
    "concatenate_": _concatenate,
    "matmul_": _product,
    "affine": _product,
    "sum": _reduce,
    "max": _reduce,
    "logsumexp": _logsumexp,
    "take": _take,
    "scatter_add": _scatter_add,
    "random_bits": _random_bits,
}
