"""Checks of terms and views: defined before use, within bounds, and separate from other shards."""

from __future__ import annotations

from collections.abc import Iterator

from backpass.engine.plan.graph import Graph, needed
from backpass.engine.plan.strides import is_inside
from backpass.engine.plan.term import WHOLE, Term, TermKind, View


def order_problems(graph: Graph) -> Iterator[str]:
    known: dict[int, Term] = {}
    for term in graph.terms:
        if term.number in known:
            yield f"two terms have the number {term.number}: {known[term.number]} and {term}"
        for other in term.needs:
            if known.get(other.number) is not other:
                yield f"{term} needs {other}, which is not defined before it"
        known[term.number] = term
    for view in graph.outputs:
        if known.get(view.term.number) is not view.term:
            yield f"an output is a view of {view.term}, which the graph does not have"
    for term in graph.inputs:
        if term.kind is not TermKind.INPUT or known.get(term.number, term) is not term:
            yield f"the input {term} is not the graph's own"
    for number in known.keys() - {term.number for term in needed(graph.outputs)}:
        yield f"no output needs {known[number]}"


def view_problems(graph: Graph) -> Iterator[str]:
    for term in graph.terms:
        for view in term.arguments:
            yield from (f"{term} reads {problem}" for problem in _bounds(view))
    for view in graph.outputs:
        yield from (f"an output shows {problem}" for problem in _bounds(view))


def _bounds(view: View) -> Iterator[str]:
    if len(view.shape) != len(view.strides):
        yield f"{view.term} with {len(view.shape)} lengths and {len(view.strides)} strides"
    elif view.size and not is_inside(view.offset, view.shape, view.strides, view.term.size):
        yield f"outside {view.term}: offset {view.offset}, shape {view.shape}, strides {view.strides}"


def shard_problems(graph: Graph) -> Iterator[str]:
    for term in graph.terms:
        for other in term.needs:
            if WHOLE != term.shard != other.shard != WHOLE:
                yield f"{term} of shard {term.shard} needs {other} of shard {other.shard}"
