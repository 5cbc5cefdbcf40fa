"""Column scales: the center and scale of a numeric column, z = (x - center) scale, fitted on the training rows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from math import frexp, sqrt
from types import MappingProxyType
from typing import Protocol

import numpy
from numpy.typing import NDArray

from backpass.numerics.elementary import total

Floats = NDArray[numpy.float64]


class Columns(Protocol):
    """Numbers (n, p) that are read one column after another, or in slices of rows, such as an array."""

    @property
    def T(self) -> Iterable[Floats]: ...  # noqa: N802  the name that it has in NumPy
    def __len__(self) -> int: ...
    def __getitem__(self, rows: slice, /) -> Floats: ...


_LARGEST_SCALE = 1e300
_LARGEST_OF_MARKS = 2.0


def unscaled(values: Floats) -> tuple[float, float]:
    """Center 0 and scale 1, so that z = x; a column without values has scale 0, and no effect."""
    return 0.0, 1.0 if values.size else 0.0


def standard_scale_of(values: Floats) -> tuple[float, float]:
    """The mean of a column and 1 / its standard deviation; if all values are equal the scale is 0.

    >>> standard_scale_of(numpy.array([1.0, 2.0, 3.0, 6.0]))
    (3.0, 0.5345224838248488)
    """
    if values.size == 0:
        return 0.0, 0.0
    ordered = numpy.sort(values)  # the sums do not depend on the order of the rows
    origin = float(ordered[ordered.size // 2])
    # Halves, in units of the power of 2 above the largest one: nothing overflows, and a large mean costs no digits of a
    # small deviation.
    halves = 0.5 * ordered - 0.5 * origin
    largest = float(numpy.max(numpy.abs(halves)))
    if largest == 0.0:
        return origin, 0.0
    exponent = frexp(largest)[1]
    ratios = numpy.ldexp(halves, -exponent)
    mean = total(ratios) / ratios.size
    deviation = sqrt(total((ratios - mean) * (ratios - mean)) / ratios.size)
    center = 2.0 * (0.5 * origin + float(numpy.ldexp(mean, exponent)))
    with numpy.errstate(over="ignore"):
        return center, float(min(numpy.ldexp(0.5 / deviation, -exponent), _LARGEST_SCALE))


def scale_of(values: Floats) -> tuple[float, float]:
    """The center and scale of a column: its median, and 1 / (q75 - q25).

    If the quartiles are equal, the scale is 2 / (max - min); if all values are equal it is 0, and the column has no
    effect.

    >>> scale_of(numpy.array([1.0, 2.0, 3.0, 4.0, 5.0]))
    (3.0, 0.5)
    """
    if values.size == 0:
        return 0.0, 0.0
    ordered = numpy.sort(values)
    middle = quantile_of(ordered, 0.5)
    # Relative to one of the values rather than 0, so that a large mean does not cost digits of a small range. Halves,
    # because the difference of two large numbers may overflow.
    halves = 0.5 * ordered - 0.5 * ordered[ordered.size // 2]
    half_range = quantile_of(halves, 0.75) - quantile_of(halves, 0.25)
    factor = 0.5
    if half_range == 0.0:
        half_range, factor = float(halves[-1] - halves[0]), 1.0
    if half_range == 0.0:
        return middle, 0.0
    return middle, float(min(factor / half_range, _LARGEST_SCALE)) if half_range > 1e-300 else _LARGEST_SCALE


def quantile_of(ordered: Floats, q: float) -> float:
    """The q-quantile of sorted values, linearly interpolated (type 7, the usual default)."""
    position = q * (ordered.size - 1)
    below = int(position)
    above = min(below + 1, ordered.size - 1)
    t = position - below
    return float(ordered[below] * (1.0 - t) + ordered[above] * t)


SCALINGS: Mapping[str, Callable[[Floats], tuple[float, float]]] = MappingProxyType(
    {"none": unscaled, "standard": standard_scale_of, "robust": scale_of}
)
"""Values of a column without missing numbers -> center and scale, by name."""


def scales_of(columns: Columns, scaling: str, marks: Sequence[bool] | None = None) -> tuple[Floats, Floats]:
    """Center and scale of each column, ignoring missing numbers: (n, p) -> (p,), (p,)

    Args:
        columns: The columns.
        scaling: A name in ``SCALINGS``.
        marks: Which columns hold nothing but -1, 0 and 1. "standard" multiplies these by 2 at most, as "robust" does:
            if 1 is rare or absent, it would be many standard deviations away. Default None: no column.
    """
    fitted = SCALINGS[scaling]
    pairs = numpy.array([fitted(column[~numpy.isnan(column)]) for column in columns.T]).reshape(-1, 2)
    center, scale = pairs[:, 0].copy(), pairs[:, 1].copy()
    if scaling == "standard" and marks is not None:
        scale[numpy.asarray(marks, dtype=numpy.bool_) & (scale > _LARGEST_OF_MARKS)] = _LARGEST_OF_MARKS
    return center, scale
