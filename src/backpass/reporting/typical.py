"""The typical row: the median of each numeric, date or time column, and the most frequent category of the others.

Functions take a model and return the typical row and the typical ranges of columns. They come from the profile of the
training rows in the model file, or, if it has none, from the scaling and the categories.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from backpass.model.model import Model
from backpass.model.profile import SHARES, CategoricalProfile, NumericProfile
from backpass.reporting.columns import ModelColumn, columns_of
from backpass.table import CategoricalFeature, DatetimeFeature


@dataclass(frozen=True, slots=True)
class Range:
    """The typical range of a numeric, date or time column. Dates are days since 1970-01-01, times are hours.

    Attributes:
        low: The lower end.
        high: The upper end.
        middle: The typical value.
        whole: Whether all training values are whole numbers.
    """

    low: float
    high: float
    middle: float
    whole: bool


def typical_row(model: Model) -> tuple[NDArray[np.float64], NDArray[np.int32]]:
    """Return the typical row as encoded numbers (1, p) and codes (1, q)."""
    numbers = np.empty((1, len(model.schema.numbers)))
    for column in columns_of(model):
        if not isinstance(column.feature, CategoricalFeature):
            numbers[:, column.places] = column.encoded_at(np.array([range_of(model, column).middle]))
    return numbers, np.array([[commonest(model, j) for j in range(len(model.schema.texts))]], np.int32)


def range_of(model: Model, column: ModelColumn) -> Range:
    """Return the range of a column: its 1 % to 99 % quantiles; without a profile, two IQRs on each side of the median.

    The middle is the median, rounded to a whole day or hour for dates and times that are all whole.
    """
    j = column.places[0]
    profile = profile_of(model, column)
    center, scale = float(model.feature_map.center[j]), float(model.feature_map.scale[j])
    if isinstance(profile, NumericProfile) and profile.quantiles:
        at = dict(zip(SHARES, profile.quantiles, strict=True))
        low, high = (at[0.01], at[0.99]) if at[0.01] < at[0.99] else (at[0.0], at[1.0])
        is_rounded = profile.whole and isinstance(column.feature, DatetimeFeature)
        middle = center if model.feature_map.clipped else at[0.5]
        return Range(low, high, float(np.rint(middle)) if is_rounded else middle, profile.whole)
    half = 2.0 / scale if scale else 1.0
    return Range(center - half, center + half, center, False)


def profile_of(model: Model, column: ModelColumn) -> NumericProfile | CategoricalProfile | None:
    """Return the stored profile of a column; for a date, that of its first component, which contains the whole date."""
    is_text = isinstance(column.feature, CategoricalFeature)
    return model.record.columns.get(column.name if is_text else model.schema.numbers[column.places[0]].name)


def commonest(model: Model, j: int) -> int:
    """Return the code of the most frequent category of categorical column j; 1 if the file has no profile."""
    profile = model.record.columns.get(model.schema.texts[j].name)
    return profile.commonest if isinstance(profile, CategoricalProfile) else 1


def is_single_neuron(model: Model) -> bool:
    """Whether the model is one ReLU neuron on one column, max(w x + b, 0), as in Figure 1    CS229 eq. (2.1)"""
    dense = [layer for layer in model.network.layers if layer.neurons]
    activation = getattr(dense[-1], "activation", "identity")
    return model.network.inputs == 1 and model.network.widths == (1,) and activation == "relu"
