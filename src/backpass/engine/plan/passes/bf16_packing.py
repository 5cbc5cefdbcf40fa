"""bfloat16 packing: if requested, large products read operands rounded to bfloat16, two steps of k per 32-bit word.

Each factor is packed once per layout by a term of its own, which all products share. Everything else stays float32:
sums, biases, epilogues and every stored value.
"""

from __future__ import annotations

from dataclasses import replace

import numpy

from backpass.engine.plan.builder import GraphBuilder
from backpass.engine.plan.graph import Graph
from backpass.engine.plan.request import Request
from backpass.engine.plan.term import Term, TermKind, View

_LEFT, _RIGHT = 56, 32
"""Panel widths, in columns, of a and of b; as in native/instruction.hpp."""

_WORD = numpy.dtype(numpy.uint32)


def is_profitable(m: int, n: int, k: int) -> bool:
    """Whether a faster product saves more time than rounding and packing [m, k] and [k, n] costs.

    The rule depends on sizes only, so results do not depend on the machine.
    """
    return k >= 32 and m * n >= 24 * (m + n)


def pack_bf16(graph: Graph, request: Request) -> Graph:
    """Let profitable products read packed operands, if requested."""
    if not request.bf16:
        return graph
    builder, changes = GraphBuilder(graph.next_number), {}
    for term in graph.terms:
        if term.kind is not TermKind.PRODUCT or term.dtype != numpy.float32:
            continue
        if term.params["is_narrow"] or len(term.shape) != 2:
            continue
        a, b, *bias = term.arguments
        m, n = term.shape
        if is_profitable(m, n, a.shape[1]):
            builder.label = term.label
            left, right = _packed(builder, a.transposed((1, 0)), _LEFT), _packed(builder, b, _RIGHT)
            changes[term.number] = replace(term, arguments=(left.whole, right.whole, *bias))
    return graph.rewritten(changes)


def _packed(builder: GraphBuilder, x: View, panel: int) -> Term:
    """x (k, n) in panels of columns, two steps of k per word; the last panel is padded."""
    k, n = x.shape
    words = -(-n // panel) * panel * -(-k // 2)
    return builder.add(TermKind.PACK, "pack", (x,), (words,), _WORD, panel=panel, k=k)
