"""Fusion: elementwise terms of the same shape become one pass over memory, unless another result comes in between.

A ReLU that directly follows a product, and the slope of a ReLU, become the epilogue of the product, without a pass.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import field, replace
from itertools import pairwise

from backpass.dataclass import dataclass
from backpass.engine.plan.graph import Graph, Unit
from backpass.engine.plan.request import Request
from backpass.engine.plan.term import Term, TermKind

EPILOGUES = ("relu.float32", "slope_of_relu.float32", "relu_with_sign.float32", "slope_by_sign.float32")
"""Elementwise operations that a product can apply to its result."""
MOST_TERMS = 64
"""Maximum number of terms per pass, so that its registers fit into the L1 cache."""


def fuse_units(graph: Graph, request: Request) -> Graph:
    """Group all terms into units. Inputs, constants and assembled terms are units without an instruction."""
    groups = _Groups(graph.terms)
    groups.merge_with_arguments()
    groups.merge_siblings()
    groups.merge_epilogues(graph)
    return replace(graph, units=tuple(groups.units()), is_scheduled=False)


@dataclass(slots=True, eq=False)
class _Group:
    """Terms that may become a unit.

    Attributes:
        terms: The terms, in order.
        mask: The set of their numbers, as a bit mask.
        before: The set of terms that must be computed before this group, directly or indirectly, as a bit mask.
        inputs: The numbers of the terms that it needs directly.
    """

    terms: list[Term]
    mask: int
    before: int
    inputs: set[int] = field(default_factory=set)

    @property
    def first(self) -> Term:
        return self.terms[0]


class _Groups:
    """A partition of terms in topological order; at first every term is a group by itself."""

    def __init__(self, terms: Sequence[Term]) -> None:
        self.terms = terms
        self.of: dict[int, _Group] = {}
        before: dict[int, int] = {}
        for term in terms:
            mask = 0
            needs = {other.number for other in term.needs}
            for number in needs:
                mask |= before[number] | 1 << number
            before[term.number] = mask
            self.of[term.number] = _Group([term], 1 << term.number, mask, needs)

    def units(self) -> list[Unit]:
        return [Unit(tuple(group.terms)) for group in {id(group): group for group in self.of.values()}.values()]

    def merge_with_arguments(self) -> None:
        """Merge maps with the maps that they read."""
        for term in self.terms:
            if term.kind is TermKind.MAP:
                for number in sorted({other.number for other in term.needs}, reverse=True):
                    self._try_merge(number, term.number)

    def merge_siblings(self) -> None:
        """Merge maps of the same shape that share an input although neither depends on the other."""
        readers: dict[int, list[int]] = {}
        for term in self.terms:
            if term.kind is TermKind.MAP:
                for view in term.arguments:
                    if view.term.kind is not TermKind.CONSTANT and view.size > 1:
                        readers.setdefault(view.term.number, []).append(term.number)
        for numbers in readers.values():
            for i, j in pairwise(numbers):
                a, b = self.of[i], self.of[j]
                if not (a.before & b.mask or b.before & a.mask):
                    self._try_merge(i, j)

    def merge_epilogues(self, graph: Graph) -> None:
        """Merge a ReLU, or the slope of one, with the product that it directly follows.

        Terms that are stored inside a larger array get no epilogue, because an epilogue writes packed rows.
        """
        readers = Counter([view.term.number for term in self.terms for view in term.arguments])
        pieces = graph.placement.within
        for term in self.terms:
            if term.name not in EPILOGUES or len(self.of[term.number].terms) > 1:
                continue
            view = term.arguments[-1]
            product = view.term
            if product.kind is not TermKind.PRODUCT or product.params["is_narrow"]:
                continue
            if len(self.of[product.number].terms) > 1:
                continue
            if not view.is_whole or view.size != term.size or product.shard != term.shard:
                continue
            if term.number in pieces or product.number in pieces:
                continue
            if term.name == "relu.float32" or (readers[product.number] == 1 and term.arguments[0].is_whole):
                self._merge(self.of[product.number], self.of[term.number])

    def _try_merge(self, i: int, j: int) -> None:
        """Merge the groups of terms i and j if both are maps of the same shape and shard."""
        a, b = self.of[i], self.of[j]
        x, y = a.first, b.first
        if a is b or not x.kind is y.kind is TermKind.MAP or x.shape != y.shape or x.shard != y.shard:
            return
        if len(a.terms) + len(b.terms) <= MOST_TERMS and _reads_in_step(a, b) and _reads_in_step(b, a):
            self._merge(a, b)

    def _merge(self, a: _Group, b: _Group) -> None:
        """Merge two groups, unless a third group depends on one and the other depends on the third."""
        both = a.mask | b.mask
        # Such a third group is among the inputs of the merged group, and itself comes after one of the two.
        for number in (a.inputs | b.inputs) - {term.number for term in (*a.terms, *b.terms)}:
            if self.of[number].before & both:
                return
        merged = _Group(
            sorted((*a.terms, *b.terms), key=lambda term: term.number),
            both,
            (a.before | b.before) & ~both,
            a.inputs | b.inputs,
        )
        for term in merged.terms:
            self.of[term.number] = merged
        for group in self.of.values():  # whatever depends on either group now depends on all of the merged one
            if group is not merged and group.before & both:
                group.before |= both | merged.before


def _reads_in_step(reader: _Group, made: _Group) -> bool:
    """Whether each element needs only the same element of what the other group computes (unlike a read of a.T)."""
    return all(view.is_whole for term in reader.terms for view in term.arguments if made.mask >> view.term.number & 1)
