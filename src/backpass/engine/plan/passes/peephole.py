"""Peephole fusion: replaces two elementwise operations by one if the core has a combined operation.

A product and the sum that uses it become a fused multiply-add, which rounds once. The plan decides this explicitly,
rather than a compiler, so that all instruction sets give the same results. The other pairs only save a pass over
registers. An operation is absorbed only if nothing else reads its result.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from backpass.engine.plan.graph import Graph
from backpass.engine.plan.request import Request
from backpass.engine.plan.term import Term, TermKind, View

_SUMS = {
    ("add", 0): "multiply_add",
    ("add", 1): "multiply_add",
    ("subtract", 0): "multiply_subtract",
    ("subtract", 1): "subtract_multiply",
}
"""Sums and differences, and which argument is the product: a b + c, a b - c, c - a b."""


def fuse_peepholes(graph: Graph, request: Request) -> Graph:
    """Replace pairs of float32 terms by single ones, if the inner one has no other use.

    Multiply-adds are formed first, in the whole graph, because they also save a rounding.
    """
    peepholes = _Peepholes(graph)
    for term in graph.terms:
        peepholes.form_multiply_add(term)
    for term in graph.terms:
        peepholes.form_pair(term)
    return graph.rewritten(peepholes.changes)


class _Peepholes:
    """The replacements so far.

    Attributes:
        changes: number -> the term that replaces it.
        uses: number -> how often arguments and outputs read it.
    """

    def __init__(self, graph: Graph) -> None:
        self.changes: dict[int, Term] = {}
        self.uses = Counter([view.term.number for term in graph.terms for view in term.arguments])
        self.uses.update([view.term.number for view in graph.outputs])

    def form_multiply_add(self, term: Term) -> None:
        for (outer, side), name in _SUMS.items():
            if term.name == f"{outer}.float32" and self._is_spent(term.arguments[side], "multiply", term):
                inner, other = self._made(term.arguments[side]), term.arguments[1 - side]
                self._replace(term, name, (*inner.arguments, other))
                return

    def form_pair(self, term: Term) -> None:
        term = self.changes.get(term.number, term)
        x = term.arguments
        if term.name == "multiply.float32":
            for side in (0, 1):
                if self._is_spent(x[side], "multiply", term):
                    self._replace(term, "multiply_multiply", (*self._made(x[side]).arguments, x[1 - side]))
                    return
        elif term.name == "sqrt.float32" and self._is_spent(x[0], "multiply", term):
            self._replace(term, "sqrt_multiply", self._made(x[0]).arguments)
        elif term.name == "divide.float32" and self._is_spent(x[1], "add", term):
            self._replace(term, "divide_by_sum", (x[0], *self._made(x[1]).arguments))
        elif term.name == "where.float32" and _is_zero(x[2]) and self._is_spent(x[0], "greater_equal", term):
            condition = self._made(x[0]).arguments
            if _is_zero(condition[1]):
                self._replace(term, "slope_of_relu", (condition[0], x[1]))

    def _made(self, view: View) -> Term:
        return self.changes.get(view.term.number, view.term)

    def _replace(self, term: Term, name: str, arguments: Sequence[View]) -> None:
        self.changes[term.number] = replace(term, name=f"{name}.float32", arguments=tuple(arguments))

    def _is_spent(self, inner: View, name: str, outer: Term) -> bool:
        """Whether an argument is computed by that operation for this term alone."""
        made = self._made(inner)
        return (
            made.name == f"{name}.float32"
            and self.uses[made.number] == 1
            and inner.shape == outer.shape == made.shape
            and inner.is_whole
        )


def _is_zero(view: View) -> bool:
    return view.term.kind is TermKind.CONSTANT and not view.term.params["value"].any()
