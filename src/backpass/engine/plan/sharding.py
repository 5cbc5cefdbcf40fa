"""The parts: the rows of a small step are cut into some parts, and each goes through the network by itself.

Within a part no thread waits for another, and what a layer makes is still in the cache when the next one reads it.
Parts only meet where something is summed over all rows, as the gradient of a parameter is: each makes the sum of its
own rows, and these are added in order. How rows are cut follows from sizes alone, so which thread takes which part, and
how many there are, changes no bit.
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
"""The first row of a part and the row behind its last."""

_JOINS = {"sum": "add", "product": "add", "assemble": "add", "max": "maximum"}

_LEAST_ROWS, _USUAL_ROWS, _MOST_PARTS = 32, 128, 8
_MOST_NUMBERS = 1_500_000
"""Of all states, times the parts: the sums of the parts should stay in the cache. Larger steps share each product."""


def shard_bounds(rows: int, numbers: int) -> list[Cut]:
    """The parts of so many rows, where the states of the step have so many numbers; empty where it is not cut.

    >>> shard_bounds(257, 30_000)
    [(0, 128), (128, 257)]
    """
    parts = min(max(2, rows // _USUAL_ROWS), _MOST_PARTS, _MOST_NUMBERS // max(numbers, 1))
    if parts < 2 or rows < 2 * _LEAST_ROWS:
        return []
    return list(pairwise(rows * i // parts for i in range(parts + 1)))


@dataclass(frozen=True, slots=True)
class Sharding:
    """What is cut into parts: the length of this name, in those inputs and in what is made of them."""

    rows: str
    cuts: Sequence[Cut]
    batch: Sequence[int]


def settle(
    inputs: Sequence[Term], outputs: Sequence[View], unknowns: SymbolicLengths, cutting: Sharding
) -> tuple[Graph, list[list[Term]], list[View]]:
    """The inputs and what the outputs need, with the lengths put in, in a graph of their own.

    Gives the graph, the terms of each input (one, or one per part), and the outputs.
    """
    settling = _Settling(inputs, outputs, unknowns, cutting)
    return settling.graph, [settling.inputs_of(term) for term in inputs], [settling.whole(view) for view in outputs]


class _Settling:
    """The makings of the new graph.

    wholes: the new term of an old one, with all rows
    pieces: those of each part
    axes: of the terms that are cut by rows, which axis the rows are
    sums: the terms that are the sum (or the maximum) of what the parts give
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

    # Which terms are cut -------------------------------------------------------------------------------------------

    def _find(self, terms: Sequence[Term], batch: set[int]) -> None:
        for term in terms:
            axis = self._axis_of(term.shape)
            if axis is not None and (self._keeps_rows(term, axis) or (axis == 0 and term.number in batch)):
                self.axes[term.number] = axis
            elif not self._has_rows(term.shape) and self._sums_rows(term):
                self.sums.add(term.number)
                if term.kind == "assemble" and term.params["has_background"]:
                    self.sums.add(term.arguments[0].term.number)  # zeros, for this array alone
        # An input is cut only if nobody reads it whole: its rows are gathered once.
        for term in terms:
            for view, axis in zip(term.arguments, self._axes_of_arguments(term), strict=True):
                if view.term.kind == "input" and not self._follows(view, axis):
                    self.axes.pop(view.term.number, None)

    def _axis_of(self, shape: Lengths) -> int | None:
        """The axis of the rows, if there is just one and nothing else depends on their number."""
        axes = [i for i, length in enumerate(shape) if 2 * length >= self.rows]
        return axes[0] if len(axes) == 1 and shape[axes[0]] == self.rows else None

    def _has_rows(self, shape: Lengths) -> bool:
        return any(2 * length >= self.rows for length in shape)

    def _keeps_rows(self, term: Term, axis: int) -> bool:
        """Whether a part of the result comes from the same part of what has rows."""
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
        """Whether the result is the sum (or the maximum) of what each part gives."""
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
        """For each argument, the axis along which a part takes its rows; None where it takes all."""
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
        """Whether the rows of a part, along that axis of the view, are the rows of that part of its term.

        A free length can only be taken whole: where the axis walks from row to row, it walks over all of them in order.
        """
        own = self.axes.get(view.term.number)
        return own is not None and axis is not None and view.strides[axis] == prod(view.term.shape[own + 1 :])

    # Terms with their lengths ----------------------------------------------------------------------------------------

    def _append(
        self, term: Term, arguments: Sequence[View], unknowns: SymbolicLengths, part: int, **params: Any
    ) -> Term:
        shape = unknowns.values(term.shape)
        params = {key: unknowns.param(value) for key, value in term.params.items()} | params
        if term.kind == "map":  # as when it was made: it does not iterate over axes of length 1
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
        """What a part reads of a view."""
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
        """The pieces added in order."""
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
