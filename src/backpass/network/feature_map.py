"""The feature map phi: columns of a table as numbers and codes -> the inputs x of a network.

Scaling, filling in of missing numbers, indicators and one-hot are a circuit, so that training, every engine and every
export share one definition. The numbers it needs (centers, scales) are fitted on the training rows and stored in the
model file.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy
from numpy.typing import NDArray

from backpass.circuit import Array, Circuit, Spec, label, trace
from backpass.circuit.operations import clip, concatenate, isnan, one_hot, sqrt, where

_CLIP_AT = 3.0
# Far beyond the clip f(z) no longer changes; staying below keeps z^2 finite.
_FAR = 1e6
_LARGEST_SCALE = 1e300


@dataclass(frozen=True, slots=True)
class FeatureMap:
    """phi(x) of CS229, with fitted numbers.

    Number columns: z = (x - center) scale, squeezed smoothly into (-3, 3) by z / sqrt(1 + (z/3)^2) (RealMLP,
    Holzmueller et al. 2024); a missing number becomes 0, the training median, and a column that had missing numbers
    gets an indicator beside it. Text columns: one-hot of the codes 1 .. levels; code 0 (missing or never seen) has a
    column of its own only where training rows had it (``has_unknown``), otherwise it is all zeros.

    numbers float64 (n, p), NaN = missing   codes int32 (n, q)   ->   x (n, d)
    """

    center: NDArray[numpy.float64]
    scale: NDArray[numpy.float64]
    has_missing: tuple[bool, ...]
    levels: tuple[int, ...]
    has_unknown: tuple[bool, ...]

    @property
    def width(self) -> int:
        """d, the number of inputs of the network."""
        return len(self.center) + sum(self.has_missing) + sum(self.levels) + sum(self.has_unknown)

    def groups(self) -> list[tuple[int, ...]]:
        """Per column (numbers first, then text) the numbers of the inputs it becomes."""
        groups: list[tuple[int, ...]] = []
        indicator = len(self.center)
        for i, missing in enumerate(self.has_missing):
            groups.append((i, indicator) if missing else (i,))
            indicator += missing
        start = indicator
        for levels, unknown in zip(self.levels, self.has_unknown, strict=True):
            groups.append(tuple(range(start, start + levels + unknown)))
            start += levels + unknown
        return groups

    def input_names(self, numbers: Sequence[str], texts: Mapping[str, Sequence[str]]) -> list[str]:
        """A name for each input: the column, ``column is missing``, or ``column = level``."""
        names = list(numbers)
        names += [f"{name} is missing" for name, missing in zip(numbers, self.has_missing, strict=True) if missing]
        for (name, levels), unknown in zip(texts.items(), self.has_unknown, strict=True):
            names += [*([f"{name} is missing or new"] if unknown else []), *(f"{name} = {level}" for level in levels)]
        return names

    def __call__(self, numbers: Array, codes: Array, dtype: Any) -> Array:
        """x for the given columns; worked out in float64, then rounded once to ``dtype``."""
        parts = []
        if len(self.center):
            parts.append(self._scaled(numbers).astype(dtype))
        missing = [i for i, flag in enumerate(self.has_missing) if flag]
        with label("indicators of missing numbers"):
            parts += [isnan(numbers[:, i : i + 1]).astype(dtype) for i in missing]
        with label("one-hot"):
            for j, (levels, unknown) in enumerate(zip(self.levels, self.has_unknown, strict=True)):
                shifted = codes[:, j] - (0 if unknown else 1)
                parts.append(one_hot(shifted, levels + unknown, dtype))
        return concatenate(parts, axis=1)

    def _scaled(self, x: Array) -> Array:
        with label("scaling"):
            # Halves first: x - center itself may overflow when both are near the largest float64.
            z = (0.5 * x - 0.5 * self.center) * (2.0 * self.scale)
            z = clip(where(isnan(z), 0.0, z), -_FAR, _FAR)
            ratio = z / _CLIP_AT
            return z / sqrt(1.0 + ratio * ratio)

    def circuit(self, dtype: Any = numpy.float32) -> Circuit:
        """The circuit (numbers, codes) -> x for any number of rows."""

        def phi(numbers: Array, codes: Array) -> Array:
            return self(numbers, codes, dtype)

        wide, whole = numpy.dtype(numpy.float64), numpy.dtype(numpy.int32)
        return trace(phi, [Spec(("n", len(self.center)), wide), Spec(("n", len(self.levels)), whole)])

    @staticmethod
    def fit(numbers: NDArray[numpy.float64], codes: NDArray[numpy.int32], levels: Sequence[int]) -> FeatureMap:
        """Centers and scales from training rows: the median, and one over the quartiles' distance (``scale_of``)."""
        pairs = [scale_of(column[~numpy.isnan(column)]) for column in numbers.T]
        return FeatureMap(
            numpy.array([center for center, _ in pairs], dtype=numpy.float64),
            numpy.array([scale for _, scale in pairs], dtype=numpy.float64),
            tuple(bool(numpy.isnan(column).any()) for column in numbers.T),
            tuple(levels),
            tuple(bool((column == 0).any()) for column in codes.T),
        )


def scale_of(values: NDArray[numpy.float64]) -> tuple[float, float]:
    """The center and scale of a column: its median, and 1 / (q75 - q25).

    Where the quartiles are equal, 2 / (max - min); where all values are, 0: the column then says nothing.

    >>> scale_of(numpy.array([1.0, 2.0, 3.0, 4.0, 5.0]))
    (3.0, 0.5)
    """
    if values.size == 0:
        return 0.0, 0.0
    ordered = numpy.sort(values)
    middle = quantile_of(ordered, 0.5)
    # From one of the values and not from 0, so that a large mean costs no digits of a small range; and halves, because
    # the difference of two large numbers may overflow.
    halves = 0.5 * ordered - 0.5 * ordered[ordered.size // 2]
    half_range = quantile_of(halves, 0.75) - quantile_of(halves, 0.25)
    factor = 0.5
    if half_range == 0.0:
        half_range, factor = float(halves[-1] - halves[0]), 1.0
    if half_range == 0.0:
        return middle, 0.0
    return middle, float(min(factor / half_range, _LARGEST_SCALE)) if half_range > 1e-300 else _LARGEST_SCALE


def quantile_of(ordered: NDArray[numpy.float64], q: float) -> float:
    """The q-quantile of ordered values, linear between neighbours (the usual default, type 7)."""
    position = q * (ordered.size - 1)
    below = int(position)
    above = min(below + 1, ordered.size - 1)
    t = position - below
    return float(ordered[below] * (1.0 - t) + ordered[above] * t)
