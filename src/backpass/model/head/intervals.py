"""Intervals: the ends between which targets lie with a given probability, for one predicted number or for several.

It holds the residuals of each target and takes predictions; it returns interval ends, quantiles and coverages.
``residuals`` defines the width for one target.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backpass.dataclass import dataclass
from backpass.errors import UsageError
from backpass.model.head.residuals import PredictedRows, Residuals, quantiles_in
from backpass.model.head.spread import Spread
from backpass.numerics.elementary import mean

Beyond = NDArray[np.float64] | None


@dataclass(frozen=True, slots=True, eq=False)
class Intervals:
    """The residuals that give the intervals of each target, in the order of the targets.

    Attributes:
        each: The residuals of each target.
        later: The residuals of each target in rows that are twice as far ahead as the test rows; empty if such rows are
            not told apart.
        is_gradual: Whether widths grow from the test rows to those, in proportion to the square root of the time: the
            variance of the errors then grows evenly, as that of a random walk does. False in earlier files: all rows
            after the test rows have the later residuals.
    """

    each: tuple[Residuals, ...]
    later: tuple[Residuals, ...] = ()
    is_gradual: bool = False

    @staticmethod
    def of(rows: PredictedRows, *, with_spread: bool = False) -> Intervals | None:
        """The intervals from the errors on some rows, see ``Residuals.of``; None if one overflows."""
        return _complete([Residuals.of(each, with_spread=with_spread) for each in rows.targets])

    def wider(self, other: Intervals) -> Intervals:
        """Intervals that are as wide as the wider of both, for each target, see ``Residuals.wider``."""
        each = tuple(own.wider(others) for own, others in zip(self.each, other.each, strict=True))
        later: tuple[Residuals, ...] = ()
        if self.later or other.later:
            pairs = zip(self.later or self.each, other.later or other.each, strict=True)
            later = tuple(own.wider(others) for own, others in pairs)
        return Intervals(each, later, self.is_gradual or other.is_gradual)

    def with_later(self, near: Intervals, far: Intervals) -> Intervals:
        """The same intervals, which are wider in rows that are later than the test rows.

        Args:
            near: The intervals of an earlier fit, for rows as far ahead in time as the test rows are.
            far: The intervals of that fit for rows twice as far ahead, see ``twice_as_far``. Those of later rows are at
                least as wide, and wider than these intervals by as much as ``far`` is wider than ``near``.
        """
        grown = tuple(own.grown(*both) for own, *both in zip(self.each, near.each, far.each, strict=True))
        return replace(self, later=Intervals(grown).wider(far).each, is_gradual=True)

    def twice_as_far(self, rows: PredictedRows, beyond: NDArray[np.float64]) -> Intervals | None:
        """The intervals of rows twice as far ahead as those of these intervals, from rows up to there.

        At a row that is t beyond (``Horizon.beyond``), errors are sqrt(1 + c t) times as large as these. c is the
        number, from 0 to ``MOST_GROWTH`` ^2 - 1, for which the 90% quantile of the errors divided by that factor is
        the one of these intervals. The result is that of the divided errors, times sqrt(1 + c).

        Args:
            rows: The rows.
            beyond: How far each row is beyond these intervals (n,).
        """
        return _complete([near.twice_as_far(own, beyond) for near, own in zip(self.each, rows.targets, strict=True)])

    def floored(self, floors: Sequence[float | None]) -> Intervals:
        """The same intervals, with the floor of each target, see ``Residuals``."""
        each, later = (
            tuple(replace(own, floor=floor) for own, floor in zip(several, floors, strict=False))
            for several in (self.each, self.later)
        )
        return Intervals(each, later, self.is_gradual)

    def half_widths(self, level: float) -> tuple[float, ...]:
        """Half the width of the intervals of each target, see ``Residuals.half_width``.

        Raises:
            UsageError: As ``Residuals.half_width``.
        """
        return tuple(each.half_width(level) for each in self.each)

    def ends(self, predicted: NDArray[np.float64], level: float, later: Beyond = None) -> NDArray[np.float64]:
        """The lower and the upper end of each interval: (n, 2) for predictions (n,), (n, k, 2) for (n, k)

        Args:
            predicted: Predictions (n,) or (n, k).
            level: The level of the intervals.
            later: How far each row (n,) is after the test rows, see ``Horizon.beyond``. Default None: no row is.

        Raises:
            UsageError: As ``Residuals.half_width``.

        >>> both = Intervals((Residuals(np.arange(1.0, 20.0), 19), Residuals(np.full(19, 2.0), 19)))
        >>> both.ends(np.array([[0.0, 5.0]]), 0.9)[0].tolist()
        [[-18.0, 18.0], [3.0, 7.0]]
        """
        return self._joined(predicted, later, lambda own: [-own.half_width(level), own.half_width(level)])

    def quantiles(
        self, predicted: NDArray[np.float64], asked: Sequence[float | str], later: Beyond = None
    ) -> NDArray[np.float64]:
        """Quantiles in ascending order: (n, q) for predictions (n,), (n, k, q) for (n, k); see ``Residuals.offsets``.

        Raises:
            UsageError: As ``Residuals.offsets``.
        """
        return self._joined(predicted, later, lambda own: [*own.offsets(asked).values()])

    def checked(self, asked: Sequence[float | str]) -> tuple[float, ...]:
        """The quantiles as numbers, in ascending order.

        Raises:
            UsageError: As ``Residuals.offsets``.
        """
        for each in (*self.each, *self.later):
            each.offsets(asked)
        return quantiles_in(asked)

    def coverages(
        self,
        predicted: NDArray[np.float64],
        y: NDArray[np.float64],
        level: float,
        weights: NDArray[np.float64] | None = None,
        later: Beyond = None,
    ) -> tuple[float, ...]:
        """The share of rows inside their interval, for each target; empty if there are too few residuals for the level.

        Args:
            predicted: Predictions (n,) or (n, k).
            y: Targets (n,) or (n, k).
            level: The level of the intervals.
            weights: The weight of each row (n,).
            later: As for ``ends``.
        """
        try:
            inside = self.covered(predicted, y, level, later)
        except UsageError:
            return ()
        return tuple(mean(each, weights) for each in _columns(inside))

    def covered(
        self, predicted: NDArray[np.float64], y: NDArray[np.float64], level: float, later: Beyond = None
    ) -> NDArray[np.bool_]:
        """Whether each target is inside its interval: (n,) or (n, k), as the predictions; see ``ends``.

        Raises:
            UsageError: As ``Residuals.half_width``.
        """
        ends = self.ends(predicted, level, later)
        inside: NDArray[np.bool_] = (ends[..., 0] <= y) & (y <= ends[..., 1])
        return inside

    def crps(self, predicted: NDArray[np.float64], y: NDArray[np.float64], later: Beyond = None) -> NDArray[np.float64]:
        """The continuous ranked probability score of each row and target, see ``Residuals.crps``: (n,) or (n, k)"""
        found = []
        for j, (p, truth) in enumerate(zip(_columns(predicted), _columns(y), strict=True)):
            own = self.each[j].crps(p, truth)
            if later is not None and self.later:
                for t in np.unique(later[later > 0.0]).tolist():
                    rows = later == t
                    own[rows] = self._beyond(j, t).crps(p[rows], truth[rows])
            found.append(own)
        return found[0] if predicted.ndim == 1 else np.stack(found, axis=1)

    # Files ------------------------------------------------------------------------------------------------------------

    def stored(self) -> tuple[dict[str, Any], dict[str, NDArray[np.float64]]]:
        """The facts and arrays for the model file, in which the residuals of the targets follow one another."""
        floors = [each.floor for each in self.each]
        facts: dict[str, Any] = {"residual_rows": self.each[0].rows}
        arrays = {"residuals": np.concatenate([each.values for each in self.each])}
        if any(floor is not None for floor in floors):
            facts["residual_floor"] = floors if len(floors) > 1 else floors[0]
        spreads = [each.spread for each in self.each]
        if any(spread is not None for spread in spreads):
            facts["spreads"] = [0 if spread is None else len(spread.knots) for spread in spreads]
            arrays["spread"] = np.concatenate([a for s in spreads if s is not None for a in (s.knots, s.factors)])
        if self.later:
            facts["later_residual_rows"] = self.later[0].rows
            if self.is_gradual:
                facts["later_is_gradual"] = True
            arrays["later_residuals"] = np.concatenate([each.values for each in self.later])
        return facts, arrays

    @staticmethod
    def from_stored(facts: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]], targets: int) -> Intervals | None:
        """The intervals that ``stored`` wrote, for a number of targets; None if there are none.

        Arrays of other lengths give residuals of other lengths, which ``consistency`` finds.
        """
        if "residual_rows" not in facts:
            return None
        each = _cut(arrays["residuals"], facts["residual_rows"], targets)
        if "spreads" in facts:
            spreads = _spreads(arrays["spread"], facts["spreads"], targets)
            each = tuple(replace(own, spread=spread) for own, spread in zip(each, spreads, strict=True))
        later: tuple[Residuals, ...] = ()
        if "later_residual_rows" in facts:
            later = _cut(arrays["later_residuals"], facts["later_residual_rows"], targets)
        floors = facts.get("residual_floor")
        return Intervals(each, later, facts.get("later_is_gradual", False)).floored(
            floors if isinstance(floors, list) else [floors] * targets
        )

    def _joined(
        self, predicted: NDArray[np.float64], later: Beyond, offsets_of: Callable[[Residuals], list[float]]
    ) -> NDArray[np.float64]:
        """The predictions plus offsets, which depend on the target and on whether a row is later than the test rows."""
        found = []
        for j, column in enumerate(_columns(predicted)):
            own = self.each[j]
            offsets = np.array(offsets_of(own))[None, :]
            if later is not None and self.later:
                far = np.array(offsets_of(self.later[j]))[None, :]
                offsets = self._grown(offsets, far, later[:, None])
            found.append(own.end(column[:, None], offsets))
        return found[0] if predicted.ndim == 1 else np.stack(found, axis=1)

    def _grown(self, near: NDArray[np.float64], far: NDArray[np.float64], t: Any) -> NDArray[np.float64]:
        """The offset or residual at t beyond, of the same sign as both: sqrt((1 - t) near^2 + t far^2)"""
        t = t if self.is_gradual else np.asarray(t > 0.0, np.float64)
        # Divided first, so that the squares of large numbers stay finite.
        largest = np.maximum(np.maximum(np.abs(near), np.abs(far)), np.finfo(np.float64).tiny)
        one, other = near / largest, far / largest
        return np.asarray(np.sign(far) * largest * np.sqrt((1.0 - t) * one * one + t * other * other))

    def _beyond(self, j: int, t: float) -> Residuals:
        """The residuals of target j at t beyond."""
        near, far = self.each[j], self.later[j]
        if t == 1.0 or not self.is_gradual:
            return far
        return near.between(far, lambda one, other: self._grown(one, other, t))


def _cut(joined: NDArray[np.float64], rows: int, targets: int) -> tuple[Residuals, ...]:
    return tuple(Residuals(values, rows) for values in np.array_split(joined, targets))


def _spreads(joined: NDArray[np.float64], knots: Sequence[int], targets: int) -> list[Spread | None]:
    """The spread of each target from its number of knots, 0 for none; without knots if the lengths do not agree."""
    if len(knots) != targets or 2 * sum(knots) != len(joined):
        return [Spread(joined[:0], joined[:0])] * targets
    own = np.split(joined, np.cumsum([2 * count for count in knots])[:-1])
    return [Spread(*np.split(each, 2)) if len(each) else None for each in own]


def _complete(found: Sequence[Residuals | None]) -> Intervals | None:
    """The intervals of the residuals of each target; None if one overflowed."""
    known = tuple(each for each in found if each is not None)
    return Intervals(known) if len(known) == len(found) else None


def _columns(values: NDArray[Any]) -> NDArray[Any]:
    """The values of each target, one after another: (k, n) for (n, k), (1, n) for (n,)"""
    return values.reshape(len(values), -1).T
