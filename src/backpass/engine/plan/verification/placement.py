"""Checks of the placement: pieces lie inside their array and apart from each other, and every reader can read them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import combinations, product

from backpass.engine.plan.graph import Graph
from backpass.engine.plan.placement import Storage
from backpass.engine.plan.strides import Lengths, is_inside
from backpass.engine.plan.term import Term, TermKind

_LISTED = 20_000
"""Maximum number of elements of pieces whose overlap is checked element by element."""


def placement_problems(graph: Graph) -> Iterator[str]:
    terms = {term.number: term for term in graph.terms}
    within, output = graph.placement.within, graph.placement.output
    for number in (*within, *output):
        if number not in terms:
            yield f"term {number} has a place, but the graph does not have it"
            return
    for number in within.keys() & output.keys():
        yield f"{terms[number]} has two places"
    for number, i in output.items():
        view = graph.outputs[i]
        if view.term.number != number or not view.is_whole or terms[number].kind in (TermKind.INPUT, TermKind.CONSTANT):
            yield f"output {i} is not the whole of {terms[number]}"
    arrays: dict[int, list[Term]] = {}
    for number, (whole, storage) in within.items():
        term = terms[number]
        if whole not in terms or term.number not in {v.term.number for v in terms[whole].arguments}:
            yield f"{term} lies in an array that it is no piece of"
        elif term.size and not is_inside(storage.offset, term.shape, storage.strides, terms[whole].size):
            yield f"{term} reaches outside {terms[whole]}"
        else:
            arrays.setdefault(whole, []).append(term)
    for term in graph.terms:
        for view in term.arguments:
            place = within.get(view.term.number)
            if place is not None and place[0] != term.number and place[1].walk(view) is None:
                yield f"{term} cannot read its view of {view.term} where that is stored"
    if within or output:
        for term in graph.terms:
            if term.kind is TermKind.ASSEMBLE:
                yield from _pieces(term, arrays.get(term.number, []), {n: s for n, (_, s) in within.items()})


def _pieces(array: Term, placed: list[Term], storages: Mapping[int, Storage]) -> Iterator[str]:
    pieces = [view.term for view in array.arguments]
    for piece in pieces:
        if piece not in placed:
            yield f"the piece {piece} is not stored in {array}"
    background = pieces[0] if array.params["has_background"] else None
    for piece in pieces[1:] if background else ():
        if background not in piece.after:
            yield f"{piece} may be overwritten by the background of {array}"
    over = [piece for piece in pieces if piece is not background and piece in placed]
    if sum(piece.size for piece in over) <= _LISTED:
        elements = [(piece, _elements(storages[piece.number], piece.shape)) for piece in over]
        for (a, first), (b, second) in combinations(elements, 2):
            if first & second:
                yield f"the pieces {a} and {b} of {array} overlap"


def _elements(storage: Storage, shape: Lengths) -> set[int]:
    steps = [range(0, length * stride, stride) if stride else (0,) * length
             for length, stride in zip(shape, storage.strides, strict=True)]  # fmt: skip
    return {storage.offset + sum(at) for at in product(*steps)}
