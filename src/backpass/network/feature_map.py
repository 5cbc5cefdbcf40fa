"""Feature map phi: maps the columns of a table, as numbers and codes, to the inputs x of a network.

Scaling, imputation, missing-value indicators and one-hot encoding form a circuit, so training, every engine and every
export share one definition. The fitted numbers (centers, scales) come from the training rows and are stored in the
model file. Learned encodings (periodic embeddings, categorical embeddings) belong to the network; see ``front``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from itertools import repeat
from math import pi
from typing import Any

import numpy
from numpy.typing import NDArray

from backpass.circuit import Array, Circuit, Spec, label, trace
from backpass.circuit.operations import clip, concatenate, cos, greater, isnan, one_hot, sin, sqrt, where
from backpass.dataclass import dataclass
from backpass.errors import UsageError
from backpass.network.column_scales import Columns, scale_of, scales_of
from backpass.network.ranks import are_knots, knots_of, quantile_ranks

_CLIP_AT = 3.0
# A bound on z, far outside any table: it keeps z^2 finite, also in float32.
FAR = 1e6


CODINGS = ("one_hot", "sign", "code")
"""The encodings of a categorical column."""


@dataclass(frozen=True, slots=True, eq=False)
class FeatureMap:
    """phi(x) of CS229, with its fitted numbers.

    numbers float64 (n, p), NaN = missing   codes int32 (n, q)   ->   x (n, d)

    Numeric columns: z = (x - center) scale. If ``clipped``, z is smoothly clipped to (-3, 3) by z / sqrt(1 + (z/3)^2)
    (RealMLP, Holzmueller et al. 2024). A missing number becomes 0, the center; a column with missing training values
    also gets an indicator. Categorical columns, by their ``coding``:

    - one_hot: one input per code 1 .. levels. Code 0 (missing or unknown) has its own input only if it occurred in the
      training rows (``has_unknown``); otherwise it is all zeros.
    - sign: one input for two categories, -1 and 1; code 0 is 0.
    - code: the code itself, as an integer, for a network with an ``Embedding``.

    The inputs are, in order: numbers, quantile features (with ``knots``; see ``ranks``), indicators and one-hot and
    sign inputs, cos(2 pi x / period) and sin(2 pi x / period) of cyclic columns (0 where missing), and codes.

    Attributes:
        center: Centers of the numeric columns. If there are more, the others belong to the indicators, one-hot and sign
            inputs, which are then scaled like the numbers, too.
        scale: The scales, like ``center``.
        has_missing: Whether a numeric column has an indicator.
        levels: The number of categories per categorical column.
        has_unknown: Whether code 0 of a categorical column occurred in the training rows.
        coding: The encoding per categorical column.
        periods: The period per numeric column; 0 for none.
        knots: The knots of the quantile features, one vector per numeric column, or empty.
        clipped: Whether z is smoothly clipped; otherwise x is an affine function of the number.

    Raises:
        UsageError: If the lengths of the attributes do not match.
    """

    center: NDArray[numpy.float64]
    scale: NDArray[numpy.float64]
    has_missing: tuple[bool, ...]
    levels: tuple[int, ...]
    has_unknown: tuple[bool, ...]
    coding: tuple[str, ...]
    periods: tuple[int, ...] = ()
    knots: tuple[NDArray[numpy.float64], ...] = ()
    clipped: bool = True

    def __post_init__(self) -> None:
        texts = {len(self.levels), len(self.has_unknown), len(self.coding)}
        two = [levels for levels, coding in zip(self.levels, self.coding, strict=False) if coding == "sign"]
        if len(texts) > 1 or any(levels != 2 for levels in two):
            raise UsageError("categories, unknown categories and encodings of the categorical columns do not match")
        if self.periods and len(self.periods) != len(self.has_missing):
            raise UsageError("periods and numeric columns do not match")
        if self.knots and (len(self.knots) != len(self.has_missing) or not all(map(are_knots, self.knots))):
            raise UsageError("knots and numeric columns do not match")

    @property
    def width(self) -> int:
        """d, the number of inputs of the network."""
        return self.numeric_inputs + self.flags + self.cyclic_inputs + len(self.embedded)

    @property
    def numeric_inputs(self) -> int:
        """The number of leading inputs that are numbers or their quantile features."""
        return len(self.has_missing) + len(self.knots)

    @property
    def flags(self) -> int:
        """The number of indicators, one-hot and sign inputs."""
        return sum(self.has_missing) + sum(self._widths("one_hot")) + sum(self._widths("sign"))

    @property
    def cyclic_inputs(self) -> int:
        """The number of cosines and sines of cyclic columns."""
        return 2 * sum(period > 0 for period in self.periods)

    @property
    def embedded(self) -> tuple[int, ...]:
        """The numbers of categories of the columns that the network embeds."""
        return tuple(levels for levels, coding in zip(self.levels, self.coding, strict=True) if coding == "code")

    def _widths(self, coding: str) -> list[int]:
        """The number of inputs per categorical column; 0 for columns with another encoding."""
        columns = zip(self.levels, self.has_unknown, self.coding, strict=True)
        return [
            0 if own != coding else levels + unknown if coding == "one_hot" else 1 for levels, unknown, own in columns
        ]

    def groups(self) -> list[tuple[int, ...]]:
        """The indices of the inputs of each column (numeric columns first, then categorical ones)."""
        groups: list[tuple[int, ...]] = []
        indicator, cyclic = self.numeric_inputs, self.numeric_inputs + self.flags
        ranked = len(self.has_missing) if self.knots else 0
        periods = self.periods or (0,) * len(self.has_missing)
        for i, (missing, period) in enumerate(zip(self.has_missing, periods, strict=True)):
            rank = (i + ranked,) if ranked else ()
            groups.append((i, *rank, *((indicator,) if missing else ()), *((cyclic, cyclic + 1) if period else ())))
            indicator, cyclic = indicator + missing, cyclic + 2 * (period > 0)
        flag, code = indicator, cyclic
        for one_hot_width, sign_width in zip(self._widths("one_hot"), self._widths("sign"), strict=True):
            width = one_hot_width + sign_width
            groups.append(tuple(range(flag, flag + width)) if width else (code,))
            flag += width
            code += not width
        return groups

    def input_names(self, numbers: Sequence[str], texts: Mapping[str, Sequence[str]]) -> list[str]:
        """A name per input: the column, alone or followed by "rank", "is missing", "= category", "cos" or "sin".

        Args:
            numbers: The names of the encoded numbers.
            texts: The categories of each categorical column, by its name.
        """
        names = [*numbers, *(f"{name} rank" for name in numbers if self.knots)]
        cyclic = [
            f"{name} {function}"
            for name, period in zip(numbers, self.periods, strict=False)
            if period
            for function in ("cos", "sin")
        ]
        names += [f"{name} is missing" for name, missing in zip(numbers, self.has_missing, strict=True) if missing]
        codes = []
        for (name, levels), unknown, coding in zip(texts.items(), self.has_unknown, self.coding, strict=True):
            if coding == "code":
                codes.append(name)
            elif coding == "sign":
                names.append(f"{name} = {levels[1]}")
            else:
                unknowns = [f"{name} is missing or new"] if unknown else []
                names += [*unknowns, *(f"{name} = {level}" for level in levels)]
        return names + cyclic + codes

    def __call__(self, numbers: Array, codes: Array, dtype: Any) -> Array:
        """Compute x in float64 and round it once to ``dtype``."""
        p = len(self.has_missing)
        parts = []
        if p:
            with label("scaling"):
                parts.append(self._scaled(numbers, self.center[:p], self.scale[:p]).astype(dtype))
        if self.knots:
            with label("ranks"):
                parts.append(quantile_ranks(numbers, self.knots).astype(dtype))
        if len(self.center) > p:
            flags = concatenate(self._flags(numbers, codes, numpy.float64), axis=1)
            with label("scaling of one-hot"):
                parts.append(self._scaled(flags, self.center[p:], self.scale[p:]).astype(dtype))
        else:
            parts += self._flags(numbers, codes, dtype)
        with label("cosines and sines of dates"):
            cyclic = (x for i, period in enumerate(self.periods) for x in _cosine_and_sine(numbers, i, period))
            parts += [x.astype(dtype) for x in cyclic]
        with label("codes"):
            parts += [codes[:, j : j + 1].astype(dtype) for j, coding in enumerate(self.coding) if coding == "code"]
        return concatenate(parts, axis=1)

    def _scaled(self, x: Array, center: NDArray[numpy.float64], scale: NDArray[numpy.float64]) -> Array:
        """z = (x - center) scale, or 0 where x is missing; smoothly clipped if ``clipped``"""
        # Halves first: x - center itself may overflow if both are near the largest float64.
        z = (0.5 * x - 0.5 * center) * (2.0 * scale)
        z = clip(where(isnan(z), 0.0, z), -FAR, FAR)
        return _smooth_clip(z) if self.clipped else z

    def _flags(self, numbers: Array, codes: Array, dtype: Any) -> list[Array]:
        """Indicators, one-hot and sign inputs."""
        missing = [i for i, flag in enumerate(self.has_missing) if flag]
        with label("indicators of missing numbers"):
            flags = [isnan(numbers[:, i : i + 1]).astype(dtype) for i in missing]
        with label("one-hot"):
            for j, (levels, unknown, coding) in enumerate(zip(self.levels, self.has_unknown, self.coding, strict=True)):
                if coding == "one_hot":
                    shifted = codes[:, j] - (0 if unknown else 1)
                    flags.append(one_hot(shifted, levels + unknown, dtype))
                elif coding == "sign":
                    code = codes[:, j : j + 1].astype(dtype)
                    flags.append(where(greater(code, 0.0), 2.0 * code - 3.0, 0.0))
        return flags

    @property
    def folded_levels(self) -> tuple[int, ...]:
        """The numbers of categories of the codes that ``folded`` appends."""
        return tuple(levels for levels, coding in zip(self.levels, self.coding, strict=True) if coding != "sign")

    @property
    def folded_width(self) -> int:
        """The number of columns that ``folded`` returns, e."""
        return self.width - len(self.knots) - sum(self._widths("one_hot")) + self.coding.count("one_hot")

    def folded(self, x: NDArray[Any]) -> NDArray[Any]:
        """x without quantile features, and with a code in place of each one-hot block, all codes last: (n, d) -> (n, e)

        A linear model of one-hot inputs can be written in terms of codes, at a fraction of the work.

        Args:
            x: The inputs (n, d).
        """
        groups, p = self.groups(), len(self.has_missing)
        texts = [*zip(groups[p:], self.coding, self.has_unknown, strict=True)]
        blocks = {column for group, coding, _ in texts if coding != "sign" for column in group}
        codes = [
            x[:, group[0]] if coding == "code" else self._hot(x, group, first=0 if unknown else 1)
            for group, coding, unknown in texts
            if coding != "sign"
        ]
        kept = [column for column in range(self.width) if not (p <= column < self.numeric_inputs or column in blocks)]
        return numpy.column_stack([x[:, kept], *(code.astype(x.dtype) for code in codes)])

    def _hot(self, x: NDArray[Any], group: Sequence[int], first: int) -> NDArray[numpy.int64]:
        """The code (n,) of the active input of a one-hot block, counted from ``first``; 0 if none is active."""
        middle = numpy.full(len(group), 0.5)
        if len(self.center) > len(self.has_missing):
            # Centers of indicators and one-hot inputs follow those of the numbers; quantile features have none.
            first_of, last_of = group[0] - len(self.knots), group[-1] - len(self.knots)
            center, scale = (each[first_of : last_of + 1] for each in (self.center, self.scale))
            middle = numpy.asarray(self._scaled(middle, center, scale))
        found = numpy.zeros(len(x), dtype=numpy.int64)
        for j, column in enumerate(group):
            found[x[:, column] > middle[j]] = first + j
        return found

    def updated(self, numbers: NDArray[numpy.float64], codes: NDArray[numpy.int32]) -> FeatureMap:
        """The map for training that continues with these rows: a column that was constant and now varies gets a scale.

        A scale of 0 becomes 2 / (max - min) of the center and the values. The center stays, where the input is 0 as
        before, so predictions for earlier rows do not change.

        Args:
            numbers: The encoded numbers of the rows (n, p).
            codes: The codes of their categories (n, q).
        """
        if self.scale.all():
            return self
        columns = numbers
        if len(self.center) > len(self.has_missing):
            columns = numpy.concatenate([numbers, *self._flags(numbers, codes, numpy.float64)], axis=1)
        scale = self.scale.copy()
        for j in numpy.flatnonzero(scale == 0.0):
            values = numpy.append(columns[:, j], self.center[j])
            scale[j] = scale_of(numpy.array([numpy.nanmin(values), numpy.nanmax(values)]))[1]
        return self if (scale == self.scale).all() else replace(self, scale=scale)

    def circuit(self, dtype: Any = numpy.float32) -> Circuit:
        """The circuit (numbers, codes) -> x for any number of rows.

        Args:
            dtype: The dtype of x. Default float32.
        """
        return _circuit(self, numpy.dtype(dtype))

    @staticmethod
    def fit(
        numbers: Columns,
        codes: NDArray[numpy.int32],
        levels: Sequence[int],
        *,
        scaled_flags: bool = False,
        max_one_hot_levels: int | None = None,
        periods: Sequence[int] = (),
        leads: Sequence[bool] | None = None,
        marks: Sequence[bool] | None = None,
        ranks: bool = False,
        scaling: str = "robust",
    ) -> FeatureMap:
        """Fit centers and scales to training rows.

        Args:
            numbers: float64 (n, p), NaN = missing: an array, or what gives its columns one by one.
            codes: int32 (n, q).
            levels: The number of categories per categorical column.
            scaled_flags: Whether to scale indicators and one-hot inputs like numbers; two categories then become one
                input.
            max_one_hot_levels: Columns with more categories are embedded; None for no column.
            periods: The period per numeric column; 0 for none.
            leads: Whether a numeric column may have an indicator; the others are missing whenever the column before
                is.
            marks: Whether a numeric column holds nothing but -1, 0 and 1, see ``scales_of``.
            ranks: Whether to add quantile features, with the knots of ``knots_of``.
            scaling: "none" leaves numbers as they are, "standard" centers them at the mean and divides by the standard
                deviation, "robust" takes the median and the interquartile range and clips smoothly.
        """
        most = max(levels, default=0) if max_one_hot_levels is None else max_one_hot_levels
        plain = FeatureMap(
            *scales_of(numbers, scaling, marks),
            tuple(
                bool(lead and numpy.isnan(column).any())
                for column, lead in zip(numbers.T, repeat(True) if leads is None else leads, strict=leads is not None)
            ),
            tuple(levels),
            tuple(bool((column == 0).any()) for column in codes.T),
            tuple("code" if n > most else "sign" if n == 2 and scaled_flags else "one_hot" for n in levels),
            tuple(periods),
            tuple(knots_of(column[~numpy.isnan(column)]) for column in numbers.T) if ranks else (),
            scaling == "robust",
        )
        if not (scaled_flags and plain.flags):
            return plain
        flags = numpy.concatenate(plain._flags(numbers[:], codes, numpy.float64), axis=1)
        more = zip((plain.center, plain.scale), scales_of(flags, scaling), strict=True)
        center, scale = (numpy.concatenate(pair) for pair in more)
        return replace(plain, center=center, scale=scale)


def _cosine_and_sine(numbers: Array, column: int, period: int) -> list[Array]:
    """cos and sin of 2 pi x / period; empty without a period"""
    if not period:
        return []
    x = numbers[:, column : column + 1]
    turn = x * (2.0 * pi / period)
    return [where(isnan(x), 0.0, function(turn)) for function in (cos, sin)]


def _smooth_clip(z: Array) -> Array:
    """z / sqrt(1 + (z/3)^2)"""
    ratio = z / _CLIP_AT
    return z / sqrt(1.0 + ratio * ratio)


@lru_cache(maxsize=16)  # every prediction asks for it, and engines cache their work per circuit
def _circuit(feature_map: FeatureMap, dtype: numpy.dtype[Any]) -> Circuit:
    def phi(numbers: Array, codes: Array) -> Array:
        return feature_map(numbers, codes, dtype)

    wide, whole = numpy.dtype(numpy.float64), numpy.dtype(numpy.int32)
    return trace(phi, [Spec(("n", len(feature_map.has_missing)), wide), Spec(("n", len(feature_map.levels)), whole)])
