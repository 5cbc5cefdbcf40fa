"""ReLU sign trick: a ReLU that only products read encodes its slope in the sign of its zeros.

relu(z) is +0 where z = 0 and where z < 0, but the slope is 1 in the first case and 0 in the second. With -0 in the
second case, the backward pass can read the slope from a = relu(z), which it needs anyway, so z need not be stored. This
halves the memory of a layer. Products with -0 and +0 have the same sums, up to the sign of a zero.
"""

from __future__ import annotations

from dataclasses import replace

from backpass.engine.plan.builder import reshaped
from backpass.engine.plan.graph import Graph
from backpass.engine.plan.request import Request
from backpass.engine.plan.term import Term, TermKind, View


def mark_relu_signs(graph: Graph, request: Request) -> Graph:
    """Let the slopes of a ReLU read the ReLU instead of z, where nothing else could see the sign of its zeros."""
    readers: dict[int, list[Term]] = {}
    for term in graph.terms:
        for number in {view.term.number for view in term.arguments}:
            readers.setdefault(number, []).append(term)
    shown = {view.term.number for view in graph.outputs}
    changes: dict[int, Term] = {}
    for a in graph.terms:
        if a.name != "relu.float32" or a.number in shown:
            continue
        z = a.arguments[0]
        slopes = [term for term in readers[z.term.number] if term is not a]
        if (
            _is_epilogue(a)
            and z.term.number not in shown
            and slopes
            and all(_is_slope_of(slope, z) for slope in slopes)
            and all(term.kind is TermKind.PRODUCT for term in readers.get(a.number, ()))
        ):
            changes[a.number] = replace(a, name="relu_with_sign.float32")
            for slope in slopes:
                signs = reshaped(a.whole, slope.arguments[0].shape)
                changes[slope.number] = replace(
                    slope, name="slope_by_sign.float32", arguments=(signs, slope.arguments[1])
                )
    return graph.rewritten(changes)


def _is_epilogue(a: Term) -> bool:
    """Whether the ReLU can be the epilogue of the product that it reads."""
    z = a.arguments[0]
    return z.term.kind is TermKind.PRODUCT and not z.term.params["is_narrow"] and z.is_whole and z.size == a.size


def _is_slope_of(term: Term, z: View) -> bool:
    """Whether the term is dz where z >= 0, else 0, with z used only in the condition."""
    if term.name != "slope_of_relu.float32":
        return False
    condition, dz = term.arguments
    return condition.term is z.term and condition.is_whole and condition.size == z.size and dz.term is not z.term
