"""Sharding: splits the rows of a small training step into shards, each of which passes through the network by itself.

Within a shard no thread waits for another, and the output of a layer is still in the cache when the next layer reads
it. Shards meet only where something is summed over all rows, such as the gradient of a parameter: each shard computes
the sum of its rows, and these sums are added in order. The bounds depend on sizes only, so the number of threads, and
which thread runs which shard, do not change a bit of the result.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from math import prod
from typing import Any

from backpass.engine.plan.builder import GraphBuilder
from backpass.engine.plan.graph import Graph
from backpass.engine.plan.passes.shard_rules import SHARD_RULES, Rows
from backpass.engine.plan.request import Request, RowRange
from backpass.engine.plan.symbolic import SymbolicLengths
from backpass.engine.plan.term import WHOLE, Term, TermKind, View

_LEAST_ROWS, _USUAL_ROWS, _MOST_SHARDS = 32, 128, 8
_MOST_NUMBERS = 1_500_000
"""Maximum of (elements of all states) times shards, so that the sums of the shards fit into the cache.

In larger steps the threads share each product instead.
"""


def shard_bounds(rows: int, numbers: int) -> list[RowRange]:
    """The shards of a batch; empty if the step is not sharded.

    Args:
        rows: The number of rows.
        numbers: The number of elements of all states.

    >>> shard_bounds(257, 30_000)
    [(0, 128), (128, 257)]
    """
    shards = min(max(2, rows // _USUAL_ROWS), _MOST_SHARDS, _MOST_NUMBERS // max(numbers, 1))
    if shards < 2 or rows < 2 * _LEAST_ROWS:
        return []
    return list(pairwise(rows * i // shards for i in range(shards + 1)))


def specialize(graph: Graph, request: Request) -> Graph:
    """Replace symbolic lengths by their values and split rows into shards.

    All terms are made anew, in the same order; the terms of the shards of one term follow each other.
    """
    return _Specialization(graph, request).graph


class _Split:
    """How the terms of a graph are split into shards.

    Attributes:
        axes: number -> the row axis of a term that keeps rows.
        sums: The numbers of the terms that sum rows (see ``shard_rules``).
    """

    def __init__(self, graph: Graph, request: Request) -> None:
        self.axes: dict[int, int] = {}
        self.sums: set[int] = set()
        if not request.shards:
            return
        self._rows = Rows(request.symbols.lengths[request.rows])
        shown = {view.term.number for view in graph.outputs}
        batch = {graph.inputs[i].number for i in request.batch} - shown
        for term in graph.terms:
            self._add(term, term.number in batch)
        # An input is split only if nothing reads it whole, so that its rows are gathered once.
        for term in graph.terms:
            for view, axis in zip(term.arguments, self.axes_of_arguments(term), strict=True):
                if view.term.kind is TermKind.INPUT and not self.follows(view, axis):
                    self.axes.pop(view.term.number, None)

    def __contains__(self, term: Term) -> bool:
        return term.number in self.axes or term.number in self.sums

    def _add(self, term: Term, is_batch: bool) -> None:
        rows, rule = self._rows, SHARD_RULES[term.kind]
        axis = rows.axis_of(term.shape)
        if axis is not None and (rule.keeps(rows, term, axis) or (axis == 0 and is_batch)):
            self.axes[term.number] = axis
        elif not rows.are_in(term.shape) and rule.sums(rows, term, self.sums.__contains__):
            self.sums.add(term.number)
            if term.kind is TermKind.ASSEMBLE and term.params["has_background"]:
                self.sums.add(term.arguments[0].term.number)  # the background of zeros belongs to this array only

    def axes_of_arguments(self, term: Term) -> Iterator[int | None]:
        """For each argument, the axis along which a shard takes its rows; None if it reads all rows."""
        rule, axis = SHARD_RULES[term.kind], self.axes.get(term.number)
        if term.number in self.sums:
            return rule.axes_if_summed(self._rows, term)
        if axis is not None:
            return rule.axes_if_kept(self._rows, term, axis)
        return iter([None] * len(term.arguments))

    def follows(self, view: View, axis: int | None) -> bool:
        """Whether the rows of a shard along that axis of the view are the rows of the same shard of its term.

        A symbolic length can only be traversed as a whole: an axis with the stride of a row visits all rows in order.
        """
        own = self.axes.get(view.term.number)
        return own is not None and axis is not None and view.strides[axis] == prod(view.term.shape[own + 1 :])


class _Specialization:
    """The construction of the new graph.

    Attributes:
        wholes: old number -> the new term with all rows.
        pieces: old number -> the new terms, one per shard.
    """

    def __init__(self, graph: Graph, request: Request) -> None:
        self.builder = GraphBuilder()
        self.symbols, self.shards = request.symbols, request.shards
        self.symbols_of = [self.symbols.with_value(request.rows, stop - start) for start, stop in self.shards]
        self.split = _Split(graph, request)
        self.wholes: dict[int, Term] = {}
        self.pieces: dict[int, list[Term]] = {}
        for term in [*graph.inputs, *(term for term in graph.terms if term.kind is not TermKind.INPUT)]:
            self.builder.label = term.label
            if term in self.split:
                self.pieces[term.number] = [self._piece(term, shard) for shard in range(len(self.shards))]
            else:
                arguments = [self._whole(view) for view in term.arguments]
                self.wholes[term.number] = self._append(term, arguments, self.symbols, WHOLE)
        self.builder.label = ""
        inputs = [new for old in graph.inputs for new in self.pieces.get(old.number) or [self.wholes[old.number]]]
        self.graph = Graph.of(inputs, [self._whole(view) for view in graph.outputs])

    def _append(
        self, term: Term, arguments: Sequence[View], symbols: SymbolicLengths, shard: int, **params: Any
    ) -> Term:
        shape = symbols.values(term.shape)
        params = {key: symbols.param(value) for key, value in term.params.items()} | params
        if term.kind is TermKind.MAP:  # a map does not iterate over axes of length 1; see ``GraphBuilder.map``
            shape = tuple([n for n in shape if n != 1])
            arguments = [view.squeezed() for view in arguments]
        return self.builder.append(term.kind, term.name, tuple(arguments), shape, term.dtype, params, shard)

    def _piece(self, term: Term, shard: int) -> Term:
        """The term of one shard."""
        symbols, (start, _) = self.symbols_of[shard], self.shards[shard]
        is_sum = term.kind is TermKind.ASSEMBLE and term.number in self.split.sums
        arguments = [
            self._of_shard(view, axis, shard, is_piece=is_sum)
            for view, axis in zip(term.arguments, self.split.axes_of_arguments(term), strict=True)
        ]
        if term.kind is TermKind.INPUT:
            return self._append(term, arguments, symbols, shard, first=start)
        if term.kind is TermKind.RANDOM_BITS:
            return self._append(term, arguments, symbols, shard, first=start * prod(term.shape[1:]))
        return self._append(term, arguments, symbols, shard)

    def _of_shard(self, view: View, axis: int | None, shard: int, is_piece: bool) -> View:
        """What a shard reads of a view."""
        if is_piece or self.split.follows(view, axis):
            return self.symbols_of[shard].view(view, self.pieces[view.term.number][shard])
        whole = self._whole(view)
        if axis is None:
            return whole
        ranges: list[tuple[int, int, int] | None] = [None] * len(whole.shape)
        ranges[axis] = (*self.shards[shard], 1)
        return whole.sliced(ranges)

    def _whole(self, view: View) -> View:
        """The view with all rows."""
        number = view.term.number
        if number not in self.wholes:
            join = self._added if number in self.split.sums else self._side_by_side
            self.wholes[number] = join(view.term, self.pieces[number])
        return self.symbols.view(view, self.wholes[number])

    def _added(self, term: Term, pieces: Sequence[Term]) -> Term:
        """The sum (or maximum) of the pieces, in order."""
        name = f"{SHARD_RULES[term.kind].join}.{term.dtype.name}"
        views = [piece.whole.squeezed() for piece in pieces]
        total = views[0]
        for view in views[1:]:
            total = self.builder.append(TermKind.MAP, name, (total, view), view.shape, term.dtype, {}).whole
        return total.term

    def _side_by_side(self, term: Term, pieces: Sequence[Term]) -> Term:
        axis = self.split.axes[term.number]
        shape = self.symbols.values(term.shape)
        places = []
        for start, stop in self.shards:
            place = [(0, length, 1) for length in shape]
            place[axis] = (start, stop, 1)
            places.append(tuple(place))
        params: Mapping[str, Any] = {"places": tuple(places), "has_background": False}
        views = tuple([piece.whole for piece in pieces])
        return self.builder.append(TermKind.ASSEMBLE, "assemble", views, shape, term.dtype, params)
