"""Peephole fusion: replaces two elementwise operations by one if the core has a combined operation.

A product and the sum that uses it become a fused multiply-add, which rounds once. The plan decides this explicitly,
rather than a compiler, so that all instruction sets give the same results. The other pairs only save a pass over
registers.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from heapq import heapify, heappop, heappush

from backpass.engine.plan.graph import Term, View


def needed(outputs: Sequence[View]) -> list[Term]:
    """The terms that the outputs need, in topological order, otherwise in the order of creation."""
    found = {view.term.number: view.term for view in outputs}
    followers: dict[int, list[Term]] = {}
    unseen = list(found.values())
    while unseen:
        term = unseen.pop()
        for other in term.needs:
            followers.setdefault(other.number, []).append(term)
            if other.number not in found:
                found[other.number] = other
                unseen.append(other)
    waits = {number: len(term.needs) for number, term in found.items()}
    ready = [number for number, count in waits.items() if count == 0]
    heapify(ready)
    order = []
    while ready:
        term = found[heappop(ready)]
        order.append(term)
        for follower in followers.get(term.number, ()):
            waits[follower.number] -= 1
            if waits[follower.number] == 0:
                heappush(ready, follower.number)
    return order


_SUMS = {
    ("add", 0): "multiply_add",
    ("add", 1): "multiply_add",
    ("subtract", 0): "multiply_subtract",
    ("subtract", 1): "subtract_multiply",
}
"""Sums and differences, and which argument is the product: a b + c, a b - c, c - a b."""


def contract(terms: Sequence[Term], outputs: Sequence[View]) -> None:
    """Replace pairs of float32 terms by single ones, if the inner one has no other use."""
    uses = Counter(view.term.number for term in terms for view in term.arguments)
    uses.update(view.term.number for view in outputs)

    def is_spent(inner: View, name: str, outer: Term) -> bool:
        """Whether an argument is made by that operation for this term alone."""
        made = inner.term
        return (
            made.name == f"{name}.float32"
            and uses[made.number] == 1
            and inner.shape == outer.shape == made.shape
            and inner.is_whole
        )

    for term in terms:
        for (outer, side), name in _SUMS.items():
            if term.name == f"{outer}.float32" and is_spent(term.arguments[side], "multiply", term):
                product, other = term.arguments[side], term.arguments[1 - side]
                term.name, term.arguments = f"{name}.float32", (*product.term.arguments, other)
    for term in terms:
        x = term.arguments
        if term.name == "multiply.float32":
            for side in (0, 1):
                if term.name == "multiply.float32" and is_spent(x[side], "multiply", term):
                    term.name = "multiply_multiply.float32"
                    term.arguments = (*x[side].term.arguments, x[1 - side])
        elif term.name == "sqrt.float32" and is_spent(x[0], "multiply", term):
            term.name, term.arguments = "sqrt_multiply.float32", x[0].term.arguments
        elif term.name == "divide.float32" and is_spent(x[1], "add", term):
            term.name, term.arguments = "divide_by_sum.float32", (x[0], *x[1].term.arguments)
        elif term.name == "where.float32" and _is_zero(x[2]) and is_spent(x[0], "greater_equal", term):
            condition = x[0].term.arguments
            if _is_zero(condition[1]):
                term.name, term.arguments = "slope_of_relu.float32", (condition[0], x[1])


def _is_zero(view: View) -> bool:
    return view.term.kind == "constant" and not view.term.params["value"].any()
