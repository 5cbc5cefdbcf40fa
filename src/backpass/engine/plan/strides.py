"""Strides: the distance between neighboring elements of an array along each axis, in elements."""

from __future__ import annotations

from collections.abc import Sequence

Lengths = tuple[int, ...]
"""The lengths of the axes of an array, or generally one number per axis."""


def packed_strides(shape: Sequence[int]) -> Lengths:
    """The strides of a contiguous array in row-major order.

    >>> packed_strides((2, 3, 4))
    (12, 4, 1)
    """
    strides, step = [], 1
    for length in reversed(shape):
        strides.append(step)
        step *= length
    return tuple(reversed(strides))


def merged(shape: Sequence[int], strides: Sequence[Lengths]) -> list[tuple[int, Lengths]]:
    """Merge axes that all operands traverse alike; returns a length and one stride per operand for each remaining axis.

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


def is_inside(offset: int, shape: Sequence[int], strides: Sequence[int], size: int) -> bool:
    """Whether all elements of a strided array lie within ``size`` elements.

    >>> is_inside(2, (3,), (-1,), 3), is_inside(1, (3,), (1,), 3)
    (True, False)
    """
    reach = [(length - 1) * stride for length, stride in zip(shape, strides, strict=True)]
    return offset + sum(min(r, 0) for r in reach) >= 0 and offset + sum(max(r, 0) for r in reach) < size
