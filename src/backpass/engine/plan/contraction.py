"""Contraction: a product and the sum it goes into become one fused multiply-add, rounded once.

Said here, by name, and never left to a compiler: every instruction set then does the same. It depends on which terms
are used once, not on lengths, so a row alone and among others is treated alike.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from heapq import heapify, heappop, heappush

from backpass.engine.plan.term import Term
from backpass.engine.plan.view import View


def needed(outputs: Sequence[View]) -> list[Term]:
    """The terms that the outputs need, each after those that it needs itself; else in the order they were added."""
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


def contract(terms: Sequence[Term], outputs: Sequence[View]) -> None:
    """Turn a b + c, c - a b and a b - c into single terms, where the product has no other use."""
    uses = Counter(view.term.number for term in terms for view in term.arguments)
    uses.update(view.term.number for view in outputs)
    for term in terms:
        if term.name not in ("add.float32", "subtract.float32"):
            continue
        for side in (0, 1):
            product, other = term.arguments[side], term.arguments[1 - side]
            if _is_spent_here(product, term, uses):
                term.arguments = (*product.term.arguments, other)
                if term.name == "add.float32":
                    term.name = "multiply_add.float32"
                else:
                    term.name = ("multiply_subtract", "subtract_multiply")[side] + ".float32"
                break


def _is_spent_here(product: View, term: Term, uses: Counter[int]) -> bool:
    return (
        product.term.name == "multiply.float32"
        and uses[product.term.number] == 1
        and product.shape == term.shape
        and product.is_whole
    )
