"""The columns of a model as a report lists them: each once, however many network inputs it becomes.

Functions take a model and return columns with their positions in the encoded rows. Numeric, date and time columns come
first, then categorical ones, each in the order of the features. The groups of the feature map have the same order, with
one group for each component of a date.
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
    """A column of a model.

    Attributes:
        feature: The feature of the schema.
        places: The positions among the encoded numbers; for a categorical column, the position among the codes.
    """

    feature: Feature
    places: tuple[int, ...]

    @property
    def name(self) -> str:
        return self.feature.name

    def encoded_at(self, at: NDArray[np.float64]) -> NDArray[np.float64]:
        """Encode values of the column: (m,) -> (m, places)

        Dates are given as days since 1970-01-01, times as hours.
        """
        if not isinstance(self.feature, DatetimeFeature):
            return at[:, None]
        kind = self.feature.kind
        microseconds = ticks_of(at, kind)
        return np.column_stack([part_values(microseconds, kind, part) for part in self.feature.parts])


def columns_of(model: Model) -> list[ModelColumn]:
    """Return the columns: numeric, date and time columns first, then categorical ones."""
    found, first = list[ModelColumn](), 0
    for feature in model.schema.features:
        if count := len(number_inputs(feature)):
            found.append(ModelColumn(feature, tuple(range(first, first + count))))
            first += count
    return [*found, *(ModelColumn(text, (j,)) for j, text in enumerate(model.schema.texts))]


def names_of(model: Model) -> list[str]:
    """Return the names of the columns, in the order of ``columns_of``."""
    return [column.name for column in columns_of(model)]


def by_column(model: Model, groups: Sequence[Sequence[int] | NDArray[Any]]) -> list[NDArray[np.intp]]:
    """Merge groups of inputs, one for each encoded number and each categorical column, into one group per column.

    Args:
        model: The model.
        groups: The input positions of each encoded number, then of each categorical column.

    Returns:
        The input positions of each column, in the order of ``columns_of``.
    """
    first_text = len(model.schema.numbers)
    found = []
    for column in columns_of(model):
        offset = first_text if isinstance(column.feature, CategoricalFeature) else 0
        parts = [np.asarray(groups[offset + place], dtype=np.intp) for place in column.places]
        found.append(np.concatenate(parts))
    return found
