"""A typical row: the median of each number and date and the most frequent text, and where a column ranges.

It comes from the profile of the training rows in the model file; from scales and levels where the file has none.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from backpass.model.model import Model
from backpass.model.profile import SHARES, CategoricalProfile, NumericProfile
from backpass.report.columns import ModelColumn, columns_of
from backpass.table import CategoricalFeature, DatetimeFeature


@dataclass(frozen=True, slots=True)
class Range:
    """A column of numbers: the usual least and largest value, the middle one, and whether all are whole.

    Dates are days since 1970-01-01, times of day are hours.
    """

    low: float
    high: float
    middle: float
    whole: bool


def typical_row(model: Model) -> tuple[NDArray[np.float64], NDArray[np.int32]]:
    """numbers (1, p)   codes (1, q)"""
    numbers = np.empty((1, len(model.schema.numbers)))
    for column in columns_of(model):
        if not isinstance(column.feature, CategoricalFeature):
            numbers[:, column.places] = column.encoded_at(np.array([range_of(model, column).middle]))
    return numbers, np.array([[commonest(model, j) for j in range(len(model.schema.texts))]], np.int32)


def range_of(model: Model, column: ModelColumn) -> Range:
    """Between the 1 % and 99 % quantiles, or two quartile distances about the median, the center.

    The middle of dates is a whole day where all of them are.
    """
    j = column.places[0]
    profile = profile_of(model, column)
    center, scale = float(model.feature_map.center[j]), float(model.feature_map.scale[j])
    if isinstance(profile, NumericProfile) and profile.quantiles:
        at = dict(zip(SHARES, profile.quantiles, strict=True))
        low, high = (at[0.01], at[0.99]) if at[0.01] < at[0.99] else (at[0.0], at[1.0])
        is_rounded = profile.whole and isinstance(column.feature, DatetimeFeature)
        return Range(low, high, float(np.rint(center)) if is_rounded else center, profile.whole)
    half = 2.0 / scale if scale else 1.0
    return Range(center - half, center + half, center, False)


def profile_of(model: Model, column: ModelColumn) -> NumericProfile | CategoricalProfile | None:
    """What the file remembers of a column's training rows; of a date that of its first part, which holds all of it."""
    is_text = isinstance(column.feature, CategoricalFeature)
    return model.record.columns.get(column.name if is_text else model.schema.numbers[column.places[0]].name)


def commonest(model: Model, j: int) -> int:
    """The code of text column j's most frequent level; 1 where the file does not know."""
    profile = model.record.columns.get(model.schema.texts[j].name)
    return profile.commonest if isinstance(profile, CategoricalProfile) else 1


def is_single_neuron(model: Model) -> bool:
    """Whether the model is max(w x + b, 0) of one column: the line with a kink of Figure 1    CS229 eq. (2.1)"""
    dense = [layer for layer in model.network.layers if layer.neurons]
    activation = getattr(dense[-1], "activation", "identity")
    return model.network.inputs == 1 and model.network.widths == (1,) and activation == "relu"
