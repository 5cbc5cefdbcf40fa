"""Drift: how far the distribution of each column has moved from that of the training rows.

``drifts`` takes a model and encoded rows and returns a distance between 0 and 1 per column, with the distance that
chance explains. The model file holds what is needed: quantiles with the counts below them, and category counts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import log, pi, sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backpass.dataclass import dataclass
from backpass.model.profile import SHARES, CategoricalProfile, NumericProfile
from backpass.model.training_rows import TrainingRows, counts_below
from backpass.reporting.numbers.columns import ModelColumn
from backpass.reporting.numbers.numerals import value_texts
from backpass.table import CategoricalFeature, DatetimeFeature, Encoded, TextFeature
from backpass.table.datetimes.date_components import microseconds_of
from backpass.table.datetimes.timestamp import timestamp_texts
from backpass.table.free_text.encoding import Words
from backpass.table.messages import shown

LEAST = 0.1
"""The smallest distance worth a line: a tenth of the rows have moved."""

_ERROR_RATE = 0.01  # of all columns together

MISSING, UNKNOWN, WORDS = "missing", "missing or unknown", "unknown words"

Value = float | str | None


@dataclass(frozen=True, slots=True)
class Drift:
    """The drift of one column.

    Attributes:
        name: The name of the column.
        distance: Between 0 (the same distribution) and 1. Numbers, dates and times: the Kolmogorov-Smirnov distance,
            the largest difference of the two distribution functions, at the quantiles that the file holds; missing
            values count as smaller than all others. Categories: the total variation distance, half the sum of the
            absolute differences of their shares; missing and unknown values are one category. Free text: the difference
            of the shares of missing texts, or of unknown words from the share that is expected of further rows.
        chance: The distance that chance explains, with an error rate of 1% over all columns.
        what: What has moved most: "median", "missing", "unknown words", or a category.
        then: Its value in the training rows: a number, the text of a date, or a share.
        given: Its value in the given rows.
    """

    name: str
    distance: float
    chance: float
    what: str
    then: Value
    given: Value

    @property
    def is_clear(self) -> bool:
        """Whether the distance is above ``LEAST`` and above what chance explains."""
        return self.distance >= max(LEAST, self.chance)

    @property
    def sentence(self) -> str:
        """What has moved.

        >>> Drift("age", 0.25, 0.05, "median", 40.0, 47.5).sentence
        'median 40.0 to 47.5'
        >>> Drift("town", 0.25, 0.05, "north", 0.5, 0.25).sentence
        "'north' 50.0% to 25.0%"
        """
        if self.what == "median":
            return f"median {' to '.join(_texts(self.then, self.given))}"
        what = self.what if self.what in (MISSING, UNKNOWN, WORDS) else shown(self.what)
        return f"{what} {_percent(self.then)} to {_percent(self.given)}"

    def to_json(self) -> dict[str, Any]:
        """Plain data for ``--json``."""
        moved = {"what": self.what, "training": self.then, "rows": self.given}
        return {"column": self.name, "distance": self.distance, "chance": self.chance, "clear": self.is_clear, **moved}


def drifts(columns: Sequence[ModelColumn], kept: TrainingRows | None, encoded: Encoded) -> tuple[Drift, ...] | None:
    """The drift of each column, in descending order; None if the model file lacks what is needed.

    Args:
        columns: The columns of the model.
        kept: Its summary of the training rows.
        encoded: Rows encoded by the model's schema, at least one.
    """
    has_profiles = any(column.profile is not None for column in columns)
    if kept is None or not has_profiles or not len(encoded.codes):
        return None
    found = []
    for column in columns:
        profile = column.profile
        rate = _ERROR_RATE / len(columns)
        if isinstance(profile, CategoricalProfile) and isinstance(column.feature, CategoricalFeature):
            found.append(_of_categories(column.feature, profile, encoded.codes[:, column.places[0]], rate))
        elif isinstance(profile, NumericProfile) and isinstance(column.feature, TextFeature):
            missing = np.isnan(encoded.numbers[:, column.places[0]])
            found.append(_of_text(column.feature, profile, kept, missing, encoded.words, rate))
        elif isinstance(profile, NumericProfile):
            place = column.places[0]
            found.append(_of_numbers(column, profile, kept, encoded.numbers[:, place], rate))
    return tuple(sorted(found, key=lambda each: -each.distance))


def _of_numbers(
    column: ModelColumn, profile: NumericProfile, kept: TrainingRows, values: NDArray[np.float64], rate: float
) -> Drift:
    then = (profile.missing + kept.below[column.places[0]].astype(np.float64)) / kept.profiled
    now = (np.count_nonzero(np.isnan(values)) + counts_below(values, profile.quantiles or (0.0,) * 9)) / len(values)
    gaps = profile.missing / kept.profiled, float(np.isnan(values).mean())
    moved = float(np.abs(then - now).max(initial=0.0)) if profile.quantiles else 0.0
    distance = max(moved, abs(gaps[0] - gaps[1]))
    # Dvoretzky, Kiefer & Wolfowitz 1956 with the constant of Massart 1990, for two samples
    chance = min(sqrt(log(2.0 / rate) / (2.0 * _rows_together(kept.profiled, len(values)))), 1.0)
    present = values[np.isfinite(values)]
    if abs(gaps[0] - gaps[1]) >= 0.5 * distance or not profile.quantiles or not present.size:
        return Drift(column.name, distance, chance, MISSING, *gaps)
    median = float(np.median(present))
    medians = profile.quantiles[SHARES.index(0.5)], float(np.rint(median)) if profile.whole else median
    return Drift(column.name, distance, chance, "median", *_spelled(column, *medians))


def _of_categories(
    feature: CategoricalFeature, profile: CategoricalProfile, codes: NDArray[np.int32], rate: float
) -> Drift:
    counts = np.array([profile.missing, *profile.counts], dtype=np.float64)
    then = counts / max(counts.sum(), 1.0)
    now = np.bincount(codes, minlength=len(counts)) / len(codes)
    rows = _rows_together(int(counts.sum()), len(codes))
    pooled = (counts + now * len(codes)) / (counts.sum() + len(codes))
    # The mean distance of two samples of one distribution is at most the first term; McDiarmid 1989 bounds the rest.
    mean = float(np.sqrt(pooled * (1.0 - pooled) / rows).sum()) / sqrt(2.0 * pi)
    chance = min(mean + sqrt(log(1.0 / rate) / (2.0 * rows)), 1.0)
    most = int(np.argmax(np.abs(then - now)))
    what = feature.levels[most - 1] if most else UNKNOWN
    return Drift(feature.name, 0.5 * float(np.abs(then - now).sum()), chance, what, float(then[most]), float(now[most]))


def _of_text(
    feature: TextFeature,
    profile: NumericProfile,
    kept: TrainingRows,
    missing: NDArray[np.bool_],
    words: Mapping[str, Words],
    rate: float,
) -> Drift:
    gaps = profile.missing / kept.profiled, float(missing.mean())
    # Hoeffding 1963 for the mean of a share per row
    chance = min(sqrt(log(2.0 / rate) / (2.0 * _rows_together(kept.profiled, len(missing)))), 1.0)
    found = words.get(feature.name)
    expected = feature.encoding.vocabulary.expected
    unknown = 1.0 - expected, 1.0 - (found.known_share if found is not None and found.held else expected)
    (then, given), what = max(((gaps, MISSING), (unknown, WORDS)), key=lambda each: abs(each[0][1] - each[0][0]))
    return Drift(feature.name, abs(given - then), chance, what, then, given)


def _rows_together(one: int, other: int) -> float:
    """The number of rows of a single sample whose distribution function is as exact as the difference of two."""
    return max(one * other / (one + other), 1e-9) if one and other else 1e-9


def _spelled(column: ModelColumn, then: float, now: float) -> tuple[Value, Value]:
    """The two medians: numbers, or the texts of dates and times."""
    feature = column.feature
    if not isinstance(feature, DatetimeFeature):
        return then, now
    first, second = timestamp_texts(microseconds_of(np.array([then, now]), feature.kind), feature.kind)
    return first, second


def _texts(then: Value, now: Value) -> list[str]:
    if isinstance(then, float) and isinstance(now, float):
        return value_texts([then, now])
    return [str(then), str(now)]


def _percent(value: Value) -> str:
    return f"{100.0 * value:.1f}%" if isinstance(value, float) else str(value)


def drift_facts(found: tuple[Drift, ...] | None) -> list[Mapping[str, Any]] | None:
    """Plain data for ``--json``."""
    return None if found is None else [each.to_json() for each in found]
