"""Shard rules: how each kind of term treats rows, so that it can be computed shard by shard.

A term of a step is split in one of two ways. It *keeps* rows if a shard of the result depends only on the same shard of
the arguments that have rows. It *sums* rows if the result is the sum (or the maximum) of the results of the shards. All
other terms are computed once, from all rows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from backpass.dataclass import dataclass
from backpass.engine.plan.strides import Lengths
from backpass.engine.plan.term import Term, TermKind

IsSummed = Callable[[int], bool]
"""Whether the term of that number sums rows."""


@dataclass(frozen=True, slots=True)
class Rows:
    """The rows of a batch in a graph with symbolic lengths.

    Attributes:
        length: The symbolic number of rows. It far exceeds every known length, so a length of at least half of it
            depends on it.
    """

    length: int

    def axis_of(self, shape: Lengths) -> int | None:
        """The row axis, if there is exactly one and no other length depends on the number of rows; else None."""
        axes = [i for i, length in enumerate(shape) if 2 * length >= self.length]
        return axes[0] if len(axes) == 1 and shape[axes[0]] == self.length else None

    def are_in(self, shape: Lengths) -> bool:
        """Whether a length depends on the number of rows."""
        return any(2 * length >= self.length for length in shape)


class ShardRule:
    """The rule of a kind of term. This one is for terms that need all rows at once.

    Attributes:
        join: The elementwise operation that joins the results of the shards of a term that sums rows.
    """

    join = "add"

    def keeps(self, rows: Rows, term: Term, axis: int) -> bool:
        """Whether a shard of the result depends only on the same shard of the arguments that have rows.

        Args:
            rows: The rows.
            term: The term.
            axis: The row axis of the term.
        """
        return False

    def sums(self, rows: Rows, term: Term, is_summed: IsSummed) -> bool:
        """Whether the result is the sum (or the maximum) of the results of the shards."""
        return False

    def axes_if_kept(self, rows: Rows, term: Term, axis: int) -> Iterator[int | None]:
        """For each argument of a term that keeps rows, the axis of a shard's rows; None if it reads all of it."""
        for _ in term.arguments:
            yield axis

    def axes_if_summed(self, rows: Rows, term: Term) -> Iterator[int | None]:
        """The same for a term that sums rows."""
        for view in term.arguments:
            yield rows.axis_of(view.shape)


class _MapRule(ShardRule):
    def keeps(self, rows: Rows, term: Term, axis: int) -> bool:
        return True


class _ProductRule(ShardRule):
    """x W keeps the rows of x; the gradient x^T dz sums them, because they are its steps of k."""

    def keeps(self, rows: Rows, term: Term, axis: int) -> bool:
        return not rows.are_in(term.arguments[0].shape[-1:])

    def sums(self, rows: Rows, term: Term, is_summed: IsSummed) -> bool:
        return _is_real(term) and len(term.arguments) == 2 and term.arguments[0].shape[-1] == rows.length

    def axes_if_kept(self, rows: Rows, term: Term, axis: int) -> Iterator[int | None]:
        rank = len(term.shape)
        has_rows = (axis != rank - 1, axis != rank - 2, axis != rank - 2)  # the factors and the bias
        for view, is_there in zip(term.arguments, has_rows, strict=False):
            yield min(axis, len(view.shape) - 1) if is_there else None

    def axes_if_summed(self, rows: Rows, term: Term) -> Iterator[int | None]:
        for i, view in enumerate(term.arguments):
            yield len(view.shape) - 1 - i


class _ReductionRule(ShardRule):
    def __init__(self, join: str) -> None:
        self.join = join

    def keeps(self, rows: Rows, term: Term, axis: int) -> bool:
        return rows.axis_of(term.arguments[0].shape) == axis

    def sums(self, rows: Rows, term: Term, is_summed: IsSummed) -> bool:
        return _is_real(term) and rows.axis_of(term.arguments[0].shape) is not None


class _TakeRule(ShardRule):
    """Rows of a table by the indices in each row, or the same columns of every row."""

    def keeps(self, rows: Rows, term: Term, axis: int) -> bool:
        source, indices = (view.shape for view in term.arguments)
        if rows.are_in(indices):
            return axis == 0 and rows.axis_of(indices) == 0 and not rows.are_in(source)
        return axis == 0 and term.params["axis"] > 0

    def axes_if_kept(self, rows: Rows, term: Term, axis: int) -> Iterator[int | None]:
        for view in term.arguments:
            yield 0 if rows.are_in(view.shape) else None


class _RandomBitsRule(ShardRule):
    """A shard draws its own range of the bits; all shards read the same key and step."""

    def keeps(self, rows: Rows, term: Term, axis: int) -> bool:
        return axis == 0

    def axes_if_kept(self, rows: Rows, term: Term, axis: int) -> Iterator[int | None]:
        for _ in term.arguments:
            yield None


class _AssembleRule(ShardRule):
    """Pieces that have all rows keep them; an array of sums, such as dJ/dtheta, is summed as a whole."""

    def keeps(self, rows: Rows, term: Term, axis: int) -> bool:
        return all(place[axis] == (0, rows.length, 1) for place in term.params["places"])

    def sums(self, rows: Rows, term: Term, is_summed: IsSummed) -> bool:
        pieces = term.arguments[int(term.params["has_background"]) :]
        are_sums = all(is_summed(v.term.number) and v.term.kind is not TermKind.MAX for v in pieces)
        return _is_real(term) and bool(pieces) and are_sums

    def axes_if_summed(self, rows: Rows, term: Term) -> Iterator[int | None]:
        for _ in term.arguments:
            yield None


def _is_real(term: Term) -> bool:
    return term.dtype.kind == "f"


_ALL_ROWS = ShardRule()

SHARD_RULES: Mapping[TermKind, ShardRule] = {
    TermKind.INPUT: _ALL_ROWS,
    TermKind.CONSTANT: _ALL_ROWS,
    TermKind.MAP: _MapRule(),
    TermKind.PRODUCT: _ProductRule(),
    TermKind.SUM: _ReductionRule("add"),
    TermKind.MAX: _ReductionRule("maximum"),
    TermKind.TAKE: _TakeRule(),
    TermKind.SCATTER_ADD: _ALL_ROWS,
    TermKind.RANDOM_BITS: _RandomBitsRule(),
    TermKind.PACK: _ALL_ROWS,
    TermKind.ASSEMBLE: _AssembleRule(),
}
