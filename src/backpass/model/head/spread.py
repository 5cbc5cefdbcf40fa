"""Spread: how the size of errors depends on the prediction, so that intervals are narrow where a table is easy.

It takes predictions and the sizes of their errors on rows that the network did not train on, and returns a factor for
any prediction. ``residuals`` divides errors by it and multiplies widths with it.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from backpass.dataclass import dataclass
from backpass.numerics.elementary import total

MOST_KNOTS = 12
ROWS_PER_KNOT = 25
PRIOR_ROWS = 5.0
"""The number of rows with errors of mean size that count at each knot, against the noise of few rows."""
LEAST = 0.1
"""The smallest factor: errors of size 0 at a knot do not make intervals of width 0."""

_BLOCK = 2**16
"""Rows whose factors are computed at once."""


@dataclass(frozen=True, slots=True, eq=False)
class Spread:
    """The size of errors at a prediction, relative to the mean: linear between knots, constant beyond the outer ones.

    Attributes:
        knots: Predictions, ascending, float64 (k,).
        factors: The relative size of errors at each knot, float64 (k,).
    """

    knots: NDArray[np.float64]
    factors: NDArray[np.float64]

    @staticmethod
    def of(
        predicted: NDArray[np.float64],
        errors: NDArray[np.float64],
        weights: NDArray[np.float64] | None,
        independent: int,
    ) -> tuple[Spread, NDArray[np.float64]] | None:
        """The spread of some rows, and a factor (n,) for each of them from the other rows; None if unknown.

        At knot j, with hat functions h_j of the predictions, m the mean error and c = ``PRIOR_ROWS``,

            s_j = (sum_i w_i h_j(i) |e_i| + c m) / (sum_i w_i h_j(i) + c),    factor s_j / m

        A row's own factor leaves the row out of both sums, so that its error divided by it is like that of a new row.

        Args:
            predicted: Predictions (n,).
            errors: Absolute errors (n,), in any unit.
            weights: The weight of each row (n,).
            independent: The number of independent rows: rows, or groups of rows.
        """
        count = min(MOST_KNOTS, independent // ROWS_PER_KNOT)
        if count < 2:
            return None
        w = np.ones(len(errors)) if weights is None else weights
        knots = _knots(predicted, w, count)
        mean = total(w * errors) / total(w)
        if len(knots) < 2 or not 0.0 < mean < np.inf:
            return None
        left, t = _places(predicted, knots)
        prior = PRIOR_ROWS * total(w) / independent
        rows, sizes = _at_knots(left, t, w, len(knots)), _at_knots(left, t, w * errors, len(knots))
        spread = Spread(knots, np.maximum((sizes + prior * mean) / (rows + prior) / mean, LEAST))

        found = np.empty(len(errors))
        for first in range(0, len(errors), _BLOCK):  # so that no other array is as long
            part = slice(first, first + _BLOCK)
            at, ahead, e = left[part], t[part], errors[part]
            one = np.minimum(w[part], 1.0)  # of a row that counts several times, once
            others = [
                (sizes[j] - h * one * e + prior * mean) / (rows[j] - h * one + prior)
                for j, h in ((at, 1.0 - ahead), (at + 1, ahead))
            ]
            found[part] = np.maximum(((1.0 - ahead) * others[0] + ahead * others[1]) / mean, LEAST)
        return spread, found

    def at(self, predicted: NDArray[np.float64]) -> NDArray[np.float64]:
        """The factor of each prediction, in the shape of the predictions.

        >>> Spread(np.array([0.0, 10.0]), np.array([0.5, 1.5])).at(np.array([-3.0, 0.0, 5.0, 99.0])).tolist()
        [0.5, 0.5, 1.0, 1.5]
        """
        left, t = _places(predicted, self.knots)
        return (1.0 - t) * self.factors[left] + t * self.factors[left + 1]


def _knots(predicted: NDArray[np.float64], weights: NDArray[np.float64], count: int) -> NDArray[np.float64]:
    """The quantiles 1/2k, 3/2k, ... of the predictions, each once."""
    order = np.argsort(predicted, kind="stable")
    shares = np.cumsum(weights[order])
    # Weights are divided before they are compared, so that the weight of a whole number of rows stays whole.
    ranks = np.searchsorted(shares * (2 * count / shares[-1]) + 1e-9, np.arange(1, 2 * count, 2))
    return np.unique(predicted[order][np.minimum(ranks, len(order) - 1)])


def _places(predicted: NDArray[np.float64], knots: NDArray[np.float64]) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """The knot left of each prediction, and the share of the way to the next one, within 0 and 1."""
    left = np.clip(np.searchsorted(knots, predicted, side="right") - 1, 0, len(knots) - 2)
    # Halves, because the distance of two large numbers may overflow.
    ahead, width = 0.5 * predicted - 0.5 * knots[left], 0.5 * knots[left + 1] - 0.5 * knots[left]
    return left, np.clip(ahead / np.maximum(width, np.finfo(np.float64).tiny), 0.0, 1.0)


def _at_knots(
    left: NDArray[np.intp], t: NDArray[np.float64], values: NDArray[np.float64], count: int
) -> NDArray[np.float64]:
    """The sum over rows of their value times the hat function of each knot: (count,)"""
    found = np.bincount(left, (1.0 - t) * values, count).astype(np.float64)
    return found + np.bincount(left + 1, t * values, count)
