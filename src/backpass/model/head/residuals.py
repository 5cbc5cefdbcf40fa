"""Residuals: the errors of predictions on rows that the network did not train on, stored for intervals.

It takes predictions and targets of such rows and returns the width an interval needs to contain the target as often as
requested. ``intervals`` applies it to the predictions of each target.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from math import ceil, copysign, sqrt
from numbers import Real

import numpy as np
from numpy.typing import NDArray

from backpass.dataclass import dataclass
from backpass.errors import UsageError
from backpass.model.head.spread import Spread
from backpass.numerics.elementary import total

KEPT = 1_000
"""The maximum number of residuals that are stored; of more, this many are selected at equal steps of rank."""

MOST_GROWTH = 4.0
"""Maximum growth of errors over twice the distance in time: quadratic."""


_HALVINGS = 30


@dataclass(frozen=True, slots=True, eq=False)
class PredictedRows:
    """Rows with known targets, and the predictions of a network that did not train on them.

    Attributes:
        predicted: Predictions (n,), or (n, k) for several targets.
        y: Targets of the same shape.
        weights: The weight of each row (n,). Default None: equal weights.
        groups: The number of groups. Default None: the rows are independent.
    """

    predicted: NDArray[np.float64]
    y: NDArray[np.float64]
    weights: NDArray[np.float64] | None = None
    groups: int | None = None

    @property
    def independent(self) -> int:
        """The number of independent rows; a group of rows counts once."""
        return len(self.y) if self.groups is None else self.groups

    @property
    def targets(self) -> list[PredictedRows]:
        """The rows with the predictions (n,) of each target."""
        predicted, y = (each.reshape(len(each), -1).T for each in (self.predicted, self.y))
        return [replace(self, predicted=p, y=truth) for p, truth in zip(predicted, y, strict=True)]

    def divided(self, factor: NDArray[np.float64]) -> PredictedRows:
        """The rows whose errors are divided by a factor (n,)."""
        return replace(self, predicted=self.predicted / factor, y=self.y / factor)


@dataclass(frozen=True, slots=True, eq=False)
class Residuals:
    """Absolute residuals |y - prediction|, ascending: the k-th of m is their k/m quantile.

    Attributes:
        values: The residuals, float64 (m,), each divided by its factor of the spread if there is one.
        rows: The number of independent rows that they represent; a group of rows counts once.
        floor: The number below which no target lies: 0 if no target of the fit is negative; None without one.
        spread: How the size of errors depends on the prediction. Default None: it does not.
    """

    values: NDArray[np.float64]
    rows: int
    floor: float | None = None
    spread: Spread | None = None

    @staticmethod
    def of(rows: PredictedRows, *, with_spread: bool = False) -> Residuals | None:
        """The residuals of rows of one target, each counted by its weight; None if one overflows float64.

        With groups, quantiles are those of all rows, but the correction for their finite number counts groups, since
        the rows of a group err together (Dunn, Wasserman & Ramdas 2022).

        Args:
            rows: The rows.
            with_spread: Whether to find out how the size of errors depends on the prediction, see ``Spread``.
        """
        weights, independent = rows.weights, rows.independent
        halves = np.abs(0.5 * rows.predicted - 0.5 * rows.y)
        spread = None
        if with_spread and (found := Spread.of(rows.predicted, halves, weights, independent)):
            spread, factors = found
            halves = halves / factors
        order = np.argsort(halves, kind="stable")
        shares = np.cumsum(np.ones(len(halves)) if weights is None else weights[order])
        count = min(independent, KEPT)
        # Weights are divided before they are compared, so that the weight of a whole number of rows stays whole.
        ranks = np.searchsorted(shares * (count / shares[-1]) + 1e-9, np.arange(1, count + 1))
        with np.errstate(over="ignore"):
            values = 2.0 * halves[order][np.minimum(ranks, len(halves) - 1)]
        return Residuals(values, independent, spread=spread) if np.isfinite(values).all() else None

    def wider(self, other: Residuals) -> Residuals:
        """Residuals whose every quantile is the larger one of these and the others; their rows are the fewer.

        Both are residuals without a spread.

        >>> Residuals(np.array([1.0, 4.0]), 2).wider(Residuals(np.array([2.0, 3.0]), 2)).values
        array([2., 4.])
        """
        rows = min(self.rows, other.rows)
        count = min(rows, KEPT)
        return Residuals(np.maximum(self._quantiles(count), other._quantiles(count)), rows)

    def between(
        self, far: Residuals, joined: Callable[[NDArray[np.float64], NDArray[np.float64]], NDArray[np.float64]]
    ) -> Residuals:
        """Residuals whose every quantile is joined of that of these and of others; their rows are the fewer."""
        rows = min(self.rows, far.rows)
        count = min(rows, KEPT)
        return Residuals(joined(self._quantiles(count), far._quantiles(count)), rows, self.floor)

    def twice_as_far(self, rows: PredictedRows, beyond: NDArray[np.float64]) -> Residuals | None:
        """The residuals of rows twice as far ahead, from rows up to there, see ``Intervals.twice_as_far``.

        >>> near, t = Residuals(np.full(9, 1.0), 9), np.repeat([0.5, 1.0], 9)
        >>> rows = PredictedRows(np.zeros(18), np.sqrt(1.0 + 3.0 * t))
        >>> near.twice_as_far(rows, t).values.round(6)[[0, -1]]
        array([2., 2.])
        """

        def divided(c: float) -> Residuals | None:
            return Residuals.of(rows.divided(np.sqrt(1.0 + c * beyond)))

        wanted, low, high = self._usual, 0.0, MOST_GROWTH * MOST_GROWTH - 1.0
        for _ in range(_HALVINGS):
            middle = 0.5 * (low + high)
            found = divided(middle)
            if found is None:
                return None
            low, high = (middle, high) if found._usual > wanted else (low, middle)
        found = divided(high)
        if found is None:
            return None
        with np.errstate(over="ignore"):
            values = found.values * sqrt(1.0 + high)
        return Residuals(values, found.rows) if np.isfinite(values).all() else None

    @property
    def _usual(self) -> float:
        """The 90% quantile."""
        return float(self._quantiles(10)[8])

    def grown(self, near: Residuals, far: Residuals) -> Residuals:
        """Residuals that are larger by as much as those of another fit grow from near rows to rows further ahead.

        All are multiplied by far / near of the 90% quantiles, within 1 and ``MOST_GROWTH``.

        >>> near, far = Residuals(np.full(9, 2.0), 9), Residuals(np.full(9, 3.0), 9)
        >>> Residuals(np.array([1.0, 4.0]), 2).grown(near, far).values
        array([1.5, 6. ])
        """
        before, after = near._usual, far._usual
        if after <= before:
            return self
        with np.errstate(over="ignore"):
            values = self.values * (MOST_GROWTH if after >= MOST_GROWTH * before else after / before)
        return Residuals(values, self.rows) if np.isfinite(values).all() else self

    def _quantiles(self, count: int) -> NDArray[np.float64]:
        """The quantiles k / count, for k from 1 up: (count,)"""
        k = np.arange(1, count + 1)
        return self.values[-(-k * len(self.values) // count) - 1]

    def half_width(self, level: float) -> float:
        """c such that prediction - c to prediction + c contains the target of a new row with probability ``level``

        With a spread, the width is c times its factor at the prediction (normalized conformal prediction, Papadopoulos,
        Gammerman & Vovk 2008).

        c = the ceil(level (n + 1))-th smallest of n residuals    (Lei et al. 2018, Algorithm 2; Vovk et al. 2005)

        The probability is at least ``level`` if the new row and these rows come from the same source and these rows had
        no part in the fit. The rows that selected an epoch had a small part in it.

        Raises:
            UsageError: The level is outside (0, 1), or there are too few rows for it.

        >>> Residuals(np.arange(1.0, 20.0), rows=19).half_width(0.9)
        18.0
        """
        is_number = isinstance(level, Real)
        if not (is_number and 0.0 < level < 1.0):
            hint = f"for {level:g}%, use {level / 100.0:g}" if is_number and 1.0 < level < 100.0 else ""
            found = f"{level:g}" if is_number else repr(level)
            raise UsageError(f"--interval must be a number greater than 0 and less than 1; got {found}", hint=hint)
        # Rounded to nine digits first, so that 0.9 of 20 rows is 18, not 19.
        rank = ceil(round(level * (self.rows + 1), 9))
        if rank > self.rows:
            most = self.rows / (self.rows + 1)
            raise UsageError(
                f"an interval of {level:g} needs residuals of more than {self.rows} rows",
                hint=f"use more validation rows, or a level of at most {int(most * 1000) / 1000:g}",
            )
        return float(self.values[-(-rank * len(self.values) // self.rows) - 1])

    def end(self, predicted: NDArray[np.float64], offset: float | NDArray[np.float64]) -> NDArray[np.float64]:
        """The end of an interval, or a quantile, of each row: prediction + offset * factor, and not below the floor

        The factor is that of the spread, 1 without one.

        A lower end at the floor loses no coverage, because no target lies below it.

        >>> Residuals(np.arange(1.0, 20.0), 19, floor=0.0).end(np.array([5.0, 30.0]), -18.0)
        array([ 0., 12.])
        """
        ends = predicted + (offset if self.spread is None else offset * self.spread.at(predicted))
        return ends if self.floor is None else np.maximum(ends, self.floor)

    def crps(self, predicted: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.float64]:
        """The continuous ranked probability score of each row, in units of the target; lower is better

        CRPS = E|X - y| - E|X - X'| / 2 of the distribution X = prediction +- f r_k, in which signs and residuals r_k
        are equally likely and f is the factor of the spread (Gneiting & Raftery 2007, eq. 21). With m residuals in
        ascending order and d = |y - prediction| / f, it is

            f (mean_k max(r_k, d) - sum_k (2k - 1) r_k / (2 m^2))

        The floor is not considered.

        Args:
            predicted: Predictions (n,).
            y: Targets (n,).

        >>> Residuals(np.array([1.0, 3.0]), rows=2).crps(np.array([0.0]), np.array([2.0])).tolist()
        [1.25]
        """
        m, factor = len(self.values), 1.0 if self.spread is None else self.spread.at(predicted)
        d = np.abs(y - predicted) / factor
        below = np.searchsorted(self.values, d, side="right")
        above = np.append(np.cumsum(self.values[::-1])[::-1], 0.0)[below]
        within = total((2.0 * np.arange(1, m + 1) - 1.0) * self.values) / (2.0 * m * m)
        found: NDArray[np.float64] = factor * ((below * d + above) / m - within)
        return found

    def offsets(self, asked: Sequence[float | str]) -> dict[float, float]:
        """Quantile q -> the number added to a prediction for its q-quantile, in ascending order

        -c of the interval of level 1 - 2q for q below 1/2, c of level 2q - 1 above it, 0 at 1/2: the distribution of
        the errors is assumed to be symmetric.

        Raises:
            UsageError: Lists all values that are not numbers in (0, 1), or for which there are too few rows.

        >>> Residuals(np.arange(1.0, 20.0), rows=19).offsets([0.95, 0.5, 0.05])
        {0.05: -18.0, 0.5: 0.0, 0.95: 18.0}
        """
        found, errors = dict[float, float](), list[str]()
        for each in asked:
            q = _quantile(each)
            if q is None:
                errors.append(f"a quantile must be a number greater than 0 and less than 1; got {each}")
                continue
            try:
                found[q] = copysign(self.half_width(abs(2.0 * q - 1.0)), q - 0.5) if q != 0.5 else 0.0
            except UsageError:
                errors.append(f"quantile {q!r} needs residuals of more than {self.rows} rows")
        if errors or not found:
            raise UsageError(
                "--quantiles: these quantiles cannot be predicted",
                details=errors or ["the list of quantiles is empty"],
                hint=self._widest,
            )
        return dict(sorted(found.items()))

    @property
    def _widest(self) -> str:
        """The outermost quantiles that the number of rows allows."""
        low = ceil(500.0 / (self.rows + 1)) / 1000.0
        return f"use numbers such as 0.05,0.5,0.95; {self.rows} validation rows allow {low:g} to {1.0 - low:g}"


def quantiles_in(asked: Sequence[float | str]) -> tuple[float, ...]:
    """The numbers in (0, 1) of a list, in ascending order, each once.

    >>> quantiles_in(["0.9", 0.5, 0.9, 7])
    (0.5, 0.9)
    """
    return tuple(sorted({q for each in asked if (q := _quantile(each)) is not None}))


def _quantile(value: float | str) -> float | None:
    try:
        q = float(value)
    except ValueError:
        return None
    return q if 0.0 < q < 1.0 else None
