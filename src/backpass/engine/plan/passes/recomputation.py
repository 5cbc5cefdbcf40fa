"""Recomputation: a value that a later pass can recompute from its own inputs is neither stored nor read.

A backward pass over memory reads values of the forward pass. Some of them are sums or products of other values that it
reads anyway. Recomputing those is cheaper than memory traffic, and the same operation gives the same bits.
"""

from __future__ import annotations

from dataclasses import replace

from backpass.engine.plan.graph import Graph, Unit
from backpass.engine.plan.passes.fusion import MOST_TERMS
from backpass.engine.plan.request import Request
from backpass.engine.plan.term import Term, TermKind, View

_CHEAP = frozenset(
    f"{name}.float32"
    for name in (
        *("add", "subtract", "multiply", "negative", "absolute", "minimum", "maximum", "relu", "where"),
        *("multiply_add", "multiply_subtract", "subtract_multiply", "multiply_multiply"),
        *("greater", "greater_equal", "equal"),
    )
)


def recompute(graph: Graph, request: Request) -> Graph:
    """Let all passes that read a cheap term recompute it, if each of them can."""
    work = _Recomputation(graph)
    for unit in range(len(graph.units)):
        work.spread(unit)
    rewritten = graph.rewritten(work.terms)
    made = {term.number: term for term in rewritten.terms}
    units = [Unit(tuple([made[number] for number in unit if number in made])) for unit in work.units]
    return replace(rewritten, units=tuple([unit for unit in units if unit.terms]))


class _Recomputation:
    """The units so far, as numbers of terms.

    Attributes:
        units: The terms of each unit, in order.
        terms: number -> the term as it is now.
        readers: number -> the units that read the term.
        _read: unit -> the views that it reads, as far as they are known.
    """

    def __init__(self, graph: Graph) -> None:
        self.units = [[term.number for term in unit.terms] for unit in graph.units]
        self.terms = {term.number: term for term in graph.terms}
        self.readers: dict[int, list[int]] = {}
        self._read: dict[int, dict[tuple[object, ...], View]] = {}
        self._next = graph.next_number
        self._stored = graph.placement.is_placed
        for i, unit in enumerate(graph.units):
            for number in {view.term.number for term in unit.terms for view in term.arguments}:
                self.readers.setdefault(number, []).append(i)

    def spread(self, unit: int) -> None:
        """Recompute what can be recomputed of one unit wherever it is read."""
        for number in self.units[unit][::-1]:
            readers = self.readers.get(number, ())
            others = [reader for reader in readers if reader != unit]
            if others and not self._stored(number) and all(self._can_make(number, reader) for reader in others):
                for reader in others:
                    self._make(number, reader)
                if unit not in readers and len(self.units[unit]) > 1:
                    self.units[unit].remove(number)
                    self._read.pop(unit, None)

    def _of(self, unit: int) -> list[Term]:
        return [self.terms[number] for number in self.units[unit]]

    def _reads(self, unit: int) -> dict[tuple[object, ...], View]:
        """The views that a unit reads from outside; they are kept until the unit changes."""
        if unit not in self._read:
            own = set(self.units[unit])
            self._read[unit] = {v.key: v for one in self._of(unit) for v in one.arguments if v.term.number not in own}
        return self._read[unit]

    def _can_make(self, number: int, unit: int) -> bool:
        """Whether the unit reads the arguments of the term, or can recompute them too."""
        first = self.terms[self.units[unit][0]]
        if first.kind is not TermKind.MAP:
            return False
        reads = self._reads(unit)
        room = MOST_TERMS - len(self.units[unit])

        def can(one: Term) -> bool:
            nonlocal room
            room -= 1
            return (
                one.name in _CHEAP
                and room >= 0
                and one.shape == first.shape
                and all(
                    v.term.is_number or v.key in reads or (v.is_whole and can(self.terms[v.term.number]))
                    for v in one.arguments
                )
            )

        term = self.terms[number]
        whole = term.whole.key
        return all(v.key == whole for v in reads.values() if v.term.number == number) and can(term)

    def _make(self, number: int, unit: int) -> None:
        """Insert a copy of the term, and of the terms it needs, into the unit, before its first reader."""
        reads, term = self._reads(unit), self.terms[number]
        copy = replace(term, number=self._next, shard=self.terms[self.units[unit][0]].shard, after=())
        self._next += 1
        self.terms[copy.number] = copy
        readers = [other for other in self._of(unit) if any(v.term.number == number for v in other.arguments)]
        for other in readers:
            arguments = tuple([copy.whole if v.term.number == number else v for v in other.arguments])
            self.terms[other.number] = replace(other, arguments=arguments)
        self.units[unit].insert(self.units[unit].index(readers[0].number), copy.number)
        self._read.pop(unit, None)
        for view in term.arguments:
            is_missing = not view.term.is_number and view.key not in reads
            if is_missing and view.key in {v.key for v in self.terms[copy.number].arguments}:
                self._make(view.term.number, unit)
