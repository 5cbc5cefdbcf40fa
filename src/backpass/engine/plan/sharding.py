"""Sharding: splits the rows of a small training step into shards, each of which passes through the network by itself.

Within a shard no thread waits for another, and the output of a layer is still in the cache when the next layer reads
it. Shards meet only where something is summed over all rows, such as the gradient of a parameter: each shard computes
the sum of its rows, and these sums are added in order. The bounds depend on sizes only, so the number of threads, and
which thread runs which shard, do not change a bit of the result.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import prod
from typing import Any

from backpass.engine.plan.graph import WHOLE, Graph, Term, View
from backpass.engine.plan.peephole import needed
from backpass.engine.plan.strides import Lengths
from backpass.engine.plan.symbolic import SymbolicLengths

Cut = tuple[int, int]
"""The first row of a shard, and the row after its last one."""

_JOINS = {"sum": "add", "product": "add", "assemble": "add", "max": "maximum"}

_LEAST_ROWS, _USUAL_ROWS, _MOST_PARTS = 32, 128, 8
_MOST_NUMBERS = 1_500_000
"""Maximum of (elements of all states) times shards, so that the sums of the shards fit into the cache.

In larger steps the threads share each product instead.
"""


def shard_bounds(rows: int, numbers: int) -> list[Cut]:
    """The shards of a batch; empty if the step is not sharded.

    Args:
        rows: The number of rows.
        numbers: The number of elements of all states.

    >>> shard_bounds(257, 30_000)
    [(0, 128), (128, 257)]
    """
    parts = min(max(2, rows // _USUAL_ROWS), _MOST_PARTS, _MOST_NUMBERS // max(numbers, 1))
    if parts < 2 or rows < 2 * _LEAST_ROWS:
        return []
    return list(pairwise(rows * i // parts for i in range(parts + 1)))


@dataclass(frozen=True, slots=True)
class Sharding:
    """What is split into shards.

    Attributes:
        rows: The name of the free length.
        cuts: The shards.
        batch: The indices of the inputs whose rows are split.
    """

    rows: str
    cuts: Sequence[Cut]
    batch: Sequence[int]


def settle(
    inputs: Sequence[Term], outputs: Sequence[View], unknowns: SymbolicLengths, cutting: Sharding
) -> tuple[Graph, list[list[Term]], list[View]]:
    """Replace symbolic lengths by their values and split rows into shards, in a new graph.

    Args:
        inputs: The input terms.
        outputs: The outputs.
        unknowns: The symbolic lengths and their values.
        cutting: What to split.

    Returns:
        The graph, the terms of each input (one, or one per shard), and the outputs.
    """
    settling = _Settling(inputs, outputs, unknowns, cutting)
    return settling.graph, [settling.inputs_of(term) for term in inputs], [settling.whole(view) for view in outputs]


class _Settling:
    """The construction of the new graph.

    Attributes:
        wholes: old term -> the new term with all rows.
        pieces: old term -> the new terms, one per shard.
        axes: The row axis of the old terms that are split by rows.
        sums: The old terms that are the sum (or the maximum) of the results of the shards.
    """

    def __init__(
        self, inputs: Sequence[Term], outputs: Sequence[View], unknowns: SymbolicLengths, cutting: Sharding
    ) -> None:
        self.graph = Graph()
        self.unknowns, self.cuts = unknowns, cutting.cuts
        self.of_part = [unknowns.with_value(cutting.rows, stop - start) for start, stop in self.cuts]
        self.wholes: dict[int, Term] = {}
        self.pieces: dict[int, list[Term]] = {}
        self.axes: dict[int, int] = {}
        self.sums: set[int] = set()
        terms = needed(outputs)
        if self.cuts:
            self.rows = unknowns.lengths[cutting.rows]
            self._find(terms, {inputs[i].number for i in cutting.batch} - {view.term.number for view in outputs})
        for term in [*inputs, *(term for term in terms if term.kind != "input")]:
            self.graph.label = term.label
            if term.number in self.axes or term.number in self.sums:
                self.pieces[term.number] = [self._piece(term, part) for part in range(len(self.cuts))]
            else:
                self.wholes[term.number] = self._settled(term)
        self.graph.label = ""

    def inputs_of(self, term: Term) -> list[Term]:
        return self.pieces.get(term.number) or [self.wholes[term.number]]

    # Which terms are split -----------------------------------------------------------------------------------------

    def _find(self, terms: Sequence[Term], batch: set[int]) -> None:
        for term in terms:
            axis = self._axis_of(term.shape)
            if axis is not None and (self._keeps_rows(term, axis) or (axis == 0 and term.number in batch)):
                self.axes[term.number] = axis
            elif not self._has_rows(term.shape) and self._sums_rows(term):
                self.sums.add(term.number)
                if term.kind == "assemble" and term.params["has_background"]:
                    self.sums.add(term.arguments[0].term.number)  # the background of zeros belongs to this array only
        # An input is split only if nothing reads it whole, so that its rows are gathered once.
        for term in terms:
            for view, axis in zip(term.arguments, self._axes_of_arguments(term), strict=True):
                if view.term.kind == "input" and not self._follows(view, axis):
                    self.axes.pop(view.term.number, None)

    def _axis_of(self, shape: Lengths) -> int | None:
        """The row axis, if there is exactly one and no other length depends on the number of rows; else None."""
        # A symbolic length far exceeds every known one, so a length of at least half of it depends on it.
        axes = [i for i, length in enumerate(shape) if 2 * length >= self.rows]
        return axes[0] if len(axes) == 1 and shape[axes[0]] == self.rows else None

    def _has_rows(self, shape: Lengths) -> bool:
        return any(2 * length >= self.rows for length in shape)

    def _keeps_rows(self, term: Term, axis: int) -> bool:
        """Whether a shard of the result depends only on the same shard of the arguments that have rows."""
        if term.kind == "map":
            return True
        if term.kind == "product":
            return not self._has_rows(term.arguments[0].shape[-1:])
        if term.kind in ("sum", "max"):
            return self._axis_of(term.arguments[0].shape) == axis
        if term.kind == "random_bits":
            return axis == 0
        if term.kind == "take":
            source, indices = (view.shape for view in term.arguments)
            if self._has_rows(indices):
                return axis == 0 and self._axis_of(indices) == 0 and not self._has_rows(source)
            return axis == 0 and term.params["axis"] > 0
        if term.kind == "assemble":
            return all(place[axis] == (0, self.rows, 1) for place in term.params["places"])
        return False

    def _sums_rows(self, term: Term) -> bool:
        """Whether the result is the sum (or the maximum) of the results of the shards."""
        if term.dtype.kind != "f":
            return False
        if term.kind == "product":
            return len(term.arguments) == 2 and term.arguments[0].shape[-1] == self.rows
        if term.kind in ("sum", "max"):
            return self._axis_of(term.arguments[0].shape) is not None
        if term.kind == "assemble":
            pieces = term.arguments[int(term.params["has_background"]) :]
            return bool(pieces) and all(view.term.number in self.sums and view.term.kind != "max" for view in pieces)
        return False

    def _axes_of_arguments(self, term: Term) -> Iterator[int | None]:
        """For each argument, the axis along which a shard takes its rows; None if it reads all rows."""
        axis, rank = self.axes.get(term.number), len(term.shape)
        for i, view in enumerate(term.arguments):
            if term.number in self.sums:
                last = len(view.shape) - 1
                yield {"product": last - i, "assemble": None}.get(term.kind, self._axis_of(view.shape))
            elif axis is None or term.kind == "random_bits":
                yield None
            elif term.kind == "product":
                is_there = (axis != rank - 1, axis != rank - 2, axis != rank - 2)[i]
                yield min(axis, len(view.shape) - 1) if is_there else None
            elif term.kind == "take":
                yield 0 if self._has_rows(view.shape) else None
            else:
                yield axis

    def _follows(self, view: View, axis: int | None) -> bool:
        """Whether the rows of a shard along that axis of the view are the rows of the same shard of its term.

        A symbolic length can only be traversed as a whole: an axis with the stride of a row visits all rows in order.
        """
        own = self.axes.get(view.term.number)
        return own is not None and axis is not None and view.strides[axis] == prod(view.term.shape[own + 1 :])

    # Terms with their lengths ----------------------------------------------------------------------------------------

    def _append(
        self, term: Term, arguments: Sequence[View], unknowns: SymbolicLengths, part: int, **params: Any
    ) -> Term:
        shape = unknowns.values(term.shape)
        params = {key: unknowns.param(value) for key, value in term.params.items()} | params
        if term.kind == "map":  # a map does not iterate over axes of length 1; see ``Graph.map``
            shape = tuple(n for n in shape if n != 1)
            arguments = [view.squeezed() for view in arguments]
        return self.graph.append(term.kind, term.name, tuple(arguments), shape, term.dtype, params, part)

    def _settled(self, term: Term) -> Term:
        return self._append(term, [self.whole(view) for view in term.arguments], self.unknowns, WHOLE)

    def _piece(self, term: Term, part: int) -> Term:
        of_part, (start, _) = self.of_part[part], self.cuts[part]
        arguments = [
            self._of_part(view, axis, part, is_piece=term.kind == "assemble" and term.number in self.sums)
            for view, axis in zip(term.arguments, self._axes_of_arguments(term), strict=True)
        ]
        if term.kind == "input":
            return self._append(term, arguments, of_part, part, first=start)
        if term.kind == "random_bits":
            return self._append(term, arguments, of_part, part, first=start * prod(term.shape[1:]))
        return self._append(term, arguments, of_part, part)

    def _of_part(self, view: View, axis: int | None, part: int, is_piece: bool) -> View:
        """What a shard reads of a view."""
        if is_piece or self._follows(view, axis):
            return self.of_part[part].view(view, self.pieces[view.term.number][part])
        whole = self.whole(view)
        if axis is None:
            return whole
        ranges: list[tuple[int, int, int] | None] = [None] * len(whole.shape)
        ranges[axis] = (*self.cuts[part], 1)
        return whole.sliced(ranges)

    def whole(self, view: View) -> View:
        """The view with all rows."""
        number = view.term.number
        if number not in self.wholes:
            join = self._added if number in self.sums else self._side_by_side
            self.wholes[number] = join(view.term, self.pieces[number])
        return self.unknowns.view(view, self.wholes[number])

    def _added(self, term: Term, pieces: Sequence[Term]) -> Term:
        """The sum (or maximum) of the pieces, in order."""
        name = f"{_JOINS[term.kind]}.{term.dtype.name}"
        views = [piece.whole.squeezed() for piece in pieces]
        total = views[0]
        for view in views[1:]:
            total = self.graph.append("map", name, (total, view), view.shape, term.dtype, {}).whole
        return total.term

    def _side_by_side(self, term: Term, pieces: Sequence[Term]) -> Term:
        axis = self.axes[term.number]
        shape = self.unknowns.values(term.shape)
        places = []
        for start, stop in self.cuts:
            place = [(0, length, 1) for length in shape]
            place[axis] = (start, stop, 1)
            places.append(tuple(place))
        params: Mapping[str, Any] = {"places": tuple(places), "has_background": False}
        return self.graph.append("assemble", "assemble", tuple(p.whole for p in pieces), shape, term.dtype, params)
