"""The columns of a model as a report names them: every number, date and text once, whatever inputs it becomes.

A model comes in; columns with their places in the encoded rows go out. Numbers and dates stand first, then texts, each
in the order of the features: that is the order of the feature map's groups, in which a date has one for each part.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backpass.model.model import Model
from backpass.table import CategoricalFeature, DatetimeFeature
from backpass.table.date_components import part_values, ticks_of
from backpass.table.feature import Feature, number_inputs


@dataclass(frozen=True, slots=True)
class ModelColumn:
    """A feature and where it stands: ``places`` among the encoded numbers, or the one among the codes of a text."""

    feature: Feature
    places: tuple[int, ...]

    @property
    def name(self) -> str:
        return self.feature.name

    def encoded_at(self, at: NDArray[np.float64]) -> NDArray[np.float64]:
        """What stands in its places for numbers, or for dates as days and times as hours: (m,) -> (m, places)"""
        if not isinstance(self.feature, DatetimeFeature):
            return at[:, None]
        kind = self.feature.kind
        microseconds = ticks_of(at, kind)
        return np.column_stack([part_values(microseconds, kind, part) for part in self.feature.parts])


def columns_of(model: Model) -> list[ModelColumn]:
    """The columns, numbers and dates first."""
    found, first = list[ModelColumn](), 0
    for feature in model.schema.features:
        if count := len(number_inputs(feature)):
            found.append(ModelColumn(feature, tuple(range(first, first + count))))
            first += count
    return [*found, *(ModelColumn(text, (j,)) for j, text in enumerate(model.schema.texts))]


def names_of(model: Model) -> list[str]:
    """The names of the columns."""
    return [column.name for column in columns_of(model)]


def by_column(model: Model, groups: Sequence[Sequence[int] | NDArray[Any]]) -> list[NDArray[np.intp]]:
    """Groups of inputs, one for each encoded number and text, put together for each column."""
    first_text = len(model.schema.numbers)
    found = []
    for column in columns_of(model):
        offset = first_text if isinstance(column.feature, CategoricalFeature) else 0
        parts = [np.asarray(groups[offset + place], dtype=np.intp) for place in column.places]
        found.append(np.concatenate(parts))
    return found
