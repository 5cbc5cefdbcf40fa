"""Term: a value that a plan computes, and views of terms: the elements that another term reads.

Terms and views are frozen. A pass that changes a term makes a new one with the same number, and a new graph.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum
from math import prod
from typing import Any

import numpy

from backpass.dataclass import dataclass
from backpass.engine.plan.strides import Lengths, merged, packed_strides

WHOLE = -1
"""The shard number of terms that cover all rows."""


class TermKind(StrEnum):
    """What a term is.

    ``ASSEMBLE`` joins pieces in one array: the pieces are written to their places, so that no instruction computes it.
    """

    INPUT = "input"
    CONSTANT = "constant"
    MAP = "map"  # one elementwise operation
    PRODUCT = "product"
    SUM = "sum"
    MAX = "max"
    TAKE = "take"
    SCATTER_ADD = "scatter_add"
    RANDOM_BITS = "random_bits"
    PACK = "pack"
    ASSEMBLE = "assemble"

    @property
    def is_computed(self) -> bool:
        """Whether an instruction writes such a term."""
        return self not in _NOT_COMPUTED


_NOT_COMPUTED = frozenset((TermKind.INPUT, TermKind.CONSTANT, TermKind.ASSEMBLE))


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Term:
    """A value to compute.

    Attributes:
        number: The number, unique in a graph. Terms are ordered by it where their dependencies allow several orders.
        kind: What it is.
        name: The operation; for a map with its dtype, such as "add.float32"; for an input its name.
        arguments: The views that it reads.
        params: Other parameters.
        shape: The shape.
        dtype: The dtype.
        label: The scope in the circuit.
        shard: The shard of the rows that it belongs to (see ``passes.sharding``), or WHOLE.
        after: Terms that must be computed before this one although it does not read them.
    """

    number: int
    kind: TermKind
    name: str
    arguments: tuple[View, ...]
    params: Mapping[str, Any]
    shape: Lengths
    dtype: numpy.dtype[Any]
    label: str
    shard: int = WHOLE
    after: tuple[Term, ...] = ()

    def __repr__(self) -> str:
        return f"%{self.number} = {self.name} {list(self.shape)}"

    @property
    def size(self) -> int:
        return prod(self.shape)

    @property
    def size_bytes(self) -> int:
        return self.size * self.dtype.itemsize

    @property
    def whole(self) -> View:
        return View(self, 0, self.shape, packed_strides(self.shape))

    @property
    def is_computed(self) -> bool:
        return self.kind not in _NOT_COMPUTED

    @property
    def is_number(self) -> bool:
        """Whether it is a constant with one element."""
        return self.kind is TermKind.CONSTANT and self.size == 1

    def reading(self, arguments: tuple[View, ...], after: tuple[Term, ...]) -> Term:
        """The same term with other arguments; several times as fast as ``dataclasses.replace``."""
        return Term(
            self.number, self.kind, self.name, arguments, self.params,
            self.shape, self.dtype, self.label, self.shard, after,
        )  # fmt: skip

    @property
    def needs(self) -> list[Term]:
        found = [view.term for view in self.arguments]
        return found if not self.after else [*found, *self.after]


@dataclass(frozen=True, slots=True)
class View:
    """Elements of a term.

    Attributes:
        term: The term.
        offset: The offset of the first element in the packed term, in elements.
        shape: The shape of the view.
        strides: The strides in the packed term, in elements.
    """

    term: Term
    offset: int
    shape: Lengths
    strides: Lengths

    @property
    def key(self) -> tuple[object, ...]:
        """A key that is equal for views of the same elements in the same arrangement."""
        return (self.term.number, self.offset, self.shape, self.strides)

    @property
    def size(self) -> int:
        return prod(self.shape)

    @property
    def is_packed(self) -> bool:
        """Whether the elements are contiguous in row-major order (axes of length 1 may have any stride)."""
        return all(
            length == 1 or stride == packed
            for length, stride, packed in zip(self.shape, self.strides, packed_strides(self.shape), strict=True)
        )

    @property
    def is_whole(self) -> bool:
        """Whether it is the whole term, in order, possibly under another shape."""
        return self.offset == 0 and self.is_packed and self.size == self.term.size

    def of(self, term: Term) -> View:
        """The same elements of another version of the term."""
        return self if term is self.term else View(term, self.offset, self.shape, self.strides)

    def transposed(self, axes: Sequence[int]) -> View:
        return View(self.term, self.offset, tuple(self.shape[i] for i in axes), tuple(self.strides[i] for i in axes))

    def sliced(self, ranges: Sequence[tuple[int, int, int] | None]) -> View:
        offset, shape, strides = self.offset, [], []
        for taken, length, stride in zip(ranges, self.shape, self.strides, strict=True):
            start, stop, step = taken or (0, length, 1)
            count = max(0, -((start - stop) // step))  # not len(range(...)), which a symbolic length may overflow
            offset += start * stride if count else 0
            shape.append(count)
            strides.append(step * stride)
        return View(self.term, offset, tuple(shape), tuple(strides))

    def stretched(self, shape: Lengths) -> View:
        """The view broadcast to a shape."""
        if shape == self.shape:
            return self
        extra = len(shape) - len(self.shape)
        strides = [0] * extra + [
            0 if mine == 1 and length != 1 else stride
            for mine, stride, length in zip(self.shape, self.strides, shape[extra:], strict=True)
        ]
        return View(self.term, self.offset, shape, tuple(strides))

    def squeezed(self) -> View:
        """The view without its axes of length 1."""
        if 1 not in self.shape:
            return self
        kept = [i for i, length in enumerate(self.shape) if length != 1]
        return View(self.term, self.offset, tuple(self.shape[i] for i in kept), tuple(self.strides[i] for i in kept))

    def reshaped(self, shape: Lengths) -> View | None:
        """The same elements in row-major order under another shape; None if strides cannot express it."""
        if self.size == 0:
            return View(self.term, self.offset, shape, packed_strides(shape))
        if shape == self.shape and 1 not in shape:
            return self
        runs = merged(self.shape, (self.strides,))
        strides: list[int] = []
        i, left = 0, runs[0][0] if runs else 1
        for length in shape:
            while length != 1 and left == 1 and i + 1 < len(runs):
                i, left = i + 1, runs[i + 1][0]
            if length == 1:
                strides.append(0)
                continue
            if left % length:
                return None
            left //= length
            strides.append(left * runs[i][1][0])
        return View(self.term, self.offset, shape, tuple(strides))
