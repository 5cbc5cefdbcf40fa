"""Checks of units: a partition of the terms, in an order that respects what they need, each for one instruction."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from backpass.engine.plan.graph import Graph
from backpass.engine.plan.passes.fusion import EPILOGUES, MOST_TERMS
from backpass.engine.plan.term import Term, TermKind


def unit_problems(graph: Graph) -> Iterator[str]:
    if not graph.units:
        return
    own = {term.number: term for term in graph.terms}
    owner: dict[int, int] = {}
    for i, unit in enumerate(graph.units):
        for term in unit.terms:
            if own.get(term.number) is not term:
                yield f"a unit holds {term}, which the graph does not have"
            if term.number in owner:
                yield f"{term} is in two units"
            owner[term.number] = i
    for number in own.keys() - owner.keys():
        yield f"{own[number]} is in no unit"
    for i, unit in enumerate(graph.units):
        yield from _instruction(graph, unit.terms)
        seen: set[int] = set()
        for term in unit.terms:
            for other in term.needs:
                at = owner.get(other.number, i)
                if (at == i and other.number not in seen) or (graph.is_scheduled and at > i):
                    yield f"{term} runs before {other}, which it needs"
            seen.add(term.number)
    yield from _waiting(graph, owner)


def _waiting(graph: Graph, owner: Mapping[int, int]) -> Iterator[str]:
    """Units that wait for each other."""
    waits = [{owner[o.number] for t in unit.terms for o in t.needs} - {i} for i, unit in enumerate(graph.units)]
    done: set[int] = set()
    left = set(range(len(waits)))
    while ready := {i for i in left if waits[i] <= done}:
        done |= ready
        left -= ready
    if left:
        yield "units wait for each other: " + ", ".join(str(graph.units[i].first) for i in sorted(left))


def _instruction(graph: Graph, terms: tuple[Term, ...]) -> Iterator[str]:
    """Whether one instruction can compute the terms."""
    if len(terms) == 1:
        return
    first, numbers = terms[0], {term.number for term in terms}
    if first.kind is TermKind.PRODUCT:
        then = terms[1]
        if len(terms) > 2 or then.name not in EPILOGUES or then.arguments[-1].term is not first:
            yield f"{then} is no epilogue of {first}"
        for term in terms:
            if term.number in graph.placement.within:
                yield f"{term} is a piece of an array, which an epilogue cannot write"
        return
    if len(terms) > MOST_TERMS:
        yield f"a unit of {len(terms)} terms, more than {MOST_TERMS}"
    for term in terms:
        if term.kind is not TermKind.MAP or term.shape != first.shape or term.shard != first.shard:
            yield f"{term} is in one unit with {first}"
        for view in term.arguments:
            if view.term.number in numbers and not view.is_whole:
                yield f"{term} reads {view.term} of its own unit in another order"
