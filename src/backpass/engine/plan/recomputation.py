"""Recomputation: a value that a later pass can recompute from its own inputs is neither stored nor read.

A backward pass over memory reads values of the forward pass. Some of them are sums or products of other values that it
reads anyway. Recomputing those is cheaper than memory traffic, and the same operation gives the same bits.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from backpass.engine.plan.fusion import MOST_TERMS, Unit
from backpass.engine.plan.graph import Graph, Term, View

_CHEAP = frozenset(
    f"{name}.float32"
    for name in (
        *("add", "subtract", "multiply", "negative", "absolute", "minimum", "maximum", "relu", "where"),
        *("multiply_add", "multiply_subtract", "subtract_multiply", "multiply_multiply"),
        *("greater", "greater_equal", "equal"),
    )
)


def recompute(graph: Graph, units: Sequence[Unit], stored: Collection[int]) -> None:
    """Let all passes that read a cheap term recompute it, if each of them can.

    Args:
        graph: The graph; copies of terms are added to it.
        units: The units, in order.
        stored: The numbers of terms that must be stored, because they are read outside the units.
    """
    readers: dict[int, list[Unit]] = {}
    for unit in units:
        for number in {view.term.number for term in unit.terms for view in term.arguments}:
            readers.setdefault(number, []).append(unit)
    for unit in units:
        for term in unit.terms[::-1]:
            others = [reader for reader in readers.get(term.number, ()) if reader is not unit]
            if others and term.number not in stored and all(_can_make(term, reader) for reader in others):
                for reader in others:
                    _make(graph, term, reader)
                if unit not in readers[term.number] and len(unit.terms) > 1:
                    unit.terms.remove(term)


def _reads(unit: Unit) -> dict[tuple[object, ...], View]:
    """The views that a unit reads from outside."""
    own = {term.number for term in unit.terms}
    return {v.key: v for term in unit.terms for v in term.arguments if v.term.number not in own}


def _is_number(view: View) -> bool:
    return view.term.kind == "constant" and view.term.size == 1


def _can_make(term: Term, unit: Unit) -> bool:
    """Whether the unit reads the arguments of the term, or can recompute them too."""
    reads = _reads(unit)
    room = MOST_TERMS - len(unit.terms)

    def can(one: Term) -> bool:
        nonlocal room
        room -= 1
        return (
            one.name in _CHEAP
            and room >= 0
            and one.shape == unit.first.shape
            and all(_is_number(v) or v.key in reads or (v.is_whole and can(v.term)) for v in one.arguments)
        )

    whole = term.whole.key
    return unit.is_map and all(v.key == whole for v in reads.values() if v.term is term) and can(term)


def _make(graph: Graph, term: Term, unit: Unit) -> None:
    """Insert a copy of the term, and of the terms it needs, into the unit, before its first reader."""
    reads = _reads(unit)
    copy = graph.append("map", term.name, term.arguments, term.shape, term.dtype, term.params, unit.part)
    copy.label = term.label
    users = [i for i, other in enumerate(unit.terms) if any(v.term is term for v in other.arguments)]
    unit.terms.insert(users[0], copy)
    for other in unit.terms:
        if other is not copy:
            other.arguments = tuple(copy.whole if v.term is term else v for v in other.arguments)
    for view in term.arguments:
        if not _is_number(view) and view.key not in reads and any(v.key == view.key for v in copy.arguments):
            _make(graph, view.term, unit)
