"""Checks of operations: the shapes and dtypes of their arguments agree with what they compute."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from backpass.engine.plan.graph import Graph
from backpass.engine.plan.limits import FLOAT32, FLOAT64
from backpass.engine.plan.strides import Lengths
from backpass.engine.plan.term import Term, TermKind


def operation_problems(graph: Graph) -> Iterator[str]:
    for term in graph.terms:
        expected = _SHAPES[term.kind](term)
        found = [view.shape for view in term.arguments]
        if expected is not None and found != expected:
            yield f"{term} reads shapes {found}; expected {expected}"
        dtypes = _dtypes(term)
        found_dtypes = [view.term.dtype.name for view in term.arguments]
        if dtypes is not None and found_dtypes != dtypes:
            yield f"{term} reads dtypes {found_dtypes}; expected {dtypes}"


def _of_map(term: Term) -> list[Lengths] | None:
    return [term.shape] * len(term.arguments) if 1 not in term.shape else [(-1,)]


def _of_product(term: Term) -> list[Lengths] | None:
    (*stack, m, n), (a, b, *bias) = term.shape, term.arguments
    if a.term.kind is TermKind.PACK:
        words = [(-(-n // v.term.params["panel"]) * v.term.params["panel"] * -(-v.term.params["k"] // 2),)
                 for v, n in ((a, m), (b, n))]  # fmt: skip
        return [*words, *[(*stack, n) for _ in bias]]
    k = a.shape[-1]
    return [(*stack, m, k), (*stack, k, n), *[(*stack, n) for _ in bias]]


def _of_reduction(term: Term) -> list[Lengths] | None:
    x = term.arguments[0].shape
    return [(*term.shape, *x[term.params["split"] :])]


def _of_take(term: Term) -> list[Lengths] | None:
    (x, indices), axis = term.arguments, term.params["axis"]
    after = term.shape[axis + len(indices.shape) :]
    return [(*term.shape[:axis], x.shape[axis], *after), term.shape[axis : axis + len(indices.shape)]]


def _of_scatter(term: Term) -> list[Lengths] | None:
    (_, indices), axis = term.arguments, term.params["axis"]
    return [(*term.shape[:axis], *indices.shape, *term.shape[axis + 1 :]), indices.shape]


def _of_assemble(term: Term) -> list[Lengths] | None:
    places = [term.whole.sliced(place).shape for place in term.params["places"]]
    # Pieces may lack axes of length 1.
    return [
        view.shape if view.squeezed().shape == tuple(n for n in place if n != 1) else place
        for view, place in zip(term.arguments, places, strict=True)
    ]


_SHAPES: Mapping[TermKind, Callable[[Term], list[Lengths] | None]] = {
    TermKind.INPUT: lambda term: [],
    TermKind.CONSTANT: lambda term: [] if term.params["value"].shape == term.shape else [(-1,)],
    TermKind.MAP: _of_map,
    TermKind.PRODUCT: _of_product,
    TermKind.SUM: _of_reduction,
    TermKind.MAX: _of_reduction,
    TermKind.TAKE: _of_take,
    TermKind.SCATTER_ADD: _of_scatter,
    TermKind.RANDOM_BITS: lambda term: [(2,), ()],
    TermKind.PACK: lambda term: None,
    TermKind.ASSEMBLE: _of_assemble,
}
"""The shapes of the arguments that a term expects; None for any."""

_MAP_DTYPES: Mapping[str, tuple[str, ...]] = {"where": ("bool",), "to_unit": ("uint32",)}
"""Dtypes of the leading arguments of a map, where these are not the dtype in its name."""


def _dtypes(term: Term) -> list[str] | None:
    count = len(term.arguments)
    if term.kind is TermKind.MAP:
        name, *dtypes = term.name.split(".")
        first = dtypes[:1] if name == "cast" else _MAP_DTYPES.get(name, ())
        return [*first, *[dtypes[-1]] * (count - len(first))]
    if term.kind in (TermKind.SUM, TermKind.MAX, TermKind.ASSEMBLE):
        return [term.dtype.name] * count
    if term.kind is TermKind.PRODUCT and term.dtype in (FLOAT32, FLOAT64):
        is_packed = term.arguments[0].term.kind is TermKind.PACK
        return ["uint32" if is_packed else term.dtype.name] * 2 + [term.dtype.name] * (count - 2)
    return None
