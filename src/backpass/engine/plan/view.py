"""A view: a term's elements walked with an offset and strides. Reshaping, slicing and stretching cost nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from backpass.engine.plan.term import Term

Lengths = tuple[int, ...]


def packed_strides(shape: Sequence[int]) -> Lengths:
    """The strides of an array that lies row by row without gaps.

    >>> packed_strides((2, 3, 4))
    (12, 4, 1)
    """
    strides, step = [], 1
    for length in reversed(shape):
        strides.append(step)
        step *= length
    return tuple(reversed(strides))


@dataclass(frozen=True, slots=True)
class View:
    """Elements of a term; offset and strides count elements of the term laid out row by row."""

    term: Term
    offset: int
    shape: Lengths
    strides: Lengths

    @property
    def key(self) -> tuple[object, ...]:
        """Equal for views of the same elements in the same arrangement."""
        return (self.term.number, self.offset, self.shape, self.strides)

    @property
    def size(self) -> int:
        return prod(self.shape)

    @property
    def is_packed(self) -> bool:
        """Whether the elements lie row by row without gaps (lengths of 1 may have any stride)."""
        return all(
            length == 1 or stride == packed
            for length, stride, packed in zip(self.shape, self.strides, packed_strides(self.shape), strict=True)
        )

    @property
    def is_whole(self) -> bool:
        """Whether it is the whole term, in order, perhaps under another shape."""
        return self.offset == 0 and self.is_packed and self.size == self.term.size

    def transposed(self, axes: Sequence[int]) -> View:
        return View(self.term, self.offset, tuple(self.shape[i] for i in axes), tuple(self.strides[i] for i in axes))

    def sliced(self, ranges: Sequence[tuple[int, int, int] | None]) -> View:
        offset, shape, strides = self.offset, [], []
        for taken, length, stride in zip(ranges, self.shape, self.strides, strict=True):
            start, stop, step = taken or (0, length, 1)
            count = max(0, -((start - stop) // step))  # not len(range(...)), which an unknown length may overflow
            offset += start * stride if count else 0
            shape.append(count)
            strides.append(step * stride)
        return View(self.term, offset, tuple(shape), tuple(strides))

    def stretched(self, shape: Lengths) -> View:
        """As broadcasting does."""
        extra = len(shape) - len(self.shape)
        strides = [0] * extra + [
            0 if mine == 1 and length != 1 else stride
            for mine, stride, length in zip(self.shape, self.strides, shape[extra:], strict=True)
        ]
        return View(self.term, self.offset, shape, tuple(strides))

    def squeezed(self) -> View:
        """Without its axes of length 1."""
        kept = [i for i, length in enumerate(self.shape) if length != 1]
        return View(self.term, self.offset, tuple(self.shape[i] for i in kept), tuple(self.strides[i] for i in kept))

    def reshaped(self, shape: Lengths) -> View | None:
        """The same elements row by row in another shape; None where strides cannot say that."""
        if self.size == 0:
            return View(self.term, self.offset, shape, packed_strides(shape))
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


def merged(shape: Sequence[int], strides: Sequence[Lengths]) -> list[tuple[int, Lengths]]:
    """The fewest axes that walk several operands alike: each a length and one stride per operand.

    >>> merged((2, 3, 4), ((12, 4, 1), (0, 0, 1)))
    [(6, (4, 0)), (4, (1, 1))]
    """
    runs: list[tuple[int, Lengths]] = []
    for i, length in enumerate(shape):
        if length == 1:
            continue
        here = tuple(s[i] for s in strides)
        if runs and all(outer == inner * length for outer, inner in zip(runs[-1][1], here, strict=True)):
            runs[-1] = (runs[-1][0] * length, here)
        else:
            runs.append((length, here))
    return runs


@dataclass(frozen=True, slots=True)
class Storage:
    """Where a term's elements lie: a buffer, and in it an offset and strides (in elements) for the term's own axes."""

    buffer: int
    offset: int
    strides: Lengths

    def walk(self, view: View) -> tuple[int, Lengths] | None:
        """Offset and strides of a view of the term; None where this arrangement cannot express it."""
        shape = view.term.shape
        packed = packed_strides(shape)
        if self.strides == packed:
            return self.offset + view.offset, view.strides
        start = [0] * len(shape)
        left = view.offset
        for i, step in enumerate(packed):
            start[i], left = divmod(left, step) if step else (0, left)
        room = [length - 1 - at for length, at in zip(shape, start, strict=True)]
        strides = []
        for length, stride in zip(view.shape, view.strides, strict=True):
            if length == 1 or stride == 0:
                strides.append(0)
                continue
            axis = next((i for i, step in enumerate(packed) if shape[i] > 1 and abs(stride) >= step), None)
            if axis is None or stride % packed[axis]:
                return None
            step = stride // packed[axis]
            reach = (length - 1) * step
            room[axis] -= max(reach, 0)
            if room[axis] < 0 or start[axis] + min(reach, 0) < 0:
                return None
            strides.append(step * self.strides[axis])
        return self.offset + sum(a * s for a, s in zip(start, self.strides, strict=True)), tuple(strides)
