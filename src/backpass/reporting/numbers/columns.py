"""The columns of a model as a report lists them: each once, however many network inputs it becomes.

A column is one immutable value, made of the schema, the feature map and the profile of the training rows; if the model
file holds no profile, its range comes from the scaling. Numeric, date and time columns come first, then categorical
ones, each in the order of the features. The groups of the feature map have the same order, with one group for each
component of a date.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from backpass.dataclass import dataclass
from backpass.model.model import Model
from backpass.model.profile import SHARES, CategoricalProfile, NumericProfile, Profile
from backpass.network.feature_map import FeatureMap
from backpass.table import CategoricalFeature, DatetimeFeature, TextFeature
from backpass.table.datetimes.date_components import microseconds_of, part_values
from backpass.table.feature import Feature, number_inputs


@dataclass(frozen=True, slots=True)
class Range:
    """The typical range of a numeric, date or time column. Dates are days since 1970-01-01, times are hours.

    Attributes:
        low: The lower end: the 1% quantile; without a profile, two IQRs below the median.
        high: The upper end, likewise.
        middle: The median, rounded to a whole day or hour for dates and times that are all whole.
        whole: Whether all training values are whole numbers.
    """

    low: float
    high: float
    middle: float
    whole: bool


@dataclass(frozen=True, slots=True)
class ModelColumn:
    """A column of a model.

    Attributes:
        feature: The feature of the schema.
        places: The positions among the encoded numbers; for a categorical column, the position among the codes.
        profile: The profile of the training rows, for a date that of its first component, which contains the whole
            date; None in files that hold none.
        range: The typical range; None for a categorical column.
        quartile_distances: The interquartile range of each place; the unit of its scale without a profile, or if the
            quartiles are equal. Empty for a categorical column.
        can_be_missing: Whether the network has an input for missing values of the column.
        centers: The centers of the numbers of free text; empty for other columns.
    """

    feature: Feature
    places: tuple[int, ...]
    profile: Profile | None
    range: Range | None
    quartile_distances: tuple[float, ...] = ()
    can_be_missing: bool = False
    centers: tuple[float, ...] = ()

    @property
    def name(self) -> str:
        return self.feature.name

    @property
    def commonest(self) -> int:
        """The code of the most frequent category; 1 without a profile."""
        return self.profile.commonest if isinstance(self.profile, CategoricalProfile) else 1

    def encoded_at(self, at: NDArray[np.float64]) -> NDArray[np.float64]:
        """Encode values of the column: (m,) -> (m, places)

        Dates are given as days since 1970-01-01, times as hours. A number is exact rather than a bound. Free text has
        no order: each value is the center.
        """
        if isinstance(self.feature, TextFeature):
            return np.tile(np.array(self.centers), (len(at), 1))
        if not isinstance(self.feature, DatetimeFeature):
            return np.column_stack([at, *(np.zeros(len(at)) for _ in self.places[1:])])  # an exact number, no bound
        kind = self.feature.kind
        microseconds = microseconds_of(at, kind)
        return np.column_stack([part_values(microseconds, kind, part) for part in self.feature.parts])


def columns_of(model: Model) -> tuple[ModelColumn, ...]:
    """Return the columns: numeric, date and time columns first, then categorical ones."""
    found, first = list[ModelColumn](), 0
    profiles, phi = model.record.columns, model.feature_map
    of_places = [profiles.get(each.name) for each in model.schema.numbers]
    for feature in model.schema.features:
        if count := len(number_inputs(feature)):
            found.append(_numeric(phi, feature, tuple(range(first, first + count)), of_places[first : first + count]))
            first += count
    found += [ModelColumn(text, (j,), profiles.get(text.name), None) for j, text in enumerate(model.schema.texts)]
    return tuple(found)


def _numeric(
    phi: FeatureMap, feature: Feature, places: tuple[int, ...], profiles: Sequence[Profile | None]
) -> ModelColumn:
    """Return a numeric, date, time or free-text column, whose places have these profiles."""
    first = places[0]
    scales = [float(phi.scale[j]) for j in places]
    distances = tuple(_quartile_distance(*each) for each in zip(profiles, scales, strict=True))
    span = _range(feature, profiles[0], float(phi.center[first]), scales[0], clipped=phi.clipped)
    centers = tuple(float(phi.center[j]) for j in places) if isinstance(feature, TextFeature) else ()
    return ModelColumn(feature, places, profiles[0], span, distances, phi.has_missing[first], centers)


def _range(feature: Feature, profile: Profile | None, center: float, scale: float, *, clipped: bool) -> Range:
    if isinstance(profile, NumericProfile) and profile.quantiles:
        at = dict(zip(SHARES, profile.quantiles, strict=True))
        low, high = (at[0.01], at[0.99]) if at[0.01] < at[0.99] else (at[0.0], at[1.0])
        is_rounded = profile.whole and isinstance(feature, DatetimeFeature)
        middle = center if clipped else at[0.5]
        return Range(low, high, float(np.rint(middle)) if is_rounded else middle, profile.whole)
    half = 2.0 / scale if scale else 1.0
    return Range(center - half, center + half, center, False)


def _quartile_distance(profile: Profile | None, scale: float) -> float:
    distance = 0.0
    if isinstance(profile, NumericProfile) and profile.quantiles:
        at = dict(zip(SHARES, profile.quantiles, strict=True))
        distance = at[0.75] - at[0.25]
    return distance or (1.0 / scale if scale else 0.0)


def typical_row(columns: Sequence[ModelColumn]) -> tuple[NDArray[np.float64], NDArray[np.int32]]:
    """Return the typical row as encoded numbers (1, p) and codes (1, q).

    It has the median of each numeric, date or time column, and the most frequent category of the others.
    """
    numbers = np.empty((1, sum(len(column.places) for column in columns if column.range is not None)))
    for column in columns:
        if column.range is not None:
            numbers[:, column.places] = column.encoded_at(np.array([column.range.middle]))
    return numbers, np.array([[column.commonest for column in columns if column.range is None]], np.int32)


def by_column(
    columns: Sequence[ModelColumn], groups: Sequence[Sequence[int] | NDArray[np.intp]]
) -> list[NDArray[np.intp]]:
    """Merge groups of inputs, one for each encoded number and each categorical column, into one group per column.

    Args:
        columns: The columns of a model.
        groups: The input positions of each encoded number, then of each categorical column.

    Returns:
        The input positions of each column, in the order of the columns.
    """
    first_text = sum(len(column.places) for column in columns if column.range is not None)
    found = []
    for column in columns:
        offset = first_text if isinstance(column.feature, CategoricalFeature) else 0
        parts = [np.asarray(groups[offset + place], dtype=np.intp) for place in column.places]
        found.append(np.concatenate(parts))
    return found
