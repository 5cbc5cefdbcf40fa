"""Fusion: elementwise terms of the same shape become one pass over memory, unless another result comes in between.

A ReLU that directly follows a product, and the slope of a ReLU, become the epilogue of the product, without a pass.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from backpass.engine.plan.graph import Term

_EPILOGUES = ("relu.float32", "slope_of_relu.float32", "relu_with_sign.float32", "slope_by_sign.float32")
MOST_TERMS = 64
"""Maximum number of terms per pass, so that its registers fit into the L1 cache."""


@dataclass(slots=True, eq=False)
class Unit:
    """Terms that one instruction computes: several elementwise terms, a product with its epilogue, or a single term.

    Attributes:
        terms: The terms, in order.
        mask: The set of their numbers, as a bit mask.
        before: The set of terms that must be computed before this unit, directly or indirectly, as a bit mask.
        inputs: The numbers of the terms that it needs directly.
    """

    terms: list[Term]
    mask: int
    before: int
    inputs: set[int] = field(default_factory=set)

    @property
    def first(self) -> Term:
        return self.terms[0]

    @property
    def is_map(self) -> bool:
        return self.first.kind == "map"

    @property
    def part(self) -> int:
        """The shard of the rows that it works on, or WHOLE."""
        return self.first.part


def fuse(terms: Sequence[Term], pieces: Container[int]) -> list[Unit]:
    """Group all terms into units. Inputs, constants and assembled terms are units without an instruction.

    Args:
        terms: The terms, in topological order.
        pieces: The numbers of terms that are stored inside a larger array; these get no epilogue.
    """
    units: dict[int, Unit] = {}
    before: dict[int, int] = {}
    for term in terms:
        mask = 0
        for other in term.needs:
            mask |= before[other.number] | 1 << other.number
        before[term.number] = mask
        units[term.number] = Unit([term], 1 << term.number, mask, {other.number for other in term.needs})
    for term in terms:
        if term.kind == "map":
            for number in sorted({other.number for other in term.needs}, reverse=True):
                _try_merge(units, number, term.number)
    _merge_siblings(units, terms)
    _merge_epilogues(units, terms, pieces)
    return list({id(unit): unit for unit in units.values()}.values())


def _try_merge(units: dict[int, Unit], i: int, j: int) -> None:
    """Merge the units of terms i and j if both are maps of the same shape and shard."""
    a, b = units[i], units[j]
    if a is b or not (a.is_map and b.is_map) or a.first.shape != b.first.shape or a.part != b.part:
        return
    if len(a.terms) + len(b.terms) <= MOST_TERMS and _reads_in_step(a, b) and _reads_in_step(b, a):
        _merge(units, a, b)


def _reads_in_step(reader: Unit, made: Unit) -> bool:
    """Whether each element needs only the same element of what the other unit computes (unlike a read of a.T)."""
    return all(view.is_whole for term in reader.terms for view in term.arguments if made.mask >> view.term.number & 1)


def _merge(units: dict[int, Unit], a: Unit, b: Unit) -> None:
    """Merge two units, unless a third unit depends on one and the other depends on the third."""
    both = a.mask | b.mask
    # Such a third unit is among the inputs of the merged unit, and itself comes after one of the two.
    for number in (a.inputs | b.inputs) - {term.number for term in (*a.terms, *b.terms)}:
        if units[number].before & both:
            return
    merged = Unit(
        sorted((*a.terms, *b.terms), key=lambda term: term.number),
        both,
        (a.before | b.before) & ~both,
        a.inputs | b.inputs,
    )
    for term in merged.terms:
        units[term.number] = merged
    for unit in units.values():  # whatever depends on either unit now depends on all of the merged one
        if unit is not merged and unit.before & both:
            unit.before |= both | merged.before


def _merge_siblings(units: dict[int, Unit], terms: Sequence[Term]) -> None:
    """Merge passes of the same shape that share an input although neither depends on the other."""
    readers: dict[int, list[int]] = {}
    for term in terms:
        if term.kind == "map":
            for view in term.arguments:
                if view.term.kind != "constant" and view.size > 1:
                    readers.setdefault(view.term.number, []).append(term.number)
    for numbers in readers.values():
        for i, j in pairwise(numbers):
            a, b = units[i], units[j]
            if not (a.before & b.mask or b.before & a.mask):
                _try_merge(units, i, j)


def _merge_epilogues(units: dict[int, Unit], terms: Sequence[Term], pieces: Container[int]) -> None:
    readers = Counter(view.term.number for term in terms for view in term.arguments)
    for term in terms:
        if term.name not in _EPILOGUES or len(units[term.number].terms) > 1:
            continue
        view = term.arguments[-1]
        product = view.term
        if product.kind != "product" or product.params["is_narrow"] or len(units[product.number].terms) > 1:
            continue
        if not view.is_whole or view.size != term.size or product.part != term.part:
            continue
        if term.number in pieces or product.number in pieces:
            continue
        if term.name == "relu.float32" or (readers[product.number] == 1 and term.arguments[0].is_whole):
            _merge(units, units[product.number], units[term.number])
