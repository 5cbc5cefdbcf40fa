"""Contraction: a product and the sum it goes into become one fused multiply-add, rounded once.

Said here, by name, and never left to a compiler: every instruction set then does the same. It depends on which terms
are used once, not on lengths, so a row alone and among others is treated alike.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from backpass.engine.plan.term import Term
from backpass.engine.plan.view import View


def needed(terms: Sequence[Term], outputs: Sequence[View]) -> list[Term]:
    """The terms that the outputs need, in order."""
    marked = {view.term.number for view in outputs}
    for term in reversed(terms):
        if term.number in marked:
            marked.update(other.number for other in term.needs)
    return [term for term in terms if term.number in marked]


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
